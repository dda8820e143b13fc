/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce: what a function makes of the records of each key, kept up to date.
 *
 * A round is held when the input's frontier moves. The keys it looks at are those of the batches
 * that have come, and those of pending times that are complete now: times at which the output may
 * have to change though no input does (reduce_tactic.h). What the input was before stands in its
 * trace, what was given out in a trace of the vertex's own.
 *
 * Invariants: `held` are the minimal times of the batches that have come and of all pending times,
 * nothing else, or loops would never end; a batch is looked at once, in the first round after it
 * has come; and up to where all has been looked at is said by `accepted`, never guessed from a
 * trace. */
#include "operators/differential/reduce.h"

#include <string.h>

#include <nereid/memory.h>
#include <nereid/vertex.h>

#include "operators/differential/advance.h"
#include "operators/differential/arrange.h"
#include "operators/differential/batcher.h"
#include "operators/differential/key_history.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"
#include "operators/differential/reduce_tactic.h"
#include "operators/differential/trace_builder.h"

/* What a function has said for one key at one moment. */
struct nd_reduction {
    const unsigned char *key; /* a record whose key fields are set */
    size_t record_size;
    nd_vector records; /* bytes */
    nd_vector counts;  /* int64_t */
    nd_err err;
    unsigned char spare[ND_MAX_FIELDS * sizeof(nd_bytes)]; /* for what cannot be kept */
};

typedef struct reduce {
    nd_reduce_fn *fn;
    nd_index *index; /* of the input */
    nd_record_code out_value;
    nd_trace_reader *reader;
    nd_trace *out_trace;
    nd_trace_reader *out_reader;
    nd_trace_builder builder;
    nd_antichain accepted, out_lower;
    nd_held held;
    nd_vector arrived;  /* nd_trace_batch *, owned, in the order they came, */
    nd_vector arrivals; /* and nd_time: when */
    nd_batcher pending; /* keys and times, each at least once */
    nd_outgoing out;
    nd_reduce_tactic tactic;
    /* The key that is being looked at. */
    nd_trace_code at;
    nd_key_history history; /* of the input */
    nd_key_history output;  /* stored only */
    nd_vector out_codes;    /* bytes: of output values, those that are new too */
    nd_vector out_ends;     /* size_t, by number */
    nd_vector records;      /* bytes: the function's input */
    nd_vector counts;       /* int64_t */
    nd_vector spare;        /* bytes */
    nd_reduction reduction;
    void *user;
} reduce;

/* --- The function --- */

void *nd_reduction_slot(nd_reduction *out, int64_t count)
{
    const size_t size = out->record_size, used = out->records.len;
    int64_t *const place = nd_vector_push(&out->counts);
    if (!place || nd_vector_reserve(&out->records, used + size) != ND_OK) {
        if (place)
            (void)nd_vector_pop(&out->counts);
        out->err = ND_NOMEM;
        return out->spare;
    }
    *place = count;
    unsigned char *const record = (unsigned char *)out->records.items + used;
    out->records.len += size;
    memcpy(record, out->key, size);
    return record;
}

size_t nd_reduction_record_size(const nd_reduction *out) { return out->record_size; }

void nd_reduction_fail(nd_reduction *out, nd_err err) { out->err = err; }

static nd_trace_code out_code(const reduce *self, uint32_t i)
{
    const size_t *const ends = self->out_ends.items;
    const size_t begin = i ? ends[i - 1] : 0;
    return (nd_trace_code){(const unsigned char *)self->out_codes.items + begin, ends[i] - begin};
}

static nd_err add_out_code(reduce *self, const unsigned char *bytes, size_t size)
{
    const size_t used = self->out_codes.len;
    size_t *const end = nd_vector_push(&self->out_ends);
    if (!end || nd_vector_reserve(&self->out_codes, used + size + 1) != ND_OK)
        return ND_NOMEM;
    if (size)
        memcpy((unsigned char *)self->out_codes.items + used, bytes, size);
    self->out_codes.len += size;
    *end = self->out_codes.len;
    return ND_OK;
}

