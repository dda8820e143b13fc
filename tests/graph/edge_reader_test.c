/* SPDX-License-Identifier: Apache-2.0 */
/* The public edge reader: tables of good and bad input with every message, and random text against
 * the plain reader. */
#include <nereid/graph.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operators/graph/edge_collector.h"
#include "operators/graph/graph_loader.h"
#include "runtime/base/random.h"
#include "tests/graph/text_oracle.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { MOST_EDGES = 4096 };

/* Reads a whole text, `step` edges at a time. */
static nd_err read_text(const char *text, size_t size, size_t step, nd_edge *edges, size_t *n_edges,
                        nd_message *message)
{
    nd_reader *bytes;
    nd_edge_reader *reader;
    size_t len = 1;
    *n_edges = 0;
    ND_TRY(nd_reader_open_memory("text", text, size, &bytes, message));
    ND_TRY(nd_edge_reader_open_bytes(bytes, &reader, message));
    nd_err err = ND_OK;
    while (err == ND_OK && len > 0) {
        assert_true(*n_edges + step <= MOST_EDGES);
        err = nd_edge_reader_next(reader, edges + *n_edges, step, &len, message);
        *n_edges += err == ND_OK ? len : 0;
    }
    nd_edge_reader_close(reader);
    return err;
}

typedef struct good_case {
    const char *text;
    size_t n_edges;
    nd_edge edges[4];
} good_case;

static void check_good(const good_case *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t step = 1; step <= 4; step++) {
            nd_edge edges[MOST_EDGES];
            nd_message message = {""};
            size_t len = 0;
            const nd_err err =
                read_text(table[i].text, strlen(table[i].text), step, edges, &len, &message);
            if (err != ND_OK || len != table[i].n_edges)
                fail_msg("%s: %zu edges, '%s'", table[i].text, len, message.text);
            for (size_t e = 0; e < len; e++) {
                assert_true(edges[e].src == table[i].edges[e].src);
                assert_true(edges[e].dst == table[i].edges[e].dst);
                assert_true(edges[e].weight == table[i].edges[e].weight);
            }
        }
}

static void edge_lists_are_read(void **state)
{
    (void)state;
    static const good_case table[] = {
        {"", 0, {{0, 0, 0}}},
        {"\n\n", 0, {{0, 0, 0}}},
        {"# comment", 0, {{0, 0, 0}}},
        {"1 2", 1, {{1, 2, 1}}},
        {"1 2\n3 4\n", 2, {{1, 2, 1}, {3, 4, 1}}},
        {"1 2\r\n3 4\r\n", 2, {{1, 2, 1}, {3, 4, 1}}},
        {"1 2\r3 4\r", 2, {{1, 2, 1}, {3, 4, 1}}},
        {"1 2\r\r\n\n\r3 4", 2, {{1, 2, 1}, {3, 4, 1}}},
        {"  1\t 2  \n", 1, {{1, 2, 1}}},
        {"1,2\n3 ,4\n5, 6\n7\t,\t8", 4, {{1, 2, 1}, {3, 4, 1}, {5, 6, 1}, {7, 8, 1}}},
        {"1 2 0.5\n3,4,-2e1\n", 2, {{1, 2, 0.5}, {3, 4, -20}}},
        {"1 2 3 4 five\n6,7,8,,nine, #", 2, {{1, 2, 3}, {6, 7, 8}}},
        {"% one\n  # two\n1 2 # three\n3 4 %\n5 6 7 # eight", 3, {{1, 2, 1}, {3, 4, 1}, {5, 6, 7}}},
        {"src,dst\n1,2\n", 1, {{1, 2, 1}}},
        {"# first\n\n\"from\", \"to\", \"weight\"\r\n1,2,3\n", 1, {{1, 2, 3}}},
        {"\xef\xbb\xbfsource,target\n1,2", 1, {{1, 2, 1}}},
        {"\xef\xbb\xbf"
         "1 2",
         1,
         {{1, 2, 1}}},
        {"18446744073709551615 0", 1, {{UINT64_MAX, 0, 1}}},
        {"0012 000000000000000000000000000000007", 1, {{12, 7, 1}}},
        {"12345678 87654321\n123456789 1234567890123456\n",
         2,
         {{12345678, 87654321, 1}, {123456789, 1234567890123456, 1}}},
        {"1 2 -0\n", 1, {{1, 2, 0}}},
    };
    check_good(table, sizeof table / sizeof *table);
}

static void matrix_market_files_are_read(void **state)
{
    (void)state;
    static const good_case table[] = {
        {"%%MatrixMarket matrix coordinate pattern symmetric\n% c\n\n3 3 2\n1 2\n3 1\n",
         2,
         {{1, 2, 1}, {3, 1, 1}}},
        {"%%matrixmarket MATRIX Coordinate REAL General\r\n3 4 2\r\n1 4 0.5\r\n%\r\n3 1 -7\r\n",
         2,
         {{1, 4, 0.5}, {3, 1, -7}}},
        {"%%MatrixMarket matrix coordinate integer general\n2 2 1\n2 2 9 extra", 1, {{2, 2, 9}}},
        {"%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2 9.5.5\n", 1, {{1, 2, 1}}},
        {"%%MatrixMarket matrix coordinate pattern general\n0 0 0\n", 0, {{0, 0, 0}}},
    };
    check_good(table, sizeof table / sizeof *table);
}

static void matrix_market_headers_are_told(void **state)
{
    (void)state;
    static const char text[] = "%%MatrixMarket matrix coordinate pattern symmetric\n5 6 1\n1 2\n";
    nd_reader *bytes;
    nd_edge_reader *reader;
    assert_int_equal(nd_reader_open_memory("text", text, sizeof text - 1, &bytes, NULL), ND_OK);
    assert_int_equal(nd_edge_reader_open_bytes(bytes, &reader, NULL), ND_OK);
    const nd_edge_facts *const facts = nd_edge_reader_facts(reader);
    assert_true(facts->is_matrix_market && facts->is_symmetric && facts->is_pattern);
    assert_int_equal(facts->n_rows, 5);
    assert_int_equal(facts->n_columns, 6);
    assert_int_equal(facts->n_entries, 1);
    nd_edge_reader_close(reader);
}

#define NOT_AN_ID "is not a vertex id (a whole number from 0 to 18446744073709551615)"
#define NOT_A_WEIGHT "is not a weight (a finite decimal number)"

