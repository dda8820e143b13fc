/* SPDX-License-Identifier: Apache-2.0 */
/* Traces against the list of everything that was ever added. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/trace.h"
#include "operators/differential/trace_cursor.h"
#include "tests/differential/naive_trace.h"
#include "tests/differential/watched_trace.h"
#include "tests/support/failing_memory.h"

static const nd_trace_shape *const shape = &naive_shapes[0];

static unsigned logarithm(uint64_t n)
{
    unsigned order = 0;
    while (n >> order > 1)
        order++;
    return order;
}

static size_t largest(size_t a, size_t b) { return a > b ? a : b; }

static naive_update record(unsigned char key, unsigned char value, uint64_t epoch, uint32_t loop,
                           int64_t diff)
{
    return (naive_update){.key = {key},
                          .key_size = 4,
                          .value = {value},
                          .value_size = 4,
                          .time = {epoch, {loop}},
                          .diff = diff};
}

/* --- What is read --- */

enum { READERS = 3, STEPS = 40, MOST = 40 /* updates a step */ };

static void step(watched_trace *self, watched_reader *readers, bool is_small)
{
    bool has_more;
    nd_random *const random = &self->random;
    watched_add(self, 1 + nd_random_below(random, 3), nd_random_below(random, is_small ? 3 : MOST));
    for (unsigned i = 0; i < READERS; i++)
        if (nd_random_below(random, 2))
            watched_move(self, &readers[i]);
    if (nd_random_below(random, 3) == 0)
        assert_int_equal(nd_trace_exert(self->trace, nd_random_below(random, 50), &has_more),
                         ND_OK);
    for (unsigned i = 0; i < READERS; i++) {
        const nd_time time = watched_time(self, &readers[i]);
        watched_expect(self, &time, 0);
        if (readers[i].accepted)
            watched_expect(self, &time, readers[i].accepted);
    }
}

/* Readers that follow, each at its own pace, and of times that are not in order. */
static void what_is_asked_about_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 90; seed++) {
        watched_reader readers[READERS];
        watched_trace self = watched_begin(seed, &naive_shapes[seed % NAIVE_N_SHAPES],
                                           1 + (unsigned)(seed % 3), (size_t)STEPS * MOST);
        for (unsigned i = 0; i < READERS; i++)
            readers[i] = watched_reader_begin(&self);
        const bool is_small = nd_random_below(&self.random, 2);
        for (unsigned i = 0; i < STEPS; i++)
            step(&self, readers, is_small);
        watched_exert_all(&self, 1 + nd_random_below(&self.random, 50));
        for (unsigned i = 0; i < READERS; i++) {
            const nd_time time = watched_time(&self, &readers[i]);
            watched_expect(&self, &time, 0);
            watched_reader_end(&readers[i]);
        }
        watched_end(&self);
    }
}

/* What was compacted for one reader is not there for the next, whatever it says. */
static void holds_only_move_on(void **state)
{
    (void)state;
    watched_trace self = watched_begin(2, shape, 1, 100);
    watched_reader first = watched_reader_begin(&self);
    nd_trace_publisher *const publisher = nd_trace_publish(self.trace);
    watched_add(&self, 1, 10);
    watched_hold(&first, 5, 5);
    watched_add(&self, 9, 10);
    watched_reader second = watched_reader_begin(&self);
    watched_hold(&second, 1, 1);
    watched_hold(&first, 3, 2);
    watched_add(&self, 1, 10);
    for (unsigned i = 0; i < 2; i++) {
        nd_trace_snapshot *const snapshot = nd_trace_publisher_take(publisher);
        const nd_antichain *const since = nd_trace_snapshot_since(snapshot);
        assert_int_equal(since->len, 1);
        assert_int_equal(nd_antichain_items(since)->epoch, i ? 6 : 5);
        nd_trace_snapshot_release(snapshot);
        watched_hold(&first, 7, 7);
        watched_hold(&second, 6, 6);
        watched_add(&self, 1, 10);
    }
    nd_trace_publisher_release(publisher);
    watched_reader_end(&first);
    watched_reader_end(&second);
    watched_end(&self);
}

/* --- How much is kept --- */

