/* SPDX-License-Identifier: Apache-2.0 */
/* Semijoins, antijoins, outer joins, thresholds, the least few, weights, validity, variables and
 * limits: small cases with their answers. */
#include "tests/support/cmocka.h"

#include "tests/differential/query_run.h"

typedef struct pair {
    uint32_t key;
    int32_t value;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

/* Two keys, and three values for one of them; later one comes, one goes, one comes twice. */
static void feed_pairs(nd_input *input)
{
    nd_collection_insert(input, &(pair){0, 5});
    nd_collection_insert(input, &(pair){1, 2});
    nd_collection_insert(input, &(pair){1, 3});
    nd_collection_insert(input, &(pair){1, 7});
    nd_input_advance(input, 1);
    nd_collection_remove(input, &(pair){0, 5});
    nd_collection_update(input, &(pair){1, 2}, 2);
    nd_input_advance(input, 2);
    nd_collection_insert(input, &(pair){0, 3});
    nd_collection_remove(input, &(pair){1, 7});
}

static void keep_odd(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const pair *)records)[i].value % 2 != 0;
}

static void keep_two(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const pair *)records)[i].value == 2;
}

static nd_collection odd(nd_collection input)
{
    return nd_collection_filter(input, keep_odd, nd_no_user);
}

static nd_collection two(nd_collection input)
{
    return nd_collection_filter(input, keep_two, nd_no_user);
}

/* --- Semijoins --- */

static nd_collection semijoin_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_semijoin(odd(input), two(input)));
}

static void semijoin_keeps_what_has_a_key(void **state)
{
    (void)state; /* though the key comes three times later */
    query_expect(&pair_type, semijoin_query, feed_pairs, "+1 (0) 1 3\n+1 (0) 1 7\n-1 (2) 1 7\n");
}

static nd_collection antijoin_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_antijoin(odd(input), two(input)));
}

static void antijoin_keeps_what_has_none(void **state)
{
    (void)state;
    query_expect(&pair_type, antijoin_query, feed_pairs, "+1 (0) 0 5\n+1 (2) 0 3\n-1 (1) 0 5\n");
}

static nd_collection shared_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    const nd_collection all = nd_arrange(input);
    const nd_collection both[] = {nd_semijoin(all, two(input)), nd_antijoin(all, two(input))};
    return nd_consolidate(nd_collection_concat_many(both, 2));
}

static void what_has_a_key_and_what_has_none_are_all(void **state)
{
    (void)state;
    query_expect(&pair_type, shared_query, feed_pairs,
                 "+1 (0) 0 5\n+1 (0) 1 2\n+1 (0) 1 3\n+1 (0) 1 7\n+1 (2) 0 3\n"
                 "+2 (1) 1 2\n-1 (1) 0 5\n-1 (2) 1 7\n");
}

/* --- Outer joins --- */

static void add_values(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){((const pair *)left)[i].key,
                                  ((const pair *)left)[i].value + ((const pair *)right)[i].value};
}

static void left_alone(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){((const pair *)records)[i].key, -1};
}

static void right_alone(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){((const pair *)records)[i].key, -2};
}

static nd_collection outer_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(
        nd_outer_join(odd(input), two(input), &pair_type,
                      &(nd_outer_join_def){.both = add_values, .left_alone = left_alone}));
}

static nd_collection full_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_outer_join(two(input), odd(input), &pair_type,
                                        &(nd_outer_join_def){.both = add_values,
                                                             .left_alone = left_alone,
                                                             .right_alone = right_alone}));
}

static void outer_joins_show_who_has_no_partner(void **state)
{
    (void)state;
    query_expect(&pair_type, outer_query, feed_pairs,
                 "+1 (0) 0 -1\n+1 (0) 1 5\n+1 (0) 1 9\n+1 (2) 0 -1\n"
                 "+2 (1) 1 5\n+2 (1) 1 9\n-1 (1) 0 -1\n-3 (2) 1 9\n");
    query_expect(&pair_type, full_query, feed_pairs,
                 "+1 (0) 0 -2\n+1 (0) 1 5\n+1 (0) 1 9\n+1 (2) 0 -2\n"
                 "+2 (1) 1 5\n+2 (1) 1 9\n-1 (1) 0 -2\n-3 (2) 1 9\n");
}

