/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operator in one dataflow, built and run with each allocation failing in turn: the run ends
 * with ND_NOMEM, and nothing is left behind.
 */
#include "tests/operators/gather.h"

#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

typedef struct {
    nd_bytes word;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, word), ND_FIELD(tally, n));

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

static void name_keys(void *user, const void *records, size_t len, nd_emit *out)
{
    (void)user;
    const pair *pairs = records;
    for (size_t i = 0; i < len; i++)
        *(tally *)nd_emit_slot(out) = (tally){{letters, (size_t)pairs[i].key % 26}, pairs[i].value};
}

static size_t measure(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const tally *tallies = records;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){(int64_t)tallies[i].word.size, tallies[i].n};
    return len;
}

static void keep_all(void *user, const void *records, size_t len, bool *keep)
{
    (void)user, (void)records;
    memset(keep, true, len);
}

static void add(void *user, void *total, const void *record)
{
    (void)user;
    ((tally *)total)->n += ((const tally *)record)->n;
}

static void add_sum(void *user, const nd_type *type, const nd_time *time, const void *records,
                    size_t len)
{
    (void)type, (void)time;
    for (size_t i = 0; i < len; i++)
        *(int64_t *)user += ((const pair *)records)[i].value;
}

static void pass(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    nd_notify_at(vertex, time);
    nd_send_batch_by(vertex, 0, time, nd_batch_take(batch));
}

static void ignore(nd_vertex *vertex, const nd_time *time) { (void)vertex, (void)time; }

static nd_stream build(nd_stream in, int64_t *sum)
{
    const nd_operator_def def = {.output = &tally_type, .on_recv = pass, .on_notify = ignore};
    nd_stream words = nd_flat_map(nd_stream_exchange(in), &tally_type, name_keys, nd_no_user);
    nd_stream both = nd_concat((nd_stream[]){words, nd_stream_broadcast(words)}, 2);
    nd_stream once = nd_unary(nd_exchange(both), &def);
    nd_stream through = nd_binary(nd_pipeline(once), nd_pipeline(words), &def);
    nd_stream totals = nd_aggregate(nd_filter(through, keep_all, nd_no_user), add, nd_no_user);
    return nd_inspect(nd_map(totals, &pair_type, measure, nd_no_user), add_sum,
                      (nd_user){sum, NULL});
}

static nd_err program(nd_worker *worker, void *sum)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "all");
    nd_input *input;
    nd_probe *probe = nd_probe_new(build(nd_input_new(flow, &pair_type, &input), sum));
    ND_TRY(nd_dataflow_start(flow));
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        for (int64_t i = 0; i < 100; i++)
            nd_input_send(input, &(pair){i, 1});
        nd_input_advance(input, epoch + 1);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch + 1));
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static nd_err attempt(void *arg)
{
    (void)arg;
    int64_t sum = 0;
    const nd_err err = nd_execute(&(nd_config){.n_workers = 1}, program, &sum, NULL, NULL);
    if (err == ND_OK)
        assert_int_equal(sum, 2 * 100 * 3);
    return err;
}

static void running_out_of_memory_anywhere_ends_the_run_cleanly(void **state)
{
    (void)state;
    assert_in_range(failing_memory_sweep(attempt, NULL), 100, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_out_of_memory_anywhere_ends_the_run_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
