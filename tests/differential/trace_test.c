/* SPDX-License-Identifier: Apache-2.0 */
/* Traces against the list of everything that was ever added. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/trace.h"
#include "operators/differential/trace_cursor.h"
#include "tests/differential/naive_trace.h"

enum { EPOCHS = 60, MOST = 40 /* updates an epoch */, SIDE = 3 };

static const nd_trace_shape *const shape = &naive_shapes[0];

/* A trace, and all that was added to it. */
typedef struct history {
    nd_trace *trace;
    naive_update *all;
    size_t n;
    uint64_t begun; /* where the next batch begins */
} history;

static history begin(void)
{
    history made = {.trace = nd_trace_create(shape),
                    .all = calloc((size_t)EPOCHS * MOST, sizeof(naive_update))};
    assert_non_null(made.trace);
    assert_non_null(made.all);
    return made;
}

/* Adds what happens in an epoch; if nothing does, or all of it cancels, no batch. */
static void add(history *self, nd_random *random, uint64_t epoch, size_t len)
{
    naive_update *const fresh = self->all + self->n;
    for (size_t i = 0; i < len; i++) {
        fresh[i] = naive_any(random, shape, 2, SIDE);
        fresh[i].time.epoch = epoch;
    }
    len = naive_consolidate(fresh, len);
    self->n += len;
    if (len == 0) {
        nd_antichain upper = naive_frontier(&(nd_time){.epoch = epoch + 1}, 1);
        assert_int_equal(nd_trace_set_upper(self->trace, &upper), ND_OK);
        nd_antichain_deinit(&upper);
        return;
    }
    nd_trace_batch *const batch = naive_build(shape, fresh, len, self->begun, epoch + 1);
    assert_int_equal(nd_trace_insert(self->trace, batch), ND_OK);
    self->begun = epoch + 1;
}

static void hold(nd_trace_reader *reader, uint64_t since, uint64_t accepted)
{
    nd_antichain first = naive_frontier(&(nd_time){.epoch = since}, 1);
    nd_antichain second = naive_frontier(&(nd_time){.epoch = accepted}, 1);
    assert_int_equal(nd_trace_reader_set_since(reader, &first), ND_OK);
    assert_int_equal(nd_trace_reader_set_accepted(reader, &second), ND_OK);
    nd_antichain_deinit(&first);
    nd_antichain_deinit(&second);
}

/* --- Reading --- */

static bool is_same_frontier(nd_trace_times a, nd_trace_times b)
{
    return a.len == b.len && memcmp(a.items, b.items, a.len * sizeof *a.items) == 0;
}

static void release_all(nd_vector *batches)
{
    while (batches->len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(batches));
    nd_vector_deinit(batches);
}

/* All updates of the batches, which must follow each other; ended with free. */
static naive_update *read_all(const nd_vector *batches, size_t *len)
{
    naive_update *all = NULL;
    *len = 0;
    for (size_t i = 0; i < batches->len; i++) {
        size_t n;
        const nd_trace_batch *const batch = *(nd_trace_batch **)nd_vector_at(batches, i);
        if (i > 0)
            assert_true(is_same_frontier((*(nd_trace_batch **)nd_vector_at(batches, i - 1))->upper,
                                         batch->lower));
        naive_update *const some = naive_read(batch, &n);
        all = realloc(all, (*len + n + 1) * sizeof *all);
        assert_non_null(all);
        if (n)
            memcpy(all + *len, some, n * sizeof *some);
        *len += n;
        free(some);
    }
    return all;
}

/* Expects that what is there up to `through` (an epoch; 0: all) is what was added before it, as
 * seen at times from epoch `since` on. */
static void expect(const history *self, nd_random *random, uint64_t since, uint64_t through)
{
    size_t len, n_added = 0;
    nd_vector batches;
    nd_antichain limit = naive_frontier(&(nd_time){.epoch = through}, 1);
    nd_vector_init(&batches, sizeof(nd_trace_batch *));
    assert_int_equal(nd_trace_batches(self->trace, through ? &limit : NULL, &batches), ND_OK);
    naive_update *const all = read_all(&batches, &len);
    while (n_added < self->n && (!through || self->all[n_added].time.epoch < through))
        n_added++;
    for (unsigned i = 0; i < 20 && self->n; i++) {
        const naive_update *const record = &self->all[nd_random_below(random, self->n)];
        const nd_time asked = {.epoch = since + nd_random_below(random, 5),
                               .loop = {(uint32_t)nd_random_below(random, SIDE)}};
        assert_int_equal(naive_accumulate(all, len, record, &asked),
                         naive_accumulate(self->all, n_added, record, &asked));
    }
    free(all);
    release_all(&batches);
    nd_antichain_deinit(&limit);
}

static unsigned logarithm(uint64_t n)
{
    unsigned order = 0;
    while (n >> order > 1)
        order++;
    return order;
}

/* --- Tests --- */

