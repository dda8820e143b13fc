/* SPDX-License-Identifier: Apache-2.0 */
/* Links: frames and batches on their way inside a process, and the promises that are broken to
 * frames. */
#include <nereid/memory.h>

#include "transport/sim_internal.h"

/* --- Parcels --- */

void nd_parcel_free(const nd_parcel *parcel)
{
    if (parcel->kind == ND_ARRIVAL_BATCH && parcel->delivery.batch)
        nd_batch_release(parcel->delivery.batch);
    nd_free(parcel->changes);
    nd_free(parcel->records);
}

void nd_parcels_free(nd_fifo *parcels)
{
    while (!nd_fifo_is_empty(parcels))
        nd_parcel_free(nd_fifo_pop(parcels));
    nd_fifo_deinit(parcels);
}

size_t nd_frame_part(const nd_frame *frame, nd_part part, nd_change *changes)
{
    size_t len = 0;
    for (size_t i = 0; i < frame->len; i++)
        if (part == ND_PART_ALL || (frame->changes[i].delta < 0) == (part == ND_PART_LESS))
            changes[len++] = frame->changes[i];
    return len;
}

static nd_err put_part(nd_fifo *parcels, const nd_frame *frame, nd_part part)
{
    nd_change *const changes = nd_alloc(frame->len, sizeof *changes);
    nd_parcel *const slot = changes ? nd_fifo_push(parcels) : NULL;
    if (!slot) {
        nd_free(changes);
        return ND_NOMEM;
    }
    *slot = (nd_parcel){.kind = ND_ARRIVAL_FRAME, .frame = *frame, .changes = changes};
    slot->frame.len = nd_frame_part(frame, part, changes);
    return ND_OK;
}

nd_err nd_sim_put_frame(nd_fifo *parcels, const nd_frame *frame)
{
    return put_part(parcels, frame, ND_PART_ALL);
}

/* --- Links --- */

nd_fate nd_sim_fate_of(nd_sim *sim, const nd_frame *frame)
{
    const nd_frame_kind kind = sim->fault == ND_SIM_FORGET ? ND_FRAME_DROP : ND_FRAME_CHANGES;
    if (sim->fault == ND_SIM_FAITHFUL || frame->kind != kind || ++sim->n_sent % sim->every != 0)
        return ND_FATE_WHOLE;
    switch (sim->fault) {
    case ND_SIM_LOSE:
    case ND_SIM_FORGET:
        return ND_FATE_LOST;
    case ND_SIM_REPEAT:
        return ND_FATE_TWICE;
    case ND_SIM_SPLIT:
        return ND_FATE_SPLIT;
    case ND_SIM_FAITHFUL:
    case ND_SIM_REORDER:
    case ND_SIM_OWN_STEPS:
    case ND_SIM_VIEW_COVERS:
        break;
    }
    return ND_FATE_WHOLE;
}

nd_err nd_link_send(nd_sim *sim, nd_link *link, const nd_frame *frame)
{
    switch (nd_sim_fate_of(sim, frame)) {
    case ND_FATE_LOST:
        return ND_OK;
    case ND_FATE_SPLIT:
        ND_TRY(put_part(&link->frames, frame, ND_PART_LESS));
        return put_part(&link->frames, frame, ND_PART_MORE);
    case ND_FATE_TWICE:
        ND_TRY(put_part(&link->frames, frame, ND_PART_ALL));
        break;
    case ND_FATE_WHOLE:
        break;
    }
    return put_part(&link->frames, frame, ND_PART_ALL);
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