static void bad_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } table[] = {
        {"1", "text:1: an edge needs two vertex ids"},
        {"1 2\n3\n", "text:2: an edge needs two vertex ids"},
        {"1 2\r\n\r\n3 # 4\r\n", "text:3: an edge needs two vertex ids"},
        {"1 2\r3 4\r\r#\rx 5\r", "text:5: 'x' " NOT_AN_ID},
        {"1 x", "text:1: 'x' " NOT_AN_ID},
        {"-1 2", "text:1: '-1' " NOT_AN_ID},
        {"+1 2", "text:1: '+1' " NOT_AN_ID},
        {"1.0 2", "text:1: '1.0' " NOT_AN_ID},
        {"1 2x", "text:1: '2x' " NOT_AN_ID},
        {"1;2", "text:1: '1;2' " NOT_AN_ID},
        {"18446744073709551616 1", "text:1: '18446744073709551616' " NOT_AN_ID},
        {"1 99999999999999999999999", "text:1: '99999999999999999999999' " NOT_AN_ID},
        {"1 2\n\x01\xff 2", "text:2: '\?\?' " NOT_AN_ID},
        {"a,b\nc,d\n1,2", "text:2: 'c' " NOT_AN_ID},
        {"a b\n1 2", "text:1: 'a' " NOT_AN_ID},
        {"a,1\n1,2", "text:1: 'a' " NOT_AN_ID},
        {"1,,2", "text:1: an empty column is not a vertex id (a whole number from 0 to "
                 "18446744073709551615)"},
        {",1,2", "text:1: an empty column is not a vertex id (a whole number from 0 to "
                 "18446744073709551615)"},
        {"1,\n", "text:1: an edge needs two vertex ids"},
        {"1,2,", "text:1: the weight is missing"},
        {"1,2,,4", "text:1: an empty column is not a weight (a finite decimal number)"},
        {"1 2 inf", "text:1: 'inf' " NOT_A_WEIGHT},
        {"1 2 nan", "text:1: 'nan' " NOT_A_WEIGHT},
        {"1 2 0x10", "text:1: '0x10' " NOT_A_WEIGHT},
        {"1 2 1e", "text:1: '1e' " NOT_A_WEIGHT},
        {"1 2 1e400", "text:1: '1e400' " NOT_A_WEIGHT},
        {"1 2 1.5z", "text:1: '1.5z' " NOT_A_WEIGHT},
        {"1 2 .", "text:1: '.' " NOT_A_WEIGHT},
        {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeee 1",
         "text:1: 'aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...' " NOT_AN_ID},
        {"%%MatrixMarket matrix coordinate pattern general",
         "text:2: the line 'rows columns entries' is missing"},
        {"%%MatrixMarket matrix coordinate pattern general\n%\n1 1",
         "text:3: expected three whole numbers: rows columns entries"},
        {"%%MatrixMarket matrix coordinate pattern general\n1 1 -1",
         "text:2: expected three whole numbers: rows columns entries"},
        {"%%MatrixMarket matrix coordinate pattern general\n1 1 1 1",
         "text:2: expected three whole numbers: rows columns entries"},
        {"%%MatrixMarket matrix array real general\n1 1\n1",
         "text:1: only Matrix Market's coordinate format lists edges"},
        {"%%MatrixMarket vector coordinate real general\n1 1\n1",
         "text:1: a Matrix Market file of a graph begins '%%MatrixMarket matrix coordinate'"},
        {"%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1 1",
         "text:1: a Matrix Market file of a graph holds real, integer or pattern entries"},
        {"%%MatrixMarket matrix coordinate real skew-symmetric\n1 1 1\n1 1 1",
         "text:1: a Matrix Market file of a graph is general or symmetric"},
        {"%%MatrixMarket matrix coordinate pattern general\n2 3 1\n0 1",
         "text:3: row 0 is outside 1 to 2"},
        {"%%MatrixMarket matrix coordinate pattern general\n2 3 1\n3 1",
         "text:3: row 3 is outside 1 to 2"},
        {"%%MatrixMarket matrix coordinate pattern general\n2 3 1\n2 4",
         "text:3: column 4 is outside 1 to 3"},
        {"%%MatrixMarket matrix coordinate real general\n2 3 1\n2 3",
         "text:3: the weight is missing"},
        {"%%MatrixMarket matrix coordinate pattern general\n2 3 2\n2 3\n",
         "text:3: the file ends after 1 of the 2 entries it announces"},
        {"%%MatrixMarket matrix coordinate pattern general\n2 3 1\n2 3\n1 1",
         "text:4: the file has more entries than the 1 it announces"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        nd_edge edges[MOST_EDGES];
        nd_message message = {""};
        size_t len;
        assert_int_equal(read_text(table[i].text, strlen(table[i].text), 3, edges, &len, &message),
                         ND_INPUT);
        assert_string_equal(message.text, table[i].message);
    }
}

/* --- Random text --- */

