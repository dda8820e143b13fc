/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of an arranged collection, for any thread: records instead of codes. */
#include <stdatomic.h>

#include <nereid/memory.h>

#include "operators/differential/arrangement.h"
#include "operators/differential/trace_snapshot.h"

/* What keys and values are; read only. */
typedef struct codes {
    const nd_type *type;
    nd_record_code key, value;
} codes;

struct nd_publisher {
    _Atomic size_t refs; /* written by any holder; the last release pairs with all earlier ones */
    nd_trace_publisher *of;
    codes codes;
};

struct nd_snapshot {
    nd_trace_snapshot *of;
    codes codes;
};

/* --- Publishers --- */

nd_publisher *nd_index_publish(const nd_index *index)
{
    nd_publisher *const made = nd_alloc(1, sizeof *made);
    nd_trace_publisher *const of = made ? nd_trace_publish(index->trace) : NULL;
    if (!of) {
        nd_free(made);
        return NULL;
    }
    *made = (nd_publisher){.of = of, .codes = {index->type, index->key, index->value}};
    atomic_init(&made->refs, 1);
    return made;
}

nd_publisher *nd_publisher_retain(nd_publisher *publisher)
{
    atomic_fetch_add_explicit(&publisher->refs, 1, memory_order_relaxed);
    return publisher;
}

void nd_publisher_release(nd_publisher *publisher)
{
    if (!publisher || atomic_fetch_sub_explicit(&publisher->refs, 1, memory_order_acq_rel) != 1)
        return;
    nd_trace_publisher_release(publisher->of);
    nd_free(publisher);
}

nd_snapshot *nd_publisher_take(nd_publisher *publisher)
{
    nd_snapshot *const made = nd_alloc(1, sizeof *made);
    if (made)
        *made = (nd_snapshot){nd_trace_publisher_take(publisher->of), publisher->codes};
    return made;
}

/* --- Snapshots --- */

void nd_snapshot_release(nd_snapshot *snapshot)
{
    if (!snapshot)
        return;
    nd_trace_snapshot_release(snapshot->of);
    nd_free(snapshot);
}

bool nd_snapshot_covers(const nd_snapshot *snapshot, uint64_t epoch)
{
    return nd_trace_snapshot_covers(snapshot->of, &(nd_time){.epoch = epoch});
}

uint64_t nd_snapshot_end(const nd_snapshot *snapshot)
{
    const nd_antichain *const upper = nd_trace_snapshot_upper(snapshot->of);
    return upper->len ? nd_antichain_items(upper)[0].epoch : UINT64_MAX;
}

/* A reading that is under way. */
typedef struct reading {
    const codes *codes;
    nd_snapshot_fn *fn;
    void *user;
    unsigned char *record;
    nd_vector text; /* bytes */
} reading;

static nd_err show(void *context, nd_trace_code key, nd_trace_code value, int64_t count)
{
    reading *const self = context;
    const codes *const of = self->codes;
    ND_TRY(nd_vector_reserve(&self->text, key.size + value.size + 1));
    unsigned char *const text = self->text.items;
    const size_t used = nd_record_code_read(&of->key, key.bytes, key.size, self->record, text);
    (void)nd_record_code_read(&of->value, value.bytes, value.size, self->record, text + used);
    self->fn(self->user, self->record, count);
    return ND_OK;
}

static nd_err begin(reading *self, const nd_snapshot *snapshot, nd_snapshot_fn *fn, void *user)
{
    *self = (reading){.codes = &snapshot->codes, .fn = fn, .user = user};
    nd_vector_init(&self->text, 1);
    self->record = nd_alloc_zero(1, snapshot->codes.type->size);
    return self->record ? ND_OK : ND_NOMEM;
}

static void end(reading *self)
{
    nd_vector_deinit(&self->text);
    nd_free(self->record);
}

nd_err nd_snapshot_scan(const nd_snapshot *snapshot, uint64_t epoch, nd_snapshot_fn *fn, void *user)
{
    reading self;
    const nd_time time = {.epoch = epoch};
    nd_err err = begin(&self, snapshot, fn, user);
    if (err == ND_OK)
        err = nd_trace_snapshot_scan(snapshot->of, &time, show, &self);
    end(&self);
    return err;
}

nd_err nd_snapshot_get(const nd_snapshot *snapshot, const void *key, uint64_t epoch,
                       nd_snapshot_fn *fn, void *user)
{
    reading self;
    const nd_time time = {.epoch = epoch};
    const nd_record_code *const of = &snapshot->codes.key;
    unsigned char *const code = nd_alloc(nd_record_code_size(of, key) + 1, 1);
    nd_err err = begin(&self, snapshot, fn, user);
    if (!code)
        err = ND_NOMEM;
    if (err == ND_OK) {
        const nd_trace_code wanted = {code, nd_record_code_write(of, key, code)};
        err = nd_trace_snapshot_get(snapshot->of, wanted, &time, show, &self);
    }
    nd_free(code);
    end(&self);
    return err;
}
