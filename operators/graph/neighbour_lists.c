/* SPDX-License-Identifier: Apache-2.0 */
/* From sorted edges to neighbour lists.
 *
 * Two passes over the edges: count each vertex's neighbours, then put each neighbour into the next
 * free place of its list. While filling, offsets[v] is that place; at the end it has become the
 * beginning of the list after v's, so one shift mends all. Keys come ordered by
 * first end, then second, and undirected with the lesser end first; therefore each list comes out
 * ascending: first the neighbours below v, from edges sorted by them, then those above. Each thread
 * has a range of vertices and looks at all edges; only writes are far apart, so only they need
 * sharing.
 */
#include <string.h>

#include <nereid/memory.h>

#include "operators/graph/graph_internal.h"
#include "operators/graph/parallel.h"

enum { LOOK_AHEAD = 12 };

typedef struct listing {
    neighbour_lists *lists;
    const edge_buckets *buckets;
    uint32_t n_vertices;
    enum list_ends ends;
    unsigned n_threads;
} listing;

typedef struct vertex_range {
    uint32_t begin, end;
} vertex_range;

static vertex_range range_of(const listing *job, unsigned index)
{
    return (vertex_range){(uint32_t)((uint64_t)job->n_vertices * index / job->n_threads),
                          (uint32_t)((uint64_t)job->n_vertices * (index + 1) / job->n_threads)};
}

static inline bool is_in(vertex_range range, uint32_t vertex)
{
    return vertex - range.begin < range.end - range.begin;
}

static inline void count_bucket(const listing *job, unsigned bucket, vertex_range range,
                                const bool by_first, const bool by_second)
{
    const uint64_t *const keys = job->buckets->keys + job->buckets->begins[bucket];
    uint64_t *const counts = job->lists->offsets + 1;
    for (size_t i = 0; i < job->buckets->lens[bucket]; i++) {
        const uint32_t first = (uint32_t)(keys[i] >> 32), second = (uint32_t)keys[i];
        if (by_first && is_in(range, first))
            counts[first]++;
        if (by_second && is_in(range, second))
            counts[second]++;
    }
}

static inline void put(neighbour_lists *lists, uint32_t vertex, uint32_t neighbour,
                       const double *weight)
{
    const uint64_t place = lists->offsets[vertex]++;
    lists->targets[place] = neighbour;
    if (weight != NULL)
        lists->weights[place] = *weight;
}

/* Brings near, in two steps, the place in the list of a destination some edges ahead: destinations
 * come in no order. Offsets outside the thread's range are other threads' to read. */
static inline void prefetch_place(const neighbour_lists *lists, const uint64_t *keys, size_t i,
                                  size_t len, vertex_range range)
{
    if (i + 2 * LOOK_AHEAD >= len)
        return;
    const uint32_t near = (uint32_t)keys[i + LOOK_AHEAD];
    nd_prefetch_to_write(&lists->offsets[(uint32_t)keys[i + 2 * LOOK_AHEAD]]);
    if (is_in(range, near))
        nd_prefetch_to_write(&lists->targets[lists->offsets[near]]);
}

static inline void fill_bucket(const listing *job, unsigned bucket, vertex_range range,
                               const bool by_first, const bool by_second)
{
    const size_t begin = job->buckets->begins[bucket];
    const uint64_t *const keys = job->buckets->keys + begin;
    const double *const weights =
        job->buckets->weights != NULL ? job->buckets->weights + begin : NULL;
    const size_t len = job->buckets->lens[bucket];
    for (size_t i = 0; i < len; i++) {
        const uint32_t first = (uint32_t)(keys[i] >> 32), second = (uint32_t)keys[i];
        if (by_second)
            prefetch_place(job->lists, keys, i, len, range);
        const double *const weight = weights != NULL ? &weights[i] : NULL;
        if (by_first && is_in(range, first))
            put(job->lists, first, second, weight);
        if (by_second && is_in(range, second))
            put(job->lists, second, first, weight);
    }
}

static void count(void *context, unsigned index)
{
    const listing *const job = context;
    const vertex_range range = range_of(job, index);
    for (unsigned b = 0; b < job->buckets->n_buckets; b++)
        if (job->ends == LIST_BY_FIRST)
            count_bucket(job, b, range, true, false);
        else if (job->ends == LIST_BY_SECOND)
            count_bucket(job, b, range, false, true);
        else
            count_bucket(job, b, range, true, true);
}

static void fill(void *context, unsigned index)
{
    const listing *const job = context;
    const vertex_range range = range_of(job, index);
    for (unsigned b = 0; b < job->buckets->n_buckets; b++)
        if (job->ends == LIST_BY_FIRST)
            fill_bucket(job, b, range, true, false);
        else if (job->ends == LIST_BY_SECOND)
            fill_bucket(job, b, range, false, true);
        else
            fill_bucket(job, b, range, true, true);
}

nd_err neighbour_counts_init(neighbour_lists *lists, const edge_buckets *buckets,
                             uint32_t n_vertices, enum list_ends ends, unsigned n_threads)
{
    listing job = {lists, buckets, n_vertices, ends, n_threads};
    lists->offsets = nd_alloc_zero((size_t)n_vertices + 1, sizeof *lists->offsets);
    if (lists->offsets == NULL)
        return ND_NOMEM;
    parallel_run(n_threads, count, &job);
    for (uint32_t v = 0; v < n_vertices; v++)
        lists->offsets[v + 1] += lists->offsets[v];
    return ND_OK;
}

nd_err neighbour_lists_init(neighbour_lists *lists, const edge_buckets *buckets,
                            uint32_t n_vertices, enum list_ends ends, unsigned n_threads)
{
    listing job = {lists, buckets, n_vertices, ends, n_threads};
    const bool has_weights = buckets->weights != NULL;
    ND_TRY(neighbour_counts_init(lists, buckets, n_vertices, ends, n_threads));
    const uint64_t total = lists->offsets[n_vertices];
    lists->targets = nd_alloc(total, sizeof *lists->targets);
    lists->weights = has_weights ? nd_alloc(total, sizeof *lists->weights) : NULL;
    if (lists->targets == NULL || (has_weights && lists->weights == NULL))
        return ND_NOMEM;
    parallel_run(n_threads, fill, &job);
    memmove(lists->offsets + 1, lists->offsets, n_vertices * sizeof *lists->offsets);
    lists->offsets[0] = 0;
    return ND_OK;
}

void neighbour_lists_deinit(neighbour_lists *lists)
{
    nd_free(lists->offsets);
    nd_free(lists->targets);
    nd_free(lists->weights);
    *lists = (neighbour_lists){.offsets = NULL};
}
