/* SPDX-License-Identifier: Apache-2.0 */
/* Lift: a function of Z-sets at each tick, key by key.
 *
 * Each input's updates wait in a batcher of its own, in order of their codes, which begin with the
 * key; so when ticks are complete the keys are found by going through all inputs side by side. Of a
 * key the least tick is taken first, and the inputs' updates of that tick are given to the
 * function. Nothing is kept of a tick that is over. */
#include <stddef.h>
#include <string.h>

#include <nereid/dbsp.h>
#include <nereid/memory.h>
#include <nereid/vertex.h>

#include "operators/differential/batcher.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"
#include "operators/differential/outgoing.h"

/* What a function says of one key and tick. */
struct nd_zset_out {
    size_t record_size;
    nd_vector records; /* bytes */
    nd_vector weights; /* int64_t */
    nd_err err;
    _Alignas(max_align_t) unsigned char spare[ND_MAX_FIELDS * sizeof(nd_bytes)]; /* for what cannot
                                                                                   be kept */
};

typedef struct source {
    nd_row in;
    nd_record_code whole, key;
    nd_batcher batcher;
    nd_updates done;   /* of complete ticks */
    size_t next, end;  /* the updates of the key: from next on, up to end */
    nd_vector records; /* bytes: of the key and tick */
    nd_vector weights; /* int64_t */
    nd_vector text;    /* bytes */
} source;

typedef struct lift {
    nd_dbsp_fn *fn;
    unsigned n;
    source sources[ND_MAX_PORTS];
    nd_held held;
    nd_outgoing out;
    nd_zset_out said;
    nd_vector code; /* bytes */
} lift;

void *nd_zset_slot(nd_zset_out *out, int64_t weight)
{
    const size_t used = out->records.len;
    int64_t *const place = nd_vector_push(&out->weights);
    if (!place || nd_vector_reserve(&out->records, used + out->record_size) != ND_OK) {
        if (place)
            (void)nd_vector_pop(&out->weights);
        out->err = ND_NOMEM;
        return out->spare;
    }
    *place = weight;
    out->records.len += out->record_size;
    return memset((unsigned char *)out->records.items + used, 0, out->record_size);
}

/* --- A key at a tick --- */

static nd_err take_update(source *one, size_t i)
{
    size_t size;
    const size_t record_size = one->whole.type->size;
    const unsigned char *const code = nd_updates_code(&one->done, i, &size);
    int64_t *const weight = nd_vector_push(&one->weights);
    if (!weight)
        return ND_NOMEM;
    *weight = nd_updates_diff(&one->done, i);
    ND_TRY(nd_vector_reserve(&one->records, one->records.len + record_size));
    /* Room for all texts was made before: records point into it. */
    one->text.len += nd_record_code_read(&one->whole, code, size,
                                         (unsigned char *)one->records.items + one->records.len,
                                         (unsigned char *)one->text.items + one->text.len);
    one->records.len += record_size;
    return ND_OK;
}

static nd_err take_tick(source *one, const nd_time *time)
{
    size_t text = 1;
    nd_vector_clear(&one->records);
    nd_vector_clear(&one->weights);
    nd_vector_clear(&one->text);
    for (size_t i = one->next; i < one->end && !one->whole.is_fixed; i++) {
        size_t size;
        (void)nd_updates_code(&one->done, i, &size);
        text += size;
    }
    ND_TRY(nd_vector_reserve(&one->text, text));
    for (size_t i = one->next; i < one->end; i++)
        if (nd_time_equal(nd_updates_time(&one->done, i), time))
            ND_TRY(take_update(one, i));
    return ND_OK;
}

static nd_err keep_said(lift *self, const nd_time *time)
{
    ND_TRY(self->said.err);
    for (size_t i = 0; i < self->said.weights.len; i++) {
        const int64_t weight = *(int64_t *)nd_vector_at(&self->said.weights, i);
        const unsigned char *const record =
            (unsigned char *)self->said.records.items + i * self->said.record_size;
        const size_t size = nd_record_code_size(&self->out.code, record);
        ND_TRY(nd_vector_reserve(&self->code, size + 1));
        (void)nd_record_code_write(&self->out.code, record, self->code.items);
        if (weight != 0)
            ND_TRY(nd_updates_add(&self->out.updates, self->code.items, size, time, weight));
    }
    return ND_OK;
}

