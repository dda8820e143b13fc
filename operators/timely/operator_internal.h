/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_TIMELY_OPERATOR_INTERNAL_H
#define OPERATORS_TIMELY_OPERATOR_INTERNAL_H

/** @file
 * What the operators of this folder share. An operator that finds a mistake notes it and goes on:
 * the dataflow then takes nothing more, and nd_vertex_new destroys the user's data as it promises.
 */

#include <stdbool.h>

#include <nereid/dataflow.h>
#include <nereid/stream.h>
#include <nereid/vertex.h>
#include <nereid/worker.h>

/** Notes a mistake in building the operator `name` on `stream` unless `is_right`. */
static inline void nd_operator_check(nd_stream stream, const char *name, bool is_right,
                                     const char *mistake)
{
    if (!is_right)
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(stream)), ND_INVAL, "%s: %s", name,
                            mistake);
}

/** Adds a vertex with one input and one output, and writes its stream to `*out`. Returns the
 * instance, whose state is the operator's to fill, or NULL after a mistake. */
nd_vertex *nd_operator_new(nd_pact input, const nd_operator_def *def, nd_stream *out);

/** Keeps an input for records of another making: nd_input_send and nd_input_send_many fail the run
 * from now on, with `instead` as what to call; nd_input_send_rows sends. */
void nd_input_keep_for(nd_input *input, const char *instead);
void nd_input_send_rows(nd_input *input, const void *rows, size_t len);

/** Ends the run with a cause that is not the vertex's fault: memory, output. */
static inline void nd_operator_fail(nd_vertex *vertex, nd_err err, const char *text)
{
    (void)nd_worker_fail(nd_vertex_worker(vertex), err, "vertex '%s': %s", nd_vertex_name(vertex),
                         text);
}

/** An on_recv that passes the batch on as it is. */
static inline void nd_operator_pass(nd_vertex *vertex, unsigned port, const nd_time *time,
                                    nd_batch *batch)
{
    (void)port;
    nd_send_batch_by(vertex, 0, time, nd_batch_take(batch));
}

#endif
