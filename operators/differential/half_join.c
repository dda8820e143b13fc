/* SPDX-License-Identifier: Apache-2.0 */
/* Half join: updates of one collection, the probes, look up what another has under their key at
 * their time.
 *
 * A probe waits until the arrangement is complete up to its time. Its reader holds the arrangement
 * at the least epoch that will still be asked about: for who looks before a time that is the epoch
 * before it, since compaction keeps what was there until the end of an epoch, but not before it.
 *
 * What an imported arrangement had before it was compacted comes at the time of its first message.
 * So what there is counts as of that time, if it is earlier, and who asks before it finds nothing.
 *
 * Probes that are due are looked up in order, so many in one callback; then others have their turn,
 * or what is found would pile up in front of them. */
#include <string.h>

#include <nereid/memory.h>
#include <nereid/vertex.h>

#include "operators/differential/arrange.h"
#include "operators/differential/batcher.h"
#include "operators/differential/difference.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"
#include "operators/differential/lookup.h"

enum {
    PAIRS = 256,    /* that the function is given at once */
    TURN = 1 << 16, /* probes and pairs of one callback */
    MANY = 1 << 17  /* probes that do not wait for a frontier, if they are due */
};

enum { CHANGES, ARRANGED };

typedef struct half_join {
    nd_join_fn *fn;
    void *user;
    nd_half_join_order order;
    nd_row in, out;
    nd_index *index;
    nd_trace_reader *reader; /* NULL: nothing will be asked any more */
    uint64_t begin;          /* when the arrangement's first batch came */
    nd_record_code whole, key;
    nd_batcher batcher;
    nd_antichain waiting; /* the minimal times of what is in it */
    size_t n_waiting;     /* at the most, */
    size_t n_new;         /* and how many of them are new */
    nd_updates due;       /* being looked up, */
    size_t next;          /* from here on */
    nd_held held;         /* for both */
    nd_lookup lookup;
    nd_activator *activator;
    unsigned char *probe;                        /* its record */
    unsigned char *left, *right, *made, *stamps; /* PAIRS of each */
    size_t n_pairs;
} half_join;

static bool is_at_work(const half_join *self) { return self->next < nd_updates_len(&self->due); }

/* --- Pairs --- */

static void send_pairs(half_join *self, nd_emit *out)
{
    if (self->n_pairs == 0)
        return;
    self->fn(self->user, self->left, self->right, self->n_pairs, self->made);
    nd_rows_scatter(&self->out, self->made, self->stamps, self->n_pairs, out);
    self->n_pairs = 0;
}

/* Writes the same bytes `n` times, side by side. */
static void repeat(const void *bytes, size_t size, size_t n, unsigned char *out)
{
    if (size == 8) /* which is common, and one word */
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * 8, bytes, 8);
    else
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * size, bytes, size);
}

/* The times and differences of the next `n` pairs. */
static nd_err stamp(half_join *self, const nd_time *time, int64_t diff, const int64_t *counts,
                    size_t n)
{
    unsigned char *place = self->stamps + self->n_pairs * self->out.stamp_size;
    for (size_t i = 0; i < n; i++, place += self->out.stamp_size) {
        int64_t product;
        if (!nd_difference_times(diff, counts[i], &product))
            return ND_FAILED;
        memcpy(place, time, self->out.stamp_size - 8);
        nd_stamp_set_diff(&self->out, place, product);
    }
    return ND_OK;
}

static nd_err pair_up(half_join *self, const nd_time *time, int64_t diff, nd_emit *out)
{
    const unsigned char *found = self->lookup.records.items;
    const int64_t *counts = self->lookup.counts.items;
    const size_t left_size = self->in.record_size, right_size = self->index->type->size;
    for (size_t left = self->lookup.counts.len, n; left != 0; left -= n) {
        const size_t room = PAIRS - self->n_pairs;
        n = left < room ? left : room;
        ND_TRY(stamp(self, time, diff, counts, n));
        repeat(self->probe, left_size, n, self->left + self->n_pairs * left_size);
        memcpy(self->right + self->n_pairs * right_size, found, n * right_size);
        self->n_pairs += n;
        if (self->n_pairs == PAIRS)
            send_pairs(self, out);
        counts += n;
        found += n * right_size;
    }
    return ND_OK;
}

