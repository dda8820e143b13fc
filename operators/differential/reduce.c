/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce: what a function makes of the records of each key, kept up to date.
 *
 * A round is held when the input's frontier moves. The keys it looks at are those of the batches
 * that have come, and those of pending times that are complete now: times at which the output may
 * have to change though no input does (reduce_tactic.h). What the input was before stands in its
 * trace; what was given out, in a trace of the vertex's own, or, where times are totally ordered
 * and the function but chooses among the values, nowhere: it is chosen again.
 *
 * Both histories are advanced to where the round begins, so that in a loop the times of a key
 * mostly are a chain.
 *
 * Invariants: `held` are the minimal times of the batches that have come and of all pending times,
 * nothing else, or loops would never end; a batch is looked at once, in the first round after it
 * has come; and up to where all has been looked at is said by `accepted`, never guessed from a
 * trace. */
#include "operators/differential/reduce.h"

#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>
#include <nereid/vertex.h>

#include "operators/differential/advance.h"
#include "operators/differential/arrange.h"
#include "operators/differential/batcher.h"
#include "operators/differential/key_history.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"
#include "operators/differential/trace_builder.h"

enum { IDLE_FUEL = 1 << 12 /* updates merged in an idle moment */ };

/* The batches that a round looks at. */
typedef struct round {
    nd_antichain upper, left;
    nd_vector batches;               /* nd_trace_batch *, owned: those of the three below */
    nd_vector stored, fresh, output; /* nd_trace_cursor */
    nd_vector arrivals;              /* nd_time: of each fresh batch */
    nd_updates due;                  /* keys and times that were pending, in order of keys */
    size_t next_due;
    nd_vector times; /* nd_time: of the key that are due */
} round;

typedef struct reduce {
    nd_index *index; /* of the input */
    nd_trace_reader *reader;
    nd_trace *out_trace; /* NULL: the output is chosen again */
    nd_trace_reader *out_reader;
    nd_trace_builder builder;
    nd_antichain accepted, out_lower;
    bool has_begun; /* a batch has come: what is imported comes late */
    nd_held held;
    nd_vector arrived;  /* nd_trace_batch *, owned, in the order they came, */
    nd_vector arrivals; /* and nd_time: when */
    nd_batcher pending; /* keys and times, each at least once */
    nd_outgoing out;
    nd_reduce_tactic tactic;
    bool chooses;
    round now;
    /* The key that is being looked at. */
    nd_trace_code at;
    nd_key_history history; /* of the input; of the output too if that is chosen from it, */
    nd_key_history output;  /* else this, stored only */
    nd_reduction reduction;
    nd_vector corrections; /* correction */
    nd_vector spare;       /* bytes */
} reduce;

/* --- A key --- */

typedef struct correction {
    nd_trace_code value;
    const nd_edit *edit;
} correction;

/* `arrivals`, of fresh batches: one for each cursor. */
static nd_err gather(nd_key_history *history, const nd_vector *cursors, nd_trace_code key,
                     const nd_vector *arrivals)
{
    for (size_t i = 0; i < cursors->len; i++)
        ND_TRY(nd_key_history_add(history, nd_vector_at(cursors, i), key,
                                  arrivals ? nd_vector_at(arrivals, i) : NULL));
    return ND_OK;
}

static nd_err gather_chosen(reduce *self)
{
    for (size_t i = 0; i < self->now.output.len; i++)
        ND_TRY(nd_key_history_add_output(&self->history, nd_vector_at(&self->now.output, i),
                                         self->at));
    return nd_key_history_make_since(&self->history, &self->accepted);
}

/* The output's values get the first numbers. */
static nd_err gather_output(reduce *self)
{
    uint32_t number;
    ND_TRY(nd_key_history_make_since(&self->history, &self->accepted));
    nd_key_history_clear(&self->output);
    ND_TRY(gather(&self->output, &self->now.output, self->at, NULL));
    ND_TRY(nd_key_history_make_since(&self->output, &self->accepted));
    nd_reduction_begin(&self->reduction, self->at, &self->history.values);
    for (size_t i = 0; i < self->output.values.len; i++)
        ND_TRY(nd_reduction_number(
            &self->reduction, *(nd_trace_code *)nd_vector_at(&self->output.values, i), &number));
    return ND_OK;
}

