/* SPDX-License-Identifier: Apache-2.0 */
/* Upserts: what is said is a key's record, and what comes out is the change.
 *
 * A row says, in the place of a difference, whether the key shall have the record or none, which
 * worker's word it is and as which of its words; the key chooses where it goes. There words wait
 * until their epoch is complete. Then of each key and epoch one counts: the last of each worker,
 * and of these the greatest record. What the key had before is found in a trace of what was given
 * out, so a key costs what it has, however often it changes. */
#include <stdlib.h>
#include <string.h>

#include <nereid/vertex.h>
#include <nereid/worker.h>

#include "operators/differential/held.h"
#include "operators/differential/linear.h"
#include "operators/differential/outgoing.h"
#include "operators/differential/own_trace.h"
#include "operators/timely/operator_internal.h"

enum { WORKER_BITS = 16, MOST_WORKERS = 1 << WORKER_BITS };

typedef struct word {
    const unsigned char *code; /* of the record; an offset while it waits */
    size_t begin, size, key_size;
    uint64_t epoch;
    uint64_t number; /* as which of its worker's words, and below that the worker */
    bool is_removal;
} word;

typedef struct upsert {
    nd_row in;
    nd_record_code whole, key;
    nd_vector words; /* word, that wait, */
    nd_vector codes; /* bytes: and their codes */
    nd_vector ready; /* word: of complete epochs */
    nd_held held;
    nd_outgoing out;
    nd_own_trace given; /* what was given out */
    nd_vector present;  /* bytes: the code of the key's record, */
    bool has_present;   /* if it has one */
} upsert;

/* --- Saying --- */

static int64_t pack(uint64_t number, unsigned worker, bool is_removal)
{
    const int64_t packed = (int64_t)((number + 1) << WORKER_BITS | worker);
    return is_removal ? -packed : packed;
}

static void say(nd_input *input, const void *record, bool is_removal)
{
    if (!input)
        return;
    const uint64_t number = nd_input_n_sent(input);
    if (number >> (62 - WORKER_BITS) != 0)
        nd_input_fail(input, "it has been told too much");
    else
        nd_input_say(input, record,
                     pack(number, nd_worker_index(nd_input_worker(input)), is_removal));
}

void nd_upsert(nd_input *input, const void *record) { say(input, record, false); }

void nd_upsert_remove(nd_input *input, const void *record) { say(input, record, true); }

/* --- Waiting --- */

