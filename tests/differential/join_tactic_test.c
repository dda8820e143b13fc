/* SPDX-License-Identifier: Apache-2.0 */
/* The join of one key. The oracle: at every time, how often a pair is there is the product of how
 * often its values are, each counted from the edits as they came. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/join_tactic.h"
#include "runtime/base/random.h"
#include "tests/support/failing_memory.h"

enum {
    SIDE = 5, /* of the grid of times, in each coordinate */
    POINTS = SIDE * SIDE * SIDE,
    VALUES = 8,
    MOST = 60,
    ROUNDS = 4000,
};

static const nd_time zero = {.epoch = 0};

/* --- What is emitted --- */

typedef struct sink {
    nd_vector results; /* nd_join_result */
    size_t n_products; /* all that came; beside the results when those are not kept */
    bool keeps;
} sink;

static nd_err take(void *context, const nd_join_result *results, size_t len)
{
    sink *const s = context;
    assert_true(len != 0 && len <= ND_JOIN_RESULTS);
    s->n_products += len;
    for (size_t i = 0; s->keeps && i < len; i++)
        *(nd_join_result *)nd_vector_push(&s->results) = results[i];
    return ND_OK;
}

static sink sink_of(bool keeps)
{
    sink s = {.keeps = keeps};
    nd_vector_init(&s.results, sizeof(nd_join_result));
    return s;
}

static void clear(sink *s)
{
    s->n_products = 0;
    nd_vector_clear(&s->results);
}

/* Runs to the end, `fuel` at a time. */
static void run(nd_join_tactic *tactic, size_t fuel, sink *s)
{
    for (bool is_finished = false; !is_finished;) {
        const size_t before = s->n_products;
        size_t left = fuel;
        assert_int_equal(nd_join_tactic_run(tactic, &left, take, s, &is_finished), ND_OK);
        assert_true(is_finished || left == 0);
        assert_true(left <= fuel && s->n_products - before <= fuel - left);
    }
}

/* --- The oracle --- */

/* By time: differences there, or what they add up to by then. */
typedef int64_t grid[POINTS];

static size_t place(const nd_time *time)
{
    assert_true(time->epoch < SIDE && time->loop[0] < SIDE && time->loop[1] < SIDE);
    return ((size_t)time->epoch * SIDE + time->loop[0]) * SIDE + time->loop[1];
}

static nd_time time_at(size_t place)
{
    const uint32_t loops = (uint32_t)(place % (SIDE * SIDE));
    return (nd_time){place / (SIDE * SIDE), {loops / SIDE, loops % SIDE}};
}

static void accumulate(int64_t *counts)
{
    for (size_t stride = 1; stride < POINTS; stride *= SIDE)
        for (size_t i = 0; i < POINTS; i++)
            if (i / stride % SIDE)
                counts[i] += counts[i - stride];
}

static void count(const nd_join_edits *edits, grid *counts)
{
    memset(counts, 0, VALUES * sizeof *counts);
    for (size_t i = 0; i < edits->len; i++)
        counts[edits->items[i].value][place(&edits->items[i].time)] += edits->items[i].diff;
    for (size_t v = 0; v < VALUES; v++)
        accumulate(counts[v]);
}

static void check_results(const nd_join_edits *inputs, const nd_time *meet, const sink *s,
                          uint64_t seed)
{
    static grid left[VALUES], right[VALUES], pairs[VALUES][VALUES];
    memset(pairs, 0, sizeof pairs);
    count(&inputs[0], left);
    count(&inputs[1], right);
    for (size_t i = 0; i < s->results.len; i++) {
        const nd_join_result *const result = nd_vector_at(&s->results, i);
        if (result->left >= VALUES || result->right >= VALUES ||
            !nd_time_less_equal(meet, &result->time))
            fail_msg("seed %llu: result %zu", (unsigned long long)seed, i);
        pairs[result->left][result->right][place(&result->time)] += result->diff;
    }
    for (size_t v = 0; v < VALUES; v++)
        for (size_t w = 0; w < VALUES; w++) {
            accumulate(pairs[v][w]);
            for (size_t i = 0; i < POINTS; i++) {
                const nd_time time = time_at(i);
                if (nd_time_less_equal(meet, &time) && pairs[v][w][i] != left[v][i] * right[w][i])
                    fail_msg("seed %llu: pair (%zu, %zu) at %zu: %lld for %lld times %lld",
                             (unsigned long long)seed, v, w, i, (long long)pairs[v][w][i],
                             (long long)left[v][i], (long long)right[w][i]);
            }
        }
}

