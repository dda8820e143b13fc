/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce for a key whose times are a chain, against the closure of times under joins: round by
 * round both must give the same corrections, for there is but one set of updates that adds up to
 * what is right at every time. */
#include "tests/support/cmocka.h"

#include "operators/differential/reduce_chain.h"
#include "runtime/base/random.h"
#include "tests/differential/reduce_rounds.h"
#include "tests/support/failing_memory.h"

enum { MOST_UPDATES = 40 /* of GIVEN_MOST */, MOST_TIMES = 12 };

/* --- Functions --- */

static void count(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    int64_t sum = 0;
    (void)context;
    for (size_t i = 0; i < len; i++)
        sum += input[i].count;
    if (len)
        nd_reduce_put(output, (uint32_t)(1000 + sum), 1);
}

static void least(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    size_t i = 0;
    while (i < len && input[i].count <= 0)
        i++;
    if (i < len)
        nd_reduce_put(output, input[i].value, 1);
}

/* All that is there, backwards, and its number. */
static void all(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    for (size_t i = len; i > 0; i--)
        nd_reduce_put(output, input[i - 1].value, input[i - 1].count);
    if (len > 1)
        nd_reduce_put(output, 3, (int64_t)len);
}

static const nd_reduce_function functions[] = {count, least, all};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

/* --- A key, twice --- */

/* What one of the two tactics has made of the key. */
typedef struct half {
    nd_reduce_tactic tactic;
    nd_vector output;  /* nd_edit */
    nd_vector pending; /* nd_time */
    nd_reduce_result result;
} half;

typedef struct both {
    half chain, plain;
    given_updates given;
    nd_vector input, batch; /* nd_edit */
    unsigned n_chains, n_others, n_kept;
} both;

static void init_half(half *one, nd_reduce_function function, bool is_plain)
{
    nd_reduce_tactic_init(&one->tactic, function, NULL);
    one->tactic.is_plain = is_plain;
    nd_vector_init(&one->output, sizeof(nd_edit));
    nd_vector_init(&one->pending, sizeof(nd_time));
}

static void deinit_half(half *one)
{
    nd_reduce_tactic_deinit(&one->tactic);
    nd_vector_deinit(&one->output);
    nd_vector_deinit(&one->pending);
}

static nd_reduce_round round_of(const both *key, const half *one, const nd_antichain *upper)
{
    return (nd_reduce_round){.input = key->input.items,
                             .n_input = key->input.len,
                             .output = one->output.items,
                             .n_output = one->output.len,
                             .batch = key->batch.items,
                             .n_batch = key->batch.len,
                             .pending = one->pending.items,
                             .n_pending = one->pending.len,
                             .upper = upper};
}

static void reduce_half(both *key, half *one, const nd_antichain *upper)
{
    const nd_reduce_round round = round_of(key, one, upper);
    assert_int_equal(nd_reduce_key(&one->tactic, &round, &one->result), ND_OK);
}

static void keep_half(half *one, const nd_antichain *upper)
{
    store_edits(&one->output, one->result.corrections, one->result.n_corrections, upper);
    nd_vector_clear(&one->pending);
    append_items(&one->pending, one->result.pending, one->result.n_pending);
}

/* Whether any two times are comparable. */
static bool are_comparable(const nd_vector *times)
{
    const nd_time *const all_times = times->items;
    for (size_t i = 0; i < times->len; i++)
        for (size_t k = 0; k < i; k++)
            if (!nd_time_less_equal(&all_times[i], &all_times[k]) &&
                !nd_time_less_equal(&all_times[k], &all_times[i]))
                return false;
    return true;
}

static void append_times(nd_vector *times, const nd_edit *edits, size_t len)
{
    for (size_t i = 0; i < len; i++)
        append_items(times, &edits[i].time, 1);
}

/* The decision, pair by pair. */
static void check_decision(both *key, const nd_antichain *upper)
{
    bool is_chain;
    nd_vector times;
    const nd_reduce_round round = round_of(key, &key->chain, upper);
    nd_vector_init(&times, sizeof(nd_time));
    append_times(&times, round.input, round.n_input);
    append_times(&times, round.output, round.n_output);
    append_times(&times, round.batch, round.n_batch);
    for (size_t i = 0; i < round.n_pending; i++)
        if (!nd_antichain_less_equal(upper, &round.pending[i]))
            append_items(&times, &round.pending[i], 1);
    assert_int_equal(nd_chain_discover(&key->chain.tactic, &round, &is_chain), ND_OK);
    assert_int_equal(is_chain, are_comparable(&times));
    key->n_chains += is_chain && key->batch.len != 0;
    key->n_others += !is_chain;
    key->n_kept += is_chain && key->chain.tactic.pending.len != 0;
    nd_vector_deinit(&times);
}

