/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Antichains: whatever is inserted in whatever order, the minimal times are left, once each.
 */
#include "runtime/antichain.h"

#include <stdlib.h>
#include <string.h>

#include "tests/runtime/random_graph.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { N_RUNS = 3000, MOST = 40 };

static bool is_minimal(const nd_time *times, size_t len, const nd_time *time)
{
    for (size_t i = 0; i < len; i++) {
        if (nd_time_less_equal(&times[i], time) && !nd_time_equal(&times[i], time))
            return false;
    }
    return true;
}

static void insert_all(nd_antichain *antichain, const nd_time *times, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(nd_antichain_insert(antichain, &times[i]), ND_OK);
}

static size_t some_times(nd_random *random, nd_time *times)
{
    const size_t len = nd_random_below(random, MOST);
    const uint64_t most = 2 + nd_random_below(random, 9);
    const unsigned n_loops = (unsigned)nd_random_below(random, 3);
    for (size_t i = 0; i < len; i++)
        times[i] = random_graph_time(random, n_loops, most, false);
    return len;
}

static void antichain_keeps_exactly_the_minimal_times(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned run = 0; run < N_RUNS; run++) {
        nd_time times[MOST];
        const size_t len = some_times(&random, times);
        nd_antichain antichain;
        nd_antichain_init(&antichain);
        insert_all(&antichain, times, len);
        assert_true(nd_antichain_validate(&antichain));
        for (size_t i = 0; i < len; i++)
            assert_int_equal(nd_antichain_contains(&antichain, &times[i]),
                             is_minimal(times, len, &times[i]));
        for (size_t i = 0; i < antichain.len; i++)
            assert_true(is_minimal(times, len, &nd_antichain_items(&antichain)[i]));
        nd_antichain_deinit(&antichain);
    }
}

static bool is_same(const nd_antichain *a, const nd_antichain *b)
{
    return a->len == b->len &&
           memcmp(nd_antichain_items(a), nd_antichain_items(b), a->len * sizeof(nd_time)) == 0;
}

static void antichain_does_not_depend_on_the_order_of_insertion(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 2);
    for (unsigned run = 0; run < N_RUNS; run++) {
        nd_time times[MOST];
        const size_t len = some_times(&random, times);
        nd_antichain a = {.len = 0};
        nd_antichain b = {.len = 0};
        insert_all(&a, times, len);
        for (size_t i = len; i > 1; i--) {
            const size_t j = nd_random_below(&random, i);
            const nd_time moved = times[i - 1];
            times[i - 1] = times[j];
            times[j] = moved;
        }
        insert_all(&b, times, len);
        assert_true(is_same(&a, &b));
        nd_antichain_deinit(&a);
        nd_antichain_deinit(&b);
    }
}

static void equal_sets_are_equal_bytes(void **state)
{
    (void)state;
    const nd_time times[] = {{1, {2}}, {2, {1}}};
    nd_antichain a = {.len = 0};
    nd_antichain b = {.len = 0};
    insert_all(&a, times, 2);
    assert_false(is_same(&a, &b));
    insert_all(&b, &times[1], 1);
    assert_false(is_same(&a, &b));
    insert_all(&b, times, 1);
    assert_true(is_same(&a, &b));
    assert_memory_equal(nd_antichain_items(&a), nd_antichain_items(&b), sizeof(times));
    nd_antichain_deinit(&a);
    nd_antichain_deinit(&b);
}

static void antichain_answers_what_is_at_or_after_it(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 3);
    for (unsigned run = 0; run < N_RUNS; run++) {
        nd_time times[MOST];
        const size_t len = some_times(&random, times);
        const nd_time time = random_graph_time(&random, 2, 11, false);
        nd_antichain antichain = {.len = 0};
        insert_all(&antichain, times, len);
        bool less_equal = false;
        for (size_t i = 0; i < len; i++)
            less_equal = less_equal || nd_time_less_equal(&times[i], &time);
        assert_int_equal(nd_antichain_less_equal(&antichain, &time), less_equal);
        const nd_time *below = nd_antichain_below(&antichain, &time);
        assert_int_equal(below != NULL, less_equal);
        assert_true(below == NULL || nd_time_less_equal(below, &time));
        nd_antichain_deinit(&antichain);
    }
}