/* --- Random histories --- */

typedef struct history {
    nd_edit items[2][MOST];
    nd_join_edits inputs[2];
    nd_join_input accumulated;
    nd_time meet;
} history;

static nd_time random_time(nd_random *random, unsigned n_coordinates)
{
    nd_time time = {.epoch = nd_random_below(random, SIDE)};
    for (unsigned k = 1; k < n_coordinates; k++)
        time.loop[k - 1] = (uint32_t)nd_random_below(random, SIDE);
    return time;
}

/* Often an earlier edit is taken back, then or later. */
static size_t random_edits(nd_random *random, unsigned n_coordinates, nd_edit *items)
{
    const size_t len = nd_random_below(random, nd_random_chance(random, 0.3) ? 13 : MOST + 1);
    const double cancels = nd_random_unit(random);
    const bool is_in_order = nd_random_chance(random, 0.3);
    for (size_t i = 0; i < len; i++) {
        const nd_time time = random_time(random, n_coordinates);
        const int64_t diff = (int64_t)nd_random_below(random, 3) + 1;
        items[i] = (nd_edit){(uint32_t)nd_random_below(random, VALUES), time, diff};
        if (is_in_order)
            items[i].time.epoch = i * SIDE / len;
        if (i && nd_random_chance(random, cancels)) {
            const nd_edit *const before = &items[nd_random_below(random, i)];
            items[i].value = before->value;
            items[i].diff = -before->diff;
            items[i].time = nd_time_join(&before->time, &time);
        }
    }
    return len;
}

/* With a meet, edits of the side that is not accumulated are often at or after it. */
static void random_history(uint64_t seed, history *h)
{
    nd_random random;
    nd_random_init(&random, seed);
    const unsigned n_coordinates = 1 + (unsigned)(seed % 3);
    for (unsigned i = 0; i < 2; i++) {
        h->inputs[i].len = random_edits(&random, n_coordinates, h->items[i]);
        h->inputs[i].items = h->inputs[i].len ? h->items[i] : NULL;
    }
    h->accumulated = nd_random_chance(&random, 0.5) ? ND_JOIN_LEFT : ND_JOIN_RIGHT;
    h->meet = zero;
    if (nd_random_chance(&random, 0.5))
        return;
    const nd_time some = random_time(&random, n_coordinates);
    const nd_time others = random_time(&random, n_coordinates);
    h->meet = nd_time_meet(&some, &others);
    if (nd_random_chance(&random, 0.3))
        return;
    const unsigned new = h->accumulated == ND_JOIN_LEFT ? 1 : 0;
    for (size_t i = 0; i < h->inputs[new].len; i++)
        h->items[new][i].time = nd_time_join(&h->items[new][i].time, &h->meet);
}

static void start(nd_join_tactic *tactic, const history *h)
{
    assert_int_equal(
        nd_join_tactic_start(tactic, h->inputs[0], h->inputs[1], h->accumulated, &h->meet), ND_OK);
}

static void pairs_are_there_as_often_as_both_of_their_values_at_every_time(void **state)
{
    (void)state;
    static history h;
    nd_join_tactic tactic;
    sink s = sink_of(true);
    size_t n_waves = 0, n_with_meet = 0;
    nd_join_tactic_init(&tactic);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        random_history(seed, &h);
        clear(&s);
        start(&tactic, &h);
        n_waves += tactic.is_wave;
        n_with_meet += tactic.is_wave && !nd_time_equal(&h.meet, &zero);
        run(&tactic, SIZE_MAX, &s);
        check_results(h.inputs, &h.meet, &s, seed);
    }
    assert_in_range(n_waves, ROUNDS / 4, ROUNDS * 3 / 4);
    assert_true(n_with_meet > ROUNDS / 20);
    nd_join_tactic_deinit(&tactic);
    nd_vector_deinit(&s.results);
}

