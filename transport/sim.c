/* SPDX-License-Identifier: Apache-2.0 */
/* Workers and, where there are several, processes are *nodes*: workers first. A link leads from a
 * node to a node. What is delivered to a worker lies in its inbox until it receives; what is
 * delivered to a process is dealt with at once (sim_process.c). */
#include "transport/sim.h"

#include <nereid/memory.h>

#include "transport/sim_internal.h"

/* --- Life --- */

static size_t n_links(const nd_sim *sim) { return (size_t)sim->n_nodes * sim->n_nodes; }

static nd_err allocate(nd_sim *sim)
{
    sim->links = nd_alloc_zero(n_links(sim), sizeof *sim->links);
    sim->endpoints = nd_alloc_zero(sim->n_workers, sizeof *sim->endpoints);
    sim->processes = nd_alloc_zero(sim->n_processes, sizeof *sim->processes);
    if (!sim->links || !sim->endpoints || !sim->processes)
        return ND_NOMEM;
    for (size_t i = 0; i < n_links(sim); i++) {
        nd_fifo_init(&sim->links[i].frames, sizeof(nd_parcel));
        nd_fifo_init(&sim->links[i].batches, sizeof(nd_parcel));
    }
    for (unsigned i = 0; i < sim->n_workers; i++) {
        sim->endpoints[i] = (nd_endpoint){.sim = sim, .worker = i};
        nd_fifo_init(&sim->endpoints[i].inbox, sizeof(nd_parcel));
    }
    for (unsigned i = 0; i < sim->n_processes; i++)
        nd_vector_init(&sim->processes[i].accumulators, sizeof(nd_accumulator *));
    return ND_OK;
}

nd_err nd_sim_create(const nd_sim_def *def, nd_sim **sim)
{
    nd_sim *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    made->n_workers = def->n_workers;
    made->n_processes = def->n_processes;
    made->n_nodes = def->n_workers + (def->n_processes > 1 ? def->n_processes : 0);
    made->mode = def->mode;
    const nd_err err = allocate(made);
    if (err == ND_OK)
        *sim = made;
    else
        nd_sim_destroy(made);
    return err;
}

void nd_sim_destroy(nd_sim *sim)
{
    if (!sim)
        return;
    for (size_t i = 0; sim->links && i < n_links(sim); i++) {
        nd_parcels_free(&sim->links[i].frames);
        nd_parcels_free(&sim->links[i].batches);
    }
    for (unsigned i = 0; sim->endpoints && i < sim->n_workers; i++) {
        nd_parcels_free(&sim->endpoints[i].inbox);
        nd_free(sim->endpoints[i].lent);
    }
    for (unsigned i = 0; sim->processes && i < sim->n_processes; i++)
        nd_sim_process_deinit(&sim->processes[i]);
    nd_free(sim->links);
    nd_free(sim->endpoints);
    nd_free(sim->processes);
    nd_free(sim);
}

void nd_sim_tap(nd_sim *sim, nd_sim_tap_fn *tap, void *context)
{
    sim->tap = tap;
    sim->tap_context = context;
}

void nd_sim_break(nd_sim *sim, nd_sim_fault fault, unsigned every, bool keeps_numbers)
{
    sim->fault = fault;
    sim->every = every;
    sim->keeps_numbers = keeps_numbers;
}

/* --- Sending --- */

static nd_err send_batch(void *context, unsigned worker, const nd_delivery *delivery)
{
    const nd_endpoint *const from = context;
    nd_link *const link = nd_sim_link(from->sim, from->worker, worker);
    nd_parcel *const slot = nd_fifo_push(&link->batches);
    if (!slot) {
        nd_batch_release(delivery->batch);
        return ND_NOMEM;
    }
    *slot = (nd_parcel){.kind = ND_ARRIVAL_BATCH, .delivery = *delivery};
    return ND_OK;
}

