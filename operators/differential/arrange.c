/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/arrange.h"

#include <nereid/vertex.h>

#include "operators/differential/linear.h"
#include "operators/differential/own_trace.h"
#include "operators/differential/waiting.h"

static void retain(void *batch) { (void)nd_trace_batch_retain(batch); }
static void release(void *batch) { nd_trace_batch_release(batch); }

const nd_type nd_trace_batch_type = ND_TYPE_OBJECT("trace batch", retain, release);

typedef struct arrange {
    nd_waiting waiting;
    nd_record_code whole;
    nd_trace_builder builder;
    nd_index *index;
    nd_antichain lower; /* where the next batch begins */
} arrange;

static void deinit(nd_vertex *vertex)
{
    arrange *const self = nd_vertex_state(vertex);
    nd_waiting_deinit(&self->waiting);
    nd_trace_builder_deinit(&self->builder);
    if (self->index)
        nd_index_abandon(self->index);
    nd_index_release(self->index);
    nd_antichain_deinit(&self->lower);
}

/* --- Sealing --- */

/* The last of the held times that is at or before `time`. */
static size_t owner_of(const nd_held *held, const nd_time *time)
{
    size_t i = held->times.len;
    while (i > 0 && !nd_time_less_equal(&nd_antichain_items(&held->times)[i - 1], time))
        i--;
    return i - 1;
}

static nd_err push_own(arrange *self, const nd_updates *done, size_t which)
{
    for (size_t i = 0; i < nd_updates_len(done); i++) {
        size_t size;
        const nd_time *const time = nd_updates_time(done, i);
        if (self->waiting.held.times.len > 1 && owner_of(&self->waiting.held, time) != which)
            continue;
        const unsigned char *const code = nd_updates_code(done, i, &size);
        const size_t key_size = nd_record_code_prefix(&self->index->key, code, size);
        ND_TRY(nd_trace_builder_push(&self->builder, (nd_trace_code){code, key_size},
                                     (nd_trace_code){code + key_size, size - key_size}, time,
                                     nd_updates_diff(done, i)));
    }
    return ND_OK;
}

/* The frontier and the held times behind one. */
static nd_err find_upper(const arrange *self, const nd_antichain *frontier, size_t which,
                         nd_antichain *upper)
{
    for (size_t i = 0; i < frontier->len; i++)
        ND_TRY(nd_antichain_insert(upper, &nd_antichain_items(frontier)[i]));
    for (size_t i = which + 1; i < self->waiting.held.times.len; i++)
        ND_TRY(nd_antichain_insert(upper, &nd_antichain_items(&self->waiting.held.times)[i]));
    return ND_OK;
}

/* Seals what belongs to one of the held times, all that is built if there is no `done`, and sends
 * it. */
static nd_err seal_one(nd_vertex *vertex, const nd_updates *done, const nd_antichain *frontier,
                       size_t which)
{
    arrange *const self = nd_vertex_state(vertex);
    nd_trace_batch *batch;
    nd_antichain upper;
    nd_antichain_init(&upper);
    nd_err err = done ? push_own(self, done, which) : ND_OK;
    if (err == ND_OK && self->builder.n_values != 0) {
        err = find_upper(self, frontier, which, &upper);
        if (err == ND_OK)
            err = nd_trace_builder_seal(&self->builder, &self->lower, &upper, NULL, &batch);
        if (err == ND_OK) {
            nd_emit *const out =
                nd_vertex_emit(vertex, 0, &nd_antichain_items(&self->waiting.held.times)[which]);
            *(nd_trace_batch **)nd_emit_slot(out) = nd_trace_batch_retain(batch);
            err = nd_index_insert(self->index, batch);
            nd_antichain_deinit(&self->lower);
            self->lower = upper;
            nd_antichain_init(&upper);
        }
    }
    nd_antichain_deinit(&upper);
    return err;
}

static nd_err seal_each(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    arrange *const self = nd_vertex_state(vertex);
    nd_updates done;
    nd_updates_init(&done, &self->whole);
    nd_err err = nd_batcher_seal(&self->waiting.batcher, frontier, &done, left);
    for (size_t i = 0; err == ND_OK && i < self->waiting.held.times.len; i++)
        err = seal_one(vertex, &done, frontier, i);
    nd_updates_deinit(&done);
    return err;
}

static nd_err seal(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    arrange *const self = nd_vertex_state(vertex);
    nd_batcher *const batcher = &self->waiting.batcher;
    if (self->waiting.held.times.len != 1 || !nd_batcher_can_build(batcher, frontier))
        return seal_each(vertex, frontier, left);
    ND_TRY(nd_batcher_build(batcher, frontier, &self->builder, left));
    return seal_one(vertex, NULL, frontier, 0);
}

static nd_err set_upper(nd_vertex *vertex, const nd_antichain *frontier)
{
    const arrange *const self = nd_vertex_state(vertex);
    return nd_index_set_upper(self->index, frontier);
}

static void on_frontier(nd_vertex *vertex)
{
    arrange *const self = nd_vertex_state(vertex);
    nd_held_round(&self->waiting.held, vertex, seal, set_upper);
    nd_vertex_when_idle(vertex);
}

static void on_activate(nd_vertex *vertex)
{
    const arrange *const self = nd_vertex_state(vertex);
    nd_idle_merge(vertex, self->index->trace);
}

/* --- Building --- */

static nd_err init_state(arrange *self, const nd_row *in, nd_index *index)
{
    const nd_trace_shape shape = nd_trace_shape_of(&index->key, &index->value);
    self->index = index;
    nd_whole_code_init(&self->whole, index->type, index->key.n_fields);
    nd_waiting_init(&self->waiting, in, &self->whole);
    nd_trace_builder_init(&self->builder, &shape);
    return nd_antichain_insert(&self->lower, &(nd_time){.epoch = 0});
}

static nd_collection arrange_anew(nd_collection collection, unsigned n_key)
{
    nd_collection made = collection;
    made.since = 0;
    nd_scope *const scope = nd_stream_scope(collection.stream);
    const nd_row in = nd_row_of(collection);
    nd_vertex *const vertex =
        nd_vertex_new(scope,
                      &(nd_vertex_def){.name = "arrange",
                                       .state_size = sizeof(arrange),
                                       .deinit = deinit,
                                       .inputs = {nd_exchange(collection.stream)},
                                       .outputs = {&nd_trace_batch_type},
                                       .on_recv = nd_waiting_recv,
                                       .on_activate = on_activate,
                                       .on_frontier = on_frontier},
                      &made.batches);
    made.index = vertex ? nd_index_create(made.type, n_key, nd_scope_n_loops(scope)) : NULL;
    if (vertex && (!made.index || init_state(nd_vertex_state(vertex), &in, made.index) != ND_OK))
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_NOMEM, "arrange: %s",
                            nd_err_text(ND_NOMEM));
    return made;
}

nd_collection nd_arrange_by(nd_collection collection, unsigned n_key)
{
    if (collection.index && collection.index->key.n_fields == n_key)
        return collection;
    return arrange_anew(collection, n_key);
}

nd_collection nd_arrange(nd_collection collection)
{
    return nd_arrange_by(collection, collection.type ? collection.type->nkey : 0);
}
