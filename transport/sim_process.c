/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated process, towards the others: adds its workers' frames up and tells the sum, sends
 * batches as far as credit goes, tells what its workers have consumed.
 *
 * Invariants: what a process tells is a sum of whole frames of its workers, each in the order it
 * came, and all others are told the same; a batch waits only while the window is full, and then
 * all later ones to the same process wait behind it. */
#include <inttypes.h>

#include <nereid/memory.h>

#include "transport/sim_internal.h"
#include "transport/wire/packed.h"
#include "transport/wire/progress.h"

/* --- Life --- */

nd_err nd_sim_process_init(nd_sim *sim, unsigned number, nd_budget *budget)
{
    nd_sim_process *const process = &sim->processes[number];
    *process = (nd_sim_process){.sim = sim,
                                .number = number,
                                .incarnation = nd_random_next(&sim->random),
                                .budget = budget,
                                .farewell_at = nd_sim_never};
    nd_vector_init(&process->touched, sizeof(uint32_t));
    nd_vector_init(&process->packed, 1);
    nd_wire_arena_init(&process->arena, ND_WIRE_ARENA_MOST);
    if (sim->n_processes == 1)
        return ND_OK;
    ND_TRY(nd_ledger_init(&process->ledger, sim->mode));
    process->has_ledger = true;
    process->peers = nd_alloc_zero(sim->n_processes, sizeof *process->peers);
    for (unsigned i = 0; process->peers && i < sim->n_processes; i++) {
        nd_sim_peer *const peer = &process->peers[i];
        peer->grace_at = peer->learns_at = nd_sim_never;
        nd_fifo_init(&peer->outbox, sizeof(nd_sim_frame *));
        for (unsigned k = 0; k < ND_LANES; k++)
            nd_sim_lane_init(&peer->lanes[k]);
    }
    return process->peers ? ND_OK : ND_NOMEM;
}

void nd_sim_process_deinit(nd_sim_process *process)
{
    if (!process->sim)
        return;
    for (unsigned i = 0; process->peers && i < process->sim->n_processes; i++) {
        nd_sim_peer *const peer = &process->peers[i];
        nd_sim_free_frames(&peer->outbox);
        nd_fifo_deinit(&peer->outbox);
        for (unsigned k = 0; k < ND_LANES; k++)
            nd_sim_lane_deinit(&peer->lanes[k]);
    }
    nd_free(process->peers);
    if (process->has_ledger)
        nd_ledger_deinit(&process->ledger);
    nd_vector_deinit(&process->touched);
    nd_vector_deinit(&process->packed);
    nd_wire_arena_deinit(&process->arena);
}

/* --- Records --- */

static bool has_credit(const nd_sim *sim, const nd_sim_peer *peer)
{
    return sim->window == 0 || peer->sent - peer->released < sim->window;
}

static nd_err send_records(nd_sim_process *process, unsigned to, nd_sim_frame *frame)
{
    process->peers[to].sent += frame->head.length;
    return nd_sim_lane_send(process->sim, process->number, to, ND_LANE_DATA, frame);
}

static nd_err send_or_wait(nd_sim_process *process, unsigned to, nd_sim_frame *frame)
{
    nd_sim_peer *const peer = &process->peers[to];
    if (nd_fifo_is_empty(&peer->outbox) && has_credit(process->sim, peer))
        return send_records(process, to, frame);
    nd_sim_frame **const slot = nd_fifo_push(&peer->outbox);
    if (!slot) {
        nd_free(frame);
        return ND_NOMEM;
    }
    *slot = frame;
    peer->waiting += frame->head.length;
    return ND_OK;
}

static nd_err make_frame(nd_sim_process *process, nd_wire_head *head, const nd_batch *batch,
                         nd_sim_frame **frame)
{
    nd_message message;
    const bool is_flat = nd_type_is_flat(batch->type);
    const void *body = batch->records;
    head->kind = is_flat ? ND_WIRE_RECORDS : ND_WIRE_PACKED;
    head->length = batch->len * batch->type->size;
    if (!is_flat) {
        ND_TRY(nd_wire_pack(batch, &process->packed, &message));
        body = process->packed.items;
        head->length = process->packed.len;
    }
    head->body_hash = nd_wire_body_hash(body, (size_t)head->length);
    *frame = nd_sim_frame_create(head, body);
    return *frame ? ND_OK : ND_NOMEM;
}

