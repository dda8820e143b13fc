/* SPDX-License-Identifier: Apache-2.0 */
/* Counts, sums, distinct, min and max have a way of their own outside of loops, or where times are
 * a chain. Here each is set against what the closure of times makes of a function of all records:
 * together they must cancel, on random changes, at every time, under the simulator. Then sums, by
 * hand. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/plainly.h"
#include "tests/differential/query_run.h"
#include "tests/support/simulated.h"

/* --- Records --- */

typedef struct item {
    int64_t key;
    int32_t a;
    uint16_t b;
    uint16_t c;
} item;
static const nd_type item_type =
    ND_TYPE(item, 1, ND_FIELD(item, key), ND_FIELD(item, a), ND_FIELD(item, b), ND_FIELD(item, c));

typedef struct item_count {
    int64_t key;
    int64_t n;
} item_count;
static const nd_type item_count_type =
    ND_TYPE(item_count, 1, ND_FIELD(item_count, key), ND_FIELD(item_count, n));

typedef struct item_sums {
    int64_t key;
    int64_t a, b, c;
} item_sums;
static const nd_type item_sums_type =
    ND_TYPE(item_sums, 1, ND_FIELD(item_sums, key), ND_FIELD(item_sums, a), ND_FIELD(item_sums, b),
            ND_FIELD(item_sums, c));

