/* SPDX-License-Identifier: Apache-2.0 */
/* Half joins: by hand, in many turns, on arrangements that are compacted, and when inputs end. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "operators/differential/index.h"
#include "tests/differential/query_run.h"
#include "tests/support/failing_memory.h"
#include "tests/support/simulated.h"

typedef struct pair {
    uint32_t key;
    int32_t value;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

enum { PROBE = 100 /* values from here on are probes, those below are arranged */ };

static void keep_probes(void *user, const void *records, size_t len, bool *keep)
{
    for (size_t i = 0; i < len; i++)
        keep[i] = (((const pair *)records)[i].value >= PROBE) == (user != NULL);
}

static nd_collection probes_of(nd_collection all)
{
    static bool yes;
    return nd_collection_filter(all, keep_probes, (nd_user){&yes, NULL});
}

static nd_collection others_of(nd_collection all)
{
    return nd_collection_filter(all, keep_probes, nd_no_user);
}

static void add_values(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const pair *const l = (const pair *)left + i, *const r = (const pair *)right + i;
        ((pair *)out)[i] = (pair){l->key == r->key ? l->key : UINT32_MAX, l->value + r->value};
    }
}

static nd_collection half(nd_collection input, nd_half_join_order order)
{
    return nd_consolidate(nd_half_join(probes_of(input), others_of(input), order, &pair_type,
                                       add_values, nd_no_user));
}

/* --- By hand --- */

static void feed_ties(nd_input *input)
{
    nd_collection_insert(input, &(pair){1, 2});
    nd_collection_update(input, &(pair){1, 3}, 2);
    nd_collection_insert(input, &(pair){2, 4});
    nd_collection_insert(input, &(pair){1, 100});
    nd_collection_insert(input, &(pair){3, 100});
    nd_input_advance(input, 1);
    nd_collection_remove(input, &(pair){1, 2});
    nd_collection_update(input, &(pair){1, 200}, 3);
    nd_collection_update(input, &(pair){2, 200}, -1);
    nd_input_advance(input, 5);
    nd_collection_insert(input, &(pair){1, 9});
    nd_collection_remove(input, &(pair){2, 4});
    nd_collection_remove(input, &(pair){1, 100});
    nd_collection_insert(input, &(pair){2, 300});
}

static nd_collection upto_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return half(input, ND_HALF_JOIN_UPTO);
}

static nd_collection before_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return half(input, ND_HALF_JOIN_BEFORE);
}

static void ties_are_seen_upto_a_time(void **state)
{
    (void)state;
    query_expect(&pair_type, upto_query, feed_ties,
                 "+1 (0) 1 102\n+2 (0) 1 103\n+6 (1) 1 203\n"
                 "-1 (1) 2 204\n-1 (5) 1 109\n-2 (5) 1 103\n");
}

static void ties_are_not_seen_before_a_time(void **state)
{
    (void)state;
    query_expect(&pair_type, before_query, feed_ties,
                 "+1 (5) 2 304\n+3 (1) 1 202\n+6 (1) 1 203\n-1 (1) 2 204\n-2 (5) 1 103\n");
}

typedef struct word {
    nd_bytes text, more;
} word;
static const nd_type word_type = ND_TYPE(word, 1, ND_FIELD(word, text), ND_FIELD(word, more));

static void keep_upper(void *user, const void *records, size_t len, bool *keep)
{
    for (size_t i = 0; i < len; i++) {
        const nd_bytes more = ((const word *)records)[i].more;
        keep[i] = (more.size > 0 && *(const char *)more.data < 'a') == (user != NULL);
    }
}

static void take_texts(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((word *)out)[i] = (word){((const word *)left)[i].more, ((const word *)right)[i].more};
}

static nd_collection texts_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    static bool yes;
    return nd_half_join(nd_collection_filter(input, keep_upper, (nd_user){&yes, NULL}),
                        nd_collection_filter(input, keep_upper, nd_no_user), ND_HALF_JOIN_UPTO,
                        &word_type, take_texts, nd_no_user);
}

static void insert_word(nd_input *input, const char *text, size_t size, const char *more)
{
    nd_collection_insert(input, &(word){{text, size}, {more, strlen(more)}});
}

static void feed_texts(nd_input *input)
{
    insert_word(input, "one\0two", 7, "apple");
    insert_word(input, "one\0two", 7, "A");
    insert_word(input, "one\0", 4, "pear");
    insert_word(input, "one", 3, "B");
    insert_word(input, "", 0, "");
    nd_input_advance(input, 1);
    insert_word(input, "one\0two", 7, "plum");
    insert_word(input, "one\0two", 7, "C");
    insert_word(input, "", 0, "D");
}

