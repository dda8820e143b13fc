/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_VERTEX_H
#define NEREID_VERTEX_H

/** @file
 * Vertices: the callbacks OnRecv and OnNotify, and the calls SendBy and NotifyAt (Naiad, SOSP 2013,
 * section 2.2).
 *
 * A vertex is a table of functions and a state. Every worker has its own instance, with its own
 * zeroed state; all its callbacks run on that worker's thread, one at a time, and never while
 * another of its callbacks runs.
 *
 * What a callback may do. It acts (sends, asks for a notification, holds) at times it has a right
 * to:
 *
 * - on_recv at or after the batch's time, as the vertex's summary to that output makes it;
 * - on_notify at or after the right that the notification was asked for with: its own time, mostly;
 * - every callback at or after a time that it holds (nd_hold). on_activate and on_frontier have no
 *   other right.
 *
 * A vertex is used in its own callbacks only, and between the worker's steps: there the program's
 * own code, on the worker's thread, may call these functions too, with the rights of the vertex's
 * holds. A counter of a loop that the vertex is not inside of must be zero. Breaking a rule fails
 * the run, naming vertex, port and times. A frontier seen gives no right.
 *
 * Inside a loop, `nd_notify_at(vertex, &(nd_time){epoch, {UINT32_MAX}})` asks to be told when all
 * rounds of an epoch are over; what it sends then leaves the loop at that epoch.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/batch.h>
#include <nereid/dataflow.h>
#include <nereid/time.h>
#include <nereid/type.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** Writes for each of `len` records a number into `hashes`: records of equal numbers meet on one
 * worker. The runtime mixes no further: of a number's 64 bits the ten highest choose the worker.
 * nd_route_to makes the number for a given worker. */
typedef void nd_route_fn(void *user, const void *records, size_t len, uint64_t *hashes);

typedef enum nd_pact_kind {
    ND_PACT_NONE, /* ends the list of inputs */
    ND_PACT_PIPELINE,
    ND_PACT_EXCHANGE,
    ND_PACT_BROADCAST,
} nd_pact_kind;

/** A stream together with how its records choose their worker. */
typedef struct nd_pact {
    nd_stream stream;
    nd_pact_kind kind;
    nd_route_fn *route; /* exchange only; NULL: by the type's key */
    nd_user user;
} nd_pact;

/** Each batch stays on its worker; it moves as a pointer. */
nd_pact nd_pipeline(nd_stream stream);
/** Each record goes to the worker that its key chooses. */
nd_pact nd_exchange(nd_stream stream);
/** Each record goes to the worker that a function chooses; `user` is its first argument. */
nd_pact nd_exchange_by(nd_stream stream, nd_route_fn *route, nd_user user);
/** Each batch goes to every worker. */
nd_pact nd_broadcast(nd_stream stream);

/** The number that sends a record to `worker` of `n_workers`, for an nd_route_fn. */
uint64_t nd_route_to(unsigned worker, unsigned n_workers);
/** The worker that a number chooses. */
unsigned nd_route_of(uint64_t hash, unsigned n_workers);

/** What a vertex does to times between an input and an output: additions to the epoch and to loop
 * counters. */
typedef struct nd_vertex_summary {
    unsigned input, output;
    bool none; /* nothing of this input ever reaches that output; the additions do not matter */
    nd_time add;
} nd_vertex_summary;

enum { ND_MAX_PORTS = 8 };

/** A vertex's table. Zero means the default everywhere. The struct is borrowed until nd_vertex_new
 * returns; the name is copied, types and `user` are lent until the dataflow is freed. */
typedef struct nd_vertex_def {
    const char *name;
    size_t state_size; /* bytes of nd_vertex_state */

    /** Called once for each instance, inside nd_vertex_new. A failure is a mistake in building. */
    nd_err (*init)(nd_vertex *vertex);
    /** Called once for each instance, when the dataflow is dropped or freed, also if building
     * failed later; not if init failed. */
    void (*deinit)(nd_vertex *vertex);
    void *user;                  /* nd_vertex_user */
    void (*destroy)(void *user); /* called exactly once, also when nd_vertex_new fails */

    nd_pact inputs[ND_MAX_PORTS];
    const nd_type *outputs[ND_MAX_PORTS];

    /** A batch has come. It is lent until the callback returns. Must not block. */
    void (*on_recv)(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch);
    /** Nothing at or before `time` can come any more, on any input. Called once for each time asked
     * for. */
    void (*on_notify)(nd_vertex *vertex, const nd_time *time);
    /** The frontier of some input has moved (see nd_vertex_frontier) from where all begin, which is
     * time zero. A probe behind the vertex may pass before this is called; a hold keeps it. */
    void (*on_frontier)(nd_vertex *vertex);
    /** nd_activate was called on the vertex's activator, or it has asked for an idle moment; of a
     * source, also once at the start. */
    void (*on_activate)(nd_vertex *vertex);

    /** The vertex starts with a hold at time zero, on every worker. A vertex without inputs always
     * does; without on_activate too, only the program can move its holds on, and a wait that it
     * keeps from ending is refused. */
    bool source;
    /** How times change between inputs and outputs, borrowed until nd_vertex_new returns. Pairs
     * that are not named keep their times; with `only_named`, nothing of that input reaches that
     * output. */
    const nd_vertex_summary *summaries;
    size_t n_summaries;
    bool only_named;
} nd_vertex_def;

