/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold. After every event: what the observer checks (observer.h), credit is neither made
 * up nor lost, nothing damaged is believed. At the end every process that has not crashed has
 * either ended well, and then has got everything and is right, or failed, and then something
 * harmful has happened, it says who is to blame, and all say the same. And that comes soon after
 * the harm.
 */
#include "tests/random/harness/cluster_run.h"

#include <string.h>

#include "runtime/base/hash.h"
#include "scheduler/simulation.h"
#include "scheduler/worker.h"
#include "tests/random/harness/cluster_faults.h"
#include "tests/random/harness/observer.h"
#include "tests/random/harness/random_program.h"

enum {
    ENDLESS = 400000, /* events: many times what any run takes */
    SOON = 20000,     /* ticks after the first harm, within which all is over */
};

typedef enum cluster_mark {
    MARK_CREDIT_SPENT,
    MARK_CREDIT_SPENT_ROUND_A_CYCLE,
    MARK_CRASH,
    MARK_CUT,
    MARK_DAMAGE, /* and the kinds of damage behind it */
    MARK_SOME_ENDED_WELL = MARK_DAMAGE + ND_SIM_STALE + 1,
    MARK_LIVED_THROUGH_HARM,
    N_MARKS,
} cluster_mark;

static const char *const mark_names[N_MARKS] = {
    [MARK_CREDIT_SPENT] = "credit spent",
    [MARK_CREDIT_SPENT_ROUND_A_CYCLE] = "credit spent both ways, with a cycle",
    [MARK_CRASH] = "a crash",
    [MARK_CUT] = "a broken lane",
    [MARK_DAMAGE] = "a damaged frame",
    [MARK_DAMAGE + ND_SIM_GAP] = "a gap",
    [MARK_DAMAGE + ND_SIM_TWICE] = "a repeat",
    [MARK_DAMAGE + ND_SIM_FLIP_HEAD] = "a flipped bit of a head",
    [MARK_DAMAGE + ND_SIM_FLIP_BODY] = "a flipped bit of a body",
    [MARK_DAMAGE + ND_SIM_STALE] = "a frame of an old incarnation",
    [MARK_SOME_ENDED_WELL] = "some have failed when others have ended well",
    [MARK_LIVED_THROUGH_HARM] = "all well in spite of a crash or a broken lane",
};

static uint64_t marks; /* of the last run: there is one run at a time */

static void mark(unsigned what) { marks |= UINT64_C(1) << what; }

uint64_t cluster_marks(void) { return marks; }

const char *cluster_mark_name(size_t index) { return index < N_MARKS ? mark_names[index] : NULL; }

/* --- Mutants --- */

static const struct planned_neglect {
    const char *name;
    nd_sim_neglect neglect;
} mutants[] = {
    {"no-sequence", ND_SIM_NO_SEQUENCE},       {"no-body-hash", ND_SIM_NO_BODY_HASH},
    {"no-incarnation", ND_SIM_NO_INCARNATION}, {"no-disconnect", ND_SIM_NO_DISCONNECT},
    {"no-credit", ND_SIM_NO_CREDIT},           {"no-order", ND_SIM_NO_ORDER},
    {"no-counts", ND_SIM_NO_COUNTS},           {"no-farewell", ND_SIM_NO_FAREWELL},
    {"no-linger", ND_SIM_NO_LINGER},           {"no-abort", ND_SIM_NO_ABORT},
    {"no-passing-on", ND_SIM_NO_PASSING_ON},
};

enum { N_MUTANTS = sizeof mutants / sizeof *mutants };

const char *cluster_mutant_name(size_t index)
{
    return index < N_MUTANTS ? mutants[index].name : NULL;
}

static void neglect(nd_sim *sim, const char *name)
{
    for (size_t i = 0; name != NULL && i < N_MUTANTS; i++)
        if (strcmp(mutants[i].name, name) == 0)
            nd_sim_make_neglect(sim, mutants[i].neglect);
}

/* --- A run --- */

typedef struct cluster {
    random_run *run;
    unsigned n_processes, n_own; /* workers of each */
    cluster_faults faults;
    nd_simulation *simulation;
    nd_sim *sim;
    global_observer *observer;
    bool has_cycle;
} cluster;

