/* SPDX-License-Identifier: Apache-2.0 */
/* What is under way, and letting it arrive. What could happen next is counted process by process:
 * what waits on the links of its workers, what is due on the lanes that lead to it, and what it has
 * to do itself. What arrives at a worker lies in its inbox until it receives; what arrives at a
 * process is dealt with at once. */
#include "transport/sim.h"

#include <inttypes.h>

#include <nereid/memory.h>

#include "transport/sim_internal.h"

/* --- Life --- */

static size_t n_links(const nd_sim *sim) { return (size_t)sim->n_workers * (sim->n_own + 1); }

static nd_err allocate(nd_sim *sim, nd_budget *budgets)
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
        nd_vector_init(&sim->endpoints[i].plans, sizeof(nd_flow_plan));
    }
    for (unsigned i = 0; i < sim->n_processes; i++)
        ND_TRY(nd_sim_process_init(sim, i, budgets ? &budgets[i] : NULL));
    return ND_OK;
}

/* Consumed bytes that are told at once: few enough that what is not told can use up neither the
 * window nor, of all peers together, the budget. */
static uint64_t credit_step(const nd_sim_def *def)
{
    uint64_t step = def->window ? def->window / 8 : UINT64_MAX;
    if (def->budgets && def->n_processes > 1) {
        const uint64_t share = (uint64_t)def->budgets->limit / (4 * (def->n_processes - 1));
        step = share < step ? share : step;
    }
    return step ? step : 1;
}

