/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for tests of clusters. Its own words come after Nereid's options.
 *
 *     flow differ             builds a dataflow whose second vertex is called otherwise on each
 *                             worker
 *     flow pour BYTES US      worker 0 sends so many bytes, in records of 64 bytes, to the last
 *                             worker, which needs US microseconds for each batch; both check what
 *                             they can, and every worker says at the end
 *                             `worker I: N records, peak K KiB`
 *     flow linger [fail]      the last worker never returns from the program; with `fail` worker 0
 *                             fails meanwhile, else all others end
 *
 * Records are numbered: they must come whole, in order, and all.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <nereid.h>

typedef struct {
    uint64_t number, a, b, c, d, e, f, g;
} record;
static const nd_type record_type =
    ND_TYPE(record, 1, ND_FIELD(record, number), ND_FIELD(record, a), ND_FIELD(record, b),
            ND_FIELD(record, c), ND_FIELD(record, d), ND_FIELD(record, e), ND_FIELD(record, f),
            ND_FIELD(record, g));

enum { AT_ONCE = 1024 /* records a callback */ };

/* What a vertex is to do, and how far it is. */
typedef struct counter {
    uint64_t n; /* records sent, or taken */
    uint64_t n_records;
    long pause_us; /* for each batch */
} counter;

static record make_record(uint64_t i)
{
    return (record){i, i * 3, i * 5, i * 7, ~i, i ^ 0xA5A5, i + 1, i << 8};
}

/* --- Pouring --- */

static void again(nd_vertex *vertex)
{
    nd_activator *const activator = nd_vertex_activator(vertex);
    if (!activator)
        nd_fail(vertex, "out of memory");
    nd_activate(activator);
    nd_activator_release(activator);
}

static void send_some(nd_vertex *vertex)
{
    static const nd_time zero = {.epoch = 0};
    counter *const sent = nd_vertex_state(vertex);
    const bool is_first = nd_worker_index(nd_vertex_worker(vertex)) == 0;
    const uint64_t left = is_first ? sent->n_records - sent->n : 0;
    for (uint64_t i = 0; i < left && i < AT_ONCE; i++) {
        const record one = make_record(sent->n++);
        nd_send_by(vertex, 0, &zero, &one);
    }
    if (left > AT_ONCE)
        again(vertex);
    else
        nd_release(vertex, &zero);
}

static void route_to_last(void *user, const void *records, size_t len, uint64_t *hashes)
{
    (void)records;
    const unsigned peers = nd_worker_peers(user);
    for (size_t i = 0; i < len; i++)
        hashes[i] = nd_route_to(peers - 1, peers);
}

static void take_slowly(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time;
    counter *const seen = nd_vertex_state(vertex);
    const struct timespec pause = {seen->pause_us / 1000000, seen->pause_us % 1000000 * 1000};
    const record *const records = nd_batch_records(batch);
    for (size_t i = 0; i < nd_batch_len(batch); i++, seen->n++) {
        const record expected = make_record(seen->n);
        if (memcmp(&records[i], &expected, sizeof expected) != 0)
            nd_fail(vertex, "record %" PRIu64 " is another", seen->n);
    }
    (void)nanosleep(&pause, NULL);
}

static void report(nd_vertex *vertex)
{
    struct rusage usage;
    const counter *const seen = nd_vertex_state(vertex);
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("worker %u: %" PRIu64 " records, peak %ld KiB\n",
           nd_worker_index(nd_vertex_worker(vertex)), seen->n, usage.ru_maxrss);
    fflush(stdout);
}

static nd_err read_words(nd_vertex *vertex)
{
    char **const words = nd_vertex_user(vertex);
    *(counter *)nd_vertex_state(vertex) =
        (counter){.n_records = strtoull(words[1], NULL, 10) / sizeof(record),
                  .pause_us = strtol(words[2], NULL, 10)};
    return ND_OK;
}

static nd_err pour(nd_worker *worker, char **words)
{
    nd_stream records;
    nd_dataflow *const flow = nd_dataflow_new(worker, "pour");
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "jug",
                                   .state_size = sizeof(counter),
                                   .init = read_words,
                                   .user = words,
                                   .outputs = {&record_type},
                                   .on_activate = send_some},
                  &records);
    const nd_user router = {worker, NULL};
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "glass",
                                   .state_size = sizeof(counter),
                                   .init = read_words,
                                   .user = words,
                                   .deinit = report,
                                   .inputs = {nd_exchange_by(records, route_to_last, router)},
                                   .on_recv = take_slowly},
                  NULL);
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

/* --- Differing --- */

static nd_err differ(nd_worker *worker)
{
    char name[32];
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "differ");
    const nd_stream records = nd_input_new(flow, &record_type, &input);
    snprintf(name, sizeof name, "vertex of worker %u", nd_worker_index(worker));
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = name,
                                   .state_size = sizeof(counter),
                                   .inputs = {nd_exchange(records)},
                                   .on_recv = take_slowly},
                  NULL);
    ND_TRY(nd_dataflow_start(flow));
    nd_input_close(input);
    return nd_worker_run(worker);
}

/* --- Lingering --- */

static nd_err linger(nd_worker *worker, bool fails)
{
    static atomic_bool lingers; /* set by the last worker: one that never began would not linger */
    const struct timespec moment = {.tv_nsec = 10000000};
    while (nd_worker_index(worker) == nd_worker_peers(worker) - 1) {
        atomic_store(&lingers, true);
        (void)nanosleep(&moment, NULL);
    }
    while (fails && !atomic_load(&lingers))
        (void)nanosleep(&moment, NULL);
    return fails ? nd_worker_fail(worker, ND_FAILED, "enough") : ND_OK;
}

/* --- The whole --- */

static nd_err program(nd_worker *worker, void *arg)
{
    char **const words = arg;
    if (words[0] && strcmp(words[0], "differ") == 0)
        return differ(worker);
    if (words[0] && strcmp(words[0], "linger") == 0)
        return linger(worker, words[1] != NULL);
    if (!words[0] || strcmp(words[0], "pour") != 0 || !words[1] || !words[2])
        return nd_worker_fail(worker, ND_USAGE, "flow differ, pour BYTES US, or linger");
    return pour(worker, words);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }
