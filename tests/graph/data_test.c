/* SPDX-License-Identifier: Apache-2.0 */
/* Observed graphs with known answers, from the folder that the environment's NEREID_DATA names;
 * skipped, saying so, without it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nereid.h>

#include "tests/graph/pagerank_run.h"
#include "tests/support/cmocka.h"

enum { PATH_SIZE = 1024, SKIPPED = 77 };

static const char *const graph_names[] = {"as-caida20071105", "email-Enron", "facebook-combined",
                                          "jagmesh7",         "karate",      "luxembourg-osm",
                                          "rome99",           "wiki-Vote"};

static const char *path_of(char *path, const char *folder, const char *file)
{
    snprintf(path, PATH_SIZE, "%s/%s/%s", getenv("NEREID_DATA"), folder, file);
    return path;
}

/* The whole of a file, compressed or not, as a text to be freed. */
static char *read_all(const char *path)
{
    nd_reader *bytes;
    nd_message message = {""};
    size_t size = 0, capacity = 1 << 20, got = 1;
    char *text = malloc(capacity);
    if (nd_reader_open(path, &bytes, &message) != ND_OK)
        fail_msg("%s", message.text);
    while (got > 0) {
        if (capacity - size < 1 << 16)
            text = realloc(text, capacity *= 2);
        if (nd_reader_read(bytes, text + size, capacity - size - 1, &got, &message) != ND_OK)
            fail_msg("%s", message.text);
        size += got;
    }
    text[size] = '\0';
    nd_reader_close(bytes);
    return text;
}

/* A number of a JSON object, by its key. */
static uint64_t json_number(const char *json, const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *const place = strstr(json, quoted);
    assert_non_null(place);
    return strtoull(place + strlen(quoted), NULL, 10);
}

static bool json_says_directed(const char *json)
{
    const char *const place = strstr(json, "\"directed\":");
    assert_non_null(place);
    return strncmp(place + strlen("\"directed\":"), " true", 5) == 0;
}

static nd_graph *read_graph(const char *path, nd_direction direction, unsigned n_threads)
{
    nd_graph *graph;
    nd_message message = {""};
    const nd_graph_options options = {
        .direction = direction, .lists = ND_IN_LISTS, .n_threads = n_threads};
    if (nd_graph_read(path, &options, &graph, &message) != ND_OK)
        fail_msg("%s", message.text);
    return graph;
}

static nd_graph *read_clean_graph(const char *name, unsigned n_threads)
{
    char path[PATH_SIZE];
    char *const json = read_all(path_of(path, name, "graph.json"));
    nd_graph *const graph =
        read_graph(path_of(path, name, "graph.e.gz"),
                   json_says_directed(json) ? ND_DIRECTED : ND_UNDIRECTED, n_threads);
    const nd_graph_counts *const counts = nd_graph_get_counts(graph);
    assert_int_equal(counts->n_vertices, json_number(json, "vertices"));
    assert_int_equal(counts->n_edges, json_number(json, "edges"));
    assert_int_equal(counts->n_duplicates, 0);
    assert_int_equal(counts->n_self_loops, 0);
    free(json);
    return graph;
}

static void clean_graphs_have_their_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof graph_names / sizeof *graph_names; i++)
        for (unsigned n_threads = 1; n_threads <= 2; n_threads++)
            nd_graph_destroy(read_clean_graph(graph_names[i], n_threads));
}

