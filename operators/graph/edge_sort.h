/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_EDGE_SORT_H
#define NEREID_OPERATORS_GRAPH_EDGE_SORT_H

/* Sorting edges of dense vertices, and leaving out duplicates and self-loops.
 *
 * Keys (src << 32 | dst) are first spread over buckets of consecutive sources, then each bucket is
 * radix sorted while it is in the cache. Both steps can be shared between threads: the first by
 * pieces of the input, the second by buckets. */

#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

enum { SORT_MAX_BUCKETS = 1024 };

/* Sorted edges: bucket b holds keys[begins[b]] to keys[begins[b] + lens[b] - 1]. */
typedef struct edge_buckets {
    uint64_t *keys;
    double *weights; /* or NULL */
    unsigned n_buckets;
    unsigned shift;       /* the bucket of a source is source >> shift */
    unsigned vertex_bits; /* every dense number is below 1 << vertex_bits */
    size_t begins[SORT_MAX_BUCKETS + 1];
    size_t lens[SORT_MAX_BUCKETS];
} edge_buckets;

/* Chooses buckets for n_edges edges over n_vertices vertices. Allocates nothing. */
void edge_buckets_plan(edge_buckets *buckets, uint32_t n_vertices, size_t n_edges);

/* Memory to sort buckets in, one a thread. */
typedef struct edge_scratch {
    uint64_t *keys;
    double *weights;
    uint32_t (*counts)[1 << 11];
} edge_scratch;

/* Makes room for the greatest bucket. Errors: ND_NOMEM; deinit is still to be called. */
ND_CHECKED nd_err edge_scratch_init(edge_scratch *scratch, const edge_buckets *buckets);
void edge_scratch_deinit(edge_scratch *scratch);

/* Sorts one bucket, drops self-loops, and keeps of equal keys one, with the least weight; sets its
 * length. */
void edge_buckets_sort(edge_buckets *buckets, unsigned bucket, edge_scratch *scratch);

#endif
