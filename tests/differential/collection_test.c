/* SPDX-License-Identifier: Apache-2.0 */
/* Operators without state, and consolidate: one by one, on one worker and on several. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "tests/differential/query_run.h"

typedef struct pair {
    uint32_t key;
    int32_t value;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

/* A record of an odd size, behind which a row has padding. */
typedef struct odd {
    uint16_t a;
    uint8_t b, c, d, e;
} odd;
static const nd_type odd_type = ND_TYPE(odd, 1, ND_FIELD(odd, a), ND_FIELD(odd, b),
                                        ND_FIELD(odd, c), ND_FIELD(odd, d), ND_FIELD(odd, e));

typedef struct word {
    nd_bytes text;
    nd_bytes more;
    int64_t n;
} word;
static const nd_type word_type =
    ND_TYPE(word, 1, ND_FIELD(word, text), ND_FIELD(word, more), ND_FIELD(word, n));

static nd_collection just_consolidate(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(input);
}

/* --- Consolidating --- */

static void feed_pairs(nd_input *input)
{
    nd_collection_insert(input, &(pair){1, 1});
    nd_collection_update(input, &(pair){1, 1}, 1);
    nd_collection_remove(input, &(pair){2, 1});
    nd_collection_update(input, &(pair){2, -1}, 5);
    nd_collection_update(input, &(pair){2, -1}, 0);
    nd_collection_insert(input, &(pair){3, 1});
    nd_collection_remove(input, &(pair){3, 1});
    nd_input_advance(input, 4);
    nd_collection_update(input, &(pair){1, 1}, -2);
}

static void equal_updates_become_one_or_none(void **state)
{
    (void)state;
    query_expect(&pair_type, just_consolidate, feed_pairs,
                 "+2 (0) 1 1\n+5 (0) 2 -1\n-1 (0) 2 1\n-2 (4) 1 1\n");
}

static void feed_odd(nd_input *input)
{
    const odd records[] = {{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}, {1, 2, 3, 4, 6}};
    nd_collection_update_many(input, records, 3, 1);
}

static void records_of_odd_sizes_are_padded(void **state)
{
    (void)state;
    query_expect(&odd_type, just_consolidate, feed_odd, "+1 (0) 1 2 3 4 6\n+2 (0) 1 2 3 4 5\n");
}

static word make_word(const char *text, const char *more, int64_t n)
{
    return (word){{text, strlen(text)}, {more, strlen(more)}, n};
}

static void feed_words(nd_input *input)
{
    char text[] = "apple";
    word one = make_word(text, "", -7);
    nd_collection_insert(input, &one);
    one = make_word("", "pear", 0);
    nd_collection_update(input, &one, 2);
    one = make_word("apple", "", -7);
    nd_collection_update(input, &one, 2);
    nd_input_advance(input, 1);
    nd_collection_remove(input, &one);
}

static void records_may_have_texts(void **state)
{
    (void)state;
    query_expect(&word_type, just_consolidate, feed_words,
                 "+2 (0)  pear 0\n+3 (0) apple  -7\n-1 (1) apple  -7\n");
}

static void feed_many(nd_input *input)
{
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < 50000; i++)
            nd_collection_update(input, &(pair){i * 7919, (int32_t)i}, round == 2 ? -2 : 1);
    nd_collection_insert(input, &(pair){77, 77});
}

/* More than are sorted at once. */
static void much_may_cancel(void **state)
{
    (void)state;
    query_expect(&pair_type, just_consolidate, feed_many, "+1 (0) 77 77\n");
}

/* --- Without state --- */

static void swap(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const pair *const one = (const pair *)records + i;
        ((pair *)out)[i] = (pair){(uint32_t)(one->value + 10), (int32_t)one->key};
    }
}

static nd_collection map_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_collection_map(input, &pair_type, swap, nd_no_user));
}

static void keep_positive(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const pair *)records)[i].value > 0;
}

static nd_collection filter_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_collection_filter(input, keep_positive, nd_no_user));
}

/* As many as the key, weighted. */
static void spell(void *user, const void *records, size_t len, nd_changes *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        for (uint32_t k = 0; k < ((const pair *)records)[i].key; k++) {
            word *const slot = nd_changes_slot_times(out, i, k == 0 ? 10 : -1);
            *slot = make_word(k == 0 ? "first" : "later", "", (int64_t)k);
        }
}

