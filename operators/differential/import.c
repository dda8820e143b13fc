/* SPDX-License-Identifier: Apache-2.0 */
/* Import: an arranged collection as a source of another dataflow of the same worker.
 *
 * What is there already comes first, all in one message: no reader has taken part of it when the
 * trace merges. It comes at the epoch that the hold was advanced to, which is alike on all workers;
 * what was before can perhaps no longer be told apart, and readers count earlier times as that one.
 * Then each batch comes as it is sealed. The source holds up to where everything has been added,
 * which moves also where nothing is. */
#include "operators/differential/arrange.h"
#include "operators/differential/arrangement.h"
#include "operators/differential/linear.h"

typedef struct import {
    nd_index *index;
    nd_vector batches; /* nd_trace_batch *, owned, not yet sent */
    nd_activator *activator;
    nd_time at;     /* held */
    uint64_t since; /* the epoch it begins at */
    bool has_begun, is_over;
} import;

static void deinit(nd_vertex *vertex)
{
    import *const self = nd_vertex_state(vertex);
    if (!self->index)
        return; /* never got that far */
    nd_index_forget(self->index, self);
    nd_index_release(self->index);
    nd_activator_release(self->activator);
    while (self->batches.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&self->batches));
    nd_vector_deinit(&self->batches);
}

static void on_moved(void *context) { nd_activate(((import *)context)->activator); }

static void move_to(nd_vertex *vertex, uint64_t epoch)
{
    import *const self = nd_vertex_state(vertex);
    const nd_time next = {.epoch = epoch};
    if (epoch <= self->at.epoch)
        return;
    nd_hold(vertex, &next);
    nd_release(vertex, &self->at);
    self->at = next;
}

static void end(nd_vertex *vertex)
{
    import *const self = nd_vertex_state(vertex);
    nd_release(vertex, &self->at);
    self->is_over = true;
}

static void send(nd_vertex *vertex)
{
    import *const self = nd_vertex_state(vertex);
    nd_trace_batch **const batches = self->batches.items;
    if (self->batches.len == 0)
        return;
    nd_emit *const out = nd_vertex_emit(vertex, 0, &self->at);
    for (size_t i = 0; i < self->batches.len; i++)
        *(nd_trace_batch **)nd_emit_slot(out) = batches[i]; /* moved */
    nd_vector_clear(&self->batches);
}

/* Whether all that has been added ends at or before a time. */
static bool is_before(const nd_antichain *upper, const nd_time *time)
{
    return upper->len && nd_antichain_items(upper)->epoch <= time->epoch;
}

/* In the root scope a frontier is one epoch, or none. */
static void on_activate(nd_vertex *vertex)
{
    import *const self = nd_vertex_state(vertex);
    if (self->is_over)
        return;
    const nd_antichain *const upper = nd_trace_upper(self->index->trace);
    if (!self->has_begun)
        move_to(vertex, self->since);
    self->has_begun = self->has_begun || !is_before(upper, &self->at);
    if (self->has_begun)
        send(vertex);
    if (self->has_begun && upper->len)
        move_to(vertex, nd_antichain_items(upper)->epoch);
    else if (upper->len == 0)
        end(vertex);
    if (self->index->is_abandoned && !self->is_over)
        nd_fail(vertex, "the dataflow that arranges the collection was dropped");
}

static nd_err init_state(nd_vertex *vertex, nd_index *index, uint64_t since)
{
    import *const self = nd_vertex_state(vertex);
    *self = (import){
        .index = nd_index_retain(index), .since = since, .activator = nd_vertex_activator(vertex)};
    nd_vector_init(&self->batches, sizeof(nd_trace_batch *));
    if (!self->activator)
        return ND_NOMEM;
    return nd_index_listen(index, &(nd_listener){&self->batches, on_moved, self});
}

nd_collection nd_index_import(nd_dataflow *flow, nd_index *index, uint64_t since)
{
    nd_collection made = {.type = index->type, .index = index, .since = since};
    nd_vertex *const vertex = nd_vertex_new(nd_root(flow),
                                            &(nd_vertex_def){.name = "import",
                                                             .state_size = sizeof(import),
                                                             .deinit = deinit,
                                                             .outputs = {&nd_trace_batch_type},
                                                             .on_activate = on_activate},
                                            &made.batches);
    if (vertex && init_state(vertex, index, since) != ND_OK)
        nd_dataflow_mistake(flow, ND_NOMEM, "import: %s", nd_err_text(ND_NOMEM));
    made.stream = nd_rows_of_batches(made);
    return made;
}
