/* SPDX-License-Identifier: Apache-2.0 */
/* Workers agree on a dataflow before it runs: each tells the others the fingerprint of the graph
 * that it has built, and at its end how many dataflows it has built.
 *
 * Invariant: nothing leaves this worker for a dataflow before every worker's fingerprint of it has
 * come and agrees. */
#include "runtime/agreement.h"

#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>

#include "runtime/base/hash.h"
#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

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
    for (unsigned i = 0; i < nd_type_n_fields(type); i++) {
        const nd_field *const field = &type->fields[i];
        hash = mix(mix(mix_text(hash, field->name), field->kind), field->size);
    }
    return hash;
}

static uint64_t mix_summary(uint64_t hash, const nd_summary *summary)
{
    hash = mix(mix(hash, summary->clears), summary->add.epoch);
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        hash = mix(hash, summary->add.loop[k]);
    return hash;
}

static uint64_t mix_channel(uint64_t hash, const nd_channel *channel)
{
    hash = mix(hash, channel->kind);
    hash = mix(hash, channel->from->outlets[channel->from_port].location);
    return mix_summary(hash, &channel->summary);
}

/* Of what a vertex is and of what leads to it. */
static uint64_t print_vertex(const nd_vertex *vertex)
{
    uint64_t hash = mix(mix_text(1, vertex->name), vertex->scope->n_loops);
    hash = mix(mix(mix(hash, vertex->n_inlets), vertex->n_outlets), vertex->is_source);
    for (unsigned o = 0; o < vertex->n_outlets; o++)
        hash = mix_type(hash, vertex->outlets[o].type);
    for (unsigned i = 0; i < vertex->n_inlets; i++)
        hash = mix_channel(hash, vertex->inlets[i].channel);
    return hash;
}

static uint64_t fingerprint(const nd_dataflow *flow)
{
    uint64_t hash = mix_text(1, flow->name);
    for (size_t i = 0; i < flow->vertices.len; i++)
        hash = mix(hash, print_vertex(nd_flow_vertex(flow, i)));
    for (size_t i = 0; i < flow->edges.len; i++) { /* those to probes are no vertex's */
        const nd_arc *const edge = nd_vector_at(&flow->edges, i);
        hash = mix_summary(mix(mix(hash, edge->from), edge->to), &edge->summary);
    }
    for (size_t i = 0; i < flow->agreed.len; i++)
        hash = mix(hash, ((const nd_agreed *)nd_vector_at(&flow->agreed, i))->hash);
    return hash;
}

/* What the others are sent beside the fingerprint, so that they can say what differs. */
static nd_err make_sketch(const nd_dataflow *flow, nd_vector *sketch)
{
    const size_t n_vertices = flow->vertices.len;
    ND_TRY(nd_vector_reserve(sketch, n_vertices + flow->agreed.len));
    for (size_t i = 0; i < n_vertices; i++)
        *(nd_change *)nd_vector_push(sketch) = (nd_change){
            .location = (uint32_t)i, .time = {.epoch = print_vertex(nd_flow_vertex(flow, i))}};
    for (size_t i = 0; i < flow->agreed.len; i++)
        *(nd_change *)nd_vector_push(sketch) =
            (nd_change){.location = (uint32_t)(n_vertices + i),
                        .time = {.epoch = ((nd_agreed *)nd_vector_at(&flow->agreed, i))->hash}};
    return ND_OK;
}

/* --- What else must be alike --- */

