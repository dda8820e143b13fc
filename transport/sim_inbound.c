/* SPDX-License-Identifier: Apache-2.0 */
/* From other processes to the workers: what comes by the lanes of a simulated process.
 *
 * Invariant: frames of a lane are taken in the order of their numbers, none missing, none twice,
 * and as their sender made them; anything else ends the run. */
#include <nereid/memory.h>

#include "transport/frame_check.h"
#include "transport/sim_internal.h"
#include "transport/wire/packed.h"
#include "transport/wire/progress.h"
#include "transport/wire/records.h"

/* --- Witness --- */

void nd_sim_met(nd_sim *sim)
{
    if (sim->witness.n_met++ == 0)
        sim->witness.met_at = sim->now;
}

static void met_damage(nd_sim *sim, nd_sim_damage damage, bool is_believed)
{
    nd_sim_met(sim);
    sim->witness.damages |= 1U << damage;
    if (!is_believed)
        return;
    sim->witness.n_believed++;
    sim->witness.believed = damage;
}

/* --- Checks --- */

static const unsigned char *body_of(const nd_sim_frame *frame)
{
    return frame->bytes + ND_WIRE_HEAD_SIZE;
}

static nd_err check_head(const nd_sim_process *process, unsigned from, nd_lane_kind lane,
                         const nd_wire_head *head, nd_message *message)
{
    const nd_sim *const sim = process->sim;
    nd_frame_due due = {.process = from,
                        .incarnation = sim->processes[from].incarnation,
                        .lane = lane,
                        .sequence = process->peers[from].seen[lane] + 1};
    if (sim->neglect == ND_SIM_NO_SEQUENCE)
        due.sequence = head->sequence;
    if (sim->neglect == ND_SIM_NO_INCARNATION)
        due.incarnation = head->incarnation;
    return nd_frame_check(&due, head, message);
}

static nd_err check_body(const nd_sim *sim, const nd_sim_frame *frame, nd_message *message)
{
    if (sim->neglect == ND_SIM_NO_BODY_HASH)
        return ND_OK;
    return nd_wire_body_check(&frame->head, body_of(frame), (size_t)frame->head.length, message);
}

/* --- Records --- */

/* What is damaged in a body the worker finds. */
static nd_err take_records(nd_sim_process *process, nd_sim_frame *frame, nd_message *message)
{
    nd_sim *const sim = process->sim;
    const unsigned worker = frame->head.worker;
    if (worker >= sim->n_workers || nd_sim_process_of(sim, worker) != process->number)
        return nd_message_set(message, ND_PROTO, "records for a worker of another process");
    nd_parcel *const slot = nd_fifo_push(&sim->endpoints[worker].inbox);
    if (!slot)
        return ND_NOMEM;
    *slot = (nd_parcel){.kind = ND_ARRIVAL_BATCH, .records = frame};
    return ND_OK;
}

static nd_err unpack(const nd_endpoint *to, const nd_sim_frame *frame, nd_batch **batch,
                     nd_message *message)
{
    const nd_wire_head *const head = &frame->head;
    const nd_flow_plan *const plan =
        head->flow < to->plans.len ? nd_vector_at(&to->plans, head->flow) : NULL;
    const nd_type *const type =
        plan && plan->type_of ? plan->type_of(plan->context, head->channel) : NULL;
    if (!type)
        return nd_message_set(message, ND_PROTO, "records for a channel that does not exist");
    ND_TRY(check_body(to->sim, frame, message));
    return head->kind == ND_WIRE_RECORDS
               ? nd_wire_flat_read(plan->pool, type, head, body_of(frame), batch, message)
               : nd_wire_unpack(plan->pool, type, head, body_of(frame), batch, message);
}

static void refuse(nd_sim_process *process, unsigned from, nd_err err, const nd_message *message)
{
    nd_message text;
    if (err == ND_NOMEM)
        nd_message_set(&text, err, "out of memory");
    else
        nd_message_set(&text, err, "process %u sent %s", from, message->text);
    nd_sim_fail(process->sim, process->number, err, text.text);
}

bool nd_sim_unpack(nd_endpoint *to, nd_sim_frame *frame, nd_delivery *delivery)
{
    nd_sim *const sim = to->sim;
    nd_sim_process *const process = &sim->processes[nd_sim_process_of(sim, to->worker)];
    const nd_wire_head *const head = &frame->head;
    nd_message message;
    *delivery = (nd_delivery){
        .time = head->time, .flow = head->flow, .channel = head->channel, .is_foreign = true};
    const nd_err err = unpack(to, frame, &delivery->batch, &message);
    if (frame->damage == ND_SIM_FLIP_BODY)
        met_damage(sim, frame->damage, err == ND_OK);
    if (err != ND_OK) {
        refuse(process, head->process, err, &message);
        return false;
    }
    delivery->batch->origin = head->process + 1U;
    delivery->batch->wire_size = head->length;
    return true;
}

/* --- Progress --- */

static nd_err give_to_workers(const nd_sim_process *process, const nd_frame *frame)
{
    const nd_sim *const sim = process->sim;
    for (unsigned i = 0; i < sim->n_own; i++)
        ND_TRY(nd_sim_put_frame(&sim->endpoints[process->number * sim->n_own + i].inbox, frame));
    return ND_OK;
}