/* The number of an output value; new ones get the next. */
static nd_err number_out(reduce *self, const unsigned char *record, uint32_t *number)
{
    const size_t size = nd_record_code_size(&self->out_value, record);
    nd_vector_clear(&self->spare);
    ND_TRY(nd_vector_reserve(&self->spare, size + 1));
    unsigned char *const code = self->spare.items;
    (void)nd_record_code_write(&self->out_value, record, code);
    for (uint32_t i = 0; i < self->out_ends.len; i++) {
        const nd_trace_code known = out_code(self, i);
        if (known.size == size && (size == 0 || memcmp(known.bytes, code, size) == 0)) {
            *number = i;
            return ND_OK;
        }
    }
    *number = (uint32_t)self->out_ends.len;
    return add_out_code(self, code, size);
}

/* The input's records, from their numbers. Text stays where the codes are, or goes to `text`. */
static nd_err make_records(reduce *self, const nd_tally *input, size_t len, nd_vector *text)
{
    const size_t size = self->index->type->size;
    size_t text_size = self->at.size, used;
    for (size_t i = 0; i < len; i++)
        text_size +=
            ((const nd_trace_code *)nd_vector_at(&self->history.values, input[i].value))->size;
    nd_vector_clear(text);
    ND_TRY(nd_vector_reserve(text, text_size + 1));
    ND_TRY(nd_vector_reserve(&self->records, len * size));
    ND_TRY(nd_vector_reserve(&self->counts, len));
    unsigned char *const first = self->records.items, *const room = text->items;
    used = nd_record_code_read(&self->index->key, self->at.bytes, self->at.size, first, room);
    for (size_t i = 0; i < len; i++) {
        const nd_trace_code *const value = nd_vector_at(&self->history.values, input[i].value);
        unsigned char *const record = first + i * size;
        if (i)
            memcpy(record, first, size);
        used += nd_record_code_read(&self->index->value, value->bytes, value->size, record,
                                    room + used);
        ((int64_t *)self->counts.items)[i] = input[i].count;
    }
    return ND_OK;
}

static nd_err call(reduce *self, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    nd_vector text;
    nd_reduction *const said = &self->reduction;
    nd_vector_init(&text, 1);
    nd_vector_clear(&said->records);
    nd_vector_clear(&said->counts);
    said->err = ND_OK;
    nd_err err = make_records(self, input, len, &text);
    if (err == ND_OK)
        self->fn(self->user, self->records.items, self->counts.items, len, said);
    if (err == ND_OK)
        err = said->err;
    for (size_t i = 0; err == ND_OK && i < said->counts.len; i++) {
        uint32_t number;
        err =
            number_out(self, (unsigned char *)said->records.items + i * said->record_size, &number);
        if (err == ND_OK)
            nd_reduce_put(output, number, *(int64_t *)nd_vector_at(&said->counts, i));
    }
    nd_vector_deinit(&text);
    return err;
}

static void function(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    if (len == 0)
        return;
    const nd_err err = call(context, input, len, output);
    if (err != ND_OK)
        nd_reduce_fail(output, err);
}

/* --- A key --- */

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

/* `arrivals`, of fresh batches: one for each cursor. */
static nd_err gather(nd_key_history *history, const nd_vector *cursors, nd_trace_code key,
                     const nd_vector *arrivals)
{
    for (size_t i = 0; i < cursors->len; i++)
        ND_TRY(nd_key_history_add(history, nd_vector_at(cursors, i), key,
                                  arrivals ? nd_vector_at(arrivals, i) : NULL));
    return ND_OK;
}

static nd_err gather_key(reduce *self, round *now)
{
    nd_key_history_clear(&self->history);
    nd_key_history_clear(&self->output);
    nd_vector_clear(&self->out_codes);
    nd_vector_clear(&self->out_ends);
    ND_TRY(gather(&self->history, &now->stored, self->at, NULL));
    ND_TRY(gather(&self->history, &now->fresh, self->at, &now->arrivals));
    ND_TRY(nd_key_history_make(&self->history));
    ND_TRY(gather(&self->output, &now->output, self->at, NULL));
    ND_TRY(nd_key_history_make(&self->output));
    for (size_t i = 0; i < self->output.values.len; i++) {
        const nd_trace_code *const value = nd_vector_at(&self->output.values, i);
        ND_TRY(add_out_code(self, value->bytes, value->size));
    }
    return ND_OK;
}

