/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation in words, a line for each thing, and nd_why. The words say who holds what, where
 * in the graph that is, and what would end it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/agreement.h"
#include "runtime/explain.h"
#include "runtime/graph_internal.h"

/* --- Pieces --- */

/* Appends to a text of ND_EXPLAIN_TEXT bytes; what there is no room for is cut off. */
static void add(char *text, const char *format, ...) ND_PRINTF(2, 3);
static void add(char *text, const char *format, ...)
{
    const size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, ND_EXPLAIN_TEXT - used, format, arguments);
    va_end(arguments);
}

static void add_time(char *text, const nd_vertex *vertex, const nd_time *time)
{
    char one[ND_TIME_TEXT_SIZE];
    add(text, "%s", nd_time_text(time, vertex->scope->n_loops, one));
}

/* Only the program moves it on: nd_input_new makes these. */
static bool is_input(const nd_vertex *vertex)
{
    return vertex->is_source && !vertex->on_activate && vertex->n_inlets == 0;
}

static bool is_only_one_of_its_name(const nd_vertex *vertex)
{
    unsigned n = 0;
    for (size_t i = 0; i < vertex->flow->vertices.len; i++)
        n += strcmp(nd_flow_vertex(vertex->flow, i)->name, vertex->name) == 0;
    return n == 1;
}

/* Who reads what it sends first; NULL: nobody. */
static const nd_vertex *reader_of(const nd_vertex *vertex)
{
    for (unsigned o = 0; o < vertex->n_outlets; o++)
        if (vertex->outlets[o].channels.len)
            return (*(nd_channel **)nd_vector_at(&vertex->outlets[o].channels, 0))->to;
    return NULL;
}

static void add_vertex(char *text, const nd_vertex *vertex)
{
    const nd_vertex *const reader = reader_of(vertex);
    add(text, "%s '%s'",
        is_input(vertex)    ? "input"
        : vertex->is_source ? "source"
                            : "vertex",
        vertex->name);
    if (!is_only_one_of_its_name(vertex) && reader)
        add(text, " (the one before '%s')", reader->name);
    add(text, " of dataflow '%s'", vertex->flow->name);
}

static const char *plural(size_t n) { return n == 1 ? "" : "s"; }

/* --- Holdings --- */

static void add_batches(char *text, const nd_holding *holding)
{
    add(text, "%zu batch%s at ", holding->n, holding->n == 1 ? "" : "es");
    add_time(text, holding->vertex, &holding->time);
    add(text, " wait%s at input %u of ", holding->n == 1 ? "s" : "", holding->port);
    add_vertex(text, holding->vertex);
}

/* Whether the right to act keeps the very notification from coming that it was asked for with. */
static bool waits_for_itself(nd_explanation *explanation, const nd_holding *holding)
{
    const nd_vertex *const vertex = holding->vertex;
    bool reaches = false;
    nd_time first;
    for (unsigned i = 0; i < vertex->n_inlets && !reaches; i++)
        if (nd_explanation_reach(explanation, holding->root, vertex->inlets[i].location,
                                 &holding->due, &reaches, &first) != ND_OK)
            return false;
    return reaches;
}

static void add_notification(char *text, nd_explanation *explanation, const nd_holding *holding)
{
    const nd_vertex *const vertex = holding->vertex;
    add_vertex(text, vertex);
    add(text, holding->is_due ? " has not been notified of " : " waits to be notified of ");
    add_time(text, vertex, &holding->due);
    if (holding->n > 1)
        add(text, " and %zu more", holding->n - 1);
    if (holding->is_due) {
        add(text, ", though nothing before %s can come to it any more",
            holding->n > 1 ? "these" : "that");
        return;
    }
    if (nd_time_equal(&holding->time, &holding->due))
        return;
    add(text, ", and until then may act at ");
    add_time(text, vertex, &holding->time);
    if (waits_for_itself(explanation, holding))
        add(text, ", which may come round to its own input before");
}

static void add_hold(char *text, const nd_holding *holding)
{
    const nd_vertex *const vertex = holding->vertex;
    add_vertex(text, vertex);
    if (is_input(vertex)) {
        add(text,
            " is open at epoch %" PRIu64 ": advance or close it (nd_input_advance, nd_input_close)",
            holding->time.epoch);
        return;
    }
    add(text, " holds ");
    add_time(text, vertex, &holding->time);
    add(text, " until it calls nd_release");
    if (vertex->is_held_back)
        add(text, "; it is not called while too much is under way");
}