static nd_collection flat_map_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_collection_flat_map(input, &word_type, spell, nd_no_user));
}

static void operators_without_state_work_on_each_update(void **state)
{
    (void)state;
    query_expect(&pair_type, map_query, feed_pairs,
                 "+2 (0) 11 1\n+5 (0) 9 2\n-1 (0) 11 2\n-2 (4) 11 1\n");
    query_expect(&pair_type, filter_query, feed_pairs, "+2 (0) 1 1\n-1 (0) 2 1\n-2 (4) 1 1\n");
    query_expect(&pair_type, flat_map_query, feed_pairs,
                 "+60 (0) first  0\n-20 (4) first  0\n-4 (0) later  1\n");
}

static nd_collection nothing_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    const nd_collection both[] = {input, nd_collection_negate(input)};
    return nd_consolidate(nd_collection_concat_many(both, 2));
}

static void a_collection_and_its_negation_are_nothing(void **state)
{
    (void)state;
    query_expect(&pair_type, nothing_query, feed_pairs, "");
}

/* --- Reducing --- */

typedef struct tally {
    nd_bytes text;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, text), ND_FIELD(tally, n));

static nd_collection count_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_count(input, &tally_type);
}

static nd_collection distinct_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_distinct(input);
}

static nd_collection min_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_min(input);
}

static nd_collection max_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_max(input);
}

static void feed_values(nd_input *input)
{
    nd_collection_insert(input, &(pair){1, 5});
    nd_collection_insert(input, &(pair){1, -7});
    nd_collection_update(input, &(pair){1, -9}, -1);
    nd_collection_update(input, &(pair){2, 3}, 2);
    nd_input_advance(input, 1);
    nd_collection_remove(input, &(pair){1, -7});
    nd_collection_remove(input, &(pair){2, 3});
    nd_input_advance(input, 2);
    nd_collection_remove(input, &(pair){2, 3});
    nd_collection_update(input, &(pair){1, -9}, 3);
}

static void a_function_of_each_key_is_kept_up_to_date(void **state)
{
    (void)state;
    query_expect(&word_type, count_query, feed_words,
                 "+1 (0)  2\n+1 (0) apple 3\n+1 (1) apple 2\n"
                 "-1 (1) apple 3\n");
    query_expect(&pair_type, distinct_query, feed_values,
                 "+1 (0) 1 -7\n+1 (0) 1 5\n+1 (0) 2 3\n+1 (2) 1 -9\n-1 (1) 1 -7\n-1 (2) 2 3\n");
    query_expect(&pair_type, min_query, feed_values,
                 "+1 (0) 1 -7\n+1 (0) 2 3\n+1 (1) 1 5\n+1 (2) 1 -9\n-1 (1) 1 -7\n-1 (2) 1 5\n"
                 "-1 (2) 2 3\n");
    query_expect(&pair_type, max_query, feed_values, "+1 (0) 1 5\n+1 (0) 2 3\n-1 (2) 2 3\n");
}

/* The first value, and how many there are. */
static void first_and_number(void *user, const void *records, const int64_t *counts, size_t len,
                             nd_reduction *out)
{
    (void)user, (void)counts;
    ((pair *)nd_reduction_slot(out, (int64_t)len))->value = ((const pair *)records)->value;
}

static nd_collection reduce_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_reduce(input, &pair_type, first_and_number, nd_no_user);
}

static void feed_three(nd_input *input)
{
    nd_collection_insert(input, &(pair){0, 0});
    nd_collection_insert(input, &(pair){1, 2});
    nd_collection_insert(input, &(pair){1, 1});
}

static void values_are_shown_in_order(void **state)
{
    (void)state;
    query_expect(&pair_type, reduce_query, feed_three, "+1 (0) 0 0\n+2 (0) 1 1\n");
}

static void feed_epochs(nd_input *input)
{
    for (uint32_t i = 0; i < 3000; i++) {
        nd_collection_update(input, &(pair){7, (int32_t)(i % 5)}, i % 2 == 0 ? 1 : -1);
        nd_input_advance(input, i + 1);
    }
    nd_collection_insert(input, &(pair){8, 8});
}