void nd_dataflow_agree(nd_dataflow *flow, const char *what, const void *data, size_t size)
{
    if (!flow || flow->state != ND_FLOW_BUILDING || flow->host->processes <= 1)
        return;
    nd_agreed *const agreed = nd_vector_push(&flow->agreed);
    char *const copy = agreed ? nd_strdup(what) : NULL;
    if (agreed)
        *agreed = (nd_agreed){.what = copy, .hash = nd_hash_bytes(data, size)};
    if (!copy)
        nd_dataflow_mistake(flow, ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
}

/* --- Who has started --- */

enum { MOST_AHEAD = 1 << 16 /* dataflows that another worker has started, and this one has not */ };

typedef struct start {
    unsigned n_here;       /* workers that have started it */
    uint64_t fingerprint;  /* the first to come */
    unsigned first, other; /* who sent it, and who sent another one */
    nd_vector sketch;      /* nd_change: of the first, as long as it may be needed */
    size_t n_alike;        /* entries of the sketch, from the beginning on, in both */
    bool differs;
} start;

nd_err nd_host_init_peers(nd_host *host)
{
    nd_vector_init(&host->starts, sizeof(start));
    host->seen = nd_alloc_zero((size_t)host->peers + host->processes, sizeof *host->seen);
    host->n_built = nd_alloc(host->peers, sizeof *host->n_built);
    host->n_started = nd_alloc_zero(host->peers, sizeof *host->n_started);
    for (unsigned i = 0; host->n_built && i < host->peers; i++)
        host->n_built[i] = UINT32_MAX;
    if (host->seen && host->n_built && host->n_started)
        return ND_OK;
    nd_host_deinit_peers(host);
    return ND_NOMEM;
}

void nd_host_deinit_peers(nd_host *host)
{
    for (size_t i = 0; i < host->starts.len; i++)
        nd_vector_deinit(&((start *)nd_vector_at(&host->starts, i))->sketch);
    nd_vector_deinit(&host->starts);
    nd_free(host->seen);
    nd_free(host->n_built);
    nd_free(host->n_started);
}

/* Whether something other than time zero is what can come first at some input: nothing, mostly,
 * where nobody feeds it. Of that no news would ever tell. */
static bool begins_elsewhere(nd_vertex *vertex)
{
    static const nd_time zero = {.epoch = 0};
    for (unsigned i = 0; i < vertex->n_inlets; i++) {
        const nd_time *times;
        if (nd_vertex_frontier(vertex, i, &times) != 1 || !nd_time_equal(times, &zero))
            return true;
    }
    return false;
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
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        if (vertex->is_source && vertex->on_activate)
            nd_vertex_wake(vertex);
        vertex->has_news |= vertex->on_frontier && begins_elsewhere(vertex);
        if (!nd_fifo_is_empty(&vertex->queue) || vertex->is_activated || vertex->has_news)
            nd_vertex_schedule(vertex);
        nd_vertex_find_due(vertex);
    }
    flow->is_staged = true; /* so that what other workers have told is looked at */
    nd_flow_touch(flow);
    nd_flow_drop_early(flow);
}

static nd_err mismatch(nd_host *host, const nd_dataflow *flow, const start *known)
{
    nd_message message;
    char where[160] = "";
    const size_t n_vertices = flow->vertices.len;
    if (known->n_alike >= n_vertices && known->n_alike - n_vertices < flow->agreed.len) {
        const nd_agreed *const agreed = nd_vector_at(&flow->agreed, known->n_alike - n_vertices);
        nd_message_set(&message, ND_MISMATCH,
                       "dataflow '%s': worker %u and worker %u were not given the same %s; give "
                       "every process the same",
                       flow->name, known->first, known->other, agreed->what);
        return host->ops->fail(host, ND_MISMATCH, message.text);
    }
    if (known->n_alike < flow->vertices.len)
        snprintf(where, sizeof where, ", which differ first in vertex '%.99s'",
                 nd_flow_vertex(flow, known->n_alike)->name);
    nd_message_set(
        &message, ND_MISMATCH,
        "dataflow '%s': worker %u and worker %u have built different graphs%s; every worker must "
        "build the same ones in the same order",
        flow->name, known->first, known->other, where);
    return host->ops->fail(host, ND_MISMATCH, message.text);
}