void nd_holding_text(nd_explanation *explanation, const nd_holding *holding,
                     char text[ND_EXPLAIN_TEXT])
{
    text[0] = '\0';
    switch (holding->kind) {
    case ND_HOLDING_BATCHES:
        add_batches(text, holding);
        break;
    case ND_HOLDING_NOTIFICATION:
        add_notification(text, explanation, holding);
        break;
    case ND_HOLDING_HOLD:
        add_hold(text, holding);
        break;
    }
}

/* --- Roots --- */

void nd_wait_root_text(const nd_dataflow *flow, const nd_wait_root *root, int64_t n,
                       char text[ND_EXPLAIN_TEXT])
{
    const nd_vertex *const vertex = nd_flow_vertex_at(flow, root->location);
    text[0] = '\0';
    if (!vertex) /* a probe has no counts */
        return;
    if (is_input(vertex)) {
        add_vertex(text, vertex);
        add(text, ", open at epoch %" PRIu64 " on %" PRId64 " worker%s", root->time.epoch, n,
            plural((size_t)n));
        return;
    }
    unsigned port = 0;
    while (port < vertex->n_inlets && vertex->inlets[port].location != root->location)
        port++;
    if (port < vertex->n_inlets)
        add(text, "%" PRId64 " batch%s at ", n, n == 1 ? "" : "es");
    else
        add(text, "%" PRId64 " right%s to act at ", n, plural((size_t)n));
    add_time(text, vertex, &root->time);
    if (port < vertex->n_inlets)
        add(text, " for input %u", port);
    add(text, " of ");
    add_vertex(text, vertex);
}

/* --- Ways --- */

enum { NAMED = 4 }; /* vertices at either end of a way; those between are left out */

static void add_names(char *text, const nd_vector *vertices)
{
    const nd_vertex *const *const passed = vertices->items;
    const size_t len = vertices->len;
    for (size_t i = 0; i < len; i++) {
        if (i == NAMED && len > 2 * NAMED + 1) {
            add(text, " -> (%zu more)", len - 2 * NAMED);
            i = len - NAMED;
        }
        add(text, "%s'%s'", i ? " -> " : "; by way of ", passed[len - 1 - i]->name);
    }
}

static nd_err add_way(nd_explanation *explanation, size_t root, uint32_t location,
                      const nd_time *time, char *text)
{
    nd_vector vertices;
    nd_vector_init(&vertices, sizeof(const nd_vertex *));
    const nd_err err = nd_explanation_path(explanation, root, location, time, &vertices);
    if (err == ND_OK && vertices.len > 1)
        add_names(text, &vertices);
    nd_vector_deinit(&vertices);
    return err;
}

nd_err nd_way_text(nd_explanation *explanation, uint32_t location, const nd_time *time,
                   char text[ND_EXPLAIN_TEXT])
{
    bool reaches = false;
    nd_time first;
    for (size_t i = 0; i < explanation->roots.len; i++) {
        ND_TRY(nd_explanation_reach(explanation, i, location, time, &reaches, &first));
        if (reaches)
            return add_way(explanation, i, location, &first, text);
    }
    return ND_OK;
}

/* --- Dataflows and probes --- */

bool nd_flow_state_text(const nd_dataflow *flow, char text[ND_EXPLAIN_TEXT])
{
    text[0] = '\0';
    switch (flow->state) {
    case ND_FLOW_BUILDING:
        add(text, "dataflow '%s' was begun but is not started (nd_dataflow_start)", flow->name);
        return false;
    case ND_FLOW_WAITING:
        add(text, "dataflow '%s' has been started by %u of %u workers", flow->name,
            nd_host_n_started(flow->host, flow->id), flow->host->peers);
        return false;
    case ND_FLOW_RUNNING:
        return true;
    case ND_FLOW_COMPLETE:
        add(text, "dataflow '%s' is complete", flow->name);
        return false;
    case ND_FLOW_REFUSED:
        add(text, "dataflow '%s' could not be started", flow->name);
        return false;
    }
    return false;
}

