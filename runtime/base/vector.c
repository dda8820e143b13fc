/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growth by half again, so that blocks freed earlier can be used once more; the least is eight
 * items.
 */
#include "runtime/base/vector.h"

#include <stdint.h>

#include <nereid/memory.h>

enum { LEAST_CAPACITY = 8 };

void nd_vector_init(nd_vector *vector, size_t item_size)
{
    assert(item_size != 0);
    *vector = (nd_vector){.item_size = item_size};
}

void nd_vector_deinit(nd_vector *vector) { nd_free(nd_vector_take(vector)); }

nd_err nd_vector_reserve(nd_vector *vector, size_t len)
{
    if (len <= vector->capacity)
        return ND_OK;
    void *items = nd_realloc(vector->items, len, vector->item_size);
    if (items == NULL)
        return ND_NOMEM;
    vector->items = items;
    vector->capacity = len;
    return ND_OK;
}

static nd_err grow(nd_vector *vector)
{
    const size_t capacity = vector->capacity;
    if (capacity < LEAST_CAPACITY)
        return nd_vector_reserve(vector, LEAST_CAPACITY);
    if (capacity > SIZE_MAX - capacity / 2)
        return ND_NOMEM;
    return nd_vector_reserve(vector, capacity + capacity / 2);
}

void *nd_vector_push(nd_vector *vector)
{
    if (vector->len == vector->capacity && grow(vector) != ND_OK)
        return NULL;
    return (char *)vector->items + vector->len++ * vector->item_size;
}

void *nd_vector_take(nd_vector *vector)
{
    void *items = vector->items;
    nd_vector_init(vector, vector->item_size != 0 ? vector->item_size : 1);
    return items;
}
