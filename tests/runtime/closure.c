/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow and plain on purpose.
 */
#include "tests/runtime/closure.h"

#include <stdlib.h>
#include <string.h>

/* --- Times, by hand --- */

static uint64_t get(const nd_time *time, unsigned k)
{
    return k == 0 ? time->epoch : time->loop[k - 1];
}

static void set(nd_time *time, unsigned k, uint64_t value)
{
    if (k == 0)
        time->epoch = value;
    else
        time->loop[k - 1] = (uint32_t)value;
}

static bool at_or_before(const nd_time *a, const nd_time *b)
{
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        if (get(a, k) > get(b, k))
            return false;
    }
    return true;
}

int closure_order(const void *a, const void *b)
{
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        if (get(a, k) != get(b, k))
            return get(a, k) < get(b, k) ? -1 : 1;
    }
    return 0;
}

/* False if a coordinate overflows. */
static bool step(const closure_edge *edge, const nd_time *in, nd_time *out)
{
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        const uint64_t most = k == 0 ? UINT64_MAX : UINT32_MAX;
        const uint64_t kept = edge->clears[k] ? 0 : get(in, k);
        if (kept > most - edge->adds[k])
            return false;
        set(out, k, kept + edge->adds[k]);
    }
    return true;
}

/* --- Graphs --- */

void closure_edges(const closure_graph *graph, nd_arc *edges)
{
    for (size_t i = 0; i < graph->n_edges; i++) {
        const closure_edge *edge = &graph->edges[i];
        nd_summary summary = nd_summary_identity();
        nd_time add = {.epoch = 0};
        for (unsigned k = 0; k < ND_COORDINATES; k++) {
            set(&add, k, edge->adds[k]);
            const nd_summary leave = nd_summary_leave(k != 0 ? k - 1 : 0);
            if (edge->clears[k] && !nd_summary_compose(&summary, &leave, &summary))
                abort();
        }
        const nd_summary added = nd_summary_add(&add);
        if (!nd_summary_compose(&summary, &added, &summary))
            abort();
        edges[i] = (nd_arc){edge->from, edge->to, summary};
    }
}

static bool changes_before(const closure_edge *edge, unsigned k)
{
    for (unsigned j = 0; j < k; j++) {
        if (edge->clears[j] || edge->adds[j] != 0)
            return true;
    }
    return false;
}

/* Where one can get from where, along edges that change no coordinate before k. */
static void find_reachable(const closure_graph *graph, unsigned k,
                           bool reaches[CLOSURE_LOCATIONS][CLOSURE_LOCATIONS])
{
    const uint32_t n = graph->n_locations;
    for (uint32_t a = 0; a < n; a++) {
        for (uint32_t b = 0; b < n; b++)
            reaches[a][b] = a == b;
    }
    for (size_t i = 0; i < graph->n_edges; i++) {
        if (!changes_before(&graph->edges[i], k))
            reaches[graph->edges[i].from][graph->edges[i].to] = true;
    }
    for (uint32_t via = 0; via < n; via++) {
        for (uint32_t a = 0; a < n; a++) {
            for (uint32_t b = 0; reaches[a][via] && b < n; b++)
                reaches[a][b] = reaches[a][b] || reaches[via][b];
        }
    }
}

bool closure_is_legal(const closure_graph *graph)
{
    bool reaches[CLOSURE_LOCATIONS][CLOSURE_LOCATIONS];
    for (unsigned k = 0; k <= ND_COORDINATES; k++) {
        find_reachable(graph, k, reaches);
        for (size_t i = 0; i < graph->n_edges; i++) {
            const closure_edge *edge = &graph->edges[i];
            const bool offends = k == ND_COORDINATES || edge->clears[k];
            if (offends && !changes_before(edge, k) && reaches[edge->to][edge->from])
                return false;
        }
    }
    return true;
}

