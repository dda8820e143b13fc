/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summaries: composing is applying one after the other, overflow included; applying is monotone.
 */
#include "runtime/summary.h"

#include "runtime/coordinate.h"
#include "tests/runtime/random_graph.h"
#include "tests/support/cmocka.h"

enum { N_RUNS = 50000, STEPS = 4 };

static nd_time some_time(nd_random *random)
{
    const bool near_end = nd_random_below(random, 2) == 0;
    return random_graph_time(random, ND_MAX_LOOPS, 4, near_end);
}

/* The identity, a way out, a feedback or a delay; some so long that two of them never fit. */
static nd_summary some_step(nd_random *random)
{
    const unsigned loop = (unsigned)nd_random_below(random, ND_MAX_LOOPS);
    const bool huge = nd_random_below(random, 16) == 0;
    const nd_time by = random_graph_time(random, ND_MAX_LOOPS, 2, huge);
    switch (nd_random_below(random, 4)) {
    case 0:
        return nd_summary_identity();
    case 1:
        return nd_summary_leave(loop);
    case 2:
        return nd_summary_advance(loop, 1 + (uint32_t)nd_random_below(random, 3));
    default:
        return nd_summary_add(&by);
    }
}

static nd_summary some_path(nd_random *random)
{
    nd_summary path = some_step(random);
    for (uint64_t n = nd_random_below(random, STEPS); n > 0; n--) {
        const nd_summary step = some_step(random);
        nd_summary_compose(&path, &step, &path);
    }
    return path;
}

static void steps_do_what_they_say(void **state)
{
    (void)state;
    const nd_time time = {5, {1, 2, 3, 4}};
    const nd_summary identity = nd_summary_identity();
    const nd_summary leave = nd_summary_leave(1);
    const nd_summary advance = nd_summary_advance(3, 10);
    const nd_summary add = nd_summary_add(&(nd_time){1, {0, 1}});
    nd_time out = {0, {0}};
    assert_true(nd_summary_apply(&identity, &time, &out));
    assert_true(nd_time_equal(&out, &time));
    assert_true(nd_summary_apply(&leave, &time, &out));
    assert_true(nd_time_equal(&out, &(nd_time){5, {1, 0, 3, 4}}));
    assert_true(nd_summary_apply(&advance, &time, &out));
    assert_true(nd_time_equal(&out, &(nd_time){5, {1, 2, 3, 14}}));
    assert_true(nd_summary_apply(&add, &time, &out));
    assert_true(nd_time_equal(&out, &(nd_time){6, {1, 3, 3, 4}}));
}

static void steps_tell_what_they_change(void **state)
{
    (void)state;
    const nd_summary leave = nd_summary_leave(1);
    const nd_summary add = nd_summary_add(&(nd_time){1, {0, 1}});
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        assert_int_equal(nd_summary_clears(&leave, k), k == 2);
        assert_false(nd_summary_adds(&leave, k));
        assert_int_equal(nd_summary_adds(&add, k), k == 0 || k == 2);
        assert_false(nd_summary_clears(&add, k));
    }
    const nd_summary identity = nd_summary_identity();
    assert_true(nd_summary_is_identity(&identity));
    assert_false(nd_summary_is_identity(&leave));
    assert_false(nd_summary_is_identity(&add));
}

static void identity_is_what_a_zeroed_summary_is(void **state)
{
    (void)state;
    const nd_summary zeroed = {.clears = 0};
    assert_true(nd_summary_is_identity(&zeroed));
}

static void overflow_is_no_path(void **state)
{
    (void)state;
    const nd_summary round = nd_summary_advance(0, 1);
    const nd_summary epoch = nd_summary_add(&(nd_time){1, {0}});
    nd_time out = {42, {42}};
    assert_false(nd_summary_apply(&round, &(nd_time){0, {UINT32_MAX}}, &out));
    assert_false(nd_summary_apply(&epoch, &(nd_time){UINT64_MAX, {0}}, &out));
    assert_true(nd_time_equal(&out, &(nd_time){42, {42}}));
    assert_true(nd_summary_apply(&round, &(nd_time){0, {UINT32_MAX - 1}}, &out));
    assert_true(nd_time_equal(&out, &(nd_time){0, {UINT32_MAX}}));
}