/* Two readers that follow, each at its own pace. */
static void what_is_asked_about_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        nd_random random;
        nd_random_init(&random, seed);
        history self = begin();
        nd_trace_reader *const quick = nd_trace_reader_create(self.trace),
                               *const slow = nd_trace_reader_create(self.trace);
        uint64_t since[2] = {0, 0}, accepted[2] = {0, 0};
        const bool is_small = nd_random_below(&random, 2);
        for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
            bool has_more;
            add(&self, &random, epoch, nd_random_below(&random, is_small ? 3 : MOST));
            for (unsigned i = 0; i < 2; i++) {
                accepted[i] += nd_random_below(&random, epoch + 2 - accepted[i]);
                since[i] += nd_random_below(&random, accepted[i] + 1 - since[i]);
            }
            hold(quick, since[0], accepted[0]);
            hold(slow, since[1], accepted[1]);
            if (nd_random_below(&random, 4) == 0)
                assert_int_equal(
                    nd_trace_exert(self.trace, nd_random_below(&random, 50), &has_more), ND_OK);
            const uint64_t earliest = since[0] < since[1] ? since[0] : since[1];
            expect(&self, &random, earliest, 0);
            expect(&self, &random, earliest, accepted[0] ? accepted[0] : 1);
            expect(&self, &random, earliest, accepted[1] ? accepted[1] : 1);
        }
        nd_trace_reader_release(slow);
        nd_trace_reader_release(quick);
        nd_trace_release(self.trace);
        free(self.all);
    }
}

/* Batches of one update each, none of which cancels. */
static void batches_are_few(void **state)
{
    (void)state;
    enum { N = 5000 };
    nd_random random;
    nd_random_init(&random, 3);
    nd_trace *const trace = nd_trace_create(shape);
    nd_trace_reader *const reader = nd_trace_reader_create(trace);
    for (uint64_t epoch = 0; epoch < N; epoch++) {
        naive_update one = naive_any(&random, shape, 1, 1);
        one.time = (nd_time){.epoch = epoch};
        one.diff = 1;
        assert_int_equal(nd_trace_insert(trace, naive_build(shape, &one, 1, epoch, epoch + 1)),
                         ND_OK);
        hold(reader, 0, epoch + 1);
        assert_int_equal(nd_trace_len(trace), epoch + 1);
        assert_true(nd_trace_n_batches(trace) <= 2 * logarithm(epoch + 1) + 3);
    }
    nd_trace_reader_release(reader);
    nd_trace_release(trace);
}

/* A record comes and goes, again and again. */
static void what_cancels_takes_no_room(void **state)
{
    (void)state;
    enum { N = 20000 };
    nd_random random;
    nd_random_init(&random, 4);
    nd_trace *const trace = nd_trace_create(shape);
    nd_trace_reader *const reader = nd_trace_reader_create(trace);
    naive_update one = naive_any(&random, shape, 1, 1);
    uint64_t most = 0;
    size_t most_batches = 0;
    for (uint64_t epoch = 0; epoch < N; epoch++) {
        one.time = (nd_time){.epoch = epoch};
        one.diff = epoch % 2 == 0 ? 1 : -1;
        assert_int_equal(nd_trace_insert(trace, naive_build(shape, &one, 1, epoch, epoch + 1)),
                         ND_OK);
        hold(reader, epoch + 1, epoch + 1);
        most = nd_trace_len(trace) > most ? nd_trace_len(trace) : most;
        most_batches =
            nd_trace_n_batches(trace) > most_batches ? nd_trace_n_batches(trace) : most_batches;
    }
    assert_true(most <= 8);
    assert_true(most_batches <= 8);
    nd_trace_reader_release(reader);
    nd_trace_release(trace);
}

static void an_idle_trace_is_merged_to_its_end(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 5);
    history self = begin();
    nd_trace_reader *const reader = nd_trace_reader_create(self.trace);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++)
        add(&self, &random, epoch, 1 + nd_random_below(&random, MOST - 1));
    /* Nothing was accepted, so nothing could be merged. */
    assert_true(nd_trace_n_batches(self.trace) > EPOCHS / 2);
    hold(reader, EPOCHS, EPOCHS);
    bool has_more = true;
    for (unsigned i = 0; has_more; i++) {
        assert_in_range(i, 0, 10000);
        assert_int_equal(nd_trace_exert(self.trace, 10, &has_more), ND_OK);
    }
    assert_true(nd_trace_n_batches(self.trace) <= 6);
    expect(&self, &random, EPOCHS, 0);
    nd_trace_reader_release(reader);
    nd_trace_release(self.trace);
    free(self.all);
}

static void without_readers_nothing_is_kept(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 6);
    history self = begin();
    add(&self, &random, 0, 10);
    assert_int_equal(nd_trace_n_batches(self.trace), 0);
    assert_int_equal(nd_antichain_items(nd_trace_upper(self.trace))->epoch, 1);
    nd_trace_reader *const first = nd_trace_reader_create(self.trace);
    add(&self, &random, 1, 10);
    assert_int_equal(nd_trace_n_batches(self.trace), 1);
    nd_trace_reader_release(first);
    assert_int_equal(nd_trace_n_batches(self.trace), 0);
    nd_trace_reader *const reader = nd_trace_reader_create(self.trace);
    add(&self, &random, 2, 10);
    nd_trace_release(self.trace);
    assert_int_equal(nd_trace_n_batches(self.trace), 1); /* its reader keeps it */
    nd_trace_reader_release(reader);
    free(self.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_about_stays),
        cmocka_unit_test(batches_are_few),
        cmocka_unit_test(what_cancels_takes_no_room),
        cmocka_unit_test(an_idle_trace_is_merged_to_its_end),
        cmocka_unit_test(without_readers_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