bool closure_is_culprit(const closure_graph *graph, const nd_cycle *cycle)
{
    closure_graph *only = malloc(sizeof(*only));
    if (only == NULL)
        abort();
    *only = (closure_graph){.n_locations = graph->n_locations};
    bool closed = cycle->len > 0;
    for (size_t i = 0; i < cycle->len; i++) {
        const size_t n_edges = only->n_edges;
        for (size_t j = 0; j < graph->n_edges; j++) {
            const closure_edge *edge = &graph->edges[j];
            if (edge->from == cycle->locations[i] &&
                edge->to == cycle->locations[(i + 1) % cycle->len])
                only->edges[only->n_edges++] = *edge;
        }
        closed = closed && only->n_edges > n_edges;
    }
    const bool culprit = closed && !closure_is_legal(only);
    free(only);
    return culprit;
}

/* --- Counts --- */

/* Room for one more item of `size` bytes. */
static void *grown(void *items, size_t len, size_t *capacity, size_t size)
{
    if (len < *capacity)
        return items;
    *capacity = 2 * *capacity + 8;
    items = realloc(items, *capacity * size);
    if (items == NULL)
        abort();
    return items;
}

static struct closure_count *find(const closure_counts *counts, uint32_t location,
                                  const nd_time *time)
{
    for (size_t i = 0; i < counts->len; i++) {
        struct closure_count *item = &counts->items[i];
        if (item->location == location && closure_order(&item->time, time) == 0)
            return item;
    }
    return NULL;
}

void closure_update(closure_counts *counts, uint32_t location, const nd_time *time, int64_t delta)
{
    struct closure_count *item = find(counts, location, time);
    if (item == NULL) {
        counts->items = grown(counts->items, counts->len, &counts->capacity, sizeof(*item));
        item = &counts->items[counts->len++];
        *item = (struct closure_count){location, *time, 0};
    }
    item->count += delta;
    if (item->count == 0)
        *item = counts->items[--counts->len];
}

int64_t closure_count_of(const closure_counts *counts, uint32_t location, const nd_time *time)
{
    const struct closure_count *item = find(counts, location, time);
    return item != NULL ? item->count : 0;
}

/* --- Frontiers --- */

bool closure_reaches(const struct closure_set *set, const nd_time *time)
{
    for (size_t i = 0; i < set->len; i++) {
        if (at_or_before(&set->times[i], time))
            return true;
    }
    return false;
}

/* Whether the set changes. */
static bool add(struct closure_set *set, const nd_time *time)
{
    if (closure_reaches(set, time))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < set->len; i++) {
        if (!at_or_before(time, &set->times[i]))
            set->times[kept++] = set->times[i];
    }
    set->len = kept;
    set->times = grown(set->times, set->len, &set->capacity, sizeof(nd_time));
    set->times[set->len++] = *time;
    return true;
}

static bool push_along(const closure_edge *edge, closure_frontiers *frontiers)
{
    const struct closure_set *from = &frontiers->at[edge->from];
    bool changed = false;
    for (size_t i = 0; i < from->len; i++) {
        nd_time arrived;
        if (step(edge, &from->times[i], &arrived))
            changed = add(&frontiers->at[edge->to], &arrived) || changed;
    }
    return changed;
}

void closure_find(const closure_graph *graph, const closure_counts *counts, closure_frontiers *out)
{
    for (uint32_t i = 0; i < graph->n_locations; i++)
        out->at[i].len = 0;
    for (size_t i = 0; i < counts->len; i++) {
        if (counts->items[i].count > 0)
            add(&out->at[counts->items[i].location], &counts->items[i].time);
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < graph->n_edges; i++)
            changed = push_along(&graph->edges[i], out) || changed;
    }
    for (uint32_t i = 0; i < graph->n_locations; i++) {
        if (out->at[i].len > 1)
            qsort(out->at[i].times, out->at[i].len, sizeof(nd_time), closure_order);
    }
}

bool closure_same(const struct closure_set *a, const nd_time *times, size_t len)
{
    if (a->len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (closure_order(&a->times[i], &times[i]) != 0)
            return false;
    }
    return true;
}

void closure_counts_free(closure_counts *counts)
{
    free(counts->items);
    *counts = (closure_counts){.items = NULL};
}

void closure_frontiers_free(closure_frontiers *frontiers)
{
    for (size_t i = 0; i < CLOSURE_LOCATIONS; i++)
        free(frontiers->at[i].times);
    memset(frontiers, 0, sizeof(*frontiers));
}
