/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of few edges: paths of two, counted by where they begin, and triangles. The limits add
 * up degrees, and intersect sorted lists.
 */
#include <string.h>

#include <nereid/memory.h>

#include "bench/query.h"

/* --- Paths of two edges --- */

static void begin_of(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    const bench_edge *turned = left;
    for (size_t i = 0; i < len; i++)
        ((bench_vertex *)out)[i] = (bench_vertex){turned[i].to};
}

static nd_collection paths(const bench_tables *tables)
{
    nd_collection turned =
        nd_collection_map(tables->edges, &bench_edge_type, bench_turn, nd_no_user);
    return nd_count(nd_join(turned, tables->edges, &bench_vertex_type, begin_of, nd_no_user),
                    &bench_tally_type);
}

static uint64_t plain_paths(const bench_graph *graph)
{
    bench_adjacency out = bench_adjacency_create(graph, BENCH_ANY_ORDER);
    uint64_t sum = 0;
    for (uint32_t v = 0; v < out.n_vertices; v++) {
        size_t n = 0;
        for (size_t i = out.offsets[v]; i < out.offsets[v + 1]; i++)
            n += out.offsets[out.targets[i] + 1] - out.offsets[out.targets[i]];
        if (n != 0)
            sum += bench_mix_two(v, (uint32_t)n);
    }
    bench_adjacency_destroy(&out);
    return sum;
}

/* --- Triangles: edges ab, bc and ac --- */

/* Two edges of a triangle, by the ends of the third, and the vertex opposite. */
typedef struct wedge {
    uint32_t from, to, opposite;
} wedge;
static const nd_type wedge_type =
    ND_TYPE(wedge, 2, ND_FIELD(wedge, from), ND_FIELD(wedge, to), ND_FIELD(wedge, opposite));

static const nd_type whole_edge_type =
    ND_TYPE(bench_edge, 2, ND_FIELD(bench_edge, from), ND_FIELD(bench_edge, to));

static void keep_edges(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    memcpy(out, records, len * sizeof(bench_edge));
}

/* Of ba and bc: what ac is missing. */
static void lack_ac(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const bench_edge *ba = left, *bc = right;
    for (size_t i = 0; i < len; i++)
        ((wedge *)out)[i] = (wedge){ba[i].to, bc[i].to, ba[i].from};
}

/* Of cb and ca: what ab is missing. */
static void lack_ab(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const bench_edge *cb = left, *ca = right;
    for (size_t i = 0; i < len; i++)
        ((wedge *)out)[i] = (wedge){ca[i].to, cb[i].to, cb[i].from};
}

/* Of ac and ab: what bc is missing. */
static void lack_bc(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const bench_edge *ac = left, *ab = right;
    for (size_t i = 0; i < len; i++)
        ((wedge *)out)[i] = (wedge){ab[i].to, ac[i].to, ab[i].from};
}

/* What is missing is there. A triangle is written as its wedge that lacks ac. */
static void have_ac(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    memcpy(out, left, len * sizeof(wedge));
}

static void have_ab(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    const wedge *lacking = left;
    for (size_t i = 0; i < len; i++)
        ((wedge *)out)[i] = (wedge){lacking[i].from, lacking[i].opposite, lacking[i].to};
}

static void have_bc(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    const wedge *lacking = left;
    for (size_t i = 0; i < len; i++)
        ((wedge *)out)[i] = (wedge){lacking[i].opposite, lacking[i].to, lacking[i].from};
}

/* A delta join, which keeps nothing but the edges: each change is followed as ab, as bc and as ac,
 * which is their order. What is looked up before the change comes first, which finds less. */
static nd_collection triangles(const bench_tables *tables)
{
    const nd_half_join_order upto = ND_HALF_JOIN_UPTO, before = ND_HALF_JOIN_BEFORE;
    nd_collection edges = tables->edges;
    nd_collection turned = nd_collection_map(edges, &bench_edge_type, bench_turn, nd_no_user);
    nd_collection on = nd_arrange(edges), back = nd_arrange(turned);
    nd_collection whole =
        nd_arrange(nd_collection_map(edges, &whole_edge_type, keep_edges, nd_no_user));
    nd_collection by_ab = nd_half_join(turned, on, before, &wedge_type, lack_ac, nd_no_user);
    nd_collection by_bc = nd_half_join(turned, back, before, &wedge_type, lack_ab, nd_no_user);
    nd_collection by_ac = nd_half_join(edges, on, upto, &wedge_type, lack_bc, nd_no_user);
    const nd_collection paths[] = {
        nd_half_join(by_ab, whole, before, &wedge_type, have_ac, nd_no_user),
        nd_half_join(by_bc, whole, upto, &wedge_type, have_ab, nd_no_user),
        nd_half_join(by_ac, whole, upto, &wedge_type, have_bc, nd_no_user)};
    return nd_collection_concat_many(paths, 3);
}

/* Adds up what is in both of two ascending lists, as often as it is in each. */
static uint64_t sum_common(const bench_adjacency *out, uint32_t a, uint32_t b)
{
    const uint32_t *x = out->targets + out->offsets[a], *y = out->targets + out->offsets[b];
    const uint32_t *const x_end = out->targets + out->offsets[a + 1];
    const uint32_t *const y_end = out->targets + out->offsets[b + 1];
    uint64_t sum = 0;
    while (x < x_end && y < y_end) {
        if (*x != *y) {
            const bool is_less = *x < *y;
            x += is_less;
            y += !is_less;
            continue;
        }
        for (const uint32_t *again = y; again < y_end && *again == *x; again++)
            sum += bench_mix(bench_mix_two(a, *x), b);
        x++;
    }
    return sum;
}

static uint64_t plain_triangles(const bench_graph *graph)
{
    bench_adjacency out = bench_adjacency_create(graph, BENCH_IN_ORDER);
    uint64_t sum = 0;
    for (uint32_t a = 0; a < out.n_vertices; a++)
        for (size_t i = out.offsets[a]; i < out.offsets[a + 1]; i++)
            sum += sum_common(&out, a, out.targets[i]);
    bench_adjacency_destroy(&out);
    return sum;
}

const bench_query bench_pattern_queries[] = {
    {.name = "two-hop count",
     .n_vertices = 100000,
     .n_edges = 1000000,
     .build = paths,
     .plain = plain_paths,
     .stages = {{"load", 0, 0, {250, 0}, true},
                {"b=1", 1, 400, {20, 0}, false},
                {"b=1,000", 1000, 20, {5000, 0}, false}}},
    {.name = "triangles",
     .n_vertices = 100000,
     .n_edges = 1000000,
     .build = triangles,
     .plain = plain_triangles,
     .stages = {{"load", 0, 0, {600, 0}, true},
                {"b=1", 1, 400, {20, 0}, false},
                {"b=100", 100, 100, {800, 0}, false}},
     .megabytes = 120},
    {.name = NULL},
};