static void keys_and_values_may_be_texts(void **state)
{
    (void)state;
    query_expect(&word_type, texts_query, feed_texts,
                 "+1 (0) A apple\n+1 (1) C apple\n+1 (1) C plum\n+1 (1) D \n");
}

/* --- Much at once --- */

enum { MANY = 150000, FAN = 3, KEYS = 1000 };

/* More probes than are looked up in one turn, of a key that has some records. */
static void feed_many(nd_input *input)
{
    for (uint32_t i = 0; i < KEYS * FAN; i++)
        nd_collection_insert(input, &(pair){i % KEYS, (int32_t)(i / KEYS)});
    for (uint32_t i = 0; i < MANY; i++)
        nd_collection_insert(input, &(pair){i % KEYS, (int32_t)(PROBE + i)});
}

static void only_key(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)left;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){0, ((const pair *)right)[i].value};
}

static nd_collection many_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_consolidate(nd_half_join(probes_of(input), others_of(input), ND_HALF_JOIN_UPTO,
                                       &pair_type, only_key, nd_no_user));
}

static void many_probes_take_several_turns(void **state)
{
    (void)state;
    query_expect(&pair_type, many_query, feed_many,
                 "+150000 (0) 0 0\n+150000 (0) 0 1\n+150000 (0) 0 2\n");
}

enum { WIDE = 40000, FEW = 100 };

/* Every third key, of which every tenth gets another value; then few probes, a third of which find
 * something. */
static void feed_wide(nd_input *input)
{
    for (uint32_t i = 0; i < WIDE; i++)
        nd_collection_insert(input, &(pair){3 * i, 1});
    nd_input_advance(input, 1);
    for (uint32_t i = 0; i < WIDE; i += 10) {
        nd_collection_remove(input, &(pair){3 * i, 1});
        nd_collection_insert(input, &(pair){3 * i, 2});
    }
    nd_input_advance(input, 2);
    for (uint32_t i = 0; i < FEW; i++)
        nd_collection_insert(input, &(pair){1187 * i, PROBE});
}

static void few_probes_find_their_keys_among_many(void **state)
{
    (void)state;
    query_expect(&pair_type, many_query, feed_wide, "+30 (2) 0 1\n+4 (2) 0 2\n");
}

/* --- Long runs --- */

enum { LONG = 2000, MOST_KEPT = 64, MOST_BATCHES = 24 };

typedef struct long_run {
    nd_half_join_order order;
    uint64_t close_at; /* when the probes end */
    int64_t sum;       /* of what comes out, */
    unsigned n_out;
    uint64_t most_len; /* what the trace keeps at the most, */
    size_t most_batches;
    uint64_t left; /* and at the end */
} long_run;

static void add_up(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    long_run *const self = user;
    (void)type;
    for (size_t i = 0; i < len; i++) {
        self->sum += updates[i].diff * ((const pair *)updates[i].record)->value;
        self->n_out++;
    }
}

static nd_collection nothing_of(nd_collection input)
{
    return nd_collection_filter(probes_of(input), keep_probes, nd_no_user);
}

/* In each epoch the only record is replaced, and probed. A second path has nothing to do. */
static nd_err run_long(nd_worker *worker, void *arg)
{
    long_run *const self = arg;
    nd_input *input, *probes;
    nd_dataflow *const flow = nd_dataflow_new(worker, "long");
    const nd_collection records = nd_arrange(nd_collection_input_new(flow, &pair_type, &input));
    const nd_collection all = nd_collection_input_new(flow, &pair_type, &probes);
    const nd_collection both = nd_collection_concat(
        nd_half_join(all, records, self->order, &pair_type, add_values, nd_no_user),
        nd_half_join(nothing_of(all), records, self->order, &pair_type, add_values, nd_no_user));
    nd_probe *const probe =
        nd_probe_new(nd_collection_inspect(both, add_up, (nd_user){self, NULL}).stream);
    nd_index *const index = nd_index_retain(records.index);
    nd_err err = nd_dataflow_start(flow);
    for (uint64_t epoch = 0; err == ND_OK && epoch < LONG; epoch++) {
        nd_collection_insert(input, &(pair){1, (int32_t)epoch + 1});
        if (epoch > 0)
            nd_collection_remove(input, &(pair){1, (int32_t)epoch});
        if (epoch == self->close_at)
            nd_input_close(probes);
        if (epoch < self->close_at)
            nd_collection_insert(probes, &(pair){1, 0});
        nd_input_advance(input, epoch + 1);
        if (epoch < self->close_at)
            nd_input_advance(probes, epoch + 1);
        err = nd_worker_step_while(worker, nd_probe_behind, probe, epoch + 1);
        const uint64_t len = nd_trace_len(index->trace);
        const size_t n = nd_trace_n_batches(index->trace);
        self->most_len = len > self->most_len ? len : self->most_len;
        self->most_batches = n > self->most_batches ? n : self->most_batches;
        self->left = len;
    }
    nd_input_close(input);
    nd_input_close(probes);
    nd_index_release(index);
    return err == ND_OK ? nd_worker_run(worker) : err;
}

