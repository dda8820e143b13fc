/* SPDX-License-Identifier: Apache-2.0 */
/* Every event is chosen by one generator, first its kind, then among all that could happen of that
 * kind; when nothing could, time passes in the transport until something can. */
#include "scheduler/simulation.h"

#include <nereid/memory.h>

#include "runtime/base/hash.h"
#include "runtime/dataflow.h"
#include "scheduler/worker.h"

/* What the workers of a process have in common. */
typedef struct nd_sim_site {
    nd_simulation *simulation;
    unsigned process;
    unsigned n_ended; /* workers */
} nd_sim_site;

/* What a worker's program is about. */
typedef struct nd_sim_program {
    bool is_driven; /* it has more to do */
    bool has_ended;
} nd_sim_program;

struct nd_simulation {
    nd_simulation_def def;
    nd_random random;
    nd_sim *transport;
    nd_worker *workers;
    unsigned n_init;          /* workers that are there */
    nd_sim_program *programs; /* by worker */
    nd_sim_site *sites;       /* by process, as are ... */
    nd_budget *budgets;
    nd_schedule schedule;
    unsigned acted; /* a worker, in the last event */
    uint64_t trace;
};

static unsigned n_own(const nd_simulation *simulation)
{
    return simulation->def.n_workers / simulation->def.n_processes;
}

/* --- What a worker asks for --- */

static nd_err ended(void *owner)
{
    const nd_sim_site *const site = owner;
    return nd_sim_verdict(site->simulation->transport, site->process, NULL);
}

static nd_err failed(void *owner, nd_err err, const char *text)
{
    const nd_sim_site *const site = owner;
    nd_simulation *const simulation = site->simulation;
    nd_message message;
    if (simulation->def.n_processes == 1)
        nd_message_set(&message, err, "%s", text);
    else
        nd_message_set(&message, err, "process %u: %s", site->process, text);
    nd_sim_fail(simulation->transport, site->process, err, message.text);
    return ended(owner);
}

static void wake(void *owner, nd_worker *worker)
{
    (void)owner;
    (void)worker;
}

static void relieve(void *context)
{
    const nd_sim_site *const site = context;
    nd_simulation *const simulation = site->simulation;
    for (unsigned i = 0; i < simulation->n_init; i++)
        if (i / n_own(simulation) == site->process)
            nd_worker_alert(&simulation->workers[i]);
}

static size_t choose(void *context, size_t n) { return (size_t)nd_random_below(context, n); }

/* --- Life --- */

static nd_err init_worker(nd_simulation *simulation, unsigned index)
{
    static const nd_worker_owner_ops ops = {
        .failed = failed, .ended = ended, .park = NULL, .wake = wake};
    const unsigned process = index / n_own(simulation);
    nd_worker *const worker = &simulation->workers[index];
    const nd_worker_def def = {.index = index,
                               .peers = simulation->def.n_workers,
                               .processes = simulation->def.n_processes,
                               .transport = nd_sim_transport(simulation->transport, index),
                               .budget = &simulation->budgets[process],
                               .schedule = &simulation->schedule,
                               .owner_ops = &ops,
                               .owner = &simulation->sites[process]};
    ND_TRY(nd_worker_init(worker, &def));
    simulation->n_init++;
    if (simulation->def.max_batch_len)
        worker->host.max_batch_len = simulation->def.max_batch_len;
    return ND_OK;
}

static void init_sites(nd_simulation *simulation)
{
    const int64_t limit = simulation->def.budget ? simulation->def.budget : INT64_MAX;
    for (unsigned i = 0; i < simulation->def.n_processes; i++) {
        nd_sim_site *const site = &simulation->sites[i];
        *site = (nd_sim_site){.simulation = simulation, .process = i};
        simulation->budgets[i] = (nd_budget){.limit = limit, .relieve = relieve, .context = site};
    }
}

