/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RANDOM_PLAN_H
#define TESTS_RANDOM_HARNESS_RANDOM_PLAN_H

/** @file
 * The plan of a random dataflow: a graph as the steps that build it, what each of its vertices is
 * like, and, worked out from those steps alone, where its channels lead and what they do to times.
 * Nothing here asks the library, so it can be held against it.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/vertex.h>

#include "runtime/base/random.h"
#include "tests/runtime/closure.h"

enum {
    PLAN_PORTS = 3,
    PLAN_VERTICES = 12,
    PLAN_CHANNELS = PLAN_PORTS * PLAN_VERTICES,
    PLAN_SCOPES = 6,
    PLAN_FEEDBACKS = 2 * PLAN_SCOPES,
    PLAN_STREAMS = PLAN_CHANNELS + 8 * PLAN_SCOPES,
    PLAN_PROBES = 2,
    PLAN_STEPS = PLAN_VERTICES + PLAN_SCOPES + PLAN_FEEDBACKS + PLAN_STREAMS + PLAN_PROBES,
};

/** What a path does to a time: clears, then adds. `exists` is false where nothing goes. */
typedef struct plan_path {
    bool exists;
    bool clears[ND_COORDINATES];
    uint64_t adds[ND_COORDINATES];
} plan_path;

/** How a vertex behaves: chances in percent, each for one occasion. */
typedef struct plan_habits {
    unsigned forwards, delays, notifies, holds, keeps, releases;
    unsigned most_records; /* sent at a time */
} plan_habits;

typedef struct plan_vertex {
    unsigned scope, n_inputs, n_outputs;
    bool is_source, is_driven; /* driven: a source that the program moves on between steps */
    bool has_notify, has_frontier;
    bool has_summaries, only_named;
    bool on_cycle; /* what it sends can come back to it */
    plan_path paths[PLAN_PORTS][PLAN_PORTS];
    uint32_t first_location; /* of its inputs, then its outputs (or the hidden one) */
    unsigned first_channel;  /* of its inputs */
    plan_habits habits;
} plan_vertex;

typedef enum plan_step_kind {
    PLAN_LOOP,    /* `scope` in `of` */
    PLAN_VERTEX,  /* number `of`; its streams begin with `stream` */
    PLAN_ENTER,   /* `stream` is stream `of`, seen in `scope` */
    PLAN_LEAVE,   /* `stream` is stream `of`, seen outside */
    PLAN_BACK,    /* `stream` of `scope` is what feedback `of` brings */
    PLAN_CONNECT, /* feedback `of` brings `stream` */
    PLAN_PROBE,   /* watches `stream` */
} plan_step_kind;

typedef struct plan_step {
    plan_step_kind kind;
    unsigned scope, of, stream;
} plan_step;

typedef struct plan_stream {
    unsigned scope;
    plan_step_kind kind; /* how it came about: PLAN_VERTEX, _ENTER, _LEAVE, _BACK */
    unsigned of;         /* the vertex; the stream before; the feedback */
    unsigned port;
} plan_stream;

typedef struct plan_channel {
    unsigned stream;
    unsigned from, from_port, to, to_port;
    nd_pact_kind kind;
    bool by_function;
    plan_path path;
} plan_channel;

typedef struct random_plan {
    bool near_end; /* made for times whose counters are near their limits */
    unsigned n_scopes, n_vertices, n_channels, n_streams, n_feedbacks, n_steps, n_probes;
    unsigned parents[PLAN_SCOPES], depths[PLAN_SCOPES];
    plan_vertex vertices[PLAN_VERTICES];
    plan_channel channels[PLAN_CHANNELS];
    plan_stream streams[PLAN_STREAMS];
    unsigned feedbacks[PLAN_FEEDBACKS]; /* the stream that each brings */
    bool is_connected[PLAN_FEEDBACKS];
    plan_step steps[PLAN_STEPS];
    unsigned probes[PLAN_PROBES]; /* the stream that each watches */
    closure_graph graph;          /* of locations; those of probes come last */
} random_plan;

/** Makes a legal plan: loops nested up to three deep, streams that leave and come back, several
 * feedbacks, shared streams, several inputs and outputs, summaries. A plan that is `near_end` has
 * no stream that goes round a loop and leaves it without a vertex between: where a counter is at
 * its limit nothing comes out there, which a plan_path cannot say. */
void plan_make(nd_random *random, bool near_end, random_plan *plan);

/** Where `time` arrives at the end of a path; false if nothing does. */
bool plan_follow(const plan_path *path, const nd_time *time, nd_time *arrived);

/** Number of loops around a vertex. */
unsigned plan_depth(const random_plan *plan, const plan_vertex *vertex);

static inline uint32_t plan_input_location(const plan_vertex *vertex, unsigned port)
{
    return vertex->first_location + port;
}

static inline uint32_t plan_output_location(const plan_vertex *vertex, unsigned port)
{
    return vertex->first_location + vertex->n_inputs + port;
}

/** Outputs with the hidden one. */
static inline unsigned plan_n_outlets(const plan_vertex *vertex)
{
    return vertex->n_outputs != 0 ? vertex->n_outputs : 1;
}

#endif
