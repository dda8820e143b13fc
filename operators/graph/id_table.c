/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing. Slots hold indices, not ids, so that a slot is four bytes
 * and the ids lie in one array that can be sorted when the table has done its work. */
#include "operators/graph/id_table.h"

#include <nereid/memory.h>

enum { FIRST_CAPACITY = 256 };

void id_table_deinit(id_table *table)
{
    nd_free(table->ids);
    nd_free(table->slots);
    *table = (id_table){.ids = NULL};
}

/* Mixes every bit of the id into the low bits. */
static size_t mix(uint64_t id)
{
    id ^= id >> 32;
    id *= UINT64_C(0xd6e8feb86659fd93);
    id ^= id >> 32;
    id *= UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(id ^ id >> 32);
}

/* The slot where `id` is or belongs. */
static size_t find_slot(const id_table *table, uint64_t id)
{
    const size_t mask = table->n_slots - 1;
    size_t slot = mix(id) & mask;
    while (table->slots[slot] != 0 && table->ids[table->slots[slot] - 1] != id)
        slot = (slot + 1) & mask;
    return slot;
}

static nd_err grow_ids(id_table *table)
{
    if (table->len == UINT32_MAX - 1)
        return ND_INPUT;
    size_t capacity =
        table->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : (size_t)table->capacity * 2;
    capacity = capacity < UINT32_MAX ? capacity : UINT32_MAX;
    uint64_t *const ids = nd_realloc(table->ids, capacity, sizeof *ids);
    if (ids == NULL)
        return ND_NOMEM;
    table->ids = ids;
    table->capacity = (uint32_t)capacity;
    return ND_OK;
}

/* Old slots need not be read: they follow from the ids. */
static nd_err grow_slots(id_table *table)
{
    const size_t n_slots = table->n_slots == 0 ? 2 * FIRST_CAPACITY : 2 * table->n_slots;
    uint32_t *const slots = nd_alloc_zero(n_slots, sizeof *slots);
    if (slots == NULL)
        return ND_NOMEM;
    nd_free(table->slots);
    table->slots = slots;
    table->n_slots = n_slots;
    for (uint32_t i = 0; i < table->len; i++)
        table->slots[find_slot(table, table->ids[i])] = i + 1;
    return ND_OK;
}

nd_err id_table_add(id_table *table, uint64_t id, uint32_t *index)
{
    if (2 * ((size_t)table->len + 1) > table->n_slots)
        ND_TRY(grow_slots(table));
    const size_t slot = find_slot(table, id);
    if (table->slots[slot] == 0) {
        if (table->len == table->capacity || table->len == UINT32_MAX - 1)
            ND_TRY(grow_ids(table));
        table->ids[table->len++] = id;
        table->slots[slot] = table->len;
    }
    *index = table->slots[slot] - 1;
    return ND_OK;
}

void id_table_prefetch_slot(const id_table *table, uint64_t id)
{
    if (table->n_slots != 0)
        nd_prefetch(&table->slots[mix(id) & (table->n_slots - 1)]);
}

void id_table_prefetch_id(const id_table *table, uint64_t id)
{
    const uint32_t index = table->n_slots != 0 ? table->slots[mix(id) & (table->n_slots - 1)] : 0;
    if (index != 0)
        nd_prefetch(&table->ids[index - 1]);
}