static long_run play_long(nd_half_join_order order, uint64_t close_at)
{
    nd_message message = {""};
    long_run self = {.order = order, .close_at = close_at};
    if (nd_execute(&(nd_config){.n_workers = 1}, run_long, &self, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    return self;
}

static void history_that_nobody_asks_about_is_forgotten(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        const long_run run = play_long(order ? ND_HALF_JOIN_BEFORE : ND_HALF_JOIN_UPTO, UINT64_MAX);
        assert_int_equal(run.n_out, LONG - order);
        assert_int_equal(run.sum, (int64_t)LONG * (order ? LONG - 1 : LONG + 1) / 2);
        assert_in_range(run.most_len, 1, MOST_KEPT);
        assert_in_range(run.most_batches, 1, MOST_BATCHES);
    }
}

static void when_probes_end_nothing_is_kept(void **state)
{
    (void)state;
    const long_run run = play_long(ND_HALF_JOIN_BEFORE, 10);
    assert_int_equal(run.n_out, 9);
    assert_int_equal(run.left, 0);
}

/* --- Mistakes --- */

static nd_collection no_function_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_half_join(input, input, ND_HALF_JOIN_UPTO, &pair_type, NULL, nd_no_user);
}

static void to_word(void *user, const void *records, size_t len, void *out)
{
    (void)user, (void)records;
    memset(out, 0, len * sizeof(word));
}

static nd_collection other_key_query(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    const nd_collection words = nd_collection_map(input, &word_type, to_word, nd_no_user);
    return nd_half_join(input, words, ND_HALF_JOIN_UPTO, &pair_type, add_values, nd_no_user);
}

static nd_collection loop_query(nd_dataflow *flow, nd_collection input)
{
    nd_scope *const loop = nd_loop_new(nd_root(flow), "loop");
    const nd_collection inside = nd_collection_enter(loop, input);
    return nd_collection_leave(
        nd_half_join(inside, inside, ND_HALF_JOIN_UPTO, &pair_type, add_values, nd_no_user));
}

static void mistakes_are_named(void **state)
{
    (void)state;
    query_expect_failure(&pair_type, no_function_query, feed_ties, ND_INVAL, "needs a function");
    query_expect_failure(&pair_type, other_key_query, feed_ties, ND_INVAL, "not the same key");
    query_expect_failure(&pair_type, loop_query, feed_ties, ND_INVAL, "inside a loop");
}

static void feed_large(nd_input *input)
{
    nd_collection_update(input, &(pair){1, 1}, INT64_C(1) << 40);
    nd_collection_update(input, &(pair){1, PROBE}, INT64_C(1) << 23);
}

static void products_do_not_wrap_round(void **state)
{
    (void)state;
    query_expect_failure(&pair_type, upto_query, feed_large, ND_FAILED, "too large");
}

/* --- Memory --- */

static nd_err build_half(nd_worker *worker, void *arg)
{
    nd_input **const input = arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "half");
    (void)half(nd_collection_input_new(flow, &pair_type, input), ND_HALF_JOIN_BEFORE);
    return nd_dataflow_start(flow);
}

static bool feed_half(nd_worker *worker, nd_random *random, void *arg)
{
    (void)worker, (void)random;
    nd_input **const input = arg;
    feed_ties(*input);
    nd_input_close(*input);
    return false;
}

static nd_err attempt(void *arg)
{
    (void)arg;
    nd_input *input;
    const nd_simulation_def def = {
        .n_workers = 1, .seed = 1, .build = build_half, .drive = feed_half, .arg = &input};
    return simulated_run(&def, NULL);
}

static void runs_without_memory_end_cleanly(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep_runs(attempt, NULL) > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_are_seen_upto_a_time),
        cmocka_unit_test(ties_are_not_seen_before_a_time),
        cmocka_unit_test(keys_and_values_may_be_texts),
        cmocka_unit_test(many_probes_take_several_turns),
        cmocka_unit_test(few_probes_find_their_keys_among_many),
        cmocka_unit_test(history_that_nobody_asks_about_is_forgotten),
        cmocka_unit_test(when_probes_end_nothing_is_kept),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(products_do_not_wrap_round),
        cmocka_unit_test(runs_without_memory_end_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
