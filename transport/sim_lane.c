/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: frames on their way between processes, and the faults that befall them there. */
#include <string.h>

#include <nereid/memory.h>

#include "transport/sim_internal.h"

enum { LEARN = 100 }; /* ticks until a process has learnt that a lane is cut, at most */

/* --- Frames --- */

nd_sim_frame *nd_sim_frame_create(const nd_wire_head *head, const void *body)
{
    const size_t size = sizeof(nd_sim_frame) + ND_WIRE_HEAD_SIZE + (size_t)head->length;
    nd_sim_frame *const frame = nd_alloc(1, size);
    if (!frame)
        return NULL;
    *frame = (nd_sim_frame){.head = *head, .damage = ND_SIM_INTACT};
    if (head->length)
        memcpy(frame->bytes + ND_WIRE_HEAD_SIZE, body, (size_t)head->length);
    return frame;
}

void nd_sim_free_frames(nd_fifo *frames)
{
    while (!nd_fifo_is_empty(frames))
        nd_free(*(nd_sim_frame **)nd_fifo_pop(frames));
}

/* --- Life --- */

void nd_sim_lane_init(nd_sim_lane *lane)
{
    *lane = (nd_sim_lane){.breaks_at = nd_sim_never, .stands = true};
    nd_fifo_init(&lane->frames, sizeof(nd_sim_frame *));
}

void nd_sim_lane_deinit(nd_sim_lane *lane)
{
    nd_sim_free_frames(&lane->frames);
    nd_fifo_deinit(&lane->frames);
}

/* --- Sending --- */

static nd_err put(nd_sim_lane *lane, nd_sim_frame *frame)
{
    nd_sim_frame **const slot = nd_fifo_push(&lane->frames);
    if (!slot) {
        nd_free(frame);
        return ND_NOMEM;
    }
    *slot = frame;
    return ND_OK;
}

static nd_err put_copy(nd_sim_lane *lane, const nd_sim_frame *frame, const nd_wire_head *head,
                       nd_sim_damage damage)
{
    nd_sim_frame *const copy = nd_sim_frame_create(head, frame->bytes + ND_WIRE_HEAD_SIZE);
    if (!copy)
        return ND_NOMEM;
    nd_wire_head_write(head, copy->bytes);
    copy->due = frame->due;
    copy->damage = damage;
    return put(lane, copy);
}

static void flip(nd_sim *sim, unsigned char *bytes, size_t size)
{
    const size_t bit = (size_t)nd_random_below(&sim->random, 8 * (uint64_t)size);
    bytes[bit / 8] ^= (unsigned char)(1U << bit % 8);
}

/* The frame behind which this one comes goes missing. */
static void lose_last(nd_sim_lane *lane)
{
    nd_vector *const items = &lane->frames.items;
    nd_free(*(nd_sim_frame **)nd_vector_pop(items));
    if (items->len == lane->frames.head)
        nd_fifo_clear(&lane->frames);
}

/* Damages the frame, if it can be, and puts it on the lane. */
static nd_err put_damaged(nd_sim *sim, nd_sim_lane *lane, nd_sim_frame *frame)
{
    const nd_sim_damage damage = lane->damage;
    nd_wire_head stale = frame->head;
    const bool has_followed = !nd_fifo_is_empty(&lane->frames);
    if ((damage == ND_SIM_GAP && !has_followed) ||
        (damage == ND_SIM_FLIP_BODY && frame->head.length == 0))
        return put(lane, frame);
    lane->damage = ND_SIM_INTACT;
    switch (damage) {
    case ND_SIM_GAP:
        lose_last(lane);
        frame->damage = damage;
        break;
    case ND_SIM_TWICE:
        ND_TRY(put(lane, frame));
        return put_copy(lane, frame, &frame->head, damage);
    case ND_SIM_FLIP_HEAD:
        flip(sim, frame->bytes, ND_WIRE_HEAD_SIZE);
        frame->damage = damage;
        break;
    case ND_SIM_FLIP_BODY:
        flip(sim, frame->bytes + ND_WIRE_HEAD_SIZE, (size_t)frame->head.length);
        frame->damage = damage;
        break;
    case ND_SIM_STALE:
        stale.incarnation ^= 1 + nd_random_below(&sim->random, UINT64_MAX);
        if (put_copy(lane, frame, &stale, damage) != ND_OK) {
            nd_free(frame);
            return ND_NOMEM;
        }
        break;
    case ND_SIM_INTACT:
        break;
    }
    return put(lane, frame);
}

