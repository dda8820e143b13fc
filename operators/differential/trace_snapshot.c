/* SPDX-License-Identifier: Apache-2.0 */
/* Reading is a cursor in each view. The cursors that stand at the least key are asked for its
 * values, the least first, and what is at or before the time is added up. There are few batches, so
 * the least is found by looking at all. */
#include "operators/differential/trace_snapshot.h"

#include <pthread.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"
#include "operators/differential/trace_cursor.h"

struct nd_trace_snapshot {
    _Atomic size_t refs; /* written by any holder; the last release pairs with all earlier ones */
    nd_antichain since, upper;
    nd_trace_view *views; /* owned */
    size_t n_views;
};

struct nd_trace_publisher {
    _Atomic size_t refs; /* as a snapshot's */
    pthread_mutex_t lock;
    nd_trace_snapshot *last; /* owned; under the lock */
};

/* --- Snapshots --- */

nd_err nd_trace_snapshot_create(const nd_antichain *since, const nd_antichain *upper,
                                nd_vector *views, nd_trace_snapshot **snapshot)
{
    nd_trace_snapshot *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    atomic_init(&made->refs, 1);
    nd_err err = nd_antichain_set(&made->since, nd_antichain_items(since), since->len);
    if (err == ND_OK)
        err = nd_antichain_set(&made->upper, nd_antichain_items(upper), upper->len);
    if (err == ND_OK) {
        made->n_views = views->len;
        made->views = nd_vector_take(views);
        *snapshot = made;
    } else {
        nd_trace_snapshot_release(made);
    }
    return err;
}

nd_trace_snapshot *nd_trace_snapshot_retain(nd_trace_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

void nd_trace_snapshot_release(nd_trace_snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < snapshot->n_views; i++)
        nd_trace_view_release(&snapshot->views[i]);
    nd_free(snapshot->views);
    nd_antichain_deinit(&snapshot->since);
    nd_antichain_deinit(&snapshot->upper);
    nd_free(snapshot);
}

bool nd_trace_snapshot_covers(const nd_trace_snapshot *snapshot, const nd_time *time)
{
    return nd_antichain_less_equal(&snapshot->since, time) &&
           !nd_antichain_less_equal(&snapshot->upper, time);
}

const nd_antichain *nd_trace_snapshot_since(const nd_trace_snapshot *snapshot)
{
    return &snapshot->since;
}

const nd_antichain *nd_trace_snapshot_upper(const nd_trace_snapshot *snapshot)
{
    return &snapshot->upper;
}

/* --- Reading --- */

typedef struct place {
    nd_trace_cursor cursor;
    bool is_here; /* at the key that is being read */
} place;

typedef struct reading {
    place *places; /* owned, one a view */
    size_t n;
    const nd_time *time;
    nd_trace_record_fn *fn;
    void *ctx;
} reading;

/* `self->n` is not zero. */
static nd_err begin_reading(reading *self, const nd_trace_snapshot *snapshot)
{
    self->places = nd_alloc(self->n, sizeof *self->places);
    if (!self->places)
        return ND_NOMEM;
    for (size_t i = 0; i < self->n; i++)
        nd_trace_cursor_init_view(&self->places[i].cursor, &snapshot->views[i]);
    return ND_OK;
}

/* Brings all to the least key. False: there is none. */
static bool enter_key(reading *self, nd_trace_code *key)
{
    bool is_there = false;
    for (size_t i = 0; i < self->n; i++) {
        place *const one = &self->places[i];
        one->is_here = nd_trace_cursor_has_key(&one->cursor);
        if (!one->is_here)
            continue;
        const nd_trace_code own = nd_trace_cursor_key(&one->cursor);
        if (!is_there || nd_trace_code_compare(own, *key) < 0)
            *key = own;
        is_there = true;
    }
    for (size_t i = 0; i < self->n; i++) {
        place *const one = &self->places[i];
        one->is_here =
            one->is_here && nd_trace_code_compare(nd_trace_cursor_key(&one->cursor), *key) == 0;
    }
    return is_there;
}

static void leave_key(reading *self)
{
    for (size_t i = 0; i < self->n; i++)
        if (self->places[i].is_here)
            nd_trace_cursor_next_key(&self->places[i].cursor);
}

/* The least value of those that are left. False: there is none. */
static bool find_value(const reading *self, nd_trace_code *value)
{
    bool is_there = false;
    for (size_t i = 0; i < self->n; i++) {
        const place *const one = &self->places[i];
        if (!one->is_here || !nd_trace_cursor_has_value(&one->cursor))
            continue;
        const nd_trace_code own = nd_trace_cursor_value(&one->cursor);
        if (!is_there || nd_trace_code_compare(own, *value) < 0)
            *value = own;
        is_there = true;
    }
    return is_there;
}

/* False: the count is too large. */
static bool count_updates(const nd_trace_cursor *cursor, const nd_time *time, int64_t *count)
{
    const nd_trace_list list = nd_trace_cursor_updates(cursor);
    for (uint32_t i = 0; i < list.len; i++)
        if (nd_time_less_equal(nd_trace_cursor_time(cursor, list.times[i]), time) &&
            !nd_difference_plus(*count, list.diffs[i], count))
            return false;
    return true;
}

/* Counts a value wherever it is, and passes it. */
static nd_err count_value(const reading *self, nd_trace_code value, int64_t *count)
{
    *count = 0;
    for (size_t i = 0; i < self->n; i++) {
        nd_trace_cursor *const cursor = &self->places[i].cursor;
        if (!self->places[i].is_here || !nd_trace_cursor_has_value(cursor) ||
            nd_trace_code_compare(nd_trace_cursor_value(cursor), value) != 0)
            continue;
        if (!count_updates(cursor, self->time, count))
            return ND_FAILED;
        nd_trace_cursor_next_value(cursor);
    }
    return ND_OK;
}

static nd_err read_key(const reading *self, nd_trace_code key)
{
    nd_trace_code value;
    while (find_value(self, &value)) {
        int64_t count;
        ND_TRY(count_value(self, value, &count));
        if (count)
            ND_TRY(self->fn(self->ctx, key, value, count));
    }
    return ND_OK;
}

nd_err nd_trace_snapshot_get(const nd_trace_snapshot *snapshot, nd_trace_code key,
                             const nd_time *time, nd_trace_record_fn *fn, void *ctx)
{
    reading self = {.n = snapshot->n_views, .time = time, .fn = fn, .ctx = ctx};
    if (!nd_trace_snapshot_covers(snapshot, time))
        return ND_INVAL;
    if (self.n == 0)
        return ND_OK;
    ND_TRY(begin_reading(&self, snapshot));
    for (size_t i = 0; i < self.n; i++)
        self.places[i].is_here = nd_trace_cursor_seek_key(&self.places[i].cursor, key);
    const nd_err err = read_key(&self, key);
    nd_free(self.places);
    return err;
}

nd_err nd_trace_snapshot_scan(const nd_trace_snapshot *snapshot, const nd_time *time,
                              nd_trace_record_fn *fn, void *ctx)
{
    reading self = {.n = snapshot->n_views, .time = time, .fn = fn, .ctx = ctx};
    nd_trace_code key;
    if (!nd_trace_snapshot_covers(snapshot, time))
        return ND_INVAL;
    if (self.n == 0)
        return ND_OK;
    nd_err err = begin_reading(&self, snapshot);
    for (; err == ND_OK && enter_key(&self, &key); leave_key(&self))
        err = read_key(&self, key);
    nd_free(self.places);
    return err;
}

/* --- Publishers --- */

nd_trace_publisher *nd_trace_publisher_create(nd_trace_snapshot *snapshot)
{
    nd_trace_publisher *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return NULL;
    atomic_init(&made->refs, 1);
    pthread_mutex_init(&made->lock, NULL);
    made->last = snapshot;
    return made;
}

nd_trace_publisher *nd_trace_publisher_retain(nd_trace_publisher *publisher)
{
    atomic_fetch_add_explicit(&publisher->refs, 1, memory_order_relaxed);
    return publisher;
}

void nd_trace_publisher_release(nd_trace_publisher *publisher)
{
    if (!publisher || atomic_fetch_sub_explicit(&publisher->refs, 1, memory_order_acq_rel) != 1)
        return;
    nd_trace_snapshot_release(publisher->last);
    pthread_mutex_destroy(&publisher->lock);
    nd_free(publisher);
}

nd_trace_snapshot *nd_trace_publisher_take(nd_trace_publisher *publisher)
{
    pthread_mutex_lock(&publisher->lock);
    nd_trace_snapshot *const last = nd_trace_snapshot_retain(publisher->last);
    pthread_mutex_unlock(&publisher->lock);
    return last;
}

void nd_trace_publisher_put(nd_trace_publisher *publisher, nd_trace_snapshot *snapshot)
{
    pthread_mutex_lock(&publisher->lock);
    nd_trace_snapshot *const before = publisher->last;
    publisher->last = snapshot;
    pthread_mutex_unlock(&publisher->lock);
    nd_trace_snapshot_release(before);
}

bool nd_trace_publisher_is_alone(const nd_trace_publisher *publisher)
{
    return atomic_load_explicit(&publisher->refs, memory_order_acquire) == 1;
}