/* Its codes are short numbers. */
typedef struct pair {
    uint32_t key;
    int32_t value;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

typedef struct word {
    nd_bytes text;
    int64_t n;
} word;
static const nd_type word_type = ND_TYPE(word, 1, ND_FIELD(word, text), ND_FIELD(word, n));

/* With zero bytes, which codes must escape. */
static const char *const texts[] = {"", "a", "x\0", "a\0b", "bb"};
static const size_t text_sizes[] = {0, 1, 2, 3, 2};

/* --- The two ways --- */

enum { ITEMS, PAIRS, WORDS, N_INPUTS, MOST_WORKERS = 4, MOST_CHANGES = 150 };

typedef struct change {
    unsigned worker, input, number;
    uint64_t epoch;
    int64_t diff;
} change;

typedef struct contest {
    bool is_in_loop;
    unsigned n_workers, n_changes, n_epochs;
    change changes[MOST_CHANGES];
    unsigned n_fed[MOST_WORKERS];
    nd_input *inputs[MOST_WORKERS][N_INPUTS];
    size_t n_shown, n_differences;
} contest;

static void note_shown(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    (void)type, (void)updates;
    *(size_t *)user += len;
}

/* Shows where the two are not the same. */
static void set_against(contest *self, nd_collection fast, nd_collection plain)
{
    fast = nd_collection_inspect(fast, note_shown, (nd_user){&self->n_shown, NULL});
    const nd_collection both = nd_collection_concat(fast, nd_collection_negate(plain));
    nd_collection_inspect(nd_consolidate(both), note_shown, (nd_user){&self->n_differences, NULL});
}

static void set_all_against(contest *self, const nd_collection *in)
{
    static const nd_type *const sum_types[] = {&item_sums_type, &pair_type, &word_type};
    static const nd_type *const count_types[] = {&item_count_type, &pair_type, &word_type};
    for (unsigned i = 0; i < N_INPUTS; i++) {
        set_against(self, nd_sum(in[i], sum_types[i]), nd_sum_plainly(in[i], sum_types[i]));
        set_against(self, nd_count(in[i], count_types[i]), nd_count_plainly(in[i], count_types[i]));
        set_against(self, nd_distinct(in[i]), nd_distinct_plainly(in[i]));
        set_against(self, nd_min(in[i]), nd_min_plainly(in[i]));
        set_against(self, nd_max(nd_arrange(in[i])), nd_max_plainly(in[i]));
    }
}

/* Each record enters in a round of its own. */
static void any_round(void *user, const void *records, size_t len, uint32_t *rounds)
{
    const size_t size = ((const nd_type *)user)->size;
    for (size_t i = 0; i < len; i++) {
        const unsigned char *const record = (const unsigned char *)records + i * size;
        rounds[i] = record[size - 8] % 5u;
    }
}

static nd_err build(nd_worker *worker, void *arg)
{
    contest *const self = arg;
    static nd_type types[N_INPUTS];
    nd_collection in[N_INPUTS];
    nd_dataflow *const flow = nd_dataflow_new(worker, "contest");
    types[ITEMS] = item_type;
    types[PAIRS] = pair_type;
    types[WORDS] = word_type;
    nd_scope *const loop = self->is_in_loop ? nd_loop_new(nd_root(flow), "loop") : NULL;
    for (unsigned i = 0; i < N_INPUTS; i++) {
        in[i] = nd_collection_input_new(flow, &types[i], &self->inputs[nd_worker_index(worker)][i]);
        if (loop)
            in[i] = nd_collection_enter_at(loop, in[i], any_round, (nd_user){&types[i], NULL});
    }
    set_all_against(self, in);
    return nd_dataflow_start(flow);
}

static void feed(nd_input *const *inputs, const change *one)
{
    const unsigned n = one->number;
    const item an_item = {n % 3, (int32_t)(n / 3 % 4) - 2, (uint16_t)(n / 12 % 3), 65535};
    const pair a_pair = {n % 3, (int32_t)(n / 3 % 6) - 3};
    const word a_word = {{texts[n % 5], text_sizes[n % 5]}, (int64_t)(n / 5 % 4) - 1};
    const void *const records[] = {&an_item, &a_pair, &a_word};
    nd_input_advance(inputs[one->input], one->epoch);
    nd_collection_update(inputs[one->input], records[one->input], one->diff);
}

static bool drive(nd_worker *worker, nd_random *random, void *arg)
{
    contest *const self = arg;
    const unsigned index = nd_worker_index(worker);
    unsigned *const next = &self->n_fed[index];
    for (uint64_t n = nd_random_below(random, 30); n > 0 && *next < self->n_changes; n--, ++*next)
        if (self->changes[*next].worker == index)
            feed(self->inputs[index], &self->changes[*next]);
    if (*next < self->n_changes)
        return true;
    for (unsigned i = 0; i < N_INPUTS; i++)
        nd_input_close(self->inputs[index][i]);
    return false;
}

/* Weights may be negative; much is undone later. */
static void make_changes(contest *self, nd_random *random)
{
    self->n_changes = 1 + (unsigned)nd_random_below(random, MOST_CHANGES);
    for (unsigned i = 0; i < self->n_changes; i++) {
        change *const one = &self->changes[i];
        *one = (change){.worker = (unsigned)nd_random_below(random, self->n_workers),
                        .input = (unsigned)nd_random_below(random, N_INPUTS),
                        .number = (unsigned)nd_random_below(random, 60),
                        .epoch = (uint64_t)i * self->n_epochs / self->n_changes,
                        .diff = (int64_t)nd_random_below(random, 5) - 2};
        if (i > 0 && nd_random_chance(random, 0.5)) {
            const change *const undone = &self->changes[nd_random_below(random, i)];
            one->input = undone->input;
            one->number = undone->number;
            one->diff = -undone->diff;
        }
    }
}

static size_t hold_contest(uint64_t seed, bool is_in_loop)
{
    static const unsigned epochs[] = {1, 4, 12, 60};
    nd_random random;
    contest self = {.is_in_loop = is_in_loop};
    nd_random_init(&random, seed);
    self.n_workers = 1 + (unsigned)nd_random_below(&random, MOST_WORKERS);
    self.n_epochs = epochs[nd_random_below(&random, 4)];
    make_changes(&self, &random);
    const nd_simulation_def def = {.n_workers = self.n_workers,
                                   .n_processes = 1,
                                   .mode = ND_PUBLISH_DEMAND,
                                   .seed = seed,
                                   .build = build,
                                   .drive = drive,
                                   .arg = &self};
    simulated_expect(&def);
    if (self.n_differences)
        fail_msg("seed %llu: %zu differences", (unsigned long long)seed, self.n_differences);
    return self.n_shown;
}

static void both_ways_are_the_same_outside_of_loops(void **state)
{
    (void)state;
    size_t n_shown = 0;
    for (uint64_t seed = 0; seed < 150; seed++)
        n_shown += hold_contest(seed, false);
    assert_true(n_shown > 10000);
}

static void both_ways_are_the_same_inside_a_loop(void **state)
{
    (void)state;
    size_t n_shown = 0;
    for (uint64_t seed = 0; seed < 100; seed++)
        n_shown += hold_contest(seed, true);
    assert_true(n_shown > 5000);
}

/* --- Sums --- */

static nd_collection sum_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_sum(input, &item_sums_type);
}