static nd_err keep_word(upsert *self, const unsigned char *row)
{
    const int64_t packed = nd_row_diff(&self->in, row);
    const size_t size = nd_record_code_size(&self->whole, row), begin = self->codes.len;
    word *const one = nd_vector_push(&self->words);
    if (!one)
        return ND_NOMEM;
    ND_TRY(nd_vector_reserve(&self->codes, begin + size + 1));
    (void)nd_record_code_write(&self->whole, row, (unsigned char *)self->codes.items + begin);
    self->codes.len += size;
    *one = (word){.begin = begin,
                  .size = size,
                  .key_size = nd_record_code_size(&self->key, row),
                  .epoch = nd_row_time(&self->in, row).epoch,
                  .number = (uint64_t)(packed < 0 ? -packed : packed),
                  .is_removal = packed < 0};
    return ND_OK;
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    upsert *const self = nd_vertex_state(vertex);
    const unsigned char *const rows = nd_batch_records(batch);
    nd_err err = nd_held_add(&self->held, vertex, time);
    for (size_t i = 0; err == ND_OK && i < nd_batch_len(batch); i++)
        err = keep_word(self, rows + i * self->in.type->size);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* Takes out the words of complete epochs. */
static nd_err take_ready(upsert *self, const nd_antichain *frontier)
{
    const nd_time *const open = nd_antichain_items(frontier);
    word *const words = self->words.items;
    size_t n = 0;
    nd_vector_clear(&self->ready);
    ND_TRY(nd_vector_reserve(&self->ready, self->words.len));
    for (size_t i = 0; i < self->words.len; i++)
        if (frontier->len == 0 || words[i].epoch < open->epoch)
            *(word *)nd_vector_push(&self->ready) = words[i];
        else
            words[n++] = words[i];
    nd_vector_truncate(&self->words, n);
    for (size_t i = 0; i < self->ready.len; i++) {
        word *const one = nd_vector_at(&self->ready, i);
        one->code = (const unsigned char *)self->codes.items + one->begin;
    }
    return ND_OK;
}

/* Codes of words that are gone make room. */
static void tidy_codes(upsert *self)
{
    unsigned char *const codes = self->codes.items;
    size_t used = 0;
    for (size_t i = 0; i < self->words.len; i++) {
        word *const one = nd_vector_at(&self->words, i);
        memmove(codes + used, codes + one->begin, one->size);
        one->begin = used;
        used += one->size;
    }
    nd_vector_truncate(&self->codes, used);
}

/* --- Which word counts --- */

static nd_trace_code key_of(const word *one) { return (nd_trace_code){one->code, one->key_size}; }

static nd_trace_code record_of(const word *one) { return (nd_trace_code){one->code, one->size}; }

/* By key, epoch and worker; of these the last word first. */
static int compare_words(const void *a, const void *b)
{
    const word *const left = a, *const right = b;
    const int order = nd_trace_code_compare(key_of(left), key_of(right));
    const unsigned of_left = left->number % MOST_WORKERS, of_right = right->number % MOST_WORKERS;
    if (order != 0)
        return order;
    if (left->epoch != right->epoch)
        return left->epoch < right->epoch ? -1 : 1;
    if (of_left != of_right)
        return of_left < of_right ? -1 : 1;
    return left->number > right->number ? -1 : 1;
}

static bool is_of_epoch(const word *one, const word *first)
{
    return one->epoch == first->epoch && nd_trace_code_compare(key_of(one), key_of(first)) == 0;
}

/* The word that counts of those from `*next` on that are of one key and epoch; passes them. A
 * record counts more than none. */
static const word *choose(const upsert *self, size_t *next)
{
    const word *const words = self->ready.items, *const first = &words[*next], *best = first;
    for (++*next; *next < self->ready.len && is_of_epoch(&words[*next], first); ++*next) {
        const word *const one = &words[*next];
        if (one->number % MOST_WORKERS == (one - 1)->number % MOST_WORKERS || one->is_removal)
            continue; /* the worker has said another thing later */
        if (best->is_removal || nd_trace_code_compare(record_of(one), record_of(best)) > 0)
            best = one;
    }
    return best;
}

/* --- What a key has --- */

static nd_err set_present(upsert *self, const unsigned char *code, size_t size)
{
    ND_TRY(nd_vector_reserve(&self->present, size + 1));
    memcpy(self->present.items, code, size);
    self->present.len = size;
    self->has_present = true;
    return ND_OK;
}

static int64_t count_value(const upsert *self, nd_trace_code key, nd_trace_code value)
{
    int64_t count = 0;
    for (size_t i = 0; i < self->given.seekers.len; i++) {
        nd_trace_seeker *const seeker = nd_vector_at(&self->given.seekers, i);
        nd_trace_cursor *const cursor = &seeker->cursor;
        if (!nd_trace_seek(seeker, key))
            continue;
        nd_trace_cursor_rewind_values(cursor);
        if (!nd_trace_cursor_seek_value(cursor, value))
            continue;
        const nd_trace_list list = nd_trace_cursor_updates(cursor);
        for (uint32_t k = 0; k < list.len; k++)
            count += list.diffs[k];
    }
    return count;
}

/* A key has one record at most: the first value that adds up to one is it. Later batches are
 * likelier. */
static nd_err recall(upsert *self, nd_trace_code key)
{
    self->has_present = false;
    for (size_t i = self->given.seekers.len; i > 0 && !self->has_present; i--) {
        nd_trace_seeker *const seeker = nd_vector_at(&self->given.seekers, i - 1);
        if (!nd_trace_seek(seeker, key))
            continue;
        nd_trace_cursor at = seeker->cursor;
        nd_trace_cursor_rewind_values(&at);
        for (; nd_trace_cursor_has_value(&at) && !self->has_present;
             nd_trace_cursor_next_value(&at)) {
            const nd_trace_code value = nd_trace_cursor_value(&at);
            if (count_value(self, key, value) == 0)
                continue;
            ND_TRY(nd_vector_reserve(&self->present, key.size + value.size + 1));
            ND_TRY(set_present(self, key.bytes, key.size));
            memcpy((unsigned char *)self->present.items + key.size, value.bytes, value.size);
            self->present.len += value.size;
        }
    }
    return ND_OK;
}

static nd_err replace(upsert *self, const word *by)
{
    const nd_time time = {.epoch = by->epoch};
    const nd_trace_code had = {self->present.items, self->present.len};
    if (self->has_present ? !by->is_removal && nd_trace_code_compare(record_of(by), had) == 0
                          : by->is_removal)
        return ND_OK;
    if (self->has_present)
        ND_TRY(nd_updates_add(&self->out.updates, had.bytes, had.size, &time, -1));
    self->has_present = false;
    if (by->is_removal)
        return ND_OK;
    ND_TRY(nd_updates_add(&self->out.updates, by->code, by->size, &time, 1));
    return set_present(self, by->code, by->size);
}

static nd_err replace_all(upsert *self)
{
    const word *const words = self->ready.items;
    if (self->ready.len > 1)
        qsort(self->ready.items, self->ready.len, sizeof(word), compare_words);
    for (size_t i = 0; i < self->ready.len;) {
        if (i == 0 || nd_trace_code_compare(key_of(&words[i]), key_of(&words[i - 1])) != 0)
            ND_TRY(recall(self, key_of(&words[i])));
        ND_TRY(replace(self, choose(self, &i)));
    }
    return nd_updates_consolidate(&self->out.updates);
}

/* --- A round --- */

static nd_err keep_given(upsert *self)
{
    const nd_updates *const given = &self->out.updates;
    for (size_t i = 0; i < nd_updates_len(given); i++) {
        size_t size;
        const unsigned char *const code = nd_updates_code(given, i, &size);
        const size_t key_size = nd_record_code_prefix(&self->key, code, size);
        ND_TRY(nd_trace_builder_push(&self->given.builder, (nd_trace_code){code, key_size},
                                     (nd_trace_code){code + key_size, size - key_size},
                                     nd_updates_time(given, i), nd_updates_diff(given, i)));
    }
    return ND_OK;
}

static nd_err hold_round(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    upsert *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->out.updates);
    ND_TRY(take_ready(self, frontier));
    ND_TRY(nd_own_trace_open(&self->given));
    ND_TRY(replace_all(self));
    ND_TRY(nd_outgoing_send(&self->out, vertex, &self->held));
    nd_own_trace_close(&self->given);
    ND_TRY(keep_given(self));
    ND_TRY(nd_own_trace_seal(&self->given, frontier, NULL));
    tidy_codes(self);
    for (size_t i = 0; i < self->words.len; i++) {
        const nd_time time = {.epoch = ((word *)nd_vector_at(&self->words, i))->epoch};
        ND_TRY(nd_antichain_insert(left, &time));
    }
    return ND_OK;
}