/* --- Probes --- */

/* Until the end of which epoch a probe sees what there is; false: it sees nothing. */
static bool find_view(const half_join *self, uint64_t epoch, uint64_t *upto)
{
    const bool is_before = self->order == ND_HALF_JOIN_BEFORE;
    *upto = epoch - (is_before ? 1 : 0);
    return is_before ? epoch > self->begin : epoch >= self->begin;
}

static nd_err read_probe(half_join *self, const unsigned char *code, size_t size)
{
    nd_lookup *const lookup = &self->lookup;
    if (!self->whole.is_fixed)
        ND_TRY(nd_lookup_get_room(lookup, size));
    const size_t used = nd_record_code_read(&self->whole, code, size, self->probe, lookup->room);
    if (used) {
        lookup->room += used;
        lookup->room_size -= used;
    }
    return ND_OK;
}

static nd_trace_code key_of(const half_join *self, size_t i)
{
    size_t size;
    const unsigned char *const code = nd_updates_code(&self->due, i, &size);
    size = self->key.is_fixed ? self->key.size : nd_record_code_prefix(&self->key, code, size);
    return (nd_trace_code){code, size};
}

/* The keys of the next probes. */
static void seek(half_join *self)
{
    nd_trace_code keys[ND_TRACE_FORESEEN];
    size_t n = 0;
    for (size_t i = self->next; i < nd_updates_len(&self->due) && n < ND_TRACE_FORESEEN; i++)
        keys[n++] = key_of(self, i);
    nd_lookup_seek(&self->lookup, keys, n);
}

static nd_err look_up(half_join *self, size_t i, nd_emit *out)
{
    size_t size;
    uint64_t upto;
    const unsigned char *const code = nd_updates_code(&self->due, i, &size);
    const nd_time *const time = nd_updates_time(&self->due, i);
    if (!find_view(self, time->epoch, &upto))
        return ND_OK;
    ND_TRY(nd_lookup_find(&self->lookup, i % ND_TRACE_FORESEEN, upto));
    if (self->lookup.counts.len == 0)
        return ND_OK;
    ND_TRY(read_probe(self, code, size));
    return pair_up(self, time, nd_updates_diff(&self->due, i), out);
}

/* Looks up probes that are due, as many as are one turn. */
static nd_err look_up_some(nd_vertex *vertex)
{
    half_join *const self = nd_vertex_state(vertex);
    if (!is_at_work(self))
        return ND_OK;
    nd_emit *const out = nd_vertex_emit(vertex, 0, nd_antichain_items(&self->held.times));
    nd_err err = ND_OK;
    for (size_t spent = 0; err == ND_OK && is_at_work(self) && spent < TURN; self->next++) {
        if (self->next % ND_TRACE_FORESEEN == 0)
            seek(self);
        err = look_up(self, self->next, out);
        spent += 1 + self->lookup.counts.len;
    }
    if (err == ND_OK)
        send_pairs(self, out);
    return err;
}

/* --- What is due --- */

static nd_err take_due(half_join *self, const nd_antichain *frontier)
{
    nd_antichain left;
    nd_antichain_init(&left);
    nd_updates_clear(&self->due);
    self->next = 0;
    nd_err err = nd_batcher_seal(&self->batcher, frontier, &self->due, &left);
    if (err == ND_OK)
        err = nd_lookup_begin(&self->lookup, nd_updates_len(&self->due));
    nd_antichain_deinit(&self->waiting);
    self->waiting = left;
    const size_t n_due = nd_updates_len(&self->due);
    self->n_waiting = left.len && self->n_waiting > n_due ? self->n_waiting - n_due : 0;
    self->n_new = 0;
    return err;
}

/* All that was due has been looked up: only what waits is held for. */
static nd_err let_go(nd_vertex *vertex)
{
    half_join *const self = nd_vertex_state(vertex);
    nd_antichain left;
    nd_antichain_init(&left);
    ND_TRY(nd_antichain_set(&left, nd_antichain_items(&self->waiting), self->waiting.len));
    nd_held_replace(&self->held, vertex, &left);
    return ND_OK;
}

