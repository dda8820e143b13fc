/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots against the list of everything that had been added when they were taken. */
#include "tests/support/cmocka.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/watched_trace.h"
#include "tests/support/failing_memory.h"

static const nd_trace_shape *const shape = &naive_shapes[0];

/* What a reading finds. */
typedef struct found {
    naive_update *records;
    size_t n, most;
    nd_err ends_with; /* once there are as many as there is room for */
} found;

static nd_err take_record(void *ctx, nd_trace_code key, nd_trace_code value, int64_t count)
{
    found *const self = ctx;
    if (self->n == self->most)
        return self->ends_with;
    naive_update *const one = &self->records[self->n++];
    *one = (naive_update){
        .key_size = (uint32_t)key.size, .value_size = (uint32_t)value.size, .diff = count};
    if (key.size)
        memcpy(one->key, key.bytes, key.size);
    if (value.size)
        memcpy(one->value, value.bytes, value.size);
    return ND_OK;
}

static found begin_finding(size_t most)
{
    return (found){
        .records = calloc(most + 1, sizeof(naive_update)), .most = most, .ends_with = ND_FAILED};
}

/* --- Taken and kept --- */

/* A snapshot, and what it must have at a time. */
typedef struct kept {
    nd_trace_snapshot *snapshot;
    nd_time time;
    naive_update *expected;
    size_t n_expected;
} kept;

enum { STEPS = 60, MOST = 30, KEPT_MOST = STEPS };

typedef struct kept_list {
    kept items[KEPT_MOST];
    size_t n;
    size_t n_wrong; /* written by the thread that reads */
} kept_list;

static bool scan_is_right(const kept *one)
{
    found all = begin_finding(one->n_expected);
    const nd_err err = nd_trace_snapshot_scan(one->snapshot, &one->time, take_record, &all);
    const bool is_right =
        err == ND_OK && naive_are_equal(all.records, all.n, one->expected, one->n_expected);
    free(all.records);
    return is_right;
}

/* Each key that is there, and one that is not. */
static bool gets_are_right(const kept *one)
{
    bool is_right = true;
    for (size_t i = 0, end; is_right && i < one->n_expected; i = end) {
        naive_update same = one->expected[i];
        for (end = i; end < one->n_expected; end++) {
            memcpy(same.value, one->expected[end].value, sizeof same.value);
            same.value_size = one->expected[end].value_size;
            if (naive_compare(&same, &one->expected[end]) != 0)
                break;
        }
        found some = begin_finding(end - i);
        const nd_err err = nd_trace_snapshot_get(one->snapshot, naive_key(&one->expected[i]),
                                                 &one->time, take_record, &some);
        is_right =
            err == ND_OK && naive_are_equal(some.records, some.n, &one->expected[i], end - i);
        free(some.records);
    }
    return is_right;
}

static void *read_kept(void *arg)
{
    kept_list *const list = arg;
    for (size_t i = 0; i < list->n; i++)
        list->n_wrong += !scan_is_right(&list->items[i]) || !gets_are_right(&list->items[i]);
    return NULL;
}

/* Takes the last snapshot, if it may be read at a time of the reader's. */
static void keep(watched_trace *self, const watched_reader *reader, nd_trace_publisher *publisher,
                 kept_list *list)
{
    kept one = {.snapshot = nd_trace_publisher_take(publisher)};
    one.time = watched_time(self, reader);
    one.time.epoch = one.time.epoch < self->epoch ? one.time.epoch : self->epoch - 1;
    if (!nd_trace_snapshot_covers(one.snapshot, &one.time)) {
        nd_trace_snapshot_release(one.snapshot);
        return;
    }
    one.expected = naive_collect(self->all, self->n, &one.time, &one.n_expected);
    list->items[list->n++] = one;
}

static void run_and_keep(watched_trace *self, kept_list *list)
{
    bool has_more;
    watched_reader reader = watched_reader_begin(self);
    nd_trace_publisher *const publisher = nd_trace_publish(self->trace);
    assert_non_null(publisher);
    for (unsigned i = 0; i < STEPS; i++) {
        watched_add(self, 1 + nd_random_below(&self->random, 2),
                    nd_random_below(&self->random, MOST));
        if (nd_random_below(&self->random, 3) == 0) {
            watched_move(self, &reader);
            watched_hold(&reader, 0, self->epoch);
        }
        if (nd_random_below(&self->random, 2)) {
            const nd_time time = watched_time(self, &reader);
            watched_expect(self, &time, 0); /* which advances views */
        }
        if (nd_random_below(&self->random, 3) == 0)
            assert_int_equal(
                nd_trace_exert(self->trace, nd_random_below(&self->random, 200), &has_more), ND_OK);
        if (nd_random_below(&self->random, 2))
            keep(self, &reader, publisher, list);
    }
    nd_trace_publisher_release(publisher);
    watched_reader_end(&reader);
}

