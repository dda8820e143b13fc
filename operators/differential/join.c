/* SPDX-License-Identifier: Apache-2.0 */
/* Join: every pair of records of one key, whenever both are there.
 *
 * Each batch of one side meets what has been accepted of the other, and is then accepted itself: so
 * each pair of batches meets once, in whichever order they come. What is accepted is kept as a
 * frontier of each side, moved by batches and by frontiers, and never read off a trace, whose
 * batches may have been merged or may have cancelled meanwhile. Who comes later asks of the other
 * side only about its own times, so each trace may be compacted up to the other side's frontier.
 *
 * A pair appears at the join of its times, which is not before the time its batch came at: nothing
 * needs to be held. */
#include <string.h>

#include <nereid/memory.h>
#include <nereid/vertex.h>

#include "operators/differential/advance.h"
#include "operators/differential/arrange.h"
#include "operators/differential/join_tactic.h"
#include "operators/differential/key_history.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"

enum { SIDES = 2 };

/* One input. */
typedef struct side {
    nd_index *index;
    nd_trace_reader *reader;
    nd_antichain accepted;
    nd_key_history history; /* of the key that is being joined */
    unsigned char *records; /* ND_JOIN_RESULTS of them */
} side;

typedef struct join {
    nd_join_fn *fn;
    void *user;
    side sides[SIDES];
    nd_row row;
    nd_join_tactic tactic;
    nd_trace_code at; /* the key */
    nd_emit *emit;
    unsigned char *made;   /* ND_JOIN_RESULTS records of the output, */
    unsigned char *stamps; /* and stamps */
    nd_vector met;         /* nd_trace_batch *, owned: what the last batch has met, and itself, */
    nd_vector texts;       /* void *, owned: and texts, until what points there has been copied */
} join;

/* --- Results --- */

/* Room for texts that cannot stay where they are. */
static nd_err add_text(join *self, size_t size, unsigned char **room)
{
    void **const place = nd_vector_push(&self->texts);
    if (!place)
        return ND_NOMEM;
    *place = nd_alloc(size + 1, 1);
    *room = *place;
    return *place ? ND_OK : ND_NOMEM;
}

static nd_err read_records(join *self, side *from, const nd_join_result *results, size_t len,
                           bool is_left)
{
    unsigned char *room = NULL;
    const nd_trace_code *const values = from->history.values.items;
    if (!from->index->key.is_fixed || !from->index->value.is_fixed) {
        size_t size = 0;
        for (size_t i = 0; i < len; i++)
            size += self->at.size + values[is_left ? results[i].left : results[i].right].size;
        ND_TRY(add_text(self, size, &room));
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char *const record = from->records + i * from->index->type->size;
        const nd_trace_code value = values[is_left ? results[i].left : results[i].right];
        room += nd_record_code_read(&from->index->key, self->at.bytes, self->at.size, record, room);
        room += nd_record_code_read(&from->index->value, value.bytes, value.size, record, room);
    }
    return ND_OK;
}

static nd_err take_results(void *context, const nd_join_result *results, size_t len)
{
    join *const self = context;
    ND_TRY(read_records(self, &self->sides[0], results, len, true));
    ND_TRY(read_records(self, &self->sides[1], results, len, false));
    for (size_t i = 0; i < len; i++) {
        unsigned char *const stamp = self->stamps + i * self->row.stamp_size;
        memcpy(stamp, &results[i].time, self->row.stamp_size - 8);
        nd_stamp_set_diff(&self->row, stamp, results[i].diff);
    }
    self->fn(self->user, self->sides[0].records, self->sides[1].records, len, self->made);
    nd_rows_scatter(&self->row, self->made, self->stamps, len, self->emit);
    return ND_OK;
}

/* --- A batch --- */