static nd_collection count_all_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_collection_filter(nd_distinct(input), keep_positive, nd_no_user);
}

/* What comes and goes is gone in the end. */
static void many_epochs_may_come_at_once(void **state)
{
    (void)state;
    int n_left = 0;
    nd_message message = {""};
    query_run self = {.type = &pair_type, .query = count_all_query, .feed = feed_epochs};
    changes_init(&self.seen);
    assert_int_equal(query_run_it(&self, 2, &message), ND_OK);
    for (size_t i = 0; i < self.seen.n; i++)
        n_left += self.seen.lines[i][0] == '+' ? 1 : -1;
    assert_int_equal(n_left, 1);
    assert_true(self.seen.n > 1000);
    changes_deinit(&self.seen);
}

/* --- Loops --- */

static void by_key(void *user, const void *records, size_t len, uint32_t *rounds)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        rounds[i] = ((const pair *)records)[i].key;
}

static nd_collection inside_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const loop = nd_loop_new(nd_root(flow), "loop");
    const nd_collection inside[] = {nd_collection_enter_at(loop, input, by_key, nd_no_user),
                                    nd_collection_negate(nd_collection_enter(loop, input))};
    return nd_collection_leave(nd_collection_inspect(
        nd_consolidate(nd_collection_concat_many(inside, 2)), nd_collection_print, nd_no_user));
}

/* Times lose their counters, but not their updates. */
static void who_enters_later_is_not_there_before(void **state)
{
    (void)state;
    query_expect(&pair_type, inside_query, feed_pairs,
                 "+1 (0) 2 1\n+2 (0) 1 1\n+2 (4) 1 1\n+5 (0) 2 -1\n"
                 "-1 (0) 2 1\n-2 (0) 1 1\n-2 (4) 1 1\n-5 (0) 2 -1\n");
}

static nd_collection twice_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const first = nd_loop_new(nd_root(flow), "first");
    nd_scope *const inner = nd_loop_new(first, "inner");
    nd_scope *const second = nd_loop_new(nd_root(flow), "second");
    nd_collection c = nd_collection_enter_at(first, input, by_key, nd_no_user);
    c = nd_collection_enter_at(inner, c, by_key, nd_no_user);
    c = nd_collection_leave(nd_collection_leave(c));
    c = nd_consolidate(nd_collection_enter(second, c));
    return nd_collection_map(nd_collection_leave(c), &pair_type, swap, nd_no_user);
}

/* A round of a loop that was left is none of the next one. */
static void a_loop_begins_anew(void **state)
{
    (void)state;
    query_expect(&pair_type, twice_query, feed_pairs,
                 "+2 (0) 11 1\n+5 (0) 9 2\n-1 (0) 11 2\n-2 (4) 11 1\n");
}

/* Shows the times inside. */
static changes *inside;

static nd_collection rounds_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const first = nd_loop_new(nd_root(flow), "first");
    nd_scope *const second = nd_loop_new(nd_root(flow), "second");
    nd_collection c = nd_collection_enter_at(first, input, by_key, nd_no_user);
    c = nd_collection_enter(second, nd_collection_leave(c));
    return nd_collection_leave(
        nd_collection_inspect(nd_consolidate(c), changes_note, (nd_user){inside, NULL}));
}

static void rounds_of_a_loop_that_was_left_do_not_count(void **state)
{
    (void)state;
    changes seen;
    changes_init(&seen);
    inside = &seen;
    query_expect_failure(&pair_type, rounds_query, feed_pairs, ND_OK, "");
    changes_expect(&seen, "+2 (0) 1 1\n+5 (0) 2 -1\n-1 (0) 2 1\n-2 (4) 1 1\n");
    changes_deinit(&seen);
}

/* --- Mistakes --- */

static void feed_too_many(nd_input *input)
{
    nd_collection_update(input, &(pair){1, 1}, INT64_MAX);
    nd_collection_update(input, &(pair){1, 1}, 1);
}

static void feed_least(nd_input *input) { nd_collection_update(input, &(pair){1, 1}, INT64_MIN); }

static nd_collection negate_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_collection_negate(input);
}

