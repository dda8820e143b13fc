/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Broadcast: each batch moves to every worker. The channel does it; the vertex passes on.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

nd_stream nd_stream_broadcast(nd_stream stream)
{
    nd_stream out = {NULL};
    (void)nd_vertex_new(nd_stream_scope(stream),
                        &(nd_vertex_def){
                            .name = "broadcast",
                            .inputs = {nd_broadcast(stream)},
                            .outputs = {nd_stream_type(stream)},
                            .on_recv = nd_operator_pass,
                        },
                        &out);
    return out;
}
