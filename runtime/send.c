/* SPDX-License-Identifier: Apache-2.0 */
/* SendBy: from a callback into an output's outbox, and from there to the output's channels.
 *
 * Invariants: every record in an outlet's outbox is at the outbox's time, and the vertex had the
 * right to send there: the outbox is open from the check until its callback returns or it is
 * flushed between steps, and shut before and after; an outlet that may send, or whose outboxes hold
 * records, is on its vertex's list, and the vertex on its dataflow's; nothing is published while
 * that is not empty. */
#include <string.h>

#include "runtime/graph_internal.h"

/* --- Outlets --- */

static void deliver(nd_outbox *outbox, nd_batch *batch)
{
    nd_outlet_route((nd_outlet *)outbox, &outbox->time, batch);
}

static void failed(nd_outbox *outbox)
{
    nd_vertex_fail(((nd_outlet *)outbox)->vertex, ND_NOMEM, "out of memory");
}

/* The outbox's time is that of a callback which is over. */
static void written_late(nd_outbox *outbox)
{
    char text[ND_TIME_TEXT_SIZE];
    const nd_outlet *const outlet = (const nd_outlet *)outbox;
    nd_vertex_fail(outlet->vertex, ND_INVAL,
                   "it writes through an emit of an earlier callback, on output %u at %s "
                   "(nd_vertex_emit gives a new one)",
                   outlet->port, nd_time_text(&outbox->time, outlet->vertex->scope->n_loops, text));
}

void nd_outlet_open(nd_outlet *outlet)
{
    static const nd_outbox_owner owner = {
        .deliver = deliver, .failed = failed, .written_late = written_late};
    nd_dataflow *const flow = outlet->vertex->flow;
    if (outlet->type)
        nd_outbox_init(&outlet->outbox, outlet->type, &flow->host->pool, flow->host->max_batch_len,
                       &flow->scrap, &owner);
}

/* Something is sent on the outlet: what it and its channels gather is settled and flushed later. */
static void use(nd_outlet *outlet)
{
    nd_vertex *const vertex = outlet->vertex;
    if (!outlet->is_used) {
        outlet->is_used = true;
        outlet->next_used = vertex->used;
        vertex->used = outlet;
    }
    if (vertex->is_dirty)
        return;
    nd_vertex **const slot = nd_vector_push(&vertex->flow->dirty);
    if (!slot) {
        nd_vertex_fail(vertex, ND_NOMEM, "out of memory");
        return;
    }
    *slot = vertex;
    vertex->is_dirty = true;
    nd_flow_touch(vertex->flow);
}

static bool check_send(nd_vertex *vertex, unsigned port, const nd_time *time)
{
    if (port >= vertex->n_outlets || !vertex->outlets[port].type) {
        nd_vertex_fail(vertex, ND_INVAL, "it sends on output %u, which it does not have", port);
        return false;
    }
    if (!nd_vertex_can_act(vertex, time))
        return false;
    if (nd_vertex_may_send(vertex, port, time))
        return true;
    nd_vertex_refuse_send(vertex, port, time);
    return false;
}

/* Gets the outbox of `port` ready for records at `time`; false if the vertex may not send there. */
static bool prepare(nd_vertex *vertex, unsigned port, const nd_time *time)
{
    if (!check_send(vertex, port, time))
        return false;
    nd_outlet *const outlet = &vertex->outlets[port];
    if (!nd_time_equal(&outlet->outbox.time, time)) {
        nd_outbox_flush(&outlet->outbox);
        outlet->outbox.time = *time;
    }
    nd_outbox_reopen(&outlet->outbox);
    outlet->may_send = true;
    use(outlet);
    return true;
}

static inline bool is_prepared(const nd_vertex *vertex, unsigned port, const nd_time *time)
{
    return port < vertex->n_outlets && vertex->outlets[port].may_send &&
           nd_time_equal(&vertex->outlets[port].outbox.time, time);
}

nd_emit *nd_vertex_emit(nd_vertex *vertex, unsigned port, const nd_time *time)
{
    if (!is_prepared(vertex, port, time) && !prepare(vertex, port, time))
        return &vertex->flow->nowhere.emit;
    return &vertex->outlets[port].outbox.emit;
}

bool nd_vertex_is_heard(const nd_vertex *vertex, unsigned port)
{
    return port < vertex->n_outlets && vertex->outlets[port].channels.len != 0;
}

void nd_send_by(nd_vertex *vertex, unsigned port, const nd_time *time, const void *record)
{
    if (!is_prepared(vertex, port, time) && !prepare(vertex, port, time))
        return;
    nd_outbox *const outbox = &vertex->outlets[port].outbox;
    if (outbox->has_bytes || outbox->has_objects)
        nd_emit_copy(&outbox->emit, record, 1);
    else
        memcpy(nd_emit_slot(&outbox->emit), record, outbox->emit.record_size);
}

/* A batch that is lent and that nobody has taken is not the vertex's to send. */
static bool is_only_lent(const nd_vertex *vertex, const nd_batch *batch)
{
    return batch == vertex->flow->host->lent &&
           atomic_load_explicit(&batch->refs, memory_order_relaxed) == 1;
}

void nd_send_batch_by(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    if (is_only_lent(vertex, batch)) {
        nd_vertex_fail(vertex, ND_INVAL,
                       "it sends the batch that it was lent: send nd_batch_take(batch)");
        return;
    }
    if (!check_send(vertex, port, time)) {
        nd_batch_release(batch);
        return;
    }
    nd_outlet *const outlet = &vertex->outlets[port];
    if (!nd_type_is_same(batch->type, outlet->type)) {
        nd_vertex_fail(vertex, ND_INVAL,
                       "it sends a batch of '%s' on output %u, which carries '%s'",
                       batch->type->name, port, outlet->type->name);
        nd_batch_release(batch);
        return;
    }
    use(outlet);
    nd_outbox_flush(&outlet->outbox); /* what was sent before goes before */
    nd_outlet_route(outlet, time, batch);
}

/* --- Between callbacks --- */

void nd_vertex_settle(nd_vertex *vertex)
{
    for (nd_outlet *outlet = vertex->used; outlet; outlet = outlet->next_used) {
        outlet->may_send = false;
        nd_outbox_settle(&outlet->outbox);
        nd_outbox_shut(&outlet->outbox);
    }
    vertex->rights = NULL;
    vertex->n_rights = 0;
}

void nd_vertex_flush(nd_vertex *vertex)
{
    if (!vertex->is_dirty)
        return;
    while (vertex->used) {
        nd_outlet *const outlet = vertex->used;
        vertex->used = outlet->next_used;
        outlet->is_used = false;
        outlet->may_send = false;
        nd_outbox_flush(&outlet->outbox);
        nd_outbox_shut(&outlet->outbox);
        nd_channel **const channels = outlet->channels.items;
        for (size_t i = 0; i < outlet->channels.len; i++)
            nd_channel_flush(channels[i]);
    }
}
