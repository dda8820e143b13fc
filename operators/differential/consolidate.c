/* SPDX-License-Identifier: Apache-2.0 */
/* Consolidate: updates are kept until their times are complete, and leave as one for each record
 * and time, or none. */
#include <nereid/vertex.h>

#include "operators/differential/linear.h"
#include "operators/differential/outgoing.h"
#include "operators/differential/waiting.h"

typedef struct consolidate {
    nd_waiting waiting;
    nd_outgoing out;
} consolidate;

static void deinit(nd_vertex *vertex)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_waiting_deinit(&self->waiting);
    nd_outgoing_deinit(&self->out);
}

static nd_err send_complete(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->out.updates);
    ND_TRY(nd_batcher_seal(&self->waiting.batcher, frontier, &self->out.updates, left));
    return nd_outgoing_send(&self->out, vertex, &self->waiting.held);
}

static void on_frontier(nd_vertex *vertex)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_held_round(&self->waiting.held, vertex, send_complete, NULL);
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
                                       .on_recv = nd_waiting_recv,
                                       .on_frontier = on_frontier},
                      &made.stream);
    if (!vertex)
        return made;
    consolidate *const self = nd_vertex_state(vertex);
    nd_outgoing_init(&self->out, &out, collection.type, 0);
    nd_waiting_init(&self->waiting, &in, &self->out.code);
    return made;
}
