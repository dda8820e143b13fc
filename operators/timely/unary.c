/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unary: a vertex of the program's own with one input and one output.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

nd_stream nd_unary(nd_pact input, const nd_operator_def *def)
{
    nd_stream out = {NULL};
    const char *const name = def->name != NULL ? def->name : "unary";
    nd_operator_check(input.stream, name, def->output != NULL && def->on_recv != NULL,
                      "it needs an output type and an on_recv");
    (void)nd_vertex_new(nd_stream_scope(input.stream),
                        &(nd_vertex_def){
                            .name = name,
                            .state_size = def->state_size,
                            .deinit = def->deinit,
                            .user = def->user.data,
                            .destroy = def->user.destroy,
                            .inputs = {input},
                            .outputs = {def->output},
                            .on_recv = def->on_recv,
                            .on_notify = def->on_notify,
                        },
                        &out);
    return out;
}