nd_err nd_sim_lane_send(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind kind,
                        nd_sim_frame *frame)
{
    nd_sim_lane *const lane = nd_sim_lane_of(sim, from, to, kind);
    nd_wire_head *const head = &frame->head;
    head->process = (uint16_t)from;
    head->incarnation = sim->processes[from].incarnation;
    head->sequence = ++lane->sent.n_frames;
    lane->sent.n_bytes += ND_WIRE_HEAD_SIZE + head->length;
    nd_wire_head_write(head, frame->bytes);
    if (lane->is_cut) {
        nd_free(frame);
        return ND_OK;
    }
    frame->due = sim->now + (lane->delay ? nd_random_below(&sim->random, lane->delay + 1) : 0);
    if (frame->due < lane->last_due)
        frame->due = lane->last_due;
    lane->last_due = frame->due;
    return lane->damage == ND_SIM_INTACT ? put(lane, frame) : put_damaged(sim, lane, frame);
}

/* --- Taking --- */

uint64_t nd_sim_lane_due(const nd_sim_lane *lane)
{
    return nd_fifo_is_empty(&lane->frames) ? nd_sim_never
                                           : (*(nd_sim_frame **)nd_fifo_at(&lane->frames, 0))->due;
}

size_t nd_sim_lane_n_choices(const nd_sim *sim, const nd_sim_lane *lane)
{
    if (nd_sim_lane_due(lane) > sim->now)
        return 0;
    return sim->neglect == ND_SIM_NO_ORDER ? nd_fifo_len(&lane->frames) : 1;
}

nd_sim_frame *nd_sim_lane_take(nd_sim_lane *lane, size_t index)
{
    return *(nd_sim_frame **)nd_fifo_take(&lane->frames, index);
}

/* --- Breaking --- */

static uint64_t some_time_later(nd_sim *sim)
{
    return sim->now + nd_random_below(&sim->random, LEARN);
}

void nd_sim_lane_cut(nd_sim *sim, nd_sim_lane *lane)
{
    if (lane->is_cut)
        return;
    lane->is_cut = true;
    for (uint64_t n = nd_random_below(&sim->random, nd_fifo_len(&lane->frames) + 1); n > 0; n--)
        lose_last(lane);
}

void nd_sim_lane_close(nd_sim *sim, nd_sim_lane *lane)
{
    nd_sim_free_frames(&lane->frames);
    lane->is_cut = true;
    if (lane->stands && lane->breaks_at == nd_sim_never)
        lane->breaks_at = some_time_later(sim);
}

void nd_sim_cut(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind kind)
{
    nd_sim_lane *const lane = nd_sim_lane_of(sim, from, to, kind);
    nd_sim_peer *const back = nd_sim_peer_of(sim, to, from);
    if (lane->is_cut || sim->processes[from].phase > ND_SIM_LEAVING)
        return;
    nd_sim_lane_cut(sim, lane);
    lane->breaks_at = some_time_later(sim);
    if (nd_random_below(&sim->random, 2) && back->learns_at == nd_sim_never)
        back->learns_at = some_time_later(sim);
    nd_sim_met(sim);
    sim->witness.n_cuts++;
}

/* --- Other faults of lanes --- */

void nd_sim_slow(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind kind, uint64_t ticks)
{
    nd_sim_lane_of(sim, from, to, kind)->delay = ticks;
}

void nd_sim_damage_next(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind kind,
                        nd_sim_damage damage)
{
    nd_sim_lane_of(sim, from, to, kind)->damage = damage;
}
