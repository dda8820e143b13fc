/* SPDX-License-Identifier: Apache-2.0 */
/* Freeing a dataflow, in whatever state it is. */
#include <nereid/memory.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

static void free_vertex(nd_vertex *vertex)
{
    nd_pool *const pool = &vertex->flow->host->pool;
    if (vertex->destroy)
        vertex->destroy(vertex->user);
    if (vertex->activator)
        nd_activator_detach(vertex->activator);
    while (!nd_fifo_is_empty(&vertex->queue))
        nd_batch_drop(((nd_queued *)nd_fifo_pop(&vertex->queue))->batch, pool);
    for (unsigned o = 0; vertex->outlets && o < vertex->n_outlets; o++) {
        nd_outbox_deinit(&vertex->outlets[o].outbox);
        nd_vector_deinit(&vertex->outlets[o].channels);
    }
    nd_fifo_deinit(&vertex->queue);
    nd_pending_list_deinit(&vertex->pending);
    nd_pending_list_deinit(&vertex->due);
    nd_vector_deinit(&vertex->holds);
    nd_free(vertex->inlets);
    nd_free(vertex->outlets);
    nd_free(vertex->paths);
    nd_free(vertex->state);
    nd_free(vertex->name);
    nd_free(vertex);
}

static void free_channel(nd_channel *channel)
{
    nd_channel_close(channel);
    if (channel->user.destroy)
        channel->user.destroy(channel->user.data);
    nd_free(channel);
}

static void free_objects(nd_vector *list)
{
    for (size_t i = 0; i < list->len; i++)
        nd_free(*(void **)nd_vector_at(list, i));
    nd_vector_deinit(list);
}

/* The vertices' own ends come first, while everything is still there; what they do has no effect.
 */
static void end_vertices(nd_dataflow *flow)
{
    flow->is_dropped = true;
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        if (vertex->deinit)
            vertex->deinit(vertex);
    }
}

void nd_dataflow_destroy(nd_dataflow *flow)
{
    if (!flow)
        return;
    end_vertices(flow);
    for (size_t i = 0; i < flow->early.len; i++)
        nd_batch_release(((nd_early *)nd_vector_at(&flow->early, i))->batch);
    for (size_t i = 0; i < flow->channels.len; i++)
        free_channel(*(nd_channel **)nd_vector_at(&flow->channels, i));
    for (size_t i = 0; i < flow->vertices.len; i++)
        free_vertex(nd_flow_vertex(flow, i));
    for (size_t i = 0; i < flow->scopes.len; i++)
        nd_free((*(nd_scope **)nd_vector_at(&flow->scopes, i))->name);
    free_objects(&flow->scopes);
    free_objects(&flow->origins);
    free_objects(&flow->feedbacks);
    for (size_t i = 0; i < flow->probes.len; i++)
        nd_free((*(nd_probe **)nd_vector_at(&flow->probes, i))->delays);
    free_objects(&flow->probes);
    nd_vector_deinit(&flow->vertices);
    nd_vector_deinit(&flow->channels);
    nd_vector_deinit(&flow->dirty);
    nd_vector_deinit(&flow->early);
    nd_vector_deinit(&flow->inputs);
    nd_vector_deinit(&flow->edges);
    for (size_t i = 0; i < flow->agreed.len; i++)
        nd_free(((nd_agreed *)nd_vector_at(&flow->agreed, i))->what);
    nd_vector_deinit(&flow->agreed);
    nd_change_batch_deinit(&flow->changes);
    nd_tracker_destroy(flow->tracker);
    nd_free(flow->watchers);
    nd_free(flow->name);
    nd_free(flow);
}
