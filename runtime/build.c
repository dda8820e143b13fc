/* SPDX-License-Identifier: Apache-2.0 */
/* Building a dataflow: scopes, streams and vertices are noted down, and checked as far as one call
 * can see. What only the whole graph can tell (cycles, feedbacks) is checked in start.c.
 *
 * Invariant: after a mistake nothing more is added, and every stream handed out is empty. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

/* --- Mistakes --- */

void nd_dataflow_mistake(nd_dataflow *flow, nd_err err, const char *format, ...)
{
    if (!flow || flow->mistake != ND_OK)
        return;
    char text[sizeof flow->message.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    flow->mistake = nd_message_set(&flow->message, err, "dataflow '%s': %s", flow->name, text);
    if (flow->state != ND_FLOW_BUILDING) /* nobody will ask any more */
        flow->host->ops->fail(flow->host, err, flow->message.text);
}

static bool may_build(nd_dataflow *flow)
{
    if (flow && flow->state != ND_FLOW_BUILDING)
        nd_dataflow_mistake(flow, ND_INVAL, "changed after it was started");
    return flow && flow->mistake == ND_OK;
}

/* A zeroed object of the dataflow, on `list`; NULL is a mistake. */
static void *own(nd_dataflow *flow, nd_vector *list, size_t size)
{
    void *const object = nd_alloc_zero(1, size);
    void **const slot = object ? nd_vector_push(list) : NULL;
    if (!slot) {
        nd_free(object);
        nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
        return NULL;
    }
    *slot = object;
    return object;
}

/* --- Dataflows and scopes --- */

static nd_scope *new_scope(nd_dataflow *flow, nd_scope *parent, const char *name)
{
    nd_scope *const scope = own(flow, &flow->scopes, sizeof *scope);
    if (!scope)
        return NULL;
    scope->flow = flow;
    scope->parent = parent;
    scope->n_loops = parent ? parent->n_loops + 1 : 0;
    scope->name = nd_strdup(name);
    if (scope->name)
        return scope;
    nd_dataflow_mistake(flow, ND_NOMEM, "out of memory");
    return NULL;
}

nd_dataflow *nd_dataflow_new(nd_worker *worker, const char *name)
{
    nd_host *const host = (nd_host *)worker;
    nd_dataflow *const flow = nd_alloc_zero(1, sizeof *flow);
    nd_dataflow **const slot = flow ? nd_vector_push(&host->flows) : NULL;
    if (!slot) {
        nd_free(flow);
        return NULL;
    }
    *slot = flow;
    flow->host = host;
    flow->id = (uint32_t)host->flows.len - 1;
    flow->state = ND_FLOW_BUILDING;
    nd_vector *const lists[] = {&flow->scopes,   &flow->origins,  &flow->feedbacks, &flow->probes,
                                &flow->vertices, &flow->channels, &flow->dirty};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        nd_vector_init(lists[i], sizeof(void *));
    nd_vector_init(&flow->inputs, sizeof(nd_vertex *));
    nd_vector_init(&flow->early, sizeof(nd_early));
    nd_vector_init(&flow->rights, sizeof(nd_right));
    nd_vector_init(&flow->edges, sizeof(nd_arc));
    nd_outbox_init_nowhere(&flow->nowhere, &flow->scrap);
    nd_change_batch_init(&flow->changes);
    flow->name = nd_strdup(name ? name : "dataflow");
    if (flow->name)
        flow->root = new_scope(flow, NULL, "root");
    else
        flow->mistake = nd_message_set(&flow->message, ND_NOMEM, "out of memory");
    return flow;
}

nd_scope *nd_root(nd_dataflow *flow) { return flow ? flow->root : NULL; }

nd_scope *nd_loop_new(nd_scope *parent, const char *name)
{
    if (!parent || !may_build(parent->flow))
        return NULL;
    if (parent->n_loops == ND_MAX_LOOPS) {
        nd_dataflow_mistake(parent->flow, ND_INVAL, "loop '%s' is nested more than %d deep", name,
                            ND_MAX_LOOPS);
        return NULL;
    }
    return new_scope(parent->flow, parent, name ? name : "loop");
}

nd_dataflow *nd_scope_dataflow(const nd_scope *scope) { return scope ? scope->flow : NULL; }

unsigned nd_scope_n_loops(const nd_scope *scope) { return scope ? scope->n_loops : 0; }

/* --- Streams --- */

static nd_origin *new_origin(nd_scope *scope, const nd_type *type, nd_step step)
{
    nd_origin *const origin = own(scope->flow, &scope->flow->origins, sizeof *origin);
    if (!origin)
        return NULL;
    *origin = (nd_origin){.flow = scope->flow, .scope = scope, .type = type, .step = step};
    return origin;
}

static nd_stream step_stream(nd_scope *scope, nd_stream stream, nd_step step)
{
    nd_origin *const origin = new_origin(scope, stream.origin->type, step);
    if (origin)
        origin->before = stream.origin;
    return (nd_stream){origin};
}

nd_stream nd_enter(nd_scope *loop, nd_stream stream)
{
    if (!loop || !stream.origin) {
        nd_dataflow_mistake(loop            ? loop->flow
                            : stream.origin ? stream.origin->flow
                                            : NULL,
                            ND_INVAL, "nd_enter without a loop or a stream");
        return (nd_stream){NULL};
    }
    if (!may_build(loop->flow))
        return (nd_stream){NULL};
    if (loop->parent != stream.origin->scope) {
        nd_dataflow_mistake(loop->flow, ND_INVAL,
                            "loop '%s' can be entered only from the scope around it", loop->name);
        return (nd_stream){NULL};
    }
    return step_stream(loop, stream, ND_STEP_ENTER);
}

nd_stream nd_leave(nd_stream stream)
{
    if (!stream.origin || !may_build(stream.origin->flow))
        return (nd_stream){NULL};
    nd_scope *const scope = stream.origin->scope;
    if (!scope->parent) {
        nd_dataflow_mistake(scope->flow, ND_INVAL, "nd_leave of a stream that is in no loop");
        return (nd_stream){NULL};
    }
    return step_stream(scope->parent, stream, ND_STEP_LEAVE);
}

nd_stream nd_feedback_new(nd_scope *loop, const nd_type *type, nd_feedback **feedback)
{
    *feedback = NULL;
    if (!loop || !may_build(loop->flow))
        return (nd_stream){NULL};
    nd_message why;
    if (loop->n_loops == 0) {
        nd_dataflow_mistake(loop->flow, ND_INVAL, "a feedback needs a loop, not the root");
        return (nd_stream){NULL};
    }
    if (nd_type_check(type, &why) != ND_OK) {
        nd_dataflow_mistake(loop->flow, ND_INVAL, "feedback of loop '%s': %s", loop->name,
                            why.text);
        return (nd_stream){NULL};
    }
    nd_origin *const origin = new_origin(loop, type, ND_STEP_FEEDBACK);
    *feedback = origin ? own(loop->flow, &loop->flow->feedbacks, sizeof **feedback) : NULL;
    if (!*feedback)
        return (nd_stream){NULL};
    (*feedback)->origin = origin;
    return (nd_stream){origin};
}

void nd_feedback_connect(nd_feedback *feedback, nd_stream stream)
{
    if (!feedback || !stream.origin || !may_build(feedback->origin->flow))
        return;
    nd_origin *const origin = feedback->origin;
    const char *const loop = origin->scope->name;
    if (origin->before)
        nd_dataflow_mistake(origin->flow, ND_INVAL,
                            "feedback of loop '%s' is connected twice: use nd_concat", loop);
    else if (origin->scope != stream.origin->scope)
        nd_dataflow_mistake(origin->flow, ND_INVAL,
                            "feedback of loop '%s' is connected to a stream of scope '%s'", loop,
                            stream.origin->scope->name);
    else if (!stream.origin->type)
        nd_dataflow_mistake(origin->flow, ND_INVAL,
                            "feedback of loop '%s' is connected to a hidden output", loop);
    else if (!nd_type_is_same(origin->type, stream.origin->type))
        nd_dataflow_mistake(origin->flow, ND_INVAL, "feedback of loop '%s' carries '%s', not '%s'",
                            loop, origin->type->name, stream.origin->type->name);
    else
        origin->before = stream.origin;
}

const nd_type *nd_stream_type(nd_stream stream)
{
    return stream.origin ? stream.origin->type : NULL;
}

nd_scope *nd_stream_scope(nd_stream stream) { return stream.origin ? stream.origin->scope : NULL; }

nd_probe *nd_probe_new(nd_stream stream)
{
    if (!stream.origin || !may_build(stream.origin->flow))
        return NULL;
    nd_dataflow *const flow = stream.origin->flow;
    nd_probe *const probe = own(flow, &flow->probes, sizeof *probe);
    if (probe)
        *probe = (nd_probe){
            .flow = flow, .origin = stream.origin, .index = (uint32_t)flow->probes.len - 1};
    return probe;
}

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
    nd_channel *const channel = own(flow, &flow->channels, sizeof *channel);
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
    nd_origin *const origin = new_origin(vertex->scope, type, ND_STEP_PORT);
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

static int compare_paths(const void *a, const void *b)
{
    const nd_path *const x = a, *const y = b;
    if (x->input != y->input)
        return x->input < y->input ? -1 : 1;
    return (x->output > y->output) - (x->output < y->output);
}

/* Every pair that the table does not name, as the identity. */
static size_t add_unnamed(const nd_vertex *vertex, const nd_vertex_def *def, nd_path *paths)
{
    size_t n = 0;
    for (unsigned i = 0; i < vertex->n_inlets; i++)
        for (unsigned o = 0; o < vertex->n_outlets; o++) {
            bool is_named = false;
            for (size_t k = 0; k < def->n_summaries; k++)
                is_named |= def->summaries[k].input == i && def->summaries[k].output == o;
            if (!is_named)
                paths[n++] = (nd_path){i, o, nd_summary_identity()};
        }
    return n;
}

static bool add_paths(nd_vertex *vertex, const nd_vertex_def *def)
{
    if (def->n_summaries == 0 && !def->only_named)
        return true;
    const size_t n_pairs = def->only_named ? 0 : (size_t)vertex->n_inlets * vertex->n_outlets;
    vertex->paths = nd_alloc(n_pairs + def->n_summaries + 1, sizeof *vertex->paths);
    if (!vertex->paths) {
        nd_dataflow_mistake(vertex->flow, ND_NOMEM, "out of memory");
        return false;
    }
    size_t n = def->only_named ? 0 : add_unnamed(vertex, def, vertex->paths);
    for (size_t k = 0; k < def->n_summaries; k++) {
        const nd_vertex_summary *const named = &def->summaries[k];
        if (!check_summary(vertex, named))
            return false;
        if (!named->none)
            vertex->paths[n++] =
                (nd_path){named->input, named->output, nd_summary_add(&named->add)};
    }
    qsort(vertex->paths, n, sizeof *vertex->paths, compare_paths);
    vertex->n_paths = n;
    for (size_t i = 1; i < n; i++)
        if (compare_paths(&vertex->paths[i - 1], &vertex->paths[i]) == 0) {
            nd_dataflow_mistake(vertex->flow, ND_INVAL,
                                "vertex '%s': two summaries from input %u to output %u",
                                vertex->name, vertex->paths[i].input, vertex->paths[i].output);
            return false;
        }
    return true;
}

static void take_def(nd_vertex *vertex, const nd_vertex_def *def)
{
    vertex->on_recv = def->on_recv;
    vertex->on_notify = def->on_notify;
    vertex->on_frontier = def->on_frontier;
    vertex->on_activate = def->on_activate;
    vertex->is_source = def->source || vertex->n_inlets == 0;
    nd_vector_init(&vertex->queue, sizeof(nd_queued));
    nd_vector_init(&vertex->pending, sizeof(nd_pending));
    nd_vector_init(&vertex->holds, sizeof(nd_hold_entry));
}

/* A vertex with room for its ports and nothing in them; NULL is a mistake. */
static nd_vertex *make_vertex(nd_scope *scope, const nd_vertex_def *def, size_t n_inputs,
                              size_t n_outputs)
{
    nd_dataflow *const flow = scope->flow;
    nd_vertex *const vertex = own(flow, &flow->vertices, sizeof *vertex);
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
    if (!scope || !may_build(scope->flow))
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
