/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Broadcast: each batch moves to every worker. The channel does it; the vertex passes on.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

nd_stream nd_stream_broadcast(nd_stream stream)
{
    return nd_unary(nd_broadcast(stream), &(nd_operator_def){
                                              .name = "broadcast",
                                              .output = nd_stream_type(stream),
                                              .on_recv = nd_operator_pass,
                                          });
}
