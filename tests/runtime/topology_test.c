/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cycles are legal, who is named when one is not, and that path order grows along every edge.
 */
#include "runtime/topology.h"

#include <stdlib.h>

#include <nereid/memory.h>

#include "tests/runtime/random_graph.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static nd_arc keep(uint32_t from, uint32_t to) { return (nd_arc){from, to, nd_summary_identity()}; }

static nd_arc leave(uint32_t from, uint32_t to, unsigned loop)
{
    return (nd_arc){from, to, nd_summary_leave(loop)};
}

static nd_arc feedback(uint32_t from, uint32_t to, unsigned loop)
{
    return (nd_arc){from, to, nd_summary_advance(loop, 1)};
}

static nd_err verdict(uint32_t n_locations, const nd_arc *edges, size_t n_edges)
{
    const nd_topology topology = {n_locations, edges, n_edges, NULL};
    return nd_topology_places(&topology, NULL, NULL);
}

static void chain_is_accepted(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(1, 2), keep(2, 3), keep(3, 4), keep(4, 5)};
    assert_int_equal(verdict(6, edges, N_OF(edges)), ND_OK);
    assert_int_equal(verdict(6, NULL, 0), ND_OK);
    assert_int_equal(verdict(0, NULL, 0), ND_OK);
}

static void cycle_of_identities_is_refused_by_name(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(6, 0), keep(0, 1), keep(1, 2), keep(2, 3),
                            keep(3, 4), keep(4, 5), keep(5, 0), keep(3, 7)};
    const nd_topology topology = {8, edges, N_OF(edges), NULL};
    nd_cycle cycle;
    assert_int_equal(nd_topology_places(&topology, NULL, &cycle), ND_INVAL);
    assert_int_equal(cycle.len, 6);
    for (size_t i = 0; i < cycle.len; i++)
        assert_int_equal(cycle.locations[i], (cycle.locations[0] + i) % 6);
    nd_free(cycle.locations);
}

static void cycle_of_one_location_is_refused_by_name(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(1, 1)};
    const nd_topology topology = {2, edges, N_OF(edges), NULL};
    nd_cycle cycle;
    assert_int_equal(nd_topology_places(&topology, NULL, &cycle), ND_INVAL);
    assert_int_equal(cycle.len, 1);
    assert_int_equal(cycle.locations[0], 1);
    nd_free(cycle.locations);
}

/* Two inputs (0, 1) and two outputs (2, 3), each output wired to the opposite input. */
static void ports_and_not_vertices_are_analysed(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 2), feedback(1, 3, 0), keep(2, 1), keep(3, 0)};
    assert_int_equal(verdict(4, edges, N_OF(edges)), ND_OK);
}

static void cycles_that_advance_are_accepted(void **state)
{
    (void)state;
    const nd_arc epoch[] = {keep(0, 1), {1, 0, nd_summary_add(&(nd_time){1, {0}})}};
    assert_int_equal(verdict(2, epoch, N_OF(epoch)), ND_OK);
    const nd_arc outer_round[] = {keep(0, 1), feedback(1, 1, 1), leave(1, 2, 1), feedback(2, 0, 0)};
    assert_int_equal(verdict(3, outer_round, N_OF(outer_round)), ND_OK);
    const nd_arc one_after_the_other[] = {leave(0, 1, 0), keep(1, 2), leave(2, 3, 0),
                                          feedback(0, 0, 0), feedback(2, 2, 0)};
    assert_int_equal(verdict(4, one_after_the_other, N_OF(one_after_the_other)), ND_OK);
}

static void cycles_through_a_way_out_are_refused(void **state)
{
    (void)state;
    const nd_arc again[] = {leave(0, 1, 0), keep(1, 0)};
    assert_int_equal(verdict(2, again, N_OF(again)), ND_INVAL);
    const nd_arc fed_back_inside[] = {leave(0, 1, 0), feedback(1, 0, 0)};
    assert_int_equal(verdict(2, fed_back_inside, N_OF(fed_back_inside)), ND_INVAL);
    const nd_arc no_outer_feedback[] = {keep(0, 1), feedback(1, 1, 1), leave(1, 2, 1), keep(2, 0)};
    assert_int_equal(verdict(3, no_outer_feedback, N_OF(no_outer_feedback)), ND_INVAL);
}

static void verdict_is_that_of_the_definition(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    closure_graph *graph = malloc(sizeof(*graph));
    nd_arc *edges = malloc(CLOSURE_EDGES * sizeof(*edges));
    assert_true(graph != NULL && edges != NULL);
    unsigned n_legal = 0;
    const unsigned n_runs = 10000;
    for (unsigned run = 0; run < n_runs; run++) {
        random_graph_any(&random, graph);
        closure_edges(graph, edges);
        const nd_topology topology = {graph->n_locations, edges, graph->n_edges, NULL};
        nd_cycle cycle = {.len = 0};
        const bool legal = nd_topology_places(&topology, NULL, &cycle) == ND_OK;
        assert_int_equal(legal, closure_is_legal(graph));
        assert_int_equal(legal, !closure_is_culprit(graph, &cycle));
        nd_free(cycle.locations);
        n_legal += legal;
    }
    assert_true(n_legal > n_runs / 10 && n_legal < n_runs - n_runs / 10);
    free(graph);
    free(edges);
}

