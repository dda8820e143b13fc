/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting edges. The arrays grow by nd_realloc, which for large blocks moves pages, not bytes:
 * what is resident is what has been written, never twice. */
#include "operators/graph/edge_collector.h"

#include <nereid/memory.h>

enum { FIRST_CAPACITY = 1 << 10, LOOK_AHEAD = 12 };

void edge_collector_deinit(edge_collector *collector)
{
    id_table_deinit(&collector->table);
    nd_free(collector->keys);
    nd_free(collector->weights);
    *collector = (edge_collector){.keep_weights = collector->keep_weights};
}

static nd_err reserve(edge_collector *collector, size_t n)
{
    if (collector->capacity - collector->len >= n)
        return ND_OK;
    size_t capacity =
        collector->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : collector->capacity * 2;
    capacity = capacity < collector->len + n ? collector->len + n : capacity;
    uint64_t *const keys = nd_realloc(collector->keys, capacity, sizeof *keys);
    if (keys == NULL)
        return ND_NOMEM;
    collector->keys = keys;
    if (collector->keep_weights) {
        double *const weights = nd_realloc(collector->weights, capacity, sizeof *weights);
        if (weights == NULL)
            return ND_NOMEM;
        collector->weights = weights;
    }
    collector->capacity = capacity;
    return ND_OK;
}

static nd_err key_of_indices(edge_collector *collector, uint64_t src, uint64_t dst, uint64_t *key)
{
    uint32_t src_index, dst_index;
    ND_TRY(id_table_add(&collector->table, src, &src_index));
    ND_TRY(id_table_add(&collector->table, dst, &dst_index));
    *key = (uint64_t)src_index << 32 | dst_index;
    return ND_OK;
}

nd_err edge_collector_use_table(edge_collector *collector)
{
    if (collector->has_table)
        return ND_OK;
    for (size_t i = 0; i < collector->len; i++) {
        const uint64_t key = collector->keys[i];
        ND_TRY(key_of_indices(collector, key >> 32, key & UINT32_MAX, &collector->keys[i]));
    }
    collector->has_table = true;
    return ND_OK;
}

/* Adds edges whose ids fit the keys; returns how many there were before one that does not. */
static size_t add_narrow(edge_collector *collector, const nd_edge *edges, size_t len)
{
    uint64_t *const keys = collector->keys + collector->len;
    uint64_t bits = 0;
    size_t n_loops = 0, i = 0;
    for (; i < len; i++) {
        const uint64_t src = edges[i].src, dst = edges[i].dst;
        if ((src | dst) > UINT32_MAX)
            break;
        bits |= src | dst;
        n_loops += src == dst;
        keys[i] = src << 32 | dst;
    }
    collector->id_bits |= bits;
    collector->n_self_loops += n_loops;
    return i;
}

/* Looks ids up some edges ahead, in two steps, since a table of many ids is far from the processor:
 * slots first, then what they refer to. */
static void prefetch_edge(const id_table *table, const nd_edge *edges, size_t i, size_t len)
{
    if (i + 2 * LOOK_AHEAD < len) {
        id_table_prefetch_slot(table, edges[i + 2 * LOOK_AHEAD].src);
        id_table_prefetch_slot(table, edges[i + 2 * LOOK_AHEAD].dst);
    }
    if (i + LOOK_AHEAD < len) {
        id_table_prefetch_id(table, edges[i + LOOK_AHEAD].src);
        id_table_prefetch_id(table, edges[i + LOOK_AHEAD].dst);
    }
}

static nd_err add_wide(edge_collector *collector, const nd_edge *edges, size_t len)
{
    ND_TRY(edge_collector_use_table(collector));
    uint64_t *const keys = collector->keys + collector->len;
    for (size_t i = 0; i < len; i++) {
        prefetch_edge(&collector->table, edges, i, len);
        ND_TRY(key_of_indices(collector, edges[i].src, edges[i].dst, &keys[i]));
        collector->n_self_loops += edges[i].src == edges[i].dst;
    }
    return ND_OK;
}

static void add_weights(edge_collector *collector, const nd_edge *edges, size_t len)
{
    for (size_t i = 0; i < len; i++)
        collector->weights[collector->len + i] = edges[i].weight;
}

nd_err edge_collector_add(edge_collector *collector, const nd_edge *edges, size_t len)
{
    size_t n_narrow = 0;
    if (len == 0)
        return ND_OK;
    ND_TRY(reserve(collector, len));
    if (collector->keep_weights)
        add_weights(collector, edges, len);
    if (!collector->has_table) {
        n_narrow = add_narrow(collector, edges, len);
        collector->len += n_narrow;
    }
    if (n_narrow < len)
        ND_TRY(add_wide(collector, edges + n_narrow, len - n_narrow));
    collector->len += len - n_narrow;
    collector->n_lines += len;
    return ND_OK;
}

nd_err edge_collector_add_vertices(edge_collector *collector, const uint64_t *ids, size_t len)
{
    const uint64_t n_lines = collector->n_lines, n_self_loops = collector->n_self_loops;
    for (size_t i = 0; i < len; i++)
        ND_TRY(edge_collector_add(collector, &(nd_edge){ids[i], ids[i], 1.0}, 1));
    collector->n_lines = n_lines;
    collector->n_self_loops = n_self_loops;
    return ND_OK;
}