/* All but padding. */
static bool are_same(const sink *a, const sink *b)
{
    if (a->results.len != b->results.len)
        return false;
    for (size_t i = 0; i < a->results.len; i++) {
        const nd_join_result *const x = nd_vector_at(&a->results, i);
        const nd_join_result *const y = nd_vector_at(&b->results, i);
        if (x->left != y->left || x->right != y->right || x->diff != y->diff ||
            !nd_time_equal(&x->time, &y->time))
            return false;
    }
    return true;
}

static void what_is_interrupted_emits_the_same(void **state)
{
    (void)state;
    static history h;
    nd_join_tactic tactic;
    sink whole = sink_of(true), pieces = sink_of(true);
    nd_join_tactic_init(&tactic);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        random_history(seed, &h);
        clear(&whole);
        start(&tactic, &h);
        run(&tactic, SIZE_MAX, &whole);
        for (size_t fuel = 1; fuel < whole.n_products + 2 * MOST; fuel += 1 + fuel / 4) {
            clear(&pieces);
            start(&tactic, &h);
            run(&tactic, fuel, &pieces);
            if (!are_same(&whole, &pieces))
                fail_msg("seed %llu, fuel %zu", (unsigned long long)seed, fuel);
        }
    }
    nd_join_tactic_deinit(&tactic);
    nd_vector_deinit(&whole.results);
    nd_vector_deinit(&pieces.results);
}

static void a_key_can_be_left_for_another(void **state)
{
    (void)state;
    static history h;
    nd_join_tactic tactic;
    sink s = sink_of(true);
    nd_join_tactic_init(&tactic);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        bool is_finished;
        size_t fuel = seed;
        random_history(seed, &h);
        start(&tactic, &h);
        assert_int_equal(nd_join_tactic_run(&tactic, &fuel, take, &s, &is_finished), ND_OK);
        random_history(seed + 1, &h);
        clear(&s);
        start(&tactic, &h);
        run(&tactic, SIZE_MAX, &s);
        check_results(h.inputs, &h.meet, &s, seed);
    }
    nd_join_tactic_deinit(&tactic);
    nd_vector_deinit(&s.results);
}

static void without_fuel_nothing_happens_and_an_edit_costs_some(void **state)
{
    (void)state;
    const nd_edit edit = {1, {2, {3}}, 4};
    const nd_join_edits one = {&edit, 1};
    nd_join_tactic tactic;
    sink s = sink_of(false);
    bool is_finished = false;
    size_t fuel = 0;
    nd_join_tactic_init(&tactic);
    assert_int_equal(nd_join_tactic_run(&tactic, &fuel, take, &s, &is_finished), ND_OK);
    assert_true(is_finished);
    assert_int_equal(nd_join_tactic_start(&tactic, one, one, ND_JOIN_LEFT, &zero), ND_OK);
    assert_int_equal(nd_join_tactic_run(&tactic, &fuel, take, &s, &is_finished), ND_OK);
    assert_false(is_finished);
    assert_int_equal(s.n_products, 0);
    fuel = 2;
    assert_int_equal(nd_join_tactic_run(&tactic, &fuel, take, &s, &is_finished), ND_OK);
    assert_true(is_finished);
    assert_int_equal(fuel, 0);
    assert_int_equal(s.n_products, 1);
    nd_join_tactic_deinit(&tactic);
}

/* --- Work --- */

/* Edits advanced to `meet` and added up, plainly. */
static size_t advanced(const nd_edit *edits, size_t len, const nd_time *meet, nd_edit *out)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < len; i++) {
        size_t k = 0;
        const nd_time time = nd_time_join(&edits[i].time, meet);
        while (k < n && (out[k].value != edits[i].value || !nd_time_equal(&out[k].time, &time)))
            k++;
        if (k == n)
            out[n++] = (nd_edit){edits[i].value, time, 0};
        out[k].diff += edits[i].diff;
    }
    for (size_t k = 0; k < n; k++)
        if (out[k].diff)
            out[kept++] = out[k];
    return kept;
}

