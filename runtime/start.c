/* SPDX-License-Identifier: Apache-2.0 */
/* From a graph as it was written down to one that runs: streams are resolved to channels between
 * ports, ports get numbers, and the tracker is made.
 *
 * Enter, leave and feedback are no vertices: a stream is a chain of such steps over a port, and
 * resolving it composes what they do to times into the channel's summary. So a loop costs nothing
 * but its channel. */
#include "runtime/agreement.h"

#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

/* --- Streams to channels --- */

static nd_summary step_summary(const nd_origin *origin)
{
    switch (origin->step) {
    case ND_STEP_LEAVE:
        return nd_summary_leave(origin->scope->n_loops);
    case ND_STEP_FEEDBACK:
        return origin->scope->n_loops ? nd_summary_advance(origin->scope->n_loops - 1, 1)
                                      : nd_summary_add(&(nd_time){.epoch = 1});
    case ND_STEP_PORT:
    case ND_STEP_ENTER:
        break;
    }
    return nd_summary_identity();
}

/* The port under a stream, and what its steps do to times. NULL is a mistake. */
static const nd_origin *resolve(const nd_origin *origin, nd_summary *summary)
{
    nd_dataflow *const flow = origin->flow;
    *summary = nd_summary_identity();
    for (size_t n_steps = 0; origin->step != ND_STEP_PORT; n_steps++) {
        const nd_summary step = step_summary(origin);
        if (!origin->before) {
            nd_dataflow_mistake(flow, ND_INVAL,
                                "the feedback of loop '%s' was never connected, or its variable "
                                "never set",
                                origin->scope->name);
            return NULL;
        }
        if (n_steps > flow->origins.len || !nd_summary_compose(&step, summary, summary)) {
            nd_dataflow_mistake(flow, ND_INVAL, "the feedback of loop '%s' is connected to itself",
                                origin->scope->name);
            return NULL;
        }
        origin = origin->before;
    }
    return origin;
}

static void resolve_channels(nd_dataflow *flow)
{
    for (size_t i = 0; i < flow->channels.len; i++) {
        nd_channel *const channel = *(nd_channel **)nd_vector_at(&flow->channels, i);
        const nd_origin *const port = resolve(channel->origin, &channel->summary);
        if (!port)
            return;
        channel->from = port->vertex;
        channel->from_port = port->port;
        nd_outlet *const outlet = &port->vertex->outlets[port->port];
        nd_channel **const slot = nd_vector_push(&outlet->channels);
        if (!slot) {
            nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
            return;
        }
        *slot = channel;
    }
}

/* A feedback that nobody reads would never be looked at otherwise. */
static void check_feedbacks(nd_dataflow *flow)
{
    nd_summary summary;
    for (size_t i = 0; i < flow->feedbacks.len; i++)
        if (!resolve((*(nd_feedback **)nd_vector_at(&flow->feedbacks, i))->origin, &summary))
            return;
}

/* --- Ports to locations --- */

static void number_locations(nd_dataflow *flow)
{
    uint32_t next = 0;
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        for (unsigned k = 0; k < vertex->n_inlets; k++)
            vertex->inlets[k].location = next++;
        for (unsigned k = 0; k < vertex->n_outlets; k++)
            vertex->outlets[k].location = next++;
    }
    for (size_t i = 0; i < flow->probes.len; i++)
        (*(nd_probe **)nd_vector_at(&flow->probes, i))->location = next++;
    flow->n_locations = next;
}

static void add_edge(nd_dataflow *flow, uint32_t from, uint32_t to, const nd_summary *summary)
{
    nd_arc *const slot = nd_vector_push(&flow->edges);
    if (slot)
        *slot = (nd_arc){from, to, *summary};
    else
        nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
}

static void add_vertex_edges(nd_dataflow *flow, const nd_vertex *vertex)
{
    const nd_summary identity = nd_summary_identity();
    for (size_t i = 0; i < vertex->n_paths; i++) {
        const nd_path *const path = &vertex->paths[i];
        add_edge(flow, vertex->inlets[path->input].location, vertex->outlets[path->output].location,
                 &path->summary);
    }
    for (unsigned i = 0; !vertex->paths && i < vertex->n_inlets; i++)
        for (unsigned o = 0; o < vertex->n_outlets; o++)
            add_edge(flow, vertex->inlets[i].location, vertex->outlets[o].location, &identity);
}

