/* SPDX-License-Identifier: Apache-2.0 */
/* Counting edges. Whatever is removed is gone for good: what stands behind it moves up, so that no
 * slot remembers it, and a table that has become too large is replaced by a smaller one. */
#include "operators/graph/edge_counts.h"

#include <string.h>

#include <nereid/memory.h>

enum { LEAST_SLOTS = 64 };

void edge_counts_deinit(edge_counts *counts)
{
    nd_free(counts->slots);
    *counts = (edge_counts){.slots = NULL};
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

/* Where an edge would stand if nobody else did. */
static size_t home_of(const edge_counts *counts, const nd_edge *edge)
{
    uint64_t weight;
    memcpy(&weight, &edge->weight, sizeof weight);
    const uint64_t hash = mix(mix(mix(UINT64_C(0x9e3779b97f4a7c15), edge->src), edge->dst), weight);
    return (size_t)hash & (counts->n_slots - 1);
}

static bool is_same(const nd_edge *a, const nd_edge *b)
{
    return a->src == b->src && a->dst == b->dst && a->weight == b->weight;
}

/* The slot where the edge is or belongs. */
static size_t find_slot(const edge_counts *counts, const nd_edge *edge)
{
    size_t slot = home_of(counts, edge);
    while (counts->slots[slot].count != 0 && !is_same(&counts->slots[slot].edge, edge))
        slot = (slot + 1) & (counts->n_slots - 1);
    return slot;
}

static nd_err resize(edge_counts *counts, size_t n_slots)
{
    edge_counts resized = *counts;
    resized.n_slots = n_slots;
    resized.slots = nd_alloc_zero(n_slots, sizeof *resized.slots);
    if (resized.slots == NULL)
        return ND_NOMEM;
    for (size_t i = 0; i < counts->n_slots; i++)
        if (counts->slots[i].count != 0)
            resized.slots[find_slot(&resized, &counts->slots[i].edge)] = counts->slots[i];
    nd_free(counts->slots);
    *counts = resized;
    return ND_OK;
}

nd_err edge_counts_add(edge_counts *counts, const nd_edge *edge)
{
    if (counts->n_slots == 0 || counts->len + 1 > counts->n_slots / 4 * 3)
        ND_TRY(resize(counts, counts->n_slots == 0 ? LEAST_SLOTS : 2 * counts->n_slots));
    edge_count *const slot = &counts->slots[find_slot(counts, edge)];
    if (slot->count++ == 0) {
        slot->edge = *edge;
        counts->len++;
        counts->n_loops += edge->src == edge->dst;
    }
    return ND_OK;
}

/* Empties a slot: moves up those behind it that would not be found from their homes any more. */
static void empty_slot(edge_counts *counts, size_t hole)
{
    const size_t mask = counts->n_slots - 1;
    for (size_t slot = (hole + 1) & mask; counts->slots[slot].count != 0; slot = (slot + 1) & mask)
        if (((slot - home_of(counts, &counts->slots[slot].edge)) & mask) >=
            ((slot - hole) & mask)) {
            counts->slots[hole] = counts->slots[slot];
            hole = slot;
        }
    counts->slots[hole].count = 0;
}

bool edge_counts_remove(edge_counts *counts, const nd_edge *edge)
{
    const size_t slot = counts->n_slots == 0 ? 0 : find_slot(counts, edge);
    if (counts->n_slots == 0 || counts->slots[slot].count == 0)
        return false;
    if (--counts->slots[slot].count != 0)
        return true;
    empty_slot(counts, slot);
    counts->len--;
    counts->n_loops -= edge->src == edge->dst;
    if (counts->n_slots > LEAST_SLOTS && counts->len < counts->n_slots / 8)
        (void)resize(counts, counts->n_slots / 2); /* without memory for it the larger one does */
    return true;
}
