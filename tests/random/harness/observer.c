/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/observer.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/graph_internal.h"
#include "scheduler/worker.h"

/* One dataflow. */
typedef struct flow_watch {
    closure_counts counts;
    closure_frontiers truth;
    closure_frontiers views[RUN_WORKERS]; /* each worker's, when looked at last */
    bool has_view[RUN_WORKERS], is_complete[RUN_WORKERS];
    bool is_watched[CLOSURE_LOCATIONS];
    bool has_news; /* counts have changed since the truth was found */
} flow_watch;

struct global_observer {
    random_run *run;
    nd_simulation *simulation;
    flow_watch flows[RUN_FLOWS];
};

/* --- Counts --- */

static void add_change(flow_watch *watch, const nd_change *change)
{
    closure_update(&watch->counts, change->location, &change->time, change->delta);
    watch->has_news = true;
}

static void on_frame(void *context, const nd_frame *frame)
{
    global_observer *observer = context;
    if (frame->kind != ND_FRAME_CHANGES || frame->flow >= observer->run->n_flows)
        return;
    for (size_t i = 0; i < frame->len; i++)
        add_change(&observer->flows[frame->flow], &frame->changes[i]);
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
    flow_watch *watch = &observer->flows[number];
    const nd_dataflow *flow = flow_of(observer, number, 0);
    if (flow == NULL)
        return;
    watch->counts.len = 0;
    watch->has_news = true;
    for (uint32_t l = 0; l < flow->n_locations; l++) {
        size_t len;
        const nd_time_count *items = nd_tracker_counts(flow->tracker, l, &len);
        for (size_t i = 0; i < len; i++)
            closure_update(&watch->counts, l, &items[i].time, items[i].count);
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
            add_change(watch, &(nd_change){.location = plan_output_location(vertex, o),
                                           .time = zero,
                                           .delta = observer->run->n_workers});
        for (unsigned i = 0; (vertex->has_notify || vertex->has_frontier) && i < vertex->n_inputs;
             i++)
            watch->is_watched[plan_input_location(vertex, i)] = true;
    }
    for (unsigned i = 1; i <= plan->n_probes; i++)
        watch->is_watched[plan->graph.n_locations - i] = true;
    closure_find(&plan->graph, &watch->counts, &watch->truth);
    watch->has_news = false;
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

void observer_destroy(global_observer *observer)
{
    for (unsigned i = 0; i < RUN_FLOWS; i++) {
        flow_watch *watch = &observer->flows[i];
        closure_counts_free(&watch->counts);
        closure_frontiers_free(&watch->truth);
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
    const closure_counts *counts = &observer->flows[number].counts;
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

static void find_truth(global_observer *observer, unsigned number)
{
    flow_watch *watch = &observer->flows[number];
    const closure_graph *graph = &observer->run->flows[number].plan.graph;
    closure_frontiers now = {.at = {{.len = 0}}};
    check_counts(observer, number);
    closure_find(graph, &watch->counts, &now);
    for (uint32_t l = 0; l < graph->n_locations; l++)
        for (size_t i = 0; i < now.at[l].len; i++)
            if (!closure_reaches(&watch->truth.at[l], &now.at[l].times[i]))
                is_wrong(observer, number, l, &now.at[l].times[i], "the true frontier moved back");
    closure_frontiers_free(&watch->truth);
    watch->truth = now;
    watch->has_news = false;
}

/* --- Views --- */

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
                           uint32_t location, const nd_antichain *frontier)
{
    flow_watch *watch = &observer->flows[number];
    struct closure_set *view = &watch->views[worker].at[location];
    const struct closure_set *truth = &watch->truth.at[location];
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
            check_frontier(observer, number, worker, l, nd_tracker_frontier(flow->tracker, l));
    watch->has_view[worker] = true;
    if (flow->state != ND_FLOW_COMPLETE)
        return;
    watch->is_complete[worker] = true;
    if (watch->counts.len != 0)
        is_wrong(observer, number, watch->counts.items[0].location, &watch->counts.items[0].time,
                 "complete on a worker, though this is still there");
}

void observer_look(global_observer *observer)
{
    const unsigned n_workers = observer->run->n_workers;
    for (unsigned i = 0; i < observer->run->n_flows; i++) {
        if (n_workers == 1)
            read_alone(observer, i);
        if (observer->flows[i].has_news)
            find_truth(observer, i);
        for (unsigned w = 0; w < n_workers; w++)
            look_at(observer, i, w);
    }
}

void observer_check_end(global_observer *observer)
{
    for (unsigned i = 0; i < observer->run->n_flows; i++) {
        const flow_watch *watch = &observer->flows[i];
        if (watch->counts.len != 0)
            is_wrong(observer, i, watch->counts.items[0].location, &watch->counts.items[0].time,
                     "this is left when nothing can happen any more");
        for (unsigned w = 0; w < observer->run->n_workers; w++)
            if (!watch->is_complete[w])
                run_is_wrong(observer->run, "dataflow %u is not complete on worker %u", i, w);
    }
}