/* Batches of one update each, none of which cancels. */
static void batches_are_few(void **state)
{
    (void)state;
    enum { N = 5000 };
    watched_trace self = watched_begin(3, shape, 1, N);
    watched_reader reader = watched_reader_begin(&self);
    for (uint64_t epoch = 0; epoch < N; epoch++) {
        naive_update one = record(1, (unsigned char)nd_random_below(&self.random, 4), epoch, 0, 1);
        watched_add_these(&self, 1, &one, 1);
        watched_hold(&reader, 0, epoch + 1);
        assert_int_equal(nd_trace_len(self.trace), epoch + 1);
        assert_true(nd_trace_n_batches(self.trace) <= 2 * logarithm(epoch + 1) + 3);
    }
    watched_reader_end(&reader);
    watched_end(&self);
}

/* Each round takes back what one of the last rounds has added, and adds something. A quick reader
 * and one that follows a number of rounds behind; idle in between, or never. */
static void steady_rounds_take_no_room(bool is_idle_between)
{
    enum { N = 100000, BEHIND = 20 };
    nd_trace_figures most = {.n_batches = 0};
    watched_trace self = watched_begin(4, shape, 1, (size_t)3 * N);
    watched_reader quick = watched_reader_begin(&self), slow = watched_reader_begin(&self);
    nd_vector views;
    nd_vector_init(&views, sizeof(nd_trace_view));
    for (uint64_t epoch = 0; epoch < N; epoch++) {
        const unsigned char key = (unsigned char)(epoch % 8), other = (unsigned char)(epoch % 5);
        naive_update two[2] = {record(key, other, epoch, 0, 1),
                               record((unsigned char)((epoch - 8) % 8),
                                      (unsigned char)((epoch - 8) % 5), epoch, 0, -1)};
        watched_add_these(&self, 1, two, epoch < 8 ? 1 : 2);
        watched_hold(&quick, epoch + 1, epoch + 1);
        watched_hold(&slow, epoch < BEHIND ? 0 : epoch - BEHIND,
                     epoch < BEHIND ? 0 : epoch - BEHIND);
        assert_int_equal(nd_trace_views(self.trace, NULL, &views), ND_OK);
        while (views.len)
            nd_trace_view_release(nd_vector_pop(&views));
        if (is_idle_between)
            (void)watched_exert_all(&self, 1000);
        const nd_trace_figures now = nd_trace_measure(self.trace);
        most.n_batches = largest(most.n_batches, now.n_batches);
        most.n_times = largest(most.n_times, now.n_times);
        most.n_updates = largest(most.n_updates, now.n_updates);
        most.size = largest(most.size, now.size);
    }
    assert_in_range(most.n_batches, 1, BEHIND + 12);
    assert_in_range(most.n_times, 1, 3 * BEHIND);
    assert_in_range(most.n_updates, 8, 4 * BEHIND + 50);
    assert_in_range(most.size, 8, 12000);
    nd_vector_deinit(&views);
    watched_reader_end(&quick);
    watched_reader_end(&slow);
    watched_end(&self);
}

static void what_cancels_takes_no_room(void **state)
{
    (void)state;
    steady_rounds_take_no_room(false);
}

static void what_cancels_takes_no_room_with_idle_moments(void **state)
{
    (void)state;
    steady_rounds_take_no_room(true);
}

static void an_idle_trace_is_merged_to_its_end(void **state)
{
    (void)state;
    watched_trace self = watched_begin(5, shape, 2, (size_t)STEPS * MOST);
    watched_reader reader = watched_reader_begin(&self);
    for (unsigned i = 0; i < STEPS; i++)
        watched_add(&self, 1, 1 + nd_random_below(&self.random, MOST - 1));
    /* Nothing was accepted, so nothing could be merged. */
    assert_true(nd_trace_n_batches(self.trace) > STEPS / 2);
    assert_false(nd_trace_has_work(self.trace));
    watched_hold(&reader, self.epoch, self.epoch);
    assert_true(nd_trace_has_work(self.trace));
    assert_true(watched_exert_all(&self, 10) > 50); /* in pieces */
    assert_true(nd_trace_n_batches(self.trace) <= 3);
    const nd_time now = {.epoch = self.epoch};
    watched_expect(&self, &now, 0);
    watched_reader_end(&reader);
    watched_end(&self);
}

/* Adds n records of as many values in `n_in` batches, and takes them back in `n_out`, `n_epochs`
 * each. The reader has accepted all, and asks about the beginning. */