/* The output's records have the key already when the function gets them. */
static nd_err set_key_record(reduce *self, unsigned char *record, nd_vector *text)
{
    nd_record_code key = self->out.code;
    key.n_fields = self->index->key.n_fields;
    key.is_closed = true;
    ND_TRY(nd_vector_reserve(text, self->at.size + 1));
    memset(record, 0, self->reduction.record_size);
    (void)nd_record_code_read(&key, self->at.bytes, self->at.size, record, text->items);
    self->reduction.key = record;
    return ND_OK;
}

static nd_err keep_corrections(reduce *self, const nd_reduce_result *result)
{
    nd_vector *const code = &self->spare;
    for (size_t i = 0; i < result->n_corrections; i++) {
        const nd_edit *const one = &result->corrections[i];
        const nd_trace_code value = out_code(self, one->value);
        const size_t size = self->at.size + value.size;
        nd_vector_clear(code);
        ND_TRY(nd_vector_reserve(code, size + 1));
        unsigned char *const bytes = code->items;
        memcpy(bytes, self->at.bytes, self->at.size);
        if (value.size)
            memcpy(bytes + self->at.size, value.bytes, value.size);
        ND_TRY(nd_updates_add(&self->out.updates, bytes, size, &one->time, one->diff));
    }
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

static nd_err reduce_key(reduce *self, round *now)
{
    unsigned char record[ND_MAX_FIELDS * sizeof(nd_bytes)];
    nd_vector text;
    nd_reduce_result result;
    nd_vector_init(&text, 1);
    nd_err err = gather_key(self, now);
    if (err == ND_OK)
        err = set_key_record(self, record, &text);
    const nd_reduce_round given = {.input = self->history.stored.items,
                                   .n_input = self->history.stored.len,
                                   .output = self->output.stored.items,
                                   .n_output = self->output.stored.len,
                                   .batch = self->history.fresh.items,
                                   .n_batch = self->history.fresh.len,
                                   .pending = now->times.items,
                                   .n_pending = now->times.len,
                                   .upper = &now->upper};
    if (err == ND_OK)
        err = nd_reduce_key(&self->tactic, &given, &result);
    if (err == ND_OK)
        err = keep_corrections(self, &result);
    if (err == ND_OK)
        err = keep_pending(self, &result, &now->left);
    nd_vector_deinit(&text);
    return err;
}

/* --- All keys of a round --- */

static nd_trace_code due_key(const round *now)
{
    nd_trace_code key;
    key.bytes = nd_updates_code(&now->due, now->next_due, &key.size);
    return key;
}

/* The least key that is fresh or due; false if there is none any more. */
static bool find_key(const round *now, nd_trace_code *least)
{
    bool has = now->next_due < nd_updates_len(&now->due);
    if (has)
        *least = due_key(now);
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

static nd_err take_due(round *now, nd_trace_code key)
{
    nd_vector_clear(&now->times);
    for (;
         now->next_due < nd_updates_len(&now->due) && nd_trace_code_compare(due_key(now), key) == 0;
         now->next_due++) {
        nd_time *const place = nd_vector_push(&now->times);
        if (!place)
            return ND_NOMEM;
        *place = *nd_updates_time(&now->due, now->next_due);
    }
    return ND_OK;
}

static void pass_key(round *now, nd_trace_code key)
{
    for (size_t i = 0; i < now->fresh.len; i++) {
        nd_trace_cursor *const cursor = nd_vector_at(&now->fresh, i);
        if (nd_trace_cursor_has_key(cursor) &&
            nd_trace_code_compare(nd_trace_cursor_key(cursor), key) == 0)
            nd_trace_cursor_next_key(cursor);
    }
}

static nd_err reduce_keys(reduce *self, round *now)
{
    while (find_key(now, &self->at)) {
        ND_TRY(take_due(now, self->at));
        ND_TRY(reduce_key(self, now));
        pass_key(now, self->at);
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

/* The batches that have come become the round's. They say themselves up to where everything is
 * there; the frontier may be behind that, or beyond it, where nothing happened. */
static nd_err take_arrived(reduce *self, round *now)
{
    const nd_vector nothing = now->batches, never = now->arrivals;
    now->batches = self->arrived;
    now->arrivals = self->arrivals;
    self->arrived = nothing;
    self->arrivals = never;
    if (now->batches.len) {
        const nd_trace_batch *const last =
            *(nd_trace_batch **)nd_vector_at(&now->batches, now->batches.len - 1);
        ND_TRY(nd_frontier_join(&now->upper, last->upper.items, last->upper.len));
    }
    return nd_frontier_join(&now->upper, nd_antichain_items(&self->accepted), self->accepted.len);
}

static nd_err open_round(reduce *self, round *now)
{
    ND_TRY(take_arrived(self, now));
    ND_TRY(add_cursors(&now->fresh, &now->batches, 0));
    size_t first = now->batches.len;
    ND_TRY(nd_trace_batches(self->index->trace, &self->accepted, &now->batches));
    ND_TRY(add_cursors(&now->stored, &now->batches, first));
    first = now->batches.len;
    ND_TRY(nd_trace_batches(self->out_trace, NULL, &now->batches));
    ND_TRY(add_cursors(&now->output, &now->batches, first));
    return nd_batcher_seal(&self->pending, &now->upper, &now->due, &now->left);
}

/* What was given out goes to the output's trace. */
static nd_err seal_output(reduce *self, const nd_antichain *upper)
{
    nd_trace_batch *batch;
    nd_antichain since;
    const nd_updates *const made = &self->out.updates;
    nd_record_code key = self->out.code;
    key.n_fields = self->index->key.n_fields;
    key.is_closed = true;
    key.is_fixed = self->index->key.is_fixed;
    key.size = self->index->key.size;
    for (size_t i = 0; i < nd_updates_len(made); i++) {
        size_t size;
        const unsigned char *const code = nd_updates_code(made, i, &size);
        const size_t key_size = nd_record_code_prefix(&key, code, size);
        ND_TRY(nd_trace_builder_push(&self->builder, (nd_trace_code){code, key_size},
                                     (nd_trace_code){code + key_size, size - key_size},
                                     nd_updates_time(made, i), nd_updates_diff(made, i)));
    }
    if (self->builder.n_values == 0)
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
    ND_TRY(nd_antichain_set(&self->accepted, nd_antichain_items(upper), upper->len));
    ND_TRY(nd_index_set_since(self->index, self->reader, upper));
    ND_TRY(nd_trace_reader_set_accepted(self->reader, upper));
    ND_TRY(nd_trace_set_upper(self->out_trace, upper));
    ND_TRY(nd_trace_reader_set_since(self->out_reader, upper));
    return nd_trace_reader_set_accepted(self->out_reader, upper);
}

static nd_err hold_round(nd_vertex *vertex, round *now)
{
    reduce *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->out.updates);
    ND_TRY(open_round(self, now));
    ND_TRY(reduce_keys(self, now));
    ND_TRY(nd_updates_consolidate(&self->out.updates));
    ND_TRY(nd_outgoing_send(&self->out, vertex, &self->held));
    ND_TRY(seal_output(self, &now->upper));
    nd_held_replace(&self->held, vertex, &now->left);
    return advance_holds(self, &now->upper);
}

static void round_init(reduce *self, round *now)
{
    *now = (round){.next_due = 0};
    nd_antichain_init(&now->upper);
    nd_antichain_init(&now->left);
    nd_vector_init(&now->batches, sizeof(nd_trace_batch *));
    nd_vector_init(&now->stored, sizeof(nd_trace_cursor));
    nd_vector_init(&now->fresh, sizeof(nd_trace_cursor));
    nd_vector_init(&now->arrivals, sizeof(nd_time));
    nd_vector_init(&now->output, sizeof(nd_trace_cursor));
    nd_vector_init(&now->times, sizeof(nd_time));
    nd_updates_init(&now->due, &self->index->key);
}

static void round_deinit(round *now)
{
    while (now->batches.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&now->batches));
    nd_vector_deinit(&now->batches);
    nd_vector_deinit(&now->stored);
    nd_vector_deinit(&now->fresh);
    nd_vector_deinit(&now->arrivals);
    nd_vector_deinit(&now->output);
    nd_vector_deinit(&now->times);
    nd_updates_deinit(&now->due);
    nd_antichain_deinit(&now->upper);
    nd_antichain_deinit(&now->left);
}

static void on_frontier(nd_vertex *vertex)
{
    round now;
    reduce *const self = nd_vertex_state(vertex);
    round_init(self, &now);
    nd_err err = nd_frontier_read(vertex, 0, &now.upper);
    if (err == ND_OK)
        err = hold_round(vertex, &now);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    round_deinit(&now);
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
    nd_key_history_deinit(&self->history);
    nd_key_history_deinit(&self->output);
    nd_vector_deinit(&self->out_codes);
    nd_vector_deinit(&self->out_ends);
    nd_vector_deinit(&self->records);
    nd_vector_deinit(&self->counts);
    nd_vector_deinit(&self->spare);
    nd_vector_deinit(&self->reduction.records);
    nd_vector_deinit(&self->reduction.counts);
}

static void init_vectors(reduce *self)
{
    nd_vector_init(&self->arrived, sizeof(nd_trace_batch *));
    nd_vector_init(&self->arrivals, sizeof(nd_time));
    nd_vector_init(&self->out_codes, 1);
    nd_vector_init(&self->out_ends, sizeof(size_t));
    nd_vector_init(&self->records, 1);
    nd_vector_init(&self->counts, sizeof(int64_t));
    nd_vector_init(&self->spare, 1);
    nd_vector_init(&self->reduction.records, 1);
    nd_vector_init(&self->reduction.counts, sizeof(int64_t));
    nd_key_history_init(&self->history);
    nd_key_history_init(&self->output);
}

static nd_err init_state(reduce *self, nd_index *index, const nd_reduce_def *def, const nd_row *row)
{
    const nd_time zero = {.epoch = 0};
    const unsigned n_fields = nd_type_n_fields(def->type);
    *self = (reduce){.fn = def->fn, .user = def->user.data, .index = nd_index_retain(index)};
    self->reduction.record_size = def->type->size;
    init_vectors(self);
    nd_outgoing_init(&self->out, row, def->type, def->n_key);
    nd_record_code_init(&self->out_value, def->type, def->n_key, n_fields - def->n_key);
    nd_batcher_init(&self->pending, &index->key);
    nd_reduce_tactic_init(&self->tactic, function, self);
    nd_trace_shape shape = nd_index_shape(index);
    shape.value_is_fixed = self->out_value.is_fixed;
    shape.value_size = self->out_value.is_fixed ? self->out_value.size : 0;
    nd_trace_builder_init(&self->builder, &shape);
    self->reader = nd_trace_reader_create(index->trace);
    self->out_trace = nd_trace_create(&shape);
    self->out_reader = self->out_trace ? nd_trace_reader_create(self->out_trace) : NULL;
    if (!self->reader || !self->out_reader)
        return ND_NOMEM;
    ND_TRY(nd_antichain_insert(&self->accepted, &zero));
    return nd_antichain_insert(&self->out_lower, &zero);
}

nd_collection nd_reduce_by(nd_collection collection, const nd_reduce_def *def)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    nd_collection made = {.type = def->type, .n_loops = nd_scope_n_loops(scope)};
    const nd_row row = nd_row_make(scope, def->type);
    if (!def->fn)
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
                                                             .on_frontier = on_frontier},
                                            &made.stream);
    if (!vertex || !input.index)
        return made;
    const nd_err err = init_state(nd_vertex_state(vertex), input.index, def, &row);
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
