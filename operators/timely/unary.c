/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unary: a vertex with one input and one output, the program's own or one of this folder's.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

nd_vertex *nd_operator_new(nd_pact input, const nd_operator_def *def, nd_stream *out)
{
    return nd_vertex_new(nd_stream_scope(input.stream),
                         &(nd_vertex_def){
                             .name = def->name,
                             .state_size = def->state_size,
                             .deinit = def->deinit,
                             .user = def->user.data,
                             .destroy = def->user.destroy,
                             .inputs = {input},
                             .outputs = {def->output},
                             .on_recv = def->on_recv,
                             .on_notify = def->on_notify,
                         },
                         out);
}

nd_stream nd_unary(nd_pact input, const nd_operator_def *def)
{
    nd_stream out = {NULL};
    nd_operator_def named = *def;
    if (named.name == NULL)
        named.name = "unary";
    nd_operator_check(input.stream, named.name, def->output != NULL && def->on_recv != NULL,
                      "it needs an output type and an on_recv");
    (void)nd_operator_new(input, &named, &out);
    return out;
}