/* How many edits of `others` those before `time` (or at it) amount to, for all edits of a side from
 * `time` on. */
static size_t n_to_meet(const nd_join_edits *side, const nd_join_edits *others, const nd_time *time,
                        bool or_at)
{
    nd_time meet = *time;
    nd_edit earlier[MOST], out[MOST];
    size_t n = 0;
    for (size_t i = 0; i < side->len; i++)
        if (nd_time_compare(&side->items[i].time, time) >= 0)
            meet = nd_time_meet(&meet, &side->items[i].time);
    for (size_t i = 0; i < others->len; i++)
        if (nd_time_compare(&others->items[i].time, time) < (or_at ? 1 : 0))
            earlier[n++] = others->items[i];
    return advanced(earlier, n, &meet, out);
}

static size_t expected_products(const history *h, bool *is_wave)
{
    nd_edit accumulated[MOST];
    nd_join_edits inputs[2] = {h->inputs[0], h->inputs[1]};
    nd_join_edits *const past = &inputs[h->accumulated == ND_JOIN_LEFT ? 0 : 1];
    size_t n = 0;
    past->len = advanced(past->items, past->len, &h->meet, accumulated);
    past->items = accumulated;
    *is_wave = inputs[0].len >= 10 && inputs[1].len >= 10;
    if (!*is_wave)
        return inputs[0].len * inputs[1].len;
    for (unsigned i = 0; i < 2; i++)
        for (size_t k = 0; k < inputs[i].len; k++)
            n += n_to_meet(&inputs[i], &inputs[1 - i], &inputs[i].items[k].time, i == 1);
    return n;
}

static void an_edit_meets_no_more_than_it_can_tell_apart(void **state)
{
    (void)state;
    static history h;
    nd_join_tactic tactic;
    sink s = sink_of(false);
    bool is_wave;
    nd_join_tactic_init(&tactic);
    for (uint64_t seed = 1; seed <= 500; seed++) {
        random_history(seed, &h);
        clear(&s);
        start(&tactic, &h);
        run(&tactic, SIZE_MAX, &s);
        const size_t expected = expected_products(&h, &is_wave);
        if (is_wave != tactic.is_wave || s.n_products != expected)
            fail_msg("seed %llu: %zu products, not %zu", (unsigned long long)seed, s.n_products,
                     expected);
    }
    nd_join_tactic_deinit(&tactic);
}

/* How often a key is there, seen as its value: each of `first`, first + 2, ... at that epoch, and
 * no more from the next one on. */
static nd_join_edits counts_of_every_other_epoch(uint32_t first, uint32_t n)
{
    nd_edit *const items = nd_alloc(n + 2, sizeof *items);
    assert_non_null(items);
    size_t len = 0;
    for (uint32_t i = first; i < n; i += 2) {
        items[len++] = (nd_edit){i, {i, {0}}, 1};
        items[len++] = (nd_edit){i, {i + 1, {0}}, -1};
    }
    return (nd_join_edits){items, len};
}

static int compare_results(const void *a, const void *b)
{
    const nd_join_result *const x = a, *const y = b;
    if (x->left != y->left)
        return (x->left > y->left) - (x->left < y->left);
    if (x->right != y->right)
        return (x->right > y->right) - (x->right < y->right);
    return nd_time_compare(&x->time, &y->time);
}

static void check_all_cancels(sink *s)
{
    const nd_join_result *const results = s->results.items;
    if (s->results.len)
        qsort(s->results.items, s->results.len, sizeof *results, compare_results);
    for (size_t i = 0; i < s->results.len;) {
        int64_t sum = 0;
        const nd_join_result *const first = &results[i];
        for (; i < s->results.len && compare_results(first, &results[i]) == 0; i++)
            sum += results[i].diff;
        assert_int_equal(sum, 0);
    }
}

