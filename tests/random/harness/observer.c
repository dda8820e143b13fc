/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/observer.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/graph_internal.h"
#include "scheduler/worker.h"

/* Counts, and the frontiers that follow from them. */
typedef struct true_state {
    closure_counts counts;
    closure_frontiers truth;
    bool has_news; /* counts have changed since the truth was found */
} true_state;

/* One dataflow. */
typedef struct flow_watch {
    true_state all;  /* of everything published */
    true_state kept; /* without what workers publish after they have dropped; unused before one has
                      */
    bool has_dropped[RUN_WORKERS], is_dropped;
    closure_frontiers views[RUN_WORKERS]; /* each worker's, when looked at last */
    bool has_view[RUN_WORKERS], is_complete[RUN_WORKERS];
    bool is_watched[CLOSURE_LOCATIONS];
} flow_watch;

struct global_observer {
    random_run *run;
    nd_simulation *simulation;
    flow_watch flows[RUN_FLOWS];
};

/* --- Counts --- */

static void add_change(true_state *state, const nd_change *change)
{
    closure_update(&state->counts, change->location, &change->time, change->delta);
    state->has_news = true;
}

static void add_frame(flow_watch *watch, const nd_frame *frame)
{
    for (size_t i = 0; i < frame->len; i++) {
        add_change(&watch->all, &frame->changes[i]);
        if (watch->is_dropped && !watch->has_dropped[frame->sender])
            add_change(&watch->kept, &frame->changes[i]);
    }
}

/* From here on the worker only takes away what was there for the dropped copy's sake. */
static void note_drop(flow_watch *watch, const closure_graph *graph, unsigned worker)
{
    watch->has_dropped[worker] = true;
    if (watch->is_dropped)
        return;
    watch->is_dropped = true;
    for (size_t i = 0; i < watch->all.counts.len; i++) {
        const struct closure_count *count = &watch->all.counts.items[i];
        closure_update(&watch->kept.counts, count->location, &count->time, count->count);
    }
    closure_find(graph, &watch->kept.counts, &watch->kept.truth);
}

static void on_frame(void *context, const nd_frame *frame)
{
    global_observer *observer = context;
    if (frame->flow >= observer->run->n_flows)
        return;
    flow_watch *watch = &observer->flows[frame->flow];
    if (frame->kind == ND_FRAME_CHANGES)
        add_frame(watch, frame);
    else if (frame->kind == ND_FRAME_DROP)
        note_drop(watch, &observer->run->flows[frame->flow].plan.graph, frame->sender);
}

static nd_dataflow *flow_of(const global_observer *observer, unsigned flow, unsigned worker)
{
    const nd_worker *at = nd_simulation_worker(observer->simulation, worker);
    if (flow >= at->host.flows.len)
        return NULL;
    nd_dataflow *found = *(nd_dataflow **)nd_vector_at(&at->host.flows, flow);
    return found->tracker != NULL ? found : NULL;
}

/* A worker alone sends no frames: its tracker's counts are the truth, and only its frontiers are
 * to be proven. */
static void read_alone(global_observer *observer, unsigned number)
{
    true_state *state = &observer->flows[number].all;
    const nd_dataflow *flow = flow_of(observer, number, 0);
    if (flow == NULL)
        return;
    state->counts.len = 0;
    state->has_news = true;
    for (uint32_t l = 0; l < flow->n_locations; l++) {
        size_t len;
        const nd_time_count *items = nd_tracker_counts(flow->tracker, l, &len);
        for (size_t i = 0; i < len; i++)
            closure_update(&state->counts, l, &items[i].time, items[i].count);
    }
}

