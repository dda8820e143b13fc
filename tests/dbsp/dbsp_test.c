/* SPDX-License-Identifier: Apache-2.0 */
/* The laws of DBSP on random streams: two circuits that must mean the same are built side by side,
 * and what one says that the other does not is looked for. */
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <pthread.h>

#include <nereid.h>

#include "runtime/base/random.h"
#include "tests/differential/query_run.h"

enum { TICKS = 6, KEYS = 4, VALUES = 3, CHANGES = 60, RUNS = 12 };

typedef struct pair {
    uint32_t key;
    int32_t value;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

/* Two circuits of two streams that shall be the same, in ticks before TICKS. */
typedef struct law {
    nd_collection (*left)(nd_dataflow *flow, nd_collection a, nd_collection b);
    nd_collection (*right)(nd_dataflow *flow, nd_collection a, nd_collection b);
    uint64_t seed;
    pthread_mutex_t lock;
    size_t n_said;  /* updates of the left circuit */
    size_t n_other; /* updates in which the two differ */
} law;

/* --- Programs --- */

static void add_early(law *self, size_t *n, const nd_update *updates, size_t len)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < len; i++)
        *n += updates[i].time.epoch < TICKS;
    pthread_mutex_unlock(&self->lock);
}

static void note_said(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    (void)type;
    add_early(user, &((law *)user)->n_said, updates, len);
}

static void note_other(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    (void)type;
    add_early(user, &((law *)user)->n_other, updates, len);
}

static void feed(nd_worker *worker, const law *self, nd_input **inputs)
{
    nd_random random;
    nd_random_init(&random, self->seed);
    for (uint64_t i = 0; i < CHANGES; i++) {
        const uint64_t tick = i * TICKS / CHANGES, which = nd_random_below(&random, 2);
        const pair record = {(uint32_t)nd_random_below(&random, KEYS),
                             (int32_t)nd_random_below(&random, VALUES)};
        const int64_t weight = (int64_t)nd_random_below(&random, 5) - 2;
        nd_input_advance(inputs[which], tick);
        if (i % nd_worker_peers(worker) == nd_worker_index(worker))
            nd_collection_update(inputs[which], &record, weight);
    }
}

static nd_err program(nd_worker *worker, void *arg)
{
    law *const self = arg;
    nd_input *inputs[2];
    nd_dataflow *const flow = nd_dataflow_new(worker, "law");
    const nd_collection a = nd_collection_input_new(flow, &pair_type, &inputs[0]);
    const nd_collection b = nd_collection_input_new(flow, &pair_type, &inputs[1]);
    const nd_collection left = nd_consolidate(self->left(flow, a, b));
    const nd_collection other = nd_collection_negate(self->right(flow, a, b));
    nd_collection_inspect(left, note_said, (nd_user){self, NULL});
    nd_collection_inspect(nd_consolidate(nd_collection_concat(left, other)), note_other,
                          (nd_user){self, NULL});
    ND_TRY(nd_dataflow_start(flow));
    feed(worker, self, inputs);
    nd_input_close(inputs[0]);
    nd_input_close(inputs[1]);
    return nd_worker_run(worker);
}

static void expect_same(nd_collection (*left)(nd_dataflow *, nd_collection, nd_collection),
                        nd_collection (*right)(nd_dataflow *, nd_collection, nd_collection))
{
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        nd_message message = {""};
        law self = {.left = left, .right = right, .seed = seed};
        pthread_mutex_init(&self.lock, NULL);
        const nd_config config = {.n_workers = 1 + (unsigned)seed % 3};
        if (nd_execute(&config, program, &self, NULL, &message) != ND_OK)
            fail_msg("seed %" PRIu64 ": %s", seed, message.text);
        if (self.n_said == 0 || self.n_other != 0)
            fail_msg("seed %" PRIu64 ": of %zu updates %zu are others", seed, self.n_said,
                     self.n_other);
        pthread_mutex_destroy(&self.lock);
    }
}

/* --- Functions of Z-sets, tick by tick --- */

static nd_collection integral(nd_collection s) { return nd_dbsp_integrate(s, TICKS); }

static void distinct_fn(void *user, const nd_zset *in, size_t n, nd_zset_out *out)
{
    (void)user, (void)n;
    for (size_t i = 0; i < in[0].len; i++)
        if (in[0].weights[i] > 0)
            *(pair *)nd_zset_slot(out, 1) = ((const pair *)in[0].records)[i];
}

