/* SPDX-License-Identifier: Apache-2.0 */
/* PageRank and degrees as dataflows, against the plain loops, for any number of workers; and the
 * plain loops against a matrix worked out from the definition. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <nereid.h>

#include "operators/graph/vertex_blocks.h"
#include "runtime/base/random.h"
#include "tests/graph/pagerank_run.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* --- Running --- */

/* Every round is told, in order. */
static void keep_round(void *user, uint32_t round)
{
    uint32_t *const last = user;
    assert_int_equal(round, *last + 1);
    *last = round;
}

/* Runs with so many workers; the ranks are the caller's to free. */
static double *run_pagerank(const nd_graph *graph, nd_pagerank_options options, unsigned n_workers,
                            uint32_t *rounds)
{
    nd_message message = {""};
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    pagerank_run run = {graph, options, calloc(n + 1, sizeof *run.ranks)};
    *rounds = 0;
    run.options.progress = keep_round;
    run.options.user = rounds;
    if (pagerank_run_execute(&run, n_workers, &message) != ND_OK)
        fail_msg("%s", message.text);
    return run.ranks;
}

static nd_graph *make_graph(const nd_generator *generator, nd_direction direction, uint64_t factor,
                            size_t n_isolated)
{
    const nd_graph_options options = {.direction = direction, .lists = ND_IN_LISTS};
    nd_graph_builder *builder;
    nd_graph *graph;
    assert_int_equal(nd_graph_builder_create(&options, &builder), ND_OK);
    for (uint64_t i = 0; i < nd_generator_size(generator); i++) {
        nd_edge edge;
        nd_generator_edges(generator, i, 1, &edge);
        edge.src *= factor;
        edge.dst *= factor;
        assert_int_equal(nd_graph_builder_add(builder, &edge, 1), ND_OK);
    }
    for (uint64_t i = 0; i < n_isolated; i++)
        assert_int_equal(nd_graph_builder_add_vertices(builder, &(uint64_t){1000000 + i}, 1),
                         ND_OK);
    assert_int_equal(nd_graph_builder_finish(builder, &graph, NULL), ND_OK);
    nd_graph_builder_destroy(builder);
    return graph;
}

static void check_close(const double *ranks, const double *wanted, uint32_t n, double tolerance)
{
    for (uint32_t v = 0; v < n; v++)
        if (!(fabs(ranks[v] - wanted[v]) <= tolerance * wanted[v]))
            fail_msg("vertex %u: %.17g instead of %.17g", v, ranks[v], wanted[v]);
}

/* Checks all numbers of workers against the plain loops, and each other bit by bit. */
static void check_graph(const nd_graph *graph, nd_pagerank_options options)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    double *const plain = calloc(n + 1, sizeof *plain);
    uint32_t plain_rounds = 0, rounds = 0;
    assert_int_equal(nd_plain_pagerank(graph, &options, plain, &plain_rounds), ND_OK);
    double *const first = run_pagerank(graph, options, 1, &rounds);
    check_close(first, plain, n, 1e-12);
    assert_int_equal(rounds, plain_rounds);
    for (unsigned n_workers = 2; n_workers <= 7; n_workers += n_workers == 3 ? 4 : 1) {
        double *const other = run_pagerank(graph, options, n_workers, &rounds);
        assert_memory_equal(other, first, (n + 1) * sizeof *first);
        assert_int_equal(rounds, plain_rounds);
        free(other);
    }
    free(first);
    free(plain);
}

/* --- Tests --- */

static void any_number_of_workers_gives_the_same_bits(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++)
        for (unsigned scale = 0; scale <= 12; scale += 3)
            for (int direction = ND_DIRECTED; direction <= ND_UNDIRECTED; direction++) {
                const nd_generator generator = {(nd_generator_kind)kind, scale, 4, 1, false};
                nd_graph *const graph =
                    make_graph(&generator, (nd_direction)direction, 1 + scale, 3);
                check_graph(graph, (nd_pagerank_options){.iterations = 7});
                nd_graph_destroy(graph);
            }
}

static void graphs_larger_than_a_tile_are_ranked(void **state)
{
    (void)state;
    const nd_generator generator = {ND_KRON, 18, 2, 1, false};
    nd_graph *const graph = make_graph(&generator, ND_DIRECTED, 1, 70000);
    assert_true(nd_graph_get_counts(graph)->n_vertices > 1 << 16);
    check_graph(graph, (nd_pagerank_options){.iterations = 3});
    nd_graph_destroy(graph);
}

