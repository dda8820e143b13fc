/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of updates: every message with its line, every prefix, random text and pieces of any
 * size against the plain reader, and pipes that stay open. */
#include <nereid/graph.h>

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/random.h"
#include "tests/graph/update_oracle.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { SOME = 64 };

static const nd_update_options plain = {.direction = ND_DIRECTED};

static nd_update_reader *open_text(const char *text, size_t size, const nd_update_options *options)
{
    nd_reader *bytes;
    nd_update_reader *reader;
    assert_int_equal(nd_reader_open_memory("text", text, size, &bytes, NULL), ND_OK);
    assert_int_equal(nd_update_reader_open_bytes(bytes, options, &reader), ND_OK);
    return reader;
}

/* Compares with the plain reader, whatever room there is. */
static void check_text(const char *text, size_t size, const nd_update_options *options)
{
    const text_updates wanted = update_oracle_read(text, size, options);
    for (size_t capacity = 2; capacity <= SOME; capacity = capacity * 3 + 1) {
        nd_reader *bytes;
        assert_int_equal(nd_reader_open_memory("text", text, size, &bytes, NULL), ND_OK);
        const char *const difference = update_oracle_compare(bytes, options, capacity, &wanted);
        if (difference != NULL)
            fail_msg("%.*s: %s", (int)size, text, difference);
    }
    free(wanted.updates);
}

/* --- Good lines --- */

static const char good[] = "+ 1 2\n"
                           "+\t1  2 7\r\n"
                           "  + , 18446744073709551615 , 0 # a comment\r"
                           "- 1,2,7\n"
                           "\n"
                           "# a comment\n"
                           "commit\n"
                           "commit % another\r\n"
                           "-,1,2\n"
                           "+ 3 3 1e-3 and more\n"
                           "\tcommit \r\n"
                           "- 3 3 0.001";

static void lines_are_read(void **state)
{
    (void)state;
    static const struct {
        nd_edge_update update;
        bool ends_epoch;
    } wanted[] = {
        {{{1, 2, 1}, 1}, false},    {{{1, 2, 7}, 1}, false},     {{{UINT64_MAX, 0, 1}, 1}, false},
        {{{1, 2, 7}, -1}, true},    {{{0, 0, 0}, 0}, true},      {{{1, 2, 1}, -1}, false},
        {{{3, 3, 0.001}, 1}, true}, {{{3, 3, 0.001}, -1}, true},
    };
    nd_update_reader *const reader =
        open_text(good, strlen(good), &(nd_update_options){.keep_weights = true});
    size_t n = 0, len = 1;
    bool ends_epoch = false;
    while (len > 0 || ends_epoch) {
        nd_edge_update updates[SOME];
        nd_message message = {""};
        if (nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, &message) != ND_OK)
            fail_msg("%s", message.text);
        for (size_t i = 0; i < len; i++, n++) {
            assert_true(updates[i].edge.src == wanted[n].update.edge.src);
            assert_true(updates[i].edge.dst == wanted[n].update.edge.dst);
            assert_true(updates[i].edge.weight == wanted[n].update.edge.weight);
            assert_true(updates[i].diff == wanted[n].update.diff);
            assert_true(wanted[n].ends_epoch == (ends_epoch && i + 1 == len));
        }
        n += len == 0 && ends_epoch; /* the empty epoch */
    }
    assert_int_equal(n, sizeof wanted / sizeof *wanted);
    assert_int_equal(nd_update_reader_n_edges(reader), 1);
    nd_update_reader_close(reader);
}

static void every_prefix_is_read_or_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size <= strlen(good); size++)
        for (unsigned how = 0; how < 4; how++)
            check_text(
                good, size,
                &(nd_update_options){.direction = (how & 1) != 0 ? ND_UNDIRECTED : ND_DIRECTED,
                                     .keep_weights = (how & 2) != 0});
}

/* --- Bad lines --- */