static nd_err take_progress(nd_sim_process *process, unsigned from, const nd_sim_frame *wire,
                            nd_message *message)
{
    const nd_sim *const sim = process->sim;
    nd_frame frame;
    nd_wire_arena_reset(&process->arena);
    ND_TRY(nd_wire_progress_unpack(&wire->head, body_of(wire), &process->arena, &frame, message));
    frame.sender = sim->n_workers + from;
    frame.sequence = ++process->peers[from].n_frames;
    if (!nd_frame_is_of(&frame, from, sim->n_own))
        return nd_message_set(message, ND_PROTO, "progress of a worker that is not its own");
    ND_TRY(give_to_workers(process, &frame));
    if (frame.kind != ND_FRAME_CHANGES)
        return ND_OK;
    nd_accumulator *const accumulator = nd_ledger_find(&process->ledger, frame.flow);
    if (!accumulator)
        return nd_message_set(message, ND_PROTO, "progress of a dataflow that is not started here");
    const nd_err err = nd_accumulator_add(accumulator, frame.changes, frame.len, false);
    if (err != ND_OK)
        return nd_message_set(message, err, "progress that cannot be");
    if (sim->fault == ND_SIM_OWN_STEPS && sim->mode == ND_PUBLISH_DEMAND)
        return ND_OK;
    return nd_sim_process_touch(process, frame.flow);
}

/* --- Control --- */

static nd_err take_control(nd_sim_process *process, unsigned from, const nd_sim_frame *frame,
                           nd_message *message)
{
    nd_control control;
    nd_wire_arena_reset(&process->arena);
    ND_TRY(
        nd_wire_control_unpack(&frame->head, body_of(frame), &process->arena, &control, message));
    switch (control.kind) {
    case ND_CONTROL_CREDIT:
        return nd_sim_process_take_credit(process, from, control.credit.n_bytes);
    case ND_CONTROL_GOODBYE:
        if (process->peers[from].has_left)
            return nd_message_set(message, ND_PROTO, "goodbye twice");
        nd_sim_told_goodbye(process, from, &control.goodbye);
        return ND_OK;
    case ND_CONTROL_ABORT:
        nd_sim_told_to_abort(process, from, &control.abort);
        return ND_OK;
    case ND_CONTROL_ALIVE:
    case ND_CONTROL_ASK:
    case ND_CONTROL_TELL:
        return ND_OK;
    case ND_CONTROL_JOIN:
    case ND_CONTROL_WELCOME:
    case ND_CONTROL_REFUSE:
    case ND_CONTROL_READY:
        break;
    }
    return nd_message_set(message, ND_PROTO, "what is said at the start only");
}

/* --- The lanes --- */

static nd_err take_by_lane(nd_sim_process *process, unsigned from, nd_lane_kind lane,
                           nd_sim_frame *frame, nd_message *message)
{
    switch (lane) {
    case ND_LANE_DATA:
        return take_records(process, frame, message);
    case ND_LANE_PROGRESS:
        ND_TRY(check_body(process->sim, frame, message));
        return take_progress(process, from, frame, message);
    case ND_LANE_CONTROL:
        break;
    }
    ND_TRY(check_body(process->sim, frame, message));
    return take_control(process, from, frame, message);
}

static nd_err check_promise(const nd_sim_peer *peer, nd_message *message)
{
    for (unsigned k = ND_LANE_DATA; k < ND_LANES; k++)
        if (peer->has_left && peer->seen[k] > peer->promised[k])
            return nd_message_set(message, ND_PROTO, "more frames than its goodbye promised");
    return ND_OK;
}

static nd_err check_and_take(nd_sim_process *process, unsigned from, nd_lane_kind lane,
                             nd_sim_frame *frame, bool *is_kept)
{
    nd_message message = {.text = "something malformed"};
    const bool is_for_worker = lane == ND_LANE_DATA && frame->damage == ND_SIM_FLIP_BODY;
    nd_err err = nd_wire_head_read(frame->bytes, ND_WIRE_HEAD_SIZE, &frame->head, &message);
    if (err == ND_OK)
        err = check_head(process, from, lane, &frame->head, &message);
    process->peers[from].seen[lane]++;
    if (err == ND_OK)
        err = check_promise(&process->peers[from], &message);
    if (err == ND_OK)
        err = take_by_lane(process, from, lane, frame, &message);
    *is_kept = err == ND_OK && lane == ND_LANE_DATA;
    if (err == ND_NOMEM)
        return err;
    if (frame->damage != ND_SIM_INTACT && !is_for_worker)
        met_damage(process->sim, frame->damage, err == ND_OK);
    if (err != ND_OK)
        refuse(process, from, err, &message);
    return ND_OK;
}

nd_err nd_sim_take_frame(nd_sim_process *process, unsigned from, nd_lane_kind lane,
                         nd_sim_frame *frame)
{
    bool is_kept = false;
    nd_err err = ND_OK;
    if (process->err == ND_OK || lane == ND_LANE_CONTROL) /* else the run is over */
        err = check_and_take(process, from, lane, frame, &is_kept);
    process->has_work |= process->phase == ND_SIM_LEAVING || process->err != ND_OK;
    if (!is_kept)
        nd_free(frame);
    return err;
}
