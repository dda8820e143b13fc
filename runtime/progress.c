/* SPDX-License-Identifier: Apache-2.0 */
/* Progress: changes noted, published as one frame, applied to the tracker, propagated, and told to
 * those who wait.
 *
 * Invariants:
 *  1. changes reach this worker's tracker only in the frame that the others get (nobody applies its
 * own earlier);
 *  2. a frame is staged whole before anything is propagated;
 *  3. frames of a sender are numbered without gap or repeat. */
#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

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
                            .changes = flow->changes.items,
                            .len = flow->changes.len};
    const unsigned others = host->peers / host->processes - 1; /* of this process */
    host->stats.progress_frames += others;
    host->stats.progress_bytes += others * frame.len * sizeof(nd_change);
    return host->transport.ops->send_frame(host->transport.endpoint, &frame);
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
        err = nd_flow_stage(flow, flow->changes.items, flow->changes.len);
    if (err != ND_OK)
        nd_flow_fail(flow, err, nd_err_text(err));
    nd_change_batch_clear(&flow->changes);
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
        nd_flow_fail(flow, err, nd_err_text(err));
        return;
    }
    if (flow->state != ND_FLOW_RUNNING)
        return; /* news is kept until the dataflow runs */
    tell_watchers(flow);
    if (nd_tracker_is_empty(flow->tracker))
        flow->state = ND_FLOW_COMPLETE;
}