static void bad_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        nd_update_options options;
    } table[] = {
        {"+ 1 2\n\n* 1 2\n",
         "text:3: '*' is not an update: '+ src dst', '- src dst' or 'commit'",
         {0}},
        {"+1 2", "text:1: '+1' is not an update: '+ src dst', '- src dst' or 'commit'", {0}},
        {"1 2", "text:1: '1' is not an update: '+ src dst', '- src dst' or 'commit'", {0}},
        {"commits",
         "text:1: 'commits' is not an update: '+ src dst', '- src dst' or 'commit'",
         {0}},
        {"comm", "text:1: 'comm' is not an update: '+ src dst', '- src dst' or 'commit'", {0}},
        {"commit\rcommit 1\r",
         "text:2: '1' is not the end of the line: a commit stands alone",
         {0}},
        {"commit,\n",
         "text:1: an empty column is not the end of the line: a commit stands alone",
         {0}},
        {"\x01", "text:1: '?' is not an update: '+ src dst', '- src dst' or 'commit'", {0}},
        {"+", "text:1: an edge needs two vertex ids", {0}},
        {"+ # 1 2\n1 2", "text:1: an edge needs two vertex ids", {0}},
        {"# \r\n-\t1\r\n", "text:2: an edge needs two vertex ids", {0}},
        {"+ 1 x",
         "text:1: 'x' is not a vertex id (a whole number from 0 to "
         "18446744073709551615)",
         {0}},
        {"+ 1 18446744073709551616",
         "text:1: '18446744073709551616' is not a vertex id (a whole "
         "number from 0 to 18446744073709551615)",
         {0}},
        {"+ 1 -2",
         "text:1: '-2' is not a vertex id (a whole number from 0 to "
         "18446744073709551615)",
         {0}},
        {"+,,1 2",
         "text:1: an empty column is not a vertex id (a whole number from 0 to "
         "18446744073709551615)",
         {0}},
        {"+ 1 2 heavy", "text:1: 'heavy' is not a weight (a finite decimal number)", {0}},
        {"+ 1 2,", "text:1: the weight is missing", {0}},
        {"+ 1 2 -1", "text:1: a negative weight", {.no_negative_weights = true}},
        {"- 1 2", "text:1: there is no edge 1 2 to be removed", {0}},
        {"+ 1 2\n- 2 1", "text:2: there is no edge 2 1 to be removed", {0}},
        {"+ 1 2\n- 1 2\ncommit\n- 1 2\n+ 1 2\n", "text:4: there is no edge 1 2 to be removed", {0}},
        {"+ 1 2\n- 1 2 0.5\n",
         "text:2: there is no edge 1 2 of weight 0.5 to be removed",
         {.keep_weights = true}},
        {"+ 1 2\n- 2 1\n- 2 1",
         "text:3: there is no edge 2 1 to be removed",
         {.direction = ND_UNDIRECTED}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        nd_update_reader *const reader =
            open_text(table[i].text, strlen(table[i].text), &table[i].options);
        nd_edge_update updates[SOME];
        nd_message message = {""};
        size_t len = 1;
        bool ends_epoch = false;
        nd_err err = ND_OK;
        while (err == ND_OK && (len > 0 || ends_epoch))
            err = nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, &message);
        assert_int_equal(err, ND_INPUT);
        assert_string_equal(message.text, table[i].message);
        nd_update_reader_close(reader);
    }
}

static void a_missing_file_is_bad_input(void **state)
{
    (void)state;
    nd_message message = {""};
    nd_update_reader *reader = NULL;
    nd_update_options options = {.graph_path = "/dev/null", .updates_path = "no such file"};
    assert_int_equal(nd_update_reader_open(&options, &reader, &message), ND_INPUT);
    assert_memory_equal(message.text, "no such file:", strlen("no such file:"));
    options = (nd_update_options){.graph_path = "no graph", .updates_path = "/dev/null"};
    assert_int_equal(nd_update_reader_open(&options, &reader, &message), ND_INPUT);
    assert_memory_equal(message.text, "no graph:", strlen("no graph:"));
    options = (nd_update_options){.graph_path = "/dev/null", .vertices_path = "no ids"};
    assert_int_equal(nd_update_reader_open(&options, &reader, &message), ND_INPUT);
    assert_memory_equal(message.text, "no ids:", strlen("no ids:"));
    nd_update_reader_close(NULL);
}

/* --- Any text --- */