static nd_collection lifted_distinct(nd_collection s)
{
    return nd_dbsp_lift(&s, 1, &pair_type, distinct_fn, nd_no_user);
}

static void greatest_fn(void *user, const nd_zset *in, size_t n, nd_zset_out *out)
{
    (void)user, (void)n;
    size_t i = in[0].len;
    while (i > 0 && in[0].weights[i - 1] <= 0)
        i--;
    if (i > 0)
        *(pair *)nd_zset_slot(out, 1) = ((const pair *)in[0].records)[i - 1];
}

static nd_collection lifted_greatest(nd_collection s)
{
    return nd_dbsp_lift(&s, 1, &pair_type, greatest_fn, nd_no_user);
}

static pair image(pair one) { return (pair){(one.key + 1) % KEYS, (one.value + 1) % VALUES}; }

static void map_fn(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = image(((const pair *)records)[i]);
}

static nd_collection mapped(nd_collection s)
{
    return nd_collection_map(s, &pair_type, map_fn, nd_no_user);
}

static void lifted_map_fn(void *user, const nd_zset *in, size_t n, nd_zset_out *out)
{
    (void)user, (void)n;
    for (size_t i = 0; i < in[0].len; i++)
        *(pair *)nd_zset_slot(out, in[0].weights[i]) = image(((const pair *)in[0].records)[i]);
}

static nd_collection lifted_map(nd_collection s)
{
    return nd_dbsp_lift(&s, 1, &pair_type, lifted_map_fn, nd_no_user);
}

static pair both(pair left, pair right)
{
    return (pair){left.key, left.value * VALUES + right.value};
}

static void join_fn(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = both(((const pair *)left)[i], ((const pair *)right)[i]);
}

static void lifted_join_fn(void *user, const nd_zset *in, size_t n, nd_zset_out *out)
{
    (void)user, (void)n;
    for (size_t i = 0; i < in[0].len; i++)
        for (size_t k = 0; k < in[1].len; k++)
            *(pair *)nd_zset_slot(out, in[0].weights[i] * in[1].weights[k]) =
                both(((const pair *)in[0].records)[i], ((const pair *)in[1].records)[k]);
}

static nd_collection lifted_join(nd_collection a, nd_collection b)
{
    const nd_collection inputs[] = {a, b};
    return nd_dbsp_lift(inputs, 2, &pair_type, lifted_join_fn, nd_no_user);
}

/* --- Circuits --- */

static nd_collection plain(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return a;
}

static nd_collection change_of_sum(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_dbsp_differentiate(integral(a));
}

static nd_collection sum_of_change(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return integral(nd_dbsp_differentiate(a));
}

static nd_collection sum(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return integral(a);
}

/* The sum is what is there and what was there a tick ago. */
static nd_collection sum_by_register(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)b;
    nd_variable before;
    const nd_collection was = nd_variable_new(nd_root(flow), &pair_type, &before);
    const nd_collection is = nd_collection_concat(a, was);
    nd_variable_limit(&before, TICKS, ND_AT_LIMIT_RETURN);
    nd_variable_set(&before, is);
    return is;
}

static nd_collection delayed(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_dbsp_delay(a);
}

static nd_collection change_of_delayed_sum(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_dbsp_differentiate(nd_dbsp_delay(integral(a)));
}

static nd_collection incremental_map(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_dbsp_differentiate(lifted_map(integral(a)));
}

static nd_collection plain_map(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return mapped(a);
}

static nd_collection incremental_distinct(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_dbsp_differentiate(lifted_distinct(integral(a)));
}

static nd_collection plain_distinct(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_distinct(a);
}

static nd_collection incremental_greatest(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_dbsp_differentiate(lifted_greatest(integral(a)));
}

static nd_collection plain_greatest(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_max(a);
}

static nd_collection chain_as_a_whole(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow, (void)b;
    return nd_dbsp_differentiate(lifted_greatest(lifted_map(lifted_distinct(integral(a)))));
}

static nd_collection chain_box_by_box(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    const nd_collection first = incremental_distinct(flow, a, b);
    return incremental_greatest(flow, incremental_map(flow, first, b), b);
}

static nd_collection incremental_join(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow;
    return nd_dbsp_differentiate(lifted_join(integral(a), integral(b)));
}

static nd_collection join_by_rule(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow;
    const nd_collection parts[] = {lifted_join(a, b), lifted_join(nd_dbsp_delay(integral(a)), b),
                                   lifted_join(a, nd_dbsp_delay(integral(b)))};
    return nd_collection_concat_many(parts, 3);
}