static void options_mean_the_same_to_both(void **state)
{
    (void)state;
    const nd_generator generator = {ND_UNIFORM, 8, 3, 5, false};
    nd_graph *const graph = make_graph(&generator, ND_DIRECTED, 1, 0);
    check_graph(graph, (nd_pagerank_options){.iterations = 0});
    check_graph(graph, (nd_pagerank_options){.iterations = 1});
    check_graph(graph, (nd_pagerank_options){.damping = ND_NO_DAMPING});
    check_graph(graph, (nd_pagerank_options){.damping = 1, .iterations = 5});
    check_graph(graph, (nd_pagerank_options){.tolerance = 1e-6});
    check_graph(graph, (nd_pagerank_options){.tolerance = 2});
    check_graph(graph, (nd_pagerank_options){.tolerance = 1e-300, .iterations = 9});
    nd_graph_destroy(graph);
}

static void a_tolerance_ends_the_rounds_early(void **state)
{
    (void)state;
    const nd_generator generator = {ND_UNIFORM, 8, 3, 5, false};
    nd_graph *const graph = make_graph(&generator, ND_DIRECTED, 1, 0);
    uint32_t few = 0, many = 0;
    free(run_pagerank(graph, (nd_pagerank_options){.tolerance = 1e-3}, 2, &few));
    free(run_pagerank(graph, (nd_pagerank_options){.tolerance = 1e-9}, 2, &many));
    assert_in_range(few, 2, 30);
    assert_in_range(many, few + 5, 200);
    nd_graph_destroy(graph);
}

static void an_empty_graph_has_no_ranks(void **state)
{
    (void)state;
    const nd_generator generator = {ND_GRID, 0, 0, 0, false};
    nd_graph *const graph = make_graph(&generator, ND_DIRECTED, 1, 0);
    assert_int_equal(nd_graph_get_counts(graph)->n_vertices, 0);
    check_graph(graph, (nd_pagerank_options){.iterations = 0});
    nd_graph_destroy(graph);
}

/* Three vertices by hand: 1 -> 2, 1 -> 3, 2 -> 3; 3 is a sink. */
static void ranks_are_what_the_definition_says(void **state)
{
    (void)state;
    nd_graph_builder *builder;
    nd_graph *graph;
    double ranks[3], x = 1.0 / 3, y = x, z = x;
    const nd_edge edges[] = {{1, 2, 1}, {1, 3, 1}, {2, 3, 1}};
    for (int lists = 0; lists < 3; lists++) {
        const nd_graph_options options = {.lists = (nd_lists)lists};
        assert_int_equal(nd_graph_builder_create(&options, &builder), ND_OK);
        assert_int_equal(nd_graph_builder_add(builder, edges, 3), ND_OK);
        assert_int_equal(nd_graph_builder_finish(builder, &graph, NULL), ND_OK);
        nd_graph_builder_destroy(builder);
        x = y = z = 1.0 / 3;
        for (uint32_t round = 1; round < 20; round++) {
            const double base = 0.2 / 3 + 0.8 * z / 3;
            const double next_y = base + 0.8 * x / 2, next_z = base + 0.8 * (x / 2 + y);
            x = base, y = next_y, z = next_z;
            const nd_pagerank_options how = {.iterations = round, .damping = 0.8};
            assert_int_equal(nd_plain_pagerank(graph, &how, ranks, NULL), ND_OK);
            check_close(ranks, (double[]){x, y, z}, 3, 1e-14);
        }
        nd_graph_destroy(graph);
    }
}

static void workers_share_the_vertices(void **state)
{
    (void)state;
    for (unsigned scale = 0; scale < 14; scale++) {
        const nd_generator generator = {ND_KRON, scale, 6, 2, false};
        nd_graph *const graph = make_graph(&generator, ND_DIRECTED, 1, 0);
        const uint32_t n = nd_graph_get_counts(graph)->n_vertices, size = vertex_block_size(n);
        const uint64_t *const offsets = nd_graph_in(graph).offsets;
        for (unsigned n_workers = 1; n_workers <= 9; n_workers++) {
            uint32_t next = 0;
            for (unsigned w = 0; w < n_workers; w++) {
                const vertex_span span = vertex_span_of(graph, w, n_workers);
                assert_int_equal(span.begin, next);
                assert_true(span.begin == n || span.begin % size == 0);
                assert_true(span.end >= span.begin);
                if (scale > 12)
                    assert_true(offsets[span.end] - offsets[span.begin] <
                                2 * offsets[n] / n_workers);
                next = span.end;
            }
            assert_int_equal(next, n);
        }
        nd_graph_destroy(graph);
    }
}

