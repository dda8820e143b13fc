/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_GRAPH_INTERNAL_H
#define RUNTIME_GRAPH_INTERNAL_H

/** @file
 * The objects of a dataflow, as one worker holds them. The graph is built in build.c, checked and
 * numbered in start.c; after that it does not change. Everything here belongs to the worker's
 * thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/dataflow.h>
#include <nereid/vertex.h>

#include "runtime/base/fifo.h"
#include "runtime/base/vector.h"
#include "runtime/change_batch.h"
#include "runtime/host.h"
#include "runtime/outbox.h"
#include "runtime/pending.h"
#include "runtime/summary.h"
#include "runtime/tracker.h"

typedef struct nd_channel nd_channel;

/* Where the records of an exchange gather that go to one worker. */
typedef struct nd_exchange_box {
    nd_outbox outbox; /* first: an outbox is its box's */
    nd_channel *channel;
    struct nd_exchange_box *next_open;
} nd_exchange_box;

struct nd_scope {
    nd_dataflow *flow;
    nd_scope *parent; /* NULL: the root */
    char *name;
    unsigned n_loops;
};

/* What a stream refers to: a port, or another stream seen through a step that changes times. */
typedef enum nd_step { ND_STEP_PORT, ND_STEP_ENTER, ND_STEP_LEAVE, ND_STEP_FEEDBACK } nd_step;

struct nd_origin {
    nd_dataflow *flow;
    nd_scope *scope;
    const nd_type *type;
    nd_step step;
    nd_vertex *vertex; /* PORT */
    unsigned port;
    nd_origin *before; /* ENTER, LEAVE; FEEDBACK: what is connected, NULL until then */
};

struct nd_feedback {
    nd_origin *origin;
};

struct nd_probe {
    nd_dataflow *flow;
    nd_origin *origin;
    uint32_t index; /* in the dataflow's list */
    uint32_t location;
    uint64_t *delays; /* probe.c; NULL until asked for */
};

/* Where batches of one output go, on the way to one input. */
struct nd_channel {
    uint32_t id;
    nd_origin *origin; /* as connected; start.c resolves it */
    nd_vertex *from, *to;
    unsigned from_port, to_port;
    nd_summary summary; /* what the steps between do to times */
    nd_pact_kind kind;
    nd_route_fn *route;
    nd_user user;
    nd_exchange_box *boxes; /* exchange between several workers: one a worker, once needed */
    nd_exchange_box *open;  /* chain of those that may hold records, which are marked; of many
                               workers, few do */
    nd_time time;           /* of what they hold */
};

typedef struct nd_inlet {
    nd_channel *channel;
    uint32_t location;
} nd_inlet;

typedef struct nd_outlet {
    nd_outbox outbox; /* first: an outbox is its outlet's */
    nd_vertex *vertex;
    unsigned port;
    const nd_type *type; /* NULL: the hidden output */
    nd_vector channels;  /* nd_channel *, set by start.c */
    uint32_t location;
    bool may_send; /* the running callback's right to send at the outbox's time has been checked */
    bool is_used;  /* it is on its vertex's list */
    struct nd_outlet *next_used;
} nd_outlet;

/* A path through the vertex, where not every pair is the identity. Sorted by input. */
typedef struct nd_path {
    unsigned input, output;
    nd_summary summary;
} nd_path;

/* What is held of one input at a time; a hold of several inputs is several of these. */
typedef struct nd_hold_entry {
    nd_right right;
    size_t n; /* how often the time is held: the same in all entries of one time */
} nd_hold_entry;

typedef struct nd_queued {
    nd_batch *batch;
    nd_time time;
    uint32_t port;
    bool is_foreign; /* as delivered */
} nd_queued;