static void odd_and_even_counts_never_meet(void **state)
{
    (void)state;
    nd_join_tactic tactic;
    sink s = sink_of(true);
    nd_join_tactic_init(&tactic);
    for (uint32_t n = 100; n <= 100 * 1000; n *= 10)
        for (uint32_t first = 0; first < 2; first++) {
            const nd_join_edits left = counts_of_every_other_epoch(first, n);
            const nd_join_edits right = counts_of_every_other_epoch(1 - first, n);
            clear(&s);
            assert_int_equal(nd_join_tactic_start(&tactic, left, right, ND_JOIN_RIGHT, &zero),
                             ND_OK);
            run(&tactic, SIZE_MAX, &s);
            check_all_cancels(&s);
            assert_in_range(s.n_products, 1, 2 * (size_t)n);
            nd_free((void *)(uintptr_t)left.items);
            nd_free((void *)(uintptr_t)right.items);
        }
    nd_join_tactic_deinit(&tactic);
    nd_vector_deinit(&s.results);
}

/* How many products it takes to join a history in which one value comes and goes with itself. */
static size_t products_of_coming_and_going(nd_join_tactic *tactic, bool has_loop, nd_time meet)
{
    enum { N = 400 };
    nd_edit items[N];
    sink s = sink_of(false);
    for (uint32_t i = 0; i < N; i++)
        items[i] = (nd_edit){7, {i, {has_loop ? i / 2 : 0}}, i % 2 ? -1 : 1};
    const nd_join_edits edits = {items, N};
    assert_int_equal(nd_join_tactic_start(tactic, edits, edits, ND_JOIN_LEFT, &meet), ND_OK);
    run(tactic, SIZE_MAX, &s);
    return s.n_products;
}

static void histories_that_come_and_go_cost_their_length(void **state)
{
    (void)state;
    nd_join_tactic tactic;
    nd_join_tactic_init(&tactic);
    assert_in_range(products_of_coming_and_going(&tactic, false, zero), 400, 410);
    assert_in_range(products_of_coming_and_going(&tactic, true, zero), 400, 410);
    /* The accumulated side is nothing but its end. */
    assert_int_equal(products_of_coming_and_going(&tactic, false, (nd_time){400, {0}}), 0);
    assert_int_equal(products_of_coming_and_going(&tactic, false, (nd_time){398, {0}}), 2 * 400);
    nd_join_tactic_deinit(&tactic);
}

/* --- What can fail --- */

/* Edits of distinct values at epochs that rise. */
static nd_join_edits rising(nd_edit *items, size_t len, int64_t diff)
{
    for (size_t i = 0; i < len; i++)
        items[i] = (nd_edit){(uint32_t)i, {i, {0}}, diff};
    return (nd_join_edits){items, len};
}

static void too_large_differences_fail(void **state)
{
    (void)state;
    nd_join_tactic tactic;
    sink s = sink_of(false);
    nd_edit left[20], right[20];
    nd_join_tactic_init(&tactic);
    for (size_t len = 2; len <= 20; len += 18) { /* all pairs, and the wave */
        for (int64_t times = 1; times <= 2; times++) {
            const nd_join_edits a = rising(left, len, INT64_MAX), b = rising(right, len, times);
            size_t fuel = SIZE_MAX;
            bool is_finished = false;
            assert_int_equal(nd_join_tactic_start(&tactic, a, b, ND_JOIN_LEFT, &zero), ND_OK);
            assert_int_equal(nd_join_tactic_run(&tactic, &fuel, take, &s, &is_finished),
                             times == 1 ? ND_OK : ND_FAILED);
            assert_int_equal(is_finished, times == 1);
        }
    }
    nd_join_tactic_deinit(&tactic);
}

static void too_large_sums_fail(void **state)
{
    (void)state;
    nd_join_tactic tactic;
    sink s = sink_of(false);
    bool is_finished = false;
    size_t fuel = SIZE_MAX;
    nd_edit left[20], right[20];
    nd_join_tactic_init(&tactic);
    const nd_join_edits a = rising(left, 20, INT64_MAX), b = rising(right, 20, 1);
    left[1].value = left[0].value;
    const nd_time meet = {1, {0}};
    assert_int_equal(nd_join_tactic_start(&tactic, a, b, ND_JOIN_LEFT, &meet), ND_FAILED);
    assert_int_equal(nd_join_tactic_run(&tactic, &fuel, take, &s, &is_finished), ND_OK);
    assert_true(is_finished);
    assert_int_equal(s.n_products, 0);
    assert_int_equal(nd_join_tactic_start(&tactic, a, b, ND_JOIN_LEFT, &zero), ND_OK);
    assert_int_equal(nd_join_tactic_run(&tactic, &fuel, take, &s, &is_finished), ND_FAILED);
    nd_join_tactic_deinit(&tactic);
}