static void assert_same(const nd_reduce_result *a, const nd_reduce_result *b)
{
    assert_int_equal(a->n_corrections, b->n_corrections);
    for (size_t i = 0; i < a->n_corrections; i++) {
        const nd_edit *const x = &a->corrections[i], *const y = &b->corrections[i];
        assert_true(nd_time_equal(&x->time, &y->time));
        assert_int_equal(x->value, y->value);
        assert_int_equal(x->diff, y->diff);
    }
}

/* What is pending is later than the round, and in order. */
static void assert_pending_is_lawful(const nd_reduce_result *result, const nd_antichain *upper)
{
    for (size_t i = 0; i < result->n_pending; i++) {
        const nd_time *const time = &result->pending[i];
        assert_true(nd_antichain_less_equal(upper, time));
        assert_true(i == 0 || nd_time_compare(time - 1, time) < 0);
    }
}

static void retire(both *key, const nd_antichain *upper)
{
    given_take(&key->given, upper, &key->batch);
    nd_history_sort(key->batch.items, key->batch.len);
    check_decision(key, upper);
    reduce_half(key, &key->chain, upper);
    reduce_half(key, &key->plain, upper);
    assert_same(&key->chain.result, &key->plain.result);
    assert_pending_is_lawful(&key->chain.result, upper);
    keep_half(&key->chain, upper);
    keep_half(&key->plain, upper);
    store_edits(&key->input, key->batch.items, key->batch.len, upper);
}

/* --- Random runs --- */

static nd_time any_step(nd_random *random, unsigned n_coordinates)
{
    nd_time step = {.epoch = nd_random_below(random, 3)};
    for (unsigned k = 1; k < n_coordinates; k++)
        step.loop[k - 1] = (uint32_t)nd_random_below(random, 3);
    return step;
}

static nd_time plus(const nd_time *a, const nd_time *b)
{
    nd_time sum = {.epoch = a->epoch + b->epoch};
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        sum.loop[k] = a->loop[k] + b->loop[k];
    return sum;
}

/* At times of a chain, some of them beside it. */
static void add_updates(both *key, nd_random *random, unsigned n_coordinates, double stray)
{
    nd_time times[MOST_TIMES];
    const size_t n_times = 1 + nd_random_below(random, MOST_TIMES);
    for (size_t i = 0; i < n_times; i++) {
        const nd_time step = any_step(random, n_coordinates);
        times[i] = i == 0 ? step : plus(&times[i - 1], &step);
    }
    key->given.n = 1 + nd_random_below(random, MOST_UPDATES);
    for (size_t i = 0; i < key->given.n; i++) {
        static const int64_t diffs[] = {1, 1, -1, 2};
        nd_edit *const one = &key->given.items[i];
        *one =
            (nd_edit){(uint32_t)nd_random_below(random, 5), times[nd_random_below(random, n_times)],
                      diffs[nd_random_below(random, 4)]};
        if (i > 0 && nd_random_chance(random, 0.4)) {
            const nd_edit *const old = &key->given.items[nd_random_below(random, i)];
            one->value = old->value;
            one->diff = -old->diff;
        }
        if (nd_random_chance(random, stray)) {
            const nd_time step = any_step(random, n_coordinates);
            one->time = plus(&one->time, &step);
        }
    }
}

/* One time, or two if there are loops. */
static void move_frontier(nd_antichain *frontier, nd_random *random, unsigned n_coordinates)
{
    const nd_time old = nd_antichain_items(frontier)[0];
    nd_antichain later;
    nd_antichain_init(&later);
    for (uint64_t n = 1 + nd_random_below(random, 2); n > 0; n--) {
        const nd_time step = any_step(random, n_coordinates);
        nd_time time = plus(&old, &step);
        for (size_t i = 1; i < frontier->len; i++)
            time = nd_time_join(&time, &nd_antichain_items(frontier)[i]);
        assert_int_equal(nd_antichain_insert(&later, &time), ND_OK);
    }
    nd_antichain_deinit(frontier);
    *frontier = later;
}

