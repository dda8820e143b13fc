/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_VECTOR_H
#define RUNTIME_BASE_VECTOR_H

/** @file
 * A growable array of items of one size. Pushing returns the new item's place, so assignment gives
 * the type:
 *
 *     port **slot = nd_vector_push(&vector);
 *     if (slot == NULL) return ND_NOMEM;
 *     *slot = port;
 *
 * Items move when the array grows: keep indices, not pointers. One thread at a time.
 */

#include <assert.h>
#include <stddef.h>

#include <nereid/error.h>

typedef struct nd_vector {
    void *items; /* NULL while capacity is zero */
    size_t len, capacity;
    size_t item_size;
} nd_vector;

/** An empty vector of items of `item_size` bytes, not zero. Allocates nothing. */
void nd_vector_init(nd_vector *vector, size_t item_size);

/** Frees the items; the vector is empty afterwards and may be used again. A zeroed vector is fine.
 */
void nd_vector_deinit(nd_vector *vector);

/** Appends one item and returns its place, not initialised, or NULL without memory (nothing has
 * changed then). Amortised constant time. */
void *nd_vector_push(nd_vector *vector);

/** Makes room for `len` items in all. Errors: ND_NOMEM, and nothing has changed. */
ND_CHECKED nd_err nd_vector_reserve(nd_vector *vector, size_t len);

/** The item at `index`, which is below `len`. Valid until the vector grows. */
static inline void *nd_vector_at(const nd_vector *vector, size_t index)
{
    assert(index < vector->len);
    return (char *)vector->items + index * vector->item_size;
}

/** Removes the last item and returns its place, valid until the next push; the vector is not empty.
 */
static inline void *nd_vector_pop(nd_vector *vector)
{
    assert(vector->len != 0);
    vector->len--;
    return (char *)vector->items + vector->len * vector->item_size;
}

/** Keeps the first `len` items, at most as many as there are; memory is kept. */
static inline void nd_vector_truncate(nd_vector *vector, size_t len)
{
    assert(len <= vector->len);
    vector->len = len;
}

/** Removes all items; memory is kept. */
static inline void nd_vector_clear(nd_vector *vector) { vector->len = 0; }

/** Hands the items to the caller, who owns them and ends them with nd_free (NULL if there was never
 * room); the vector is empty afterwards. The count is read before. */
void *nd_vector_take(nd_vector *vector);

#endif
