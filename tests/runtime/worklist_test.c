/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worklist: path order, and equal entries added up.
 */
#include "runtime/worklist.h"

#include <stdlib.h>

#include "runtime/coordinate.h"
#include "tests/runtime/random_graph.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* Nodes 0 and 1 are one behind the other; 2 and 3 follow, in a loop of which 3 is the beginning. */
static const uint32_t places[4][ND_COORDINATES] = {{0}, {1}, {2, 1}, {2, 0}};

static nd_err push(nd_worklist *list, nd_time time, uint32_t node, int32_t delta)
{
    nd_work *work = nd_worklist_slot(list);
    if (work == NULL)
        return ND_NOMEM;
    *work = (nd_work){time, node, delta};
    nd_worklist_push(list);
    return ND_OK;
}

static int order(const nd_work *a, const nd_work *b)
{
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        const uint64_t x = nd_time_coordinate(&a->time, k);
        const uint64_t y = nd_time_coordinate(&b->time, k);
        if (x != y)
            return x < y ? -1 : 1;
        if (places[a->node][k] != places[b->node][k])
            return places[a->node][k] < places[b->node][k] ? -1 : 1;
    }
    return 0;
}

static void times_and_places_take_turns(void **state)
{
    (void)state;
    nd_worklist list;
    nd_worklist_init(&list, places[0]);
    const nd_work expected[] = {
        {{0, {0}}, 0, 1}, {{0, {5}}, 1, 1}, {{0, {0}}, 2, 1}, {{0, {1}}, 3, 1},
        {{0, {1}}, 2, 1}, {{0, {2}}, 3, 1}, {{1, {0}}, 0, 1}, {{1, {0}}, 1, 1},
    };
    const size_t n = sizeof(expected) / sizeof(expected[0]);
    for (size_t i = 0; i < n; i++) {
        const nd_work *work = &expected[i * 3 % n];
        assert_int_equal(push(&list, work->time, work->node, work->delta), ND_OK);
    }
    nd_work work;
    for (size_t i = 0; i < n; i++) {
        assert_true(nd_worklist_pop(&list, &work));
        assert_int_equal(work.node, expected[i].node);
        assert_true(nd_time_equal(&work.time, &expected[i].time));
    }
    assert_false(nd_worklist_pop(&list, &work));
    nd_worklist_deinit(&list);
}

static void equal_entries_are_added_up(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    nd_worklist list;
    nd_worklist_init(&list, places[0]);
    for (unsigned run = 0; run < 500; run++) {
        int64_t pushed[4] = {0};
        for (uint64_t n = nd_random_below(&random, 60); n > 0; n--) {
            const nd_time time = random_graph_time(&random, 2, 3, false);
            const uint32_t node = (uint32_t)nd_random_below(&random, 4);
            const int32_t delta = (int32_t)nd_random_below(&random, 5) - 2;
            pushed[node] += delta * (int64_t)(1 + time.epoch);
            assert_int_equal(push(&list, time, node, delta), ND_OK);
        }
        nd_work last = {{0}, 0, 0};
        nd_work work;
        for (bool first = true; nd_worklist_pop(&list, &work); first = false) {
            assert_true(first || order(&last, &work) < 0);
            pushed[work.node] -= work.delta * (int64_t)(1 + work.time.epoch);
            last = work;
        }
        for (unsigned node = 0; node < 4; node++)
            assert_int_equal(pushed[node], 0);
    }
    nd_worklist_deinit(&list);
}

static void slot_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    nd_worklist list;
    nd_worklist_init(&list, places[0]);
    nd_work work;
    assert_non_null(nd_worklist_slot(&list));
    assert_false(nd_worklist_pop(&list, &work));
    nd_worklist_deinit(&list);
}

static nd_err push_many(void *arg)
{
    (void)arg;
    nd_worklist list;
    nd_worklist_init(&list, places[0]);
    nd_err err = ND_OK;
    for (uint64_t i = 0; i < 50 && err == ND_OK; i++)
        err = push(&list, (nd_time){.epoch = 50 - i}, 0, 1);
    nd_worklist_deinit(&list);
    return err;
}

static void worklist_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(push_many, NULL) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_places_take_turns),
        cmocka_unit_test(equal_entries_are_added_up),
        cmocka_unit_test(slot_that_is_given_up_leaves_nothing),
        cmocka_unit_test(worklist_survives_failing_memory),
    };
    return cmocka_run_group_tests_name("worklist", tests, NULL, NULL);
}