const nd_vertex *nd_probe_target(const nd_probe *probe, uint32_t *location)
{
    const nd_origin *origin = probe->origin;
    *location = probe->location;
    while (origin->step != ND_STEP_PORT)
        origin = origin->before;
    return origin->vertex;
}

const nd_dataflow *nd_probe_flow(const nd_probe *probe) { return probe->flow; }

const nd_dataflow *nd_host_flow(const nd_host *host, size_t index)
{
    return index < host->flows.len ? *(nd_dataflow **)nd_vector_at(&host->flows, index) : NULL;
}

size_t nd_host_n_missing(const nd_host *host)
{
    return host->starts.len > host->flows.len ? host->starts.len - host->flows.len : 0;
}

/* --- nd_why --- */

/* What was asked, and whom to tell. */
typedef struct question {
    const nd_vertex *vertex;
    const nd_time *time;
    nd_line_fn *line;
    void *context;
    nd_explanation explanation;
} question;

static nd_err reaches_port(question *asked, size_t root, uint32_t location, char *way,
                           bool *reaches)
{
    nd_time first;
    const nd_time ever = {UINT64_MAX, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    ND_TRY(nd_explanation_reach(&asked->explanation, root, location,
                                asked->time ? asked->time : &ever, reaches, &first));
    return *reaches ? add_way(&asked->explanation, root, location, &first, way) : ND_OK;
}

/* Whether the root matters to what was asked; if it does, `way` says how it gets there. */
static nd_err matters(question *asked, size_t root, char *way, bool *reaches)
{
    const nd_vertex *const vertex = asked->vertex;
    way[0] = '\0';
    if (!vertex) {
        const nd_wait_root *const one = nd_vector_at(&asked->explanation.roots, root);
        *reaches = !asked->time || one->time.epoch <= asked->time->epoch;
        return ND_OK;
    }
    *reaches = false;
    for (unsigned i = 0; i < vertex->n_inlets && !*reaches; i++)
        ND_TRY(reaches_port(asked, root, vertex->inlets[i].location, way, reaches));
    for (unsigned o = 0; o < vertex->n_outlets && !*reaches; o++)
        ND_TRY(reaches_port(asked, root, vertex->outlets[o].location, way, reaches));
    return ND_OK;
}

static void say_root(question *asked, size_t root, const char *way)
{
    nd_explanation *const explanation = &asked->explanation;
    const nd_host *const host = explanation->flow->host;
    const nd_wait_root *const one = nd_vector_at(&explanation->roots, root);
    char text[ND_EXPLAIN_TEXT];
    for (size_t i = 0; i < explanation->holdings.len; i++) {
        const nd_holding *const holding = nd_vector_at(&explanation->holdings, i);
        if (holding->root != root)
            continue;
        nd_holding_text(explanation, holding, text);
        add(text, "%s", way);
        asked->line(asked->context, text);
    }
    if (one->count <= one->n_here)
        return;
    nd_wait_root_text(explanation->flow, one, one->count - one->n_here, text);
    add(text, host->peers == 1 ? ", which nobody holds%s" : ", not held by this worker%s", way);
    asked->line(asked->context, text);
}

static nd_err say_all(question *asked)
{
    size_t n = 0;
    char way[ND_EXPLAIN_TEXT];
    for (size_t i = 0; i < asked->explanation.roots.len; i++) {
        bool reaches;
        ND_TRY(matters(asked, i, way, &reaches));
        if (reaches)
            say_root(asked, i, way);
        n += reaches;
    }
    if (n == 0)
        asked->line(asked->context, "nothing holds it back");
    return ND_OK;
}

nd_err nd_why(const nd_dataflow *flow, const nd_vertex *vertex, const nd_time *time,
              nd_line_fn *line, void *context)
{
    char text[ND_EXPLAIN_TEXT];
    question asked = {.vertex = vertex, .time = time, .line = line, .context = context};
    if (!flow || (vertex && vertex->flow != flow))
        return ND_INVAL;
    if (!nd_flow_state_text(flow, text)) {
        line(context, text);
        return ND_OK;
    }
    ND_TRY(nd_explanation_init(&asked.explanation, flow));
    const nd_err err = say_all(&asked);
    nd_explanation_deinit(&asked.explanation);
    return err;
}