static nd_err init(nd_simulation *simulation)
{
    const nd_simulation_def *const def = &simulation->def;
    simulation->workers = nd_alloc_zero(def->n_workers, sizeof *simulation->workers);
    simulation->programs = nd_alloc_zero(def->n_workers, sizeof *simulation->programs);
    simulation->sites = nd_alloc_zero(def->n_processes, sizeof *simulation->sites);
    simulation->budgets = nd_alloc_zero(def->n_processes, sizeof *simulation->budgets);
    if (!simulation->workers || !simulation->programs || !simulation->sites || !simulation->budgets)
        return ND_NOMEM;
    init_sites(simulation);
    ND_TRY(nd_sim_create(&(nd_sim_def){.n_workers = def->n_workers,
                                       .n_processes = def->n_processes,
                                       .mode = def->mode,
                                       .gathers = def->gathers,
                                       .seed = nd_hash_u64(def->seed),
                                       .window = def->window,
                                       .budgets = simulation->budgets},
                         &simulation->transport));
    for (unsigned i = 0; i < def->n_workers; i++)
        ND_TRY(init_worker(simulation, i));
    return ND_OK;
}

static nd_err build_all(nd_simulation *simulation)
{
    for (unsigned i = 0; i < simulation->def.n_workers; i++) {
        const nd_err err = simulation->def.build(&simulation->workers[i], simulation->def.arg);
        if (err != ND_OK)
            return failed(&simulation->sites[i / n_own(simulation)], err, nd_err_text(err));
        simulation->programs[i].is_driven = simulation->def.drive != NULL;
    }
    return ND_OK;
}

/* The failure of the first process that has one. */
static nd_err find_verdict(const nd_simulation *simulation, nd_message *message)
{
    nd_err err = ND_OK;
    for (unsigned i = 0; i < simulation->def.n_processes && err == ND_OK; i++)
        err = nd_sim_verdict(simulation->transport, i, message);
    return err;
}

nd_err nd_simulation_create(const nd_simulation_def *def, nd_simulation **simulation,
                            nd_message *message)
{
    nd_simulation *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return nd_message_set(message, ND_NOMEM, "out of memory");
    made->def = *def;
    if (made->def.n_processes == 0)
        made->def.n_processes = 1;
    nd_random_init(&made->random, def->seed);
    made->schedule = (nd_schedule){.choose = choose,
                                   .context = &made->random,
                                   .quantum = 1 + (unsigned)nd_random_below(&made->random, 4)};
    nd_err err = init(made);
    if (err == ND_OK)
        err = build_all(made);
    if (err == ND_OK) {
        *simulation = made;
        return ND_OK;
    }
    if (!made->transport || find_verdict(made, message) == ND_OK)
        nd_message_set(message, err, "%s", nd_err_text(err));
    nd_simulation_destroy(made);
    return err;
}

void nd_simulation_destroy(nd_simulation *simulation)
{
    if (!simulation)
        return;
    for (unsigned i = 0; i < simulation->n_init; i++)
        nd_worker_close(&simulation->workers[i]);
    nd_sim_destroy(simulation->transport);
    for (unsigned i = 0; i < simulation->n_init; i++)
        nd_worker_deinit(&simulation->workers[i]);
    nd_free(simulation->workers);
    nd_free(simulation->programs);
    nd_free(simulation->sites);
    nd_free(simulation->budgets);
    nd_free(simulation);
}

/* --- Events --- */

typedef enum nd_event { EVENT_DELIVER, EVENT_STEP, EVENT_DRIVE, EVENT_NONE } nd_event;

/* Whether the worker has nothing more to do, ever. Alone, a process need not tell anybody. */
static bool can_end(nd_simulation *simulation, unsigned index)
{
    return simulation->def.n_processes > 1 && !simulation->programs[index].is_driven &&
           nd_worker_is_done(&simulation->workers[index]);
}

static bool could(nd_simulation *simulation, unsigned index, nd_event event)
{
    const nd_sim_program *const program = &simulation->programs[index];
    if (program->has_ended || !nd_sim_may_act(simulation->transport, index / n_own(simulation)))
        return false;
    if (event == EVENT_DRIVE)
        return program->is_driven;
    return nd_worker_has_work(&simulation->workers[index]) || can_end(simulation, index);
}

static unsigned count_workers(nd_simulation *simulation, nd_event event)
{
    unsigned n = 0;
    for (unsigned i = 0; i < simulation->def.n_workers; i++)
        n += could(simulation, i, event);
    return n;
}

/* The `number`th worker that could take part in the event. */
static unsigned find_worker(nd_simulation *simulation, nd_event event, size_t number)
{
    for (unsigned i = 0;; i++)
        if (could(simulation, i, event) && number-- == 0)
            return i;
}

