/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce for a key, round by round, with what is stored compacted after each; against the function
 * of all updates, as they were, at every time of a grid. */
#include "tests/support/cmocka.h"

#include "runtime/base/random.h"
#include "tests/differential/reduce_rounds.h"
#include "tests/support/failing_memory.h"

enum { MOST_SIDE = 6 };

/* --- Functions --- */

static int64_t total(const nd_tally *input, size_t len, bool is_weighted)
{
    int64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += input[i].count * (is_weighted ? (int64_t)input[i].value : 1);
    return sum;
}

/* How many there are. */
static void count(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    if (len)
        nd_reduce_put(output, (uint32_t)(1000 + total(input, len, false)), 1);
}

static void sum(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    if (len)
        nd_reduce_put(output, (uint32_t)(1000 + total(input, len, true)), 1);
}

static void least(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    if (len)
        nd_reduce_put(output, input[0].value, 1);
}

static void distinct(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        if (input[i].count > 0)
            nd_reduce_put(output, input[i].value, 1);
}

/* The greatest two, with their counts; greatest first. */
static void top_two(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    for (size_t i = len, n = 0; i > 0 && n < 2; i--)
        if (input[i - 1].count > 0) {
            nd_reduce_put(output, input[i - 1].value, input[i - 1].count);
            n++;
        }
}

static const nd_reduce_function functions[] = {count, sum, least, distinct, top_two};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

/* --- A key --- */

/* What becomes of a key's updates, given beforehand, as rounds retire. */
typedef struct one_key {
    nd_reduce_tactic tactic;
    given_updates given;
    nd_vector batch, input, output, all; /* nd_edit; all corrections there were */
    nd_vector pending;                   /* nd_time */
} one_key;

static void init_key(one_key *key, nd_reduce_function function, void *context)
{
    *key = (one_key){.given = {.n = 0}};
    nd_reduce_tactic_init(&key->tactic, function, context);
    nd_vector *const edits[] = {&key->batch, &key->input, &key->output, &key->all};
    for (size_t i = 0; i < 4; i++)
        nd_vector_init(edits[i], sizeof(nd_edit));
    nd_vector_init(&key->pending, sizeof(nd_time));
}

static void deinit_key(one_key *key)
{
    nd_reduce_tactic_deinit(&key->tactic);
    nd_vector *const vectors[] = {&key->batch, &key->input, &key->output, &key->all, &key->pending};
    for (size_t i = 0; i < 5; i++)
        nd_vector_deinit(vectors[i]);
}

static void add_update(one_key *key, uint32_t value, nd_time time, int64_t diff)
{
    assert_true(key->given.n < GIVEN_MOST);
    key->given.items[key->given.n++] = (nd_edit){value, time, diff};
}

static void take_batch(one_key *key, const nd_antichain *upper, bool is_consolidated)
{
    given_take(&key->given, upper, &key->batch);
    if (is_consolidated)
        assert_int_equal(nd_history_consolidate(key->batch.items, &key->batch.len), ND_OK);
    else
        nd_history_sort(key->batch.items, key->batch.len);
}

/* Whether a time of the batch, or a time that was pending, is at or before `time`; a pending one
 * that is not due counts for what remains pending. */
static bool has_cause(const one_key *key, const nd_antichain *upper, const nd_time *time)
{
    for (size_t i = 0; i < key->batch.len; i++)
        if (nd_time_less_equal(&((const nd_edit *)nd_vector_at(&key->batch, i))->time, time))
            return true;
    for (size_t i = 0; i < key->pending.len; i++) {
        const nd_time *const old = nd_vector_at(&key->pending, i);
        if (nd_antichain_less_equal(upper, old) ? nd_time_equal(old, time)
                                                : nd_time_less_equal(old, time))
            return true;
    }
    return false;
}

static void assert_lawful(const one_key *key, const nd_antichain *upper,
                          const nd_reduce_result *result)
{
    assert_true(nd_history_validate(result->corrections, result->n_corrections));
    for (size_t i = 0; i < result->n_corrections; i++) {
        assert_false(nd_antichain_less_equal(upper, &result->corrections[i].time));
        assert_true(has_cause(key, upper, &result->corrections[i].time));
    }
    for (size_t i = 0; i < result->n_pending; i++) {
        const nd_time *const time = &result->pending[i];
        assert_true(nd_antichain_less_equal(upper, time));
        assert_true(has_cause(key, upper, time));
        assert_true(i == 0 || nd_time_compare(time - 1, time) < 0);
    }
}

enum { ADDS_UP = 1, COMPACTS_INPUT = 2, COMPACTS_OUTPUT = 4, USUAL = 7 };

