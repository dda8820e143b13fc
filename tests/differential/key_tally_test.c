/* SPDX-License-Identifier: Apache-2.0 */
/* What there is of a key at one time, against sums over all updates. */
#include "tests/support/cmocka.h"

#include <stdlib.h>

#include "operators/differential/key_tally.h"
#include "tests/differential/naive_trace.h"

enum { BATCHES = 5, MOST = 24, PARTS = ND_KEY_OUTPUT + 1 };

/* Batches of a few keys, and one of the keys. */
typedef struct situation {
    naive_update updates[BATCHES][MOST];
    size_t n_updates[BATCHES];
    nd_key_part parts[BATCHES];
    nd_time arrivals[BATCHES];
    nd_trace_batch *batches[BATCHES];
    naive_update key;
    nd_time due[2];
    size_t n_due;
    nd_antichain upper;
} situation;

static nd_time any_time(nd_random *random)
{
    return (nd_time){.epoch = nd_random_below(random, 3),
                     .loop = {(uint32_t)nd_random_below(random, 3)}};
}

/* All that is fresh or due mostly has one time. */
static void make(situation *self, nd_random *random)
{
    const nd_trace_shape *const shape = &naive_shapes[nd_random_below(random, NAIVE_N_SHAPES)];
    const nd_time moment = any_time(random), upper[] = {any_time(random), any_time(random)};
    const bool is_one = nd_random_below(random, 4) != 0;
    self->key = naive_any(random, shape, 2, 3);
    for (size_t i = 0; i < BATCHES; i++) {
        self->parts[i] = (nd_key_part)nd_random_below(random, PARTS);
        self->arrivals[i] = nd_random_below(random, 3) ? (nd_time){.epoch = 0} : moment;
        const bool is_fresh = self->parts[i] == ND_KEY_FRESH;
        const size_t n = nd_random_below(random, MOST);
        for (size_t k = 0; k < n; k++) {
            self->updates[i][k] = naive_any(random, shape, 2, 3);
            if (is_fresh && is_one)
                self->updates[i][k].time = moment;
        }
        self->n_updates[i] = naive_consolidate(self->updates[i], n);
        self->batches[i] = naive_build(shape, self->updates[i], self->n_updates[i], 0, 9);
    }
    self->n_due = nd_random_below(random, 3);
    for (size_t i = 0; i < self->n_due; i++)
        self->due[i] = is_one ? moment : any_time(random);
    self->upper = naive_frontier(upper, nd_random_below(random, 3));
}

static void end(situation *self)
{
    for (size_t i = 0; i < BATCHES; i++)
        nd_trace_batch_release(self->batches[i]);
    nd_antichain_deinit(&self->upper);
}

static bool is_of_key(const situation *self, const naive_update *update)
{
    return nd_trace_code_compare(naive_key(update), naive_key(&self->key)) == 0;
}

/* From the beginning of a batch, whatever keys it has. */
static nd_err add(nd_key_history *history, const nd_trace_batch *batch, nd_trace_code key,
                  nd_key_part part, const nd_time *arrival)
{
    nd_trace_seeker seeker;
    nd_trace_seeker_init_batch(&seeker, batch);
    if (part == ND_KEY_STORED)
        return nd_key_history_add_stored(history, &seeker, key);
    if (part == ND_KEY_OUTPUT)
        return nd_key_history_add_output(history, &seeker, key);
    (void)nd_trace_seek(&seeker, key);
    return nd_key_history_add_fresh(history, &seeker.cursor, key, arrival);
}

static nd_err gather(const situation *self, nd_key_history *history)
{
    for (size_t i = 0; i < BATCHES; i++)
        ND_TRY(add(history, self->batches[i], naive_key(&self->key), self->parts[i],
                   &self->arrivals[i]));
    return ND_OK;
}

/* --- The oracle --- */

/* The time of an update of the key in a batch. */
static nd_time time_of(const situation *self, size_t batch, size_t i)
{
    const nd_time *const time = &self->updates[batch][i].time;
    return self->parts[batch] == ND_KEY_FRESH ? nd_time_join(time, &self->arrivals[batch]) : *time;
}

static bool find_moment(const situation *self, nd_time *moment)
{
    nd_time times[BATCHES * MOST + 2];
    size_t n = 0;
    for (size_t i = 0; i < self->n_due; i++)
        times[n++] = self->due[i];
    for (size_t i = 0; i < BATCHES; i++)
        for (size_t k = 0; self->parts[i] == ND_KEY_FRESH && k < self->n_updates[i]; k++)
            if (is_of_key(self, &self->updates[i][k]))
                times[n++] = time_of(self, i, k);
    for (size_t i = 1; i < n; i++)
        if (!nd_time_equal(&times[i], &times[0]))
            return false;
    if (n)
        *moment = times[0];
    return n != 0;
}

