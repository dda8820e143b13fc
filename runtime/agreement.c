/* SPDX-License-Identifier: Apache-2.0 */
/* Workers agree on a dataflow before it runs: each tells the others the fingerprint of the graph
 * that it has built, and at its end how many dataflows it has built.
 *
 * Invariant: nothing leaves this worker for a dataflow before every worker's fingerprint of it has
 * come and agrees. */
#include "runtime/agreement.h"

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
        hash = mix_vertex(hash, nd_flow_vertex(flow, i));
    for (size_t i = 0; i < flow->channels.len; i++)
        hash = mix(hash, (*(nd_channel **)nd_vector_at(&flow->channels, i))->kind);
    for (size_t i = 0; i < flow->edges.len; i++) {
        const nd_arc *const edge = nd_vector_at(&flow->edges, i);
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
    host->seen = nd_alloc_zero((size_t)host->peers + host->processes, sizeof *host->seen);
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
        nd_vertex *const vertex = nd_flow_vertex(flow, i);
        if (vertex->is_source && vertex->on_activate)
            nd_vertex_wake(vertex);
        if (!nd_fifo_is_empty(&vertex->queue) || vertex->is_activated)
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

static nd_err out_of_memory(nd_host *host)
{
    nd_message message;
    nd_message_set(&message, ND_NOMEM, "worker %u: out of memory", host->index);
    return host->ops->fail(host, ND_NOMEM, message.text);
}

nd_err nd_start_arrived(nd_host *host, uint32_t id, unsigned sender, uint64_t fingerprint_there)
{
    while (host->starts.len <= id) {
        start *const slot = nd_vector_push(&host->starts);
        if (!slot)
            return out_of_memory(host);
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

nd_err nd_host_end(nd_host *host)
{
    return nd_host_tell(host, ND_FRAME_END, (uint32_t)host->flows.len, 0);
}

nd_err nd_flow_announce(nd_dataflow *flow)
{
    flow->fingerprint = fingerprint(flow);
    nd_host *const host = flow->host;
    ND_TRY(nd_host_tell(host, ND_FRAME_START, flow->id, flow->fingerprint));
    ND_TRY(nd_start_arrived(host, flow->id, host->index, flow->fingerprint));
    return check_ended(host, flow);
}