/* --- Many pairs --- */

enum { MANY = 600 };

typedef struct total {
    uint32_t key, unused;
    int64_t n;
} total;
static const nd_type total_type =
    ND_TYPE(total, 2, ND_FIELD(total, key), ND_FIELD(total, unused), ND_FIELD(total, n));

typedef struct pair_of_keys {
    uint32_t key, unused;
} pair_of_keys;
static const nd_type keys_type =
    ND_TYPE(pair_of_keys, 2, ND_FIELD(pair_of_keys, key), ND_FIELD(pair_of_keys, unused));

static void just_key(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    for (size_t i = 0; i < len; i++)
        ((pair_of_keys *)out)[i] = (pair_of_keys){((const pair *)left)[i].key, 0};
}

static nd_collection many_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    const nd_collection all = nd_arrange(input);
    return nd_consolidate(
        nd_count(nd_join(all, all, &keys_type, just_key, nd_no_user), &total_type));
}

static void feed_many(nd_input *input)
{
    for (int32_t i = 0; i < MANY; i++)
        nd_collection_insert(input, &(pair){1, i});
    for (int32_t i = 0; i < 3; i++)
        nd_collection_insert(input, &(pair){2, i});
    nd_input_advance(input, 1);
    nd_collection_remove(input, &(pair){1, 7});
}

/* More than are made in one go. */
static void a_join_of_many_pairs_makes_them_all(void **state)
{
    (void)state;
    query_expect(&pair_type, many_query, feed_many,
                 "+1 (0) 1 0 360000\n+1 (0) 2 0 9\n+1 (1) 1 0 358801\n-1 (1) 1 0 360000\n");
}

/* --- Many times --- */

enum { TIMES = 100000 };

static void keep_odd_totals(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const total *)records)[i].n % 2 != 0;
}

static void keep_even_totals(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const total *)records)[i].n % 2 == 0;
}

static void key_of_total(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    for (size_t i = 0; i < len; i++)
        ((pair_of_keys *)out)[i] = (pair_of_keys){((const total *)left)[i].key, 0};
}

static nd_collection parity_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    const nd_collection totals = nd_count(input, &total_type);
    return nd_consolidate(nd_join(nd_collection_filter(totals, keep_odd_totals, nd_no_user),
                                  nd_collection_filter(totals, keep_even_totals, nd_no_user),
                                  &keys_type, key_of_total, nd_no_user));
}

static void feed_times(nd_input *input)
{
    for (uint64_t epoch = 0; epoch < TIMES; epoch++) {
        nd_input_advance(input, epoch);
        nd_collection_insert(input, &(pair_of_keys){1, 0});
    }
}

/* A number is never odd and even: all pairs cancel, and a join that made each of them, a quarter of
 * the square of the number of times, would not come to an end here. */
static void what_is_never_there_together_costs_little(void **state)
{
    (void)state;
    query_expect(&keys_type, parity_query, feed_times, "");
}

/* --- Thresholds --- */

static int64_t at_least_two(void *user, const void *record, int64_t count)
{
    (void)user, (void)record;
    return count < 2 ? 0 : count - 1;
}

static int64_t two_less(void *user, const void *record, int64_t count)
{
    (void)user, (void)record;
    return count - 2;
}

static nd_collection two_less_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_threshold(input, two_less, nd_no_user));
}

static nd_collection threshold_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_threshold(input, at_least_two, nd_no_user));
}

static void threshold_counts_as_it_is_told(void **state)
{
    (void)state;
    query_expect(&pair_type, threshold_query, feed_pairs, "+2 (1) 1 2\n");
    query_expect(&pair_type, two_less_query, feed_pairs,
                 "+1 (1) 0 5\n+1 (2) 1 7\n+2 (1) 1 2\n-1 (0) 0 5\n-1 (0) 1 2\n-1 (0) 1 3\n"
                 "-1 (0) 1 7\n-1 (2) 0 3\n");
}

static nd_collection least_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_least(input, 2));
}

static nd_collection greatest_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_greatest(input, 2));
}