static void removing_leaves_the_others(void **state)
{
    (void)state;
    const nd_time times[] = {{1, {4}}, {2, {3}}, {3, {2}}, {4, {1}}};
    nd_antichain antichain = {.len = 0};
    insert_all(&antichain, times, 4);
    assert_int_equal(antichain.len, 4);
    assert_false(nd_antichain_remove(&antichain, &(nd_time){2, {4}}));
    assert_true(nd_antichain_remove(&antichain, &times[1]));
    assert_false(nd_antichain_remove(&antichain, &times[1]));
    assert_int_equal(antichain.len, 3);
    assert_true(nd_antichain_contains(&antichain, &times[0]));
    assert_true(nd_antichain_contains(&antichain, &times[2]));
    assert_true(nd_antichain_contains(&antichain, &times[3]));
    nd_antichain_deinit(&antichain);
}

/* Takes out of `pending` what is due when `frontier` is all that may still come; returns how many.
 */
static size_t take_due(nd_time *pending, size_t *n_pending, const nd_antichain *frontier,
                       nd_time *due)
{
    size_t n_due = 0;
    size_t kept = 0;
    for (size_t i = 0; i < *n_pending; i++) {
        if (nd_antichain_less_equal(frontier, &pending[i]))
            pending[kept++] = pending[i];
        else
            due[n_due++] = pending[i];
    }
    *n_pending = kept;
    qsort(due, n_due, sizeof(nd_time), closure_order);
    return n_due;
}

static void what_is_due_comes_in_total_order(void **state)
{
    (void)state;
    nd_time pending[12] = {{3, {5}}, {5, {4}}, {1, {2}}, {1, {1}}, {6, {0}}, {6, {2}}, {5, {8}}};
    size_t n_pending = 7;
    nd_time due[12];
    nd_antichain frontier = {.len = 0};
    insert_all(&frontier, &(nd_time){0, {0}}, 1);
    assert_int_equal(take_due(pending, &n_pending, &frontier, due), 0);
    nd_antichain_deinit(&frontier);
    insert_all(&frontier, (nd_time[]){{5, {7}}, {6, {1}}}, 2);
    const nd_time first[] = {{1, {1}}, {1, {2}}, {3, {5}}, {5, {4}}, {6, {0}}};
    assert_int_equal(take_due(pending, &n_pending, &frontier, due), 5);
    assert_memory_equal(due, first, sizeof(first));
    pending[n_pending++] = (nd_time){5, {9}};
    nd_antichain_deinit(&frontier);
    insert_all(&frontier, &(nd_time){6, {10}}, 1);
    const nd_time second[] = {{5, {8}}, {5, {9}}, {6, {2}}};
    assert_int_equal(take_due(pending, &n_pending, &frontier, due), 3);
    assert_memory_equal(due, second, sizeof(second));
    assert_int_equal(n_pending, 0);
    nd_antichain_deinit(&frontier);
}

static nd_err grow(void *arg)
{
    (void)arg;
    nd_antichain a = {.len = 0};
    nd_err err = ND_OK;
    for (uint32_t i = 0; i < 20 && err == ND_OK; i++) {
        const size_t len = a.len;
        err = nd_antichain_insert(&a, &(nd_time){i, {20 - i}});
        assert_int_equal(a.len, len + (err == ND_OK));
        assert_true(nd_antichain_validate(&a));
    }
    nd_antichain_deinit(&a);
    return err;
}

static void antichain_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(grow, NULL) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(antichain_keeps_exactly_the_minimal_times),
        cmocka_unit_test(antichain_does_not_depend_on_the_order_of_insertion),
        cmocka_unit_test(equal_sets_are_equal_bytes),
        cmocka_unit_test(antichain_answers_what_is_at_or_after_it),
        cmocka_unit_test(removing_leaves_the_others),
        cmocka_unit_test(what_is_due_comes_in_total_order),
        cmocka_unit_test(antichain_survives_failing_memory),
    };
    return cmocka_run_group_tests_name("antichain", tests, NULL, NULL);
}
