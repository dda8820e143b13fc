/* SPDX-License-Identifier: Apache-2.0 */
/* From a graph as it was written down to one that runs: streams are resolved to channels between
 * ports, ports get numbers, the tracker is made, and the graph's fingerprint is told to the other
 * workers.
 *
 * Enter, leave and feedback are no vertices: a stream is a chain of such steps over a port, and
 * resolving it composes what they do to times into the channel's summary. So a loop costs nothing
 * but its channel.
 *
 * Invariant: nothing leaves this worker for a dataflow before every worker's fingerprint of it has
 * come and agrees. */
#include "runtime/start.h"

#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>

#include "runtime/base/hash.h"
#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

/* --- Streams to channels --- */

static nd_summary step_summary(const nd_origin *origin)
{
    switch (origin->step) {
    case ND_STEP_LEAVE:
        return nd_summary_leave(origin->scope->n_loops);
    case ND_STEP_FEEDBACK:
        return nd_summary_advance(origin->scope->n_loops - 1, 1);
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
            nd_dataflow_mistake(flow, ND_INVAL, "the feedback of loop '%s' was never connected",
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
        if (!slot || nd_channel_open(channel) != ND_OK) {
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

static nd_vertex *vertex_at(const nd_dataflow *flow, size_t index)
{
    return *(nd_vertex **)nd_vector_at(&flow->vertices, index);
}

static void number_locations(nd_dataflow *flow)
{
    uint32_t next = 0;
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = vertex_at(flow, i);
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
    nd_edge *const slot = nd_vector_push(&flow->edges);
    if (slot)
        *slot = (nd_edge){from, to, *summary};
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
        add_vertex_edges(flow, vertex_at(flow, i));
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

static const nd_vertex *vertex_of(const nd_dataflow *flow, uint32_t location)
{
    for (size_t i = 0; i < flow->vertices.len; i++) {
        const nd_vertex *const vertex = vertex_at(flow, i);
        const uint32_t last = vertex->outlets[vertex->n_outlets - 1].location;
        if (location <= last)
            return vertex;
    }
    return NULL;
}

/* Names the vertices of a cycle that does not advance, each once. */
static void name_cycle(nd_dataflow *flow, const nd_topology *topology)
{
    nd_cycle cycle = {NULL, 0};
    if (nd_topology_places(topology, NULL, &cycle) != ND_INVAL)
        return;
    char text[320];
    size_t used = 0;
    const nd_vertex *before = NULL;
    for (size_t i = 0; i < cycle.len && used < sizeof text - 1; i++) {
        const nd_vertex *const vertex = vertex_of(flow, cycle.locations[i]);
        if (!vertex || vertex == before ||
            (i + 1 == cycle.len && vertex == vertex_of(flow, cycle.locations[0])))
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
    nd_free(cycle.locations);
}

static void mark_watched(nd_dataflow *flow, bool *watched)
{
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = vertex_at(flow, i);
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
    nd_err err = ND_NOMEM;
    if (watched && flow->watchers) {
        mark_watched(flow, watched);
        const nd_topology topology = {.n_locations = flow->n_locations,
                                      .edges = flow->edges.items,
                                      .n_edges = flow->edges.len,
                                      .watched = watched};
        err = nd_tracker_create(&topology, &flow->tracker, NULL);
        if (err == ND_INVAL)
            name_cycle(flow, &topology);
    }
    nd_free(watched);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "%s", nd_err_text(err));
}

/* Each output of a source begins with one capability a worker, which every worker knows without
 * being told. */
static nd_err hold_sources(nd_dataflow *flow)
{
    const nd_time zero = {0, {0}};
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = vertex_at(flow, i);
        if (!vertex->is_source)
            continue;
        nd_hold_entry *const slot = nd_vector_push(&vertex->holds);
        if (!slot)
            return ND_NOMEM;
        *slot = (nd_hold_entry){{zero, ND_ANY_INPUT}, 1};
        for (unsigned o = 0; o < vertex->n_outlets; o++)
            ND_TRY(nd_tracker_update(flow->tracker, vertex->outlets[o].location, &zero,
                                     (int64_t)flow->host->peers));
    }
    return nd_tracker_propagate(flow->tracker);
}

/* --- The fingerprint --- */

static uint64_t mix(uint64_t hash, uint64_t value) { return nd_hash_u64(hash + value * 2 + 1); }

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return mix(hash, nd_hash_bytes(text, strlen(text)));
}

static uint64_t mix_type(uint64_t hash, const nd_type *type)
{
    if (!type)
        return mix(hash, 0);
    hash = mix(mix(mix_text(hash, type->name), type->size), type->nkey);
    for (const nd_field *field = type->fields; field->name; field++)
        hash = mix(mix(mix_text(hash, field->name), field->kind), field->size);
    return hash;
}

static uint64_t mix_summary(uint64_t hash, const nd_summary *summary)
{
    hash = mix(mix(hash, summary->clears), summary->add.epoch);
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        hash = mix(hash, summary->add.loop[k]);
    return hash;
}

static uint64_t mix_vertex(uint64_t hash, const nd_vertex *vertex)
{
    hash = mix(mix_text(hash, vertex->name), vertex->scope->n_loops);
    hash = mix(mix(mix(hash, vertex->n_inlets), vertex->n_outlets), vertex->is_source);
    for (unsigned o = 0; o < vertex->n_outlets; o++)
        hash = mix_type(hash, vertex->outlets[o].type);
    return hash;
}

static uint64_t fingerprint(const nd_dataflow *flow)
{
    uint64_t hash = mix_text(1, flow->name);
    for (size_t i = 0; i < flow->vertices.len; i++)
        hash = mix_vertex(hash, vertex_at(flow, i));
    for (size_t i = 0; i < flow->channels.len; i++)
        hash = mix(hash, (*(nd_channel **)nd_vector_at(&flow->channels, i))->kind);
    for (size_t i = 0; i < flow->edges.len; i++) {
        const nd_edge *const edge = nd_vector_at(&flow->edges, i);
        hash = mix_summary(mix(mix(hash, edge->from), edge->to), &edge->summary);
    }
    return hash;
}

/* --- Who has started --- */

typedef struct start {
    unsigned n_here;       /* workers that have started it */
    uint64_t fingerprint;  /* the first to come */
    unsigned first, other; /* who sent it, and who sent another one */
    bool differs;
} start;

nd_err nd_host_init_peers(nd_host *host)
{
    nd_vector_init(&host->starts, sizeof(start));
    host->seen = nd_alloc_zero(host->peers, sizeof *host->seen);
    host->n_built = nd_alloc(host->peers, sizeof *host->n_built);
    for (unsigned i = 0; host->n_built && i < host->peers; i++)
        host->n_built[i] = UINT32_MAX;
    if (host->seen && host->n_built)
        return ND_OK;
    nd_host_deinit_peers(host);
    return ND_NOMEM;
}

void nd_host_deinit_peers(nd_host *host)
{
    nd_vector_deinit(&host->starts);
    nd_free(host->seen);
    nd_free(host->n_built);
}

static void run(nd_dataflow *flow)
{
    flow->state = ND_FLOW_RUNNING;
    for (size_t i = 0; i < flow->early.len; i++) {
        const nd_early early = *(nd_early *)nd_vector_at(&flow->early, i);
        nd_outlet_route(&early.vertex->outlets[early.port], &early.time, early.batch);
        for (size_t k = 0; k < early.vertex->outlets[early.port].channels.len; k++)
            nd_channel_flush(
                *(nd_channel **)nd_vector_at(&early.vertex->outlets[early.port].channels, k));
    }
    nd_vector_deinit(&flow->early);
    for (size_t i = 0; i < flow->vertices.len; i++) {
        nd_vertex *const vertex = vertex_at(flow, i);
        if (vertex->is_source && vertex->on_activate)
            nd_vertex_wake(vertex);
        if (vertex->queue.len)
            nd_vertex_schedule(vertex);
        nd_vertex_find_due(vertex);
    }
    flow->is_staged = true; /* so that what other workers have told is looked at */
    nd_flow_touch(flow);
    nd_flow_drop_early(flow);
}

static nd_err mismatch(nd_host *host, const nd_dataflow *flow, unsigned a, unsigned b)
{
    nd_message message;
    nd_message_set(
        &message, ND_MISMATCH,
        "dataflow '%s': worker %u and worker %u have built different graphs; every worker "
        "must build the same ones in the same order",
        flow->name, a, b);
    return host->ops->fail(host, ND_MISMATCH, message.text);
}

nd_err nd_start_arrived(nd_host *host, uint32_t id, unsigned sender, uint64_t fingerprint_there)
{
    while (host->starts.len <= id) {
        start *const slot = nd_vector_push(&host->starts);
        if (!slot)
            return host->ops->fail(host, ND_NOMEM, nd_err_text(ND_NOMEM));
        *slot = (start){.n_here = 0};
    }
    start *const known = nd_vector_at(&host->starts, id);
    nd_dataflow *const flow =
        id < host->flows.len ? *(nd_dataflow **)nd_vector_at(&host->flows, id) : NULL;
    if (known->n_here == 0) {
        known->first = sender;
        known->fingerprint = fingerprint_there;
    } else if (known->fingerprint != fingerprint_there) {
        known->other = sender;
        known->differs = true;
    }
    if (known->differs && flow && flow->tracker) /* otherwise when this worker starts its copy */
        return mismatch(host, flow, known->first, known->other);
    if (++known->n_here == host->peers)
        run(flow);
    return ND_OK;
}

/* A worker that has ended will never start this dataflow. */
static nd_err check_ended(nd_host *host, const nd_dataflow *flow)
{
    for (unsigned i = 0; i < host->peers; i++) {
        if (flow->state != ND_FLOW_WAITING || host->n_built[i] > flow->id)
            continue;
        nd_message message;
        nd_message_set(
            &message, ND_MISMATCH,
            "dataflow '%s': worker %u has ended without building it; every worker must build "
            "the same ones in the same order",
            flow->name, i);
        return host->ops->fail(host, ND_MISMATCH, message.text);
    }
    return ND_OK;
}

nd_err nd_end_arrived(nd_host *host, uint32_t n_built, unsigned sender)
{
    host->n_built[sender] = n_built;
    for (size_t i = 0; i < host->flows.len; i++)
        ND_TRY(check_ended(host, *(nd_dataflow **)nd_vector_at(&host->flows, i)));
    return ND_OK;
}

static nd_err tell_all(nd_host *host, nd_frame_kind kind, uint32_t flow, uint64_t fingerprint_here)
{
    if (host->peers == 1)
        return ND_OK;
    const nd_frame frame = {.flow = flow,
                            .sender = host->index,
                            .sequence = ++host->sequence,
                            .kind = kind,
                            .fingerprint = fingerprint_here};
    return host->transport.ops->send_frame(host->transport.endpoint, &frame);
}

nd_err nd_host_end(nd_host *host)
{
    return tell_all(host, ND_FRAME_END, (uint32_t)host->flows.len, 0);
}

static nd_err announce(nd_dataflow *flow)
{
    nd_host *const host = flow->host;
    ND_TRY(tell_all(host, ND_FRAME_START, flow->id, flow->fingerprint));
    ND_TRY(nd_start_arrived(host, flow->id, host->index, flow->fingerprint));
    return check_ended(host, flow);
}

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
        nd_vertex *const vertex = vertex_at(flow, i);
        for (unsigned o = 0; o < vertex->n_outlets; o++)
            if (nd_outlet_open(&vertex->outlets[o]) != ND_OK)
                nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
    }
    if (flow->mistake == ND_OK && hold_sources(flow) != ND_OK)
        nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
}

nd_err nd_dataflow_start(nd_dataflow *flow)
{
    if (!flow)
        return ND_NOMEM;
    if (flow->state != ND_FLOW_BUILDING)
        nd_dataflow_mistake(flow, ND_INVAL, "started twice");
    else
        prepare(flow);
    if (flow->mistake != ND_OK) {
        if (flow->state == ND_FLOW_BUILDING)
            flow->state = ND_FLOW_REFUSED;
        return flow->host->ops->fail(flow->host, flow->mistake, flow->message.text);
    }
    flow->state = ND_FLOW_WAITING;
    flow->fingerprint = fingerprint(flow);
    const nd_err err = announce(flow);
    return err == ND_OK ? ND_OK : flow->host->ops->fail(flow->host, err, nd_err_text(err));
}