nd_err nd_sim_process_send(nd_sim_process *process, unsigned worker, const nd_delivery *delivery)
{
    nd_batch *const batch = delivery->batch;
    nd_sim_frame *frame;
    nd_wire_head head = {.flow = delivery->flow,
                         .channel = delivery->channel,
                         .worker = worker,
                         .count = (uint32_t)batch->len,
                         .time = delivery->time};
    const int64_t counted = (int64_t)nd_batch_size(batch);
    const nd_err err = make_frame(process, &head, batch, &frame);
    nd_batch_release(batch);
    ND_TRY(err);
    if (process->budget) /* credit is counted in bytes as they travel */
        nd_budget_add(process->budget, (int64_t)head.length - counted);
    return send_or_wait(process, nd_sim_process_of(process->sim, worker), frame);
}

/* --- Credit --- */

static bool owes_credit(const nd_sim_process *process, const nd_sim_peer *peer)
{
    const uint64_t untold = peer->consumed - peer->told;
    return untold != 0 && untold >= process->sim->credit_step &&
           process->sim->neglect != ND_SIM_NO_CREDIT;
}

void nd_sim_process_consumed(nd_sim_process *process, unsigned from, uint64_t bytes)
{
    nd_sim_peer *const peer = &process->peers[from];
    peer->consumed += bytes;
    process->has_work |= owes_credit(process, peer);
}

void nd_sim_process_tell_credit(nd_sim_process *process)
{
    for (unsigned i = 0; i < process->sim->n_processes; i++) {
        nd_sim_peer *const peer = &process->peers[i];
        if (!owes_credit(process, peer))
            continue;
        peer->told = peer->consumed;
        nd_sim_process_say(process, i,
                           &(nd_control){.kind = ND_CONTROL_CREDIT, .credit = {peer->consumed}});
    }
}

nd_err nd_sim_process_take_credit(nd_sim_process *process, unsigned from, uint64_t bytes)
{
    nd_sim_peer *const peer = &process->peers[from];
    nd_message message;
    if (bytes > peer->sent || bytes < peer->released) {
        nd_message_set(&message, ND_PROTO, "process %u sent credit for what it was not sent", from);
        nd_sim_fail(process->sim, process->number, ND_PROTO, message.text);
        return ND_OK;
    }
    if (process->budget)
        nd_budget_add(process->budget, -(int64_t)(bytes - peer->released));
    peer->released = bytes;
    while (!nd_fifo_is_empty(&peer->outbox) && has_credit(process->sim, peer)) {
        nd_sim_frame *const frame = *(nd_sim_frame **)nd_fifo_pop(&peer->outbox);
        peer->waiting -= frame->head.length;
        ND_TRY(send_records(process, from, frame));
    }
    return ND_OK;
}

/* --- Progress --- */

/* Puts a frame, or its changes of one sign, on the lane to one other process. */
static nd_err tell_part(nd_sim_process *process, unsigned to, const nd_frame *frame, nd_part part)
{
    nd_sim *const sim = process->sim;
    nd_message message;
    nd_vector *const packed = &process->packed;
    nd_frame told = *frame;
    nd_change *const changes = part == ND_PART_ALL ? NULL : nd_alloc(frame->len, sizeof *changes);
    if (part != ND_PART_ALL) {
        if (!changes)
            return ND_NOMEM;
        told.changes = changes;
        told.len = nd_frame_part(frame, part, changes);
    }
    const nd_err err = nd_wire_progress_pack(&told, packed, &message);
    nd_free(changes);
    ND_TRY(err);
    const nd_wire_head head = {.kind = ND_WIRE_PROGRESS,
                               .flow = frame->flow,
                               .count = (uint32_t)told.len,
                               .length = packed->len,
                               .body_hash = nd_wire_body_hash(packed->items, packed->len)};
    nd_sim_frame *const made = nd_sim_frame_create(&head, packed->items);
    return made ? nd_sim_lane_send(sim, process->number, to, ND_LANE_PROGRESS, made) : ND_NOMEM;
}