nd_err nd_sim_create(const nd_sim_def *def, nd_sim **sim)
{
    nd_sim *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    made->n_workers = def->n_workers;
    made->n_processes = def->n_processes;
    made->n_own = def->n_workers / def->n_processes;
    made->mode = def->mode;
    made->gathers = def->gathers && def->mode == ND_PUBLISH_DEMAND;
    made->window = def->window;
    made->credit_step = credit_step(def);
    nd_random_init(&made->random, def->seed);
    const nd_err err = allocate(made, def->budgets);
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
        nd_vector_deinit(&sim->endpoints[i].plans);
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

void nd_sim_make_neglect(nd_sim *sim, nd_sim_neglect neglect) { sim->neglect = neglect; }

/* --- Sending --- */

static nd_sim_process *process_of(const nd_endpoint *endpoint)
{
    nd_sim *const sim = endpoint->sim;
    return &sim->processes[nd_sim_process_of(sim, endpoint->worker)];
}

static nd_err begin_flow(void *context, const nd_flow_plan *plan)
{
    nd_endpoint *const endpoint = context;
    if (endpoint->sim->n_processes == 1)
        return ND_OK;
    while (endpoint->plans.len <= plan->flow) {
        nd_flow_plan *const slot = nd_vector_push(&endpoint->plans);
        if (!slot)
            return ND_NOMEM;
        *slot = (nd_flow_plan){.type_of = NULL};
    }
    *(nd_flow_plan *)nd_vector_at(&endpoint->plans, plan->flow) = *plan;
    return nd_ledger_begin(&process_of(endpoint)->ledger, plan);
}

static nd_err send_batch(void *context, unsigned worker, const nd_delivery *delivery)
{
    const nd_endpoint *const from = context;
    nd_sim *const sim = from->sim;
    nd_sim_process *const process = process_of(from);
    if (nd_sim_process_of(sim, worker) != process->number)
        return nd_sim_process_send(process, worker, delivery);
    nd_link *const link = nd_sim_link(sim, from->worker, worker % sim->n_own);
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
    if (sim->tap)
        sim->tap(sim->tap_context, frame);
    for (unsigned i = 0; i < sim->n_own; i++)
        if (i != from->worker % sim->n_own)
            ND_TRY(nd_link_send(sim, nd_sim_link(sim, from->worker, i), frame));
    if (sim->n_processes == 1)
        return ND_OK;
    return nd_link_send(sim, nd_sim_link(sim, from->worker, sim->n_own), frame);
}

/* --- What could happen --- */

static bool has_chore(const nd_sim_process *process)
{
    return nd_sim_process_next(process) <= process->sim->now;
}

/* The lanes that lead to a process are numbered, by sender and kind. */
static nd_sim_lane *lane_to(const nd_sim_process *process, unsigned number)
{
    return nd_sim_lane_of(process->sim, number / ND_LANES, process->number,
                          (nd_lane_kind)(number % ND_LANES));
}

static unsigned n_lanes_to(const nd_sim_process *process)
{
    return process->peers ? process->sim->n_processes * ND_LANES : 0;
}

/* So are the links of its workers. */
static unsigned n_links_of(const nd_sim *sim) { return sim->n_own * (sim->n_own + 1); }

static nd_link *link_of(const nd_sim_process *process, unsigned number)
{
    return &process->sim->links[process->number * n_links_of(process->sim) + number];
}

static size_t n_choices_of(const nd_sim_process *process)
{
    const nd_sim *const sim = process->sim;
    size_t n = has_chore(process);
    if (!nd_sim_is_awake(sim, process))
        return 0;
    for (unsigned i = 0; i < n_links_of(sim); i++)
        n += nd_link_n_choices(sim, link_of(process, i));
    for (unsigned i = 0; i < n_lanes_to(process); i++)
        n += nd_sim_lane_n_choices(sim, lane_to(process, i));
    return n;
}

size_t nd_sim_n_deliverable(const nd_sim *sim)
{
    size_t n = 0;
    for (unsigned i = 0; i < sim->n_processes; i++)
        n += n_choices_of(&sim->processes[i]);
    return n;
}

/* --- Letting it happen --- */

static nd_err give_to_worker(nd_endpoint *to, const nd_parcel *parcel)
{
    nd_parcel *const slot = nd_fifo_push(&to->inbox);
    if (slot) {
        *slot = *parcel;
        return ND_OK;
    }
    nd_parcel_free(parcel);
    return ND_NOMEM;
}

static nd_err deliver_by_link(nd_sim_process *process, unsigned number, size_t index)
{
    nd_sim *const sim = process->sim;
    nd_link *const link = link_of(process, number);
    const unsigned to = number % (sim->n_own + 1);
    nd_parcel parcel = nd_link_take(sim, link, index);
    link->n_delivered += parcel.kind == ND_ARRIVAL_FRAME;
    if (!sim->keeps_numbers)
        parcel.frame.sequence = link->n_delivered;
    if (to < sim->n_own)
        return give_to_worker(&sim->endpoints[process->number * sim->n_own + to], &parcel);
    parcel.frame.changes = parcel.changes;
    const nd_err err = process->err == ND_OK ? nd_sim_process_tell(process, &parcel.frame) : ND_OK;
    nd_free(parcel.changes);
    return err;
}

static nd_err deliver_to(nd_sim_process *process, size_t index)
{
    const nd_sim *const sim = process->sim;
    size_t n;
    for (unsigned i = 0; i < n_links_of(sim); i++, index -= n) {
        n = nd_link_n_choices(sim, link_of(process, i));
        if (index < n)
            return deliver_by_link(process, i, index);
    }
    for (unsigned i = 0; i < n_lanes_to(process); i++, index -= n) {
        n = nd_sim_lane_n_choices(sim, lane_to(process, i));
        if (index < n)
            return nd_sim_take_frame(process, i / ND_LANES, (nd_lane_kind)(i % ND_LANES),
                                     nd_sim_lane_take(lane_to(process, i), index));
    }
    return nd_sim_process_work(process);
}

nd_err nd_sim_deliver(nd_sim *sim, size_t index)
{
    nd_err err = ND_INVAL;
    for (unsigned i = 0; i < sim->n_processes; i++) {
        const size_t n = n_choices_of(&sim->processes[i]);
        if (index < n) {
            err = deliver_to(&sim->processes[i], index);
            break;
        }
        index -= n;
    }
    nd_sim_tick(sim);
    return sim->is_out_of_memory ? ND_NOMEM : err;
}

/* --- Receiving --- */

static nd_arrival receive(void *context, nd_delivery *delivery, nd_frame *frame)
{
    nd_endpoint *const to = context;
    nd_free(to->lent);
    to->lent = NULL;
    if (nd_fifo_is_empty(&to->inbox))
        return ND_ARRIVAL_NONE;
    const nd_parcel arrived = *(const nd_parcel *)nd_fifo_pop(&to->inbox);
    if (arrived.records) {
        const bool is_good = nd_sim_unpack(to, arrived.records, delivery);
        nd_free(arrived.records);
        return is_good ? ND_ARRIVAL_BATCH : ND_ARRIVAL_NONE;
    }
    to->lent = arrived.changes;
    *delivery = arrived.delivery;
    *frame = arrived.frame;
    frame->changes = arrived.changes;
    return arrived.kind;
}

static void flush(void *context) { (void)context; }

static bool has_arrivals(void *context)
{
    const nd_endpoint *const to = context;
    return !nd_fifo_is_empty(&to->inbox);
}

static void consumed(void *context, const nd_batch *batch)
{
    nd_sim_process_consumed(process_of(context), batch->origin - 1, batch->wire_size);
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
        .consumed = consumed,
    };
    return (nd_transport){&ops, &sim->endpoints[worker]};
}

