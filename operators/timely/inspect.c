/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inspect: shows each batch to a function and passes it on as it is. nd_print is such a function;
 * here it is served with what its arguments do not say, the depth of the scope, and its failures
 * end the run.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"
#include "operators/timely/print.h"

typedef struct inspect {
    nd_inspect_fn *fn;
    unsigned n_loops;
} inspect;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    const inspect *self = nd_vertex_state(vertex);
    self->fn(nd_vertex_user(vertex), nd_batch_type(batch), time, nd_batch_records(batch),
             nd_batch_len(batch));
    nd_operator_pass(vertex, port, time, batch);
}

static void on_recv_print(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    const inspect *self = nd_vertex_state(vertex);
    nd_message message = {""};
    const nd_err err = nd_print_records(nd_batch_type(batch), time, self->n_loops,
                                        nd_batch_records(batch), nd_batch_len(batch), &message);
    if (err != ND_OK)
        nd_operator_fail(vertex, err, message.text);
    nd_operator_pass(vertex, port, time, batch);
}

nd_stream nd_inspect(nd_stream stream, nd_inspect_fn *fn, nd_user user)
{
    nd_stream out = {NULL};
    nd_operator_check(stream, "inspect", fn != NULL, "it needs a function");
    nd_vertex *const vertex =
        nd_operator_new(nd_pipeline(stream),
                        &(nd_operator_def){
                            .name = "inspect",
                            .output = nd_stream_type(stream),
                            .state_size = sizeof(inspect),
                            .on_recv = fn == nd_print ? on_recv_print : on_recv,
                            .user = user,
                        },
                        &out);
    if (vertex != NULL)
        *(inspect *)nd_vertex_state(vertex) =
            (inspect){fn, nd_scope_n_loops(nd_stream_scope(stream))};
    return out;
}