static nd_collection sum_inside_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const loop = nd_loop_new(nd_root(flow), "loop");
    return nd_collection_leave(nd_sum(nd_collection_enter(loop, input), &item_sums_type));
}

static void feed_items(nd_input *input)
{
    nd_collection_update(input, &(item){1, -5, 7, 0}, 2);
    nd_collection_insert(input, &(item){1, 1, 65535, 1});
    nd_collection_insert(input, &(item){2, 3, 3, 3});
    nd_collection_remove(input, &(item){2, 4, 4, 4});
    nd_collection_remove(input, &(item){3, 1, 1, 1});
    nd_input_advance(input, 1);
    nd_collection_insert(input, &(item){2, 0, 0, 0});
    nd_collection_insert(input, &(item){1, 0, 0, 0}); /* its sums stay */
    nd_input_advance(input, 2);
    nd_collection_remove(input, &(item){2, 0, 0, 0});
    nd_collection_remove(input, &(item){1, 1, 65535, 1});
    nd_collection_insert(input, &(item){1, 2, 65535, 1});
}

static void sums_are_kept_up_to_date(void **state)
{
    (void)state;
    const char *const expected = "+1 (0) 1 -9 65549 1\n+1 (0) 3 -1 -1 -1\n+1 (1) 2 -1 -1 -1\n"
                                 "+1 (2) 1 -8 65549 1\n-1 (2) 1 -9 65549 1\n-1 (2) 2 -1 -1 -1\n";
    query_expect(&item_type, sum_query, feed_items, expected);
    query_expect(&item_type, sum_inside_query, feed_items, expected);
}

typedef struct wide {
    uint64_t key;
    uint64_t n;
} wide;
static const nd_type wide_type = ND_TYPE(wide, 1, ND_FIELD(wide, key), ND_FIELD(wide, n));

typedef struct wide_sum {
    uint64_t key;
    int64_t n;
} wide_sum;
static const nd_type wide_sum_type =
    ND_TYPE(wide_sum, 1, ND_FIELD(wide_sum, key), ND_FIELD(wide_sum, n));

static nd_collection wide_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_sum(input, &wide_sum_type);
}

static nd_collection wide_inside_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const loop = nd_loop_new(nd_root(flow), "loop");
    return nd_collection_leave(nd_sum(nd_collection_enter(loop, input), &wide_sum_type));
}

static void feed_most(nd_input *input) { nd_collection_insert(input, &(wide){1, INT64_MAX}); }

static void feed_too_large(nd_input *input)
{
    nd_collection_insert(input, &(wide){1, (uint64_t)INT64_MAX + 1});
}

static void feed_too_many(nd_input *input)
{
    nd_collection_insert(input, &(wide){1, INT64_MAX});
    nd_collection_insert(input, &(wide){1, 1});
}

static void feed_too_often(nd_input *input)
{
    nd_collection_update(input, &(wide){1, INT64_MAX / 2}, 3);
}

/* Each epoch by itself is not too much. */
static void feed_by_and_by(nd_input *input)
{
    for (uint32_t i = 0; i < 3; i++) {
        nd_collection_insert(input, &(wide){1, INT64_MAX / 2});
        nd_input_advance(input, i + 1);
    }
}