static nd_err join_key(join *self, nd_trace_cursor *fresh, nd_vector *stored, unsigned which,
                       const nd_time *time)
{
    nd_key_history *const own = &self->sides[which].history, *const other =
                                                                 &self->sides[1 - which].history;
    bool is_finished = false;
    self->at = nd_trace_cursor_key(fresh);
    nd_key_history_clear(own);
    nd_key_history_clear(other);
    for (size_t i = 0; i < stored->len; i++)
        ND_TRY(nd_key_history_add(other, nd_vector_at(stored, i), self->at, NULL));
    if (other->found.len == 0)
        return ND_OK;
    ND_TRY(nd_key_history_make(other));
    ND_TRY(nd_key_history_add(own, fresh, self->at, time));
    ND_TRY(nd_key_history_make(own));
    const nd_join_edits came = {own->fresh.items, own->fresh.len},
                        kept = {other->stored.items, other->stored.len};
    ND_TRY(nd_join_tactic_start(&self->tactic, which == 0 ? came : kept, which == 0 ? kept : came,
                                which == 0 ? ND_JOIN_RIGHT : ND_JOIN_LEFT, time));
    while (!is_finished) {
        size_t fuel = SIZE_MAX;
        ND_TRY(nd_join_tactic_run(&self->tactic, &fuel, take_results, self, &is_finished));
    }
    return ND_OK;
}

static nd_err join_keys(join *self, const nd_trace_batch *batch, nd_vector *stored, unsigned which,
                        const nd_time *time)
{
    nd_trace_cursor fresh;
    for (nd_trace_cursor_init(&fresh, batch); nd_trace_cursor_has_key(&fresh);
         nd_trace_cursor_next_key(&fresh))
        ND_TRY(join_key(self, &fresh, stored, which, time));
    return ND_OK;
}

static void forget_met(join *self)
{
    while (self->met.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&self->met));
    while (self->texts.len)
        nd_free(*(void **)nd_vector_pop(&self->texts));
}

static nd_err join_batch(join *self, nd_trace_batch *batch, unsigned which, const nd_time *time)
{
    const side *const other = &self->sides[1 - which];
    nd_vector stored;
    nd_vector_init(&stored, sizeof(nd_trace_cursor));
    const size_t first = self->met.len;
    nd_err err = nd_trace_batches(other->index->trace, &other->accepted, &self->met);
    for (size_t i = first; err == ND_OK && i < self->met.len; i++) {
        nd_trace_cursor *const cursor = nd_vector_push(&stored);
        if (cursor)
            nd_trace_cursor_init(cursor, *(nd_trace_batch **)nd_vector_at(&self->met, i));
        else
            err = ND_NOMEM;
    }
    if (err == ND_OK)
        err = join_keys(self, batch, &stored, which, time);
    nd_vector_deinit(&stored);
    return err;
}

/* --- Accepting --- */

static nd_err accept(side *one, const nd_time *upper, size_t len)
{
    ND_TRY(nd_frontier_join(&one->accepted, upper, len));
    return nd_trace_reader_set_accepted(one->reader, &one->accepted);
}

