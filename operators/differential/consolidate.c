/* SPDX-License-Identifier: Apache-2.0 */
/* Consolidate: updates are kept until their times are complete, and leave as one for each record
 * and time, or none. */
#include <nereid/vertex.h>

#include "operators/differential/batcher.h"
#include "operators/differential/held.h"
#include "operators/differential/linear.h"

typedef struct consolidate {
    nd_record_code code;
    nd_row in, out;
    nd_batcher batcher;
    nd_held held;
    nd_updates sent; /* last: what the records point into until they have been copied */
    nd_vector spare; /* bytes, likewise */
} consolidate;

static void deinit(nd_vertex *vertex)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_batcher_deinit(&self->batcher);
    nd_held_deinit(&self->held);
    nd_updates_deinit(&self->sent);
    nd_vector_deinit(&self->spare);
}

/* --- Keeping --- */

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

/* --- Sending --- */

/* Sends what may travel under one of the times that are held, and has not under an earlier one. */
static void send_under(nd_vertex *vertex, size_t which)
{
    consolidate *const self = nd_vertex_state(vertex);
    const nd_updates *const done = &self->sent;
    unsigned char *spare = self->spare.items;
    const nd_time *const held = nd_antichain_items(&self->held.times);
    nd_emit *out = NULL;
    for (size_t i = 0; i < nd_updates_len(done); i++) {
        size_t size;
        const nd_time *const time = nd_updates_time(done, i);
        if (nd_antichain_below(&self->held.times, time) != &held[which])
            continue;
        if (!out)
            out = nd_vertex_emit(vertex, 0, &held[which]);
        const unsigned char *const code = nd_updates_code(done, i, &size);
        unsigned char *const row = nd_emit_slot(out);
        nd_row_clear(&self->out, row);
        spare += nd_record_code_read(&self->code, code, size, row, spare);
        nd_row_stamp(&self->out, row, time, nd_updates_diff(done, i));
    }
}

static nd_err send_complete(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->sent);
    ND_TRY(nd_batcher_seal(&self->batcher, frontier, &self->sent, left));
    if (!self->code.is_fixed)
        ND_TRY(nd_vector_reserve(&self->spare, self->sent.codes.len));
    for (size_t i = 0; i < self->held.times.len; i++)
        send_under(vertex, i);
    return ND_OK;
}

static void on_frontier(nd_vertex *vertex)
{
    consolidate *const self = nd_vertex_state(vertex);
    nd_antichain frontier, left;
    nd_antichain_init(&frontier);
    nd_antichain_init(&left);
    nd_err err = nd_frontier_read(vertex, 0, &frontier);
    if (err == ND_OK && nd_held_has_complete(&self->held, &frontier)) {
        err = send_complete(vertex, &frontier, &left);
        if (err == ND_OK)
            nd_held_replace(&self->held, vertex, &left);
    }
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
    nd_record_code_init(&self->code, collection.type, 0, nd_type_n_fields(collection.type));
    self->in = in;
    self->out = out;
    nd_batcher_init(&self->batcher, &self->code);
    nd_updates_init(&self->sent, &self->code);
    nd_vector_init(&self->spare, 1);
    return made;
}
