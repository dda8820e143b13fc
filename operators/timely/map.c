/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Map: a function from a batch of records to at most as many of another type, which writes straight
 * into the batch that leaves.
 */
#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

typedef struct map {
    nd_map_fn *fn;
} map;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    const map *self = nd_vertex_state(vertex);
    const unsigned char *records = nd_batch_records(batch);
    const size_t size = nd_batch_type(batch)->size;
    nd_emit *const out = nd_vertex_emit(vertex, 0, time);
    for (size_t left = nd_batch_len(batch); left != 0;) {
        size_t room;
        void *const place = nd_emit_room(out, &room);
        const size_t len = left < room ? left : room;
        const size_t written = self->fn(nd_vertex_user(vertex), records, len, place);
        if (written > len) {
            nd_fail(vertex, "its function says that it wrote %zu records of at most %zu", written,
                    len);
            return;
        }
        nd_emit_wrote(out, written);
        records += len * size;
        left -= len;
    }
}

nd_stream nd_map(nd_stream stream, const nd_type *type, nd_map_fn *fn, nd_user user)
{
    nd_stream out = {NULL};
    nd_operator_check(stream, "map", fn != NULL && type != NULL, "it needs a function and a type");
    nd_vertex *const vertex = nd_operator_new(nd_pipeline(stream),
                                              &(nd_operator_def){
                                                  .name = "map",
                                                  .output = type,
                                                  .state_size = sizeof(map),
                                                  .on_recv = on_recv,
                                                  .user = user,
                                              },
                                              &out);
    if (vertex != NULL)
        *(map *)nd_vertex_state(vertex) = (map){fn};
    return out;
}