static nd_err gather_key(reduce *self)
{
    nd_key_history_clear(&self->history);
    ND_TRY(gather(&self->history, &self->now.stored, self->at, NULL));
    ND_TRY(gather(&self->history, &self->now.fresh, self->at, &self->now.arrivals));
    return self->chooses ? gather_chosen(self) : gather_output(self);
}

static int compare_corrections(const void *a, const void *b)
{
    const correction *const x = a, *const y = b;
    const int order = nd_trace_code_compare(x->value, y->value);
    return order ? order : nd_time_compare(&x->edit->time, &y->edit->time);
}

/* Those of a value side by side, as batches have them. */
static nd_err sort_corrections(reduce *self, const nd_reduce_result *result)
{
    bool is_sorted = true;
    const size_t n = result->n_corrections;
    nd_vector_clear(&self->corrections);
    for (size_t i = 0; i < n; i++) {
        const nd_edit *const edit = &result->corrections[i];
        correction *const one = nd_vector_push(&self->corrections);
        if (!one)
            return ND_NOMEM;
        *one = (correction){self->chooses
                                ? *(nd_trace_code *)nd_vector_at(&self->history.values, edit->value)
                                : nd_reduction_value(&self->reduction, edit->value),
                            edit};
        is_sorted = is_sorted && (i == 0 || compare_corrections(one - 1, one) < 0);
    }
    if (!is_sorted)
        qsort(self->corrections.items, n, sizeof(correction), compare_corrections);
    return ND_OK;
}

static nd_err keep_correction(reduce *self, const correction *one)
{
    unsigned char *const bytes = self->spare.items;
    if (one->value.size)
        memcpy(bytes + self->at.size, one->value.bytes, one->value.size);
    ND_TRY(nd_updates_add(&self->out.updates, bytes, self->at.size + one->value.size,
                          &one->edit->time, one->edit->diff));
    if (!self->out_trace)
        return ND_OK;
    return nd_trace_builder_push(&self->builder, self->at, one->value, &one->edit->time,
                                 one->edit->diff);
}

static nd_err keep_corrections(reduce *self, const nd_reduce_result *result)
{
    size_t most = 0;
    ND_TRY(sort_corrections(self, result));
    const correction *const all = self->corrections.items;
    for (size_t i = 0; i < result->n_corrections; i++)
        most = all[i].value.size > most ? all[i].value.size : most;
    ND_TRY(nd_vector_reserve(&self->spare, self->at.size + most + 1));
    if (self->at.size)
        memcpy(self->spare.items, self->at.bytes, self->at.size);
    for (size_t i = 0; i < result->n_corrections; i++)
        ND_TRY(keep_correction(self, &all[i]));
    return ND_OK;
}

static nd_err keep_pending(reduce *self, const nd_reduce_result *result, nd_antichain *left)
{
    for (size_t i = 0; i < result->n_pending; i++) {
        ND_TRY(nd_batcher_add_code(&self->pending, self->at.bytes, self->at.size,
                                   &result->pending[i], 1));
        ND_TRY(nd_antichain_insert(left, &result->pending[i]));
    }
    return ND_OK;
}

static nd_err reduce_key(reduce *self)
{
    nd_reduce_result result;
    round *const now = &self->now;
    ND_TRY(gather_key(self));
    const nd_vector *const output = self->chooses ? &self->history.output : &self->output.stored;
    const nd_reduce_round given = {.input = self->history.stored.items,
                                   .n_input = self->history.stored.len,
                                   .output = output->items,
                                   .n_output = output->len,
                                   .batch = self->history.fresh.items,
                                   .n_batch = self->history.fresh.len,
                                   .pending = now->times.items,
                                   .n_pending = now->times.len,
                                   .upper = &now->upper,
                                   .is_output_unknown = !self->out_trace};
    ND_TRY(nd_reduce_key(&self->tactic, &given, &result));
    ND_TRY(keep_corrections(self, &result));
    return keep_pending(self, &result, &now->left);
}