static nd_err tell_one(nd_sim_process *process, unsigned to, const nd_frame *frame)
{
    switch (nd_sim_fate_of(process->sim, frame)) {
    case ND_FATE_LOST:
        return ND_OK;
    case ND_FATE_SPLIT:
        ND_TRY(tell_part(process, to, frame, ND_PART_LESS));
        return tell_part(process, to, frame, ND_PART_MORE);
    case ND_FATE_TWICE:
        ND_TRY(tell_part(process, to, frame, ND_PART_ALL));
        break;
    case ND_FATE_WHOLE:
        break;
    }
    return tell_part(process, to, frame, ND_PART_ALL);
}

static nd_err tell_others(nd_sim_process *process, const nd_frame *frame)
{
    for (unsigned i = 0; i < process->sim->n_processes; i++)
        if (i != process->number)
            ND_TRY(tell_one(process, i, frame));
    return ND_OK;
}

static nd_err publish(nd_sim_process *process, uint32_t flow)
{
    const nd_sim *const sim = process->sim;
    nd_accumulator *const accumulator = nd_ledger_find(&process->ledger, flow);
    nd_frame frame = {.flow = flow, .kind = ND_FRAME_CHANGES};
    if (sim->fault == ND_SIM_VIEW_COVERS && sim->mode == ND_PUBLISH_DEMAND)
        nd_accumulator_set_mode(accumulator, ND_PUBLISH_BY_VIEW);
    ND_TRY(nd_accumulator_take(accumulator, &frame.changes, &frame.len));
    return frame.len ? tell_others(process, &frame) : ND_OK;
}

nd_err nd_sim_process_publish(nd_sim_process *process)
{
    nd_err err = ND_OK;
    for (size_t i = 0; i < process->touched.len && err == ND_OK; i++)
        err = publish(process, *(const uint32_t *)nd_vector_at(&process->touched, i));
    nd_vector_clear(&process->touched);
    return err;
}

nd_err nd_sim_process_touch(nd_sim_process *process, uint32_t flow)
{
    if (!process->sim->gathers)
        return publish(process, flow);
    uint32_t *const slot = nd_vector_push(&process->touched);
    if (!slot)
        return ND_NOMEM;
    *slot = flow;
    process->has_work = true;
    return ND_OK;
}

nd_err nd_sim_process_tell(nd_sim_process *process, const nd_frame *frame)
{
    process->has_work |= process->phase == ND_SIM_LEAVING;
    if (frame->kind != ND_FRAME_CHANGES)
        return tell_others(process, frame);
    nd_accumulator *const accumulator = nd_ledger_find(&process->ledger, frame->flow);
    if (!accumulator)
        return ND_INVAL;
    ND_TRY(nd_accumulator_add(accumulator, frame->changes, frame->len, true));
    return nd_sim_process_touch(process, frame->flow);
}

/* --- Control --- */

void nd_sim_process_say(nd_sim_process *process, unsigned to, const nd_control *control)
{
    nd_sim *const sim = process->sim;
    nd_vector *const packed = &process->packed;
    nd_sim_frame *frame = NULL;
    if (nd_wire_control_pack(control, packed) == ND_OK) {
        const nd_wire_head head = {.kind = ND_WIRE_CONTROL,
                                   .length = packed->len,
                                   .body_hash = nd_wire_body_hash(packed->items, packed->len)};
        frame = nd_sim_frame_create(&head, packed->items);
    }
    if (!frame || nd_sim_lane_send(sim, process->number, to, ND_LANE_CONTROL, frame) != ND_OK)
        sim->is_out_of_memory = true;
}

/* --- Leaving --- */

static bool has_links_empty(const nd_sim_process *process)
{
    const nd_sim *const sim = process->sim;
    for (unsigned i = 0; i < sim->n_own; i++)
        if (!nd_fifo_is_empty(
                &nd_sim_link(sim, process->number * sim->n_own + i, sim->n_own)->frames))
            return false;
    return true;
}

bool nd_sim_process_is_told(nd_sim_process *process)
{
    for (unsigned i = 0; i < process->sim->n_processes; i++)
        if (!nd_fifo_is_empty(&process->peers[i].outbox))
            return false;
    return has_links_empty(process) && nd_ledger_is_empty(&process->ledger);
}