static void add_and_remove(watched_trace *self, watched_reader *reader, size_t n, size_t n_in,
                           size_t n_out, uint64_t n_epochs)
{
    naive_update *const some = calloc(n, sizeof *some);
    assert_non_null(some);
    for (unsigned is_out = 0; is_out < 2; is_out++) {
        const size_t len = n / (is_out ? n_out : n_in);
        for (size_t first = 0; first < n; first += len) {
            for (size_t i = 0; i < len; i++) {
                some[i] = record((unsigned char)((first + i) / 256), (unsigned char)(first + i),
                                 self->epoch + i % n_epochs, 0, is_out ? -1 : 1);
                some[i].key[1] = (unsigned char)((first + i) / 65536);
            }
            watched_add_these(self, n_epochs, some, len);
            watched_hold(reader, 0, self->epoch);
        }
    }
    free(some);
}

/* Whatever the batches, of what is gone nothing is left when the trace has been idle. */
static void an_idle_trace_gives_back_what_is_gone(void **state)
{
    (void)state;
    static const struct {
        size_t n_in, n_out;
        uint64_t n_epochs;
    } ways[] = {{1, 1, 1}, {1, 60, 1}, {60, 1, 1}, {8, 8, 1}, {60, 600, 3}, {1, 8, 100}};
    enum { N = 3600 };
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++)
        for (unsigned in_steps = 0; in_steps < 2; in_steps++) {
            watched_trace self = watched_begin(6, shape, 1, (size_t)2 * N);
            watched_reader reader = watched_reader_begin(&self);
            add_and_remove(&self, &reader, N, ways[i].n_in, ways[i].n_out, ways[i].n_epochs);
            (void)watched_exert_all(&self, 100);
            assert_int_equal(nd_trace_len(self.trace), 2 * N);
            if (in_steps) {
                watched_hold(&reader, self.epoch / 2, self.epoch);
                (void)watched_exert_all(&self, 100);
                watched_hold(&reader, self.epoch - 1, self.epoch);
                (void)watched_exert_all(&self, 100);
            }
            watched_hold(&reader, self.epoch, self.epoch);
            (void)watched_exert_all(&self, 100);
            assert_int_equal(nd_trace_len(self.trace), 0);
            assert_in_range(nd_trace_measure(self.trace).size, 1, 1000);
            watched_reader_end(&reader);
            watched_end(&self);
        }
}

/* Records that stay, each of its own epoch: what goes is times, which are most of it. */
static void times_that_are_one_take_no_room(void **state)
{
    (void)state;
    enum { N = 2000 };
    watched_trace self = watched_begin(7, shape, 1, N);
    watched_reader reader = watched_reader_begin(&self);
    naive_update *const some = calloc(N, sizeof *some);
    assert_non_null(some);
    for (size_t i = 0; i < N; i++)
        some[i] = record((unsigned char)(i / 256), (unsigned char)i, i, 0, 1);
    watched_add_these(&self, N, some, N);
    watched_hold(&reader, 0, N);
    assert_false(nd_trace_has_work(self.trace));
    const size_t before = nd_trace_measure(self.trace).size;
    watched_hold(&reader, N, N);
    assert_true(nd_trace_has_work(self.trace));
    (void)watched_exert_all(&self, 100);
    const nd_trace_figures after = nd_trace_measure(self.trace);
    assert_int_equal(after.n_times, 1);
    assert_int_equal(after.n_updates, N);
    assert_true(after.size < before / 3);
    free(some);
    watched_reader_end(&reader);
    watched_end(&self);
}

/* Every value has updates at many epochs, and in each epoch at another counter, so that none ever
 * cancels, while times become fewer with each epoch, a twentieth in all. */
static void nothing_is_rewritten_again_and_again(void **state)
{
    (void)state;
    enum { VALUES = 20, N = 128 };
    watched_trace self = watched_begin(8, shape, 2, (size_t)VALUES * N * 2);
    watched_reader reader = watched_reader_begin(&self);
    naive_update *const some = calloc((size_t)VALUES * N * 2, sizeof *some);
    assert_non_null(some);
    size_t n = 0;
    unsigned n_batches = 0;
    for (unsigned value = 0; value < VALUES; value++)
        for (uint64_t epoch = 0; epoch < N; epoch++)
            some[n++] =
                record(1, (unsigned char)value, epoch, (uint32_t)((epoch + value * 6) % N), 1);
    watched_add_these(&self, N, some, n);
    free(some);
    nd_trace_batch *last = watched_only_batch(&self);
    for (uint64_t epoch = 0; epoch <= N + 100; epoch++) {
        watched_hold(&reader, epoch, N);
        (void)watched_exert_all(&self, 1000);
        nd_trace_batch *const now = watched_only_batch(&self);
        n_batches += now != last;
        nd_trace_batch_release(last);
        last = now;
        /* All times are past: the progress of epochs makes no fewer of them. */
        watched_hold(&reader, epoch + 1, N);
        assert_true(epoch < N || !nd_trace_has_work(self.trace));
    }
    assert_int_equal(nd_trace_len(self.trace), n);
    assert_in_range(n_batches, 1, 2 * logarithm(VALUES) + 1);
    nd_trace_batch_release(last);
    watched_reader_end(&reader);
    watched_end(&self);
}