static void note(nd_simulation *simulation, nd_event event, size_t what)
{
    simulation->trace = nd_hash_u64(simulation->trace + (uint64_t)event + what * 4);
}

static nd_event pick(nd_simulation *simulation, size_t *number)
{
    size_t n[3];
    do {
        n[EVENT_DELIVER] = nd_sim_n_deliverable(simulation->transport);
        n[EVENT_STEP] = count_workers(simulation, EVENT_STEP);
        n[EVENT_DRIVE] = count_workers(simulation, EVENT_DRIVE);
    } while (n[0] + n[1] + n[2] == 0 && nd_sim_pass_time(simulation->transport));
    if (n[0] + n[1] + n[2] == 0)
        return EVENT_NONE;
    for (;;) {
        const nd_event event = (nd_event)nd_random_below(&simulation->random, 3);
        if (n[event] == 0)
            continue;
        *number = (size_t)nd_random_below(&simulation->random, n[event]);
        return event;
    }
}

static void end_worker(nd_simulation *simulation, unsigned index)
{
    nd_sim_site *const site = &simulation->sites[index / n_own(simulation)];
    const nd_err err = nd_host_end(&simulation->workers[index].host);
    simulation->programs[index].has_ended = true;
    if (err != ND_OK)
        (void)failed(site, err, nd_err_text(err));
    if (++site->n_ended == n_own(simulation))
        nd_sim_finish(simulation->transport, site->process);
}

static void step(nd_simulation *simulation, unsigned index)
{
    nd_worker *const worker = &simulation->workers[index];
    const unsigned budget = 1 + (unsigned)nd_random_below(&simulation->random, 3);
    const nd_err err = nd_worker_step(worker, budget);
    if (err == ND_OK && nd_random_below(&simulation->random, 2))
        (void)nd_host_rest(&worker->host);
    if (err != ND_OK) /* mostly known by now */
        (void)failed(&simulation->sites[index / n_own(simulation)], err, nd_err_text(err));
}

static void act(nd_simulation *simulation, nd_event event, unsigned index)
{
    nd_worker *const worker = &simulation->workers[index];
    if (event == EVENT_DRIVE)
        simulation->programs[index].is_driven =
            simulation->def.drive(worker, &simulation->random, simulation->def.arg);
    else if (can_end(simulation, index))
        end_worker(simulation, index);
    else
        step(simulation, index);
    nd_sim_tick(simulation->transport);
}

static nd_err happen(nd_simulation *simulation, nd_event event, size_t number)
{
    note(simulation, event, number);
    simulation->acted = simulation->def.n_workers;
    if (event == EVENT_DELIVER)
        return nd_sim_deliver(simulation->transport, number);
    const unsigned index = find_worker(simulation, event, number);
    simulation->acted = index;
    note(simulation, event, index);
    act(simulation, event, index);
    return ND_OK;
}

static bool is_over(const nd_simulation *simulation)
{
    for (unsigned i = 0; i < simulation->def.n_processes; i++)
        if (nd_sim_phase_of(simulation->transport, i) <= ND_SIM_LEAVING)
            return false;
    return true;
}

nd_err nd_simulation_step(nd_simulation *simulation, bool *quiet, nd_message *message)
{
    size_t number = 0;
    const nd_event event = pick(simulation, &number);
    *quiet = event == EVENT_NONE;
    if (!*quiet) {
        const nd_err err = happen(simulation, event, number);
        if (err != ND_OK)
            return nd_message_set(message, err, "%s", nd_err_text(err));
    }
    return *quiet || is_over(simulation) ? find_verdict(simulation, message) : ND_OK;
}

unsigned nd_simulation_acted(const nd_simulation *simulation) { return simulation->acted; }

bool nd_simulation_is_done(nd_simulation *simulation)
{
    for (unsigned i = 0; i < simulation->def.n_workers; i++)
        if (!nd_worker_is_done(&simulation->workers[i]))
            return false;
    return true;
}

nd_worker *nd_simulation_worker(nd_simulation *simulation, unsigned index)
{
    return &simulation->workers[index];
}

nd_sim *nd_simulation_transport(nd_simulation *simulation) { return simulation->transport; }

uint64_t nd_simulation_trace(const nd_simulation *simulation) { return simulation->trace; }