static void what_was_taken_stays_readable(void **state)
{
    (void)state;
    size_t n = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        pthread_t thread;
        kept_list list = {.n = 0};
        watched_trace self = watched_begin(seed, &naive_shapes[seed % NAIVE_N_SHAPES],
                                           1 + (unsigned)(seed % 3), (size_t)STEPS * MOST);
        run_and_keep(&self, &list);
        watched_end(&self);
        assert_int_equal(pthread_create(&thread, NULL, read_kept, &list), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(list.n_wrong, 0);
        n += list.n;
        for (size_t i = 0; i < list.n; i++) {
            nd_trace_snapshot_release(list.items[i].snapshot);
            free(list.items[i].expected);
        }
    }
    assert_true(n > 100);
}

/* --- While the worker goes on --- */

enum { PLACES = 50, ROUNDS = 3000 };

/* Who looks on. */
typedef struct onlooker {
    nd_trace_publisher *publisher;
    atomic_bool is_over; /* written by the worker when it has ended, read by the onlooker */
    size_t n_wrong, n_read;
} onlooker;

static nd_err add_count(void *ctx, nd_trace_code key, nd_trace_code value, int64_t count)
{
    (void)key;
    (void)value;
    *(int64_t *)ctx += count;
    return ND_OK;
}

/* At every complete time there are as many records. */
static void *look_on(void *arg)
{
    onlooker *const self = arg;
    uint64_t last = 0;
    bool was_over = false;
    while (!was_over) {
        int64_t count = 0;
        was_over = atomic_load_explicit(&self->is_over, memory_order_acquire);
        nd_trace_snapshot *const snapshot = nd_trace_publisher_take(self->publisher);
        const uint64_t upper = nd_antichain_items(nd_trace_snapshot_upper(snapshot))->epoch;
        const nd_time time = {.epoch = upper - 1};
        self->n_wrong += upper < last ||
                         nd_trace_snapshot_scan(snapshot, &time, add_count, &count) != ND_OK ||
                         count != PLACES;
        self->n_read++;
        last = upper;
        nd_trace_snapshot_release(snapshot);
    }
    return NULL;
}

static naive_update at_place(uint64_t place, uint64_t epoch, int64_t diff)
{
    return (naive_update){.key = {(unsigned char)place},
                          .key_size = 4,
                          .value_size = 4,
                          .time = {.epoch = epoch},
                          .diff = diff};
}

static void others_read_while_the_worker_goes_on(void **state)
{
    (void)state;
    enum { ONLOOKERS = 2 };
    pthread_t threads[ONLOOKERS];
    onlooker onlookers[ONLOOKERS];
    watched_trace self = watched_begin(5, shape, 1, PLACES + 2 * ROUNDS);
    watched_reader reader = watched_reader_begin(&self);
    naive_update first[PLACES];
    for (unsigned i = 0; i < PLACES; i++)
        first[i] = at_place(i, 0, 1);
    watched_add_these(&self, 1, first, PLACES);
    for (unsigned i = 0; i < ONLOOKERS; i++) {
        onlookers[i] = (onlooker){.publisher = nd_trace_publish(self.trace)};
        assert_non_null(onlookers[i].publisher);
        assert_int_equal(pthread_create(&threads[i], NULL, look_on, &onlookers[i]), 0);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool has_more;
        naive_update two[2] = {at_place(nd_random_below(&self.random, 256), self.epoch, 1),
                               at_place(nd_random_below(&self.random, 256), self.epoch, -1)};
        watched_hold(&reader, self.epoch - 1, self.epoch);
        watched_add_these(&self, 1, two, 2);
        if (i % 4 == 0)
            assert_int_equal(nd_trace_exert(self.trace, 100, &has_more), ND_OK);
    }
    for (unsigned i = 0; i < ONLOOKERS; i++) {
        atomic_store_explicit(&onlookers[i].is_over, true, memory_order_release);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(onlookers[i].n_wrong, 0);
        assert_true(onlookers[i].n_read > 0);
        nd_trace_publisher_release(onlookers[i].publisher);
    }
    watched_reader_end(&reader);
    watched_end(&self);
}

/* --- What it says --- */

static nd_err scan(const nd_trace_snapshot *snapshot, uint64_t epoch, found *some)
{
    return nd_trace_snapshot_scan(snapshot, &(nd_time){.epoch = epoch}, take_record, some);
}

