/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs in memory, against edges sorted by the C library. */
#include <nereid/graph.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* --- The oracle: a graph as an array of its edges, by id --- */

typedef struct plain_graph {
    nd_edge *edges; /* without duplicates and self-loops; undirected, both ways; sorted */
    size_t n_edges;
    uint64_t *ids;
    size_t n_ids;
    uint64_t n_duplicates, n_self_loops;
} plain_graph;

static int compare_ids(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int compare_edges(const void *a, const void *b)
{
    const nd_edge *const x = a, *const y = b;
    if (x->src != y->src)
        return x->src < y->src ? -1 : 1;
    if (x->dst != y->dst)
        return x->dst < y->dst ? -1 : 1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

static plain_graph plain_build(const nd_edge *edges, size_t len, const uint64_t *more,
                               size_t n_more, bool is_directed)
{
    plain_graph graph = {malloc((2 * len + 1) * sizeof *graph.edges),
                         0,
                         malloc((2 * len + n_more + 1) * sizeof *graph.ids),
                         0,
                         0,
                         0};
    for (size_t i = 0; i < len; i++) {
        graph.ids[graph.n_ids++] = edges[i].src;
        graph.ids[graph.n_ids++] = edges[i].dst;
        graph.n_self_loops += edges[i].src == edges[i].dst;
        if (edges[i].src == edges[i].dst)
            continue;
        graph.edges[graph.n_edges++] = edges[i];
        if (!is_directed)
            graph.edges[graph.n_edges++] = (nd_edge){edges[i].dst, edges[i].src, edges[i].weight};
    }
    for (size_t i = 0; i < n_more; i++)
        graph.ids[graph.n_ids++] = more[i];
    qsort(graph.ids, graph.n_ids, sizeof *graph.ids, compare_ids);
    qsort(graph.edges, graph.n_edges, sizeof *graph.edges, compare_edges);
    size_t n = 0, before = graph.n_edges;
    for (size_t i = 0; i < graph.n_ids; i++)
        if (n == 0 || graph.ids[n - 1] != graph.ids[i])
            graph.ids[n++] = graph.ids[i];
    graph.n_ids = n;
    n = 0;
    for (size_t i = 0; i < graph.n_edges; i++)
        if (n == 0 || graph.edges[n - 1].src != graph.edges[i].src ||
            graph.edges[n - 1].dst != graph.edges[i].dst)
            graph.edges[n++] = graph.edges[i];
    graph.n_edges = n;
    graph.n_duplicates = (before - n) / (is_directed ? 1 : 2);
    return graph;
}

static void plain_free(plain_graph *graph)
{
    free(graph->edges);
    free(graph->ids);
}

/* --- Comparing --- */

/* Checks lists against the oracle's edges, which are sorted by the end that the lists belong to. */
static void check_lists(const nd_graph *graph, nd_adjacency lists, const nd_edge *edges,
                        size_t n_edges)
{
    const uint64_t *const ids = nd_graph_ids(graph);
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    size_t e = 0;
    assert_int_equal(lists.offsets[0], 0);
    assert_int_equal(lists.offsets[n], n_edges);
    for (uint32_t v = 0; v < n; v++)
        for (uint64_t i = lists.offsets[v]; i < lists.offsets[v + 1]; i++, e++) {
            assert_true(ids[v] == edges[e].src && ids[lists.targets[i]] == edges[e].dst);
            assert_true(lists.weights == NULL || lists.weights[i] == edges[e].weight);
        }
}

static void check_graph(const nd_graph *graph, const plain_graph *plain,
                        const nd_graph_options *options)
{
    const nd_graph_counts *const counts = nd_graph_get_counts(graph);
    const bool is_directed = options->direction != ND_UNDIRECTED;
    assert_int_equal(counts->n_vertices, plain->n_ids);
    assert_int_equal(counts->is_directed, is_directed);
    assert_int_equal(counts->has_weights, options->keep_weights);
    assert_int_equal(counts->n_edges, is_directed ? plain->n_edges : plain->n_edges / 2);
    assert_int_equal(counts->n_self_loops, plain->n_self_loops);
    assert_int_equal(counts->n_duplicates, plain->n_duplicates);
    assert_true(plain->n_ids == 0 ||
                memcmp(nd_graph_ids(graph), plain->ids, plain->n_ids * sizeof *plain->ids) == 0);
    const nd_adjacency out = nd_graph_out(graph), in = nd_graph_in(graph);
    assert_int_equal(out.targets != NULL, !is_directed || options->lists != ND_IN_LISTS);
    assert_int_equal(in.targets != NULL, !is_directed || options->lists != ND_OUT_LISTS);
    assert_true(out.targets == NULL || (out.weights != NULL) == options->keep_weights);
    if (out.targets != NULL)
        check_lists(graph, out, plain->edges, plain->n_edges);
    for (uint32_t v = 0; v < counts->n_vertices && out.targets == NULL; v++) {
        uint64_t degree = 0;
        for (size_t e = 0; e < plain->n_edges; e++)
            degree += plain->edges[e].src == plain->ids[v];
        assert_int_equal(out.offsets[v + 1] - out.offsets[v], degree);
    }
    if (in.targets != NULL) {
        nd_edge *const turned = malloc((plain->n_edges + 1) * sizeof *turned);
        for (size_t e = 0; e < plain->n_edges; e++)
            turned[e] = (nd_edge){plain->edges[e].dst, plain->edges[e].src, plain->edges[e].weight};
        qsort(turned, plain->n_edges, sizeof *turned, compare_edges);
        check_lists(graph, in, turned, plain->n_edges);
        free(turned);
    }
}

static void check_build(const nd_edge *edges, size_t len, const uint64_t *more, size_t n_more,
                        const nd_graph_options *options)
{
    nd_graph_builder *builder;
    nd_graph *graph;
    plain_graph plain = plain_build(edges, len, more, n_more, options->direction != ND_UNDIRECTED);
    assert_int_equal(nd_graph_builder_create(options, &builder), ND_OK);
    assert_int_equal(nd_graph_builder_add(builder, edges, len / 2), ND_OK);
    assert_int_equal(nd_graph_builder_add_vertices(builder, more, n_more), ND_OK);
    assert_int_equal(nd_graph_builder_add(builder, edges + len / 2, len - len / 2), ND_OK);
    assert_int_equal(nd_graph_builder_finish(builder, &graph, NULL), ND_OK);
    check_graph(graph, &plain, options);
    nd_graph_builder_destroy(builder);
    nd_graph_destroy(graph);
    plain_free(&plain);
}

/* Ways to spread a small number over the space of ids. */
static uint64_t spread_id(uint64_t number, int way)
{
    switch (way) {
    case 0:
        return number;
    case 1:
        return 1000 + 3 * number;
    case 2:
        return number * 40000007 & UINT32_MAX; /* 32 bits, too sparse for a bitmap */
    case 3:
        return number < 5 ? number : number * UINT64_C(0x9e3779b97f4a7c15); /* 64 bits */
    default:
        return UINT64_MAX - number;
    }
}

static nd_graph_options random_options(nd_random *random)
{
    return (nd_graph_options){
        .direction = (nd_direction)nd_random_below(random, 3),
        .keep_weights = nd_random_chance(random, 0.5),
        .lists = (nd_lists)nd_random_below(random, 3),
        .n_threads = (unsigned)nd_random_below(random, 4),
    };
}

static void random_edges_are_built_as_the_plain_way_builds_them(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (int i = 0; i < 1500; i++) {
        nd_edge edges[300];
        uint64_t more[10];
        const int way = (int)nd_random_below(&random, 5);
        const uint64_t n_vertices = 1 + nd_random_below(&random, 60);
        const size_t len = nd_random_below(&random, 300), n_more = nd_random_below(&random, 10);
        for (size_t e = 0; e < len; e++)
            edges[e] = (nd_edge){spread_id(nd_random_below(&random, n_vertices), way),
                                 spread_id(nd_random_below(&random, n_vertices), way),
                                 (double)nd_random_below(&random, 5) - 2};
        for (size_t v = 0; v < n_more; v++)
            more[v] = spread_id(nd_random_below(&random, 100), way);
        const nd_graph_options options = random_options(&random);
        check_build(edges, len, more, n_more, &options);
    }
}

static void large_graphs_go_through_many_buckets(void **state)
{
    (void)state;
    enum { LEN = 60000 };
    nd_random random;
    nd_edge *const edges = malloc(LEN * sizeof *edges);
    nd_random_init(&random, 2);
    for (int way = 0; way < 5; way++) {
        for (size_t e = 0; e < LEN; e++) {
            const uint64_t n = nd_random_chance(&random, 0.3) ? 20 : 2000; /* a crowded corner */
            edges[e] = (nd_edge){spread_id(nd_random_below(&random, n), way),
                                 spread_id(nd_random_below(&random, 2000), way),
                                 (double)nd_random_below(&random, 100)};
        }
        nd_graph_options options = random_options(&random);
        options.lists = ND_BOTH_LISTS;
        check_build(edges, LEN, NULL, 0, &options);
    }
    free(edges);
}

static void no_edges_make_an_empty_graph(void **state)
{
    (void)state;
    for (int lists = 0; lists < 3; lists++)
        for (int direction = 0; direction < 3; direction++) {
            const nd_graph_options options = {.direction = (nd_direction)direction,
                                              .lists = (nd_lists)lists};
            check_build(NULL, 0, NULL, 0, &options);
            check_build(&(nd_edge){7, 7, 1}, 1, NULL, 0, &options);
            check_build(NULL, 0, &(uint64_t){UINT64_MAX}, 1, &options);
        }
}

static void ids_are_found_and_others_are_not(void **state)
{
    (void)state;
    nd_graph_builder *builder;
    nd_graph *graph;
    uint32_t dense = 99;
    const nd_edge edges[] = {{10, 20, 1}, {30, 10, 1}};
    assert_int_equal(nd_graph_builder_create(NULL, &builder), ND_OK);
    assert_int_equal(nd_graph_builder_add(builder, edges, 2), ND_OK);
    assert_int_equal(nd_graph_builder_finish(builder, &graph, NULL), ND_OK);
    assert_true(nd_graph_find(graph, 30, &dense));
    assert_int_equal(dense, 2);
    assert_false(nd_graph_find(graph, 0, &dense));
    assert_false(nd_graph_find(graph, 25, &dense));
    assert_false(nd_graph_find(graph, 31, &dense));
    assert_int_equal(dense, 2);
    nd_graph_destroy(graph);
    nd_graph_builder_destroy(builder);
    nd_graph_destroy(NULL);
    nd_graph_builder_destroy(NULL);
}

/* --- Files --- */

static void write_file(const char *path, const char *text)
{
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_vertex_file_of_a_pair_is_read(void **state)
{
    (void)state;
    nd_graph *graph;
    nd_message message = {""};
    write_file("pair.e", "1 2\n2 3\n");
    write_file("pair.v", "1\n2\n3\n\n# more\n9\n");
    assert_int_equal(nd_graph_read("pair.e", NULL, &graph, NULL), ND_OK);
    assert_int_equal(nd_graph_get_counts(graph)->n_vertices, 4);
    assert_int_equal(nd_graph_get_counts(graph)->n_self_loops, 0);
    nd_graph_destroy(graph);
    write_file("others", "5\n6\n");
    assert_int_equal(
        nd_graph_read("pair.e", &(nd_graph_options){.vertices_path = "others"}, &graph, NULL),
        ND_OK);
    assert_int_equal(nd_graph_get_counts(graph)->n_vertices, 5);
    nd_graph_destroy(graph);
    write_file("pair.v", "1\n2 3\n");
    assert_int_equal(nd_graph_read("pair.e", NULL, &graph, &message), ND_INPUT);
    assert_string_equal(
        message.text, "pair.v:2: '3' is not the end of the line: a vertex file has one id a line");
    write_file("pair.v", "1\n\n-2\n");
    assert_int_equal(nd_graph_read("pair.e", NULL, &graph, &message), ND_INPUT);
    assert_memory_equal(message.text, "pair.v:3: '-2' is not a vertex id", 33);
    remove("pair.v");
    assert_int_equal(nd_graph_read("pair.e", NULL, &graph, NULL), ND_OK);
    assert_int_equal(nd_graph_get_counts(graph)->n_vertices, 3);
    nd_graph_destroy(graph);
    assert_int_equal(
        nd_graph_read("pair.e", &(nd_graph_options){.vertices_path = "nowhere"}, &graph, &message),
        ND_INPUT);
    assert_memory_equal(message.text, "nowhere", 7);
}

static void a_symmetric_matrix_is_undirected_unless_told(void **state)
{
    (void)state;
    nd_graph *graph;
    write_file("matrix.mtx",
               "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 3\n");
    for (int told = 0; told < 3; told++) {
        const nd_graph_options options = {.direction = (nd_direction)told};
        assert_int_equal(nd_graph_read("matrix.mtx", &options, &graph, NULL), ND_OK);
        assert_int_equal(nd_graph_get_counts(graph)->is_directed, told == ND_DIRECTED);
        assert_int_equal(nd_graph_get_counts(graph)->n_vertices, 3);
        assert_int_equal(nd_graph_get_counts(graph)->n_self_loops, 1);
        nd_graph_destroy(graph);
    }
}

static void the_first_wrong_line_is_named_for_any_number_of_threads(void **state)
{
    (void)state;
    FILE *const file = fopen("wrong.txt", "w");
    assert_non_null(file);
    for (int i = 0; i < 400000; i++)
        fprintf(file, i == 300001 || i == 399000 ? "%d x\n" : "%d 7\n", i);
    assert_int_equal(fclose(file), 0);
    for (unsigned n_threads = 1; n_threads <= 4; n_threads++) {
        nd_graph *graph;
        nd_message message = {""};
        const nd_graph_options options = {.n_threads = n_threads};
        assert_int_equal(nd_graph_read("wrong.txt", &options, &graph, &message), ND_INPUT);
        assert_memory_equal(message.text, "wrong.txt:300002: 'x'", 21);
    }
    remove("wrong.txt");
}

static void count_progress(void *user, uint64_t n_bytes, uint64_t n_edges)
{
    uint64_t *const last = user;
    assert_true(n_bytes >= last[0] && n_edges >= last[1]);
    last[0] = n_bytes;
    last[1] = n_edges;
}

static void progress_is_told(void **state)
{
    (void)state;
    uint64_t last[2] = {0, 0};
    nd_graph *graph;
    write_file("small.txt", "1 2\n3 4\n");
    const nd_graph_options options = {.progress = count_progress, .user = last};
    assert_int_equal(nd_graph_read("small.txt", &options, &graph, NULL), ND_OK);
    assert_int_equal(last[0], 8);
    assert_int_equal(last[1], 2);
    nd_graph_destroy(graph);
}

/* --- Memory --- */

static nd_err build_with(nd_graph_builder *builder, int way, nd_graph **graph)
{
    nd_edge edges[400];
    nd_reader *bytes;
    for (size_t e = 0; e < 400; e++)
        edges[e] = (nd_edge){spread_id(e * 7 % 390, way), spread_id(e * 11 % 401, way), 1};
    ND_TRY(nd_graph_builder_add(builder, edges, 400));
    ND_TRY(nd_reader_open_memory("text", "5 6\n7 8\n", 8, &bytes, NULL));
    ND_TRY(nd_graph_builder_read_bytes(builder, bytes, NULL));
    ND_TRY(nd_reader_open_memory("text", "900\n", 4, &bytes, NULL));
    ND_TRY(nd_graph_builder_read_vertices(builder, bytes, NULL));
    return nd_graph_builder_finish(builder, graph, NULL);
}

static nd_err build_and_destroy(void *arg)
{
    const int *const way = arg;
    nd_graph_builder *builder;
    nd_graph *graph = NULL;
    const nd_graph_options options = {.keep_weights = true,
                                      .lists = *way % 2 == 0 ? ND_BOTH_LISTS : ND_IN_LISTS};
    ND_TRY(nd_graph_builder_create(&options, &builder));
    const nd_err err = build_with(builder, *way, &graph);
    nd_graph_builder_destroy(builder);
    nd_graph_destroy(graph);
    return err;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int way = 0; way < 5; way++)
        assert_true(failing_memory_sweep(build_and_destroy, &way) > 10);
}

static nd_err read_pair(void *arg)
{
    nd_graph *graph;
    (void)arg;
    ND_TRY(nd_graph_read("pair.e", NULL, &graph, NULL));
    nd_graph_destroy(graph);
    return ND_OK;
}

static void every_allocation_of_a_pair_may_fail(void **state)
{
    (void)state;
    write_file("pair.e", "1 2\n2 3\n");
    write_file("pair.v", "1\n2\n");
    assert_true(failing_memory_sweep(read_pair, NULL) > 10);
    remove("pair.v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_edges_are_built_as_the_plain_way_builds_them),
        cmocka_unit_test(large_graphs_go_through_many_buckets),
        cmocka_unit_test(no_edges_make_an_empty_graph),
        cmocka_unit_test(ids_are_found_and_others_are_not),
        cmocka_unit_test(the_vertex_file_of_a_pair_is_read),
        cmocka_unit_test(a_symmetric_matrix_is_undirected_unless_told),
        cmocka_unit_test(the_first_wrong_line_is_named_for_any_number_of_threads),
        cmocka_unit_test(progress_is_told),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_allocation_of_a_pair_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