/* The sum of a value in the parts from `first` to `last`. */
static int64_t sum_of(const situation *self, nd_trace_code value, const nd_time *moment,
                      nd_key_part first, nd_key_part last)
{
    int64_t sum = 0;
    for (size_t i = 0; i < BATCHES; i++)
        for (size_t k = 0; k < self->n_updates[i]; k++) {
            const naive_update *const update = &self->updates[i][k];
            const nd_time time = time_of(self, i, k);
            if (self->parts[i] >= first && self->parts[i] <= last && is_of_key(self, update) &&
                nd_trace_code_compare(naive_value(update), value) == 0 &&
                nd_time_less_equal(&time, moment))
                sum += update->diff;
        }
    return sum;
}

/* The minimal later times; false if one is complete. */
static bool find_later(const situation *self, const nd_time *moment, nd_antichain *later)
{
    bool are_open = !nd_antichain_less_equal(&self->upper, moment);
    for (size_t i = 0; i < BATCHES; i++)
        for (size_t k = 0; k < self->n_updates[i]; k++) {
            const nd_time time = time_of(self, i, k), join = nd_time_join(&time, moment);
            if (!is_of_key(self, &self->updates[i][k]) || nd_time_equal(&join, moment))
                continue;
            are_open = are_open && nd_antichain_less_equal(&self->upper, &join);
            assert_int_equal(nd_antichain_insert(later, &join), ND_OK);
        }
    return are_open;
}

/* --- Comparing --- */

/* Tallies say of each value, by number, what the sum over these parts is. */
static void expect_sums(const situation *self, const nd_vector *counts, const nd_vector *values,
                        const nd_time *moment, nd_key_part first, nd_key_part last)
{
    size_t next = 0;
    for (uint32_t i = 0; i < values->len; i++) {
        const nd_trace_code *const value = nd_vector_at(values, i);
        const int64_t sum = sum_of(self, *value, moment, first, last);
        assert_true(i == 0 || nd_trace_code_compare(value[-1], *value) < 0);
        if (sum == 0)
            continue;
        assert_true(next < counts->len);
        const nd_tally *const tally = nd_vector_at(counts, next++);
        assert_int_equal(tally->value, i);
        assert_int_equal(tally->count, sum);
    }
    assert_int_equal(next, counts->len);
}

/* All values of the key have numbers, or have been forgotten. */
static void expect_values(const situation *self, const nd_vector *values)
{
    for (size_t i = 0; i < BATCHES; i++)
        for (size_t k = 0; k < self->n_updates[i]; k++) {
            bool is_there = !is_of_key(self, &self->updates[i][k]);
            for (size_t v = 0; v < values->len; v++)
                is_there |= nd_trace_code_compare(*(nd_trace_code *)nd_vector_at(values, v),
                                                  naive_value(&self->updates[i][k])) == 0;
            assert_true(is_there);
        }
}

static void expect_later(const nd_antichain *found, const nd_antichain *wanted)
{
    assert_int_equal(found->len, wanted->len);
    for (size_t i = 0; i < found->len; i++)
        assert_true(nd_time_equal(&nd_antichain_items(found)[i], &nd_antichain_items(wanted)[i]));
}

enum outcome { MANY_MOMENTS, NOT_ENOUGH, ENOUGH, OUTCOMES };

static enum outcome compare(const situation *self, nd_key_history *history, nd_key_tally *tally)
{
    bool is_enough;
    nd_time wanted, moment;
    nd_antichain later;
    nd_key_history_clear(history);
    nd_key_tally_clear(tally);
    assert_int_equal(gather(self, history), ND_OK);
    const bool has_one = find_moment(self, &wanted);
    assert_int_equal(nd_key_tally_moment(history, self->due, self->n_due, &moment), has_one);
    if (!has_one)
        return MANY_MOMENTS;
    assert_true(nd_time_equal(&moment, &wanted));
    nd_antichain_init(&later);
    const bool are_open = find_later(self, &moment, &later);
    assert_int_equal(nd_key_tally_add(tally, history, &moment, &self->upper, &is_enough), ND_OK);
    assert_int_equal(is_enough, are_open);
    if (is_enough) {
        expect_values(self, &history->values);
        expect_sums(self, &tally->was, &history->values, &moment, ND_KEY_STORED, ND_KEY_STORED);
        expect_sums(self, &tally->has, &history->values, &moment, ND_KEY_STORED, ND_KEY_FRESH);
        expect_sums(self, &tally->had, &history->values, &moment, ND_KEY_OUTPUT, ND_KEY_OUTPUT);
        expect_later(&tally->later, &later);
    }
    nd_antichain_deinit(&later);
    return is_enough ? ENOUGH : NOT_ENOUGH;
}

