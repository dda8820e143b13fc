/* SPDX-License-Identifier: Apache-2.0 */
/* What every other part of a running dataflow stands on: noting a change, staging a frame, asking
 * the host to run a vertex, queueing and consuming a batch, and failing.
 *
 * Invariant: the host is told at most once, until it has seen to it, that a vertex has something to
 * do and that a dataflow has something to publish or to propagate. */
#include <stdarg.h>
#include <stdio.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

/* --- Locations --- */

const nd_vertex *nd_flow_vertex_at(const nd_dataflow *flow, uint32_t location)
{
    size_t low = 0, high = flow->vertices.len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const nd_vertex *const vertex = nd_flow_vertex(flow, middle);
        if (vertex->outlets[vertex->n_outlets - 1].location < location)
            low = middle + 1;
        else
            high = middle;
    }
    return low < flow->vertices.len ? nd_flow_vertex(flow, low) : NULL;
}

/* --- Failing --- */

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

nd_err nd_flow_fail(nd_dataflow *flow, nd_err err, const char *what)
{
    nd_message message;
    nd_message_set(&message, err, "dataflow '%s': %s", flow->name, what);
    return flow->host->ops->fail(flow->host, err, message.text);
}

/* --- Telling --- */

nd_err nd_host_tell(nd_host *host, nd_frame *frame)
{
    frame->sender = frame->worker = host->index;
    if (host->peers == 1)
        return ND_OK;
    frame->sequence = ++host->sequence;
    return host->transport.ops->send_frame(host->transport.endpoint, frame);
}

/* --- Changes --- */

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
        nd_flow_fail(flow, err, nd_err_text(err));
    nd_flow_touch(flow);
}

nd_err nd_flow_stage(nd_dataflow *flow, const nd_change *changes, size_t len)
{
    flow->is_staged = true;
    for (size_t i = 0; i < len; i++)
        ND_TRY(nd_tracker_update(flow->tracker, changes[i].location, &changes[i].time,
                                 changes[i].delta));
    return ND_OK;
}

bool nd_flow_is_over(const nd_dataflow *flow)
{
    return flow->state == ND_FLOW_COMPLETE || flow->state == ND_FLOW_REFUSED;
}

bool nd_dataflow_is_complete(const nd_dataflow *flow)
{
    return flow && flow->state == ND_FLOW_COMPLETE;
}

/* --- Batches and turns --- */

void nd_vertex_schedule(nd_vertex *vertex)
{
    if (vertex->is_scheduled || vertex->flow->state != ND_FLOW_RUNNING)
        return;
    vertex->is_scheduled = true;
    vertex->flow->host->ops->schedule(vertex->flow->host, vertex);
}

void nd_vertex_wake(nd_vertex *vertex)
{
    if (!vertex->on_activate)
        return;
    vertex->is_activated = true;
    nd_vertex_schedule(vertex);
}

void nd_vertex_consume(nd_vertex *vertex, const nd_queued *queued)
{
    nd_host *const host = vertex->flow->host;
    if (queued->is_foreign) /* its sender's process counts it until it hears of this */
        host->transport.ops->consumed(host->transport.endpoint, queued->batch);
    else
        nd_budget_count(&host->in_flight, -(int64_t)nd_batch_size(queued->batch));
    nd_flow_change(vertex->flow, vertex->inlets[queued->port].location, &queued->time, -1);
    nd_batch_drop(queued->batch, &host->pool);
}

void nd_vertex_enqueue(nd_vertex *vertex, const nd_queued *queued)
{
    if (vertex->flow->is_dropped && vertex->flow->state == ND_FLOW_RUNNING) {
        nd_vertex_consume(vertex, queued);
        return;
    }
    nd_queued *const slot = nd_fifo_push(&vertex->queue);
    if (!slot) {
        nd_batch_drop(queued->batch, &vertex->flow->host->pool);
        nd_vertex_fail(vertex, ND_NOMEM, "out of memory");
        return;
    }
    *slot = *queued;
    nd_vertex_schedule(vertex);
}
