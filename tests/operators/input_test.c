/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs and probes.
 */
#include "tests/operators/gather.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

/* --- What is sent comes out, at its epoch --- */

static nd_stream pass_through(nd_stream in) { return in; }

static void what_is_sent_comes_out_once_at_its_epoch(void **state)
{
    (void)state;
    row *rows = feed_random(1, 20000, 37, 100);
    assert_stage(pass_through, (feed){rows, 20000}, rows, 20000);
    free(rows);
}

static nd_err send_many_of_each_size(nd_worker *worker, void *arg)
{
    static pair pairs[20000];
    nd_dataflow *flow = nd_dataflow_new(worker, "many");
    nd_input *input;
    gather_stream(arg, worker, nd_input_new(flow, &pair_type, &input));
    ND_TRY(nd_dataflow_start(flow));
    for (int64_t i = 0; i < 20000; i++)
        pairs[i] = (pair){i, -i};
    nd_input_send_many(input, pairs, 0);
    nd_input_send_many(input, pairs, 1);
    nd_input_send_many(input, pairs + 1, 19999);
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void many_records_are_sent_at_once(void **state)
{
    (void)state;
    gather out;
    gather_init(&out);
    run(1, send_many_of_each_size, &out);
    gather_sort(&out);
    assert_int_equal(out.len, 20000);
    for (int64_t i = 0; i < 20000; i++) {
        assert_int_equal(out.rows[i].key, i);
        assert_int_equal(out.rows[i].value, -i);
    }
    gather_deinit(&out);
}

/* --- Epochs --- */

static nd_err advance_round_by_round(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "probe");
    nd_input *input;
    nd_probe *probe = nd_probe_new(nd_input_new(flow, &pair_type, &input));
    CHECK(worker, nd_probe_behind(probe, 1)); /* does not run yet */
    ND_TRY(nd_dataflow_start(flow));
    for (uint64_t round = 0; round < 10; round++) {
        CHECK(worker, nd_input_epoch(input) == round);
        nd_input_send(input, &(pair){(int64_t)round, 0});
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, round));
        CHECK(worker, !nd_probe_behind(probe, round));
        CHECK(worker, nd_probe_behind_time(probe, &(nd_time){.epoch = round}));
        CHECK(worker, nd_probe_behind(probe, round + 1));
        CHECK(worker, !nd_dataflow_is_complete(flow));
        nd_input_advance(input, round + 1);
    }
    nd_input_close(input);
    CHECK(worker, nd_input_epoch(input) == UINT64_MAX);
    ND_TRY(nd_worker_run(worker));
    CHECK(worker, nd_dataflow_is_complete(flow));
    CHECK(worker, !nd_probe_behind(probe, UINT64_MAX));
    return ND_OK;
}

static void a_probe_follows_the_input(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WORKER_COUNTS; i++)
        run(worker_counts[i], advance_round_by_round, NULL);
}

static nd_err use_after_close(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "closed");
    nd_input *input;
    gather_stream(arg, worker, nd_input_new(flow, &pair_type, &input));
    ND_TRY(nd_dataflow_start(flow));
    nd_input_send(input, &(pair){1, 1});
    nd_input_advance(input, 5);
    nd_input_advance(input, 5);
    nd_input_send(input, &(pair){2, 2});
    nd_input_close(input);
    nd_input_close(input);
    nd_input_advance(input, 7);
    nd_input_advance(input, 3);
    nd_input_send(input, &(pair){3, 3});
    nd_input_send_many(input, &(pair){3, 3}, 1);
    ND_TRY(nd_worker_run(worker));
    nd_input_send(input, &(pair){4, 4});
    return nd_worker_run(worker);
}

static void a_closed_input_takes_nothing(void **state)
{
    (void)state;
    gather out;
    gather_init(&out);
    run(1, use_after_close, &out);
    row expected[] = {{.time = {.epoch = 0}, .key = 1, .value = 1},
                      {.time = {.epoch = 5}, .key = 2, .value = 2}};
    gather_assert(&out, expected, 2);
    gather_deinit(&out);
}

static nd_err go_back(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "back");
    nd_input *input;
    nd_input_new(flow, &pair_type, &input);
    ND_TRY(nd_dataflow_start(flow));
    nd_input_advance(input, 9);
    nd_input_advance(input, 4);
    return nd_worker_run(worker);
}

static void going_back_ends_the_run(void **state)
{
    (void)state;
    run_fails(1, go_back, NULL, ND_FAILED, "it is at epoch 9 and cannot go back to 4");
}

static nd_err wait_for_oneself(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "wait");
    nd_input *input;
    nd_probe *probe = nd_probe_new(nd_input_new(flow, &pair_type, &input));
    ND_TRY(nd_dataflow_start(flow));
    nd_input_advance(input, 2);
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, 2));
    return nd_worker_step_while(worker, nd_probe_behind, probe, 3);
}

static void waiting_for_ones_own_input_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WORKER_COUNTS; i++)
        run_fails(worker_counts[i], wait_for_oneself, NULL, ND_INVAL, "input");
}

static nd_err use_no_input(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *input = NULL;
    nd_input_send(input, &(pair){1, 1});
    nd_input_send_many(input, &(pair){1, 1}, 1);
    nd_input_advance(input, 1);
    nd_input_close(input);
    CHECK(worker, nd_input_epoch(input) == UINT64_MAX);
    CHECK(worker, nd_input_new(NULL, &pair_type, &input).origin == NULL && input == NULL);
    return ND_OK;
}