struct nd_vertex {
    nd_dataflow *flow;
    nd_scope *scope;
    char *name;
    uint32_t index;
    void *state, *user;
    void (*deinit)(nd_vertex *vertex);
    void (*destroy)(void *user);
    void (*on_recv)(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch);
    void (*on_notify)(nd_vertex *vertex, const nd_time *time);
    void (*on_frontier)(nd_vertex *vertex);
    void (*on_activate)(nd_vertex *vertex);
    nd_inlet *inlets;
    nd_outlet *outlets;
    unsigned n_inlets, n_outlets;
    nd_outlet *used; /* chain of those sent on since the last flush; with many outputs, few are */
    nd_path *paths;  /* NULL: every input keeps its times on the way to every output */
    size_t n_paths;
    bool is_source;
    nd_activator *activator; /* NULL until asked for */

    nd_fifo queue;           /* nd_queued, in order of arrival */
    nd_pending_list pending; /* notifications that were not due when last looked at */
    nd_pending_list due;     /* those that the host has been told of */
    nd_vector holds;         /* nd_hold_entry, sorted by time, then input */

    bool is_scheduled; /* the host has been asked to run it */
    bool is_dirty;     /* some outbox holds records: it is on the dataflow's list */
    bool is_activated;
    bool is_held_back;      /* it is on the host's list of sources that wait for room */
    bool is_idle;           /* it is on the host's list of those that wait for an idle moment */
    bool has_news;          /* the frontier of an input has moved, and on_frontier wants to know */
    const nd_right *rights; /* what the running callback may do beside its holds */
    size_t n_rights;
};

typedef enum nd_flow_state {
    ND_FLOW_BUILDING,
    ND_FLOW_WAITING, /* started here, not everywhere */
    ND_FLOW_RUNNING,
    ND_FLOW_COMPLETE,
    ND_FLOW_REFUSED, /* start has returned an error */
} nd_flow_state;

/* A batch that was sent before the dataflow ran. */
typedef struct nd_early {
    nd_vertex *vertex;
    unsigned port;
    nd_time time;
    nd_batch *batch;
} nd_early;

/* Something that all processes must have alike. */
typedef struct nd_agreed {
    char *what; /* owned */
    uint64_t hash;
} nd_agreed;

struct nd_dataflow {
    nd_host *host;
    uint32_t id;
    char *name;
    nd_flow_state state;
    nd_err mistake;
    nd_message message;
    nd_scope *root;
    nd_vector scopes, origins, feedbacks, probes, vertices, channels; /* pointers, each owned */
    nd_tracker *tracker;                                              /* from start on */
    nd_vertex **watchers; /* by location: the vertex whose input it is, or NULL */
    uint32_t n_locations;
    nd_change_batch changes; /* of this worker, not published */
    nd_vector dirty;         /* nd_vertex *: some outbox holds records */
    nd_vector early;         /* nd_early */
    nd_vector inputs;        /* nd_vertex *: sources that only the program moves on */
    nd_vector edges;         /* nd_arc: the graph of locations */
    nd_vector agreed;        /* nd_agreed: what other processes must have, too */
    nd_outbox nowhere;       /* for what a vertex writes to an output that it does not have */
    nd_scrap scrap;
    bool is_told;    /* the host knows that there is something to publish or to propagate */
    bool is_dropped; /* no vertex is called any more */
    bool is_staged;  /* the tracker has been given changes that are not propagated */
};

/** The vertex with a number; it is there. */
static inline nd_vertex *nd_flow_vertex(const nd_dataflow *flow, size_t index)
{
    return *(nd_vertex **)nd_vector_at(&flow->vertices, index);
}

/* flow.c */
/** The vertex that has a port at a location; NULL where a probe is. Its graph is numbered.
 * Logarithmic. */
const nd_vertex *nd_flow_vertex_at(const nd_dataflow *flow, uint32_t location);
/** Fails the run, with the dataflow's, or also the vertex's, name in front. */
nd_err nd_flow_fail(nd_dataflow *flow, nd_err err, const char *what);
void nd_vertex_fail(nd_vertex *vertex, nd_err err, const char *format, ...) ND_PRINTF(3, 4);
/** Sends all other workers a frame, after filling in that it is this worker's. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_host_tell(nd_host *host, nd_frame *frame);
/** Tells the host, once, that the dataflow has something to publish or to propagate. */
void nd_flow_touch(nd_dataflow *flow);
/** Notes a change of this worker; memory running out fails the run. */
void nd_flow_change(nd_dataflow *flow, uint32_t location, const nd_time *time, int64_t delta);
/** Gives a frame's changes to the tracker, to be propagated when the frame is there whole. Errors:
 * ND_PROTO, ND_NOMEM. */
