/* SPDX-License-Identifier: Apache-2.0 */
/* The table of edges, against one that is looked through. */
#include "operators/graph/edge_counts.h"

#include <inttypes.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { VERTICES = 12, WEIGHTS = 3, EDGES = VERTICES * VERTICES * WEIGHTS, STEPS = 20000 };

static nd_edge edge_of(size_t number)
{
    static const double weights[WEIGHTS] = {1, 0, 0.25};
    const uint64_t high = UINT64_C(1) << 60;
    return (nd_edge){number % VERTICES * high, number / VERTICES % VERTICES,
                     weights[number / VERTICES / VERTICES]};
}

static bool is_loop(nd_edge edge) { return edge.src == edge.dst; }

static void random_changes_are_counted_as_a_plain_list_counts_them(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        nd_random random;
        edge_counts counts = {.slots = NULL};
        uint64_t wanted[EDGES] = {0};
        size_t len = 0, n_loops = 0;
        nd_random_init(&random, seed);
        for (int step = 0; step < STEPS; step++) {
            /* long stretches of growing and of shrinking */
            const bool comes = nd_random_chance(&random, step / 4000 % 2 == 0 ? 0.7 : 0.3);
            const size_t number = nd_random_below(&random, 1 + seed * EDGES / 20);
            const nd_edge edge = edge_of(number);
            if (comes) {
                assert_int_equal(edge_counts_add(&counts, &edge), ND_OK);
                len += wanted[number] == 0;
                n_loops += wanted[number]++ == 0 && is_loop(edge);
            } else if (edge_counts_remove(&counts, &edge) != (wanted[number] > 0)) {
                fail_msg("seed %" PRIu64 ", step %d", seed, step);
            } else if (wanted[number] > 0) {
                len -= wanted[number] == 1;
                n_loops -= wanted[number]-- == 1 && is_loop(edge);
            }
            if (counts.len != len || counts.n_loops != n_loops)
                fail_msg("seed %" PRIu64 ", step %d: %zu edges", seed, step, counts.len);
        }
        edge_counts_deinit(&counts);
    }
}

static void room_is_given_back(void **state)
{
    (void)state;
    edge_counts counts = {.slots = NULL};
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(edge_counts_add(&counts, &(nd_edge){i, i + 1, 1}), ND_OK);
    assert_true(counts.n_slots >= 100000);
    for (uint64_t i = 0; i < 99990; i++)
        assert_true(edge_counts_remove(&counts, &(nd_edge){i, i + 1, 1}));
    assert_true(counts.n_slots <= 128);
    for (uint64_t i = 99990; i < 100000; i++)
        assert_true(edge_counts_remove(&counts, &(nd_edge){i, i + 1, 1}));
    assert_false(edge_counts_remove(&counts, &(nd_edge){1, 2, 1}));
    edge_counts_deinit(&counts);
}

static nd_err grow(void *arg)
{
    edge_counts counts = {.slots = NULL};
    nd_err err = ND_OK;
    (void)arg;
    for (uint64_t i = 0; i < 200 && err == ND_OK; i++)
        err = edge_counts_add(&counts, &(nd_edge){i, i, 1});
    edge_counts_deinit(&counts);
    return err;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(grow, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_are_counted_as_a_plain_list_counts_them),
        cmocka_unit_test(room_is_given_back),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
