/* SPDX-License-Identifier: Apache-2.0 */
/* Totals: what comes is added up by key and time, and waits until its time is complete; then each
 * key's totals are corrected from time to time.
 *
 * The state is a trace of keys whose differences are the totals themselves, so that merging its
 * batches adds up what belongs together, and a key that has nothing is forgotten. A sum has several
 * totals: the value in the trace is the number of the total, zero for how many records there are.
 *
 * Times are epochs, so one of them is held at most, and a batch is sealed for each round. */
#include "operators/differential/totals.h"

#include <string.h>

#include <nereid/vertex.h>

#include "operators/differential/difference.h"
#include "operators/differential/history.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"
#include "operators/differential/own_trace.h"
#include "operators/differential/waiting.h"

typedef struct totals {
    nd_waiting waiting;
    nd_totals_kind kind;
    const nd_type *type; /* of what comes in */
    unsigned n_sums;
    nd_row out;
    nd_record_code key, out_key;
    nd_record_code term; /* the key, and, where there are sums, one byte more: which */
    nd_own_trace stored;
    nd_trace_batch *fresh; /* owned: of a round */
    nd_vector changes;     /* nd_edit, of a key: which total, when, by how much */
    nd_vector code;        /* bytes */
    nd_vector text;        /* bytes: of a round */
    size_t used_text;
    int64_t now[1 + ND_MAX_FIELDS], was[1 + ND_MAX_FIELDS];
    unsigned char record[ND_MAX_FIELDS * sizeof(nd_bytes)]; /* what comes out; its key is set */
} totals;

/* --- Coming in --- */

bool nd_totals_read(const nd_field *field, const void *record, int64_t *value)
{
    const unsigned char *const place = (const unsigned char *)record + field->offset;
    uint64_t bits = 0;
    memcpy(&bits, place, field->size); /* of a little-endian machine, as all codes of numbers */
    if (field->kind == ND_KIND_UNSIGNED) {
        *value = (int64_t)bits;
        return bits <= INT64_MAX;
    }
    const unsigned unused = 64 - 8 * (unsigned)field->size;
    *value = (int64_t)(bits << unused) >> unused;
    return true;
}

bool nd_totals_write(const nd_field *field, int64_t value, void *record)
{
    int64_t back;
    memcpy((unsigned char *)record + field->offset, &value, field->size);
    return nd_totals_read(field, record, &back) && back == value;
}

static nd_err add_term(totals *self, const unsigned char *code, size_t size, const nd_time *time,
                       int64_t diff)
{
    return diff == 0 ? ND_OK : nd_batcher_add_code(&self->waiting.batcher, code, size, time, diff);
}

/* Each total of a record by itself. */
static nd_err add_sums(totals *self, const unsigned char *row)
{
    const nd_time time = nd_row_time(&self->waiting.row, row);
    const int64_t diff = nd_row_diff(&self->waiting.row, row);
    const size_t size = nd_record_code_size(&self->key, row);
    ND_TRY(nd_vector_reserve(&self->code, size + 1));
    unsigned char *const code = self->code.items;
    (void)nd_record_code_write(&self->key, row, code);
    code[size] = 0;
    ND_TRY(add_term(self, code, size + 1, &time, diff));
    for (unsigned i = 0; i < self->n_sums; i++) {
        int64_t value, product;
        if (!nd_totals_read(&self->type->fields[self->key.n_fields + i], row, &value) ||
            !nd_difference_times(value, diff, &product))
            return ND_FAILED;
        code[size] = (unsigned char)(i + 1);
        ND_TRY(add_term(self, code, size + 1, &time, product));
    }
    return ND_OK;
}