static void files_as_found_have_their_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *file;
        nd_direction direction;
    } table[] = {
        {"jagmesh7", "jagmesh7.mtx.gz", ND_AS_THE_FILE_SAYS},
        {"karate", "karate.mtx.gz", ND_AS_THE_FILE_SAYS},
        {"facebook-combined", "facebook_combined.txt.gz", ND_UNDIRECTED},
        {"wiki-Vote", "Wiki-Vote.txt.gz", ND_AS_THE_FILE_SAYS},
        {"as-caida20071105", "as-caida20071105.txt.gz", ND_UNDIRECTED},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char path[PATH_SIZE];
        char *const json = read_all(path_of(path, table[i].name, "graph.json"));
        nd_graph *const graph =
            read_graph(path_of(path, table[i].name, table[i].file), table[i].direction, 1);
        const nd_graph_counts *const counts = nd_graph_get_counts(graph);
        assert_int_equal(counts->is_directed, json_says_directed(json));
        assert_int_equal(counts->n_vertices, json_number(json, "vertices"));
        assert_int_equal(counts->n_edges, json_number(json, "edges"));
        assert_int_equal(counts->n_duplicates, json_number(json, "duplicates_dropped"));
        assert_int_equal(counts->n_self_loops, json_number(json, "self_loops_dropped"));
        nd_graph_destroy(graph);
        free(json);
    }
}

/* --- Ranks --- */

/* Compares ranks with lines of `id rank`: the same vertices, and ranks as close as wanted. */
static void check_ranks(const nd_graph *graph, const double *ranks, const char *lines,
                        double tolerance, const char *name)
{
    uint32_t n = 0;
    for (const char *p = lines; *p != '\0'; n++) {
        char *end;
        const uint64_t id = strtoull(p, &end, 10);
        const double wanted = strtod(end, &end);
        assert_true(n < nd_graph_get_counts(graph)->n_vertices && nd_graph_ids(graph)[n] == id);
        if (!(fabs(ranks[n] - wanted) <= tolerance * wanted))
            fail_msg("%s: vertex %" PRIu64 " has %.17g instead of %.17g", name, id, ranks[n],
                     wanted);
        p = end + strspn(end, "\r\n");
    }
    assert_int_equal(n, nd_graph_get_counts(graph)->n_vertices);
}

static void check_both_ways(const nd_graph *graph, const char *lines, uint32_t iterations,
                            double tolerance, const char *name)
{
    pagerank_run run = {graph,
                        {.iterations = iterations},
                        calloc(nd_graph_get_counts(graph)->n_vertices + 1, sizeof(double))};
    assert_int_equal(nd_plain_pagerank(graph, &run.options, run.ranks, NULL), ND_OK);
    check_ranks(graph, run.ranks, lines, tolerance, name);
    memset(run.ranks, 0, nd_graph_get_counts(graph)->n_vertices * sizeof *run.ranks);
    assert_int_equal(pagerank_run_execute(&run, 3, NULL), ND_OK);
    check_ranks(graph, run.ranks, lines, tolerance, name);
    free(run.ranks);
}

static void ranks_of_observed_graphs_are_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof graph_names / sizeof *graph_names; i++) {
        char path[PATH_SIZE];
        nd_graph *const graph = read_clean_graph(graph_names[i], 1);
        char *const lines = read_all(path_of(path, graph_names[i], "expected/pr30.txt.gz"));
        check_both_ways(graph, lines, 30, 1e-11, graph_names[i]);
        free(lines);
        nd_graph_destroy(graph);
    }
}

static void ranks_of_the_graphalytics_cases_are_as_published(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        nd_direction direction;
        uint32_t iterations;
        double tolerance;
    } table[] = {
        {"ldbc-graphalytics/cases/example-directed", ND_DIRECTED, 2, 1e-14},
        {"ldbc-graphalytics/cases/test-pr-undirected", ND_UNDIRECTED, 26, 1e-4},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char path[PATH_SIZE];
        nd_graph *const graph =
            read_graph(path_of(path, table[i].name, "graph.e"), table[i].direction, 1);
        char *const lines = read_all(path_of(path, table[i].name, "PR.ref"));
        check_both_ways(graph, lines, table[i].iterations, table[i].tolerance, table[i].name);
        free(lines);
        nd_graph_destroy(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_graphs_have_their_sizes),
        cmocka_unit_test(files_as_found_have_their_sizes),
        cmocka_unit_test(ranks_of_observed_graphs_are_as_expected),
        cmocka_unit_test(ranks_of_the_graphalytics_cases_are_as_published),
    };
    if (getenv("NEREID_DATA") == NULL) {
        printf("skipped: the environment does not name NEREID_DATA\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