/* Path order, from its definition. */
static int path_order(const nd_time *a, const uint32_t *a_places, const nd_time *b,
                      const uint32_t *b_places)
{
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        const uint64_t x = nd_time_coordinate(a, k);
        const uint64_t y = nd_time_coordinate(b, k);
        if (x != y)
            return x < y ? -1 : 1;
        if (a_places[k] != b_places[k])
            return a_places[k] < b_places[k] ? -1 : 1;
    }
    return 0;
}

static void check_growth(nd_random *random, const closure_graph *graph, const nd_arc *edges)
{
    uint32_t places[CLOSURE_LOCATIONS][ND_COORDINATES];
    const nd_topology topology = {graph->n_locations, edges, graph->n_edges, NULL};
    assert_int_equal(nd_topology_places(&topology, places[0], NULL), ND_OK);
    for (size_t i = 0; i < graph->n_edges; i++) {
        for (unsigned n = 0; n < 10; n++) {
            const unsigned n_loops = graph->n_loops[edges[i].from];
            const nd_time before = random_graph_time(random, n_loops, 4, false);
            nd_time after = {0, {0}};
            assert_true(nd_summary_apply(&edges[i].summary, &before, &after));
            assert_true(path_order(&before, places[edges[i].from], &after, places[edges[i].to]) <
                        0);
        }
    }
    for (uint32_t a = 0; a < graph->n_locations; a++) {
        for (uint32_t b = 0; b < a; b++)
            assert_memory_not_equal(places[a], places[b], sizeof(places[a]));
    }
}

static void path_order_grows_along_every_edge(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 2);
    closure_graph *graph = malloc(sizeof(*graph));
    nd_arc *edges = malloc(CLOSURE_EDGES * sizeof(*edges));
    assert_true(graph != NULL && edges != NULL);
    for (unsigned run = 0; run < 600; run++) {
        if (run % 2 == 0)
            random_graph_nested(&random, graph);
        else
            random_graph_any(&random, graph);
        closure_edges(graph, edges);
        if (closure_is_legal(graph))
            check_growth(&random, graph, edges);
    }
    free(graph);
    free(edges);
}

/* As long as a chain can be; the search keeps its path itself. */
static void ring_of_a_hundred_thousand_is_searched(void **state)
{
    (void)state;
    const uint32_t n = 100000;
    nd_arc *edges = malloc(n * sizeof(*edges));
    uint32_t *places = malloc((size_t)n * ND_COORDINATES * sizeof(*places));
    assert_true(edges != NULL && places != NULL);
    for (uint32_t i = 0; i < n; i++)
        edges[i] = keep(i, (i + 1) % n);
    const nd_topology topology = {n, edges, n, NULL};
    nd_cycle cycle;
    assert_int_equal(nd_topology_places(&topology, places, &cycle), ND_INVAL);
    assert_int_equal(cycle.len, n);
    nd_free(cycle.locations);
    edges[n - 1] = feedback(n - 1, 0, 0);
    assert_int_equal(nd_topology_places(&topology, places, NULL), ND_OK);
    free(edges);
    free(places);
}

static nd_err refuse_with_a_name(void *arg)
{
    (void)arg;
    const nd_arc edges[] = {keep(0, 1), keep(1, 0)};
    const nd_topology topology = {2, edges, N_OF(edges), NULL};
    nd_cycle cycle = {.len = 0};
    const nd_err err = nd_topology_places(&topology, NULL, &cycle);
    nd_free(cycle.locations);
    assert_int_not_equal(err, ND_OK);
    return err == ND_INVAL ? ND_OK : err;
}

static void search_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(refuse_with_a_name, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_is_accepted),
        cmocka_unit_test(cycle_of_identities_is_refused_by_name),
        cmocka_unit_test(cycle_of_one_location_is_refused_by_name),
        cmocka_unit_test(ports_and_not_vertices_are_analysed),
        cmocka_unit_test(cycles_that_advance_are_accepted),
        cmocka_unit_test(cycles_through_a_way_out_are_refused),
        cmocka_unit_test(verdict_is_that_of_the_definition),
        cmocka_unit_test(path_order_grows_along_every_edge),
        cmocka_unit_test(ring_of_a_hundred_thousand_is_searched),
        cmocka_unit_test(search_survives_failing_memory),
    };
    return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
