/* SPDX-License-Identifier: Apache-2.0 */
/* Links: frames and batches on their way between two nodes, and the faults that befall frames. */
#include <nereid/memory.h>

#include "transport/sim_internal.h"

void nd_parcels_free(nd_fifo *parcels)
{
    while (!nd_fifo_is_empty(parcels)) {
        const nd_parcel *const parcel = nd_fifo_pop(parcels);
        if (parcel->kind == ND_ARRIVAL_BATCH)
            nd_batch_release(parcel->delivery.batch);
        nd_free(parcel->changes);
    }
    nd_fifo_deinit(parcels);
}

typedef enum nd_part { PART_ALL, PART_LESS, PART_MORE } nd_part;

/* Puts a frame's changes, or those of one sign, behind the parcels that are there. */
static nd_err put_part(nd_fifo *parcels, const nd_frame *frame, nd_part part)
{
    nd_change *const changes = nd_alloc(frame->len, sizeof *changes);
    nd_parcel *const slot = changes ? nd_fifo_push(parcels) : NULL;
    if (!slot) {
        nd_free(changes);
        return ND_NOMEM;
    }
    *slot = (nd_parcel){.kind = ND_ARRIVAL_FRAME, .frame = *frame, .changes = changes};
    size_t len = 0;
    for (size_t i = 0; i < frame->len; i++)
        if (part == PART_ALL || (frame->changes[i].delta < 0) == (part == PART_LESS))
            changes[len++] = frame->changes[i];
    slot->frame.len = len;
    return ND_OK;
}

nd_err nd_sim_put_frame(nd_fifo *parcels, const nd_frame *frame)
{
    return put_part(parcels, frame, PART_ALL);
}

static bool is_befallen(nd_sim *sim, const nd_frame *frame)
{
    const nd_frame_kind kind = sim->fault == ND_SIM_FORGET ? ND_FRAME_DROP : ND_FRAME_CHANGES;
    return sim->fault != ND_SIM_FAITHFUL && frame->kind == kind && ++sim->n_sent % sim->every == 0;
}

nd_err nd_sim_send(nd_sim *sim, unsigned from, unsigned to, const nd_frame *frame)
{
    nd_link *const link = nd_sim_link(sim, from, to);
    const bool is_broken = is_befallen(sim, frame);
    if (is_broken && (sim->fault == ND_SIM_LOSE || sim->fault == ND_SIM_FORGET))
        return ND_OK;
    if (is_broken && sim->fault == ND_SIM_SPLIT) {
        ND_TRY(put_part(&link->frames, frame, PART_LESS));
        return put_part(&link->frames, frame, PART_MORE);
    }
    if (is_broken && sim->fault == ND_SIM_REPEAT)
        ND_TRY(put_part(&link->frames, frame, PART_ALL));
    return put_part(&link->frames, frame, PART_ALL);
}

size_t nd_link_n_choices(const nd_sim *sim, const nd_link *link)
{
    const size_t n_frames = nd_fifo_len(&link->frames);
    const bool is_any = sim->fault == ND_SIM_REORDER || n_frames == 0;
    return (is_any ? n_frames : 1) + nd_fifo_len(&link->batches);
}

nd_parcel nd_link_take(const nd_sim *sim, nd_link *link, size_t index)
{
    const size_t n_frames = nd_link_n_choices(sim, link) - nd_fifo_len(&link->batches);
    const nd_parcel *const taken = index < n_frames
                                       ? nd_fifo_take(&link->frames, index)
                                       : nd_fifo_take(&link->batches, index - n_frames);
    return *taken;
}
