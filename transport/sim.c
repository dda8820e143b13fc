/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sim.h"

#include <string.h>

#include <nereid/memory.h>

#include "runtime/base/vector.h"

/* A frame or a batch on its way. */
typedef struct nd_parcel {
    nd_arrival kind;
    nd_delivery delivery;
    nd_frame frame;
    nd_change *changes; /* the frame's, owned */
} nd_parcel;

typedef struct nd_link {
    nd_vector frames, batches; /* nd_parcel */
    uint64_t n_delivered;      /* frames: what they are numbered by on delivery */
} nd_link;

typedef struct nd_endpoint {
    nd_sim *sim;
    unsigned worker;
    nd_vector inbox; /* parcel; the first `n_taken` have been received */
    size_t n_taken;
} nd_endpoint;

struct nd_sim {
    unsigned n_workers;
    nd_link *links; /* from s to r: [s * n_workers + r] */
    nd_endpoint *endpoints;
    nd_sim_tap_fn *tap;
    void *tap_context;
    nd_sim_fault fault;
    unsigned every;
    bool keeps_numbers;
    uint64_t n_sent; /* frames, counted by receiver */
};

static size_t n_links(const nd_sim *sim) { return (size_t)sim->n_workers * sim->n_workers; }

nd_err nd_sim_create(unsigned n_workers, nd_sim **sim)
{
    nd_sim *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    made->n_workers = n_workers;
    made->links = nd_alloc_zero(n_links(made), sizeof *made->links);
    made->endpoints = nd_alloc_zero(n_workers, sizeof *made->endpoints);
    if (!made->links || !made->endpoints) {
        nd_free(made->links);
        nd_free(made->endpoints);
        nd_free(made);
        return ND_NOMEM;
    }
    for (size_t i = 0; i < n_links(made); i++) {
        nd_vector_init(&made->links[i].frames, sizeof(nd_parcel));
        nd_vector_init(&made->links[i].batches, sizeof(nd_parcel));
    }
    for (unsigned i = 0; i < n_workers; i++) {
        made->endpoints[i] = (nd_endpoint){.sim = made, .worker = i};
        nd_vector_init(&made->endpoints[i].inbox, sizeof(nd_parcel));
    }
    *sim = made;
    return ND_OK;
}

static void free_parcel(nd_parcel *parcel)
{
    if (parcel->kind == ND_ARRIVAL_BATCH)
        nd_batch_release(parcel->delivery.batch);
    nd_free(parcel->changes);
}

static void free_parcels(nd_vector *parcels, size_t first)
{
    for (size_t i = first; i < parcels->len; i++)
        free_parcel(nd_vector_at(parcels, i));
    nd_vector_deinit(parcels);
}

void nd_sim_destroy(nd_sim *sim)
{
    if (!sim)
        return;
    for (size_t i = 0; i < n_links(sim); i++) {
        free_parcels(&sim->links[i].frames, 0);
        free_parcels(&sim->links[i].batches, 0);
    }
    for (unsigned i = 0; i < sim->n_workers; i++) {
        nd_endpoint *const to = &sim->endpoints[i];
        for (size_t k = 0; k < to->n_taken; k++)
            nd_free(((nd_parcel *)nd_vector_at(&to->inbox, k))->changes);
        free_parcels(&to->inbox, to->n_taken);
    }
    nd_free(sim->links);
    nd_free(sim->endpoints);
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
    nd_link *const link = &from->sim->links[(size_t)from->worker * from->sim->n_workers + worker];
    nd_parcel *const slot = nd_vector_push(&link->batches);
    if (!slot) {
        nd_batch_release(delivery->batch);
        return ND_NOMEM;
    }
    *slot = (nd_parcel){.kind = ND_ARRIVAL_BATCH, .delivery = *delivery};
    return ND_OK;
}

typedef enum nd_part { PART_ALL, PART_LESS, PART_MORE } nd_part;