static void recv_sums(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    totals *const self = nd_vertex_state(vertex);
    const unsigned char *const rows = nd_batch_records(batch);
    nd_err err = nd_held_add(&self->waiting.held, vertex, time);
    for (size_t i = 0; err == ND_OK && i < nd_batch_len(batch); i++)
        err = add_sums(self, rows + i * self->waiting.row.type->size);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* --- A key --- */

static bool is_there(const totals *self, const int64_t *all)
{
    return self->kind == ND_TOTALS_PRESENCE ? all[0] > 0 : all[0] != 0;
}

/* The totals that come out. */
static const int64_t *shown(const totals *self, const int64_t *all, size_t *n)
{
    *n = self->kind == ND_TOTALS_COUNT ? 1 : self->n_sums;
    return self->kind == ND_TOTALS_COUNT ? all : all + 1;
}

static nd_err send_one(totals *self, nd_emit *out, const int64_t *all, const nd_time *time,
                       int64_t diff)
{
    size_t n;
    const int64_t *const values = shown(self, all, &n);
    unsigned char *const slot = nd_emit_slot(out);
    const nd_field *const fields = self->out_key.type->fields + self->key.n_fields;
    nd_row_clear(&self->out, slot);
    memcpy(slot, self->record, self->out.record_size);
    for (size_t i = 0; i < n; i++)
        if (!nd_totals_write(&fields[i], values[i], slot))
            return ND_FAILED;
    nd_row_stamp(&self->out, slot, time, diff);
    return ND_OK;
}

static nd_err send_changes(totals *self, nd_emit *out, const nd_time *time)
{
    size_t n;
    const bool was = is_there(self, self->was), is = is_there(self, self->now);
    const int64_t *const old = shown(self, self->was, &n), *const new = shown(self, self->now, &n);
    if (was && is && memcmp(old, new, n * sizeof *old) == 0)
        return ND_OK;
    if (was)
        ND_TRY(send_one(self, out, self->was, time, -1));
    return is ? send_one(self, out, self->now, time, 1) : ND_OK;
}

static unsigned which_total(const nd_trace_cursor *cursor)
{
    const nd_trace_code value = nd_trace_cursor_value(cursor);
    return value.size ? value.bytes[0] : 0;
}

/* What the totals were before the round. */
static nd_err recall(totals *self, nd_trace_code key)
{
    memset(self->now, 0, (1 + self->n_sums) * sizeof *self->now);
    for (size_t i = 0; i < self->stored.seekers.len; i++) {
        nd_trace_seeker *const seeker = nd_vector_at(&self->stored.seekers, i);
        nd_trace_cursor *const cursor = &seeker->cursor;
        if (!nd_trace_seek(seeker, key))
            continue;
        for (; nd_trace_cursor_has_value(cursor); nd_trace_cursor_next_value(cursor)) {
            const nd_trace_list list = nd_trace_cursor_updates(cursor);
            int64_t *const total = &self->now[which_total(cursor)];
            for (uint32_t k = 0; k < list.len; k++)
                if (!nd_difference_plus(*total, list.diffs[k], total))
                    return ND_FAILED;
        }
    }
    return ND_OK;
}

static nd_err gather(totals *self, nd_trace_cursor *fresh)
{
    nd_vector_clear(&self->changes);
    for (; nd_trace_cursor_has_value(fresh); nd_trace_cursor_next_value(fresh)) {
        const nd_trace_list list = nd_trace_cursor_updates(fresh);
        for (uint32_t k = 0; k < list.len; k++) {
            nd_edit *const one = nd_vector_push(&self->changes);
            if (!one)
                return ND_NOMEM;
            *one = (nd_edit){which_total(fresh), *nd_trace_cursor_time(fresh, list.times[k]),
                             list.diffs[k]};
        }
    }
    nd_history_sort(self->changes.items, self->changes.len);
    return ND_OK;
}

static void read_key(totals *self, nd_trace_code key)
{
    unsigned char *const text = self->text.items;
    self->used_text += nd_record_code_read(&self->out_key, key.bytes, key.size, self->record,
                                           text ? text + self->used_text : NULL);
}

static nd_err correct_key(totals *self, nd_trace_cursor *fresh, nd_emit *out)
{
    const nd_trace_code key = nd_trace_cursor_key(fresh);
    ND_TRY(recall(self, key));
    ND_TRY(gather(self, fresh));
    read_key(self, key);
    const nd_edit *const changes = self->changes.items;
    const size_t n = self->changes.len;
    for (size_t i = 0; i < n;) {
        const nd_time *const time = &changes[i].time;
        memcpy(self->was, self->now, (1 + self->n_sums) * sizeof *self->now);
        for (; i < n && nd_time_equal(&changes[i].time, time); i++) {
            int64_t *const total = &self->now[changes[i].value];
            if (!nd_difference_plus(*total, changes[i].diff, total))
                return ND_FAILED;
        }
        ND_TRY(send_changes(self, out, time));
    }
    return ND_OK;
}

/* --- A round --- */

static nd_err push_all(totals *self, const nd_updates *done)
{
    const size_t value_size = self->stored.builder.shape.value_size;
    for (size_t i = 0; i < nd_updates_len(done); i++) {
        size_t size;
        const unsigned char *const code = nd_updates_code(done, i, &size);
        const nd_trace_code key = {code, size - value_size}, value = {code + key.size, value_size};
        ND_TRY(nd_trace_builder_push(&self->stored.builder, key, value, nd_updates_time(done, i),
                                     nd_updates_diff(done, i)));
    }
    return ND_OK;
}

/* What is complete goes to the builder. */
static nd_err build(totals *self, const nd_antichain *frontier, nd_antichain *left)
{
    nd_updates done;
    nd_batcher *const batcher = &self->waiting.batcher;
    if (nd_batcher_can_build(batcher, frontier))
        return nd_batcher_build(batcher, frontier, &self->stored.builder, left);
    nd_updates_init(&done, &self->term);
    nd_err err = nd_batcher_seal(batcher, frontier, &done, left);
    if (err == ND_OK)
        err = push_all(self, &done);
    nd_updates_deinit(&done);
    return err;
}

static nd_err correct_all(nd_vertex *vertex)
{
    nd_trace_cursor fresh;
    totals *const self = nd_vertex_state(vertex);
    self->used_text = 0;
    if (!self->key.is_fixed)
        ND_TRY(nd_vector_reserve(&self->text, self->fresh->head->key_bytes));
    nd_emit *const out = nd_vertex_emit(vertex, 0, nd_antichain_items(&self->waiting.held.times));
    nd_trace_cursor_init(&fresh, self->fresh);
    for (; nd_trace_cursor_has_key(&fresh); nd_trace_cursor_next_key(&fresh)) {
        nd_trace_foresee_from(&self->stored.seekers, &fresh);
        ND_TRY(correct_key(self, &fresh, out));
    }
    return ND_OK;
}

/* The seekers show what there was before the batch. */
static nd_err hold_round(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    totals *const self = nd_vertex_state(vertex);
    ND_TRY(build(self, frontier, left));
    if (self->stored.builder.n_values == 0)
        return ND_OK;
    ND_TRY(nd_own_trace_open(&self->stored));
    ND_TRY(nd_own_trace_seal(&self->stored, frontier, &self->fresh));
    return correct_all(vertex);
}

static nd_err advance(nd_vertex *vertex, const nd_antichain *frontier)
{
    totals *const self = nd_vertex_state(vertex);
    return nd_own_trace_advance(&self->stored, frontier);
}

static void forget_fresh(totals *self)
{
    nd_trace_batch_release(self->fresh);
    self->fresh = NULL;
}

/* The fresh batch stays until all that was sent has been copied, also if not all could be: texts
 * may stand in it. */
static void on_frontier(nd_vertex *vertex)
{
    totals *const self = nd_vertex_state(vertex);
    forget_fresh(self);
    nd_held_round(&self->waiting.held, vertex, hold_round, advance);
    nd_own_trace_close(&self->stored);
    if (self->key.is_fixed)
        forget_fresh(self);
    nd_vertex_when_idle(vertex);
}

static void on_activate(nd_vertex *vertex)
{
    const totals *const self = nd_vertex_state(vertex);
    nd_idle_merge(vertex, self->stored.trace);
}

/* --- Building --- */

static void deinit(nd_vertex *vertex)
{
    totals *const self = nd_vertex_state(vertex);
    if (!self->type)
        return; /* never got that far */
    forget_fresh(self);
    nd_own_trace_deinit(&self->stored);
    nd_waiting_deinit(&self->waiting);
    nd_vector_deinit(&self->changes);
    nd_vector_deinit(&self->code);
    nd_vector_deinit(&self->text);
}

static nd_err init_state(totals *self, const nd_type *type, const nd_row *in,
                         const nd_totals_def *def)
{
    const bool has_sums = def->kind == ND_TOTALS_SUM;
    const nd_record_code which = {.is_fixed = true, .size = has_sums};
    self->kind = def->kind;
    self->type = type;
    self->n_sums = has_sums ? nd_type_n_fields(type) - def->n_key : 0;
    nd_record_code_init_closed(&self->key, type, 0, def->n_key);
    nd_record_code_init_closed(&self->out_key, def->type, 0, def->n_key);
    self->term = self->key;
    self->term.size += has_sums;
    nd_waiting_init(&self->waiting, in, &self->term);
    nd_vector_init(&self->changes, sizeof(nd_edit));
    nd_vector_init(&self->code, 1);
    nd_vector_init(&self->text, 1);
    const nd_trace_shape shape = nd_trace_shape_of(&self->key, &which);
    return nd_own_trace_init(&self->stored, &shape);
}

static void check(nd_dataflow *flow, const nd_type *type, const nd_totals_def *def)
{
    if (!nd_has_same_key(type, def->type, def->n_key))
        nd_dataflow_mistake(flow, ND_INVAL, "%s: '%s' and '%s' have not the same key", def->name,
                            type->name, def->type->name);
}

nd_collection nd_totals_new(nd_collection collection, const nd_totals_def *def)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    nd_collection made = {.type = def->type};
    const bool has_sums = def->kind == ND_TOTALS_SUM;
    const nd_row in = nd_row_of(collection), out = nd_row_make(scope, def->type);
    if (out.type && collection.type)
        check(flow, collection.type, def);
    nd_vertex *const vertex =
        nd_vertex_new(scope,
                      &(nd_vertex_def){.name = def->name,
                                       .state_size = sizeof(totals),
                                       .deinit = deinit,
                                       .inputs = {nd_exchange(collection.stream)},
                                       .outputs = {out.type},
                                       .on_recv = has_sums ? recv_sums : nd_waiting_recv,
                                       .on_frontier = on_frontier,
                                       .on_activate = on_activate},
                      &made.stream);
    if (!vertex || !in.type || !out.type)
        return made;
    totals *const self = nd_vertex_state(vertex);
    self->out = out;
    const nd_err err = init_state(self, collection.type, &in, def);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "%s: %s", def->name, nd_err_text(err));
    return made;
}

bool nd_has_totals(const nd_type *type, unsigned n_key, unsigned n)
{
    if (!type || nd_type_n_fields(type) != n_key + n)
        return false;
    for (unsigned i = n_key; i < n_key + n; i++)
        if (type->fields[i].kind != ND_KIND_SIGNED && type->fields[i].kind != ND_KIND_UNSIGNED)
            return false;
    return true;
}