/* A batch at a time, with idle moments between: a large batch is left alone until what has come
 * since is a quarter of it. */
static void what_is_small_waits_for_more(void **state)
{
    (void)state;
    enum { LARGE = 4000, SMALL = 900 };
    watched_trace self = watched_begin(13, shape, 1, LARGE + SMALL);
    watched_reader reader = watched_reader_begin(&self);
    naive_update *const some = calloc(LARGE, sizeof *some);
    assert_non_null(some);
    for (size_t i = 0; i < LARGE; i++)
        some[i] = record((unsigned char)(i / 256), (unsigned char)i, 0, 0, 1);
    watched_add_these(&self, 1, some, LARGE);
    nd_trace_batch *const large = watched_only_batch(&self);
    for (size_t i = 0; i < SMALL; i++) {
        nd_vector batches;
        nd_vector_init(&batches, sizeof(nd_trace_batch *));
        watched_hold(&reader, self.epoch, self.epoch);
        some[0] = record(200, (unsigned char)i, self.epoch, 0, 1);
        watched_add_these(&self, 1, some, 1);
        watched_hold(&reader, self.epoch, self.epoch);
        (void)watched_exert_all(&self, 1000);
        assert_int_equal(nd_trace_batches(self.trace, NULL, &batches), ND_OK);
        assert_ptr_equal(*(nd_trace_batch **)nd_vector_at(&batches, 0), large);
        assert_in_range(batches.len, 2, 7);
        while (batches.len)
            nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&batches));
        nd_vector_deinit(&batches);
    }
    free(some);
    nd_trace_batch_release(large);
    watched_reader_end(&reader);
    watched_end(&self);
}

static void without_readers_nothing_is_kept(void **state)
{
    (void)state;
    watched_trace self = watched_begin(9, shape, 1, 100);
    watched_add(&self, 1, 10);
    assert_int_equal(nd_trace_n_batches(self.trace), 0);
    assert_int_equal(nd_antichain_items(nd_trace_upper(self.trace))->epoch, 1);
    watched_reader first = watched_reader_begin(&self);
    watched_add(&self, 1, 10);
    assert_int_equal(nd_trace_n_batches(self.trace), 1);
    watched_reader_end(&first);
    assert_int_equal(nd_trace_n_batches(self.trace), 0);
    watched_reader reader = watched_reader_begin(&self);
    watched_add(&self, 1, 10);
    nd_trace_release(self.trace);
    assert_int_equal(nd_trace_n_batches(self.trace), 1); /* its reader keeps it */
    self.trace = NULL;
    watched_reader_end(&reader);
    watched_end(&self);
}

static void what_nobody_asks_about_any_more_is_not_kept(void **state)
{
    (void)state;
    bool has_more;
    const nd_antichain no_more = {.len = 0};
    watched_trace self = watched_begin(10, shape, 1, 100);
    watched_reader one = watched_reader_begin(&self), other = watched_reader_begin(&self);
    watched_add(&self, 1, 10);
    assert_int_equal(nd_trace_reader_set_since(one.reader, &no_more), ND_OK);
    watched_add(&self, 1, 10);
    assert_int_equal(nd_trace_n_batches(self.trace), 2);
    const nd_time begin = {.epoch = 0};
    watched_expect(&self, &begin, 0);
    assert_int_equal(nd_trace_reader_set_since(other.reader, &no_more), ND_OK);
    assert_true(nd_trace_has_work(self.trace));
    assert_int_equal(nd_trace_exert(self.trace, 1, &has_more), ND_OK);
    assert_false(has_more);
    assert_int_equal(nd_trace_n_batches(self.trace), 0);
    watched_add(&self, 1, 10);
    assert_int_equal(nd_trace_n_batches(self.trace), 0);
    watched_reader_end(&one);
    watched_reader_end(&other);
    watched_end(&self);
}

/* --- Views --- */

