/* SPDX-License-Identifier: Apache-2.0 */
/* Building vertices: pacts, ports, and the paths between them.
 *
 * Invariant: whatever happens, the user data of a vertex and of its pacts has one owner: the vertex
 * and its channels if there is one, else it has been destroyed. */
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "runtime/build_internal.h"

/* --- Pacts --- */

nd_pact nd_pipeline(nd_stream stream)
{
    return (nd_pact){.stream = stream, .kind = ND_PACT_PIPELINE};
}

nd_pact nd_exchange(nd_stream stream)
{
    return (nd_pact){.stream = stream, .kind = ND_PACT_EXCHANGE};
}

nd_pact nd_exchange_by(nd_stream stream, nd_route_fn *route, nd_user user)
{
    return (nd_pact){.stream = stream, .kind = ND_PACT_EXCHANGE, .route = route, .user = user};
}

nd_pact nd_broadcast(nd_stream stream)
{
    return (nd_pact){.stream = stream, .kind = ND_PACT_BROADCAST};
}

/* --- Vertices --- */

static bool check_input(const nd_vertex *vertex, unsigned port, const nd_pact *pact)
{
    const nd_origin *const origin = pact->stream.origin;
    nd_dataflow *const flow = vertex->flow;
    if (pact->kind == ND_PACT_NONE)
        nd_dataflow_mistake(flow, ND_INVAL,
                            "vertex '%s': input %u has no pact: nd_pipeline, nd_exchange or "
                            "nd_broadcast",
                            vertex->name, port);
    else if (!origin)
        nd_dataflow_mistake(flow, ND_INVAL, "vertex '%s': input %u has no stream", vertex->name,
                            port);
    else if (origin->flow != flow)
        nd_dataflow_mistake(flow, ND_INVAL, "vertex '%s': input %u belongs to dataflow '%s'",
                            vertex->name, port, origin->flow->name);
    else if (origin->scope != vertex->scope)
        nd_dataflow_mistake(
            flow, ND_INVAL,
            "vertex '%s' is in scope '%s', its input %u in scope '%s': use nd_enter "
            "or nd_leave",
            vertex->name, vertex->scope->name, port, origin->scope->name);
    else if (pact->kind != ND_PACT_PIPELINE && origin->type && origin->type->retain)
        nd_dataflow_mistake(
            flow, ND_INVAL,
            "vertex '%s': input %u carries objects of type '%s', which stay on their "
            "worker: use nd_pipeline",
            vertex->name, port, origin->type->name);
    else if (!origin->type)
        nd_dataflow_mistake(
            flow, ND_INVAL,
            "vertex '%s': input %u is a hidden output, which only a probe can watch", vertex->name,
            port);
    return flow->mistake == ND_OK;
}

static bool add_input(nd_vertex *vertex, unsigned port, nd_pact *pact)
{
    if (!check_input(vertex, port, pact))
        return false;
    nd_dataflow *const flow = vertex->flow;
    nd_channel *const channel = nd_flow_own(flow, &flow->channels, sizeof *channel);
    if (!channel)
        return false;
    *channel = (nd_channel){.id = (uint32_t)flow->channels.len - 1,
                            .origin = pact->stream.origin,
                            .to = vertex,
                            .to_port = port,
                            .kind = pact->kind,
                            .route = pact->route,
                            .user = pact->user};
    pact->user = nd_no_user;
    vertex->inlets[port].channel = channel;
    return true;
}

static bool add_output(nd_vertex *vertex, unsigned port, const nd_type *type, nd_stream *out)
{
    nd_message why;
    nd_dataflow *const flow = vertex->flow;
    if (type && nd_type_check(type, &why) != ND_OK) {
        nd_dataflow_mistake(flow, ND_INVAL, "vertex '%s': output %u: %s", vertex->name, port,
                            why.text);
        return false;
    }
    nd_outlet *const outlet = &vertex->outlets[port];
    outlet->vertex = vertex;
    outlet->port = port;
    outlet->type = type;
    nd_vector_init(&outlet->channels, sizeof(nd_channel *));
    nd_origin *const origin = nd_scope_new_origin(vertex->scope, type, ND_STEP_PORT);
    if (!origin)
        return false;
    origin->vertex = vertex;
    origin->port = port;
    if (out)
        *out = (nd_stream){origin};
    return true;
}

static bool check_summary(const nd_vertex *vertex, const nd_vertex_summary *summary)
{
    unsigned n_added = 0;
    for (unsigned i = vertex->scope->n_loops; i < ND_MAX_LOOPS; i++)
        n_added += summary->add.loop[i] != 0;
    if (summary->input < vertex->n_inlets && summary->output < vertex->n_outlets && n_added == 0)
        return true;
    nd_dataflow_mistake(vertex->flow, ND_INVAL,
                        n_added
                            ? "vertex '%s': its summary from input %u to output %u adds to a loop "
                              "that it is not in"
                            : "vertex '%s': a summary names input %u and output %u, which it does "
                              "not have",
                        vertex->name, summary->input, summary->output);
    return false;
}

