/* SPDX-License-Identifier: Apache-2.0 */
/* What has come from other workers: batches to queues, frames to the tracker.
 *
 * Invariant: frames of a sender are taken in the order of their numbers, none missing, none twice.
 */
#include "runtime/agreement.h"
#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

static nd_dataflow *find_flow(const nd_host *host, uint32_t id)
{
    return id < host->flows.len ? *(nd_dataflow **)nd_vector_at(&host->flows, id) : NULL;
}

static nd_err refuse(nd_host *host, unsigned sender, const char *what)
{
    nd_message message;
    nd_message_set(&message, ND_PROTO, "worker %u: %s %u sent %s", host->index,
                   sender < host->peers ? "worker" : "process",
                   sender < host->peers ? sender : sender - host->peers, what);
    return host->ops->fail(host, ND_PROTO, message.text);
}

static nd_err refuse_changes(const nd_dataflow *flow, unsigned sender)
{
    nd_message what;
    nd_message_set(&what, ND_PROTO,
                   "progress that dataflow '%s' cannot make: of a port that it does not have, or "
                   "more than can be counted",
                   flow->name);
    return refuse(flow->host, sender, what.text);
}

static nd_err refuse_batch(nd_host *host, const nd_delivery *delivery)
{
    nd_message message;
    nd_message_set(&message, ND_PROTO,
                   "worker %u: a batch came for channel %u of dataflow %u, which is not there: its "
                   "sender runs another program, or the batch was damaged on its way",
                   host->index, delivery->channel, delivery->flow);
    return host->ops->fail(host, ND_PROTO, message.text);
}

nd_err nd_host_take_batch(nd_host *host, const nd_delivery *delivery)
{
    nd_dataflow *const flow = find_flow(host, delivery->flow);
    if (!flow || !flow->tracker || delivery->channel >= flow->channels.len) {
        nd_batch_drop(delivery->batch, &host->pool);
        return refuse_batch(host, delivery);
    }
    const nd_channel *const channel =
        *(nd_channel **)nd_vector_at(&flow->channels, delivery->channel);
    nd_vertex_enqueue(channel->to, &(nd_queued){.batch = delivery->batch,
                                                .time = delivery->time,
                                                .port = channel->to_port,
                                                .is_foreign = delivery->is_foreign});
    return ND_OK;
}

nd_err nd_host_take_frame(nd_host *host, const nd_frame *frame)
{
    if (frame->sender >= host->peers + host->processes || frame->worker >= host->peers ||
        frame->sender == host->index)
        return refuse(host, frame->sender, "a frame under a number that is not its own");
    if (frame->sequence != host->seen[frame->sender] + 1)
        return refuse(host, frame->sender, "progress frames out of order: one is lost or repeated");
    host->seen[frame->sender] = frame->sequence;
    if (frame->kind == ND_FRAME_START)
        return nd_start_arrived(host, frame);
    if (frame->kind == ND_FRAME_END)
        return nd_end_arrived(host, frame->flow, frame->worker);
    nd_dataflow *const flow = find_flow(host, frame->flow);
    if (!flow || !flow->tracker)
        return refuse(host, frame->sender, "progress of a dataflow that has not been started here");
    if (frame->kind == ND_FRAME_DROP) {
        nd_flow_drop_here(flow);
        return ND_OK;
    }
    const nd_err err = nd_flow_stage(flow, frame->changes, frame->len);
    if (err == ND_PROTO)
        return refuse_changes(flow, frame->sender);
    if (err != ND_OK)
        return nd_flow_fail(flow, err, nd_err_text(err));
    nd_flow_touch(flow);
    return ND_OK;
}