/* A text that is mostly right. */
static size_t make_text(nd_random *random, char *text, size_t n_lines)
{
    static const char *const pieces[] = {"+ 1 2",   "- 1 2",     "+ 2 1 0.5", "- 2 1 .5", "commit",
                                         "+,3,3",   "- 3\t3",    "# 1",       "",         "+ 1 2 1",
                                         " commit", "- 1 2 1.0", "+ 1 2",     "+ 3 1"};
    static const char *const wrong[] = {"+ 1", "- 7 7", "x", "+ 1 2 -3", "commit 2"};
    static const char *const ends[] = {"\n", "\n", "\r\n", "\r", " \n", "\n\n"};
    char *end = text;
    for (size_t i = 0; i < n_lines; i++) {
        const bool is_wrong = nd_random_chance(random, 0.01);
        end = stpcpy(end, is_wrong ? wrong[nd_random_below(random, 5)]
                                   : pieces[nd_random_below(random, 14)]);
        end = stpcpy(end, ends[nd_random_below(random, 6)]);
    }
    return (size_t)(end - text) - nd_random_below(random, 2);
}

static nd_update_options make_options(nd_random *random)
{
    return (nd_update_options){
        .direction = nd_random_chance(random, 0.5) ? ND_UNDIRECTED : ND_DIRECTED,
        .keep_weights = nd_random_chance(random, 0.5),
        .no_negative_weights = nd_random_chance(random, 0.5),
    };
}

static void random_text_is_read_as_the_plain_reader_reads_it(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        char text[2048];
        nd_random random;
        nd_random_init(&random, seed);
        const nd_update_options options = make_options(&random);
        check_text(text, make_text(&random, text, 1 + seed % 60), &options);
    }
}

/* --- Pipes --- */

typedef struct dripping {
    int fd;
    const char *text;
    size_t size;
    nd_random random;
} dripping;

/* Writes a text in pieces of a few bytes. */
static void *drip(void *argument)
{
    dripping *const job = argument;
    for (size_t at = 0; at < job->size;) {
        const size_t most = 1 + nd_random_below(&job->random, 4), rest = job->size - at;
        const ssize_t n = write(job->fd, job->text + at, most < rest ? most : rest);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    close(job->fd);
    return NULL;
}

static nd_reader *open_pipe(int ends[2])
{
    char path[32];
    nd_reader *bytes;
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(nd_reader_open(path, &bytes, NULL), ND_OK);
    close(ends[0]);
    return bytes;
}

static void pieces_of_any_size_are_read_alike(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        char text[2048];
        int ends[2];
        pthread_t thread;
        dripping job = {.text = text};
        nd_random_init(&job.random, seed);
        const nd_update_options options = make_options(&job.random);
        job.size = make_text(&job.random, text, 30);
        const text_updates wanted = update_oracle_read(text, job.size, &options);
        nd_reader *const bytes = open_pipe(ends);
        job.fd = ends[1];
        assert_int_equal(pthread_create(&thread, NULL, drip, &job), 0);
        const char *const difference = update_oracle_compare(bytes, &options, 8, &wanted);
        pthread_join(thread, NULL);
        if (difference != NULL)
            fail_msg("seed %" PRIu64 ": %s", seed, difference);
        free(wanted.updates);
    }
}

static void put(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* If it waited for more, it would do so for ever. */
static void a_commit_is_given_out_before_the_next_line_comes(void **state)
{
    (void)state;
    int ends[2];
    nd_edge_update updates[SOME];
    nd_update_reader *reader;
    size_t len;
    bool ends_epoch;
    assert_int_equal(nd_update_reader_open_bytes(open_pipe(ends), &plain, &reader), ND_OK);
    put(ends[1], "+ 1 2\ncommit\n");
    assert_int_equal(nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, NULL), ND_OK);
    assert_true(len == 1 && ends_epoch);
    put(ends[1], "- 1 2\r\nco");
    put(ends[1], "mmit\r");
    assert_int_equal(nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, NULL), ND_OK);
    assert_true(len == 1 && ends_epoch);
    put(ends[1], "\ncommit\n+ 3 4\n+ 4 5\ncommit\n+ 1");
    assert_int_equal(nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, NULL), ND_OK);
    assert_true(len == 0 && ends_epoch);
    assert_int_equal(nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, NULL), ND_OK);
    assert_true(len == 2 && ends_epoch);
    put(ends[1], " 1");
    close(ends[1]);
    assert_int_equal(nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, NULL), ND_OK);
    assert_true(len == 1 && ends_epoch);
    assert_int_equal(nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, NULL), ND_OK);
    assert_true(len == 0 && !ends_epoch);
    nd_update_reader_close(reader);
}

