/* SPDX-License-Identifier: Apache-2.0 */
/* Inspect: shows updates, and passes the batch on as it is. */

#include <nereid/vertex.h>

#include "operators/differential/row.h"

enum { PIECE = 256 };

typedef struct inspect {
    nd_collection_inspect_fn *fn;
    const nd_type *type; /* of records */
    nd_row row;
} inspect;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    nd_update updates[PIECE];
    const inspect *const self = nd_vertex_state(vertex);
    const unsigned char *row = nd_batch_records(batch);
    for (size_t left = nd_batch_len(batch); left != 0;) {
        const size_t len = left < PIECE ? left : PIECE;
        for (size_t i = 0; i < len; i++, row += self->row.type->size)
            updates[i] = (nd_update){.record = row,
                                     .time = nd_row_time(&self->row, row),
                                     .diff = nd_row_diff(&self->row, row)};
        self->fn(nd_vertex_user(vertex), self->type, updates, len);
        left -= len;
    }
    nd_send_batch_by(vertex, 0, time, nd_batch_take(batch));
}

nd_collection nd_collection_inspect(nd_collection collection, nd_collection_inspect_fn *fn,
                                    nd_user user)
{
    nd_collection made = {.type = collection.type, .n_loops = collection.n_loops};
    nd_scope *const scope = nd_stream_scope(collection.stream);
    const nd_row row = nd_row_of(collection);
    if (!fn)
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_INVAL,
                            "collection inspect: it needs a function");
    nd_vertex *const vertex =
        nd_vertex_new(scope,
                      &(nd_vertex_def){.name = "collection inspect",
                                       .state_size = sizeof(inspect),
                                       .user = user.data,
                                       .destroy = user.destroy,
                                       .inputs = {nd_pipeline(collection.stream)},
                                       .outputs = {row.type},
                                       .on_recv = on_recv},
                      &made.stream);
    if (vertex)
        *(inspect *)nd_vertex_state(vertex) =
            (inspect){.fn = fn, .type = collection.type, .row = row};
    return made;
}