static void the_least_and_the_greatest_few(void **state)
{
    (void)state;
    query_expect(&pair_type, least_query, feed_pairs,
                 "+1 (0) 0 5\n+1 (0) 1 2\n+1 (0) 1 3\n+1 (1) 1 2\n+1 (2) 0 3\n"
                 "-1 (1) 0 5\n-1 (1) 1 3\n");
    query_expect(&pair_type, greatest_query, feed_pairs,
                 "+1 (0) 0 5\n+1 (0) 1 3\n+1 (0) 1 7\n+1 (2) 0 3\n+1 (2) 1 2\n"
                 "-1 (1) 0 5\n-1 (2) 1 7\n");
}

/* --- Running sums --- */

typedef struct amount {
    uint32_t key;
    int32_t order;
    int64_t n;
} amount;
static const nd_type amount_type =
    ND_TYPE(amount, 1, ND_FIELD(amount, key), ND_FIELD(amount, order), ND_FIELD(amount, n));

static nd_collection prefix_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_prefix_sum(input));
}

static void feed_amounts(nd_input *input)
{
    nd_collection_insert(input, &(amount){1, 10, 5});
    nd_collection_update(input, &(amount){1, 20, -2}, 3); /* three times */
    nd_collection_insert(input, &(amount){1, 30, 4});
    nd_collection_insert(input, &(amount){2, 5, 7});
    nd_input_advance(input, 1);
    nd_collection_insert(input, &(amount){1, 15, 1});
    nd_collection_remove(input, &(amount){2, 5, 7});
}

static void feed_too_much(nd_input *input)
{
    nd_collection_insert(input, &(amount){1, 10, INT64_MAX});
    nd_collection_insert(input, &(amount){1, 20, 1});
}

static void sums_run_up_to_each_record(void **state)
{
    (void)state;
    query_expect(&amount_type, prefix_query, feed_amounts,
                 "+1 (0) 1 10 5\n+1 (0) 1 20 -1\n+1 (0) 1 30 3\n+1 (0) 2 5 7\n"
                 "+1 (1) 1 15 6\n+1 (1) 1 20 0\n+1 (1) 1 30 4\n"
                 "-1 (1) 1 20 -1\n-1 (1) 1 30 3\n-1 (1) 2 5 7\n");
    query_expect_failure(&amount_type, prefix_query, feed_too_much, ND_FAILED, "64 bits");
    query_expect_failure(&pair_type, prefix_query, feed_pairs, ND_INVAL, "must be an int64_t");
}

/* --- Weights and validity --- */

static void weigh(void *user, const void *records, size_t len, void *out, int64_t *weights)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        ((pair *)out)[i] = (pair){((const pair *)records)[i].key, 0};
        weights[i] = ((const pair *)records)[i].value - 2;
    }
}

static nd_collection explode_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_collection_explode(input, &pair_type, weigh, nd_no_user));
}

static void explode_multiplies_by_weights(void **state)
{
    (void)state;
    query_expect(&pair_type, explode_query, feed_pairs,
                 "+1 (2) 0 0\n+3 (0) 0 0\n+6 (0) 1 0\n-3 (1) 0 0\n-5 (2) 1 0\n");
}

static void from_key_to_value(void *user, const void *records, size_t len, uint64_t *from,
                              uint64_t *to)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        from[i] = ((const pair *)records)[i].key;
        to[i] = (uint64_t)((const pair *)records)[i].value;
    }
}

static nd_collection validity_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_temporal_filter(input, from_key_to_value, nd_no_user));
}

static void records_are_there_from_one_epoch_to_another(void **state)
{
    (void)state; /* (0, 5) goes at 1; (1, 2) comes at 1; (1, 7) goes at 2; (0, 3) and (1, 3) end */
    query_expect(&pair_type, validity_query, feed_pairs,
                 "+1 (0) 0 5\n+1 (1) 1 3\n+1 (1) 1 7\n+1 (2) 0 3\n+3 (1) 1 2\n"
                 "-1 (1) 0 5\n-1 (2) 1 7\n-1 (3) 0 3\n-1 (3) 1 3\n-3 (2) 1 2\n");
}

/* --- Loops --- */

/* Halves the value, until it is odd or zero. */
static void halve(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const pair *const one = (const pair *)records + i;
        ((pair *)out)[i] = (pair){one->key, one->value % 2 ? one->value : one->value / 2};
    }
}

