/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange: each record moves to the worker that its key chooses. The channel does it; the vertex
 * passes on.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

nd_stream nd_stream_exchange(nd_stream stream)
{
    return nd_unary(nd_exchange(stream), &(nd_operator_def){
                                             .name = "exchange",
                                             .output = nd_stream_type(stream),
                                             .on_recv = nd_operator_pass,
                                         });
}