static void add_edges(nd_dataflow *flow)
{
    for (size_t i = 0; i < flow->vertices.len; i++)
        add_vertex_edges(flow, nd_flow_vertex(flow, i));
    for (size_t i = 0; i < flow->channels.len; i++) {
        const nd_channel *const channel = *(nd_channel **)nd_vector_at(&flow->channels, i);
        add_edge(flow, channel->from->outlets[channel->from_port].location,
                 channel->to->inlets[channel->to_port].location, &channel->summary);
    }
    for (size_t i = 0; i < flow->probes.len; i++) {
        const nd_probe *const probe = *(nd_probe **)nd_vector_at(&flow->probes, i);
        nd_summary summary;
        const nd_origin *const port = resolve(probe->origin, &summary);
        if (!port)
            return;
        add_edge(flow, port->vertex->outlets[port->port].location, probe->location, &summary);
    }
}

/* --- The tracker --- */

/* Names the vertices of a cycle that does not advance, each once. */
static void name_cycle(nd_dataflow *flow, const nd_cycle *cycle)
{
    char text[320] = "";
    size_t used = 0;
    const nd_vertex *before = NULL;
    for (size_t i = 0; i < cycle->len && used < sizeof text - 1; i++) {
        const nd_vertex *const vertex = nd_flow_vertex_at(flow, cycle->locations[i]);
        if (!vertex || vertex == before ||
            (i + 1 == cycle->len && vertex == nd_flow_vertex_at(flow, cycle->locations[0])))
            continue;
        const int n =
            snprintf(text + used, sizeof text - used, "%s'%s'", before ? ", " : "", vertex->name);
        used += n > 0 ? (size_t)n : 0;
        before = vertex;
    }
    nd_dataflow_mistake(
        flow, ND_INVAL,
        "a cycle does not advance, so nothing could ever be complete in it: it goes "
        "through %s; it needs a feedback of its loop",
        text);
}

static void mark_watched(nd_dataflow *flow, bool *watched)
{
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        if (!vertex->on_notify && !vertex->on_frontier)
            continue;
        for (unsigned k = 0; k < vertex->n_inlets; k++) {
            watched[vertex->inlets[k].location] = true;
            flow->watchers[vertex->inlets[k].location] = vertex;
        }
    }
    for (size_t i = 0; i < flow->probes.len; i++)
        watched[(*(nd_probe **)nd_vector_at(&flow->probes, i))->location] = true;
}

static void make_tracker(nd_dataflow *flow)
{
    bool *const watched = nd_alloc_zero(flow->n_locations, sizeof *watched);
    flow->watchers = nd_alloc_zero(flow->n_locations, sizeof(nd_vertex *));
    nd_cycle cycle = {NULL, 0};
    nd_err err = ND_NOMEM;
    if (watched && flow->watchers) {
        mark_watched(flow, watched);
        const nd_topology topology = {.n_locations = flow->n_locations,
                                      .edges = flow->edges.items,
                                      .n_edges = flow->edges.len,
                                      .watched = watched};
        err = nd_tracker_create(&topology, &flow->tracker, &cycle);
    }
    nd_free(watched);
    if (err == ND_INVAL)
        name_cycle(flow, &cycle);
    nd_free(cycle.locations);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "%s", nd_err_text(err));
}

/* The counts that a graph begins with: each output of a source has one capability a worker, which
 * every worker knows without being told. */
static nd_err add_initial(const nd_vertex *vertex, nd_vector *initial)
{
    for (unsigned o = 0; o < vertex->n_outlets; o++) {
        nd_change *const slot = nd_vector_push(initial);
        if (!slot)
            return ND_NOMEM;
        *slot = (nd_change){.location = vertex->outlets[o].location,
                            .time = {0, {0}},
                            .delta = (int64_t)vertex->flow->host->peers};
    }
    return ND_OK;
}

static nd_err note_input(nd_vertex *vertex)
{
    if (vertex->on_activate || vertex->n_inlets != 0)
        return ND_OK;
    nd_vertex **const slot = nd_vector_push(&vertex->flow->inputs);
    if (!slot)
        return ND_NOMEM;
    *slot = vertex;
    return ND_OK;
}