static void differences_do_not_wrap_round(void **state)
{
    (void)state;
    query_expect_failure(&pair_type, just_consolidate, feed_too_many, ND_FAILED, "too large");
    query_expect_failure(&pair_type, negate_query, feed_least, ND_FAILED, "too large");
    query_expect_failure(&pair_type, flat_map_query, feed_least, ND_FAILED, "too many times");
}

static nd_collection other_type_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate((nd_collection){.stream = input.stream, .type = &word_type});
}

static nd_collection no_function_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_collection_map(input, &pair_type, NULL, nd_no_user);
}

static nd_collection no_type_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_collection_map(input, NULL, swap, nd_no_user);
}

static nd_collection unlike_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    const nd_collection both[] = {input,
                                  nd_collection_flat_map(input, &word_type, spell, nd_no_user)};
    return nd_collection_concat_many(both, 2);
}

static nd_collection plain_query(nd_dataflow *flow, nd_collection input)
{
    nd_input *plain;
    (void)input;
    const nd_stream stream = nd_input_new(flow, &pair_type, &plain);
    return nd_consolidate((nd_collection){.stream = stream, .type = &pair_type});
}

static nd_collection other_key_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_reduce(input, &word_type, first_and_number, nd_no_user);
}

/* Two fields behind the key. */
static nd_collection no_tally_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_count(input, &word_type);
}

static void mistakes_are_told_at_the_start(void **state)
{
    (void)state;
    query_expect_failure(&pair_type, other_type_query, feed_pairs, ND_INVAL,
                         "is not a collection of");
    query_expect_failure(&pair_type, no_function_query, feed_pairs, ND_INVAL, "needs a function");
    query_expect_failure(&pair_type, unlike_query, feed_pairs, ND_INVAL, "is not a collection of");
    query_expect_failure(&pair_type, plain_query, feed_pairs, ND_INVAL, "is not a collection of");
    query_expect_failure(&pair_type, other_key_query, feed_pairs, ND_INVAL,
                         "have not the same key");
    query_expect_failure(&pair_type, no_tally_query, feed_pairs, ND_INVAL,
                         "must have the key of 'pair' (whose nkey is 1) and an integer");
    query_expect_failure(NULL, just_consolidate, feed_pairs, ND_INVAL, "needs a type");
}

/* Without a type a map keeps that of its records. */
static void a_map_without_a_type_keeps_it(void **state)
{
    (void)state;
    query_expect(&pair_type, no_type_query, feed_least, "-9223372036854775808 (0) 11 1\n");
}

static nd_err feed_plainly(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *plain;
    nd_dataflow *const flow = nd_dataflow_new(worker, "plain");
    nd_input_new(flow, &pair_type, &plain);
    ND_TRY(nd_dataflow_start(flow));
    nd_collection_insert(plain, &(pair){1, 1});
    nd_input_close(plain);
    return nd_worker_run(worker);
}

static void only_inputs_of_collections_take_changes(void **state)
{
    (void)state;
    nd_message message = {""};
    assert_int_equal(nd_execute(&(nd_config){.n_workers = 1}, feed_plainly, NULL, NULL, &message),
                     ND_FAILED);
    assert_non_null(strstr(message.text, "takes no changes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_updates_become_one_or_none),
        cmocka_unit_test(records_of_odd_sizes_are_padded),
        cmocka_unit_test(records_may_have_texts),
        cmocka_unit_test(much_may_cancel),
        cmocka_unit_test(operators_without_state_work_on_each_update),
        cmocka_unit_test(a_collection_and_its_negation_are_nothing),
        cmocka_unit_test(a_function_of_each_key_is_kept_up_to_date),
        cmocka_unit_test(values_are_shown_in_order),
        cmocka_unit_test(many_epochs_may_come_at_once),
        cmocka_unit_test(who_enters_later_is_not_there_before),
        cmocka_unit_test(a_loop_begins_anew),
        cmocka_unit_test(rounds_of_a_loop_that_was_left_do_not_count),
        cmocka_unit_test(differences_do_not_wrap_round),
        cmocka_unit_test(mistakes_are_told_at_the_start),
        cmocka_unit_test(a_map_without_a_type_keeps_it),
        cmocka_unit_test(only_inputs_of_collections_take_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