static nd_err take_batch(join *self, nd_trace_batch *batch, unsigned which, const nd_time *time)
{
    nd_trace_batch **const place = nd_vector_push(&self->met);
    if (!place)
        return ND_NOMEM;
    *place = nd_trace_batch_retain(batch); /* a trace that has merged it gives it up */
    ND_TRY(join_batch(self, batch, which, time));
    return accept(&self->sides[which], batch->upper.items, batch->upper.len);
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    join *const self = nd_vertex_state(vertex);
    nd_trace_batch *const *const batches = nd_batch_records(batch);
    nd_err err = ND_OK;
    forget_met(self);
    self->emit = nd_vertex_emit(vertex, 0, time);
    for (size_t i = 0; err == ND_OK && i < nd_batch_len(batch); i++)
        err = take_batch(self, batches[i], port, time);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

static nd_err take_frontier(nd_vertex *vertex, unsigned which)
{
    join *const self = nd_vertex_state(vertex);
    const side *const other = &self->sides[1 - which];
    nd_antichain frontier;
    nd_antichain_init(&frontier);
    nd_err err = nd_frontier_read(vertex, which, &frontier);
    if (err == ND_OK)
        err = accept(&self->sides[which], nd_antichain_items(&frontier), frontier.len);
    if (err == ND_OK)
        err = nd_index_set_since(other->index, other->reader, &frontier);
    nd_antichain_deinit(&frontier);
    return err;
}

static void on_frontier(nd_vertex *vertex)
{
    nd_err err = ND_OK;
    for (unsigned i = 0; err == ND_OK && i < SIDES; i++)
        err = take_frontier(vertex, i);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* --- Building --- */

static void deinit(nd_vertex *vertex)
{
    join *const self = nd_vertex_state(vertex);
    if (!self->fn)
        return; /* never got that far */
    forget_met(self);
    nd_vector_deinit(&self->met);
    nd_vector_deinit(&self->texts);
    nd_join_tactic_deinit(&self->tactic);
    nd_free(self->made);
    nd_free(self->stamps);
    for (unsigned i = 0; i < SIDES; i++) {
        side *const one = &self->sides[i];
        nd_trace_reader_release(one->reader);
        nd_index_release(one->index);
        nd_antichain_deinit(&one->accepted);
        nd_key_history_deinit(&one->history);
        nd_free(one->records);
    }
}

static nd_err init_side(side *one, nd_index *index)
{
    one->index = nd_index_retain(index);
    nd_key_history_init(&one->history);
    one->reader = nd_trace_reader_create(index->trace);
    one->records = nd_alloc_zero(ND_JOIN_RESULTS, index->type->size);
    if (!one->reader || !one->records)
        return ND_NOMEM;
    return nd_antichain_insert(&one->accepted, &(nd_time){.epoch = 0});
}

static nd_err init_state(join *self, const nd_collection *inputs, const nd_row *row, nd_join_fn *fn,
                         void *user)
{
    *self = (join){.fn = fn, .user = user, .row = *row};
    nd_vector_init(&self->met, sizeof(nd_trace_batch *));
    nd_vector_init(&self->texts, sizeof(void *));
    nd_join_tactic_init(&self->tactic);
    self->made = nd_alloc(ND_JOIN_RESULTS, row->record_size);
    self->stamps = nd_alloc(ND_JOIN_RESULTS, row->stamp_size);
    for (unsigned i = 0; i < SIDES; i++)
        ND_TRY(init_side(&self->sides[i], inputs[i].index));
    return self->made && self->stamps ? ND_OK : ND_NOMEM;
}

static void check(nd_dataflow *flow, nd_collection left, nd_collection right, nd_join_fn *fn)
{
    if (!fn)
        nd_dataflow_mistake(flow, ND_INVAL, "join: it needs a function");
    if (left.type && right.type &&
        (left.type->nkey != right.type->nkey ||
         !nd_has_same_key(left.type, right.type, left.type->nkey)))
        nd_dataflow_mistake(flow, ND_INVAL, "join: '%s' and '%s' have not the same key",
                            left.type->name, right.type->name);
}

nd_collection nd_join(nd_collection left, nd_collection right, const nd_type *type, nd_join_fn *fn,
                      nd_user user)
{
    nd_scope *const scope = nd_stream_scope(left.stream);
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    nd_collection made = {.type = type, .n_loops = nd_scope_n_loops(scope)};
    const nd_row row = nd_row_make(scope, type);
    check(flow, left, right, fn);
    const nd_collection inputs[SIDES] = {nd_arrange_by(left, left.type ? left.type->nkey : 0),
                                         nd_arrange_by(right, right.type ? right.type->nkey : 0)};
    nd_vertex *const vertex = nd_vertex_new(
        scope,
        &(nd_vertex_def){.name = "join",
                         .state_size = sizeof(join),
                         .deinit = deinit,
                         .user = user.data,
                         .destroy = user.destroy,
                         .inputs = {nd_pipeline(inputs[0].batches), nd_pipeline(inputs[1].batches)},
                         .outputs = {row.type},
                         .on_recv = on_recv,
                         .on_frontier = on_frontier},
        &made.stream);
    if (!vertex || !inputs[0].index || !inputs[1].index || !fn)
        return made;
    const nd_err err = init_state(nd_vertex_state(vertex), inputs, &row, fn, user.data);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "join: %s", nd_err_text(err));
    return made;
}