static void overflow_before_a_way_out_is_no_path_either(void **state)
{
    (void)state;
    const nd_summary round = nd_summary_advance(0, 1);
    const nd_summary leave = nd_summary_leave(0);
    nd_summary both = {.clears = 0};
    nd_time out = {0, {0}};
    assert_true(nd_summary_compose(&round, &leave, &both));
    assert_false(nd_summary_apply(&both, &(nd_time){7, {UINT32_MAX}}, &out));
    assert_true(nd_summary_apply(&both, &(nd_time){7, {UINT32_MAX - 1}}, &out));
    assert_true(nd_time_equal(&out, &(nd_time){7, {0}}));
}

static void composing_is_applying_one_after_the_other(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    unsigned n_paths = 0;
    unsigned n_overflows = 0;
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_summary first = some_path(&random);
        const nd_summary then = some_path(&random);
        const nd_time time = some_time(&random);
        nd_time middle = {0, {0}};
        nd_time expected = {0, {0}};
        const bool arrives =
            nd_summary_apply(&first, &time, &middle) && nd_summary_apply(&then, &middle, &expected);
        nd_summary both = {.clears = 0};
        nd_time out = {0, {0}};
        const bool composed =
            nd_summary_compose(&first, &then, &both) && nd_summary_apply(&both, &time, &out);
        assert_int_equal(composed, arrives);
        if (arrives)
            assert_true(nd_time_equal(&out, &expected));
        n_paths += arrives;
        n_overflows += !arrives;
    }
    assert_true(n_paths > N_RUNS / 10 && n_overflows > N_RUNS / 10);
}

static void composing_fails_only_when_no_time_survives(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 2);
    unsigned n_failed = 0;
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_summary first = some_path(&random);
        const nd_summary then = some_path(&random);
        const nd_time least = {0, {0}};
        nd_time out = {0, {0}};
        nd_summary both = {.clears = 0};
        const bool arrives =
            nd_summary_apply(&first, &least, &out) && nd_summary_apply(&then, &out, &out);
        assert_int_equal(nd_summary_compose(&first, &then, &both), arrives);
        n_failed += !arrives;
    }
    assert_true(n_failed > 0);
}

static void composing_is_associative_with_identity(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 3);
    const nd_summary identity = nd_summary_identity();
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_summary a = some_path(&random);
        const nd_summary b = some_path(&random);
        const nd_summary c = some_path(&random);
        nd_summary left = a;
        nd_summary right = b;
        const bool is_left =
            nd_summary_compose(&left, &b, &left) && nd_summary_compose(&left, &c, &left);
        const bool is_right =
            nd_summary_compose(&right, &c, &right) && nd_summary_compose(&a, &right, &right);
        assert_int_equal(is_left, is_right);
        if (is_left)
            assert_memory_equal(&left, &right, sizeof(left));
        nd_summary same = {.clears = 0};
        assert_true(nd_summary_compose(&a, &identity, &same));
        assert_memory_equal(&same, &a, sizeof(a));
        assert_true(nd_summary_compose(&identity, &a, &same));
        assert_memory_equal(&same, &a, sizeof(a));
    }
}

static void applying_is_monotone(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 4);
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_summary path = some_path(&random);
        const nd_time a = some_time(&random);
        const nd_time b = some_time(&random);
        const nd_time meet = nd_time_meet(&a, &b);
        nd_time low = {0, {0}};
        nd_time high = {0, {0}};
        if (!nd_summary_apply(&path, &a, &high))
            continue;
        assert_true(nd_summary_apply(&path, &meet, &low));
        assert_true(nd_time_less_equal(&low, &high));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_do_what_they_say),
        cmocka_unit_test(steps_tell_what_they_change),
        cmocka_unit_test(identity_is_what_a_zeroed_summary_is),
        cmocka_unit_test(overflow_is_no_path),
        cmocka_unit_test(overflow_before_a_way_out_is_no_path_either),
        cmocka_unit_test(composing_is_applying_one_after_the_other),
        cmocka_unit_test(composing_fails_only_when_no_time_survives),
        cmocka_unit_test(composing_is_associative_with_identity),
        cmocka_unit_test(applying_is_monotone),
    };
    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
