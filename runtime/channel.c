/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: from an output's batches to the queues of inputs, here and on other workers.
 *
 * Invariant: for each physical batch that goes to an input, +1 is counted there, in the same
 * publication as the batch's sender's -1 or an earlier one; so the count is made when the batch is
 * handed over, and an empty batch is never handed over. */
#include <assert.h>

#include <nereid/memory.h>

#include "runtime/graph_internal.h"
#include "runtime/scatter.h"

/* Hands one batch over to an input of `worker`; the reference moves. */
static void hand_over(nd_channel *channel, unsigned worker, const nd_time *time, nd_batch *batch)
{
    assert(batch->len != 0);
    nd_vertex *const to = channel->to;
    nd_host *const host = to->flow->host;
    if (to->flow->is_dropped) {
        nd_batch_drop(batch, &host->pool);
        return;
    }
    nd_budget_count(&host->in_flight, (int64_t)nd_batch_size(batch));
    nd_flow_change(to->flow, to->inlets[channel->to_port].location, time, +1);
    if (worker == host->index) {
        nd_vertex_enqueue(to,
                          &(nd_queued){.batch = batch, .time = *time, .port = channel->to_port});
        return;
    }
    host->stats.n_batches++;
    host->stats.n_records += batch->len;
    host->stats.data_bytes += batch->len * batch->type->size;
    const nd_delivery delivery = {
        .batch = batch, .time = *time, .flow = to->flow->id, .channel = channel->id};
    const nd_err err = host->transport.ops->send_batch(host->transport.endpoint, worker, &delivery);
    if (err != ND_OK)
        nd_vertex_fail(channel->from, err, "its batch cannot be sent: %s", nd_err_text(err));
}

/* --- Exchange --- */

static void deliver(nd_outbox *outbox, nd_batch *batch)
{
    const nd_exchange_box *const box = (nd_exchange_box *)outbox;
    nd_channel *const channel = box->channel;
    hand_over(channel, (unsigned)(box - channel->boxes), &channel->time, batch);
}

static void opened(nd_outbox *outbox)
{
    nd_exchange_box *const box = (nd_exchange_box *)outbox;
    if (outbox->is_marked)
        return;
    outbox->is_marked = true;
    box->next_open = box->channel->open;
    box->channel->open = box;
}

static void failed(nd_outbox *outbox)
{
    nd_vertex_fail(((nd_exchange_box *)outbox)->channel->from, ND_NOMEM, "out of memory");
}

/* Made when first needed: of many channels between many workers most are idle. */
static bool open_boxes(nd_channel *channel)
{
    static const nd_outbox_owner owner = {.deliver = deliver, .opened = opened, .failed = failed};
    nd_dataflow *const flow = channel->to->flow;
    nd_host *const host = flow->host;
    channel->boxes = nd_alloc_zero(host->peers, sizeof *channel->boxes);
    for (unsigned i = 0; channel->boxes && i < host->peers; i++) {
        nd_exchange_box *const box = &channel->boxes[i];
        box->channel = channel;
        nd_outbox_init(&box->outbox, channel->origin->type, &host->pool, host->max_batch_len,
                       &flow->scrap, &owner);
    }
    if (!channel->boxes)
        nd_vertex_fail(channel->from, ND_NOMEM, "out of memory");
    return channel->boxes != NULL;
}

void nd_channel_close(nd_channel *channel)
{
    for (unsigned i = 0; channel->boxes && i < channel->to->flow->host->peers; i++)
        nd_outbox_deinit(&channel->boxes[i].outbox);
    nd_free(channel->boxes);
    channel->boxes = channel->open = NULL;
}

void nd_channel_flush(nd_channel *channel)
{
    while (channel->open) {
        nd_exchange_box *const box = channel->open;
        channel->open = box->next_open;
        box->outbox.is_marked = false;
        nd_outbox_flush(&box->outbox);
    }
}

static void scatter(nd_channel *channel, const nd_time *time, nd_batch *batch)
{
    nd_host *const host = channel->to->flow->host;
    if (!channel->boxes && !open_boxes(channel)) {
        nd_batch_drop(batch, &host->pool);
        return;
    }
    if (channel->open && !nd_time_equal(&channel->time, time))
        nd_channel_flush(channel);
    channel->time = *time;
    nd_scatter(batch, channel->route, channel->user.data, channel->boxes, host->peers);
    nd_batch_drop(batch, &host->pool);
}

/* --- Every kind --- */

static void send(nd_channel *channel, const nd_time *sent, nd_batch *batch)
{
    nd_host *const host = channel->to->flow->host;
    nd_time time;
    if (!nd_summary_apply(&channel->summary, sent, &time)) { /* a counter at its limit: no way on */
        nd_batch_drop(batch, &host->pool);
        return;
    }
    if (channel->kind == ND_PACT_EXCHANGE && host->peers > 1) {
        scatter(channel, &time, batch);
        return;
    }
    if (channel->kind == ND_PACT_BROADCAST)
        for (unsigned i = 0; i < host->peers; i++)
            if (i != host->index)
                hand_over(channel, i, &time, nd_batch_take(batch));
    hand_over(channel, host->index, &time, batch);
}

static void keep_early(nd_outlet *outlet, const nd_time *time, nd_batch *batch)
{
    nd_early *const slot = nd_vector_push(&outlet->vertex->flow->early);
    if (slot) {
        *slot = (nd_early){outlet->vertex, outlet->port, *time, batch};
        return;
    }
    nd_batch_release(batch);
    nd_vertex_fail(outlet->vertex, ND_NOMEM, "out of memory");
}

void nd_outlet_route(nd_outlet *outlet, const nd_time *time, nd_batch *batch)
{
    if (outlet->vertex->flow->state != ND_FLOW_RUNNING) {
        keep_early(outlet, time, batch);
        return;
    }
    nd_channel **const channels = outlet->channels.items;
    for (size_t i = 0; i + 1 < outlet->channels.len; i++)
        send(channels[i], time, nd_batch_take(batch));
    if (outlet->channels.len)
        send(channels[outlet->channels.len - 1], time, batch);
    else
        nd_batch_drop(batch, &outlet->vertex->flow->host->pool);
}
