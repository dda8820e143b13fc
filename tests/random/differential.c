/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite `differential`: random queries over collections, under the simulator, against computing
 * them anew at every epoch.
 */
#include <stdio.h>
#include <stdlib.h>

#include <nereid.h>

#include "scheduler/simulation.h"
#include "tests/random/harness/random_main.h"
#include "tests/random/harness/random_query.h"

enum { EPOCHS = 6, MOST_WORKERS = 4, MOST_CHANGES = 400 };

/* What is fed: on which worker, to which input, when. */
typedef struct change {
    unsigned worker, input, epoch, record;
    int64_t diff;
} change;

typedef struct collection_run {
    query plan;
    const char *mutant;
    unsigned n_workers, n_changes;
    change changes[MOST_CHANGES]; /* in order of epochs */
    unsigned n_fed[MOST_WORKERS]; /* changes that each worker has looked at */
    nd_input *inputs[MOST_WORKERS][QUERY_INPUTS];
    table found[EPOCHS]; /* by the epoch of the update */
    query_watch watch;
    bool is_strange; /* an update that cannot be */
} collection_run;

/* --- The program of a worker --- */

static void note(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    collection_run *const run = user;
    (void)type;
    for (size_t i = 0; i < len; i++) {
        const nd_update *const one = &updates[i];
        const unsigned number = pair_number(one->record);
        run->is_strange |= one->diff == 0 || one->time.loop[0] != 0 || one->time.epoch >= EPOCHS ||
                           number >= QUERY_RECORDS;
        if (!run->is_strange)
            run->found[one->time.epoch].n[number] += one->diff;
    }
}

static nd_err build(nd_worker *worker, void *arg)
{
    collection_run *const run = arg;
    nd_input **const own = run->inputs[nd_worker_index(worker)];
    nd_dataflow *const flow = nd_dataflow_new(worker, "query");
    nd_collection inputs[QUERY_INPUTS];
    for (unsigned i = 0; i < QUERY_INPUTS; i++)
        inputs[i] = nd_collection_input_new(flow, &pair_type, &own[i]);
    nd_collection_inspect(query_build(&run->plan, flow, inputs, &run->watch, run->mutant), note,
                          (nd_user){run, NULL});
    return nd_dataflow_start(flow);
}

static void feed(nd_input **inputs, const change *one)
{
    const pair record = pair_of_number(one->record);
    nd_input_advance(inputs[one->input], one->epoch);
    if (one->diff == 1)
        nd_collection_insert(inputs[one->input], &record);
    else if (one->diff == -1)
        nd_collection_remove(inputs[one->input], &record);
    else
        nd_collection_update(inputs[one->input], &record, one->diff);
}

/* Each worker goes through the changes by itself, so they are at different epochs. */
static bool drive(nd_worker *worker, nd_random *random, void *arg)
{
    collection_run *const run = arg;
    const unsigned index = nd_worker_index(worker);
    unsigned *const next = &run->n_fed[index];
    for (uint64_t n = nd_random_below(random, 20); n > 0 && *next < run->n_changes; n--, ++*next)
        if (run->changes[*next].worker == index)
            feed(run->inputs[index], &run->changes[*next]);
    if (*next < run->n_changes)
        return true;
    for (unsigned i = 0; i < QUERY_INPUTS; i++)
        nd_input_close(run->inputs[index][i]);
    return false;
}

/* --- A run --- */

/* Most changes are undone later, in part: so much cancels. */
static void make_changes(collection_run *run, nd_random *random)
{
    run->n_changes = (unsigned)nd_random_below(random, MOST_CHANGES);
    for (unsigned i = 0; i < run->n_changes; i++) {
        change *const one = &run->changes[i];
        *one = (change){.worker = (unsigned)nd_random_below(random, run->n_workers),
                        .input = (unsigned)nd_random_below(random, QUERY_INPUTS),
                        .epoch = i * EPOCHS / run->n_changes,
                        .record = (unsigned)nd_random_below(random, QUERY_RECORDS),
                        .diff = (int64_t)nd_random_below(random, 7) - 3};
        if (i > 0 && nd_random_below(random, 2)) {
            const change *const undone = &run->changes[nd_random_below(random, i)];
            one->input = undone->input;
            one->record = undone->record;
            one->diff = -undone->diff;
        }
    }
}

static bool compare(const collection_run *run, nd_message *why)
{
    table inputs[QUERY_INPUTS] = {{{0}}}, sum = {{0}};
    unsigned next = 0;
    for (unsigned epoch = 0; epoch < EPOCHS; epoch++) {
        for (; next < run->n_changes && run->changes[next].epoch == epoch; next++)
            inputs[run->changes[next].input].n[run->changes[next].record] +=
                run->changes[next].diff;
        const table expected = query_compute(&run->plan, inputs);
        for (unsigned r = 0; r < QUERY_RECORDS; r++) {
            sum.n[r] += run->found[epoch].n[r];
            if (sum.n[r] == expected.n[r])
                continue;
            const pair record = pair_of_number(r);
            nd_message_set(why, ND_FAILED, "epoch %u: (%u, %d) is there %lld times instead of %lld",
                           epoch, record.key, record.value, (long long)sum.n[r],
                           (long long)expected.n[r]);
            return false;
        }
    }
    if (run->is_strange || run->watch.has_repeated)
        nd_message_set(why, ND_FAILED,
                       run->is_strange ? "an update that cannot be" : "it is not consolidated");
    return !run->is_strange && !run->watch.has_repeated;
}

static bool play(collection_run *run, uint64_t seed, nd_random *random, nd_message *why)
{
    static const size_t lens[] = {0, 1, 7};
    const bool is_spread = run->n_workers % 2 == 0 && nd_random_below(random, 2);
    const nd_simulation_def def = {.n_workers = run->n_workers,
                                   .n_processes = is_spread ? 2 : 1,
                                   .mode = ND_PUBLISH_DEMAND,
                                   .seed = seed,
                                   .max_batch_len = lens[nd_random_below(random, 3)],
                                   .build = build,
                                   .drive = drive,
                                   .arg = run};
    nd_simulation *simulation;
    bool quiet = false;
    nd_err err = nd_simulation_create(&def, &simulation, why);
    if (err != ND_OK)
        return false;
    while (err == ND_OK && !quiet)
        err = nd_simulation_step(simulation, &quiet, why);
    const bool is_done = err == ND_OK && nd_simulation_is_done(simulation);
    if (err == ND_OK && !is_done)
        nd_message_set(why, ND_FAILED, "nothing moves, and it is not complete");
    nd_simulation_destroy(simulation);
    return is_done;
}

static bool run_one(uint64_t seed, const char *mutant, nd_message *why)
{
    nd_random random;
    collection_run *const run = calloc(1, sizeof *run);
    if (!run)
        abort();
    nd_random_init(&random, seed);
    run->mutant = mutant;
    run->n_workers = 1 + (unsigned)nd_random_below(&random, MOST_WORKERS);
    query_make(&run->plan, &random);
    make_changes(run, &random);
    const bool held = play(run, seed, &random, why) && compare(run, why);
    query_watch_deinit(&run->watch);
    free(run);
    return held;
}

int main(int argc, char **argv)
{
    return random_main(
        argc, argv,
        &(random_suite){.name = "differential", .run = run_one, .mutant_name = query_mutant});
}