/* The arrangement may forget what nobody will ask about. */
static nd_err let_compact(nd_vertex *vertex)
{
    half_join *const self = nd_vertex_state(vertex);
    nd_antichain since;
    nd_antichain_init(&since);
    nd_err err = nd_frontier_read(vertex, CHANGES, &since);
    if (err == ND_OK && self->held.times.len)
        err = nd_antichain_insert(&since, nd_antichain_items(&self->held.times));
    if (err == ND_OK && since.len == 0) {
        nd_trace_reader_release(self->reader);
        self->reader = NULL;
    } else if (err == ND_OK) {
        nd_time time = *nd_antichain_items(&since);
        time.epoch -= self->order == ND_HALF_JOIN_BEFORE && time.epoch > 0 ? 1 : 0;
        err = nd_antichain_set(&since, &time, 1);
        if (err == ND_OK)
            err = nd_index_set_since(self->index, self->reader, &since);
    }
    nd_antichain_deinit(&since);
    return err;
}

/* What has come while others had their turn may be due as well. */
static nd_err work(nd_vertex *vertex, const nd_antichain *frontier)
{
    half_join *const self = nd_vertex_state(vertex);
    if (!is_at_work(self)) {
        nd_lookup_end(&self->lookup); /* what was sent last has been copied */
        if (nd_held_has_complete(&self->held, frontier))
            ND_TRY(take_due(self, frontier));
    }
    ND_TRY(look_up_some(vertex));
    if (!is_at_work(self))
        ND_TRY(let_go(vertex));
    if (is_at_work(self) || nd_held_has_complete(&self->held, frontier))
        nd_activate(self->activator);
    else if (self->whole.is_fixed && self->index->key.is_fixed && self->index->value.is_fixed)
        nd_lookup_end(&self->lookup);
    return ND_OK;
}

static void run(nd_vertex *vertex)
{
    half_join *const self = nd_vertex_state(vertex);
    nd_antichain frontier;
    nd_antichain_init(&frontier);
    nd_err err = nd_frontier_read(vertex, ARRANGED, &frontier);
    if (err == ND_OK)
        err = work(vertex, &frontier);
    if (err == ND_OK && self->reader)
        err = let_compact(vertex);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    nd_antichain_deinit(&frontier);
}

/* --- Receiving --- */

/* Whether all rows ask what was there before the first epoch, as those of a load do. */
static bool find_nothing(const half_join *self, const void *rows, size_t len)
{
    const unsigned char *row = rows;
    if (self->order != ND_HALF_JOIN_BEFORE)
        return false;
    for (size_t i = 0; i < len; i++, row += self->in.type->size)
        if (nd_row_time(&self->in, row).epoch != 0)
            return false;
    return true;
}

static nd_err keep(nd_vertex *vertex, const nd_time *time, nd_batch *batch)
{
    half_join *const self = nd_vertex_state(vertex);
    const size_t len = nd_batch_len(batch);
    if (time->epoch == 0 && find_nothing(self, nd_batch_records(batch), len))
        return ND_OK;
    ND_TRY(nd_antichain_insert(&self->waiting, time));
    ND_TRY(nd_held_add(&self->held, vertex, time));
    self->n_new += len;
    self->n_waiting += len;
    return nd_batcher_add(&self->batcher, &self->in, nd_batch_records(batch), len);
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    half_join *const self = nd_vertex_state(vertex);
    if (port == ARRANGED) {
        self->begin = time->epoch < self->begin ? time->epoch : self->begin;
        return;
    }
    const nd_err err = keep(vertex, time, batch);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    else if (self->n_new >= MANY && self->n_new >= self->n_waiting / 2 && !is_at_work(self))
        run(vertex);
}

/* --- Building --- */