/* As in a loop: epoch by epoch, round by round, while later epochs can come. */
static void walk_frontier(nd_antichain *frontier, nd_random *random)
{
    nd_time now = nd_antichain_items(frontier)[0];
    if (nd_random_chance(random, 0.3))
        now = (nd_time){.epoch = now.epoch + 1};
    else
        now.loop[0] += 1 + (uint32_t)nd_random_below(random, 3);
    const nd_time both_times[] = {now, {.epoch = now.epoch + 1}};
    assert_int_equal(nd_antichain_set(frontier, both_times, 2), ND_OK);
}

static void add_any_updates(both *key, nd_random *random)
{
    key->given.n = 1 + nd_random_below(random, MOST_UPDATES);
    for (size_t i = 0; i < key->given.n; i++)
        key->given.items[i] =
            (nd_edit){(uint32_t)nd_random_below(random, 3),
                      {nd_random_below(random, 4), {(uint32_t)nd_random_below(random, 7)}},
                      nd_random_chance(random, 0.5) ? 1 : -1};
}

static void run(uint64_t seed, unsigned n_coordinates, both *key)
{
    nd_random random;
    nd_antichain frontier;
    nd_random_init(&random, seed);
    const nd_reduce_function function = functions[nd_random_below(&random, N_FUNCTIONS)];
    init_half(&key->chain, function, false);
    init_half(&key->plain, function, true);
    nd_vector_init(&key->input, sizeof(nd_edit));
    nd_vector_init(&key->batch, sizeof(nd_edit));
    key->given = (given_updates){.n = 0};
    const bool is_loop = n_coordinates > 1 && nd_random_chance(&random, 0.5);
    if (is_loop)
        add_any_updates(key, &random);
    else
        add_updates(key, &random, n_coordinates, nd_random_chance(&random, 0.5) ? 0.1 : 0);
    nd_antichain_init(&frontier);
    assert_int_equal(nd_antichain_insert(&frontier, &(nd_time){0}), ND_OK);
    for (uint64_t n = nd_random_below(&random, is_loop ? 16 : 9); n > 0; n--) {
        if (is_loop)
            walk_frontier(&frontier, &random);
        else
            move_frontier(&frontier, &random, n_coordinates);
        retire(key, &frontier);
    }
    nd_antichain_deinit(&frontier);
    nd_antichain_init(&frontier);
    retire(key, &frontier);
    assert_int_equal(key->chain.pending.len, 0);
    nd_vector_deinit(&key->input);
    nd_vector_deinit(&key->batch);
    deinit_half(&key->chain);
    deinit_half(&key->plain);
}

static void a_chain_is_corrected_as_the_closure_would(void **state)
{
    (void)state;
    for (unsigned n_coordinates = 1; n_coordinates <= 3; n_coordinates++) {
        both key = {.n_chains = 0};
        for (uint64_t seed = 0; seed < 3000; seed++)
            run(seed, n_coordinates, &key);
        assert_true(key.n_chains > 1000);
        assert_true((key.n_others > 300) == (n_coordinates > 1));
        assert_true((key.n_kept > 300) == (n_coordinates > 1));
    }
}

/* --- By hand --- */

static void only_the_least_later_time_is_pending(void **state)
{
    (void)state;
    nd_antichain upper;
    nd_reduce_tactic tactic;
    nd_reduce_result result;
    const nd_edit stored[] = {{1, {1, {5}}, 1}, {2, {1, {7}}, 1}};
    const nd_edit batch[] = {{1, {1, {3}}, -1}};
    const nd_time waiting = {2, {0}};
    nd_antichain_init(&upper);
    assert_int_equal(nd_antichain_insert(&upper, &(nd_time){1, {4}}), ND_OK);
    assert_int_equal(nd_antichain_insert(&upper, &(nd_time){2, {0}}), ND_OK);
    nd_reduce_tactic_init(&tactic, count, NULL);
    const nd_reduce_round round = {.input = stored,
                                   .n_input = 2,
                                   .batch = batch,
                                   .n_batch = 1,
                                   .pending = &waiting,
                                   .n_pending = 1,
                                   .upper = &upper};
    assert_int_equal(nd_reduce_key(&tactic, &round, &result), ND_OK);
    assert_int_equal(result.n_pending, 2);
    assert_true(nd_time_equal(&result.pending[0], &(nd_time){1, {5}}));
    assert_true(nd_time_equal(&result.pending[1], &waiting));
    assert_int_equal(result.n_corrections, 1);
    nd_reduce_tactic_deinit(&tactic);
    nd_antichain_deinit(&upper);
}

