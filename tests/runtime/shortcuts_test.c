/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which locations become nodes and which are passed through, and along which summaries.
 */
#include "runtime/shortcuts.h"

#include <stdlib.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static nd_arc keep(uint32_t from, uint32_t to) { return (nd_arc){from, to, nd_summary_identity()}; }

static nd_arc advance(uint32_t from, uint32_t to, uint32_t by)
{
    return (nd_arc){from, to, nd_summary_advance(0, by)};
}

static void expect_route(const nd_shortcuts *shortcuts, nd_shortcut shortcut, uint32_t location,
                         uint32_t by)
{
    assert_int_not_equal(shortcut.node, ND_NO_NODE);
    assert_int_equal(shortcuts->locations[shortcut.node], location);
    const nd_summary expected = nd_summary_advance(0, by);
    assert_memory_equal(&shortcuts->summaries[shortcut.summary], &expected, sizeof(expected));
    assert_int_equal(shortcut.summary == ND_IDENTITY_SUMMARY, by == 0);
}

static void chain_of_relays_leads_to_what_is_watched(void **state)
{
    (void)state;
    const nd_arc edges[] = {advance(0, 1, 1), keep(1, 2), advance(2, 3, 2), keep(3, 4)};
    const bool watched[] = {false, false, false, true, false};
    const nd_topology topology = {5, edges, N_OF(edges), watched};
    nd_shortcuts shortcuts;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.n_nodes, 1);
    expect_route(&shortcuts, shortcuts.from[0], 3, 3);
    expect_route(&shortcuts, shortcuts.from[1], 3, 2);
    expect_route(&shortcuts, shortcuts.from[2], 3, 2);
    expect_route(&shortcuts, shortcuts.from[3], 3, 0);
    assert_int_equal(shortcuts.from[4].node, ND_NO_NODE); /* nobody looks behind it */
    assert_int_equal(shortcuts.first[1], 0);
    nd_shortcuts_deinit(&shortcuts);
}

static void loop_around_one_watched_location_is_one_edge(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(1, 2), advance(2, 3, 1), keep(3, 0)};
    const bool watched[] = {true, false, false, false};
    const nd_topology topology = {4, edges, N_OF(edges), watched};
    nd_shortcuts shortcuts;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.n_nodes, 1);
    assert_int_equal(shortcuts.first[1], 1);
    expect_route(&shortcuts, shortcuts.next[0], 0, 1);
    expect_route(&shortcuts, shortcuts.from[1], 0, 1);
    expect_route(&shortcuts, shortcuts.from[3], 0, 0);
    nd_shortcuts_deinit(&shortcuts);
}

static void location_with_two_ways_that_matter_is_a_node(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(1, 2), keep(1, 3), keep(1, 4)};
    const bool both[] = {false, false, true, true, false};
    nd_topology topology = {5, edges, N_OF(edges), both};
    nd_shortcuts shortcuts;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.n_nodes, 3);
    expect_route(&shortcuts, shortcuts.from[0], 1, 0);
    expect_route(&shortcuts, shortcuts.from[1], 1, 0);
    nd_shortcuts_deinit(&shortcuts);
    const bool one[] = {false, false, true, false, false};
    topology.watched = one;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.n_nodes, 1);
    expect_route(&shortcuts, shortcuts.from[0], 2, 0);
    nd_shortcuts_deinit(&shortcuts);
}

static void cycle_that_nobody_watches_is_left_out(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(1, 2), advance(2, 1, 1)};
    const bool watched[] = {true, false, false};
    const nd_topology topology = {3, edges, N_OF(edges), watched};
    nd_shortcuts shortcuts;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.n_nodes, 1);
    assert_int_equal(shortcuts.first[1], 0);
    assert_int_equal(shortcuts.from[1].node, ND_NO_NODE);
    assert_int_equal(shortcuts.from[2].node, ND_NO_NODE);
    nd_shortcuts_deinit(&shortcuts);
}

static void everything_is_a_node_if_everything_is_watched(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(1, 2), advance(2, 0, 1)};
    const nd_topology topology = {3, edges, N_OF(edges), NULL};
    nd_shortcuts shortcuts;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.n_nodes, 3);
    for (uint32_t i = 0; i < 3; i++) {
        expect_route(&shortcuts, shortcuts.from[i], i, 0);
        expect_route(&shortcuts, shortcuts.next[i], (i + 1) % 3, i == 2);
    }
    nd_shortcuts_deinit(&shortcuts);
}

static void path_that_no_time_survives_is_no_path(void **state)
{
    (void)state;
    const nd_arc edges[] = {advance(0, 1, UINT32_MAX), advance(1, 2, 1)};
    const bool watched[] = {false, false, true};
    const nd_topology topology = {3, edges, N_OF(edges), watched};
    nd_shortcuts shortcuts;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.from[0].node, ND_NO_NODE);
    expect_route(&shortcuts, shortcuts.from[1], 2, 1);
    nd_shortcuts_deinit(&shortcuts);
}

static void hundred_thousand_relays_are_one_step(void **state)
{
    (void)state;
    const uint32_t n = 100000;
    nd_arc *edges = malloc(n * sizeof(*edges));
    bool *watched = calloc(n, sizeof(*watched));
    assert_true(edges != NULL && watched != NULL);
    for (uint32_t i = 0; i < n; i++)
        edges[i] = i + 1 < n ? keep(i, i + 1) : advance(i, 0, 1);
    watched[n / 2] = true;
    const nd_topology topology = {n, edges, n, watched};
    nd_shortcuts shortcuts;
    assert_int_equal(nd_shortcuts_init(&shortcuts, &topology, NULL), ND_OK);
    assert_int_equal(shortcuts.n_nodes, 1);
    assert_int_equal(shortcuts.n_summaries, 2);
    expect_route(&shortcuts, shortcuts.from[0], n / 2, 0);
    expect_route(&shortcuts, shortcuts.from[n - 1], n / 2, 1);
    nd_shortcuts_deinit(&shortcuts);
    free(edges);
    free(watched);
}

static nd_err make(void *arg)
{
    (void)arg;
    const nd_arc edges[] = {advance(0, 1, 1), keep(1, 2), advance(2, 3, 2), advance(3, 0, 1)};
    const bool watched[] = {false, false, true, false};
    const nd_topology topology = {4, edges, N_OF(edges), watched};
    nd_shortcuts shortcuts;
    const nd_err err = nd_shortcuts_init(&shortcuts, &topology, NULL);
    nd_shortcuts_deinit(&shortcuts);
    return err;
}

static void routes_survive_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(make, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_of_relays_leads_to_what_is_watched),
        cmocka_unit_test(loop_around_one_watched_location_is_one_edge),
        cmocka_unit_test(location_with_two_ways_that_matter_is_a_node),
        cmocka_unit_test(cycle_that_nobody_watches_is_left_out),
        cmocka_unit_test(everything_is_a_node_if_everything_is_watched),
        cmocka_unit_test(path_that_no_time_survives_is_no_path),
        cmocka_unit_test(hundred_thousand_relays_are_one_step),
        cmocka_unit_test(routes_survive_failing_memory),
    };
    return cmocka_run_group_tests_name("shortcuts", tests, NULL, NULL);
}
