/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Graphs with very many ports and streams: neither building them nor a record through each may take
 * time or memory that grows with the square. The widest vertex here would take minutes then.
 */
#include "tests/operators/gather.h"

#include <stdlib.h>

#include "tests/support/cmocka.h"

static const size_t widths[] = {1, 10, 100, 1000, 10000, 100000};

typedef struct {
    gather out;
    size_t width;
} wide;

static void pass_to_own_output(nd_vertex *vertex, unsigned port, const nd_time *time,
                               nd_batch *batch)
{
    nd_send_batch_by(vertex, port, time, nd_batch_take(batch));
}

/* A vertex with `n` inputs and outputs, each input leading to its own output only. */
static nd_err add_wide(nd_dataflow *flow, nd_stream in, size_t n, nd_stream *out)
{
    nd_pact *inputs = nd_alloc(n, sizeof *inputs);
    const nd_type **outputs = nd_alloc(n, sizeof *outputs);
    nd_vertex_summary *summaries = nd_alloc_zero(n, sizeof *summaries);
    nd_stream *streams = nd_alloc(n, sizeof *streams);
    if (inputs == NULL || outputs == NULL || summaries == NULL || streams == NULL)
        return ND_NOMEM;
    for (size_t i = 0; i < n; i++) {
        inputs[i] = nd_pipeline(in);
        outputs[i] = &pair_type;
        summaries[i].input = summaries[i].output = (unsigned)i;
    }
    nd_vertex_new_wide(nd_root(flow),
                       &(nd_vertex_def){.name = "wide",
                                        .on_recv = pass_to_own_output,
                                        .summaries = summaries,
                                        .n_summaries = n,
                                        .only_named = true},
                       inputs, n, outputs, n, streams);
    *out = nd_concat(streams, n);
    nd_free(inputs);
    nd_free(outputs);
    nd_free(summaries);
    nd_free(streams);
    return ND_OK;
}

static nd_err send_one(nd_worker *worker, nd_input *input)
{
    nd_input_send(input, &(pair){1, 2});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static nd_err run_wide_vertex(nd_worker *worker, void *arg)
{
    wide *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "wide");
    nd_input *input;
    nd_stream out;
    ND_TRY(add_wide(flow, nd_input_new(flow, &pair_type, &input), c->width, &out));
    gather_stream(&c->out, worker, out);
    ND_TRY(nd_dataflow_start(flow));
    return send_one(worker, input);
}

static size_t add_one(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *in = records;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){in[i].key, in[i].value + 1};
    return len;
}

static nd_err run_wide_scope(nd_worker *worker, void *arg)
{
    wide *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "scope");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &pair_type, &input);
    nd_scope *loop = nd_loop_new(nd_root(flow), "loop");
    nd_stream *streams = nd_alloc(c->width, sizeof *streams);
    CHECK(worker, streams != NULL);
    for (size_t i = 0; i < c->width; i++)
        streams[i] = nd_leave(nd_map(nd_enter(loop, in), &pair_type, add_one, nd_no_user));
    gather_stream(&c->out, worker, nd_concat(streams, c->width));
    nd_free(streams);
    ND_TRY(nd_dataflow_start(flow));
    return send_one(worker, input);
}

static void assert_wide(nd_program *program, unsigned n_workers, int64_t value, size_t n_widths)
{
    for (size_t i = 0; i < n_widths; i++) {
        wide c = {.width = widths[i]};
        gather_init(&c.out);
        run(n_workers, program, &c);
        assert_int_equal(c.out.len, n_workers * widths[i]);
        for (size_t k = 0; k < c.out.len; k++)
            assert_int_equal(c.out.rows[k].value, value);
        gather_deinit(&c.out);
    }
}

static void a_vertex_may_have_very_many_ports(void **state)
{
    (void)state;
    assert_wide(run_wide_vertex, 1, 2, 6);
    assert_wide(run_wide_vertex, 2, 2, 5);
}

static void very_many_streams_may_go_through_a_scope(void **state)
{
    (void)state;
    assert_wide(run_wide_scope, 1, 3, 5);
    assert_wide(run_wide_scope, 2, 3, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vertex_may_have_very_many_ports),
        cmocka_unit_test(very_many_streams_may_go_through_a_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