static int compare_summaries(const void *a, const void *b)
{
    const nd_vertex_summary *const x = a, *const y = b;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    return (x->output > y->output) - (x->output < y->output);
}

/* The table sorted, and each pair in it once; owned. NULL is a mistake. */
static nd_vertex_summary *sort_summaries(const nd_vertex *vertex, const nd_vertex_def *def)
{
    const size_t n = def->n_summaries;
    nd_vertex_summary *const sorted = nd_alloc(n, sizeof *sorted);
    if (!sorted) {
        nd_dataflow_mistake(vertex->flow, ND_NOMEM, "out of memory");
        return NULL;
    }
    if (n)
        memcpy(sorted, def->summaries, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_summaries);
    for (size_t i = 0; i < n && check_summary(vertex, &sorted[i]); i++)
        if (i > 0 && compare_summaries(&sorted[i - 1], &sorted[i]) == 0)
            nd_dataflow_mistake(vertex->flow, ND_INVAL,
                                "vertex '%s': two summaries from input %u to output %u",
                                vertex->name, sorted[i].input, sorted[i].output);
    if (vertex->flow->mistake == ND_OK)
        return sorted;
    nd_free(sorted);
    return NULL;
}

static void add_path(nd_vertex *vertex, const nd_vertex_summary *named)
{
    if (!named->none)
        vertex->paths[vertex->n_paths++] =
            (nd_path){named->input, named->output, nd_summary_add(&named->add)};
}

/* Every pair of ports: as the sorted table says, or, where it does not name it, as the identity. */
static void add_all_paths(nd_vertex *vertex, const nd_vertex_summary *named, size_t n_named)
{
    const nd_vertex_summary *const end = named + n_named;
    for (unsigned i = 0; i < vertex->n_inlets; i++)
        for (unsigned o = 0; o < vertex->n_outlets; o++)
            if (named < end && named->input == i && named->output == o)
                add_path(vertex, named++);
            else
                vertex->paths[vertex->n_paths++] = (nd_path){i, o, nd_summary_identity()};
}

static bool add_paths(nd_vertex *vertex, const nd_vertex_def *def)
{
    if (def->n_summaries == 0 && !def->only_named)
        return true;
    nd_vertex_summary *const sorted = sort_summaries(vertex, def);
    if (!sorted)
        return false;
    const size_t n_pairs = (size_t)vertex->n_inlets * vertex->n_outlets;
    vertex->paths = nd_alloc(def->only_named ? def->n_summaries : n_pairs, sizeof *vertex->paths);
    if (!vertex->paths)
        nd_dataflow_mistake(vertex->flow, ND_NOMEM, "out of memory");
    else if (!def->only_named)
        add_all_paths(vertex, sorted, def->n_summaries);
    for (size_t i = 0; vertex->paths && def->only_named && i < def->n_summaries; i++)
        add_path(vertex, &sorted[i]);
    nd_free(sorted);
    return vertex->paths != NULL;
}

static void take_def(nd_vertex *vertex, const nd_vertex_def *def)
{
    vertex->on_recv = def->on_recv;
    vertex->on_notify = def->on_notify;
    vertex->on_frontier = def->on_frontier;
    vertex->on_activate = def->on_activate;
    vertex->is_source = def->source || vertex->n_inlets == 0;
    nd_fifo_init(&vertex->queue, sizeof(nd_queued));
    nd_pending_list_init(&vertex->pending);
    nd_pending_list_init(&vertex->due);
    nd_vector_init(&vertex->holds, sizeof(nd_hold_entry));
}

/* A vertex with room for its ports and nothing in them; NULL is a mistake. */
static nd_vertex *make_vertex(nd_scope *scope, const nd_vertex_def *def, size_t n_inputs,
                              size_t n_outputs)
{
    nd_dataflow *const flow = scope->flow;
    nd_vertex *const vertex = nd_flow_own(flow, &flow->vertices, sizeof *vertex);
    if (!vertex)
        return NULL;
    vertex->flow = flow;
    vertex->scope = scope;
    vertex->index = (uint32_t)flow->vertices.len - 1;
    vertex->name = nd_strdup(def->name ? def->name : "vertex");
    vertex->inlets = nd_alloc_zero(n_inputs, sizeof *vertex->inlets);
    vertex->outlets = nd_alloc_zero(n_outputs ? n_outputs : 1, sizeof *vertex->outlets);
    vertex->state = nd_alloc_zero(def->state_size ? def->state_size : 1, 1);
    vertex->n_inlets = (unsigned)n_inputs;
    vertex->n_outlets = n_outputs ? (unsigned)n_outputs : 1;
    take_def(vertex, def);
    if (vertex->name && vertex->inlets && vertex->outlets && vertex->state)
        return vertex;
    nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
    return NULL;
}