/* A round up to `upper`. */
static void retire(one_key *key, const nd_antichain *upper, unsigned ways)
{
    nd_reduce_result result;
    take_batch(key, upper, ways & ADDS_UP);
    const nd_reduce_round round = {
        key->input.items, key->output.items,  key->batch.items, key->input.len, key->output.len,
        key->batch.len,   key->pending.items, key->pending.len, upper,          false};
    assert_int_equal(nd_reduce_key(&key->tactic, &round, &result), ND_OK);
    assert_lawful(key, upper, &result);
    append_items(&key->all, result.corrections, result.n_corrections);
    store_edits(&key->input, key->batch.items, key->batch.len,
                ways & COMPACTS_INPUT ? upper : NULL);
    store_edits(&key->output, result.corrections, result.n_corrections,
                ways & COMPACTS_OUTPUT ? upper : NULL);
    nd_vector_clear(&key->pending);
    append_items(&key->pending, result.pending, result.n_pending);
}

/* The same, up to `n` times. */
static void retire_to(one_key *key, const nd_time *times, size_t n)
{
    nd_antichain upper;
    nd_antichain_init(&upper);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(nd_antichain_insert(&upper, &times[i]), ND_OK);
    retire(key, &upper, USUAL);
    nd_antichain_deinit(&upper);
}

/* --- The oracle --- */

/* Whether the corrections add up to the function of the updates, at `time`. */
static bool is_right_at(const one_key *key, const nd_time *time)
{
    nd_vector has, had;
    nd_reduce_output want = {.err = ND_OK};
    nd_vector_init(&has, sizeof(nd_tally));
    nd_vector_init(&had, sizeof(nd_tally));
    nd_vector_init(&want.counts, sizeof(nd_tally));
    assert_int_equal(nd_history_accumulate(key->given.items, key->given.n, time, &has), ND_OK);
    assert_int_equal(nd_history_accumulate(key->all.items, key->all.len, time, &had), ND_OK);
    key->tactic.function(key->tactic.context, has.items, has.len, &want);
    assert_int_equal(want.err, ND_OK);
    assert_int_equal(nd_tallies_consolidate(want.counts.items, &want.counts.len), ND_OK);
    bool is_right = want.counts.len == had.len;
    for (size_t i = 0; is_right && i < had.len; i++) {
        const nd_tally *const a = nd_vector_at(&want.counts, i), *const b = nd_vector_at(&had, i);
        is_right = a->value == b->value && a->count == b->count;
    }
    nd_vector_deinit(&has);
    nd_vector_deinit(&had);
    nd_vector_deinit(&want.counts);
    return is_right;
}

static nd_time point(unsigned i, unsigned side)
{
    return (nd_time){i % side, {i / side % side, i / side / side}};
}

static unsigned count_points(unsigned n_coordinates, unsigned side)
{
    return n_coordinates == 1 ? side : n_coordinates == 2 ? side * side : side * side * side;
}

static bool is_right(const one_key *key, unsigned n_coordinates, unsigned side)
{
    for (unsigned i = 0; i < count_points(n_coordinates, side); i++) {
        const nd_time time = point(i, side);
        if (!is_right_at(key, &time))
            return false;
    }
    return true;
}

/* --- Random runs --- */

static nd_time any_time(nd_random *random, unsigned n_coordinates, unsigned side)
{
    return point((unsigned)nd_random_below(random, count_points(n_coordinates, side)), side);
}

/* Some take back what others have given, elsewhere in time. */
static void add_any_updates(one_key *key, nd_random *random, unsigned n_coordinates, unsigned side)
{
    static const int64_t diffs[] = {1, 1, 1, -1, 2};
    const size_t n = 1 + nd_random_below(random, nd_random_chance(random, 0.5) ? 6 : 40);
    const uint64_t n_values = 1 + nd_random_below(random, 5);
    for (size_t i = 0; i < n; i++) {
        const nd_time time = any_time(random, n_coordinates, side);
        if (i > 0 && nd_random_chance(random, 0.4)) {
            const nd_edit *const old = &key->given.items[nd_random_below(random, i)];
            add_update(key, old->value, time, -old->diff);
        } else
            add_update(key, (uint32_t)nd_random_below(random, n_values), time,
                       diffs[nd_random_below(random, 5)]);
    }
}

