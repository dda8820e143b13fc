/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_DATAFLOW_H
#define RUNTIME_DATAFLOW_H

/** @file
 * What a worker does with its dataflows. All on the worker's thread; failures have been told to the
 * host already.
 */

#include <stdbool.h>

#include <nereid/vertex.h>

#include "runtime/host.h"

/** Makes what the host knows of the other workers, and frees it. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_host_init_peers(nd_host *host);
void nd_host_deinit_peers(nd_host *host);

/** Takes over what has arrived: a batch goes to its vertex's queue, a frame's changes to its
 * tracker. Errors: ND_PROTO for something that no correct peer sends; ND_MISMATCH when another
 * worker has built another graph; ND_NOMEM. */
ND_CHECKED nd_err nd_host_take_batch(nd_host *host, const nd_delivery *delivery);
ND_CHECKED nd_err nd_host_take_frame(nd_host *host, const nd_frame *frame);

/** Flushes what vertices have gathered, then sends the changes of this worker to all others, as one
 * frame, and gives them to its own tracker. Before the dataflow runs, what is flushed
 * and what is changed is kept. */
void nd_flow_publish(nd_dataflow *flow);

/** Propagates what the tracker was given, and tells the host of what became due. */
void nd_flow_propagate(nd_dataflow *flow);

/** Runs the vertex: activation, news of frontiers, then up to `quantum` batches. If batches are
 * left it schedules itself again. */
void nd_vertex_run(nd_vertex *vertex, unsigned quantum);

/** Schedules the sources that were held back for want of room. */
void nd_host_let_go(nd_host *host);

/** Delivers the notification of `time`. */
void nd_vertex_notify(nd_vertex *vertex, const nd_time *time);

/** Calls on_activate in the vertex's next turn. */
void nd_vertex_wake(nd_vertex *vertex);

/** Whether the dataflow has run to its end. */
bool nd_flow_is_over(const nd_dataflow *flow);

/** Says that the dataflow is off the host's list of those with changes. */
void nd_flow_untold(nd_dataflow *flow);

/** An input of this worker, upstream of the probe, whose hold alone keeps an earlier epoch than
 * `epoch` possible; NULL if there is none. */
const nd_vertex *nd_probe_waits_for(const nd_probe *probe, uint64_t epoch);

/** Has a vertex activated that waits for an idle moment; false if there is none. To be called when
 * there is nothing else to do. */
bool nd_host_rest(nd_host *host);

/** The first dataflow of the worker that is still being built, and the probe's if it is; or NULL.
 */
const nd_dataflow *nd_host_unstarted(const nd_host *host);
const nd_dataflow *nd_probe_unstarted(const nd_probe *probe);

const char *nd_dataflow_name(const nd_dataflow *flow);
const char *nd_vertex_flow_name(const nd_vertex *vertex);

/** An input of the dataflow that only the program could move on and that it has not closed; NULL if
 * there is none. */
const nd_vertex *nd_flow_open_input(const nd_dataflow *flow);

/** Tells all other workers that this one builds no more dataflows. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_host_end(nd_host *host);

/** Frees a dataflow in any state; calls each vertex's deinit and destroys user data. NULL is fine.
 */
void nd_dataflow_destroy(nd_dataflow *flow);

#endif