/* --- All keys of a round --- */

static nd_trace_code due_key(const round *now, size_t i)
{
    nd_trace_code key;
    key.bytes = nd_updates_code(&now->due, i, &key.size);
    return key;
}

/* The least key that is fresh or due; false if there is none any more. */
static bool find_key(const round *now, nd_trace_code *least)
{
    bool has = now->next_due < nd_updates_len(&now->due);
    if (has)
        *least = due_key(now, now->next_due);
    for (size_t i = 0; i < now->fresh.len; i++) {
        const nd_trace_cursor *const cursor = nd_vector_at(&now->fresh, i);
        if (!nd_trace_cursor_has_key(cursor))
            continue;
        const nd_trace_code key = nd_trace_cursor_key(cursor);
        if (!has || nd_trace_code_compare(key, *least) < 0)
            *least = key;
        has = true;
    }
    return has;
}

/* Whenever a fresh cursor has come to another key. */
static void foresee(const round *now, const nd_trace_cursor *fresh)
{
    nd_trace_foresee_from(&now->stored, fresh);
    nd_trace_foresee_from(&now->output, fresh);
}

/* Of the next keys that are due. */
static void foresee_due(const round *now)
{
    nd_trace_code keys[ND_TRACE_FORESEEN];
    size_t n = 0;
    for (size_t i = now->next_due; i < nd_updates_len(&now->due) && n < ND_TRACE_FORESEEN; i++)
        keys[n++] = due_key(now, i);
    nd_trace_foresee(&now->stored, keys, n, nd_updates_len(&now->due));
    nd_trace_foresee(&now->output, keys, n, nd_updates_len(&now->due));
}

static nd_err take_due(round *now, nd_trace_code key)
{
    nd_vector_clear(&now->times);
    for (; now->next_due < nd_updates_len(&now->due) &&
           nd_trace_code_compare(due_key(now, now->next_due), key) == 0;
         now->next_due++) {
        nd_time *const place = nd_vector_push(&now->times);
        if (!place)
            return ND_NOMEM;
        *place = *nd_updates_time(&now->due, now->next_due);
        if ((now->next_due + 1) % ND_TRACE_FORESEEN == 0)
            foresee_due(now);
    }
    return ND_OK;
}

static void pass_key(round *now, nd_trace_code key)
{
    for (size_t i = 0; i < now->fresh.len; i++) {
        nd_trace_cursor *const cursor = nd_vector_at(&now->fresh, i);
        if (nd_trace_cursor_has_key(cursor) &&
            nd_trace_code_compare(nd_trace_cursor_key(cursor), key) == 0) {
            nd_trace_cursor_next_key(cursor);
            foresee(now, cursor);
        }
    }
}

static nd_err reduce_keys(reduce *self)
{
    for (size_t i = 0; i < self->now.fresh.len; i++)
        foresee(&self->now, nd_vector_at(&self->now.fresh, i));
    foresee_due(&self->now);
    while (find_key(&self->now, &self->at)) {
        ND_TRY(take_due(&self->now, self->at));
        ND_TRY(reduce_key(self));
        pass_key(&self->now, self->at);
    }
    return ND_OK;
}

/* --- A round --- */

static nd_err add_cursor(nd_vector *cursors, const nd_trace_batch *batch)
{
    nd_trace_cursor *const cursor = nd_vector_push(cursors);
    if (!cursor)
        return ND_NOMEM;
    nd_trace_cursor_init(cursor, batch);
    return ND_OK;
}

static nd_err add_cursors(nd_vector *cursors, const nd_vector *batches, size_t first)
{
    for (size_t i = first; i < batches->len; i++)
        ND_TRY(add_cursor(cursors, *(nd_trace_batch **)nd_vector_at(batches, i)));
    return ND_OK;
}

/* Whether what has come first, and was compacted, counts as of a time that is not complete yet:
 * more of that time may come. */