/* Puts a frame's changes, or those of one sign, on a link. */
static nd_err put_frame(nd_link *link, const nd_frame *frame, nd_part part)
{
    nd_change *const changes = nd_alloc(frame->len, sizeof *changes);
    nd_parcel *const slot = changes ? nd_vector_push(&link->frames) : NULL;
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

static nd_err send_to(nd_sim *sim, nd_link *link, const nd_frame *frame)
{
    const bool is_broken = frame->kind == ND_FRAME_CHANGES && sim->fault != ND_SIM_FAITHFUL &&
                           ++sim->n_sent % sim->every == 0;
    if (is_broken && sim->fault == ND_SIM_LOSE)
        return ND_OK;
    if (is_broken && sim->fault == ND_SIM_SPLIT) {
        ND_TRY(put_frame(link, frame, PART_LESS));
        return put_frame(link, frame, PART_MORE);
    }
    if (is_broken && sim->fault == ND_SIM_REPEAT)
        ND_TRY(put_frame(link, frame, PART_ALL));
    return put_frame(link, frame, PART_ALL);
}

static nd_err send_frame(void *context, const nd_frame *frame)
{
    const nd_endpoint *const from = context;
    nd_sim *const sim = from->sim;
    if (sim->tap)
        sim->tap(sim->tap_context, frame);
    for (unsigned i = 0; i < sim->n_workers; i++)
        if (i != from->worker)
            ND_TRY(send_to(sim, &sim->links[(size_t)from->worker * sim->n_workers + i], frame));
    return ND_OK;
}

/* --- Delivering --- */

static size_t n_choices(const nd_sim *sim, const nd_link *link)
{
    if (sim->fault == ND_SIM_REORDER)
        return link->frames.len + link->batches.len;
    return (link->frames.len != 0) + link->batches.len;
}

size_t nd_sim_n_deliverable(const nd_sim *sim)
{
    size_t n = 0;
    for (size_t i = 0; i < n_links(sim); i++)
        n += n_choices(sim, &sim->links[i]);
    return n;
}

static nd_parcel take(nd_vector *parcels, size_t index)
{
    nd_parcel *const items = parcels->items;
    const nd_parcel taken = items[index];
    memmove(&items[index], &items[index + 1], (parcels->len - index - 1) * sizeof *items);
    nd_vector_truncate(parcels, parcels->len - 1);
    return taken;
}

static nd_err hand_over(nd_sim *sim, size_t number, size_t index)
{
    nd_link *const link = &sim->links[number];
    nd_endpoint *const to = &sim->endpoints[number % sim->n_workers];
    if (nd_vector_reserve(&to->inbox, to->inbox.len + 1) != ND_OK)
        return ND_NOMEM;
    const size_t n_frames = n_choices(sim, link) - link->batches.len;
    nd_parcel parcel =
        index < n_frames ? take(&link->frames, index) : take(&link->batches, index - n_frames);
    link->n_delivered += parcel.kind == ND_ARRIVAL_FRAME;
    if (!sim->keeps_numbers)
        parcel.frame.sequence = link->n_delivered;
    memcpy(nd_vector_push(&to->inbox), &parcel, sizeof parcel);
    return ND_OK;
}

nd_err nd_sim_deliver(nd_sim *sim, size_t index)
{
    for (size_t i = 0; i < n_links(sim); i++) {
        const size_t n = n_choices(sim, &sim->links[i]);
        if (index < n)
            return hand_over(sim, i, index);
        index -= n;
    }
    return ND_INVAL;
}

static nd_arrival receive(void *context, nd_delivery *delivery, nd_frame *frame)
{
    nd_endpoint *const to = context;
    if (to->n_taken == to->inbox.len) {
        for (size_t i = 0; i < to->n_taken; i++)
            nd_free(((nd_parcel *)nd_vector_at(&to->inbox, i))->changes);
        nd_vector_clear(&to->inbox);
        to->n_taken = 0;
        return ND_ARRIVAL_NONE;
    }
    const nd_parcel *const arrived = nd_vector_at(&to->inbox, to->n_taken++);
    *delivery = arrived->delivery;
    *frame = arrived->frame;
    frame->changes = arrived->changes;
    return arrived->kind;
}

static void flush(void *context) { (void)context; }

static bool has_arrivals(void *context)
{
    const nd_endpoint *const to = context;
    return to->n_taken != to->inbox.len;
}

nd_transport nd_sim_transport(nd_sim *sim, unsigned worker)
{
    static const nd_transport_ops ops = {
        .name = "sim",
        .send_batch = send_batch,
        .send_frame = send_frame,
        .receive = receive,
        .flush = flush,
        .has_arrivals = has_arrivals,
    };
    return (nd_transport){&ops, &sim->endpoints[worker]};
}
