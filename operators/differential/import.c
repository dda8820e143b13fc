/* SPDX-License-Identifier: Apache-2.0 */
/* Import: an arranged collection as a source of another dataflow of the same worker.
 *
 * What is there already comes first, all in one message: no reader has taken part of it when the
 * trace merges. It comes at the trace's since, for what was before that can no longer be told
 * apart; a reader counts earlier times as that one. Then each batch comes as it is sealed. The
 * source holds up to where everything has been added, which moves also where nothing is. */
#include "operators/differential/arrange.h"
#include "operators/differential/arrangement.h"
#include "operators/differential/linear.h"

typedef struct import {
    nd_index *index;
    nd_vector batches; /* nd_trace_batch *, owned, not yet sent */
    nd_activator *activator;
    nd_time at;         /* held */
    nd_antichain since; /* up to where the trace was compacted when this was built */
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
    nd_antichain_deinit(&self->since);
}

static void on_moved(void *context) { nd_activate(((import *)context)->activator); }

/* In the root scope a frontier is one epoch, or none. */
static void move_to(nd_vertex *vertex, const nd_antichain *frontier)
{
    import *const self = nd_vertex_state(vertex);
    const nd_time *const next = nd_antichain_items(frontier);
    if (frontier->len && next->epoch <= self->at.epoch)
        return;
    if (frontier->len)
        nd_hold(vertex, next);
    nd_release(vertex, &self->at);
    self->is_over = frontier->len == 0;
    self->at = frontier->len ? *next : self->at;
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

static void on_activate(nd_vertex *vertex)
{
    import *const self = nd_vertex_state(vertex);
    if (self->is_over)
        return;
    const nd_antichain *const upper = nd_trace_upper(self->index->trace);
    if (!self->has_begun)
        move_to(vertex, &self->since);
    self->has_begun = self->has_begun || !is_before(upper, &self->at);
    if (self->has_begun) {
        send(vertex);
        move_to(vertex, upper);
    }
    if (self->index->is_abandoned && !self->is_over)
        nd_fail(vertex, "the dataflow that arranges the collection was dropped");
}

static nd_err init_state(nd_vertex *vertex, nd_index *index)
{
    import *const self = nd_vertex_state(vertex);
    *self = (import){.index = nd_index_retain(index), .activator = nd_vertex_activator(vertex)};
    nd_vector_init(&self->batches, sizeof(nd_trace_batch *));
    if (!self->activator)
        return ND_NOMEM;
    const nd_antichain *const since = nd_trace_since(index->trace);
    ND_TRY(nd_antichain_set(&self->since, nd_antichain_items(since), since->len));
    return nd_index_listen(index, &(nd_listener){&self->batches, on_moved, self});
}

nd_collection nd_index_import(nd_dataflow *flow, nd_index *index)
{
    nd_collection made = {.type = index->type, .index = index};
    nd_vertex *const vertex = nd_vertex_new(nd_root(flow),
                                            &(nd_vertex_def){.name = "import",
                                                             .state_size = sizeof(import),
                                                             .deinit = deinit,
                                                             .outputs = {&nd_trace_batch_type},
                                                             .on_activate = on_activate},
                                            &made.batches);
    if (vertex && init_state(vertex, index) != ND_OK)
        nd_dataflow_mistake(flow, ND_NOMEM, "import: %s", nd_err_text(ND_NOMEM));
    made.stream = nd_rows_of_batches(made);
    return made;
}