static bool is_early(const reduce *self, const nd_antichain *upper)
{
    return !self->has_begun && self->arrived.len != 0 &&
           nd_antichain_less_equal(upper, nd_vector_at(&self->arrivals, 0));
}

/* The batches that have come become the round's. They say themselves up to where everything is
 * there; the frontier may be behind that, or beyond it, where nothing happened. */
static nd_err take_arrived(reduce *self)
{
    round *const now = &self->now;
    const nd_vector nothing = now->batches, never = now->arrivals;
    now->batches = self->arrived;
    now->arrivals = self->arrivals;
    self->arrived = nothing;
    self->arrivals = never;
    self->has_begun = true;
    const nd_trace_batch *const last =
        *(nd_trace_batch **)nd_vector_at(&now->batches, now->batches.len - 1);
    return nd_frontier_join(&now->upper, last->upper.items, last->upper.len);
}

/* What comes early waits, and its time is held. */
static nd_err keep_early(reduce *self)
{
    const nd_time *const times = self->arrivals.items;
    for (size_t i = 0; i < self->arrivals.len; i++)
        ND_TRY(nd_antichain_insert(&self->now.left, &times[i]));
    return ND_OK;
}

static nd_err open_round(reduce *self)
{
    round *const now = &self->now;
    if (self->arrived.len != 0 && !is_early(self, &now->upper))
        ND_TRY(take_arrived(self));
    ND_TRY(nd_frontier_join(&now->upper, nd_antichain_items(&self->accepted), self->accepted.len));
    ND_TRY(nd_batcher_seal(&self->pending, &now->upper, &now->due, &now->left));
    ND_TRY(keep_early(self));
    if (now->batches.len == 0 && nd_updates_len(&now->due) == 0)
        return ND_OK;
    ND_TRY(add_cursors(&now->fresh, &now->batches, 0));
    size_t first = now->batches.len;
    ND_TRY(nd_trace_batches(self->index->trace, &self->accepted, &now->batches));
    ND_TRY(add_cursors(&now->stored, &now->batches, first));
    first = now->batches.len;
    if (self->out_trace)
        ND_TRY(nd_trace_batches(self->out_trace, NULL, &now->batches));
    return add_cursors(&now->output, &now->batches, first);
}

/* What was given out goes to the output's trace. */
static nd_err seal_output(reduce *self, const nd_antichain *upper)
{
    nd_trace_batch *batch;
    nd_antichain since;
    if (!self->out_trace || self->builder.n_values == 0)
        return ND_OK;
    nd_antichain_init(&since);
    nd_err err = nd_antichain_insert(&since, &(nd_time){.epoch = 0});
    if (err == ND_OK)
        err = nd_trace_builder_seal(&self->builder, &self->out_lower, upper, &since, &batch);
    nd_antichain_deinit(&since);
    ND_TRY(err);
    ND_TRY(nd_trace_insert(self->out_trace, batch));
    return nd_antichain_set(&self->out_lower, nd_antichain_items(upper), upper->len);
}

static nd_err advance_holds(reduce *self, const nd_antichain *upper)
{
    ND_TRY(nd_index_set_since(self->index, self->reader, upper));
    if (!self->has_begun && upper->len)
        return ND_OK;
    ND_TRY(nd_antichain_set(&self->accepted, nd_antichain_items(upper), upper->len));
    ND_TRY(nd_trace_reader_set_accepted(self->reader, upper));
    if (!self->out_trace)
        return ND_OK;
    ND_TRY(nd_trace_set_upper(self->out_trace, upper));
    ND_TRY(nd_trace_reader_set_since(self->out_reader, upper));
    return nd_trace_reader_set_accepted(self->out_reader, upper);
}

static nd_err hold_round(nd_vertex *vertex)
{
    reduce *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->out.updates);
    ND_TRY(open_round(self));
    ND_TRY(reduce_keys(self));
    ND_TRY(nd_outgoing_send(&self->out, vertex, &self->held));
    ND_TRY(seal_output(self, &self->now.upper));
    nd_held_replace(&self->held, vertex, &self->now.left);
    return advance_holds(self, &self->now.upper);
}

