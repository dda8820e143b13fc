/* SPDX-License-Identifier: Apache-2.0 */
/* Progress: changes noted, published as one frame, applied to the tracker, propagated, and told to
 * those who wait.
 *
 * Invariants:
 *  1. changes reach this worker's tracker only in the frame that the others get (nobody applies its
 * own earlier);
 *  2. a frame is staged whole before anything is propagated;
 *  3. frames of a sender are numbered without gap or repeat. */
#include <stdarg.h>
#include <stdio.h>

#include "runtime/agreement.h"
#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

void nd_vertex_fail(nd_vertex *vertex, nd_err err, const char *format, ...)
{
    nd_message message;
    char text[sizeof message.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    nd_message_set(&message, err, "dataflow '%s': vertex '%s': %s", vertex->flow->name,
                   vertex->name, text);
    nd_host *const host = vertex->flow->host;
    host->ops->fail(host, err, message.text);
}

void nd_fail(nd_vertex *vertex, const char *format, ...)
{
    char text[sizeof(nd_message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    nd_vertex_fail(vertex, ND_FAILED, "%s", text);
}

static nd_err fail_flow(nd_dataflow *flow, nd_err err, const char *what)
{
    nd_message message;
    nd_message_set(&message, err, "dataflow '%s': %s", flow->name, what);
    return flow->host->ops->fail(flow->host, err, message.text);
}

void nd_flow_touch(nd_dataflow *flow)
{
    if (flow->is_told)
        return;
    flow->is_told = true;
    flow->host->ops->dirty(flow->host, flow);
}

void nd_flow_untold(nd_dataflow *flow) { flow->is_told = false; }

void nd_flow_change(nd_dataflow *flow, uint32_t location, const nd_time *time, int64_t delta)
{
    const nd_err err = nd_change_batch_update(&flow->changes, location, time, delta);
    if (err != ND_OK)
        fail_flow(flow, err, nd_err_text(err));
    nd_flow_touch(flow);
}

/* --- Publishing --- */

static void flush_dirty(nd_dataflow *flow)
{
    for (size_t i = 0; i < flow->dirty.len; i++) {
        nd_vertex *const vertex = *(nd_vertex **)nd_vector_at(&flow->dirty, i);
        nd_vertex_flush(vertex);
        vertex->is_dirty = false;
    }
    nd_vector_clear(&flow->dirty);
}

static nd_err send_frame(nd_dataflow *flow)
{
    nd_host *const host = flow->host;
    if (host->peers == 1)
        return ND_OK;
    const nd_frame frame = {.flow = flow->id,
                            .sender = host->index,
                            .sequence = ++host->sequence,
                            .kind = ND_FRAME_CHANGES,
                            .drops = flow->is_dropped,
                            .changes = flow->changes.items,
                            .len = flow->changes.len};
    host->stats.progress_frames += host->peers - 1;
    host->stats.progress_bytes += (host->peers - 1) * frame.len * sizeof(nd_change);
    return host->transport.ops->send_frame(host->transport.endpoint, &frame);
}

static nd_err stage(nd_dataflow *flow, const nd_change *changes, size_t len)
{
    flow->is_staged = true;
    for (size_t i = 0; i < len; i++)
        ND_TRY(nd_tracker_update(flow->tracker, changes[i].location, &changes[i].time,
                                 changes[i].delta));
    return ND_OK;
}

void nd_flow_publish(nd_dataflow *flow)
{
    flush_dirty(flow);
    if (flow->state != ND_FLOW_RUNNING || nd_change_batch_is_empty(&flow->changes))
        return;
    nd_change_batch_compact(&flow->changes);
    if (flow->host->tamper)
        flow->host->tamper(flow->host, &flow->changes);
    nd_err err = send_frame(flow);
    if (err == ND_OK)
        err = stage(flow, flow->changes.items, flow->changes.len);
    if (err != ND_OK)
        fail_flow(flow, err, nd_err_text(err));
    nd_change_batch_clear(&flow->changes);
}

/* --- Receiving --- */

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

nd_err nd_host_take_batch(nd_host *host, const nd_delivery *delivery)
{
    nd_dataflow *const flow = find_flow(host, delivery->flow);
    if (!flow || !flow->tracker || delivery->channel >= flow->channels.len) {
        nd_batch_drop(delivery->batch, &host->pool);
        return host->ops->fail(host, ND_PROTO, "a batch came for a channel that does not exist");
    }
    const nd_channel *const channel =
        *(nd_channel **)nd_vector_at(&flow->channels, delivery->channel);
    nd_vertex_enqueue(channel->to, channel->to_port, &delivery->time, delivery->batch);
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
        return nd_start_arrived(host, frame->flow, frame->worker, frame->fingerprint);
    if (frame->kind == ND_FRAME_END)
        return nd_end_arrived(host, frame->flow, frame->worker);
    nd_dataflow *const flow = find_flow(host, frame->flow);
    if (!flow || !flow->tracker)
        return refuse(host, frame->sender, "progress of a dataflow that is not started here");
    if (frame->drops)
        nd_flow_drop_here(flow);
    const nd_err err = stage(flow, frame->changes, frame->len);
    if (err != ND_OK)
        return fail_flow(flow, err, nd_err_text(err));
    nd_flow_touch(flow);
    return ND_OK;
}

/* --- Propagating --- */

static void tell_watchers(nd_dataflow *flow)
{
    const uint32_t *locations;
    const size_t len = nd_tracker_changed(flow->tracker, &locations);
    for (size_t i = 0; i < len; i++) {
        nd_vertex *const vertex = flow->watchers[locations[i]];
        if (!vertex)
            continue;
        if (vertex->pending.len)
            nd_vertex_find_due(vertex);
        if (vertex->on_frontier) {
            vertex->has_news = true;
            nd_vertex_schedule(vertex);
        }
    }
    nd_tracker_changed_clear(flow->tracker);
}

void nd_flow_propagate(nd_dataflow *flow)
{
    if (!flow->is_staged)
        return;
    flow->is_staged = false;
    const nd_err err = nd_tracker_propagate(flow->tracker);
    if (err != ND_OK) {
        fail_flow(flow, err, nd_err_text(err));
        return;
    }
    if (flow->state != ND_FLOW_RUNNING)
        return; /* news is kept until the dataflow runs */
    tell_watchers(flow);
    if (nd_tracker_is_empty(flow->tracker))
        flow->state = ND_FLOW_COMPLETE;
}

bool nd_flow_is_over(const nd_dataflow *flow)
{
    return flow->state == ND_FLOW_COMPLETE || flow->state == ND_FLOW_REFUSED;
}

bool nd_dataflow_is_complete(const nd_dataflow *flow)
{
    return flow && flow->state == ND_FLOW_COMPLETE;
}