/* A time at or after another: some way off, or next to it. */
static nd_time any_later(const nd_time *time, nd_random *random, unsigned n_coordinates,
                         unsigned side)
{
    nd_time later = any_time(random, n_coordinates, nd_random_chance(random, 0.5) ? 2 : side);
    if (nd_random_chance(random, 0.5))
        return nd_time_join(time, &later);
    later.epoch = time->epoch + later.epoch % 2;
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        later.loop[k] = time->loop[k] + later.loop[k] % 2;
    return later;
}

/* Each time of the frontier is replaced by one or two. */
static void move_frontier(nd_antichain *frontier, nd_random *random, unsigned n_coordinates,
                          unsigned side)
{
    nd_antichain later;
    nd_antichain_init(&later);
    for (size_t i = 0; i < frontier->len; i++)
        for (size_t n = 1 + nd_random_below(random, 2); n > 0; n--) {
            const nd_time time =
                any_later(&nd_antichain_items(frontier)[i], random, n_coordinates, side);
            assert_int_equal(nd_antichain_insert(&later, &time), ND_OK);
        }
    nd_antichain_deinit(frontier);
    *frontier = later;
}

/* Whether a random run is right. */
static bool run(uint64_t seed, unsigned n_coordinates, unsigned side, nd_reduce_function function,
                bool is_plain)
{
    one_key key;
    nd_random random;
    nd_antichain frontier;
    const nd_time start = {0};
    nd_random_init(&random, seed);
    init_key(&key, function, NULL);
    key.tactic.is_plain = is_plain;
    add_any_updates(&key, &random, n_coordinates, side);
    nd_antichain_init(&frontier);
    assert_int_equal(nd_antichain_insert(&frontier, &start), ND_OK);
    for (size_t n = nd_random_below(&random, 9); n > 0; n--) {
        move_frontier(&frontier, &random, n_coordinates, side);
        /* Mostly all is compacted. */
        const bool is_usual = nd_random_chance(&random, 0.7);
        retire(&key, &frontier, is_usual ? USUAL : (unsigned)nd_random_below(&random, USUAL));
        assert_true(n_coordinates > 1 || key.pending.len == 0);
    }
    nd_antichain_deinit(&frontier);
    retire_to(&key, NULL, 0);
    assert_int_equal(key.pending.len, 0);
    const bool was_right = is_right(&key, n_coordinates, side);
    deinit_key(&key);
    return was_right;
}

/* All that are wrong are counted, so that a defect shows how often it does. */
static void run_many(unsigned n_coordinates, unsigned n_runs)
{
    unsigned n_wrong = 0;
    for (unsigned seed = 0; seed < n_runs; seed++) {
        const unsigned f = seed % N_FUNCTIONS, side = 2 + seed / N_FUNCTIONS % 4;
        if (run(seed, n_coordinates, side, functions[f], false) &&
            run(seed, n_coordinates, side, functions[f], true))
            continue;
        if (n_wrong++ == 0)
            print_error("%u coordinates: seed %u is wrong, function %u, side %u\n", n_coordinates,
                        seed, f, side);
    }
    if (n_wrong)
        fail_msg("%u coordinates: %u of %u are wrong", n_coordinates, n_wrong, n_runs);
}

static void output_is_right_where_times_are_in_total_order(void **state)
{
    (void)state;
    run_many(1, 1000);
}

static void output_is_right_with_two_coordinates(void **state)
{
    (void)state;
    run_many(2, 5000);
}

static void output_is_right_with_three_coordinates(void **state)
{
    (void)state;
    run_many(3, 5000);
}

static void many_keys_are_right_in_one_round(void **state)
{
    (void)state;
    enum { N_KEYS = 12, N_UPDATES = 350 };
    static one_key keys[N_KEYS];
    nd_random random;
    nd_random_init(&random, 12);
    for (unsigned f = 0; f < 3; f++) {
        for (unsigned k = 0; k < N_KEYS; k++)
            init_key(&keys[k], functions[f], NULL);
        for (unsigned i = 0; i < N_UPDATES; i++) {
            one_key *const key = &keys[nd_random_below(&random, N_KEYS)];
            const uint32_t value = (uint32_t)nd_random_below(&random, 8);
            const nd_time time = any_time(&random, 2, MOST_SIDE);
            add_update(key, value, time, nd_random_chance(&random, 0.5) ? 1 : -1);
        }
        for (unsigned k = 0; k < N_KEYS; k++) {
            retire_to(&keys[k], NULL, 0);
            assert_true(is_right(&keys[k], 2, MOST_SIDE));
            deinit_key(&keys[k]);
        }
    }
}

/* --- By hand --- */

static void assert_pending(const one_key *key, const nd_time *times, size_t n)
{
    assert_int_equal(key->pending.len, n);
    for (size_t i = 0; i < n; i++)
        assert_true(nd_time_equal(nd_vector_at(&key->pending, i), &times[i]));
}

