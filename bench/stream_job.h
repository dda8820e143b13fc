/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STREAM_JOB_H
#define BENCH_STREAM_JOB_H

/** @file
 * What rows about streams have in common: records sent epoch by epoch, a few epochs under way at a
 * time, and a sink that adds up what arrives.
 */

#include <stddef.h>
#include <stdint.h>

#include <nereid/stream.h>
#include <nereid/worker.h>

#include "bench/harness.h"

typedef struct stream_job stream_job;

/** The first member of a row's own job. */
struct stream_job {
    size_t n_epochs;
    /** Sends what the worker has to send in one epoch. */
    nd_err (*send)(const stream_job *job, nd_worker *worker, nd_input *input);
    double ns;                       /* from the first record to the end, by worker 0 */
    _Atomic uint64_t n_arrived, sum; /* added to by each worker at its end, read after all */
};

/** The state of a worker's sink. */
typedef struct stream_sum {
    uint64_t n, sum;
} stream_sum;

/** Runs a dataflow on this worker to its end: what comes through `records`, which `input` feeds,
 * goes to `on_recv` of a sink whose state is a stream_sum. */
ND_CHECKED nd_err stream_job_run(stream_job *job, nd_dataflow *flow, nd_input *input,
                                 nd_pact records,
                                 void (*on_recv)(nd_vertex *vertex, unsigned port,
                                                 const nd_time *time, nd_batch *batch));

/** Once it has run: adds up what the sinks of all processes have counted. */
void stream_job_total(stream_job *job, const bench_plan *plan);

#endif