static start *find_start(nd_host *host, uint32_t id)
{
    while (host->starts.len <= id) {
        start *const slot = nd_vector_push(&host->starts);
        if (!slot)
            return NULL;
        *slot = (start){.n_here = 0};
        nd_vector_init(&slot->sketch, sizeof(nd_change));
    }
    return nd_vector_at(&host->starts, id);
}

unsigned nd_host_n_started(const nd_host *host, uint32_t flow)
{
    return flow < host->starts.len ? ((const start *)nd_vector_at(&host->starts, flow))->n_here : 0;
}

static nd_err keep_sketch(start *known, const nd_frame *frame)
{
    ND_TRY(nd_vector_reserve(&known->sketch, frame->len));
    for (size_t i = 0; i < frame->len; i++)
        *(nd_change *)nd_vector_push(&known->sketch) = frame->changes[i];
    return ND_OK;
}

static size_t count_alike(const start *known, const nd_frame *frame)
{
    const nd_change *const first = known->sketch.items;
    size_t i = 0;
    while (i < known->sketch.len && i < frame->len &&
           first[i].time.epoch == frame->changes[i].time.epoch)
        i++;
    return i;
}

/* Compares a worker's graph with the first that came. */
static nd_err compare(start *known, const nd_frame *frame)
{
    if (known->n_here == 0) {
        known->first = frame->worker;
        known->fingerprint = frame->fingerprint;
        return keep_sketch(known, frame);
    }
    if (known->fingerprint != frame->fingerprint && !known->differs) {
        known->other = frame->worker;
        known->n_alike = count_alike(known, frame);
        known->differs = true;
    }
    return ND_OK;
}

/* A worker starts its dataflows in order, each once; and it cannot be far ahead of this one, since
 * it waits for it. */
static nd_err check_order(nd_host *host, const nd_frame *frame)
{
    nd_message message;
    uint32_t *const next = &host->n_started[frame->worker];
    if (frame->flow >= *next && frame->flow <= host->flows.len + MOST_AHEAD) {
        *next = frame->flow + 1;
        return ND_OK;
    }
    nd_message_set(&message, ND_PROTO,
                   "worker %u says that it has started dataflow %u, which it cannot have",
                   frame->worker, frame->flow);
    return host->ops->fail(host, ND_PROTO, message.text);
}

nd_err nd_start_arrived(nd_host *host, const nd_frame *frame)
{
    ND_TRY(check_order(host, frame));
    start *const known = find_start(host, frame->flow);
    if (!known || compare(known, frame) != ND_OK)
        return host->ops->fail(host, ND_NOMEM, nd_err_text(ND_NOMEM));
    nd_dataflow *const flow = frame->flow < host->flows.len
                                  ? *(nd_dataflow **)nd_vector_at(&host->flows, frame->flow)
                                  : NULL;
    if (known->differs && flow && flow->tracker) /* otherwise when this worker starts its copy */
        return mismatch(host, flow, known);
    if (++known->n_here < host->peers)
        return ND_OK;
    nd_vector_deinit(&known->sketch);
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

nd_err nd_host_end(nd_host *host)
{
    return nd_host_tell(host, &(nd_frame){.flow = (uint32_t)host->flows.len, .kind = ND_FRAME_END});
}

nd_err nd_flow_announce(nd_dataflow *flow)
{
    nd_host *const host = flow->host;
    nd_vector graph;
    nd_vector_init(&graph, sizeof(nd_change));
    nd_err err = host->peers > 1 ? make_sketch(flow, &graph) : ND_OK;
    nd_frame frame = {.flow = flow->id,
                      .kind = ND_FRAME_START,
                      .fingerprint = fingerprint(flow),
                      .changes = graph.items,
                      .len = graph.len};
    if (err == ND_OK)
        err = nd_host_tell(host, &frame);
    if (err == ND_OK)
        err = nd_start_arrived(host, &frame);
    nd_vector_deinit(&graph);
    return err == ND_OK ? check_ended(host, flow) : err;
}