static bool init_vertex(nd_vertex *vertex, const nd_vertex_def *def)
{
    const nd_err err = def->init ? def->init(vertex) : ND_OK;
    if (err == ND_OK)
        vertex->deinit = def->deinit;
    else
        nd_dataflow_mistake(vertex->flow, err, "vertex '%s': its init failed: %s", vertex->name,
                            nd_err_text(err));
    return err == ND_OK;
}

/* Without a scope only the streams tell whose mistake it is. */
static void miss_scope(const nd_vertex_def *def, const nd_pact *inputs, size_t n_inputs)
{
    for (size_t i = 0; i < n_inputs; i++)
        if (inputs[i].stream.origin)
            nd_dataflow_mistake(inputs[i].stream.origin->flow, ND_INVAL, "vertex '%s' has no scope",
                                def->name ? def->name : "vertex");
}

static nd_vertex *add_vertex(nd_scope *scope, const nd_vertex_def *def, nd_pact *inputs,
                             size_t n_inputs, const nd_type *const *outputs, size_t n_outputs,
                             nd_stream *out)
{
    if (!scope)
        miss_scope(def, inputs, n_inputs);
    if (!scope || !nd_flow_may_build(scope->flow))
        return NULL;
    nd_vertex *const vertex = make_vertex(scope, def, n_inputs, n_outputs);
    if (!vertex)
        return NULL;
    for (unsigned i = 0; i < n_inputs; i++)
        if (!add_input(vertex, i, &inputs[i]))
            return NULL;
    for (unsigned i = 0; i < vertex->n_outlets; i++)
        if (!add_output(vertex, i, n_outputs ? outputs[i] : NULL, out ? &out[i] : NULL))
            return NULL;
    if (!add_paths(vertex, def))
        return NULL;
    vertex->user = def->user;
    return init_vertex(vertex, def) ? vertex : NULL;
}

static void clear_streams(nd_stream *out, size_t n_outputs)
{
    for (size_t i = 0; out && i < (n_outputs ? n_outputs : 1); i++)
        out[i].origin = NULL;
}

static nd_vertex *new_vertex(nd_scope *scope, const nd_vertex_def *def, nd_pact *inputs,
                             size_t n_inputs, const nd_type *const *outputs, size_t n_outputs,
                             nd_stream *out)
{
    clear_streams(out, n_outputs);
    nd_vertex *const vertex = add_vertex(scope, def, inputs, n_inputs, outputs, n_outputs, out);
    for (size_t i = 0; i < n_inputs; i++) /* what no channel has taken over */
        if (inputs[i].user.destroy)
            inputs[i].user.destroy(inputs[i].user.data);
    if (vertex)
        vertex->destroy = def->destroy;
    else if (def->destroy)
        def->destroy(def->user);
    if (!vertex)
        clear_streams(out, n_outputs);
    return vertex;
}

nd_vertex *nd_vertex_new(nd_scope *scope, const nd_vertex_def *def, nd_stream *out)
{
    nd_pact inputs[ND_MAX_PORTS];
    size_t n_inputs = ND_MAX_PORTS, n_outputs = 0;
    while (n_inputs > 0 && def->inputs[n_inputs - 1].kind == ND_PACT_NONE)
        n_inputs--; /* from the end: a gap is found and named */
    while (n_outputs < ND_MAX_PORTS && def->outputs[n_outputs])
        n_outputs++;
    memcpy(inputs, def->inputs, sizeof inputs);
    return new_vertex(scope, def, inputs, n_inputs, def->outputs, n_outputs, out);
}

nd_vertex *nd_vertex_new_wide(nd_scope *scope, const nd_vertex_def *def, const nd_pact *inputs,
                              size_t n_inputs, const nd_type *const *outputs, size_t n_outputs,
                              nd_stream *out)
{
    nd_pact *const copy = nd_alloc(n_inputs, sizeof *copy);
    if (!copy) {
        nd_dataflow_mistake(scope ? scope->flow : NULL, ND_NOMEM, "out of memory");
        for (size_t i = 0; i < n_inputs; i++)
            if (inputs[i].user.destroy)
                inputs[i].user.destroy(inputs[i].user.data);
        if (def->destroy)
            def->destroy(def->user);
        clear_streams(out, n_outputs);
        return NULL;
    }
    if (n_inputs)
        memcpy(copy, inputs, n_inputs * sizeof *copy);
    nd_vertex *const vertex = new_vertex(scope, def, copy, n_inputs, outputs, n_outputs, out);
    nd_free(copy);
    return vertex;
}
