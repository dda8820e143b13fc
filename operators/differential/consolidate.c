/* SPDX-License-Identifier: Apache-2.0 */
/* Consolidate: updates are kept until their times are complete, and leave as one for each record
 * and time, or none. */
#include <nereid/vertex.h>

#include "operators/differential/batcher.h"
#include "operators/differential/linear.h"
#include "operators/differential/outgoing.h"

typedef struct consolidate {
    nd_row in;
    nd_batcher batcher;
    nd_held held;
    nd_outgoing out;
} consolidate;

static void deinit(nd_vertex *vertex)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_batcher_deinit(&self->batcher);
    nd_held_deinit(&self->held);
    nd_outgoing_deinit(&self->out);
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    consolidate *const self = nd_vertex_state(vertex);
    nd_err err = nd_held_add(&self->held, vertex, time);
    if (err == ND_OK)
        err =
            nd_batcher_add(&self->batcher, &self->in, nd_batch_records(batch), nd_batch_len(batch));
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

static nd_err send_complete(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->out.updates);
    ND_TRY(nd_batcher_seal(&self->batcher, frontier, &self->out.updates, left));
    ND_TRY(nd_outgoing_send(&self->out, vertex, &self->held));
    nd_held_replace(&self->held, vertex, left);
    return ND_OK;
}

static void on_frontier(nd_vertex *vertex)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_antichain frontier, left;
    nd_antichain_init(&frontier);
    nd_antichain_init(&left);
    nd_err err = nd_frontier_read(vertex, 0, &frontier);
    if (err == ND_OK && nd_held_has_complete(&self->held, &frontier))
        err = send_complete(vertex, &frontier, &left);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    nd_antichain_deinit(&left);
    nd_antichain_deinit(&frontier);
}

nd_collection nd_consolidate(nd_collection collection)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_collection made = {.type = collection.type, .n_loops = nd_scope_n_loops(scope)};
    const nd_row in = nd_row_of(collection), out = nd_row_make(scope, collection.type);
    nd_vertex *const vertex =
        nd_vertex_new(scope,
                      &(nd_vertex_def){.name = "consolidate",
                                       .state_size = sizeof(consolidate),
                                       .deinit = deinit,
                                       .inputs = {nd_exchange(collection.stream)},
                                       .outputs = {out.type},
                                       .on_recv = on_recv,
                                       .on_frontier = on_frontier},
                      &made.stream);
    if (!vertex)
        return made;
    consolidate *const self = nd_vertex_state(vertex);
    self->in = in;
    nd_outgoing_init(&self->out, &out, collection.type, 0);
    nd_batcher_init(&self->batcher, &self->out.code);
    return made;
}