/** Adds a vertex to `scope` and writes its streams to `out`, one for each output; a vertex without
 * outputs has one hidden output that only a probe can watch, and it is written there (`out` may be
 * NULL if nobody wants it). Returns the instance of this worker, owned by the dataflow, or NULL
 * after a mistake. */
nd_vertex *nd_vertex_new(nd_scope *scope, const nd_vertex_def *def, nd_stream *out);

/** As nd_vertex_new with any number of ports: `inputs[n_inputs]` and `outputs[n_outputs]` are used
 * instead of the table's. */
nd_vertex *nd_vertex_new_wide(nd_scope *scope, const nd_vertex_def *def, const nd_pact *inputs,
                              size_t n_inputs, const nd_type *const *outputs, size_t n_outputs,
                              nd_stream *out);

/** The instance's state: `state_size` bytes, zero at first, aligned for any type. */
void *nd_vertex_state(const nd_vertex *vertex);
void *nd_vertex_user(const nd_vertex *vertex);
const char *nd_vertex_name(const nd_vertex *vertex);
nd_worker *nd_vertex_worker(const nd_vertex *vertex);

/** SendBy: copies one record (and what its nd_bytes point to) out on output `port` at `time`. */
void nd_send_by(nd_vertex *vertex, unsigned port, const nd_time *time, const void *record);

/** Sends a batch as it is, without a copy. The reference moves to the runtime; of a lent batch pass
 * nd_batch_take(batch). The batch's type must be the output's. */
void nd_send_batch_by(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch);

/** The fastest way out: an emit for many records at one time on one port. Valid until the callback
 * returns or another time is used on that port. Never NULL: without the right to send, the run
 * fails and the records are thrown away. */
nd_emit *nd_vertex_emit(nd_vertex *vertex, unsigned port, const nd_time *time);

/** Whether anybody reads output `port`: what is sent there otherwise is thrown away. Known once the
 * dataflow has started; a probe does not read. */
bool nd_vertex_is_heard(const nd_vertex *vertex, unsigned port);

/** NotifyAt: asks for on_notify(time), once, however often it is asked for. */
void nd_notify_at(nd_vertex *vertex, const nd_time *time);

/** Asks for on_notify(due) with the right to act at or after `right`; `right` may be any time the
 * callback could send at, and NULL gives no right and holds nobody back (clean-up). In a loop, a
 * right that comes round to the vertex's own inputs at or before `due` would wait for itself. */
void nd_notify_when(nd_vertex *vertex, const nd_time *due, const nd_time *right);

/** Keeps the right to act at or after `time` beyond this callback, until a release of the same
 * time; holds are counted. */
void nd_hold(nd_vertex *vertex, const nd_time *time);
void nd_release(nd_vertex *vertex, const nd_time *time);

/** The minimal times that can still come at input `port`: sets `*times` (borrowed until the
 * callback returns) and returns how many there are; zero means that nothing more will come. For a
 * vertex with on_notify or on_frontier: of others nobody keeps track. */
size_t nd_vertex_frontier(nd_vertex *vertex, unsigned port, const nd_time **times);

/** Fails the run: every worker stops, and the program ends with status 1 and this text after the
 * vertex's name. */
void nd_fail(nd_vertex *vertex, const char *format, ...) ND_PRINTF(2, 3);

/** Has on_activate called once when the worker has nothing else to do, if that ever happens: for
 * tidying up. Nobody waits for it. */
void nd_vertex_when_idle(nd_vertex *vertex);

/** A handle by which any thread can have the vertex's on_activate called; counted, and harmless
 * when the vertex is gone. */
typedef struct nd_activator nd_activator;

/** The vertex's activator. The caller owns a reference. NULL when memory ran out. */
nd_activator *nd_vertex_activator(nd_vertex *vertex);

/** Has on_activate called, soon and at least once after this call. Any thread. */
void nd_activate(nd_activator *activator);

/** Gives the reference back; NULL is fine. Any thread. */
void nd_activator_release(nd_activator *activator);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