static nd_err send_frame(void *context, const nd_frame *frame)
{
    const nd_endpoint *const from = context;
    nd_sim *const sim = from->sim;
    const unsigned process = nd_sim_process_of(sim, from->worker);
    if (sim->tap)
        sim->tap(sim->tap_context, frame);
    for (unsigned i = 0; i < sim->n_workers; i++)
        if (i != from->worker && nd_sim_process_of(sim, i) == process)
            ND_TRY(nd_sim_send(sim, from->worker, i, frame));
    if (sim->n_processes == 1)
        return ND_OK;
    return nd_sim_send(sim, from->worker, sim->n_workers + process, frame);
}

static nd_err begin_flow(void *context, const nd_flow_plan *plan)
{
    const nd_endpoint *const from = context;
    nd_sim *const sim = from->sim;
    if (sim->n_processes == 1)
        return ND_OK;
    return nd_sim_process_begin(&sim->processes[nd_sim_process_of(sim, from->worker)], sim->mode,
                                plan->flow, plan->topology, plan->initial, plan->n_initial);
}

/* --- Delivering --- */

size_t nd_sim_n_deliverable(const nd_sim *sim)
{
    size_t n = 0;
    for (size_t i = 0; i < n_links(sim); i++)
        n += nd_link_n_choices(sim, &sim->links[i]);
    return n;
}

static nd_err give_to_worker(nd_endpoint *to, nd_parcel *parcel)
{
    nd_parcel *const slot = nd_fifo_push(&to->inbox);
    if (slot) {
        *slot = *parcel;
        return ND_OK;
    }
    if (parcel->kind == ND_ARRIVAL_BATCH)
        nd_batch_release(parcel->delivery.batch);
    nd_free(parcel->changes);
    return ND_NOMEM;
}

static nd_err hand_over(nd_sim *sim, size_t number, size_t index)
{
    nd_link *const link = &sim->links[number];
    const unsigned to = (unsigned)(number % sim->n_nodes);
    nd_parcel parcel = nd_link_take(sim, link, index);
    link->n_delivered += parcel.kind == ND_ARRIVAL_FRAME;
    if (!sim->keeps_numbers)
        parcel.frame.sequence = link->n_delivered;
    if (to < sim->n_workers)
        return give_to_worker(&sim->endpoints[to], &parcel);
    parcel.frame.changes = parcel.changes;
    const nd_err err = nd_sim_process_take(sim, to - sim->n_workers,
                                           (unsigned)(number / sim->n_nodes), &parcel.frame);
    nd_free(parcel.changes);
    return err;
}

nd_err nd_sim_deliver(nd_sim *sim, size_t index)
{
    for (size_t i = 0; i < n_links(sim); i++) {
        const size_t n = nd_link_n_choices(sim, &sim->links[i]);
        if (index < n)
            return hand_over(sim, i, index);
        index -= n;
    }
    return ND_INVAL;
}

static nd_arrival receive(void *context, nd_delivery *delivery, nd_frame *frame)
{
    nd_endpoint *const to = context;
    nd_free(to->lent);
    to->lent = NULL;
    if (nd_fifo_is_empty(&to->inbox))
        return ND_ARRIVAL_NONE;
    const nd_parcel *const arrived = nd_fifo_pop(&to->inbox);
    to->lent = arrived->changes;
    *delivery = arrived->delivery;
    *frame = arrived->frame;
    frame->changes = arrived->changes;
    return arrived->kind;
}

static void flush(void *context) { (void)context; }

static bool has_arrivals(void *context)
{
    const nd_endpoint *const to = context;
    return !nd_fifo_is_empty(&to->inbox);
}

nd_transport nd_sim_transport(nd_sim *sim, unsigned worker)
{
    static const nd_transport_ops ops = {
        .name = "sim",
        .begin_flow = begin_flow,
        .send_batch = send_batch,
        .send_frame = send_frame,
        .receive = receive,
        .flush = flush,
        .has_arrivals = has_arrivals,
    };
    return (nd_transport){&ops, &sim->endpoints[worker]};
}
