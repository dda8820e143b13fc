/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators that move batches as they are: concat, exchange, broadcast, inspect; and printing.
 */
#include "tests/operators/gather.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

enum { LEN = 10000 };

/* --- Exchange --- */

static void exchange_brings_equal_keys_to_the_worker_of_their_hash(void **state)
{
    (void)state;
    row *rows = feed_random(3, LEN, 7, 100);
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        gather out;
        gather_stage(&out, worker_counts[i], nd_stream_exchange, (feed){rows, LEN});
        gather_assert(&out, rows, LEN);
        for (size_t k = 0; k < out.len; k++) {
            const uint64_t hash = nd_type_hash(&pair_type, &(pair){out.rows[k].key, 0});
            assert_int_equal(out.rows[k].worker, nd_route_of(hash, worker_counts[i]));
        }
        gather_deinit(&out);
    }
    free(rows);
}

/* --- Broadcast --- */

static void broadcast_brings_every_record_to_every_worker(void **state)
{
    (void)state;
    row *rows = feed_random(4, LEN, 7, 100), *expected = calloc(5 * LEN, sizeof *expected);
    assert_non_null(expected);
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        gather out;
        gather_stage(&out, worker_counts[i], nd_stream_broadcast, (feed){rows, LEN});
        size_t n_of_worker[5] = {0};
        for (size_t k = 0; k < out.len; k++)
            n_of_worker[out.rows[k].worker]++;
        for (unsigned worker = 0; worker < worker_counts[i]; worker++) {
            assert_int_equal(n_of_worker[worker], LEN);
            memcpy(expected + worker * LEN, rows, LEN * sizeof *rows);
        }
        gather_assert(&out, expected, worker_counts[i] * LEN);
        gather_deinit(&out);
    }
    free(expected);
    free(rows);
}

/* --- Concat --- */

static size_t negate(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){in[i].key, -in[i].value - 1};
    return len;
}

static nd_stream concat_three(nd_stream in)
{
    return nd_concat((nd_stream[]){in, nd_map(in, &pair_type, negate, nd_no_user), in}, 3);
}

static nd_stream concat_one(nd_stream in) { return nd_concat(&in, 1); }

static void concat_unites_its_streams(void **state)
{
    (void)state;
    row *rows = feed_random(5, LEN, 7, 100), *expected = calloc(3 * LEN, sizeof *expected);
    assert_non_null(expected);
    for (size_t i = 0; i < LEN; i++) {
        expected[3 * i] = expected[3 * i + 1] = expected[3 * i + 2] = rows[i];
        expected[3 * i + 1].value = -rows[i].value - 1;
    }
    assert_stage(concat_three, (feed){rows, LEN}, expected, 3 * LEN);
    assert_stage(concat_one, (feed){rows, LEN}, rows, LEN);
    free(expected);
    free(rows);
}

typedef struct {
    int64_t alone;
} single;
static const nd_type single_type = ND_TYPE(single, 1, ND_FIELD(single, alone));

static nd_err concat_two_types(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "types");
    nd_input *a, *b;
    nd_stream streams[] = {nd_input_new(flow, &pair_type, &a),
                           nd_input_new(flow, &single_type, &b)};
    CHECK(worker, nd_concat(streams, 2).origin == NULL);
    return nd_dataflow_start(flow);
}

static nd_err concat_two_scopes(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "scopes");
    nd_input *a;
    nd_stream in = nd_input_new(flow, &pair_type, &a);
    nd_scope *loop = nd_loop_new(nd_root(flow), "loop");
    CHECK(worker, nd_concat((nd_stream[]){in, nd_enter(loop, in)}, 2).origin == NULL);
    return nd_dataflow_start(flow);
}

static nd_err concat_with_nothing(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "hole");
    nd_input *a;
    nd_stream in = nd_input_new(flow, &pair_type, &a);
    CHECK(worker, nd_concat((nd_stream[]){{NULL}, in}, 2).origin == NULL);
    return nd_dataflow_start(flow);
}

static void concat_of_different_streams_is_refused(void **state)
{
    (void)state;
    run_fails(1, concat_two_types, NULL, ND_INVAL,
              "concat: stream 0 is of type 'pair', stream 1 of type 'single'");
    run_fails(1, concat_with_nothing, NULL, ND_INVAL, "'concat': input 0 has no stream");
    run_fails(1, concat_two_scopes, NULL, ND_INVAL, "'concat'");
}

static nd_err concat_nothing(nd_worker *worker, void *arg)
{
    (void)arg;
    CHECK(worker, nd_concat(NULL, 0).origin == NULL);
    nd_stream none[2] = {{NULL}, {NULL}};
    CHECK(worker, nd_concat(none, 2).origin == NULL);
    CHECK(worker, nd_stream_exchange(none[0]).origin == NULL);
    CHECK(worker, nd_stream_broadcast(none[0]).origin == NULL);
    return ND_OK;
}

static void nothing_comes_of_nothing(void **state)
{
    (void)state;
    run(1, concat_nothing, NULL);
}

/* --- Fan-out --- */

typedef struct {
    const void *seen[2];
} two_sights;

static void see_first(void *user, const nd_type *type, const nd_time *time, const void *records,
                      size_t len)
{
    (void)type, (void)time, (void)len;
    ((two_sights *)user)->seen[0] = records;
}

static void see_second(void *user, const nd_type *type, const nd_time *time, const void *records,
                       size_t len)
{
    (void)type, (void)time, (void)len;
    ((two_sights *)user)->seen[1] = records;
}