static nd_collection halve_once(nd_scope *loop, nd_collection collection, void *arg)
{
    (void)loop, (void)arg;
    return nd_collection_map(collection, &pair_type, halve, nd_no_user);
}

static nd_collection rounds_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_iterate_at_most(input, halve_once, NULL, 2, ND_AT_LIMIT_RETURN));
}

static nd_collection bounded_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_iterate_at_most(input, halve_once, NULL, 3, ND_AT_LIMIT_FAIL));
}

static void feed_eight(nd_input *input)
{
    nd_collection_insert(input, &(pair){1, 24});
    nd_collection_insert(input, &(pair){2, 2});
    nd_input_advance(input, 1);
    nd_collection_remove(input, &(pair){1, 24});
}

static void feed_four(nd_input *input)
{
    nd_collection_insert(input, &(pair){1, 4});
    nd_collection_insert(input, &(pair){2, 2});
}

static void a_loop_may_be_left_early(void **state)
{
    (void)state;
    query_expect(&pair_type, rounds_query, feed_eight, "+1 (0) 1 6\n+1 (0) 2 1\n-1 (1) 1 6\n");
}

static void or_it_fails_when_it_takes_too_long(void **state)
{
    (void)state;
    query_expect(&pair_type, bounded_query, feed_four, "+1 (0) 1 1\n+1 (0) 2 1\n");
    query_expect_failure(&pair_type, bounded_query, feed_eight, ND_FAILED,
                         "'iterate' is still changing after 3 rounds, its limit");
}

/* Even and odd steps from the given pairs, each defined by the other: values fall to zero. */
static void step_down(void *user, const void *records, size_t len, nd_changes *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const pair *const one = (const pair *)records + i;
        if (one->value > 0)
            *(pair *)nd_changes_slot(out, i) = (pair){one->key, one->value - 1};
    }
}

static nd_collection mutual_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const loop = nd_loop_new(nd_root(flow), "mutual");
    nd_variable even, uneven;
    const nd_collection start = nd_distinct(nd_collection_enter(loop, input));
    const nd_collection evens = nd_variable_from(start, &even);
    const nd_collection odds = nd_variable_new(loop, &pair_type, &uneven);
    const nd_collection more[] = {start,
                                  nd_collection_flat_map(odds, &pair_type, step_down, nd_no_user)};
    const nd_collection all_even = nd_distinct(nd_collection_concat_many(more, 2));
    const nd_collection all_odd =
        nd_distinct(nd_collection_flat_map(evens, &pair_type, step_down, nd_no_user));
    nd_variable_set(&even, all_even);
    nd_variable_set(&uneven, all_odd);
    return nd_consolidate(nd_collection_leave(all_odd));
}

static void feed_falls(nd_input *input)
{
    nd_collection_insert(input, &(pair){1, 4});
    nd_collection_insert(input, &(pair){2, 1});
    nd_input_advance(input, 1);
    nd_collection_insert(input, &(pair){1, 3});
    nd_input_advance(input, 2);
    nd_collection_remove(input, &(pair){1, 4});
}

static void variables_may_need_each_other(void **state)
{
    (void)state;
    query_expect(&pair_type, mutual_query, feed_falls,
                 "+1 (0) 1 1\n+1 (0) 1 3\n+1 (0) 2 0\n+1 (1) 1 0\n+1 (1) 1 2\n"
                 "-1 (2) 1 1\n-1 (2) 1 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(semijoin_keeps_what_has_a_key),
        cmocka_unit_test(antijoin_keeps_what_has_none),
        cmocka_unit_test(what_has_a_key_and_what_has_none_are_all),
        cmocka_unit_test(outer_joins_show_who_has_no_partner),
        cmocka_unit_test(a_join_of_many_pairs_makes_them_all),
        cmocka_unit_test(what_is_never_there_together_costs_little),
        cmocka_unit_test(threshold_counts_as_it_is_told),
        cmocka_unit_test(the_least_and_the_greatest_few),
        cmocka_unit_test(sums_run_up_to_each_record),
        cmocka_unit_test(explode_multiplies_by_weights),
        cmocka_unit_test(records_are_there_from_one_epoch_to_another),
        cmocka_unit_test(a_loop_may_be_left_early),
        cmocka_unit_test(or_it_fails_when_it_takes_too_long),
        cmocka_unit_test(variables_may_need_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