static void deinit(nd_vertex *vertex)
{
    half_join *const self = nd_vertex_state(vertex);
    if (!self->fn)
        return; /* never got that far */
    nd_batcher_deinit(&self->batcher);
    nd_antichain_deinit(&self->waiting);
    nd_updates_deinit(&self->due);
    nd_held_deinit(&self->held);
    nd_lookup_deinit(&self->lookup);
    nd_activator_release(self->activator);
    nd_trace_reader_release(self->reader);
    nd_index_release(self->index);
    nd_free(self->probe);
    nd_free(self->left);
    nd_free(self->right);
    nd_free(self->made);
    nd_free(self->stamps);
}

static bool get_room(half_join *self)
{
    self->probe = nd_alloc_zero(1, self->in.record_size);
    self->left = nd_alloc(PAIRS, self->in.record_size);
    self->right = nd_alloc(PAIRS, self->index->type->size);
    self->made = nd_alloc(PAIRS, self->out.record_size);
    self->stamps = nd_alloc(PAIRS, self->out.stamp_size);
    return self->probe && self->left && self->right && self->made && self->stamps;
}

static nd_err init_state(nd_vertex *vertex, nd_collection changes, nd_index *index)
{
    half_join *const self = nd_vertex_state(vertex);
    nd_antichain all;
    self->begin = UINT64_MAX;
    self->index = nd_index_retain(index);
    nd_whole_code_init(&self->whole, changes.type, index->key.n_fields);
    nd_record_code_init_closed(&self->key, changes.type, 0, index->key.n_fields);
    nd_batcher_init(&self->batcher, &self->whole, 0);
    nd_updates_init(&self->due, &self->whole);
    ND_TRY(nd_lookup_init(&self->lookup, index));
    self->reader = nd_trace_reader_create(index->trace);
    self->activator = nd_vertex_activator(vertex);
    if (!self->reader || !self->activator || !get_room(self))
        return ND_NOMEM;
    nd_antichain_init(&all); /* whatever is merged can be told apart by its times */
    return nd_trace_reader_set_accepted(self->reader, &all);
}

static void check(nd_scope *scope, nd_collection changes, nd_collection arranged, nd_join_fn *fn)
{
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    if (!fn)
        nd_dataflow_mistake(flow, ND_INVAL, "half join: it needs a function");
    if (nd_scope_n_loops(scope) != 0)
        nd_dataflow_mistake(flow, ND_INVAL, "half join: it cannot be inside a loop");
    if (changes.type && arranged.type &&
        (changes.type->nkey != arranged.type->nkey ||
         !nd_has_same_key(changes.type, arranged.type, arranged.type->nkey)))
        nd_dataflow_mistake(flow, ND_INVAL, "half join: '%s' and '%s' have not the same key",
                            changes.type->name, arranged.type->name);
}

nd_collection nd_half_join(nd_collection changes, nd_collection arranged, nd_half_join_order order,
                           const nd_type *type, nd_join_fn *fn, nd_user user)
{
    nd_scope *const scope = nd_stream_scope(changes.stream);
    nd_collection made = {.type = type, .n_loops = nd_scope_n_loops(scope)};
    check(scope, changes, arranged, fn);
    const nd_row in = nd_row_of(changes), out = nd_row_make(scope, type);
    const nd_collection sought = nd_arrange_by(arranged, arranged.type ? arranged.type->nkey : 0);
    nd_vertex *const vertex = nd_vertex_new(
        scope,
        &(nd_vertex_def){.name = "half join",
                         .state_size = sizeof(half_join),
                         .deinit = deinit,
                         .user = user.data,
                         .destroy = user.destroy,
                         .inputs = {nd_exchange(changes.stream), nd_pipeline(sought.batches)},
                         .outputs = {out.type},
                         .on_recv = on_recv,
                         .on_frontier = run,
                         .on_activate = run},
        &made.stream);
    if (!vertex || !sought.index || !in.type || !fn)
        return made;
    half_join *const self = nd_vertex_state(vertex);
    *self = (half_join){.fn = fn, .user = user.data, .order = order, .in = in, .out = out};
    const nd_err err = init_state(vertex, changes, sought.index);
    if (err != ND_OK)
        nd_dataflow_mistake(nd_scope_dataflow(scope), err, "half join: %s", nd_err_text(err));
    return made;
}