static nd_simulation_def shape(cluster *all, uint64_t seed)
{
    static const unsigned processes[] = {2, 2, 2, 3, 3, 4, 5}, own[] = {1, 1, 2, 2, 3};
    static const size_t lens[] = {0, 0, 1, 2, 5};
    random_run *run = all->run;
    nd_random random;
    nd_random_init(&random, nd_hash_u64(~seed));
    all->n_processes = processes[nd_random_below(&random, 7)];
    all->n_own = own[nd_random_below(&random, 5)];
    cluster_faults_plan(&random, all->n_processes, &all->faults);
    random_program_shape(run, seed, all->n_processes * all->n_own, 2500);
    for (unsigned f = 0; f < run->n_flows; f++)
        for (unsigned v = 0; v < run->flows[f].plan.n_vertices; v++)
            all->has_cycle |= run->flows[f].plan.vertices[v].on_cycle;
    return (nd_simulation_def){.n_workers = run->n_workers,
                               .n_processes = all->n_processes,
                               .mode = run_chance(run, 50) ? ND_PUBLISH_DEMAND : ND_PUBLISH_EAGER,
                               .gathers = run_chance(run, 50),
                               .seed = seed,
                               .budget = run_chance(run, 60) ? 0 : 16 << run_below(run, 8),
                               .window = run_chance(run, 40) ? 0 : 1U << run_below(run, 10),
                               .max_batch_len = lens[run_below(run, 5)],
                               .build = random_program_build,
                               .drive = random_program_drive,
                               .arg = run};
}

static bool is_live(const cluster *all, unsigned process)
{
    return nd_sim_phase_of(all->sim, process) <= ND_SIM_LEAVING;
}

/* --- After every event --- */

static void look_at_credit(const cluster *all)
{
    for (unsigned i = 0; i < all->n_processes; i++)
        for (unsigned k = 0; k < i; k++) {
            const bool there = nd_sim_n_waiting(all->sim, i, k) != 0;
            const bool back = nd_sim_n_waiting(all->sim, k, i) != 0;
            if (there || back)
                mark(MARK_CREDIT_SPENT);
            if (there && back && all->has_cycle)
                mark(MARK_CREDIT_SPENT_ROUND_A_CYCLE);
        }
}

static void check_soon(const cluster *all)
{
    const nd_sim_witness witness = nd_sim_ask_witness(all->sim);
    if (witness.n_met == 0 || nd_sim_now(all->sim) - witness.met_at < SOON)
        return;
    for (unsigned i = 0; i < all->n_processes; i++)
        if (is_live(all, i))
            run_is_wrong(all->run, "process %u goes on for ever after something went wrong", i);
}

static void look(const cluster *all)
{
    nd_message message;
    const nd_sim_witness witness = nd_sim_ask_witness(all->sim);
    observer_look(all->observer);
    if (nd_sim_validate(all->sim, &message) != ND_OK)
        run_is_wrong(all->run, "%s", message.text);
    if (witness.n_believed != 0)
        run_is_wrong(all->run, "%s was not noticed", mark_names[MARK_DAMAGE + witness.believed]);
    look_at_credit(all);
    check_soon(all);
}

/* --- At the end --- */

static void check_ended(const cluster *all, unsigned process)
{
    if (!nd_sim_has_all(all->sim, process))
        run_is_wrong(all->run, "process %u ended before it had got everything", process);
    random_program_check_end(all->run, process * all->n_own, all->n_own);
}

/* Whether the text blames a process that a fault befell. */
static bool blames_right(const cluster *all, const char *text)
{
    for (const char *at = text; (at = strstr(at, "process ")) != NULL; at++) {
        const unsigned process = (unsigned)strtoul(at + strlen("process "), NULL, 10);
        if (process < all->n_processes && (all->faults.involved >> process & 1) != 0)
            return true;
    }
    return false;
}

/* Not if there were several causes, or if two cannot tell each other, and nobody else could. */
static bool must_agree(const cluster *all)
{
    unsigned n_failed = 0;
    for (unsigned i = 0; i < all->n_processes; i++)
        n_failed += nd_sim_phase_of(all->sim, i) == ND_SIM_FAILED;
    return all->faults.n_harmful == 1 &&
           (!all->faults.is_mute || (n_failed > 2 && n_failed == all->n_processes));
}