static size_t add_piece(nd_random *random, char *text)
{
    static const char *const pieces[] = {" ",
                                         "  ",
                                         "\t",
                                         ",",
                                         " , ",
                                         "\n",
                                         "\n",
                                         "\n",
                                         "\r\n",
                                         "\r",
                                         "#",
                                         "% c ",
                                         "x",
                                         "-",
                                         ".",
                                         "e5",
                                         "1.5",
                                         "-0.25",
                                         "1e3",
                                         "src",
                                         "\"a\"",
                                         "18446744073709551615",
                                         "18446744073709551616",
                                         "\xc3\xa9",
                                         "123456789"};
    const uint64_t choice = nd_random_below(random, 60);
    if (choice < sizeof pieces / sizeof *pieces)
        return (size_t)(stpcpy(text, pieces[choice]) - text);
    if (choice < 50)
        return (size_t)sprintf(text, "%" PRIu64 " %" PRIu64 "%s", nd_random_below(random, 1000),
                               nd_random_below(random, 50), choice < 47 ? "\n" : "\r");
    return (size_t)sprintf(text, "%" PRIu64, nd_random_next(random) >> nd_random_below(random, 64));
}

static void check_equal(const nd_edge *edges, size_t len, const text_edges *wanted,
                        const char *text)
{
    if (len != wanted->len)
        fail_msg("%zu edges instead of %zu in\n%s", len, wanted->len, text);
    for (size_t i = 0; i < len; i++)
        if (edges[i].src != wanted->edges[i].src || edges[i].dst != wanted->edges[i].dst ||
            edges[i].weight != wanted->edges[i].weight)
            fail_msg("edge %zu differs in\n%s", i, text);
}

static void random_text_is_read_as_the_plain_reader_reads_it(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 4);
    int n_good = 0;
    for (int i = 0; i < 8000; i++) {
        char text[4096];
        nd_edge edges[MOST_EDGES];
        nd_message message = {""};
        size_t size = 0, len = 0;
        for (uint64_t n = nd_random_below(&random, 12); n > 0; n--)
            size += add_piece(&random, text + size);
        text[size] = '\0';
        text_edges wanted = text_oracle_read(text, size);
        const nd_err err =
            read_text(text, size, 1 + nd_random_below(&random, 5), edges, &len, &message);
        n_good += err == ND_OK && len > 0;
        if ((err == ND_OK) != (wanted.wrong_line == 0))
            fail_msg("'%s' instead of line %" PRIu64 " in\n%s", message.text, wanted.wrong_line,
                     text);
        if (err == ND_OK)
            check_equal(edges, len, &wanted, text);
        else if (strtoull(message.text + strlen("text:"), NULL, 10) != wanted.wrong_line)
            fail_msg("'%s' instead of line %" PRIu64 " in\n%s", message.text, wanted.wrong_line,
                     text);
        free(wanted.edges);
    }
    assert_true(n_good > 1000);
}