static nd_err fan_out(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "fan-out");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &pair_type, &input);
    nd_inspect(in, see_first, (nd_user){arg, NULL});
    nd_inspect(nd_inspect(nd_stream_broadcast(in), see_second, (nd_user){arg, NULL}), see_second,
               (nd_user){arg, NULL});
    ND_TRY(nd_dataflow_start(flow));
    nd_input_send(input, &(pair){1, 2});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void two_consumers_see_the_same_batch(void **state)
{
    (void)state;
    two_sights c = {{NULL, NULL}};
    run(1, fan_out, &c);
    assert_non_null(c.seen[0]);
    assert_ptr_equal(c.seen[0], c.seen[1]);
}

/* --- Printing --- */

typedef struct {
    nd_bytes word;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, word), ND_FIELD(tally, n));

static nd_err print_some(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "print");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &tally_type, &input);
    nd_scope *loop = nd_loop_new(nd_root(flow), "loop");
    nd_inspect(in, nd_print, nd_no_user);
    nd_inspect(nd_enter(loop, in), nd_print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));
    printf("before\n"); /* stays in stdio's buffer */
    nd_input_advance(input, 7);
    nd_input_send(input, &(tally){{"sea nymph", 9}, -3});
    nd_input_close(input);
    return nd_worker_run(worker);
}

/* Narrow records: a batch's text is longer than any buffer on its way. */
typedef struct {
    uint8_t worker, value;
} tiny;
static const nd_type tiny_type = ND_TYPE(tiny, 1, ND_FIELD(tiny, worker), ND_FIELD(tiny, value));
enum { TINY_LEN = 400000, TINY_VALUES = 251 };

static nd_err print_much(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "print");
    nd_input *input;
    nd_inspect(nd_input_new(flow, &tiny_type, &input), nd_print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));
    const uint8_t index = (uint8_t)nd_worker_index(worker);
    for (unsigned i = 0; i < TINY_LEN; i++)
        nd_input_send(input, &(tiny){index, (uint8_t)(i % TINY_VALUES)});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static nd_err print_by_hand(nd_worker *worker, void *arg)
{
    (void)worker, (void)arg;
    const pair record = {1, 2};
    nd_print(NULL, &pair_type, &(nd_time){3, {0, 4}}, &record, 1);
    return ND_OK;
}

/* Runs with standard output in a file, or in `path`; returns it opened for reading. */
static FILE *printed(unsigned n_workers, nd_program *program)
{
    (void)fflush(stdout);
    const int kept = dup(STDOUT_FILENO), fd = open("printed.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(kept >= 0 && fd >= 0);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
    nd_message message = {""};
    const nd_err err =
        nd_execute(&(nd_config){.n_workers = n_workers}, program, NULL, NULL, &message);
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    (void)close(fd);
    assert_int_equal(err, ND_OK);
    FILE *file = fopen("printed.txt", "r");
    assert_non_null(file);
    (void)unlink("printed.txt");
    return file;
}

static void assert_next_line(FILE *file, const char *expected)
{
    char line[128];
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, expected);
}

static void a_line_is_the_time_and_the_fields(void **state)
{
    (void)state;
    FILE *file = printed(1, print_some);
    assert_next_line(file, "before\n");
    char lines[2][64];
    assert_non_null(fgets(lines[0], 64, file));
    assert_non_null(fgets(lines[1], 64, file));
    const bool in_order = strncmp(lines[0], "(7) ", 4) == 0;
    assert_string_equal(lines[!in_order], "(7) sea nymph -3\n");
    assert_string_equal(lines[in_order], "(7, 0) sea nymph -3\n");
    assert_int_equal(fgetc(file), EOF);
    (void)fclose(file);
    file = printed(1, print_by_hand);
    assert_next_line(file, "(3, 0, 4) 1 2\n");
    (void)fclose(file);
}

static void lines_of_several_workers_stay_whole(void **state)
{
    (void)state;
    FILE *file = printed(3, print_much);
    int64_t next[3] = {0};
    char line[64];
    while (fgets(line, sizeof line, file) != NULL) {
        int worker = -1, size = 0;
        long long value = -1;
        assert_int_equal(sscanf(line, "(0) %d %lld\n%n", &worker, &value, &size), 2);
        assert_int_equal(size, strlen(line));
        assert_in_range(worker, 0, 2);
        assert_int_equal(value, next[worker]++ % TINY_VALUES);
    }
    for (int worker = 0; worker < 3; worker++)
        assert_int_equal(next[worker], TINY_LEN);
    (void)fclose(file);
}

static void output_that_cannot_be_written_ends_the_run(void **state)
{
    (void)state;
    const int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        skip();
    (void)fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0 && dup2(full, STDOUT_FILENO) >= 0);
    nd_message message = {""};
    const nd_err err = nd_execute(&(nd_config){.n_workers = 2}, print_much, NULL, NULL, &message);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    (void)close(full);
    assert_int_equal(err, ND_IO);
    assert_non_null(strstr(message.text, "vertex 'inspect': standard output: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchange_brings_equal_keys_to_the_worker_of_their_hash),
        cmocka_unit_test(broadcast_brings_every_record_to_every_worker),
        cmocka_unit_test(concat_unites_its_streams),
        cmocka_unit_test(concat_of_different_streams_is_refused),
        cmocka_unit_test(nothing_comes_of_nothing),
        cmocka_unit_test(two_consumers_see_the_same_batch),
        cmocka_unit_test(a_line_is_the_time_and_the_fields),
        cmocka_unit_test(lines_of_several_workers_stay_whole),
        cmocka_unit_test(output_that_cannot_be_written_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
