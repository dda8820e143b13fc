/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat map: a function from a batch of records to any number of another type.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

typedef struct flat_map {
    nd_flat_map_fn *fn;
} flat_map;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    const flat_map *self = nd_vertex_state(vertex);
    self->fn(nd_vertex_user(vertex), nd_batch_records(batch), nd_batch_len(batch),
             nd_vertex_emit(vertex, 0, time));
}

nd_stream nd_flat_map(nd_stream stream, const nd_type *type, nd_flat_map_fn *fn, nd_user user)
{
    nd_stream out = {NULL};
    nd_operator_check(stream, "flat_map", fn != NULL && type != NULL,
                      "it needs a function and a type");
    nd_vertex *const vertex = nd_operator_new(nd_pipeline(stream),
                                              &(nd_operator_def){
                                                  .name = "flat_map",
                                                  .output = type,
                                                  .state_size = sizeof(flat_map),
                                                  .on_recv = on_recv,
                                                  .user = user,
                                              },
                                              &out);
    if (vertex != NULL)
        *(flat_map *)nd_vertex_state(vertex) = (flat_map){fn};
    return out;
}
