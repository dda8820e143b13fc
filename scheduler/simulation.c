/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/simulation.h"

#include <nereid/memory.h>

#include "runtime/base/hash.h"
#include "scheduler/worker.h"

struct nd_simulation {
    nd_simulation_def def;
    nd_random random;
    nd_sim *transport;
    nd_worker *workers;
    unsigned n_init; /* workers that are there */
    bool *is_driven; /* by worker: its program has more to do */
    nd_schedule schedule;
    nd_budget budget;
    nd_err err;
    nd_message message;
    uint64_t trace;
};

/* --- What a worker asks for --- */

static nd_err failed(void *owner, nd_err err, const char *text)
{
    nd_simulation *const simulation = owner;
    if (simulation->err == ND_OK)
        simulation->err = nd_message_set(&simulation->message, err, "%s", text);
    return simulation->err;
}

static nd_err ended(void *owner) { return ((nd_simulation *)owner)->err; }

static void wake(void *owner, nd_worker *worker)
{
    (void)owner;
    (void)worker;
}

static void relieve(void *context)
{
    nd_simulation *const simulation = context;
    for (unsigned i = 0; i < simulation->n_init; i++)
        nd_worker_alert(&simulation->workers[i]);
}

static size_t choose(void *context, size_t n) { return (size_t)nd_random_below(context, n); }

/* --- Life --- */

static nd_err init_workers(nd_simulation *simulation)
{
    static const nd_worker_owner_ops ops = {
        .failed = failed, .ended = ended, .park = NULL, .wake = wake};
    const unsigned n = simulation->def.n_workers;
    for (unsigned i = 0; i < n; i++) {
        nd_worker *const worker = &simulation->workers[i];
        const nd_worker_def def = {.index = i,
                                   .peers = n,
                                   .processes = simulation->def.n_processes,
                                   .transport = nd_sim_transport(simulation->transport, i),
                                   .budget = simulation->def.budget ? &simulation->budget : NULL,
                                   .schedule = &simulation->schedule,
                                   .owner_ops = &ops,
                                   .owner = simulation};
        ND_TRY(nd_worker_init(worker, &def));
        simulation->n_init++;
        if (simulation->def.max_batch_len)
            worker->host.max_batch_len = simulation->def.max_batch_len;
    }
    return ND_OK;
}

static nd_err build_all(nd_simulation *simulation)
{
    for (unsigned i = 0; i < simulation->def.n_workers; i++) {
        const nd_err err = simulation->def.build(&simulation->workers[i], simulation->def.arg);
        if (err != ND_OK)
            return failed(simulation, err, nd_err_text(err));
        simulation->is_driven[i] = simulation->def.drive != NULL;
    }
    return ND_OK;
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
    made->budget = (nd_budget){.limit = def->budget, .relieve = relieve, .context = made};
    made->workers = nd_alloc_zero(def->n_workers, sizeof *made->workers);
    made->is_driven = nd_alloc_zero(def->n_workers, sizeof *made->is_driven);
    nd_err err = made->workers && made->is_driven ? ND_OK : ND_NOMEM;
    if (err == ND_OK)
        err =
            nd_sim_create(&(nd_sim_def){made->def.n_workers, made->def.n_processes, made->def.mode},
                          &made->transport);
    if (err == ND_OK)
        err = init_workers(made);
    if (err == ND_OK)
        err = build_all(made);
    if (err == ND_OK) {
        *simulation = made;
        return ND_OK;
    }
    nd_message_set(message, err, "%s", made->err ? made->message.text : nd_err_text(err));
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
    nd_free(simulation->is_driven);
    nd_free(simulation);
}

/* --- Events --- */

typedef enum nd_event { EVENT_DELIVER, EVENT_STEP, EVENT_DRIVE, EVENT_NONE } nd_event;

static unsigned count_workers(nd_simulation *simulation, nd_event event)
{
    unsigned n = 0;
    for (unsigned i = 0; i < simulation->def.n_workers; i++)
        n += event == EVENT_STEP ? nd_worker_has_work(&simulation->workers[i])
                                 : simulation->is_driven[i];
    return n;
}

/* The `number`th worker that could take part in the event. */
static unsigned find_worker(nd_simulation *simulation, nd_event event, size_t number)
{
    for (unsigned i = 0;; i++) {
        const bool could = event == EVENT_STEP ? nd_worker_has_work(&simulation->workers[i])
                                               : simulation->is_driven[i];
        if (could && number-- == 0)
            return i;
    }
}

static void note(nd_simulation *simulation, nd_event event, size_t what)
{
    simulation->trace = nd_hash_u64(simulation->trace + (uint64_t)event + what * 4);
}

static nd_event pick(nd_simulation *simulation, size_t *number)
{
    const size_t n[] = {nd_sim_n_deliverable(simulation->transport),
                        count_workers(simulation, EVENT_STEP),
                        count_workers(simulation, EVENT_DRIVE)};
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

static nd_err happen(nd_simulation *simulation, nd_event event, size_t number)
{
    if (event == EVENT_DELIVER)
        return nd_sim_deliver(simulation->transport, number);
    const unsigned index = find_worker(simulation, event, number);
    note(simulation, event, index);
    if (event == EVENT_STEP)
        return nd_worker_step(&simulation->workers[index],
                              1 + (unsigned)nd_random_below(&simulation->random, 3));
    simulation->is_driven[index] = simulation->def.drive(&simulation->workers[index],
                                                         &simulation->random, simulation->def.arg);
    return ND_OK;
}

nd_err nd_simulation_step(nd_simulation *simulation, bool *quiet, nd_message *message)
{
    size_t number = 0;
    const nd_event event = pick(simulation, &number);
    *quiet = event == EVENT_NONE;
    if (*quiet)
        return ND_OK;
    note(simulation, event, number);
    nd_err err = happen(simulation, event, number);
    if (err == ND_OK)
        err = simulation->err;
    if (err != ND_OK)
        nd_message_set(message, err, "%s",
                       simulation->err ? simulation->message.text : nd_err_text(err));
    return err;
}

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
