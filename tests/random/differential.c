/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite `differential`: random queries over collections, under the simulator, against computing
 * them anew at every time.
 */
#include "scheduler/simulation.h"
#include "tests/random/harness/collection_run.h"
#include "tests/random/harness/random_main.h"

enum { MOST_STEPS = 200000 /* of a run: one in a hundred takes ten thousand */ };

static bool play(collection_run *run, uint64_t seed, nd_random *random, nd_message *why)
{
    static const size_t lens[] = {0, 1, 7};
    const size_t len = lens[nd_random_below(random, 3)];
    const bool is_spread = run->n_workers % 2 == 0 && nd_random_below(random, 2);
    const nd_simulation_def def = {.n_workers = run->n_workers,
                                   .n_processes = is_spread ? 2 : 1,
                                   .mode = ND_PUBLISH_DEMAND,
                                   .seed = seed,
                                   /* what an import finds there must come in one batch */
                                   .max_batch_len = run->plans[1].n ? 0 : len,
                                   .build = collection_run_build,
                                   .drive = collection_run_turn,
                                   .arg = run};
    nd_simulation *simulation;
    bool quiet = false;
    nd_err err = nd_simulation_create(&def, &simulation, why);
    if (err != ND_OK)
        return false;
    unsigned n_steps = 0;
    for (; err == ND_OK && !quiet && n_steps < MOST_STEPS; n_steps++)
        err = nd_simulation_step(simulation, &quiet, why);
    const bool is_done = err == ND_OK && nd_simulation_is_done(simulation);
    if (err == ND_OK && !is_done)
        nd_message_set(why, ND_FAILED, "%s, and it is not complete",
                       quiet ? "nothing moves" : "it goes on and on");
    for (unsigned i = 0; i < run->n_workers; i++)
        collection_run_abandon(run, i);
    nd_simulation_destroy(simulation);
    return is_done;
}

static uint64_t marks; /* of the last run */

static uint64_t get_marks(void) { return marks; }

static bool run_one(uint64_t seed, const char *mutant, nd_message *why)
{
    nd_random random;
    nd_random_init(&random, seed);
    const unsigned n_workers = 1 + (unsigned)nd_random_below(&random, RUN_WORKERS);
    collection_run *const run = collection_run_create(n_workers, mutant, &random);
    const bool held = play(run, seed, &random, why) && collection_run_check(run, why);
    if (!held && !mutant)
        collection_run_print(run);
    marks = collection_run_marks(run);
    collection_run_destroy(run);
    return held;
}

int main(int argc, char **argv)
{
    return random_main(argc, argv,
                       &(random_suite){.name = "differential",
                                       .run = run_one,
                                       .mutant_name = query_mutant,
                                       .built_mutants = RANDOM_MUTANTS,
                                       .marks = get_marks,
                                       .mark_name = collection_run_mark_name});
}