static void too_early_and_too_late_are_refused(void **state)
{
    (void)state;
    watched_trace self = watched_begin(1, shape, 1, 10);
    watched_reader reader = watched_reader_begin(&self);
    nd_trace_publisher *const publisher = nd_trace_publish(self.trace);
    watched_hold(&reader, 2, 0);
    naive_update two[2] = {at_place(1, 0, 1), at_place(2, 3, 5)};
    watched_add_these(&self, 5, two, 2);
    nd_trace_snapshot *const snapshot = nd_trace_publisher_take(publisher);
    const size_t n_expected[7] = {0, 0, 1, 2, 2, 0, 0};
    for (uint64_t epoch = 0; epoch < 7; epoch++) {
        const nd_time time = {.epoch = epoch};
        found all = begin_finding(2), one = begin_finding(2);
        const bool is_covered = epoch >= 2 && epoch < 5;
        assert_int_equal(nd_trace_snapshot_covers(snapshot, &time), is_covered);
        assert_int_equal(scan(snapshot, epoch, &all), is_covered ? ND_OK : ND_INVAL);
        assert_int_equal(
            nd_trace_snapshot_get(snapshot, naive_key(&two[1]), &time, take_record, &one),
            is_covered ? ND_OK : ND_INVAL);
        assert_int_equal(all.n, n_expected[epoch]);
        assert_int_equal(one.n, n_expected[epoch] == 2);
        free(all.records);
        free(one.records);
    }
    nd_trace_snapshot_release(snapshot);
    nd_trace_publisher_release(publisher);
    watched_reader_end(&reader);
    watched_end(&self);
}

static void a_reading_ends_when_it_is_told_to(void **state)
{
    (void)state;
    watched_trace self = watched_begin(1, shape, 1, 10);
    watched_reader reader = watched_reader_begin(&self);
    nd_trace_publisher *const publisher = nd_trace_publish(self.trace);
    naive_update some[3] = {at_place(1, 0, 1), at_place(2, 0, 1), at_place(2, 0, 1)};
    some[2].value[0] = 1;
    watched_add_these(&self, 1, some, 3);
    nd_trace_snapshot *const snapshot = nd_trace_publisher_take(publisher);
    for (size_t most = 0; most < 4; most++) {
        found all = begin_finding(most), values = begin_finding(most);
        all.ends_with = values.ends_with = ND_CLOSED;
        assert_int_equal(scan(snapshot, 0, &all), most < 3 ? ND_CLOSED : ND_OK);
        assert_int_equal(all.n, most);
        assert_int_equal(nd_trace_snapshot_get(snapshot, naive_key(&some[2]),
                                               &(nd_time){.epoch = 0}, take_record, &values),
                         most < 2 ? ND_CLOSED : ND_OK);
        assert_int_equal(values.n, most < 2 ? most : 2);
        free(all.records);
        free(values.records);
    }
    nd_trace_snapshot_release(snapshot);
    nd_trace_publisher_release(publisher);
    watched_reader_end(&reader);
    watched_end(&self);
}

static void too_large_counts_fail(void **state)
{
    (void)state;
    watched_trace self = watched_begin(1, shape, 1, 10);
    watched_reader reader = watched_reader_begin(&self);
    nd_trace_publisher *const publisher = nd_trace_publish(self.trace);
    found all = begin_finding(2);
    naive_update one = at_place(1, 0, INT64_MAX);
    watched_add_these(&self, 1, &one, 1);
    one = at_place(1, 1, 1);
    watched_add_these(&self, 1, &one, 1);
    nd_trace_snapshot *const snapshot = nd_trace_publisher_take(publisher);
    assert_int_equal(scan(snapshot, 0, &all), ND_OK);
    assert_int_equal(scan(snapshot, 1, &all), ND_FAILED);
    assert_int_equal(
        nd_trace_snapshot_get(snapshot, naive_key(&one), &(nd_time){.epoch = 1}, take_record, &all),
        ND_FAILED);
    free(all.records);
    nd_trace_snapshot_release(snapshot);
    nd_trace_publisher_release(publisher);
    watched_reader_end(&reader);
    watched_end(&self);
}

