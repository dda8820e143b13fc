/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/random_dataflow.h"

#include "runtime/base/hash.h"
#include "scheduler/simulation.h"
#include "tests/random/harness/mutants.h"
#include "tests/random/harness/observer.h"
#include "tests/random/harness/random_program.h"

enum { ENDLESS = 400000 }; /* events: many times what any run takes */

static void shape(random_run *run, uint64_t seed, nd_simulation_def *def)
{
    static const unsigned numbers[] = {1, 2, 2, 2, 3, 3, 4, 5, 8};
    static const size_t lens[] = {0, 0, 1, 2, 5};
    random_program_shape(run, seed, numbers[nd_hash_u64(seed) % 9], 4000);
    const unsigned n_processes = 1 + run_below(run, 4);
    *def = (nd_simulation_def){.n_workers = run->n_workers,
                               .n_processes = run->n_workers % n_processes ? 1 : n_processes,
                               .mode = run_chance(run, 50) ? ND_PUBLISH_DEMAND : ND_PUBLISH_EAGER,
                               .gathers = run_chance(run, 50),
                               .seed = seed,
                               .budget = run_chance(run, 70) ? 0 : 16 << run_below(run, 8),
                               .max_batch_len = lens[run_below(run, 5)],
                               .build = random_program_build,
                               .drive = random_program_drive,
                               .arg = run};
}

static void check_end(random_run *run, nd_simulation *simulation, global_observer *observer)
{
    observer_check_end(observer);
    random_program_check_end(run, 0, run->n_workers);
    if (!run->is_wrong && !nd_simulation_is_done(simulation))
        run_is_wrong(run, "a worker is not done");
}

static void let_happen(random_run *run, nd_simulation *simulation, global_observer *observer)
{
    bool quiet = false;
    nd_message message;
    for (size_t n = 0; !quiet && !run->is_wrong; n++) {
        if (n == ENDLESS)
            run_is_wrong(run, "it does not end");
        else if (nd_simulation_step(simulation, &quiet, &message) != ND_OK)
            run_is_wrong(run, "%s", message.text);
        observer_look(observer);
    }
    if (!run->is_wrong)
        check_end(run, simulation, observer);
}

static uint64_t play(random_run *run, uint64_t seed, const char *mutant)
{
    uint64_t trace = 0;
    nd_simulation *simulation;
    nd_simulation_def def;
    shape(run, seed, &def);
    if (nd_simulation_create(&def, &simulation, run->why) == ND_OK) {
        global_observer *observer = observer_create(run, simulation);
        if (mutant != NULL)
            mutate(run, simulation, mutant);
        let_happen(run, simulation, observer);
        trace = nd_simulation_trace(simulation) ^ run->trace;
        nd_simulation_destroy(simulation);
        observer_destroy(observer);
        mutate_end(run);
        random_program_check_freed(run);
    } else {
        run->is_wrong = true;
    }
    return trace;
}

bool random_dataflow_run(uint64_t seed, const char *mutant, nd_message *why)
{
    return random_run_make(play, seed, mutant, why);
}
