/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_DATAFLOW_H
#define NEREID_DATAFLOW_H

/** @file
 * Dataflows: graphs of vertices and streams, with loops nested in scopes. Every worker builds the
 * same ones, in the same order, and owns its copy; all calls here are for the worker's own thread.
 *
 * Building never fails on the spot: a mistake sticks to the dataflow, every later call on it is
 * harmless (a NULL dataflow, scope or stream counts as such a mistake, where anything else in the
 * call tells whose), and nd_dataflow_start returns the first one. Dataflows are started in the
 * order they were begun.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>
#include <nereid/type.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef struct nd_worker nd_worker;
typedef struct nd_dataflow nd_dataflow;
typedef struct nd_scope nd_scope;
typedef struct nd_vertex nd_vertex;
typedef struct nd_feedback nd_feedback;
typedef struct nd_probe nd_probe;
typedef struct nd_origin nd_origin;

/** Data for an operator's function. `destroy` (may be NULL) is called exactly once, on the worker's
 * thread: when the dataflow is freed, or at once when the call it was handed to fails. */
typedef struct nd_user {
    void *data;
    void (*destroy)(void *data);
} nd_user;

#define nd_no_user ((nd_user){NULL, NULL})

/** A stream: what leaves an output port, as seen from a scope. A value: copy it freely, connect it
 * as often as needed. */
typedef struct nd_stream {
    nd_origin *origin; /* NULL after a mistake */
} nd_stream;

/** Begins a dataflow. Lives until it is complete or dropped and the worker ends; freed by the
 * worker. */
nd_dataflow *nd_dataflow_new(nd_worker *worker, const char *name);

/** The outermost scope; its times have an epoch only. */
nd_scope *nd_root(nd_dataflow *flow);

/** A loop inside `parent`: its times have one counter more. At most ND_MAX_LOOPS deep. */
nd_scope *nd_loop_new(nd_scope *parent, const char *name);

/** The stream as seen inside `loop`, a loop directly in the stream's scope: each time gets a
 * counter of zero. It costs nothing at run time. */
nd_stream nd_enter(nd_scope *loop, nd_stream stream);

/** The stream as seen outside its loop: each time loses its last counter. It costs nothing at run
 * time. */
nd_stream nd_leave(nd_stream stream);

/** A stream inside `loop` that will carry what is connected to it later, one round later: it adds
 * one to the loop's counter, or in the root scope to the epoch. `*feedback` belongs to the
 * dataflow. A record whose counter is at its limit goes no further. */
nd_stream nd_feedback_new(nd_scope *loop, const nd_type *type, nd_feedback **feedback);

/** Says what goes round: a stream of the feedback's loop and type. Exactly once for each feedback.
 */
void nd_feedback_connect(nd_feedback *feedback, nd_stream stream);

/** The type of a stream's records; NULL after a mistake. */
const nd_type *nd_stream_type(nd_stream stream);

/** A type that was made at run time: copies it, once for a worker, and keeps it as long as there
 * may be batches of it. What it points to (names) must last as long: until the run is over. Returns
 * the copy, or NULL after noting a mistake (nd_type_check, or memory). */
const nd_type *nd_type_keep(nd_dataflow *flow, const nd_type *type);

/** The scope a stream is seen from; NULL after a mistake. */
nd_scope *nd_stream_scope(nd_stream stream);

/** The dataflow of a scope, its name, and the number of loops around it; 0 is the root. */
nd_dataflow *nd_scope_dataflow(const nd_scope *scope);
const char *nd_scope_name(const nd_scope *scope); /* lives as long as the scope */
unsigned nd_scope_n_loops(const nd_scope *scope);

/** Records a mistake by hand, for operators that check their own arguments: the first one is what
 * start returns. */
void nd_dataflow_mistake(nd_dataflow *flow, nd_err err, const char *format, ...) ND_PRINTF(3, 4);

/** Has every process show that it has the same `size` bytes at `data`, which are read now: input
 * that each process reads by itself, options. The dataflow is refused when it starts (ND_MISMATCH)
 * if they differ, naming `what`, which is copied; what is only shared by a process's own workers is
 * not looked at. */
void nd_dataflow_agree(nd_dataflow *flow, const char *what, const void *data, size_t size);

/** Ends building. Checks the graph, calls nothing yet; the dataflow begins to run, in the worker's
 * steps, when every worker has started its copy. Errors: ND_INVAL for the first mistake in
 * building, which includes a cycle that does not advance and a feedback that was never connected,
 * with the vertices' names in the worker's message; ND_NOMEM. Then the dataflow is freed by the
 * worker and must not be used. */
ND_CHECKED nd_err nd_dataflow_start(nd_dataflow *flow);

/** Whether nothing is left to happen in the dataflow, on any worker. */
bool nd_dataflow_is_complete(const nd_dataflow *flow);

/** Ends a dataflow early, on every worker: no vertex of it is called any more but its deinit, what
 * is under way is thrown away, and no probe of it is behind. Any worker may do it, once the
 * dataflow is started; NULL is fine. */
void nd_dataflow_drop(nd_dataflow *flow);

/** Watches a stream. The probe belongs to the dataflow. */
nd_probe *nd_probe_new(nd_stream stream);

/** Whether a record of an epoch before `epoch` may still appear on the probe's stream: its callback
 * has not returned, on some worker. True until the dataflow runs; false for a NULL probe. */
bool nd_probe_behind(const nd_probe *probe, uint64_t epoch);

/** Whether a record with a time at or before `time` may still appear. */
bool nd_probe_behind_time(const nd_probe *probe, const nd_time *time);

/** Takes one line about something; `text` is borrowed. */
typedef void nd_line_fn(void *context, const char *text);

/** Explains why a dataflow waits: what it is, of all that is under way, that could still bring
 * something at or before `time` (NULL: ever) to an input of `vertex` or let it act there (NULL:
 * anywhere in the dataflow, of the epochs up to that of `time`), and does not follow from something
 * else that could. Calls `line` for each: batches that wait, notifications, holds, open inputs, and
 * by way of which vertices it gets there.
 *
 * A worker knows what it holds itself, and of what others hold how many. Who that is, all workers
 * together say: when the program is sent SIGUSR1, or when nothing has moved for a while (stall_s in
 * nereid/worker.h).
 *
 * Between the worker's steps. As dear as starting the dataflow. Errors: ND_INVAL for no dataflow,
 * or a vertex of another one; ND_NOMEM, and lines are missing. */
ND_CHECKED nd_err nd_why(const nd_dataflow *flow, const nd_vertex *vertex, const nd_time *time,
                         nd_line_fn *line, void *context);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