/* Refuses the first results, and no others. */
static nd_err refuse(void *context, const nd_join_result *results, size_t len)
{
    unsigned *const n_calls = context;
    assert_true(results != NULL && len != 0);
    return ++*n_calls == 1 ? ND_CLOSED : ND_OK;
}

static void what_the_receiver_says_is_handed_on(void **state)
{
    (void)state;
    nd_join_tactic tactic;
    nd_edit items[40];
    nd_join_tactic_init(&tactic);
    for (size_t len = 1; len <= 40; len += 39) { /* with the last results, and before */
        const nd_join_edits edits = rising(items, len, 1);
        size_t fuel = SIZE_MAX;
        unsigned n_calls = 0;
        bool is_finished = false;
        assert_int_equal(nd_join_tactic_start(&tactic, edits, edits, ND_JOIN_LEFT, &zero), ND_OK);
        assert_int_equal(nd_join_tactic_run(&tactic, &fuel, refuse, &n_calls, &is_finished),
                         ND_CLOSED);
        assert_int_equal(n_calls, 1);
        assert_false(is_finished);
    }
    nd_join_tactic_deinit(&tactic);
}

static nd_err join_without_memory(void *arg)
{
    const history *const h = arg;
    nd_join_tactic tactic;
    sink s = sink_of(false);
    nd_join_tactic_init(&tactic);
    const nd_err err =
        nd_join_tactic_start(&tactic, h->inputs[0], h->inputs[1], h->accumulated, &h->meet);
    run(&tactic, SIZE_MAX, &s); /* after a failure: nothing */
    assert_true(err == ND_OK || s.n_products == 0);
    nd_join_tactic_deinit(&tactic);
    return err;
}

static void without_memory_it_fails_cleanly(void **state)
{
    (void)state;
    static history h;
    size_t n_waves = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        random_history(seed, &h);
        if (h.inputs[0].len && h.inputs[1].len)
            n_waves += failing_memory_sweep(join_without_memory, &h) == 5;
    }
    assert_true(n_waves != 0);
}

static void the_second_time_nothing_is_allocated(void **state)
{
    (void)state;
    static history h;
    failing_memory memory;
    nd_join_tactic tactic;
    sink s = sink_of(false);
    failing_memory_start(&memory, SIZE_MAX);
    nd_join_tactic_init(&tactic);
    size_t n_allocations = 0;
    for (unsigned repeat = 0; repeat < 2; repeat++) {
        for (uint64_t seed = 1; seed <= 50; seed++) {
            random_history(seed, &h);
            start(&tactic, &h);
            run(&tactic, 100, &s);
        }
        if (repeat)
            assert_int_equal(memory.n_allocations, n_allocations);
        n_allocations = memory.n_allocations;
    }
    nd_join_tactic_deinit(&tactic);
    assert_false(failing_memory_stop(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_there_as_often_as_both_of_their_values_at_every_time),
        cmocka_unit_test(what_is_interrupted_emits_the_same),
        cmocka_unit_test(a_key_can_be_left_for_another),
        cmocka_unit_test(without_fuel_nothing_happens_and_an_edit_costs_some),
        cmocka_unit_test(an_edit_meets_no_more_than_it_can_tell_apart),
        cmocka_unit_test(odd_and_even_counts_never_meet),
        cmocka_unit_test(histories_that_come_and_go_cost_their_length),
        cmocka_unit_test(too_large_differences_fail),
        cmocka_unit_test(too_large_sums_fail),
        cmocka_unit_test(what_the_receiver_says_is_handed_on),
        cmocka_unit_test(without_memory_it_fails_cleanly),
        cmocka_unit_test(the_second_time_nothing_is_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