/* --- Time --- */

uint64_t nd_sim_now(const nd_sim *sim) { return sim->now; }

void nd_sim_tick(nd_sim *sim) { sim->now++; }

/* The tick at which something can happen at a process again. */
static uint64_t next_at(const nd_sim_process *process)
{
    if (process->phase > ND_SIM_LEAVING)
        return nd_sim_never;
    if (process->paused_until > process->sim->now)
        return process->paused_until;
    uint64_t next = nd_sim_process_next(process);
    for (unsigned i = 0; i < n_lanes_to(process); i++) {
        const uint64_t due = nd_sim_lane_due(lane_to(process, i));
        next = due < next ? due : next;
    }
    return next;
}

bool nd_sim_pass_time(nd_sim *sim)
{
    uint64_t next = nd_sim_never;
    for (unsigned i = 0; i < sim->n_processes; i++) {
        const uint64_t at = next_at(&sim->processes[i]);
        next = at < next ? at : next;
    }
    if (next == nd_sim_never || next <= sim->now)
        return false;
    sim->now = next;
    return true;
}

/* --- Looking on --- */

nd_sim_phase nd_sim_phase_of(const nd_sim *sim, unsigned process)
{
    return sim->processes[process].phase;
}

bool nd_sim_has_left(const nd_sim *sim, unsigned process)
{
    return sim->processes[process].has_said_goodbye;
}

bool nd_sim_may_act(const nd_sim *sim, unsigned process)
{
    const nd_sim_process *const of = &sim->processes[process];
    return nd_sim_is_awake(sim, of) && of->err == ND_OK;
}

nd_sim_sent nd_sim_sent_on(const nd_sim *sim, unsigned from, unsigned to, nd_lane_kind lane)
{
    return nd_sim_lane_of(sim, from, to, lane)->sent;
}

size_t nd_sim_n_waiting(const nd_sim *sim, unsigned from, unsigned to)
{
    return nd_fifo_len(&nd_sim_peer_of(sim, from, to)->outbox);
}

bool nd_sim_has_all(const nd_sim *sim, unsigned process)
{
    bool has_all = true;
    for (unsigned i = 0; i < sim->n_processes; i++)
        for (unsigned k = ND_LANE_DATA; i != process && k < ND_LANES; k++)
            has_all &= nd_sim_peer_of(sim, process, i)->seen[k] ==
                       nd_sim_lane_of(sim, i, process, (nd_lane_kind)k)->sent.n_frames;
    return has_all;
}

int64_t nd_sim_unconsumed(const nd_sim *sim, unsigned process)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; sim->n_processes > 1 && i < sim->n_processes; i++) {
        const nd_sim_peer *const peer = nd_sim_peer_of(sim, process, i);
        bytes += peer->sent - peer->released + peer->waiting;
    }
    return (int64_t)bytes;
}

nd_sim_witness nd_sim_ask_witness(const nd_sim *sim) { return sim->witness; }

/* Of what one process sends another. */
static nd_err validate_credit(const nd_sim *sim, unsigned from, unsigned to, nd_message *message)
{
    const nd_sim_peer *const there = nd_sim_peer_of(sim, from, to);
    const nd_sim_peer *const back = nd_sim_peer_of(sim, to, from);
    const bool is_full = sim->window == 0 || there->sent - there->released >= sim->window;
    if (there->released > back->told || back->told > back->consumed || back->consumed > there->sent)
        return nd_message_set(message, ND_FAILED,
                              "credit from process %u to process %u: %" PRIu64 " bytes sent, "
                              "%" PRIu64 " consumed, %" PRIu64 " told, %" PRIu64 " released",
                              to, from, there->sent, back->consumed, back->told, there->released);
    if (!nd_fifo_is_empty(&there->outbox) && !is_full)
        return nd_message_set(message, ND_FAILED,
                              "batches from process %u to process %u wait, though there is credit",
                              from, to);
    return ND_OK;
}

nd_err nd_sim_validate(const nd_sim *sim, nd_message *message)
{
    for (unsigned i = 0; sim->n_processes > 1 && i < sim->n_processes; i++)
        for (unsigned k = 0; k < sim->n_processes; k++)
            if (i != k)
                ND_TRY(validate_credit(sim, i, k, message));
    return ND_OK;
}
