/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary: a vertex of the program's own with two inputs, ports 0 and 1, and one output.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

nd_stream nd_binary(nd_pact left, nd_pact right, const nd_operator_def *def)
{
    nd_stream out = {NULL};
    const char *const name = def->name != NULL ? def->name : "binary";
    const nd_stream some = left.stream.origin != NULL ? left.stream : right.stream;
    nd_operator_check(some, name, def->output != NULL && def->on_recv != NULL,
                      "it needs an output type and an on_recv");
    (void)nd_vertex_new(nd_stream_scope(some),
                        &(nd_vertex_def){
                            .name = name,
                            .state_size = def->state_size,
                            .deinit = def->deinit,
                            .user = def->user.data,
                            .destroy = def->user.destroy,
                            .inputs = {left, right},
                            .outputs = {def->output},
                            .on_recv = def->on_recv,
                            .on_notify = def->on_notify,
                        },
                        &out);
    return out;
}