ND_CHECKED nd_err nd_flow_stage(nd_dataflow *flow, const nd_change *changes, size_t len);
/** Asks the host to run the vertex, unless it has been asked or the dataflow does not run yet. */
void nd_vertex_schedule(nd_vertex *vertex);
/** Puts a batch into an input's queue; the reference moves. */
void nd_vertex_enqueue(nd_vertex *vertex, const nd_queued *queued);
/** Counts a batch as consumed and gives it back. */
void nd_vertex_consume(nd_vertex *vertex, const nd_queued *queued);

/* rights.c */
/** The least time at which the right lets the vertex send on an output, which is where it is
 * counted there; false if there is none. */
bool nd_vertex_right_least(const nd_vertex *vertex, const nd_right *right, unsigned port,
                           nd_time *least);
/** Whether the running callback, or a hold, lets the vertex send at `time` on an output. */
bool nd_vertex_may_send(const nd_vertex *vertex, unsigned port, const nd_time *time);
/** Whether the vertex may be used at all: its dataflow has been started and is not over, no other
 * vertex's callback is running, and `time` is one that its scope has. Unless it is over, the run
 * fails otherwise. */
bool nd_vertex_can_act(nd_vertex *vertex, const nd_time *time);
/** Fails the run: the vertex does `what` at a time that it has no right to, or sends. */
void nd_vertex_refuse(nd_vertex *vertex, const char *what, const nd_time *time);
void nd_vertex_refuse_send(nd_vertex *vertex, unsigned port, const nd_time *time);
/** One after the other, the rights by which the vertex may keep one at `time`: the callback's, then
 * those of holds; a single one where all are alike. `*next` begins at zero; NULL when there is no
 * more. */
const nd_right *nd_vertex_next_right(const nd_vertex *vertex, const nd_time *time, size_t *next);
/** Adds `delta` at every output that a right reaches. */
void nd_vertex_count_right(nd_vertex *vertex, const nd_right *right, int64_t delta);
/** Ends all holds. */
void nd_vertex_drop_holds(nd_vertex *vertex);

/* notify.c */
/** Whether nothing at or before `time` can come to any input any more. */
bool nd_vertex_is_past(const nd_vertex *vertex, const nd_time *time);
/** Tells the host of every notification that has become due. */
void nd_vertex_find_due(nd_vertex *vertex);
/** Takes the pending notifications of one time, from the first of them on, for due and tells the
 * host. Returns the index of what follows. */
size_t nd_vertex_tell_due(nd_vertex *vertex, size_t first);
/** Takes the notifications of `time` out of those that are due; their rights replace what is in
 * `rights`. */
void nd_vertex_take_due(nd_vertex *vertex, const nd_time *time, nd_vector *rights);
/** Ends all notifications that were asked for. */
void nd_vertex_drop_notifications(nd_vertex *vertex);

/* drop.c */
/** Drops this worker's copy, unless that has been done. */
void nd_flow_drop_here(nd_dataflow *flow);
/** Does what a drop before the dataflow ran has put off. */
void nd_flow_drop_early(nd_dataflow *flow);

/* channel.c */
/** Gives one batch to every channel of an output; the reference moves. */
void nd_outlet_route(nd_outlet *outlet, const nd_time *time, nd_batch *batch);
/** Sends on what exchange channels have gathered. */
void nd_channel_flush(nd_channel *channel);
/** Frees the outboxes of an exchange. */
void nd_channel_close(nd_channel *channel);

/* send.c */
/** Delivers what the vertex's outputs have gathered, up to the transport. */
void nd_vertex_flush(nd_vertex *vertex);
/** A callback has returned: what it wrote is settled, its rights are gone. */
void nd_vertex_settle(nd_vertex *vertex);
/** Makes an output's outbox. */
void nd_outlet_open(nd_outlet *outlet);

#endif