static void round_init(round *now, const nd_record_code *key)
{
    nd_vector_init(&now->batches, sizeof(nd_trace_batch *));
    nd_vector_init(&now->stored, sizeof(nd_trace_cursor));
    nd_vector_init(&now->fresh, sizeof(nd_trace_cursor));
    nd_vector_init(&now->arrivals, sizeof(nd_time));
    nd_vector_init(&now->output, sizeof(nd_trace_cursor));
    nd_vector_init(&now->times, sizeof(nd_time));
    nd_updates_init(&now->due, key);
}

static void round_clear(round *now)
{
    while (now->batches.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&now->batches));
    nd_vector_clear(&now->stored);
    nd_vector_clear(&now->fresh);
    nd_vector_clear(&now->output);
    nd_vector_clear(&now->arrivals);
    nd_vector_clear(&now->times);
    nd_updates_clear(&now->due);
    now->next_due = 0;
    nd_antichain_deinit(&now->upper);
    nd_antichain_deinit(&now->left);
}

static void round_deinit(round *now)
{
    round_clear(now);
    nd_vector_deinit(&now->batches);
    nd_vector_deinit(&now->stored);
    nd_vector_deinit(&now->fresh);
    nd_vector_deinit(&now->arrivals);
    nd_vector_deinit(&now->output);
    nd_vector_deinit(&now->times);
    nd_updates_deinit(&now->due);
}

static void on_frontier(nd_vertex *vertex)
{
    reduce *const self = nd_vertex_state(vertex);
    nd_err err = nd_frontier_read(vertex, 0, &self->now.upper);
    if (err == ND_OK)
        err = hold_round(vertex);
    if (err == ND_OK && self->out_trace)
        nd_vertex_when_idle(vertex);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    round_clear(&self->now);
}

/* The output's trace is merged on when nothing else is to be done. */
static void on_activate(nd_vertex *vertex)
{
    reduce *const self = nd_vertex_state(vertex);
    bool has_more;
    const nd_err err = nd_trace_exert(self->out_trace, IDLE_FUEL, &has_more);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    else if (has_more)
        nd_vertex_when_idle(vertex);
}

static nd_err keep_arrived(reduce *self, nd_trace_batch *batch, const nd_time *time)
{
    nd_time *const when = nd_vector_push(&self->arrivals);
    nd_trace_batch **const place = when ? nd_vector_push(&self->arrived) : NULL;
    if (!place)
        return ND_NOMEM;
    *when = *time;
    *place = nd_trace_batch_retain(batch);
    return ND_OK;
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    reduce *const self = nd_vertex_state(vertex);
    nd_trace_batch *const *const batches = nd_batch_records(batch);
    nd_err err = nd_held_add(&self->held, vertex, time);
    for (size_t i = 0; err == ND_OK && i < nd_batch_len(batch); i++)
        err = keep_arrived(self, batches[i], time);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* --- Building --- */

static void deinit(nd_vertex *vertex)
{
    reduce *const self = nd_vertex_state(vertex);
    if (!self->index)
        return; /* never got that far */
    while (self->arrived.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&self->arrived));
    nd_vector_deinit(&self->arrived);
    nd_vector_deinit(&self->arrivals);
    nd_trace_reader_release(self->reader);
    nd_index_release(self->index);
    nd_trace_reader_release(self->out_reader);
    nd_trace_release(self->out_trace);
    nd_trace_builder_deinit(&self->builder);
    nd_antichain_deinit(&self->accepted);
    nd_antichain_deinit(&self->out_lower);
    nd_held_deinit(&self->held);
    nd_batcher_deinit(&self->pending);
    nd_outgoing_deinit(&self->out);
    nd_reduce_tactic_deinit(&self->tactic);
    round_deinit(&self->now);
    nd_key_history_deinit(&self->history);
    nd_key_history_deinit(&self->output);
    nd_reduction_deinit(&self->reduction);
    nd_vector_deinit(&self->corrections);
    nd_vector_deinit(&self->spare);
}