/* What a trace had lost before is in no snapshot, so none may be read. */
static void a_trace_that_has_lost_something_covers_nothing(void **state)
{
    (void)state;
    watched_trace self = watched_begin(1, shape, 1, 10);
    nd_trace_publisher *const publisher = nd_trace_publish(self.trace);
    for (unsigned i = 0; i < 2; i++) {
        naive_update one = at_place(1, self.epoch, 1);
        watched_add_these(&self, 1, &one, 1);
        watched_reader reader = watched_reader_begin(&self);
        one = at_place(2, self.epoch, 1);
        watched_add_these(&self, 1, &one, 1);
        nd_trace_snapshot *const snapshot = nd_trace_publisher_take(publisher);
        assert_int_equal(nd_trace_snapshot_since(snapshot)->len, 0);
        assert_false(nd_trace_snapshot_covers(snapshot, &(nd_time){.epoch = 1}));
        nd_trace_snapshot_release(snapshot);
        watched_reader_end(&reader);
    }
    nd_trace_publisher_release(publisher);
    watched_end(&self);
}

/* --- What it costs --- */

/* References to the only batch, but for the one that counts them. */
static size_t count_references(const watched_trace *self)
{
    nd_trace_batch *const batch = watched_only_batch(self);
    const size_t refs = atomic_load(&batch->refs) - 1;
    nd_trace_batch_release(batch);
    return refs;
}

static void nobody_publishes_for_nobody(void **state)
{
    (void)state;
    naive_update one = at_place(1, 0, 1);
    watched_trace self = watched_begin(1, shape, 1, 10);
    watched_reader reader = watched_reader_begin(&self);
    watched_add_these(&self, 1, &one, 1);
    assert_int_equal(count_references(&self), 1);
    nd_trace_publisher *const first = nd_trace_publish(self.trace);
    nd_trace_publisher *const second = nd_trace_publish(self.trace);
    assert_ptr_equal(first, second);
    assert_int_equal(count_references(&self), 2);
    nd_trace_publisher_release(first);
    watched_add_these(&self, 1, &one, 0);
    assert_int_equal(count_references(&self), 2);
    nd_trace_snapshot *const snapshot = nd_trace_publisher_take(second);
    assert_int_equal(nd_antichain_items(nd_trace_snapshot_upper(snapshot))->epoch, 2);
    nd_trace_publisher_release(second);
    watched_add_these(&self, 1, &one, 0);
    assert_int_equal(count_references(&self), 2);
    nd_trace_snapshot_release(snapshot);
    assert_int_equal(count_references(&self), 1);
    watched_reader_end(&reader);
    watched_end(&self);
}

/* A merge that ends lets go of what it has merged, also where others only look. */
static void idle_work_is_published(void **state)
{
    (void)state;
    watched_trace self = watched_begin(1, shape, 1, 64);
    watched_reader reader = watched_reader_begin(&self);
    for (unsigned i = 0; i < 32; i++) {
        naive_update two[2] = {at_place(i, self.epoch, 1), at_place(i + 1, self.epoch, -1)};
        watched_add_these(&self, 1, two, 2);
    }
    nd_trace_publisher *const publisher = nd_trace_publish(self.trace);
    watched_hold(&reader, 32, 32);
    (void)watched_exert_all(&self, 1000);
    assert_int_equal(count_references(&self), 2);
    nd_trace_publisher_release(publisher);
    watched_reader_end(&reader);
    watched_end(&self);
}

static nd_err read_without_memory(void *arg)
{
    const nd_time time = {.epoch = 1};
    int64_t count = 0;
    const naive_update one = at_place(1, 0, 1);
    ND_TRY(nd_trace_snapshot_scan(arg, &time, add_count, &count));
    ND_TRY(nd_trace_snapshot_get(arg, naive_key(&one), &time, add_count, &count));
    return count == 5 ? ND_OK : ND_FAILED;
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    watched_trace self = watched_begin(1, shape, 1, 10);
    watched_reader reader = watched_reader_begin(&self);
    nd_trace_publisher *const publisher = nd_trace_publish(self.trace);
    for (unsigned i = 0; i < 2; i++) {
        naive_update two[2] = {at_place(1, i, 1), at_place(2 + i, i, i ? -1 : 2)};
        watched_add_these(&self, 1, two, 2);
    }
    nd_trace_snapshot *const snapshot = nd_trace_publisher_take(publisher);
    assert_int_equal(failing_memory_sweep(read_without_memory, snapshot), 2);
    nd_trace_snapshot_release(snapshot);
    nd_trace_publisher_release(publisher);
    watched_reader_end(&reader);
    watched_end(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_stays_readable),
        cmocka_unit_test(others_read_while_the_worker_goes_on),
        cmocka_unit_test(too_early_and_too_late_are_refused),
        cmocka_unit_test(a_reading_ends_when_it_is_told_to),
        cmocka_unit_test(too_large_counts_fail),
        cmocka_unit_test(a_trace_that_has_lost_something_covers_nothing),
        cmocka_unit_test(nobody_publishes_for_nobody),
        cmocka_unit_test(idle_work_is_published),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
