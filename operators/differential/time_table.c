/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/time_table.h"

#include <string.h>

#include <nereid/memory.h>

#include "runtime/base/hash.h"

enum { FEW = 8 /* times that are searched one by one */, FIRST_SLOTS = 32 };

void nd_time_table_init(nd_time_table *table)
{
    *table = (nd_time_table){.slots = NULL};
    nd_vector_init(&table->times, sizeof(nd_time));
}

void nd_time_table_deinit(nd_time_table *table)
{
    nd_vector_deinit(&table->times);
    nd_free(table->slots);
    nd_time_table_init(table);
}

void nd_time_table_clear(nd_time_table *table)
{
    nd_vector_clear(&table->times);
    if (table->slots)
        memset(table->slots, 0, table->n_slots * sizeof *table->slots);
    table->last = 0;
}

/* The slot of a time, or the free one where it belongs. */
static uint32_t *find_slot(const nd_time_table *table, const nd_time *time)
{
    const uint32_t mask = table->n_slots - 1;
    uint32_t i = (uint32_t)nd_hash_bytes(time, sizeof *time) & mask;
    while (table->slots[i] && !nd_time_equal(nd_time_table_get(table, table->slots[i] - 1), time))
        i = (i + 1) & mask;
    return &table->slots[i];
}

static nd_err grow_slots(nd_time_table *table)
{
    const size_t n = table->slots ? 2 * (size_t)table->n_slots : FIRST_SLOTS;
    if (n > UINT32_MAX / 2)
        return ND_FAILED;
    uint32_t *const slots = nd_alloc_zero(n, sizeof *slots);
    if (!slots)
        return ND_NOMEM;
    nd_free(table->slots);
    table->slots = slots;
    table->n_slots = (uint32_t)n;
    for (size_t i = 0; i < table->times.len; i++)
        *find_slot(table, nd_vector_at(&table->times, i)) = (uint32_t)i + 1;
    return ND_OK;
}

bool nd_time_table_find(const nd_time_table *table, const nd_time *time, uint32_t *number)
{
    if (table->slots) {
        const uint32_t slot = *find_slot(table, time);
        *number = slot - 1;
        return slot != 0;
    }
    for (size_t i = 0; i < table->times.len; i++)
        if (nd_time_equal(nd_vector_at(&table->times, i), time)) {
            *number = (uint32_t)i;
            return true;
        }
    return false;
}

nd_err nd_time_table_add(nd_time_table *table, const nd_time *time, uint32_t *number)
{
    const size_t n = table->times.len;
    if (table->last < n && nd_time_equal(nd_time_table_get(table, table->last), time)) {
        *number = table->last;
        return ND_OK;
    }
    if (nd_time_table_find(table, time, &table->last)) {
        *number = table->last;
        return ND_OK;
    }
    if (n >= FEW && (!table->slots || n >= table->n_slots / 2))
        ND_TRY(grow_slots(table));
    nd_time *const place = nd_vector_push(&table->times);
    if (!place)
        return ND_NOMEM;
    *place = *time;
    if (table->slots)
        *find_slot(table, time) = (uint32_t)n + 1;
    *number = table->last = (uint32_t)n;
    return ND_OK;
}