static void init_function(reduce *self, const nd_reduce_def *def)
{
    nd_reduction *const reduction = &self->reduction;
    nd_reduction_init(reduction, self->index->type, def->type, def->n_key);
    reduction->fn = def->fn;
    reduction->user = def->user.data;
    self->chooses = def->choose != NULL;
    if (def->choose)
        nd_reduce_tactic_init(&self->tactic, def->choose, def->user.data);
    else
        nd_reduce_tactic_init(&self->tactic, nd_reduction_apply, reduction);
    self->tactic.is_plain = def->is_plain;
}

static nd_err init_output(reduce *self, const nd_trace_shape *shape)
{
    self->out_trace = nd_trace_create(shape);
    self->out_reader = self->out_trace ? nd_trace_reader_create(self->out_trace) : NULL;
    return self->out_reader ? ND_OK : ND_NOMEM;
}

static nd_err init_state(reduce *self, nd_index *index, const nd_reduce_def *def, bool is_ordered,
                         const nd_row *row)
{
    const nd_time zero = {.epoch = 0};
    self->index = nd_index_retain(index);
    nd_vector_init(&self->arrived, sizeof(nd_trace_batch *));
    nd_vector_init(&self->arrivals, sizeof(nd_time));
    nd_vector_init(&self->corrections, sizeof(correction));
    nd_vector_init(&self->spare, 1);
    nd_key_history_init(&self->history);
    nd_key_history_init(&self->output);
    round_init(&self->now, &index->key);
    init_function(self, def);
    nd_outgoing_init(&self->out, row, def->type, def->n_key);
    nd_batcher_init(&self->pending, &index->key);
    nd_trace_shape shape = nd_index_shape(index);
    shape.value_is_fixed = self->reduction.out_value.is_fixed;
    shape.value_size = shape.value_is_fixed ? self->reduction.out_value.size : 0;
    nd_trace_builder_init(&self->builder, &shape);
    self->reader = nd_trace_reader_create(index->trace);
    if (!self->reader)
        return ND_NOMEM;
    if (!is_ordered || !self->chooses || def->is_plain)
        ND_TRY(init_output(self, &shape));
    ND_TRY(nd_antichain_insert(&self->accepted, &zero));
    return nd_antichain_insert(&self->out_lower, &zero);
}

nd_collection nd_reduce_by(nd_collection collection, const nd_reduce_def *def)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    nd_collection made = {.type = def->type, .n_loops = nd_scope_n_loops(scope)};
    const nd_row row = nd_row_make(scope, def->type);
    if (!def->fn && !def->choose)
        nd_dataflow_mistake(flow, ND_INVAL, "%s: it needs a function", def->name);
    if (row.type && collection.type && !nd_has_same_key(collection.type, def->type, def->n_key))
        nd_dataflow_mistake(flow, ND_INVAL, "%s: '%s' and '%s' have not the same key", def->name,
                            collection.type->name, def->type->name);
    const nd_collection input = nd_arrange_by(collection, def->n_key);
    nd_vertex *const vertex = nd_vertex_new(scope,
                                            &(nd_vertex_def){.name = def->name,
                                                             .state_size = sizeof(reduce),
                                                             .deinit = deinit,
                                                             .user = def->user.data,
                                                             .destroy = def->user.destroy,
                                                             .inputs = {nd_pipeline(input.batches)},
                                                             .outputs = {row.type},
                                                             .on_recv = on_recv,
                                                             .on_frontier = on_frontier,
                                                             .on_activate = on_activate},
                                            &made.stream);
    if (!vertex || !input.index)
        return made;
    const nd_err err =
        init_state(nd_vertex_state(vertex), input.index, def, made.n_loops == 0, &row);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "%s: %s", def->name, nd_err_text(err));
    return made;
}

nd_collection nd_reduce(nd_collection collection, const nd_type *type, nd_reduce_fn *fn,
                        nd_user user)
{
    return nd_reduce_by(collection,
                        &(nd_reduce_def){.name = "reduce",
                                         .n_key = collection.type ? collection.type->nkey : 0,
                                         .type = type,
                                         .fn = fn,
                                         .user = user});
}
