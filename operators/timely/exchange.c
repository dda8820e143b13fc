/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange: each record moves to the worker that its key chooses. The channel does it; the vertex
 * passes on.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

nd_stream nd_stream_exchange(nd_stream stream)
{
    nd_stream out = {NULL};
    (void)nd_vertex_new(nd_stream_scope(stream),
                        &(nd_vertex_def){
                            .name = "exchange",
                            .inputs = {nd_exchange(stream)},
                            .outputs = {nd_stream_type(stream)},
                            .on_recv = nd_operator_pass,
                        },
                        &out);
    return out;
}
