/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_QUERY_H
#define BENCH_QUERY_H

/** @file
 * Queries over collections: a graph of random edges is loaded, then changes round by round.
 *
 * A round is one epoch, in which as many edges come as go; it is over when the probe has passed.
 * The limit computes the answer from scratch, in plain C. Both sides make the same edges, as they
 * are needed, in the time measured, and both add up a number made of each record of the answer:
 * the sums must agree after the load and after each series of rounds.
 */

#include <nereid/collection.h>
#include <nereid/worker.h>

#include "bench/harness.h"
#include "bench/plain_graph.h"

enum { BENCH_STAGES = 4 };

/** The load, or a series of rounds. */
typedef struct bench_stage {
    const char *name; /* NULL ends the stages */
    size_t n_changes; /* edges that come in a round, and that go; the load has none */
    size_t n_rounds;
    double targets[2]; /* with one and with two workers: milliseconds of the load, microseconds of a
                          round; zero: none */
    bool is_whole;     /* costs what the graph is large */
} bench_stage;

/** What a query is made of. The vertices are those that it asks for. */
typedef struct bench_tables {
    nd_collection edges, other_edges, vertices;
    uint32_t n_vertices;
} bench_tables;

/** Which vertices a query is given as a table. */
typedef enum bench_given { BENCH_NO_VERTICES, BENCH_VERTEX_0, BENCH_ALL_VERTICES } bench_given;

typedef struct bench_query {
    const char *name;
    size_t n_vertices, n_edges; /* of the published tables */
    bool is_halved;             /* half of the edges, those with odd numbers, are other_edges */
    bench_given given;
    nd_collection (*build)(const bench_tables *tables);
    bool is_arranged; /* what `build` returns is an arrangement, and the answer is read from it at
                         the end only */
    uint64_t (*plain)(const bench_graph *graph); /* the answer, added up */
    bench_stage stages[BENCH_STAGES + 1];
    double megabytes; /* target for the most memory used with one worker; zero: none */
} bench_query;

/** What one side has measured and answered, stage by stage. */
typedef struct bench_result {
    double ns[BENCH_STAGES]; /* of rounds: the median */
    uint64_t answers[BENCH_STAGES];
    double peak_bytes;
} bench_result;

typedef struct bench_vertex {
    uint32_t id;
} bench_vertex;

/** What is counted of a vertex. */
typedef struct bench_tally {
    uint32_t vertex, n;
} bench_tally;

/** Their types, and that of edges, which are keyed by where they begin. */
extern const nd_type bench_edge_type, bench_vertex_type, bench_tally_type;

/** An edge as seen from its other end. */
void bench_turn(void *user, const void *records, size_t len, void *out);

/** The queries of one file, ended by one without a name. */
extern const bench_query bench_arranging_queries[], bench_reaching_queries[],
    bench_pattern_queries[], bench_surfing_queries[];

unsigned bench_query_n_stages(const bench_query *query);

/** Measures one side. */
void bench_query_nereid(const bench_query *query, const bench_plan *plan, bench_result *result);
void bench_query_plain(const bench_query *query, const bench_plan *plan, bench_result *result);

#endif
