/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregate: a table of totals for each time that is open. Records are added as they come; when a
 * time is complete its totals leave in order of their keys, and the table is freed.
 *
 * A batch is taken in pieces: first the places of all keys are found, then the user's function is
 * called for each, so that the memory accesses of the search overlap.
 *
 * Invariants: `open` is sorted by time; each time in it has a notification pending, and no other
 * time has.
 */
#include <nereid/stream.h>

#include <string.h>

#include <nereid/memory.h>

#include "operators/timely/key_order.h"
#include "operators/timely/operator_internal.h"
#include "operators/timely/totals.h"

enum { PIECE = 256, MOST_KEY = ND_MAX_FIELDS * sizeof(nd_bytes) };

typedef struct open_time {
    nd_time time;
    nd_totals totals;
} open_time;

typedef struct aggregate {
    nd_aggregate_fn *fn;
    const nd_type *type;
    bool is_flat;
    open_time *open;
    size_t n_open, capacity;
    nd_totals spare; /* empty: the memory of the last time that was done */
} aggregate;

static void deinit(nd_vertex *vertex)
{
    aggregate *self = nd_vertex_state(vertex);
    for (size_t i = 0; i < self->n_open; i++)
        nd_totals_deinit(&self->open[i].totals);
    nd_free(self->open);
    nd_totals_deinit(&self->spare);
}

/* --- Open times --- */

/* The place of `time`, or where it belongs. */
static size_t find_time(const aggregate *self, const nd_time *time)
{
    size_t low = 0, high = self->n_open;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nd_time_compare(&self->open[middle].time, time) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_open(const aggregate *self, size_t place, const nd_time *time)
{
    return place < self->n_open && nd_time_equal(&self->open[place].time, time);
}

/* Opens `time` at its place. */
static nd_err open_at(aggregate *self, size_t place, const nd_time *time)
{
    if (self->n_open == self->capacity) {
        const size_t capacity = self->capacity != 0 ? 2 * self->capacity : 4;
        open_time *open = nd_realloc(self->open, capacity, sizeof *open);
        if (open == NULL)
            return ND_NOMEM;
        self->open = open;
        self->capacity = capacity;
    }
    memmove(&self->open[place + 1], &self->open[place],
            (self->n_open - place) * sizeof *self->open);
    self->n_open++;
    self->open[place].time = *time;
    self->open[place].totals = self->spare;
    nd_totals_init(&self->spare, self->type);
    return ND_OK;
}

static void close_at(aggregate *self, size_t place)
{
    nd_totals_deinit(&self->spare);
    self->spare = self->open[place].totals;
    nd_totals_clear(&self->spare);
    self->n_open--;
    memmove(&self->open[place], &self->open[place + 1],
            (self->n_open - place) * sizeof *self->open);
}

/* --- Adding --- */

static void add_flat(const aggregate *self, void *user, nd_totals *totals,
                     const unsigned char *records, size_t len, const uint32_t *places)
{
    const size_t size = self->type->size;
    for (size_t i = 0; i < len; i++)
        if ((places[i] & ND_TOTALS_NEW) == 0)
            self->fn(user, totals->records + places[i] * size, records + i * size);
}

/* A function that overwrites its total with the record, as a maximum does, leaves a key that points
 * into the batch: the total keeps its own. */
static void add_with_bytes(const aggregate *self, void *user, nd_totals *totals,
                           const unsigned char *records, size_t len, const uint32_t *places)
{
    const size_t size = self->type->size, key_size = nd_type_key_size(self->type);
    unsigned char key[MOST_KEY];
    for (size_t i = 0; i < len; i++) {
        if ((places[i] & ND_TOTALS_NEW) != 0)
            continue;
        unsigned char *const total = totals->records + places[i] * size;
        memcpy(key, total, key_size);
        self->fn(user, total, records + i * size);
        memcpy(total, key, key_size);
    }
}

static nd_err add(const aggregate *self, void *user, nd_totals *totals,
                  const unsigned char *records, size_t len)
{
    uint64_t hashes[PIECE];
    uint32_t places[PIECE];
    while (len != 0) {
        const size_t n = len < PIECE ? len : PIECE;
        nd_type_hash_batch(self->type, records, n, hashes);
        ND_TRY(nd_totals_find(totals, records, hashes, n, places));
        if (self->is_flat)
            add_flat(self, user, totals, records, n, places);
        else
            add_with_bytes(self, user, totals, records, n, places);
        records += n * self->type->size;
        len -= n;
    }
    return ND_OK;
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    aggregate *self = nd_vertex_state(vertex);
    const size_t place = find_time(self, time);
    if (!is_open(self, place, time)) {
        if (open_at(self, place, time) != ND_OK) {
            nd_operator_fail(vertex, ND_NOMEM, nd_err_text(ND_NOMEM));
            return;
        }
        nd_notify_at(vertex, time);
    }
    if (add(self, nd_vertex_user(vertex), &self->open[place].totals, nd_batch_records(batch),
            nd_batch_len(batch)) != ND_OK)
        nd_operator_fail(vertex, ND_NOMEM, nd_err_text(ND_NOMEM));
}

/* --- Sending --- */

static nd_err send_in_order(nd_emit *out, const nd_totals *totals)
{
    uint32_t *const order = nd_alloc(totals->len, sizeof *order);
    if (order == NULL)
        return ND_NOMEM;
    const nd_err err = nd_key_order(totals->type, totals->records, totals->len, order);
    for (size_t i = 0; err == ND_OK && i < totals->len; i++)
        nd_emit_copy(out, totals->records + order[i] * (size_t)totals->type->size, 1);
    nd_free(order);
    return err;
}

static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    aggregate *self = nd_vertex_state(vertex);
    const size_t place = find_time(self, time);
    if (!is_open(self, place, time))
        return;
    if (send_in_order(nd_vertex_emit(vertex, 0, time), &self->open[place].totals) != ND_OK)
        nd_operator_fail(vertex, ND_NOMEM, nd_err_text(ND_NOMEM));
    close_at(self, place);
}

static bool is_possible_type(const nd_type *type)
{
    if (type->retain != NULL)
        return false;
    const unsigned n_fields = nd_type_n_fields(type);
    for (unsigned i = type->nkey; i < n_fields; i++)
        if (type->fields[i].kind == ND_KIND_BYTES)
            return false;
    return true;
}

nd_stream nd_aggregate(nd_stream stream, nd_aggregate_fn *fn, nd_user user)
{
    nd_stream out = {NULL};
    const nd_type *const type = nd_stream_type(stream);
    nd_operator_check(stream, "aggregate", fn != NULL, "it needs a function");
    nd_operator_check(stream, "aggregate", type == NULL || is_possible_type(type),
                      "its records must be plain, but for nd_bytes fields in the key");
    nd_vertex *const vertex = nd_vertex_new(nd_stream_scope(stream),
                                            &(nd_vertex_def){
                                                .name = "aggregate",
                                                .state_size = sizeof(aggregate),
                                                .deinit = deinit,
                                                .user = user.data,
                                                .destroy = user.destroy,
                                                .inputs = {nd_exchange(stream)},
                                                .outputs = {type},
                                                .on_recv = on_recv,
                                                .on_notify = on_notify,
                                            },
                                            &out);
    if (vertex != NULL) {
        aggregate *self = nd_vertex_state(vertex);
        self->fn = fn;
        self->type = type;
        self->is_flat = nd_type_is_flat(type);
        nd_totals_init(&self->spare, type);
    }
    return out;
}