static nd_err hold_sources(nd_dataflow *flow, nd_vector *initial)
{
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        if (!vertex->is_source)
            continue;
        nd_hold_entry *const slot = nd_vector_push(&vertex->holds);
        if (!slot)
            return ND_NOMEM;
        *slot = (nd_hold_entry){{{0, {0}}, ND_ANY_INPUT}, 1};
        ND_TRY(add_initial(vertex, initial));
        ND_TRY(note_input(vertex));
    }
    return ND_OK;
}

static const nd_type *type_of_channel(const void *context, uint32_t channel)
{
    const nd_dataflow *const flow = context;
    return channel < flow->channels.len
               ? (*(nd_channel **)nd_vector_at(&flow->channels, channel))->origin->type
               : NULL;
}

static nd_err count_initial(nd_dataflow *flow, const nd_vector *initial)
{
    const nd_transport *const transport = &flow->host->transport;
    const nd_change *const changes = initial->items;
    for (size_t i = 0; i < initial->len; i++)
        ND_TRY(nd_tracker_update(flow->tracker, changes[i].location, &changes[i].time,
                                 changes[i].delta));
    ND_TRY(nd_tracker_propagate(flow->tracker));
    if (!transport->ops->begin_flow)
        return ND_OK;
    const nd_topology topology = {.n_locations = flow->n_locations,
                                  .edges = flow->edges.items,
                                  .n_edges = flow->edges.len,
                                  .watched = NULL};
    return transport->ops->begin_flow(transport->endpoint,
                                      &(nd_flow_plan){.flow = flow->id,
                                                      .topology = &topology,
                                                      .initial = changes,
                                                      .n_initial = initial->len,
                                                      .pool = &flow->host->pool,
                                                      .type_of = type_of_channel,
                                                      .context = flow});
}

static nd_err begin(nd_dataflow *flow)
{
    nd_vector initial;
    nd_vector_init(&initial, sizeof(nd_change));
    nd_err err = hold_sources(flow, &initial);
    if (err == ND_OK)
        err = count_initial(flow, &initial);
    nd_vector_deinit(&initial);
    return err;
}

/* --- Start --- */

static void prepare(nd_dataflow *flow)
{
    if (flow->mistake == ND_OK)
        check_feedbacks(flow);
    if (flow->mistake == ND_OK)
        resolve_channels(flow);
    if (flow->mistake != ND_OK)
        return;
    number_locations(flow);
    add_edges(flow);
    if (flow->mistake == ND_OK)
        make_tracker(flow);
    for (size_t i = 0; i < flow->vertices.len && flow->mistake == ND_OK; i++) {
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        for (unsigned o = 0; o < vertex->n_outlets; o++)
            nd_outlet_open(&vertex->outlets[o]);
    }
    if (flow->mistake == ND_OK && begin(flow) != ND_OK)
        nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
}

const char *nd_dataflow_name(const nd_dataflow *flow) { return flow->name; }

const char *nd_vertex_flow_name(const nd_vertex *vertex) { return vertex->flow->name; }

const nd_dataflow *nd_host_unstarted(const nd_host *host)
{
    for (size_t i = 0; i < host->flows.len; i++) {
        const nd_dataflow *const flow = *(nd_dataflow **)nd_vector_at(&host->flows, i);
        if (flow->state == ND_FLOW_BUILDING)
            return flow;
    }
    return NULL;
}

/* Dataflows start in the order they were begun: were workers to start them in different orders,
 * each could wait for the one that another has not started yet. */
static void check_order(nd_dataflow *flow)
{
    const nd_dataflow *const first = nd_host_unstarted(flow->host);
    if (first != flow)
        nd_dataflow_mistake(flow, ND_INVAL, "started before dataflow '%s', which was begun earlier",
                            first->name);
}

nd_err nd_dataflow_start(nd_dataflow *flow)
{
    if (!flow)
        return ND_NOMEM;
    if (flow->state != ND_FLOW_BUILDING) {
        nd_dataflow_mistake(flow, ND_INVAL, "started twice");
        return flow->mistake;
    }
    check_order(flow);
    prepare(flow);
    if (flow->mistake != ND_OK) {
        flow->state = ND_FLOW_REFUSED;
        return flow->host->ops->fail(flow->host, flow->mistake, flow->message.text);
    }
    flow->state = ND_FLOW_WAITING;
    const nd_err err = nd_flow_announce(flow);
    return err == ND_OK ? ND_OK : nd_flow_fail(flow, err, nd_err_text(err));
}