static void assert_edit(const nd_edit *edit, uint32_t value, nd_time time, int64_t diff)
{
    assert_int_equal(edit->value, value);
    assert_true(nd_time_equal(&edit->time, &time));
    assert_int_equal(edit->diff, diff);
}

/* The least value, as often as there are values. */
static void least_and_number(void *context, const nd_tally *input, size_t len,
                             nd_reduce_output *output)
{
    (void)context;
    if (len)
        nd_reduce_put(output, input[0].value, (int64_t)len);
}

static void values_are_shown_in_order(void **state)
{
    (void)state;
    one_key zero, one;
    init_key(&zero, least_and_number, NULL);
    init_key(&one, least_and_number, NULL);
    add_update(&zero, 0, (nd_time){0}, 1);
    add_update(&one, 2, (nd_time){0}, 1);
    add_update(&one, 1, (nd_time){0}, 1);
    retire_to(&zero, NULL, 0);
    retire_to(&one, NULL, 0);
    assert_int_equal(zero.all.len, 1);
    assert_edit(zero.all.items, 0, (nd_time){0}, 1);
    assert_int_equal(one.all.len, 1);
    assert_edit(one.all.items, 1, (nd_time){0}, 2);
    deinit_key(&zero);
    deinit_key(&one);
}

static void output_changes_where_no_input_does(void **state)
{
    (void)state;
    one_key key;
    const nd_time both = {1, {1}};
    init_key(&key, count, NULL);
    add_update(&key, 3, (nd_time){1, {0}}, 1);
    add_update(&key, 3, (nd_time){0, {1}}, -1);
    retire_to(&key, &both, 1);
    assert_int_equal(key.input.len, 0); /* nothing tells any more */
    assert_pending(&key, &both, 1);
    retire_to(&key, NULL, 0);
    assert_pending(&key, NULL, 0);
    assert_int_equal(key.all.len, 4);
    assert_edit(nd_vector_at(&key.all, 0), 999, (nd_time){0, {1}}, 1);
    assert_edit(nd_vector_at(&key.all, 1), 1001, (nd_time){1, {0}}, 1);
    assert_edit(nd_vector_at(&key.all, 2), 999, both, -1);
    assert_edit(nd_vector_at(&key.all, 3), 1001, both, -1);
    deinit_key(&key);
}

/* What is stored is neither complete nor after a seed, but its joins with the seeds count. */
static void stored_times_that_are_not_complete_are_joined(void **state)
{
    (void)state;
    one_key key;
    init_key(&key, count, NULL);
    add_update(&key, 3, (nd_time){4, {2, 0}}, 1);
    add_update(&key, 1, (nd_time){2, {2, 2}}, -1);
    add_update(&key, 1, (nd_time){1, {3, 1}}, 1);
    retire_to(&key, (const nd_time[]){{1, {2, 1}}}, 1);
    assert_int_equal(key.input.len, 1);
    assert_edit(key.input.items, 3, (nd_time){4, {2, 1}}, 1);
    retire_to(&key, (const nd_time[]){{1, {2, 3}}, {3, {2, 1}}}, 2);
    assert_pending(&key, (const nd_time[]){{4, {2, 2}}, {4, {3, 1}}, {4, {3, 2}}}, 3);
    retire_to(&key, NULL, 0);
    assert_true(is_right(&key, 3, MOST_SIDE));
    deinit_key(&key);
}

static void nothing_is_pending_without_incomparable_times(void **state)
{
    (void)state;
    one_key key;
    init_key(&key, count, NULL);
    for (uint32_t i = 0; i < 5; i++) {
        const nd_time next = {0, {0, i + 1}};
        add_update(&key, i, (nd_time){0, {0, i}}, 1);
        retire_to(&key, &next, 1);
        assert_pending(&key, NULL, 0);
    }
    /* Then a round in which nothing happens. */
    retire_to(&key, (const nd_time[]){{1, {0}}}, 1);
    assert_pending(&key, NULL, 0);
    assert_int_equal(key.all.len, 9);
    deinit_key(&key);
}

typedef struct call_counts {
    unsigned n, n_empty;
} call_counts;

static void count_calls(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    call_counts *const calls = context;
    calls->n++;
    calls->n_empty += len == 0;
    count(NULL, input, len, output);
}