/* Loads text in blocks of any size on any number of threads; the edges come in any order. */
static nd_err load_text(const char *text, size_t size, size_t block_size, unsigned n_threads,
                        edge_collector *collectors, nd_message *message)
{
    nd_reader *bytes;
    nd_edge_facts facts;
    const load_progress progress = {NULL, NULL};
    for (unsigned t = 0; t < n_threads; t++)
        collectors[t] = (edge_collector){.keep_weights = true};
    ND_TRY(nd_reader_open_memory("text", text, size, &bytes, message));
    return load_edges(bytes, block_size, false, collectors, n_threads, progress, &facts, message);
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The sum over all edges of what does not depend on their order. */
static uint64_t fingerprint(uint64_t src, uint64_t dst, double weight)
{
    uint64_t bits;
    memcpy(&bits, &weight, sizeof bits);
    return (src * UINT64_C(0x9e3779b97f4a7c15) + dst) * UINT64_C(0xd6e8feb86659fd93) + bits;
}

static void any_block_size_and_number_of_threads_gives_the_same(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 5);
    for (int i = 0; i < 800; i++) {
        char text[4096];
        nd_message message = {""};
        edge_collector collectors[3];
        size_t size = 0;
        const unsigned n_threads = 1 + (unsigned)nd_random_below(&random, 3);
        const size_t block_size = 64 + nd_random_below(&random, 100);
        const bool is_good = nd_random_chance(&random, 0.7);
        while (size < 2000)
            if (!is_good && nd_random_chance(&random, 0.02))
                size += add_piece(&random, text + size);
            else
                size += (size_t)sprintf(text + size, "%" PRIu64 " %" PRIu64 "%s",
                                        nd_random_below(&random, 99), nd_random_below(&random, 99),
                                        nd_random_chance(&random, 0.5) ? "\r\n" : "\r");
        text_edges wanted = text_oracle_read(text, size);
        const nd_err err = load_text(text, size, block_size, n_threads, collectors, &message);
        uint64_t sum = 0, wanted_sum = 0;
        for (unsigned t = 0; t < n_threads; t++)
            for (size_t e = 0; e < collectors[t].len && !collectors[t].has_table; e++)
                sum += fingerprint(collectors[t].keys[e] >> 32, collectors[t].keys[e] & UINT32_MAX,
                                   collectors[t].weights[e]);
        for (size_t e = 0; e < wanted.len; e++)
            wanted_sum +=
                fingerprint(wanted.edges[e].src, wanted.edges[e].dst, wanted.edges[e].weight);
        if ((err == ND_OK) != (wanted.wrong_line == 0))
            fail_msg("'%s' instead of line %" PRIu64 " in\n%s", message.text, wanted.wrong_line,
                     text);
        if (err == ND_OK && !collectors[0].has_table &&
            !(n_threads > 1 && collectors[1].has_table) &&
            !(n_threads > 2 && collectors[2].has_table))
            assert_true(sum == wanted_sum);
        if (err != ND_OK && strtoull(message.text + strlen("text:"), NULL, 10) != wanted.wrong_line)
            fail_msg("'%s' instead of line %" PRIu64 " in\n%s", message.text, wanted.wrong_line,
                     text);
        for (unsigned t = 0; t < n_threads; t++)
            edge_collector_deinit(&collectors[t]);
        free(wanted.edges);
    }
}

/* --- Long lines --- */

/* Loads `count` times `filler` between `head` and `tail` in small blocks; the edges' keys, sorted.
 */
static nd_err load_long(const char *head, const char *filler, size_t count, const char *tail,
                        uint64_t *keys, size_t *len, nd_message *message)
{
    const size_t filler_size = strlen(filler);
    char *const text = malloc(strlen(head) + count * filler_size + strlen(tail) + 1);
    char *p = stpcpy(text, head);
    edge_collector collector;
    for (size_t i = 0; i < count; i++)
        p = stpcpy(p, filler);
    p = stpcpy(p, tail);
    const nd_err err = load_text(text, (size_t)(p - text), 128, 1, &collector, message);
    *len = collector.len;
    if (collector.len > 0)
        memcpy(keys, collector.keys, collector.len * sizeof *keys);
    qsort(keys, *len, sizeof *keys, compare_keys);
    edge_collector_deinit(&collector);
    free(text);
    return err;
}

