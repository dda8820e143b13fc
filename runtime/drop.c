/* SPDX-License-Identifier: Apache-2.0 */
/* Dropping a dataflow before it is complete.
 *
 * From then on no vertex of it is called but its deinit. What they held is released, what is queued
 * or still arrives is consumed unseen, and the counts run to zero as in any dataflow. Each worker
 * says that it has dropped before it releases anything, and whoever is told drops its copy: so
 * nobody acts on a frontier that a drop has moved. */
#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

static void empty(nd_vertex *vertex)
{
    nd_vertex_drop_holds(vertex);
    nd_vertex_drop_notifications(vertex);
    while (!nd_fifo_is_empty(&vertex->queue))
        nd_vertex_consume(vertex, nd_fifo_pop(&vertex->queue));
    for (unsigned o = 0; o < vertex->n_outlets; o++)
        vertex->outlets[o].may_send = false;
}

/* What vertices keep is of no use any more, and may keep others from forgetting. Not while one of
 * them is being called: then it stays until the worker ends. */
static void forget(nd_dataflow *flow)
{
    if (nd_host_running(flow->host))
        return;
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        if (vertex->deinit)
            vertex->deinit(vertex);
        vertex->deinit = NULL;
    }
}

void nd_flow_drop_here(nd_dataflow *flow)
{
    if (flow->is_dropped || nd_flow_is_over(flow))
        return;
    flow->is_dropped = true;
    if (flow->state != ND_FLOW_RUNNING)
        return; /* once it runs */
    const nd_err err =
        nd_host_tell(flow->host, &(nd_frame){.flow = flow->id, .kind = ND_FRAME_DROP});
    if (err != ND_OK)
        nd_flow_fail(flow, err, nd_err_text(err));
    for (size_t i = 0; i < flow->vertices.len; i++)
        empty(nd_flow_vertex(flow, i));
    forget(flow);
    nd_flow_touch(flow);
}

void nd_flow_drop_early(nd_dataflow *flow)
{
    if (!flow->is_dropped)
        return;
    flow->is_dropped = false;
    nd_flow_drop_here(flow);
}

void nd_dataflow_drop(nd_dataflow *flow)
{
    if (flow && flow->state == ND_FLOW_BUILDING)
        nd_dataflow_mistake(flow, ND_INVAL,
                            "dropped before it was started: call nd_dataflow_start first");
    else if (flow)
        nd_flow_drop_here(flow);
}