/* The output is what the function makes of what is stored. */
static void an_output_may_be_unknown(void **state)
{
    (void)state;
    nd_antichain upper;
    nd_reduce_tactic tactic;
    nd_reduce_result result;
    const nd_edit stored[] = {{4, {3, {0}}, 1}, {6, {3, {0}}, 2}};
    const nd_edit batch[] = {{4, {3, {0}}, -1}, {2, {5, {0}}, 1}, {6, {5, {0}}, 1}};
    nd_antichain_init(&upper);
    nd_reduce_tactic_init(&tactic, least, NULL);
    const nd_reduce_round round = {.input = stored,
                                   .n_input = 2,
                                   .batch = batch,
                                   .n_batch = 3,
                                   .upper = &upper,
                                   .is_output_unknown = true};
    assert_int_equal(nd_reduce_key(&tactic, &round, &result), ND_OK);
    const nd_edit expected[] = {
        {4, {3, {0}}, -1}, {6, {3, {0}}, 1}, {2, {5, {0}}, 1}, {6, {5, {0}}, -1}};
    const nd_reduce_result all_of_them = {.corrections = expected, .n_corrections = 4};
    assert_same(&result, &all_of_them);
    nd_reduce_tactic_deinit(&tactic);
}

/* Adds up what the function is shown. */
static void add_len(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    *(size_t *)context += len;
    least(NULL, input, len, output);
}

/* Were each moment's input added up anew, this would take minutes. */
static void very_many_times_are_walked_once(void **state)
{
    (void)state;
    enum { N = 100000 };
    static nd_edit batch[2 * N];
    size_t n = 0, n_shown = 0;
    nd_reduce_tactic tactic;
    nd_reduce_result result;
    for (uint32_t i = 0; i < N; i++) {
        if (i > 1)
            batch[n++] = (nd_edit){i - 2, {.epoch = i}, -1};
        batch[n++] = (nd_edit){i, {.epoch = i}, 1};
    }
    nd_reduce_tactic_init(&tactic, add_len, &n_shown);
    assert_int_equal(reduce_batch(&tactic, batch, n, &result), ND_OK);
    assert_int_equal(n_shown, 2 * N - 1);
    assert_int_equal(result.n_corrections, 2 * (N - 1) - 1);
    nd_reduce_tactic_deinit(&tactic);
}

/* --- Failures --- */

static void counts_do_not_wrap_round(void **state)
{
    (void)state;
    nd_reduce_tactic tactic;
    nd_reduce_result result = {.n_corrections = 77};
    const nd_edit one_by_one[] = {{1, {0, {0}}, INT64_MAX}, {1, {1, {0}}, 1}};
    nd_edit many[12];
    for (uint32_t i = 0; i < 12; i++)
        many[i] = (nd_edit){i % 6, {.epoch = i / 6}, INT64_MAX};
    nd_reduce_tactic_init(&tactic, least, NULL);
    assert_int_equal(reduce_batch(&tactic, one_by_one, 2, &result), ND_FAILED);
    assert_int_equal(reduce_batch(&tactic, many, 12, &result), ND_FAILED);
    assert_int_equal(result.n_corrections, 77);
    assert_int_equal(reduce_batch(&tactic, many, 6, &result), ND_OK);
    nd_reduce_tactic_deinit(&tactic);
}

static nd_err attempt_a_round(void *arg)
{
    (void)arg;
    nd_edit batch[60];
    nd_reduce_tactic tactic;
    nd_reduce_result result = {.n_corrections = 77};
    for (uint32_t i = 0; i < 60; i++)
        batch[i] = (nd_edit){i % 20 * 3 + i / 20, {i / 20, {i / 20}}, 1};
    nd_reduce_tactic_init(&tactic, all, NULL);
    const nd_err err = reduce_batch(&tactic, batch, 60, &result);
    assert_true((err == ND_OK) == (result.n_corrections != 77));
    nd_reduce_tactic_deinit(&tactic);
    return err;
}

static void round_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(attempt_a_round, NULL) > 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_corrected_as_the_closure_would),
        cmocka_unit_test(only_the_least_later_time_is_pending),
        cmocka_unit_test(an_output_may_be_unknown),
        cmocka_unit_test(very_many_times_are_walked_once),
        cmocka_unit_test(counts_do_not_wrap_round),
        cmocka_unit_test(round_survives_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