static void lines_may_be_longer_than_memory_for_them(void **state)
{
    (void)state;
    static const struct {
        const char *head, *filler, *tail;
        size_t n_edges;
    } table[] = {
        {"1 2\n#", "long comment ", "\n3 4\n", 2},
        {"#", "long comment ", "", 0},
        {"", " \t", "1 2\n3 4", 2},
        {"1", " ", "2\n3 4", 2},
        {"1 2", " ", "\n3 4", 2},
        {"1 2", " ", "", 1},
        {"1 2 #", "a long comment without a blank", "\n3 4", 2},
        {"1 2 3 %", "x", "\n3 4", 2},
        {"1\t2 ", "#", "\n3 4", 2},
        {"1, 2 # ", "# x", "\r\n3 4", 2},
        {"1 2 3", " x", "\n3 4", 2},
        {"1 2 3", ",x", "\r\n3 4", 2},
        {"1 , 2", "\t", ", 3\n3 4", 2},
        {"names,of,", "columns,", "\n1,2\n3,4", 2},
        {"%%MatrixMarket matrix coordinate pattern general\n%", "comment", "\n2 2 1\n1 2\n", 1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (size_t count = 0; count < 400; count += 7) {
            uint64_t keys[8];
            size_t len = 0;
            nd_message message = {""};
            const nd_err err = load_long(table[i].head, table[i].filler, count, table[i].tail, keys,
                                         &len, &message);
            if (count == 0 && i == 3) /* 12 alone is no edge */
                continue;
            if (err != ND_OK || len != table[i].n_edges)
                fail_msg("%s%s...%s, %zu times: %zu edges, '%s'", table[i].head, table[i].filler,
                         table[i].tail, count, len, message.text);
            if (len > 0)
                assert_true(keys[0] == ((uint64_t)1 << 32 | 2));
            if (len > 1)
                assert_true(keys[1] == ((uint64_t)3 << 32 | 4));
        }
}

static void a_column_that_no_number_fills_is_refused(void **state)
{
    (void)state;
    uint64_t keys[8];
    size_t len;
    nd_message message = {""};
    assert_int_equal(load_long("1 2\n\n1 ", "0", 1000, "1\n", keys, &len, &message), ND_INPUT);
    assert_string_equal(message.text, "text:3: a column is too long to be a number");
    assert_int_equal(load_long("1 2\n3 4 ", "7", 1000, "\n", keys, &len, &message), ND_INPUT);
    assert_string_equal(message.text, "text:2: a column is too long to be a number");
    assert_int_equal(load_long("", "x", 1000, "\n", keys, &len, &message), ND_INPUT);
    assert_string_equal(message.text, "text:1: a column is too long to be a number");
}

/* --- The rest --- */

static void a_missing_file_is_bad_input(void **state)
{
    (void)state;
    nd_message message = {""};
    nd_edge_reader *reader = NULL;
    assert_int_equal(nd_edge_reader_open("no such file", &reader, &message), ND_INPUT);
    assert_memory_equal(message.text, "no such file", strlen("no such file"));
    nd_edge_reader_close(NULL);
}

static void negative_weights_are_refused_where_they_must_not_be(void **state)
{
    (void)state;
    static const char text[] = "1 2 0.5\n2 3 -0\n3 4 -0.5\n";
    nd_message message = {""};
    nd_graph_builder *builder;
    nd_reader *bytes;
    assert_int_equal(
        nd_graph_builder_create(&(nd_graph_options){.no_negative_weights = true}, &builder), ND_OK);
    assert_int_equal(nd_reader_open_memory("text", text, sizeof text - 1, &bytes, NULL), ND_OK);
    assert_int_equal(nd_graph_builder_read_bytes(builder, bytes, &message), ND_INPUT);
    assert_string_equal(message.text, "text:3: a negative weight");
    nd_graph_builder_destroy(builder);
}

static nd_err open_and_read(void *arg)
{
    nd_edge edges[MOST_EDGES];
    size_t len;
    (void)arg;
    return read_text("a,b\n1,2\n3,4,0.1234567890123456789\n", 34, 8, edges, &len, NULL);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(open_and_read, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edge_lists_are_read),
        cmocka_unit_test(matrix_market_files_are_read),
        cmocka_unit_test(matrix_market_headers_are_told),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(random_text_is_read_as_the_plain_reader_reads_it),
        cmocka_unit_test(any_block_size_and_number_of_threads_gives_the_same),
        cmocka_unit_test(lines_may_be_longer_than_memory_for_them),
        cmocka_unit_test(a_column_that_no_number_fills_is_refused),
        cmocka_unit_test(a_missing_file_is_bad_input),
        cmocka_unit_test(negative_weights_are_refused_where_they_must_not_be),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