static nd_err advance(nd_vertex *vertex, const nd_antichain *frontier)
{
    upsert *const self = nd_vertex_state(vertex);
    return nd_own_trace_advance(&self->given, frontier);
}

static void on_frontier(nd_vertex *vertex)
{
    upsert *const self = nd_vertex_state(vertex);
    nd_held_round(&self->held, vertex, hold_round, advance);
    nd_vertex_when_idle(vertex);
}

static void on_activate(nd_vertex *vertex)
{
    const upsert *const self = nd_vertex_state(vertex);
    nd_idle_merge(vertex, self->given.trace);
}

/* --- Building --- */

static void deinit(nd_vertex *vertex)
{
    upsert *const self = nd_vertex_state(vertex);
    if (!self->in.type)
        return; /* never got that far */
    nd_vector_deinit(&self->words);
    nd_vector_deinit(&self->codes);
    nd_vector_deinit(&self->ready);
    nd_held_deinit(&self->held);
    nd_outgoing_deinit(&self->out);
    nd_own_trace_deinit(&self->given);
    nd_vector_deinit(&self->present);
}

static nd_err init_state(upsert *self, const nd_row *in, const nd_row *out, const nd_type *type)
{
    nd_record_code value;
    self->in = *in;
    nd_whole_code_init(&self->whole, type, type->nkey);
    nd_record_code_init_closed(&self->key, type, 0, type->nkey);
    nd_record_code_init(&value, type, type->nkey, nd_type_n_fields(type) - type->nkey);
    nd_vector_init(&self->words, sizeof(word));
    nd_vector_init(&self->codes, 1);
    nd_vector_init(&self->ready, sizeof(word));
    nd_vector_init(&self->present, 1);
    nd_outgoing_init(&self->out, out, type, type->nkey);
    const nd_trace_shape shape = nd_trace_shape_of(&self->key, &value);
    return nd_own_trace_init(&self->given, &shape);
}

nd_collection nd_upsert_input_new(nd_dataflow *flow, const nd_type *type, nd_input **input)
{
    const nd_row in = nd_row_make_word(flow, type), out = nd_row_make(nd_root(flow), type);
    const nd_stream words = nd_input_new(flow, in.type, input);
    if (input)
        nd_input_keep_for(*input, "nd_upsert or nd_upsert_remove");
    nd_collection made = {.type = type};
    if (type && type->nkey == 0)
        nd_dataflow_mistake(flow, ND_INVAL, "upsert: '%s' has no key", type->name);
    nd_vertex *const vertex = nd_vertex_new(nd_root(flow),
                                            &(nd_vertex_def){.name = "upsert",
                                                             .state_size = sizeof(upsert),
                                                             .deinit = deinit,
                                                             .inputs = {nd_exchange(words)},
                                                             .outputs = {out.type},
                                                             .on_recv = on_recv,
                                                             .on_frontier = on_frontier,
                                                             .on_activate = on_activate},
                                            &made.stream);
    if (!vertex || !type || !in.type || !out.type)
        return made;
    if (nd_worker_peers(nd_vertex_worker(vertex)) > MOST_WORKERS)
        nd_dataflow_mistake(flow, ND_INVAL, "upsert: there are more than %d workers", MOST_WORKERS);
    const nd_err err = init_state(nd_vertex_state(vertex), &in, &out, type);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "upsert: %s", nd_err_text(err));
    return made;
}
