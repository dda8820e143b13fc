/* SPDX-License-Identifier: Apache-2.0 */
/* Links: frames and batches on their way between two nodes, and the faults that befall frames. */
#include <string.h>

#include <nereid/memory.h>

#include "transport/sim_internal.h"

void nd_parcels_free(nd_vector *parcels, size_t first)
{
    for (size_t i = first; i < parcels->len; i++) {
        nd_parcel *const parcel = nd_vector_at(parcels, i);
        if (parcel->kind == ND_ARRIVAL_BATCH)
            nd_batch_release(parcel->delivery.batch);
        nd_free(parcel->changes);
    }
    nd_vector_deinit(parcels);
}

typedef enum nd_part { PART_ALL, PART_LESS, PART_MORE } nd_part;

/* Puts a frame's changes, or those of one sign, behind the parcels that are there. */
static nd_err put_part(nd_vector *parcels, const nd_frame *frame, nd_part part)
{
    nd_change *const changes = nd_alloc(frame->len, sizeof *changes);
    nd_parcel *const slot = changes ? nd_vector_push(parcels) : NULL;
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

nd_err nd_sim_put_frame(nd_vector *parcels, const nd_frame *frame)
{
    return put_part(parcels, frame, PART_ALL);
}

nd_err nd_sim_send(nd_sim *sim, unsigned from, unsigned to, const nd_frame *frame)
{
    nd_link *const link = nd_sim_link(sim, from, to);
    const bool is_broken = frame->kind == ND_FRAME_CHANGES && sim->fault != ND_SIM_FAITHFUL &&
                           ++sim->n_sent % sim->every == 0;
    if (is_broken && sim->fault == ND_SIM_LOSE)
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
    if (sim->fault == ND_SIM_REORDER)
        return link->frames.len + link->batches.len;
    return (link->frames.len != 0) + link->batches.len;
}

static nd_parcel take(nd_vector *parcels, size_t index)
{
    nd_parcel *const items = parcels->items;
    const nd_parcel taken = items[index];
    memmove(&items[index], &items[index + 1], (parcels->len - index - 1) * sizeof *items);
    nd_vector_truncate(parcels, parcels->len - 1);
    return taken;
}

nd_parcel nd_link_take(const nd_sim *sim, nd_link *link, size_t index)
{
    const size_t n_frames = nd_link_n_choices(sim, link) - link->batches.len;
    return index < n_frames ? take(&link->frames, index) : take(&link->batches, index - n_frames);
}