/* The only view there is. */
static nd_trace_view only_view(watched_trace *self)
{
    nd_vector views;
    nd_vector_init(&views, sizeof(nd_trace_view));
    assert_int_equal(nd_trace_views(self->trace, NULL, &views), ND_OK);
    assert_int_equal(views.len, 1);
    const nd_trace_view view = *(nd_trace_view *)nd_vector_pop(&views);
    nd_vector_deinit(&views);
    return view;
}

static void expect_epochs(const nd_trace_view *view, uint64_t since)
{
    nd_trace_cursor cursor;
    nd_trace_cursor_init_view(&cursor, view);
    for (uint32_t i = 0; i < view->batch->times.len; i++) {
        const uint64_t epoch = view->batch->times.items[i].epoch;
        assert_int_equal(nd_trace_cursor_time(&cursor, i)->epoch, epoch < since ? since : epoch);
    }
}

/* A batch of many epochs, through which a reader goes. */
static void views_follow_readers_now_and_then(void **state)
{
    (void)state;
    enum { N = 1600 };
    unsigned n_advanced = 0;
    watched_trace self = watched_begin(11, shape, 1, N);
    watched_reader reader = watched_reader_begin(&self);
    naive_update *const some = calloc(N, sizeof *some);
    assert_non_null(some);
    for (size_t i = 0; i < N; i++)
        some[i] = record(1, (unsigned char)i, i, 0, 1);
    watched_add_these(&self, N, some, N);
    free(some);
    const nd_trace_view own = only_view(&self);
    nd_trace_view last = nd_trace_view_retain(&own);
    for (uint64_t since = 1; since <= N; since++) {
        watched_hold(&reader, since, 0);
        nd_trace_view view = only_view(&self);
        assert_ptr_equal(view.batch, own.batch);
        if (view.redirection != last.redirection)
            expect_epochs(&view, since);
        n_advanced += view.redirection != last.redirection;
        nd_trace_view_release(&last);
        last = view;
    }
    assert_in_range(n_advanced, N / 200, N / 80);
    expect_epochs(&own, 0);
    nd_trace_view_release(&last);
    last = own;
    nd_trace_view_release(&last);
    watched_reader_end(&reader);
    watched_end(&self);
}

/* At once, if it is the first time; and never, where it would not make them fewer. */
static void views_are_advanced_where_it_helps(void **state)
{
    (void)state;
    for (unsigned n_same = 0; n_same < 3; n_same++) {
        enum { N = 64 };
        naive_update some[N];
        watched_trace self = watched_begin(12, shape, 2, N);
        watched_reader reader = watched_reader_begin(&self);
        for (unsigned i = 0; i < N; i++) /* those below n_same have one counter */
            some[i] = record(1, (unsigned char)i, i, i < n_same ? 0 : i, 1);
        watched_add_these(&self, N, some, N);
        watched_hold(&reader, N, 0);
        nd_trace_view view = only_view(&self);
        assert_int_equal(view.redirection != NULL, n_same == 2);
        assert_int_equal(nd_trace_measure(self.trace).n_times, n_same == 2 ? N - 1 : N);
        nd_trace_view_release(&view);
        watched_reader_end(&reader);
        watched_end(&self);
    }
}

/* Counters become one too where no later epoch can come: its counters would begin at zero. */
static void views_of_the_last_epoch_lose_counters(void **state)
{
    (void)state;
    const nd_time sinces[2] = {{.epoch = 5, .loop = {3}}, {.epoch = 6, .loop = {0}}};
    for (unsigned n_epochs = 1; n_epochs <= 2; n_epochs++)
        for (uint64_t side = 1; side <= 2; side++) {
            naive_update some[4];
            watched_trace self = watched_begin(14, shape, 2, 4);
            watched_reader reader = watched_reader_begin(&self);
            nd_antichain since = naive_frontier(sinces, n_epochs);
            for (unsigned i = 0; i < 4; i++)
                some[i] = record(1, (unsigned char)i, i % side, i, 1);
            watched_add_these(&self, 4, some, 4);
            assert_int_equal(nd_trace_reader_set_since(reader.reader, &since), ND_OK);
            nd_trace_view view = only_view(&self);
            assert_int_equal(nd_trace_measure(self.trace).n_times, n_epochs == 1 ? 1 : 4);
            assert_int_equal(view.redirection != NULL, n_epochs == 1);
            nd_trace_view_release(&view);
            nd_antichain_deinit(&since);
            watched_reader_end(&reader);
            watched_end(&self);
        }
}