static void no_input_is_harmless(void **state)
{
    (void)state;
    run(1, use_no_input, NULL);
}

static nd_err make_input_without_type(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "untyped");
    nd_input *input;
    nd_input_new(flow, NULL, &input);
    CHECK(worker, input == NULL);
    return nd_dataflow_start(flow);
}

static void an_input_without_a_type_is_refused(void **state)
{
    (void)state;
    run_fails(1, make_input_without_type, NULL, ND_INVAL, "it needs a type");
}

/* --- Floats --- */

typedef struct {
    double wide;
    float narrow;
    uint32_t id;
} measure;
static const nd_type measure_type =
    ND_TYPE(measure, 1, ND_FIELD(measure, wide), ND_FIELD(measure, narrow), ND_FIELD(measure, id));

typedef struct {
    const measure *records;
    size_t len;
    measure seen[16];
    size_t n_seen;
} case_of_measures;

static void see_measures(void *user, const nd_type *type, const nd_time *time, const void *records,
                         size_t len)
{
    (void)type, (void)time;
    case_of_measures *c = user;
    memcpy(c->seen + c->n_seen, records, len * sizeof(measure));
    c->n_seen += len;
}

static nd_err send_measures(nd_worker *worker, void *arg)
{
    case_of_measures *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "measures");
    nd_input *input;
    nd_inspect(nd_input_new(flow, &measure_type, &input), see_measures, (nd_user){c, NULL});
    ND_TRY(nd_dataflow_start(flow));
    nd_input_send(input, &c->records[0]);
    nd_input_send_many(input, c->records + 1, c->len - 1);
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void minus_zero_becomes_zero(void **state)
{
    (void)state;
    static const measure in[] = {
        {-0.0, 1.5f, 1}, {2.5, -0.0f, 2}, {-0.0, -0.0f, 3}, {-INFINITY, -1e-45f, 4}};
    static const measure out[] = {
        {0.0, 1.5f, 1}, {2.5, 0.0f, 2}, {0.0, 0.0f, 3}, {-INFINITY, -1e-45f, 4}};
    case_of_measures c = {.records = in, .len = 4};
    run(1, send_measures, &c);
    assert_int_equal(c.n_seen, 4);
    assert_memory_equal(c.seen, out, sizeof out);
}

static void a_nan_ends_the_run(void **state)
{
    (void)state;
    static const measure first[] = {{NAN, 1, 1}, {1, 1, 1}}, second[] = {{1, 1, 1}, {1, NAN, 1}};
    run_fails(1, send_measures, &(case_of_measures){.records = first, .len = 2}, ND_FAILED,
              "a record of type 'measure' has a NaN in field 'wide'");
    run_fails(1, send_measures, &(case_of_measures){.records = second, .len = 2}, ND_FAILED,
              "a record of type 'measure' has a NaN in field 'narrow'");
}

/* --- Strings --- */

typedef struct {
    nd_bytes word;
    double weight;
    nd_bytes more;
} entry;
static const nd_type entry_type =
    ND_TYPE(entry, 1, ND_FIELD(entry, word), ND_FIELD(entry, weight), ND_FIELD(entry, more));

static void see_entries(void *user, const nd_type *type, const nd_time *time, const void *records,
                        size_t len)
{
    (void)type, (void)time;
    const entry *entries = records;
    size_t *n_right = user;
    for (size_t i = 0; i < len; i++) {
        char expected[32];
        const int size = snprintf(expected, sizeof expected, "word %d", (int)entries[i].weight);
        *n_right += entries[i].word.size == (size_t)size &&
                    memcmp(entries[i].word.data, expected, (size_t)size) == 0 &&
                    entries[i].more.size == 1 && *(const char *)entries[i].more.data == '!';
    }
}

static nd_err send_from_one_buffer(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "words");
    nd_input *input;
    nd_inspect(nd_input_new(flow, &entry_type, &input), see_entries, (nd_user){arg, NULL});
    ND_TRY(nd_dataflow_start(flow));
    char buffer[32], mark = '!';
    for (int i = 0; i < 5000; i++) {
        const int size = snprintf(buffer, sizeof buffer, "word %d", i);
        nd_input_send(input, &(entry){{buffer, (size_t)size}, i, {&mark, 1}});
        memset(buffer, '?', sizeof buffer);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void strings_are_copied_when_they_are_sent(void **state)
{
    (void)state;
    size_t n_right = 0;
    run(1, send_from_one_buffer, &n_right);
    assert_int_equal(n_right, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_comes_out_once_at_its_epoch),
        cmocka_unit_test(many_records_are_sent_at_once),
        cmocka_unit_test(a_probe_follows_the_input),
        cmocka_unit_test(a_closed_input_takes_nothing),
        cmocka_unit_test(going_back_ends_the_run),
        cmocka_unit_test(waiting_for_ones_own_input_is_refused),
        cmocka_unit_test(no_input_is_harmless),
        cmocka_unit_test(an_input_without_a_type_is_refused),
        cmocka_unit_test(minus_zero_becomes_zero),
        cmocka_unit_test(a_nan_ends_the_run),
        cmocka_unit_test(strings_are_copied_when_they_are_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
