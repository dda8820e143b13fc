/* SPDX-License-Identifier: Apache-2.0 */
/* What a process keeps back and what it tells, on a small graph: a source's output 0 leads to an
 * input 1 and through its vertex to an output 2, which leads back to 1, one round later. Two
 * processes have one worker each. */
#include "tests/support/cmocka.h"

#include "runtime/accumulator.h"
#include "tests/support/failing_memory.h"

enum { SOURCE, INPUT, OUTPUT, N_LOCATIONS };

static const nd_time zero = {0, {0}};

static nd_time round_of(uint32_t counter) { return (nd_time){0, {counter}}; }

static nd_err make(nd_publish_mode mode, nd_accumulator **accumulator)
{
    const nd_arc arcs[] = {
        {SOURCE, INPUT, nd_summary_identity()},
        {INPUT, OUTPUT, nd_summary_identity()},
        {OUTPUT, INPUT, nd_summary_advance(0, 1)},
    };
    const nd_topology topology = {.n_locations = N_LOCATIONS, .edges = arcs, .n_edges = 3};
    const nd_change initial = {SOURCE, zero, 2};
    return nd_accumulator_create(&topology, &initial, 1, mode, accumulator);
}

static nd_accumulator *made(nd_publish_mode mode)
{
    nd_accumulator *accumulator = NULL;
    assert_int_equal(make(mode, &accumulator), ND_OK);
    return accumulator;
}

/* Adds one frame and returns how many changes are told because of it. */
static size_t add(nd_accumulator *accumulator, bool is_own, const nd_change *changes, size_t len)
{
    const nd_change *told;
    size_t n_told;
    assert_int_equal(nd_accumulator_add(accumulator, changes, len, is_own), ND_OK);
    assert_int_equal(nd_accumulator_take(accumulator, &told, &n_told), ND_OK);
    return n_told;
}

static void eager_mode_tells_every_frame(void **state)
{
    (void)state;
    nd_accumulator *const accumulator = made(ND_PUBLISH_EAGER);
    assert_int_equal(add(accumulator, true, &(nd_change){INPUT, zero, 1}, 1), 1);
    assert_int_equal(add(accumulator, true, &(nd_change){INPUT, zero, -1}, 1), 1);
    assert_int_equal(add(accumulator, false, &(nd_change){INPUT, zero, 1}, 1), 0);
    nd_accumulator_destroy(accumulator);
}

static void rounds_of_a_loop_are_not_told_while_the_source_is_open(void **state)
{
    (void)state;
    nd_accumulator *const accumulator = made(ND_PUBLISH_DEMAND);
    assert_int_equal(add(accumulator, true, &(nd_change){INPUT, zero, 1}, 1), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        const nd_change changes[] = {{INPUT, round_of(i), -1}, {INPUT, round_of(i + 1), 1}};
        assert_int_equal(add(accumulator, true, changes, 2), 0);
    }
    /* all that is left of a thousand rounds */
    assert_int_equal(add(accumulator, true, &(nd_change){SOURCE, zero, -1}, 1), 2);
    nd_accumulator_destroy(accumulator);
}

static void what_others_tell_can_uncover_what_is_kept(void **state)
{
    (void)state;
    nd_accumulator *const accumulator = made(ND_PUBLISH_DEMAND);
    const nd_change mine[] = {{INPUT, zero, 1}, {SOURCE, zero, -1}};
    assert_int_equal(add(accumulator, true, mine, 2), 2);
    const nd_change next[] = {{INPUT, zero, -1}, {INPUT, round_of(1), 1}};
    assert_int_equal(add(accumulator, true, next, 2), 0); /* covered by the other's source */
    assert_int_equal(add(accumulator, false, &(nd_change){SOURCE, zero, -1}, 1), 2);
    nd_accumulator_destroy(accumulator);
}

static void the_view_counts_what_is_kept(void **state)
{
    (void)state;
    nd_accumulator *const accumulator = made(ND_PUBLISH_DEMAND);
    assert_false(nd_accumulator_is_empty(accumulator));
    assert_int_equal(add(accumulator, false, &(nd_change){SOURCE, zero, -1}, 1), 0);
    assert_int_equal(add(accumulator, true, &(nd_change){SOURCE, zero, -1}, 1), 1);
    assert_true(nd_accumulator_is_empty(accumulator));
    nd_accumulator_destroy(accumulator);
}

static void a_location_that_is_not_there_is_refused(void **state)
{
    (void)state;
    nd_accumulator *const accumulator = made(ND_PUBLISH_DEMAND);
    const nd_change bad = {N_LOCATIONS, zero, 1};
    assert_int_equal(nd_accumulator_add(accumulator, &bad, 1, false), ND_PROTO);
    nd_accumulator_destroy(accumulator);
}

static nd_err attempt(void *arg)
{
    (void)arg;
    nd_accumulator *accumulator = NULL;
    ND_TRY(make(ND_PUBLISH_DEMAND, &accumulator));
    const nd_change *told;
    size_t len;
    nd_err err = ND_OK;
    for (uint32_t i = 0; i < 40 && err == ND_OK; i++) {
        const nd_change changes[] = {{INPUT, round_of(i), 1}, {OUTPUT, round_of(i), 1}};
        err = nd_accumulator_add(accumulator, changes, 2, i % 2 == 0);
        if (err == ND_OK)
            err = nd_accumulator_take(accumulator, &told, &len);
    }
    nd_accumulator_destroy(accumulator);
    return err;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    failing_memory_sweep(attempt, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eager_mode_tells_every_frame),
        cmocka_unit_test(rounds_of_a_loop_are_not_told_while_the_source_is_open),
        cmocka_unit_test(what_others_tell_can_uncover_what_is_kept),
        cmocka_unit_test(the_view_counts_what_is_kept),
        cmocka_unit_test(a_location_that_is_not_there_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