/* --- Mistakes and memory --- */

static void a_graph_of_out_lists_is_refused(void **state)
{
    (void)state;
    nd_graph_builder *builder;
    nd_graph *graph;
    nd_message message = {""};
    assert_int_equal(nd_graph_builder_create(NULL, &builder), ND_OK);
    assert_int_equal(nd_graph_builder_finish(builder, &graph, NULL), ND_OK);
    pagerank_run run = {graph, {.iterations = 1}, NULL};
    assert_int_equal(pagerank_run_execute(&run, 2, &message), ND_INVAL);
    assert_non_null(strstr(message.text, "in-lists"));
    nd_graph_builder_destroy(builder);
    nd_graph_destroy(graph);
}

static nd_err rank_once(void *arg)
{
    pagerank_run *const run = arg;
    memset(run->ranks, 0, nd_graph_get_counts(run->graph)->n_vertices * sizeof *run->ranks);
    return pagerank_run_execute(run, 2, NULL);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const nd_generator generator = {ND_UNIFORM, 5, 3, 5, false};
    nd_graph *const graph = make_graph(&generator, ND_DIRECTED, 1, 0);
    pagerank_run run = {graph, {.iterations = 2}, calloc(100, sizeof(double))};
    assert_true(failing_memory_sweep(rank_once, &run) > 10);
    free(run.ranks);
    nd_graph_destroy(graph);
}

/* --- Degrees --- */

typedef struct degrees_run {
    const nd_graph *graph;
    uint64_t *out, *in;
} degrees_run;

static void keep_degrees(void *user, const nd_type *type, const nd_time *time, const void *records,
                         size_t len)
{
    const degrees_run *const run = user;
    const nd_degree *const degrees = records;
    (void)type;
    (void)time;
    for (size_t i = 0; i < len; i++) {
        uint32_t vertex;
        if (nd_graph_find(run->graph, degrees[i].id, &vertex)) {
            run->out[vertex] += degrees[i].out;
            run->in[vertex] += degrees[i].in;
        }
    }
}

static nd_err degree_program(nd_worker *worker, void *arg)
{
    degrees_run *const run = arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "degrees");
    nd_inspect(nd_degrees(nd_root(flow), run->graph), keep_degrees, (nd_user){run, NULL});
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

static void degrees_are_counted(void **state)
{
    (void)state;
    for (int direction = ND_DIRECTED; direction <= ND_UNDIRECTED; direction++)
        for (unsigned n_workers = 1; n_workers <= 3; n_workers++) {
            enum { MOST = 600 };
            const nd_generator generator = {ND_KRON, 9, 5, 3, false};
            nd_graph *const graph = make_graph(&generator, (nd_direction)direction, 3, 20);
            uint64_t out[MOST] = {0}, in[MOST] = {0}, plain_out[MOST] = {0}, plain_in[MOST] = {0};
            degrees_run run = {graph, out, in};
            assert_true(nd_graph_get_counts(graph)->n_vertices <= MOST);
            nd_plain_degrees(graph, plain_out, plain_in);
            assert_int_equal(
                nd_execute(&(nd_config){.n_workers = n_workers}, degree_program, &run, NULL, NULL),
                ND_OK);
            assert_memory_equal(out, plain_out, sizeof out);
            assert_memory_equal(in, plain_in, sizeof in);
            nd_graph_destroy(graph);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_workers_gives_the_same_bits),
        cmocka_unit_test(graphs_larger_than_a_tile_are_ranked),
        cmocka_unit_test(options_mean_the_same_to_both),
        cmocka_unit_test(a_tolerance_ends_the_rounds_early),
        cmocka_unit_test(an_empty_graph_has_no_ranks),
        cmocka_unit_test(ranks_are_what_the_definition_says),
        cmocka_unit_test(workers_share_the_vertices),
        cmocka_unit_test(a_graph_of_out_lists_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(degrees_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
