/* SPDX-License-Identifier: Apache-2.0 */
/* Join: every pair of records of one key, whenever both are there.
 *
 * Each batch of one side meets what has been accepted of the other, and is then accepted itself: so
 * each pair of batches meets once, in whichever order they come. What is accepted is kept as a
 * frontier of each side, moved by batches and by frontiers, and never read off a trace, whose
 * batches may have been merged or may have cancelled meanwhile. Who comes later asks of the other
 * side only about its own times, so each trace may be compacted up to the other side's frontier.
 *
 * A pair appears at the join of its times, which is not before the time its batch came at. That is
 * held until the batch is done, which may take long: pairs are made a bounded number at a time, and
 * the worker turns to others in between. Each side has a queue of its own, and they take turns, so
 * that many batches of one do not keep the other waiting. */
#include <nereid/memory.h>
#include <nereid/vertex.h>

#include "operators/differential/advance.h"
#include "operators/differential/arrange.h"
#include "operators/differential/join_results.h"
#include "operators/differential/join_tactic.h"
#include "operators/differential/key_history.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"
#include "runtime/base/fifo.h"

enum {
    SIDES = 2,
    FUEL = 1 << 17 /* keys and pairs looked at in one callback */
};

/* A batch of one side, and what was accepted of the other when it came. */
typedef struct unit {
    nd_time time; /* held */
    unsigned which;
    nd_trace_batch *batch; /* owned; a trace that has merged it gives it up */
    nd_vector met;         /* nd_trace_view, owned */
    nd_vector stored;      /* nd_trace_seeker: into these */
    nd_trace_cursor fresh;
    bool is_in_key; /* the tactic is at the cursor's key */
} unit;

/* One input. */
typedef struct side {
    nd_index *index;
    nd_trace_reader *reader; /* NULL when nothing more comes on the other side */
    nd_antichain accepted;
    bool has_begun;         /* a batch has come: what is imported comes late */
    nd_antichain begin;     /* what there was before counts as of then: it had been compacted */
    nd_fifo queue;          /* unit *, owned */
    nd_key_history history; /* of the key that is being joined */
} side;

typedef struct join {
    side sides[SIDES];
    nd_join_tactic tactic;
    nd_join_results results;
    unsigned turn; /* the side whose first batch is under way, or comes first */
    nd_activator *activator;
    nd_vector finished; /* unit *, owned: until what was sent of them has been copied; */
    nd_vector spare;    /* then they are used again */
} join;

/* --- Units --- */

static void clear_unit(unit *one)
{
    nd_trace_batch_release(one->batch);
    one->batch = NULL;
    while (one->met.len)
        nd_trace_view_release(nd_vector_pop(&one->met));
    nd_vector_clear(&one->stored);
}

static void destroy_unit(unit *one)
{
    clear_unit(one);
    nd_vector_deinit(&one->met);
    nd_vector_deinit(&one->stored);
    nd_free(one);
}

static unit *make_unit(join *self)
{
    if (self->spare.len)
        return *(unit **)nd_vector_pop(&self->spare);
    unit *const one = nd_alloc_zero(1, sizeof *one);
    if (!one)
        return NULL;
    nd_vector_init(&one->met, sizeof(nd_trace_view));
    nd_vector_init(&one->stored, sizeof(nd_trace_seeker));
    return one;
}

static nd_err fill_unit(join *self, unit *one, nd_trace_batch *batch, unsigned which)
{
    const side *const other = &self->sides[1 - which];
    one->which = which;
    one->is_in_key = false;
    one->batch = nd_trace_batch_retain(batch);
    nd_trace_cursor_init(&one->fresh, batch);
    if (!other->reader)
        return ND_OK; /* nothing more comes on this side: it has no updates */
    ND_TRY(nd_trace_views(other->index->trace, &other->accepted, &one->met));
    ND_TRY(nd_vector_reserve(&one->stored, one->met.len));
    for (size_t i = 0; i < one->met.len; i++)
        nd_trace_seeker_init(nd_vector_push(&one->stored), nd_vector_at(&one->met, i));
    return ND_OK;
}

/* --- Keys --- */

