/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each worker sends and adds up by itself; the sums meet when the sinks end.
 */
#include "bench/stream_job.h"

#include <stdatomic.h>

#include "bench/pair.h"

enum { LAG = 2 /* epochs under way at most */ };

static void add_sum(nd_vertex *vertex)
{
    const stream_sum *self = nd_vertex_state(vertex);
    stream_job *job = nd_vertex_user(vertex);
    atomic_fetch_add(&job->n_arrived, self->n);
    atomic_fetch_add(&job->sum, self->sum);
}

static nd_err feed(stream_job *job, nd_worker *worker, nd_input *input, const nd_probe *probe)
{
    const uint64_t begin = bench_now_ns();
    for (uint64_t epoch = 1; epoch <= job->n_epochs; epoch++) {
        ND_TRY(job->send(job, worker, input));
        nd_input_advance(input, epoch);
        if (epoch > LAG)
            ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch - LAG));
    }
    nd_input_close(input);
    ND_TRY(nd_worker_run(worker));
    if (nd_worker_index(worker) == 0)
        job->ns = (double)(bench_now_ns() - begin);
    return ND_OK;
}

nd_err stream_job_run(stream_job *job, nd_dataflow *flow, nd_input *input, nd_pact records,
                      void (*on_recv)(nd_vertex *vertex, unsigned port, const nd_time *time,
                                      nd_batch *batch))
{
    nd_stream end;
    const nd_vertex *const sink = nd_vertex_new(nd_root(flow),
                                                &(nd_vertex_def){.name = "sink",
                                                                 .state_size = sizeof(stream_sum),
                                                                 .deinit = add_sum,
                                                                 .user = job,
                                                                 .inputs = {records},
                                                                 .on_recv = on_recv},
                                                &end);
    const nd_probe *probe = nd_probe_new(end);
    ND_TRY(nd_dataflow_start(flow));
    return feed(job, nd_vertex_worker(sink), input, probe);
}

void stream_job_total(stream_job *job, const bench_plan *plan)
{
    job->n_arrived = bench_total(plan, job->n_arrived);
    job->sum = bench_total(plan, job->sum);
}