static nd_collection plain_join(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)flow;
    return nd_join(a, b, &pair_type, join_fn, nd_no_user);
}

/* A circle: what is there, and the images of what was there a tick ago, each once. */
static nd_collection circle(nd_dataflow *flow, nd_collection s,
                            nd_collection (*once)(nd_collection))
{
    nd_variable before;
    const nd_collection was = nd_variable_new(nd_root(flow), &pair_type, &before);
    const nd_collection is = once(nd_collection_concat(s, mapped(was)));
    nd_variable_limit(&before, TICKS, ND_AT_LIMIT_RETURN);
    nd_variable_set(&before, is);
    return is;
}

static nd_collection change_of_circle(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)b;
    return nd_dbsp_differentiate(circle(flow, integral(a), lifted_distinct));
}

static nd_collection circle_of_changes(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)b;
    return circle(flow, a, nd_distinct);
}

static nd_collection in_and_out(nd_dataflow *flow, nd_collection a, nd_collection b)
{
    (void)b;
    nd_scope *const loop = nd_loop_new(nd_root(flow), "nested clock");
    return nd_dbsp_eliminate(nd_dbsp_delta0(loop, a));
}

/* --- Tests --- */

static void sums_and_changes_are_inverse(void **state)
{
    (void)state;
    expect_same(change_of_sum, plain);
    expect_same(sum_of_change, plain);
}

static void a_sum_is_a_circle_with_a_register(void **state)
{
    (void)state;
    expect_same(sum_by_register, sum);
}

static void a_delay_is_its_own_incremental_form(void **state)
{
    (void)state;
    expect_same(change_of_delayed_sum, delayed);
}

static void what_is_linear_is_its_own_incremental_form(void **state)
{
    (void)state;
    expect_same(incremental_map, plain_map);
}

static void a_chain_is_made_incremental_box_by_box(void **state)
{
    (void)state;
    expect_same(chain_as_a_whole, chain_box_by_box);
}

static void a_join_has_three_parts(void **state)
{
    (void)state;
    expect_same(incremental_join, join_by_rule);
    expect_same(incremental_join, plain_join);
}

static void a_circle_is_made_incremental_by_its_body(void **state)
{
    (void)state;
    expect_same(change_of_circle, circle_of_changes);
}

static void operators_on_collections_are_the_incremental_ones(void **state)
{
    (void)state;
    expect_same(incremental_distinct, plain_distinct);
    expect_same(incremental_greatest, plain_greatest);
}

static void a_nested_clock_is_entered_and_left(void **state)
{
    (void)state;
    expect_same(in_and_out, plain);
}

/* --- Texts --- */

typedef struct word {
    nd_bytes text;
} word;
static const nd_type word_type = ND_TYPE(word, 1, ND_FIELD(word, text));

/* Without a step in between: so several ticks become complete at once. */
static void feed_words(nd_input *input)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (uint64_t tick = 0; tick < 3; tick++) {
        nd_input_advance(input, tick);
        nd_collection_insert(input, &(word){{letters + 8 * tick, 8}});
    }
}

static nd_collection sum_of_words(nd_dataflow *flow, nd_collection input)
{
    (void)flow;
    return nd_dbsp_integrate(input, 3);
}

static void texts_outlive_all_ticks_of_a_round(void **state)
{
    (void)state;
    query_expect(&word_type, sum_of_words, feed_words,
                 "+1 (0) abcdefgh\n+1 (1) abcdefgh\n+1 (1) ijklmnop\n+1 (2) abcdefgh\n"
                 "+1 (2) ijklmnop\n+1 (2) qrstuvwx\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_changes_are_inverse),
        cmocka_unit_test(a_sum_is_a_circle_with_a_register),
        cmocka_unit_test(a_delay_is_its_own_incremental_form),
        cmocka_unit_test(what_is_linear_is_its_own_incremental_form),
        cmocka_unit_test(a_chain_is_made_incremental_box_by_box),
        cmocka_unit_test(a_join_has_three_parts),
        cmocka_unit_test(a_circle_is_made_incremental_by_its_body),
        cmocka_unit_test(operators_on_collections_are_the_incremental_ones),
        cmocka_unit_test(a_nested_clock_is_entered_and_left),
        cmocka_unit_test(texts_outlive_all_ticks_of_a_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