/* --- Without memory --- */

static nd_err add_one(nd_trace *trace, uint64_t epoch, const nd_antichain *begin, int64_t diff)
{
    nd_trace_batch *batch;
    nd_trace_builder builder;
    nd_antichain lower, upper;
    nd_antichain_init(&lower);
    nd_antichain_init(&upper);
    nd_trace_builder_init(&builder, shape);
    nd_err err = nd_antichain_insert(&lower, &(nd_time){.epoch = epoch});
    if (err == ND_OK)
        err = nd_antichain_insert(&upper, &(nd_time){.epoch = epoch + 2});
    for (uint64_t i = 0; err == ND_OK && i < 2; i++) {
        const naive_update update = record(1, (unsigned char)i, epoch + i, 0, diff);
        err = nd_trace_builder_push(&builder, naive_key(&update), naive_value(&update),
                                    &update.time, update.diff);
    }
    if (err == ND_OK)
        err = nd_trace_builder_seal(&builder, &lower, &upper, begin, &batch);
    nd_trace_builder_deinit(&builder);
    return err == ND_OK ? nd_trace_insert(trace, batch) : err;
}

static nd_err use_reader(nd_trace *trace, nd_trace_reader *reader)
{
    nd_antichain since;
    nd_vector views, batches;
    bool has_more = true;
    nd_antichain_init(&since);
    nd_vector_init(&views, sizeof(nd_trace_view));
    nd_vector_init(&batches, sizeof(nd_trace_batch *));
    nd_err err = ND_OK;
    for (uint32_t i = 0; err == ND_OK && i < 3; i++)
        err = nd_antichain_insert(&since, &(nd_time){4 + i, {2 - i}});
    if (err == ND_OK)
        err = nd_trace_reader_set_since(reader, &since);
    if (err == ND_OK)
        err = nd_trace_views(trace, NULL, &views);
    if (err == ND_OK)
        err = nd_trace_batches(trace, NULL, &batches);
    if (err == ND_OK)
        err = nd_trace_reader_set_accepted(reader, nd_trace_upper(trace));
    while (err == ND_OK && has_more)
        err = nd_trace_exert(trace, 3, &has_more);
    while (views.len)
        nd_trace_view_release(nd_vector_pop(&views));
    while (batches.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&batches));
    nd_vector_deinit(&views);
    nd_vector_deinit(&batches);
    nd_antichain_deinit(&since);
    return err;
}

static nd_err use_trace(void *arg)
{
    const nd_antichain *const begin = arg;
    nd_trace *const trace = nd_trace_create(shape);
    if (!trace)
        return ND_NOMEM;
    nd_trace_reader *const reader = nd_trace_reader_create(trace);
    nd_trace_publisher *const publisher = nd_trace_publish(trace);
    nd_err err = reader && publisher ? ND_OK : ND_NOMEM;
    for (uint64_t i = 0; err == ND_OK && i < 4; i++)
        err = add_one(trace, 2 * i, begin, i % 2 ? -1 : 1);
    if (err == ND_OK)
        err = use_reader(trace, reader);
    nd_trace_publisher_release(publisher);
    nd_trace_reader_release(reader);
    nd_trace_release(trace);
    return err;
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    nd_antichain begin = naive_frontier(&(nd_time){.epoch = 0}, 1);
    assert_true(failing_memory_sweep(use_trace, &begin) > 50);
    nd_antichain_deinit(&begin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_about_stays),
        cmocka_unit_test(holds_only_move_on),
        cmocka_unit_test(batches_are_few),
        cmocka_unit_test(what_cancels_takes_no_room),
        cmocka_unit_test(what_cancels_takes_no_room_with_idle_moments),
        cmocka_unit_test(an_idle_trace_is_merged_to_its_end),
        cmocka_unit_test(an_idle_trace_gives_back_what_is_gone),
        cmocka_unit_test(times_that_are_one_take_no_room),
        cmocka_unit_test(nothing_is_rewritten_again_and_again),
        cmocka_unit_test(what_is_small_waits_for_more),
        cmocka_unit_test(without_readers_nothing_is_kept),
        cmocka_unit_test(what_nobody_asks_about_any_more_is_not_kept),
        cmocka_unit_test(views_follow_readers_now_and_then),
        cmocka_unit_test(views_are_advanced_where_it_helps),
        cmocka_unit_test(views_of_the_last_epoch_lose_counters),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