static void start_counts(global_observer *observer, unsigned number)
{
    const random_plan *plan = &observer->run->flows[number].plan;
    flow_watch *watch = &observer->flows[number];
    const nd_time zero = {.epoch = 0};
    for (unsigned v = 0; v < plan->n_vertices; v++) {
        const plan_vertex *vertex = &plan->vertices[v];
        for (unsigned o = 0; vertex->is_source && o < plan_n_outlets(vertex); o++)
            add_change(&watch->all, &(nd_change){.location = plan_output_location(vertex, o),
                                                 .time = zero,
                                                 .delta = observer->run->n_workers});
        for (unsigned i = 0; (vertex->has_notify || vertex->has_frontier) && i < vertex->n_inputs;
             i++)
            watch->is_watched[plan_input_location(vertex, i)] = true;
    }
    for (unsigned i = 1; i <= plan->n_probes; i++)
        watch->is_watched[plan->graph.n_locations - i] = true;
    closure_find(&plan->graph, &watch->all.counts, &watch->all.truth);
    watch->all.has_news = false;
}

global_observer *observer_create(random_run *run, nd_simulation *simulation)
{
    global_observer *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    made->run = run;
    made->simulation = simulation;
    for (unsigned i = 0; i < run->n_flows; i++)
        start_counts(made, i);
    nd_sim_tap(nd_simulation_transport(simulation), on_frame, made);
    return made;
}

static void true_state_free(true_state *state)
{
    closure_counts_free(&state->counts);
    closure_frontiers_free(&state->truth);
}

void observer_destroy(global_observer *observer)
{
    for (unsigned i = 0; i < RUN_FLOWS; i++) {
        flow_watch *watch = &observer->flows[i];
        true_state_free(&watch->all);
        true_state_free(&watch->kept);
        for (unsigned w = 0; w < RUN_WORKERS; w++)
            closure_frontiers_free(&watch->views[w]);
    }
    free(observer);
}

/* --- The truth --- */

static void is_wrong(const global_observer *observer, unsigned flow, uint32_t location,
                     const nd_time *time, const char *what)
{
    char text[ND_TIME_TEXT_SIZE];
    run_is_wrong(observer->run, "dataflow %u, location %u, time %s: %s", flow, location,
                 nd_time_text(time, ND_MAX_LOOPS, text), what);
}

/* What workers have done but not published is on its way into the sum. */
static int64_t unpublished(const global_observer *observer, unsigned number, uint32_t location,
                           const nd_time *time)
{
    int64_t sum = 0;
    for (unsigned w = 0; w < observer->run->n_workers; w++) {
        const nd_dataflow *flow = flow_of(observer, number, w);
        for (size_t i = 0; flow != NULL && i < flow->changes.len; i++)
            if (flow->changes.items[i].location == location &&
                nd_time_equal(&flow->changes.items[i].time, time))
                sum += flow->changes.items[i].delta;
    }
    return sum;
}

static void check_counts(const global_observer *observer, unsigned number)
{
    const closure_counts *counts = &observer->flows[number].all.counts;
    for (size_t i = 0; i < counts->len; i++)
        if (counts->items[i].count < 0 &&
            counts->items[i].count + unpublished(observer, number, counts->items[i].location,
                                                 &counts->items[i].time) <
                0)
            is_wrong(observer, number, counts->items[i].location, &counts->items[i].time,
                     "more was taken away than was ever there");
}

static bool set_reaches(const nd_time *times, size_t len, const nd_time *time)
{
    for (size_t i = 0; i < len; i++)
        if (nd_time_less_equal(&times[i], time))
            return true;
    return false;
}

static void find_truth(global_observer *observer, unsigned number, true_state *state)
{
    if (!state->has_news)
        return;
    const closure_graph *graph = &observer->run->flows[number].plan.graph;
    closure_frontiers now = {.at = {{.len = 0}}};
    closure_find(graph, &state->counts, &now);
    for (uint32_t l = 0; l < graph->n_locations; l++)
        for (size_t i = 0; i < now.at[l].len; i++)
            if (!closure_reaches(&state->truth.at[l], &now.at[l].times[i]))
                is_wrong(observer, number, l, &now.at[l].times[i], "the true frontier moved back");
    closure_frontiers_free(&state->truth);
    state->truth = now;
    state->has_news = false;
}