static nd_err apply_at(nd_vertex *vertex, const nd_time *time)
{
    lift *const self = nd_vertex_state(vertex);
    nd_zset given[ND_MAX_PORTS];
    for (unsigned i = 0; i < self->n; i++) {
        source *const one = &self->sources[i];
        ND_TRY(take_tick(one, time));
        given[i] = (nd_zset){one->records.items, one->weights.items, one->weights.len};
    }
    nd_vector_clear(&self->said.records);
    nd_vector_clear(&self->said.weights);
    self->said.err = ND_OK;
    self->fn(nd_vertex_user(vertex), given, self->n, &self->said);
    return keep_said(self, time);
}

/* The least time of the key that is after `last`, which is NULL at first. */
static const nd_time *next_time(const lift *self, const nd_time *last)
{
    const nd_time *least = NULL;
    for (unsigned k = 0; k < self->n; k++)
        for (size_t i = self->sources[k].next; i < self->sources[k].end; i++) {
            const nd_time *const time = nd_updates_time(&self->sources[k].done, i);
            if ((!last || nd_time_compare(time, last) > 0) &&
                (!least || nd_time_compare(time, least) < 0))
                least = time;
        }
    return least;
}

/* --- Keys --- */

static nd_trace_code key_at(const source *one, size_t i)
{
    nd_trace_code key;
    key.bytes = nd_updates_code(&one->done, i, &key.size);
    key.size = nd_record_code_prefix(&one->key, key.bytes, key.size);
    return key;
}

/* Finds the least key, and of each source its updates; false behind the last key. */
static bool find_key(lift *self)
{
    const source *least = NULL;
    for (unsigned k = 0; k < self->n; k++) {
        source *const one = &self->sources[k];
        one->next = one->end;
        if (one->next == nd_updates_len(&one->done))
            continue;
        if (!least || nd_trace_code_compare(key_at(one, one->next), key_at(least, least->next)) < 0)
            least = one;
    }
    if (!least)
        return false;
    const nd_trace_code key = key_at(least, least->next);
    for (unsigned k = 0; k < self->n; k++) {
        source *const one = &self->sources[k];
        while (one->end < nd_updates_len(&one->done) &&
               nd_trace_code_compare(key_at(one, one->end), key) == 0)
            one->end++;
    }
    return true;
}

static nd_err apply_all(nd_vertex *vertex)
{
    lift *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->out.updates);
    while (find_key(self))
        for (const nd_time *time = next_time(self, NULL); time; time = next_time(self, time))
            ND_TRY(apply_at(vertex, time));
    ND_TRY(nd_updates_consolidate(&self->out.updates));
    return nd_outgoing_send(&self->out, vertex, &self->held);
}

/* --- Callbacks --- */

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    lift *const self = nd_vertex_state(vertex);
    source *const one = &self->sources[port];
    nd_err err = nd_held_add(&self->held, vertex, time);
    if (err == ND_OK)
        err = nd_batcher_add(&one->batcher, &one->in, nd_batch_records(batch), nd_batch_len(batch));
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* A tick is complete when it is at all inputs. */
static nd_err read_frontier(nd_vertex *vertex, nd_antichain *frontier)
{
    const lift *const self = nd_vertex_state(vertex);
    for (unsigned k = 0; k < self->n; k++)
        ND_TRY(nd_frontier_read(vertex, k, frontier));
    return ND_OK;
}

static nd_err take_complete(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    lift *const self = nd_vertex_state(vertex);
    for (unsigned k = 0; k < self->n; k++) {
        source *const one = &self->sources[k];
        nd_antichain own;
        nd_antichain_init(&own);
        nd_updates_clear(&one->done);
        one->next = one->end = 0;
        nd_err err = nd_batcher_seal(&one->batcher, frontier, &one->done, &own);
        for (size_t i = 0; err == ND_OK && i < own.len; i++)
            err = nd_antichain_insert(left, &nd_antichain_items(&own)[i]);
        nd_antichain_deinit(&own);
        ND_TRY(err);
    }
    ND_TRY(apply_all(vertex));
    nd_held_replace(&self->held, vertex, left);
    return ND_OK;
}