static void sums_do_not_wrap_round(void **state)
{
    (void)state;
    feed_fn *const feeds[] = {feed_too_large, feed_too_many, feed_too_often, feed_by_and_by};
    query_expect(&wide_type, wide_query, feed_most, "+1 (0) 1 9223372036854775807\n");
    for (size_t i = 0; i < sizeof feeds / sizeof *feeds; i++) {
        query_expect_failure(&wide_type, wide_query, feeds[i], ND_FAILED, "");
        query_expect_failure(&wide_type, wide_inside_query, feeds[i], ND_FAILED, "");
    }
}

/* --- Narrow fields --- */

typedef struct tally {
    uint32_t key, n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, key), ND_FIELD(tally, n));

static nd_collection narrow_sum_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_sum(input, &pair_type);
}

static nd_collection narrow_count_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_count(input, &tally_type);
}

static nd_collection narrow_count_inside_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const loop = nd_loop_new(nd_root(flow), "loop");
    return nd_collection_leave(nd_count(nd_collection_enter(loop, input), &tally_type));
}

static void feed_largest(nd_input *input)
{
    nd_collection_insert(input, &(pair){1, INT32_MAX});
    nd_collection_insert(input, &(pair){2, INT32_MIN});
}

static void feed_one_more(nd_input *input)
{
    feed_largest(input);
    nd_input_advance(input, 1);
    nd_collection_insert(input, &(pair){1, 1});
}

static void feed_most_of_one(nd_input *input)
{
    nd_collection_update(input, &(pair){1, 5}, UINT32_MAX);
}

static void feed_too_many_of_one(nd_input *input)
{
    nd_collection_update(input, &(pair){1, 5}, INT64_C(1) << 32);
}

static void feed_fewer_than_none(nd_input *input) { nd_collection_remove(input, &(pair){1, 5}); }

static void what_does_not_fit_its_field_fails(void **state)
{
    (void)state;
    feed_fn *const feeds[] = {feed_too_many_of_one, feed_fewer_than_none};
    query_expect(&pair_type, narrow_sum_query, feed_largest,
                 "+1 (0) 1 2147483647\n+1 (0) 2 -2147483648\n");
    query_expect_failure(&pair_type, narrow_sum_query, feed_one_more, ND_FAILED, "for its field");
    query_expect(&pair_type, narrow_count_query, feed_most_of_one, "+1 (0) 1 4294967295\n");
    for (size_t i = 0; i < sizeof feeds / sizeof *feeds; i++) {
        query_expect_failure(&pair_type, narrow_count_query, feeds[i], ND_FAILED, "for its field");
        query_expect_failure(&pair_type, narrow_count_inside_query, feeds[i], ND_FAILED, "");
    }
}

/* --- Mistakes --- */

static nd_collection no_integer_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_sum(nd_arrange(input), &item_sums_type);
}

static void feed_nothing(nd_input *input) { (void)input; }

typedef struct tale {
    uint64_t key;
    nd_bytes text;
} tale;
static const nd_type tale_type = ND_TYPE(tale, 1, ND_FIELD(tale, key), ND_FIELD(tale, text));

static nd_collection other_key_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_sum(input, &word_type);
}

static void mistakes_are_told_at_the_start(void **state)
{
    (void)state;
    query_expect_failure(&tale_type, no_integer_query, feed_nothing, ND_INVAL, "is no integer");
    query_expect_failure(&wide_type, sum_query, feed_nothing, ND_INVAL, "for each field behind it");
    query_expect_failure(&pair_type, other_key_query, feed_nothing, ND_INVAL,
                         "have not the same key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_are_the_same_outside_of_loops),
        cmocka_unit_test(both_ways_are_the_same_inside_a_loop),
        cmocka_unit_test(sums_are_kept_up_to_date),
        cmocka_unit_test(sums_do_not_wrap_round),
        cmocka_unit_test(what_does_not_fit_its_field_fails),
        cmocka_unit_test(mistakes_are_told_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