/* --- Views --- */

/* What is true for a copy: one that is not dropped must not see that others have been. */
static const true_state *state_for(const flow_watch *watch, const nd_dataflow *flow)
{
    return watch->is_dropped && !flow->is_dropped ? &watch->kept : &watch->all;
}

static void keep_view(struct closure_set *view, const nd_antichain *frontier)
{
    if (view->capacity < frontier->len) {
        view->capacity = 2 * frontier->len;
        view->times = realloc(view->times, view->capacity * sizeof *view->times);
        if (view->times == NULL)
            abort();
    }
    view->len = frontier->len;
    if (view->len != 0)
        memcpy(view->times, nd_antichain_items(frontier), view->len * sizeof *view->times);
}

static void check_frontier(global_observer *observer, unsigned number, unsigned worker,
                           uint32_t location, const nd_dataflow *flow)
{
    flow_watch *watch = &observer->flows[number];
    struct closure_set *view = &watch->views[worker].at[location];
    const struct closure_set *truth = &state_for(watch, flow)->truth.at[location];
    const nd_antichain *frontier = nd_tracker_frontier(flow->tracker, location);
    const nd_time *times = nd_antichain_items(frontier);
    if (watch->has_view[worker] && closure_same(view, times, frontier->len))
        return;
    for (size_t i = 0; i < truth->len; i++)
        if (!set_reaches(times, frontier->len, &truth->times[i]))
            is_wrong(observer, number, location, &truth->times[i],
                     "a worker's frontier is past what is still there");
    for (size_t i = 0; watch->has_view[worker] && i < frontier->len; i++)
        if (!closure_reaches(view, &times[i]))
            is_wrong(observer, number, location, &times[i], "a worker's frontier moved back");
    keep_view(view, frontier);
}

static void look_at(global_observer *observer, unsigned number, unsigned worker)
{
    flow_watch *watch = &observer->flows[number];
    const nd_dataflow *flow = flow_of(observer, number, worker);
    if (flow == NULL || watch->is_complete[worker])
        return;
    for (uint32_t l = 0; l < flow->n_locations; l++)
        if (watch->is_watched[l])
            check_frontier(observer, number, worker, l, flow);
    watch->has_view[worker] = true;
    if (flow->state != ND_FLOW_COMPLETE)
        return;
    watch->is_complete[worker] = true;
    const closure_counts *left = &state_for(watch, flow)->counts;
    if (left->len != 0)
        is_wrong(observer, number, left->items[0].location, &left->items[0].time,
                 "complete on a worker, though this is still there");
}

void observer_look(global_observer *observer)
{
    const unsigned n_workers = observer->run->n_workers;
    const unsigned acted = nd_simulation_acted(observer->simulation);
    if (acted == n_workers)
        return;
    for (unsigned i = 0; i < observer->run->n_flows; i++) {
        if (n_workers == 1)
            read_alone(observer, i);
        if (observer->flows[i].all.has_news)
            check_counts(observer, i);
        find_truth(observer, i, &observer->flows[i].all);
        find_truth(observer, i, &observer->flows[i].kept);
        look_at(observer, i, acted);
    }
}

void observer_check_end(global_observer *observer)
{
    for (unsigned i = 0; i < observer->run->n_flows; i++) {
        const flow_watch *watch = &observer->flows[i];
        const closure_counts *left = &watch->all.counts;
        if (left->len != 0)
            is_wrong(observer, i, left->items[0].location, &left->items[0].time,
                     "this is left when nothing can happen any more");
        for (unsigned w = 0; w < observer->run->n_workers; w++)
            if (!watch->is_complete[w])
                run_is_wrong(observer->run, "dataflow %u is not complete on worker %u", i, w);
    }
}