/* Begins with the key, if both sides have it. */
static nd_err begin_key(join *self, unit *one)
{
    const bool is_left = one->which == 0;
    nd_key_history *const own = &self->sides[one->which].history;
    nd_key_history *const other = &self->sides[1 - one->which].history;
    const nd_trace_code key = nd_trace_cursor_key(&one->fresh);
    nd_trace_foresee_from(&one->stored, &one->fresh);
    nd_key_history_clear(other);
    for (size_t i = 0; i < one->stored.len; i++)
        ND_TRY(nd_key_history_add_stored(other, nd_vector_at(&one->stored, i), key));
    if (other->found.len == 0)
        return ND_OK;
    nd_key_history_clear(own);
    ND_TRY(nd_key_history_make_since(other, &self->sides[1 - one->which].begin));
    ND_TRY(nd_key_history_add_fresh(own, &one->fresh, key, &one->time));
    ND_TRY(nd_key_history_make(own));
    ND_TRY(nd_join_results_begin(&self->results, key, &self->sides[0].history.values,
                                 &self->sides[1].history.values));
    const nd_join_edits came = {own->fresh.items, own->fresh.len},
                        kept = {other->stored.items, other->stored.len};
    one->is_in_key = true;
    return nd_join_tactic_start(&self->tactic, is_left ? came : kept, is_left ? kept : came,
                                is_left ? ND_JOIN_RIGHT : ND_JOIN_LEFT, &one->time);
}

/* Goes on until the batch is done or the fuel is used up. */
static nd_err run_unit(join *self, unit *one, size_t *fuel)
{
    while (*fuel != 0 && nd_trace_cursor_has_key(&one->fresh)) {
        bool is_finished = true;
        if (!one->is_in_key) {
            ND_TRY(begin_key(self, one));
            (*fuel)--;
        }
        if (one->is_in_key)
            ND_TRY(nd_join_tactic_run(&self->tactic, fuel, nd_join_results_send, &self->results,
                                      &is_finished));
        if (!is_finished)
            return ND_OK;
        one->is_in_key = false;
        nd_trace_cursor_next_key(&one->fresh);
    }
    return ND_OK;
}

/* --- Work --- */

static void forget_finished(join *self)
{
    nd_join_results_forget(&self->results);
    while (self->finished.len) {
        unit *const one = *(unit **)nd_vector_pop(&self->finished);
        unit **const place = nd_vector_push(&self->spare);
        clear_unit(one);
        if (place)
            *place = one;
        else
            destroy_unit(one);
    }
}

static nd_err finish_unit(nd_vertex *vertex, nd_fifo *queue)
{
    join *const self = nd_vertex_state(vertex);
    unit **const place = nd_vector_push(&self->finished);
    if (!place)
        return ND_NOMEM;
    *place = *(unit **)nd_fifo_pop(queue);
    nd_release(vertex, &(*place)->time);
    return ND_OK;
}

/* The next unit, of the side whose turn it is. NULL: nothing is left to do. */
static unit *next_unit(join *self)
{
    if (nd_fifo_is_empty(&self->sides[self->turn].queue))
        self->turn = 1 - self->turn;
    nd_fifo *const queue = &self->sides[self->turn].queue;
    return nd_fifo_is_empty(queue) ? NULL : *(unit **)nd_fifo_at(queue, 0);
}

/* A turn ends where a key does: the tactic is at one key at a time. */
static nd_err work(nd_vertex *vertex)
{
    join *const self = nd_vertex_state(vertex);
    size_t fuel = FUEL;
    unit *one;
    while (fuel != 0 && (one = next_unit(self)) != NULL) {
        self->results.emit = nd_vertex_emit(vertex, 0, &one->time);
        ND_TRY(run_unit(self, one, &fuel));
        if (!nd_trace_cursor_has_key(&one->fresh))
            ND_TRY(finish_unit(vertex, &self->sides[one->which].queue));
        if (!one->is_in_key)
            self->turn = 1 - self->turn;
    }
    if (next_unit(self))
        nd_activate(self->activator);
    return ND_OK;
}