static void a_line_may_be_longer_than_memory_for_it(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    char *const text = malloc(size);
    memset(text, ' ', size);
    memcpy(text, "+ 1", 3);
    memcpy(text + size / 2, "2 0.5 # ", 8);
    memcpy(text + size - 9, "\n+ 3 4\n+ ", 9);
    check_text(text, size, &(nd_update_options){.keep_weights = true});
    static const char *const heads[] = {"+ 1 2 # ", "+ 1 2 %", "+ 1 2\ncommit #"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        memset(text, 'x', size);
        memcpy(text, heads[i], strlen(heads[i]));
        memcpy(text + size - 9, "\n- 1 2\n+ ", 9);
        check_text(text, size, &plain);
        check_text(text, size - 2, &plain);
    }
    memset(text, '1', size);
    memcpy(text, "+ ", 2);
    nd_message message = {""};
    nd_edge_update updates[SOME];
    size_t len;
    bool ends_epoch;
    nd_update_reader *const reader = open_text(text, size, &plain);
    assert_int_equal(nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, &message),
                     ND_INPUT);
    assert_string_equal(message.text, "text:1: a column is too long to be a number");
    nd_update_reader_close(reader);
    free(text);
}

/* --- Graphs before the updates --- */

static void write_file(const char *path, const char *text)
{
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static nd_err read_files(void *arg)
{
    const nd_update_options options = {.graph_path = "updates_test.e",
                                       .updates_path = "updates_test.txt",
                                       .direction = ND_AS_THE_FILE_SAYS};
    nd_edge_update updates[SOME];
    nd_update_reader *reader;
    nd_graph *graph;
    size_t *const lens = arg;
    ND_TRY(nd_update_reader_open(&options, &reader, NULL));
    nd_err err = ND_OK;
    size_t n = 0, len = 1;
    bool ends_epoch = false;
    while (err == ND_OK && (len > 0 || ends_epoch)) {
        err = nd_update_reader_next(reader, updates, SOME, &len, &ends_epoch, NULL);
        lens[n++] = len;
    }
    if (err == ND_OK)
        err = nd_update_reader_build(reader, ND_OUT_LISTS, &graph, NULL);
    if (err == ND_OK) {
        assert_int_equal(nd_graph_get_counts(graph)->n_vertices, 4);
        assert_int_equal(nd_graph_get_counts(graph)->n_edges, 2);
        assert_int_equal(nd_graph_ids(graph)[3], 9);
        nd_graph_destroy(graph);
    }
    nd_update_reader_close(reader);
    return err;
}

static void write_files(void)
{
    write_file("updates_test.e", "%%MatrixMarket matrix coordinate pattern symmetric\n"
                                 "3 3 3\n1 2\n1 2\n3 3\n");
    write_file("updates_test.v", "9\n1\n");
    write_file("updates_test.txt", "- 2 1\ncommit\n+ 2 3\n");
}

static void a_graph_and_its_vertices_are_epoch_zero(void **state)
{
    (void)state;
    size_t lens[SOME];
    write_files();
    assert_int_equal(read_files(lens), ND_OK);
    assert_int_equal(lens[0], 2 + 2 + 1 + 2); /* both ways, both ways, a loop, two vertices */
    assert_int_equal(lens[1], 2);
    assert_int_equal(lens[2], 2);
    assert_int_equal(lens[3], 0);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    size_t lens[SOME];
    write_files();
    assert_true(failing_memory_sweep(read_files, lens) > 5);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN); /* a wrong line is read no further */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(every_prefix_is_read_or_refused),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(a_missing_file_is_bad_input),
        cmocka_unit_test(random_text_is_read_as_the_plain_reader_reads_it),
        cmocka_unit_test(pieces_of_any_size_are_read_alike),
        cmocka_unit_test(a_commit_is_given_out_before_the_next_line_comes),
        cmocka_unit_test(a_line_may_be_longer_than_memory_for_it),
        cmocka_unit_test(a_graph_and_its_vertices_are_epoch_zero),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