static void check_failed(const cluster *all, unsigned process)
{
    nd_message own, other;
    if (nd_sim_verdict(all->sim, process, &own) == ND_OK) {
        run_is_wrong(all->run, "process %u has failed and does not say why", process);
        return;
    }
    if (nd_sim_ask_witness(all->sim).n_met == 0)
        run_is_wrong(all->run, "process %u failed for nothing: %.400s", process, own.text);
    if (!blames_right(all, own.text))
        run_is_wrong(all->run, "process %u blames the wrong one: %.400s", process, own.text);
    for (unsigned i = 0; i < process && must_agree(all); i++)
        if (nd_sim_phase_of(all->sim, i) == ND_SIM_FAILED &&
            nd_sim_verdict(all->sim, i, &other) != ND_OK && strcmp(own.text, other.text) != 0)
            run_is_wrong(all->run, "process %u says '%.200s', process %u '%.200s'", i, other.text,
                         process, own.text);
}

/* Bytes that sources wait for are counted until they are known to have been consumed. */
static void check_budget(const cluster *all, unsigned process)
{
    const nd_host *host = NULL;
    int64_t counted = 0;
    for (unsigned i = 0; i < all->n_own; i++) {
        host = &nd_simulation_worker(all->simulation, process * all->n_own + i)->host;
        counted += host->in_flight.delta;
    }
    counted += host->in_flight.budget->in_flight;
    if (counted != nd_sim_unconsumed(all->sim, process))
        run_is_wrong(all->run, "process %u counts %lld bytes under way, and there are %lld",
                     process, (long long)counted, (long long)nd_sim_unconsumed(all->sim, process));
}

static void note_end(const cluster *all, unsigned n_ended, unsigned n_failed)
{
    const nd_sim_witness witness = nd_sim_ask_witness(all->sim);
    for (unsigned i = ND_SIM_GAP; i <= ND_SIM_STALE; i++)
        if ((witness.damages >> i & 1) != 0) {
            mark(MARK_DAMAGE);
            mark(MARK_DAMAGE + i);
        }
    if (witness.n_crashes != 0)
        mark(MARK_CRASH);
    if (witness.n_cuts != 0)
        mark(MARK_CUT);
    if (n_ended != 0 && n_failed != 0)
        mark(MARK_SOME_ENDED_WELL);
    if (n_ended != 0 && n_failed == 0 && witness.n_met != 0)
        mark(MARK_LIVED_THROUGH_HARM);
}

static void check_end(const cluster *all)
{
    unsigned n_ended = 0, n_failed = 0;
    for (unsigned i = 0; i < all->n_processes; i++) {
        switch (nd_sim_phase_of(all->sim, i)) {
        case ND_SIM_RUNNING:
        case ND_SIM_LEAVING:
            run_is_wrong(all->run, "process %u waits for ever, and says nothing", i);
            break;
        case ND_SIM_ENDED:
            n_ended++;
            check_ended(all, i);
            break;
        case ND_SIM_FAILED:
            n_failed++;
            check_failed(all, i);
            break;
        case ND_SIM_CRASHED:
            break;
        }
    }
    note_end(all, n_ended, n_failed);
    if (n_ended != all->n_processes)
        return;
    observer_check_end(all->observer);
    for (unsigned i = 0; i < all->n_processes; i++)
        check_budget(all, i);
}

/* --- Making runs --- */

static void let_happen(cluster *all)
{
    bool is_over = false;
    nd_message message;
    for (size_t n = 0; !is_over && !all->run->is_wrong; n++) {
        if (n == ENDLESS)
            run_is_wrong(all->run, "it does not end");
        cluster_faults_happen(&all->faults, all->sim);
        is_over |= nd_simulation_step(all->simulation, &is_over, &message) != ND_OK;
        look(all);
    }
    if (!all->run->is_wrong)
        check_end(all);
}

static uint64_t play(random_run *run, uint64_t seed, const char *mutant)
{
    uint64_t trace = 0;
    cluster all = {.run = run};
    const nd_simulation_def def = shape(&all, seed);
    if (nd_simulation_create(&def, &all.simulation, run->why) == ND_OK) {
        all.sim = nd_simulation_transport(all.simulation);
        all.observer = observer_create(run, all.simulation);
        neglect(all.sim, mutant);
        cluster_faults_begin(&all.faults, all.sim);
        let_happen(&all);
        trace = nd_simulation_trace(all.simulation) ^ run->trace;
        nd_simulation_destroy(all.simulation);
        observer_destroy(all.observer);
        random_program_check_freed(run);
    } else {
        run->is_wrong = true;
    }
    return trace;
}

bool cluster_run(uint64_t seed, const char *mutant, nd_message *why)
{
    marks = 0;
    return random_run_make(play, seed, mutant, why);
}
