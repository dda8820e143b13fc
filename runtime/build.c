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

#include "runtime/build_internal.h"
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

bool nd_flow_may_build(nd_dataflow *flow)
{
    if (flow && flow->state != ND_FLOW_BUILDING)
        nd_dataflow_mistake(
            flow, ND_INVAL,
            "changed after it was started: build the whole of it before nd_dataflow_start");
    return flow && flow->mistake == ND_OK;
}

void *nd_flow_own(nd_dataflow *flow, nd_vector *list, size_t size)
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
    nd_scope *const scope = nd_flow_own(flow, &flow->scopes, sizeof *scope);
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
    nd_vector_init(&flow->edges, sizeof(nd_arc));
    nd_vector_init(&flow->agreed, sizeof(nd_agreed));
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
    if (!parent || !nd_flow_may_build(parent->flow))
        return NULL;
    if (parent->n_loops == ND_MAX_LOOPS) {
        nd_dataflow_mistake(parent->flow, ND_INVAL, "loop '%s' is nested more than %d deep", name,
                            ND_MAX_LOOPS);
        return NULL;
    }
    return new_scope(parent->flow, parent, name ? name : "loop");
}

nd_dataflow *nd_scope_dataflow(const nd_scope *scope) { return scope ? scope->flow : NULL; }

const char *nd_scope_name(const nd_scope *scope) { return scope ? scope->name : "?"; }

unsigned nd_scope_n_loops(const nd_scope *scope) { return scope ? scope->n_loops : 0; }

/* --- Streams --- */

nd_origin *nd_scope_new_origin(nd_scope *scope, const nd_type *type, nd_step step)
{
    nd_origin *const origin = nd_flow_own(scope->flow, &scope->flow->origins, sizeof *origin);
    if (!origin)
        return NULL;
    *origin = (nd_origin){.flow = scope->flow, .scope = scope, .type = type, .step = step};
    return origin;
}

static nd_stream step_stream(nd_scope *scope, nd_stream stream, nd_step step)
{
    nd_origin *const origin = nd_scope_new_origin(scope, stream.origin->type, step);
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
    if (!nd_flow_may_build(loop->flow))
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
    if (!stream.origin || !nd_flow_may_build(stream.origin->flow))
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
    if (!loop || !nd_flow_may_build(loop->flow))
        return (nd_stream){NULL};
    nd_message why;
    if (nd_type_check(type, &why) != ND_OK) {
        nd_dataflow_mistake(loop->flow, ND_INVAL, "feedback of loop '%s': %s", loop->name,
                            why.text);
        return (nd_stream){NULL};
    }
    nd_origin *const origin = nd_scope_new_origin(loop, type, ND_STEP_FEEDBACK);
    *feedback = origin ? nd_flow_own(loop->flow, &loop->flow->feedbacks, sizeof **feedback) : NULL;
    if (!*feedback)
        return (nd_stream){NULL};
    (*feedback)->origin = origin;
    return (nd_stream){origin};
}

void nd_feedback_connect(nd_feedback *feedback, nd_stream stream)
{
    if (!feedback || !stream.origin || !nd_flow_may_build(feedback->origin->flow))
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
    if (!stream.origin || !nd_flow_may_build(stream.origin->flow))
        return NULL;
    nd_dataflow *const flow = stream.origin->flow;
    nd_probe *const probe = nd_flow_own(flow, &flow->probes, sizeof *probe);
    if (probe)
        *probe = (nd_probe){
            .flow = flow, .origin = stream.origin, .index = (uint32_t)flow->probes.len - 1};
    return probe;
}