static void on_activate(nd_vertex *vertex)
{
    join *const self = nd_vertex_state(vertex);
    forget_finished(self);
    const nd_err err = work(vertex);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* --- Accepting --- */

static nd_err accept(side *one, const nd_time *upper, size_t len)
{
    ND_TRY(nd_frontier_join(&one->accepted, upper, len));
    return one->reader ? nd_trace_reader_set_accepted(one->reader, &one->accepted) : ND_OK;
}

static nd_err take_batch(nd_vertex *vertex, nd_trace_batch *batch, unsigned which,
                         const nd_time *time)
{
    join *const self = nd_vertex_state(vertex);
    unit *const one = make_unit(self);
    unit **const place = one ? nd_fifo_push(&self->sides[which].queue) : NULL;
    if (!place) {
        if (one)
            destroy_unit(one);
        return ND_NOMEM;
    }
    *place = one;
    one->time = *time;
    self->sides[which].has_begun = true;
    nd_hold(vertex, time);
    ND_TRY(fill_unit(self, one, batch, which));
    return accept(&self->sides[which], batch->upper.items, batch->upper.len);
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    join *const self = nd_vertex_state(vertex);
    nd_trace_batch *const *const batches = nd_batch_records(batch);
    nd_err err = ND_OK;
    forget_finished(self);
    for (size_t i = 0; err == ND_OK && i < nd_batch_len(batch); i++)
        err = take_batch(vertex, batches[i], port, time);
    if (err == ND_OK)
        err = work(vertex);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* Once nothing more comes on one side, nobody asks the other. */
static nd_err take_frontier(nd_vertex *vertex, unsigned which)
{
    join *const self = nd_vertex_state(vertex);
    side *const other = &self->sides[1 - which];
    nd_antichain frontier;
    nd_antichain_init(&frontier);
    nd_err err = nd_frontier_read(vertex, which, &frontier);
    if (err == ND_OK && (self->sides[which].has_begun || frontier.len == 0))
        err = accept(&self->sides[which], nd_antichain_items(&frontier), frontier.len);
    if (err == ND_OK && frontier.len == 0) {
        nd_trace_reader_release(other->reader);
        other->reader = NULL;
    } else if (err == ND_OK) {
        err = nd_index_set_since(other->index, other->reader, &frontier);
    }
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

static void destroy_units(nd_vector *units)
{
    while (units->len)
        destroy_unit(*(unit **)nd_vector_pop(units));
    nd_vector_deinit(units);
}

static void deinit_side(side *one)
{
    while (!nd_fifo_is_empty(&one->queue))
        destroy_unit(*(unit **)nd_fifo_pop(&one->queue));
    nd_fifo_deinit(&one->queue);
    nd_trace_reader_release(one->reader);
    nd_index_release(one->index);
    nd_antichain_deinit(&one->accepted);
    nd_antichain_deinit(&one->begin);
    nd_key_history_deinit(&one->history);
}

static void deinit(nd_vertex *vertex)
{
    join *const self = nd_vertex_state(vertex);
    if (!self->results.fn)
        return; /* never got that far */
    forget_finished(self);
    destroy_units(&self->finished);
    destroy_units(&self->spare);
    nd_join_results_deinit(&self->results);
    nd_join_tactic_deinit(&self->tactic);
    nd_activator_release(self->activator);
    for (unsigned i = 0; i < SIDES; i++)
        deinit_side(&self->sides[i]);
}

static nd_err init_side(side *one, nd_collection from)
{
    nd_index *const index = from.index;
    one->index = nd_index_retain(index);
    nd_key_history_init(&one->history);
    nd_fifo_init(&one->queue, sizeof(unit *));
    one->reader = nd_trace_reader_create(index->trace);
    if (!one->reader)
        return ND_NOMEM;
    const nd_time begin = {.epoch = from.since};
    ND_TRY(nd_antichain_insert(&one->begin, &begin));
    return nd_antichain_insert(&one->accepted, &(nd_time){.epoch = 0});
}

static nd_err init_state(nd_vertex *vertex, const nd_collection *inputs, const nd_row *row,
                         nd_join_fn *fn)
{
    join *const self = nd_vertex_state(vertex);
    self->activator = nd_vertex_activator(vertex);
    nd_vector_init(&self->finished, sizeof(unit *));
    nd_vector_init(&self->spare, sizeof(unit *));
    nd_join_tactic_init(&self->tactic);
    ND_TRY(nd_join_results_init(&self->results, row, fn, nd_vertex_user(vertex), inputs[0].index,
                                inputs[1].index));
    for (unsigned i = 0; i < SIDES; i++)
        ND_TRY(init_side(&self->sides[i], inputs[i]));
    return self->activator ? ND_OK : ND_NOMEM;
}

static void check(nd_dataflow *flow, nd_collection left, nd_collection right, nd_join_fn *fn)
{
    if (!fn)
        nd_dataflow_mistake(flow, ND_INVAL, "join: it needs a function");
    if (left.type && right.type &&
        (left.type->nkey != right.type->nkey ||
         !nd_has_same_key(left.type, right.type, left.type->nkey)))
        nd_dataflow_mistake(flow, ND_INVAL,
                            "join: '%s' and '%s' have not the same key: it is of %u and of %u "
                            "fields, which must be alike in kind and width",
                            left.type->name, right.type->name, left.type->nkey, right.type->nkey);
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
                         .on_activate = on_activate,
                         .on_frontier = on_frontier},
        &made.stream);
    if (!vertex || !inputs[0].index || !inputs[1].index || !fn)
        return made;
    const nd_err err = init_state(vertex, inputs, &row, fn);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "join: %s", nd_err_text(err));
    return made;
}