static void function_sees_no_input_only_where_output_is_retracted(void **state)
{
    (void)state;
    one_key key;
    call_counts calls = {0};
    init_key(&key, count_calls, &calls);
    add_update(&key, 1, (nd_time){0}, 1);
    add_update(&key, 1, (nd_time){1, {0}}, -1);
    add_update(&key, 2, (nd_time){2, {0}}, 1);
    add_update(&key, 2, (nd_time){2, {0}}, -1);
    add_update(&key, 3, (nd_time){3, {0}}, 1);
    nd_antichain upper;
    nd_antichain_init(&upper);
    retire(&key, &upper, USUAL & ~(unsigned)ADDS_UP);
    assert_int_equal(calls.n, 3);
    assert_int_equal(calls.n_empty, 1);
    assert_true(is_right(&key, 1, MOST_SIDE));
    deinit_key(&key);
}

/* --- Failures --- */

/* The largest difference where there is one value, the least where there are two; fails for three.
 */
static void extreme(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    (void)input;
    if (len == 3)
        nd_reduce_fail(output, ND_INPUT);
    nd_reduce_put(output, 1, len == 1 ? INT64_MAX : INT64_MIN);
}

static void what_fails_in_a_round_fails_that_round_alone(void **state)
{
    (void)state;
    nd_reduce_tactic tactic;
    nd_reduce_result result = {.n_corrections = 77};
    const nd_edit apart[] = {{1, {0}, 1}, {2, {1, {0}}, 1}};
    const nd_edit many[] = {{1, {0}, INT64_MAX}, {1, {1, {0}}, INT64_MAX}};
    const nd_edit three[] = {{1, {0}, 1}, {2, {0}, 1}, {3, {0}, 1}};
    nd_reduce_tactic_init(&tactic, extreme, NULL);
    assert_int_equal(reduce_batch(&tactic, apart, 2, &result), ND_FAILED);
    assert_int_equal(reduce_batch(&tactic, many, 2, &result), ND_FAILED);
    assert_int_equal(reduce_batch(&tactic, three, 3, &result), ND_INPUT);
    assert_int_equal(result.n_corrections, 77);
    assert_int_equal(reduce_batch(&tactic, three, 2, &result), ND_OK);
    assert_int_equal(result.n_corrections, 1);
    assert_edit(result.corrections, 1, (nd_time){0}, INT64_MIN);
    nd_reduce_tactic_deinit(&tactic);
}

/* Enough of everything to make each vector grow once more. */
static size_t make_batch(nd_edit *batch)
{
    size_t n = 0;
    for (uint32_t i = 0; i < 12; i++)
        batch[n++] = (nd_edit){i, {i / 4, {3 - i / 4}}, 1};
    return n;
}

static nd_err attempt_a_round(void *arg)
{
    (void)arg;
    nd_edit batch[12];
    nd_reduce_tactic tactic;
    nd_reduce_result result = {.n_corrections = 77};
    nd_reduce_tactic_init(&tactic, distinct, NULL);
    const nd_err err = reduce_batch(&tactic, batch, make_batch(batch), &result);
    assert_true((err == ND_OK) == (result.n_corrections != 77));
    nd_reduce_tactic_deinit(&tactic);
    return err;
}

static void round_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(attempt_a_round, NULL) > 10);
}

static void second_round_allocates_nothing(void **state)
{
    (void)state;
    failing_memory memory;
    nd_edit batch[12];
    nd_reduce_tactic tactic;
    nd_reduce_result result;
    failing_memory_start(&memory, SIZE_MAX);
    nd_reduce_tactic_init(&tactic, distinct, NULL);
    const size_t n = make_batch(batch);
    assert_int_equal(reduce_batch(&tactic, batch, n, &result), ND_OK);
    memory.allowed = atomic_load(&memory.n_allocations);
    assert_int_equal(reduce_batch(&tactic, batch, n, &result), ND_OK);
    nd_reduce_tactic_deinit(&tactic);
    assert_false(failing_memory_stop(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_is_right_where_times_are_in_total_order),
        cmocka_unit_test(output_is_right_with_two_coordinates),
        cmocka_unit_test(output_is_right_with_three_coordinates),
        cmocka_unit_test(many_keys_are_right_in_one_round),
        cmocka_unit_test(values_are_shown_in_order),
        cmocka_unit_test(output_changes_where_no_input_does),
        cmocka_unit_test(stored_times_that_are_not_complete_are_joined),
        cmocka_unit_test(nothing_is_pending_without_incomparable_times),
        cmocka_unit_test(function_sees_no_input_only_where_output_is_retracted),
        cmocka_unit_test(what_fails_in_a_round_fails_that_round_alone),
        cmocka_unit_test(round_survives_failing_memory),
        cmocka_unit_test(second_round_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