static void sums_are_those_of_all_updates(void **state)
{
    (void)state;
    static situation now;
    nd_random random;
    nd_key_history history;
    nd_key_tally tally;
    unsigned n[OUTCOMES] = {0};
    nd_random_init(&random, 41);
    nd_key_history_init(&history);
    nd_key_tally_init(&tally);
    for (unsigned i = 0; i < 4000; i++) {
        make(&now, &random);
        n[compare(&now, &history, &tally)]++;
        end(&now);
    }
    for (unsigned i = 0; i < OUTCOMES; i++)
        assert_true(n[i] > 300);
    nd_key_tally_deinit(&tally);
    nd_key_history_deinit(&history);
}

/* --- What is not enough leaves everything for the history --- */

static void make_history(const situation *self, nd_key_history *history)
{
    nd_key_history_clear(history);
    assert_int_equal(gather(self, history), ND_OK);
}

static int compare_edits(const void *a, const void *b)
{
    const nd_edit *const x = a, *const y = b;
    const int order = nd_time_compare(&x->time, &y->time);
    if (order)
        return order;
    return x->value != y->value ? (x->value < y->value ? -1 : 1)
                                : (x->diff > y->diff) - (x->diff < y->diff);
}

/* They are in order of time; those of one value and time are in any. */
static void sort_edits(const nd_vector *edits)
{
    const nd_edit *const all = edits->items;
    for (size_t i = 1; i < edits->len; i++)
        assert_true(nd_time_compare(&all[i - 1].time, &all[i].time) <= 0);
    if (edits->len)
        qsort(edits->items, edits->len, sizeof(nd_edit), compare_edits);
}

static void expect_edits(const nd_vector *a, const nd_vector *b)
{
    sort_edits(a);
    sort_edits(b);
    assert_int_equal(a->len, b->len);
    for (size_t i = 0; i < a->len; i++) {
        const nd_edit *const x = nd_vector_at(a, i), *const y = nd_vector_at(b, i);
        assert_true(x->value == y->value && x->diff == y->diff &&
                    nd_time_equal(&x->time, &y->time));
    }
}

static void history_can_still_be_made_where_sums_are_not_enough(void **state)
{
    (void)state;
    static situation now;
    nd_random random;
    nd_key_history history, other;
    nd_key_tally tally;
    unsigned n_refused = 0;
    nd_random_init(&random, 42);
    nd_key_history_init(&history);
    nd_key_history_init(&other);
    nd_key_tally_init(&tally);
    for (unsigned i = 0; i < 1000; i++) {
        make(&now, &random);
        n_refused += compare(&now, &history, &tally) == NOT_ENOUGH;
        nd_key_history_rewind(&history);
        make_history(&now, &other);
        assert_int_equal(nd_key_history_make(&history), ND_OK);
        assert_int_equal(nd_key_history_make(&other), ND_OK);
        assert_int_equal(history.values.len, other.values.len);
        expect_edits(&history.stored, &other.stored);
        expect_edits(&history.fresh, &other.fresh);
        expect_edits(&history.output, &other.output);
        end(&now);
    }
    assert_true(n_refused > 50);
    nd_key_tally_deinit(&tally);
    nd_key_history_deinit(&other);
    nd_key_history_deinit(&history);
}

static void sums_do_not_wrap_round(void **state)
{
    (void)state;
    const nd_trace_shape *const shape = &naive_shapes[1];
    nd_random random;
    nd_key_history history;
    nd_key_tally tally;
    bool is_enough;
    nd_trace_batch *batches[2];
    nd_antichain upper;
    nd_random_init(&random, 43);
    nd_antichain_init(&upper);
    nd_key_history_init(&history);
    nd_key_tally_init(&tally);
    naive_update update = naive_any(&random, shape, 1, 1);
    for (size_t i = 0; i < 2; i++) {
        update.diff = i ? 1 : INT64_MAX;
        batches[i] = naive_build(shape, &update, 1, 0, 9);
        assert_int_equal(add(&history, batches[i], naive_key(&update),
                             i ? ND_KEY_FRESH : ND_KEY_STORED, &update.time),
                         ND_OK);
    }
    assert_int_equal(nd_key_tally_add(&tally, &history, &update.time, &upper, &is_enough),
                     ND_FAILED);
    for (size_t i = 0; i < 2; i++)
        nd_trace_batch_release(batches[i]);
    nd_key_tally_deinit(&tally);
    nd_key_history_deinit(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_all_updates),
        cmocka_unit_test(history_can_still_be_made_where_sums_are_not_enough),
        cmocka_unit_test(sums_do_not_wrap_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