static void on_frontier(nd_vertex *vertex)
{
    const lift *const self = nd_vertex_state(vertex);
    nd_antichain frontier, left;
    nd_antichain_init(&frontier);
    nd_antichain_init(&left);
    nd_err err = read_frontier(vertex, &frontier);
    if (err == ND_OK && nd_held_has_complete(&self->held, &frontier))
        err = take_complete(vertex, &frontier, &left);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    nd_antichain_deinit(&left);
    nd_antichain_deinit(&frontier);
}

/* --- Building --- */

static void deinit(nd_vertex *vertex)
{
    lift *const self = nd_vertex_state(vertex);
    for (unsigned i = 0; i < self->n; i++) {
        source *const one = &self->sources[i];
        nd_batcher_deinit(&one->batcher);
        nd_updates_deinit(&one->done);
        nd_vector_deinit(&one->records);
        nd_vector_deinit(&one->weights);
        nd_vector_deinit(&one->text);
    }
    nd_held_deinit(&self->held);
    nd_outgoing_deinit(&self->out);
    nd_vector_deinit(&self->said.records);
    nd_vector_deinit(&self->said.weights);
    nd_vector_deinit(&self->code);
}

static void init_source(source *one, const nd_row *in, const nd_type *type)
{
    one->in = *in;
    nd_whole_code_init(&one->whole, type, type->nkey);
    nd_record_code_init_closed(&one->key, type, 0, type->nkey);
    nd_batcher_init(&one->batcher, &one->whole, one->in.n_loops);
    nd_updates_init(&one->done, &one->whole);
    nd_vector_init(&one->records, 1);
    nd_vector_init(&one->weights, sizeof(int64_t));
    nd_vector_init(&one->text, 1);
}

static void init_state(lift *self, const nd_collection *streams, size_t n, const nd_row *rows,
                       const nd_row *out, const nd_type *type, nd_dbsp_fn *fn)
{
    self->fn = fn;
    self->n = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        init_source(&self->sources[i], &rows[i], streams[i].type);
    nd_outgoing_init(&self->out, out, type, 0);
    self->said.record_size = type->size;
    nd_vector_init(&self->said.records, 1);
    nd_vector_init(&self->said.weights, sizeof(int64_t));
    nd_vector_init(&self->code, 1);
}

static bool check(nd_dataflow *flow, const nd_collection *streams, size_t n, nd_dbsp_fn *fn)
{
    bool is_right = fn && n > 0 && n <= ND_MAX_PORTS;
    if (!is_right)
        nd_dataflow_mistake(flow, ND_INVAL, "lift: it needs a function, and one to %d streams",
                            ND_MAX_PORTS);
    for (size_t i = 1; is_right && i < n; i++)
        if (streams[0].type && streams[i].type &&
            (streams[0].type->nkey != streams[i].type->nkey ||
             !nd_has_same_key(streams[0].type, streams[i].type, streams[0].type->nkey))) {
            nd_dataflow_mistake(flow, ND_INVAL, "lift: '%s' and '%s' have not the same key",
                                streams[0].type->name, streams[i].type->name);
            is_right = false;
        }
    return is_right;
}

nd_collection nd_dbsp_lift(const nd_collection *streams, size_t n, const nd_type *type,
                           nd_dbsp_fn *fn, nd_user user)
{
    nd_scope *const scope = n > 0 ? nd_stream_scope(streams[0].stream) : NULL;
    nd_collection made = {.type = type, .n_loops = nd_scope_n_loops(scope)};
    nd_row rows[ND_MAX_PORTS];
    const nd_row out = nd_row_make(scope, type);
    nd_vertex_def def = {.name = "lift",
                         .state_size = sizeof(lift),
                         .deinit = deinit,
                         .user = user.data,
                         .destroy = user.destroy,
                         .outputs = {out.type},
                         .on_recv = on_recv,
                         .on_frontier = on_frontier};
    const bool is_right = check(nd_scope_dataflow(scope), streams, n, fn);
    for (size_t i = 0; is_right && i < n; i++) {
        rows[i] = nd_row_of(streams[i]);
        def.inputs[i] = nd_exchange(streams[i].stream);
    }
    nd_vertex *const vertex = nd_vertex_new(scope, &def, &made.stream);
    if (vertex && is_right)
        init_state(nd_vertex_state(vertex), streams, n, rows, &out, type, fn);
    return made;
}
