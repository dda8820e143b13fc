/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots and holdings against a brute-force closure, at random moments of random runs.
 */
#include "runtime/explain.h"

#include <nereid.h>

#include "runtime/graph_internal.h"
#include "scheduler/simulation.h"
#include "scheduler/worker.h"
#include "tests/runtime/closure.h"
#include "tests/support/cmocka.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

/* --- A dataflow in which anything may happen --- */

enum { RANDOM_WORKERS = 3, RANDOM_RUNS = 60, RANDOM_STEPS = 400 };

/* What vertices do by chance; alike for all workers' instances. */
typedef struct random_flow {
    nd_random random;
    nd_dataflow *flows[RANDOM_WORKERS];
    nd_input *inputs[RANDOM_WORKERS];
    uint64_t n_sent;
} random_flow;

static nd_time a_little_later(random_flow *r, const nd_vertex *vertex, const nd_time *time)
{
    nd_time later = *time;
    later.epoch += nd_random_below(&r->random, 2);
    for (unsigned i = 0; i < vertex->scope->n_loops; i++)
        later.loop[i] += (uint32_t)nd_random_below(&r->random, 2);
    return later;
}

static void act(nd_vertex *vertex, const nd_time *time)
{
    random_flow *r = nd_vertex_user(vertex);
    const nd_time later = a_little_later(r, vertex, time);
    const unsigned port = (unsigned)nd_random_below(&r->random, 2);
    switch (nd_random_below(&r->random, 5)) {
    case 0:
        nd_notify_at(vertex, &later);
        break;
    case 1:
        nd_notify_when(vertex, &later, time);
        break;
    case 2:
        nd_hold(vertex, &later);
        break;
    default:
        if (r->n_sent++ < 3000 && nd_vertex_may_send(vertex, port, &later))
            nd_send_by(vertex, port, &later, &(number){nd_random_next(&r->random)});
        break;
    }
}

static void act_on_batch(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    act(vertex, time);
    act(vertex, time);
}

static void act_on_notification(nd_vertex *vertex, const nd_time *time)
{
    random_flow *r = nd_vertex_user(vertex);
    act(vertex, time);
    if (vertex->holds.len && nd_random_below(&r->random, 2) == 0)
        nd_release(vertex, &((nd_hold_entry *)nd_vector_at(&vertex->holds, 0))->right.time);
}

static nd_stream random_vertex(nd_scope *scope, random_flow *r, const char *name, nd_stream a,
                               nd_stream b)
{
    static const nd_vertex_summary summary = {.input = 1, .output = 0, .add = {.epoch = 1}};
    nd_stream out[2];
    nd_vertex_new(scope,
                  &(nd_vertex_def){.name = name,
                                   .user = r,
                                   .inputs = {nd_exchange(a), nd_exchange(b)},
                                   .outputs = {&number_type, &number_type},
                                   .on_recv = act_on_batch,
                                   .on_notify = act_on_notification,
                                   .summaries = &summary,
                                   .n_summaries = nd_scope_n_loops(scope) == 0},
                  out);
    return out[0];
}

static nd_err build_random(nd_worker *worker, void *arg)
{
    random_flow *r = arg;
    nd_feedback *outer, *inner;
    nd_dataflow *flow = nd_dataflow_new(worker, "random");
    const nd_stream in = nd_input_new(flow, &number_type, &r->inputs[nd_worker_index(worker)]);
    nd_scope *loop = nd_loop_new(nd_root(flow), "outer");
    nd_scope *nested = nd_loop_new(loop, "inner");
    const nd_stream back = nd_feedback_new(loop, &number_type, &outer);
    const nd_stream deep = nd_feedback_new(nested, &number_type, &inner);
    const nd_stream a = random_vertex(nd_root(flow), r, "a", in, in);
    const nd_stream b = random_vertex(loop, r, "b", nd_enter(loop, a), back);
    const nd_stream c = random_vertex(nested, r, "c", nd_enter(nested, b), deep);
    nd_feedback_connect(inner, c);
    nd_feedback_connect(outer, nd_leave(c));
    random_vertex(nd_root(flow), r, "d", nd_leave(b), a);
    r->flows[nd_worker_index(worker)] = flow;
    return nd_dataflow_start(flow);
}

static bool drive(nd_worker *worker, nd_random *random, void *arg)
{
    const random_flow *r = arg;
    nd_input *input = r->inputs[nd_worker_index(worker)];
    const uint64_t epoch = nd_input_epoch(input);
    if (nd_random_below(random, 3) == 0)
        nd_input_advance(input, epoch + 1);
    else
        nd_input_send(input, &(number){nd_random_next(random)});
    if (epoch < 8)
        return true;
    nd_input_close(input);
    return false;
}

/* --- The oracle --- */

static void copy_graph(const nd_dataflow *flow, closure_graph *graph)
{
    *graph = (closure_graph){.n_locations = flow->n_locations, .n_edges = flow->edges.len};
    assert_in_range(flow->n_locations, 1, CLOSURE_LOCATIONS);
    for (size_t i = 0; i < flow->edges.len; i++) {
        const nd_arc *arc = nd_vector_at(&flow->edges, i);
        closure_edge *edge = &graph->edges[i];
        *edge = (closure_edge){.from = arc->from, .to = arc->to};
        for (unsigned k = 0; k < ND_COORDINATES; k++) {
            edge->clears[k] = nd_summary_clears(&arc->summary, k);
            edge->adds[k] = k == 0 ? arc->summary.add.epoch : arc->summary.add.loop[k - 1];
        }
    }
}

static closure_counts copy_counts(const nd_dataflow *flow)
{
    closure_counts counts = {.len = 0};
    for (uint32_t location = 0; location < flow->n_locations; location++) {
        size_t len;
        const nd_time_count *items = nd_tracker_counts(flow->tracker, location, &len);
        for (size_t i = 0; i < len; i++)
            closure_update(&counts, location, &items[i].time, items[i].count);
    }
    return counts;
}

/* Whether something else could result in it, by the oracle. */
static bool follows(const closure_graph *graph, closure_counts *counts, size_t index)
{
    closure_frontiers frontiers = {0};
    const struct closure_count one = counts->items[index];
    counts->items[index].count = 0;
    closure_find(graph, counts, &frontiers);
    counts->items[index].count = one.count;
    const bool reaches = closure_reaches(&frontiers.at[one.location], &one.time);
    closure_frontiers_free(&frontiers);
    return reaches;
}

static bool is_root(const nd_explanation *explanation, uint32_t location, const nd_time *time)
{
    const nd_wait_root *roots = explanation->roots.items;
    for (size_t i = 0; i < explanation->roots.len; i++)
        if (roots[i].location == location && nd_time_equal(&roots[i].time, time))
            return true;
    return false;
}

static void expect_roots(const closure_graph *graph, const nd_explanation *explanation)
{
    closure_counts counts = copy_counts(explanation->flow);
    size_t n = 0;
    for (size_t i = 0; i < counts.len; i++) {
        const struct closure_count *one = &counts.items[i];
        const bool expected = one->count > 0 && !follows(graph, &counts, i);
        assert_int_equal(is_root(explanation, one->location, &one->time), expected);
        n += expected;
    }
    assert_int_equal(explanation->roots.len, n);
    closure_counts_free(&counts);
}

/* A way from root to location begins at the one and ends at the other. */
static void expect_way(nd_explanation *explanation, size_t root, uint32_t location,
                       const nd_time *first)
{
    nd_vector vertices;
    const nd_wait_root *one = nd_vector_at(&explanation->roots, root);
    nd_vector_init(&vertices, sizeof(const nd_vertex *));
    assert_int_equal(nd_explanation_path(explanation, root, location, first, &vertices), ND_OK);
    const nd_vertex *const *passed = vertices.items;
    assert_ptr_equal(passed[0], nd_flow_vertex_at(explanation->flow, location));
    assert_ptr_equal(passed[vertices.len - 1], nd_flow_vertex_at(explanation->flow, one->location));
    nd_vector_deinit(&vertices);
}

static void expect_reach(const closure_graph *graph, nd_explanation *explanation, nd_random *random)
{
    for (size_t i = 0; i < explanation->roots.len; i++) {
        const nd_wait_root *root = nd_vector_at(&explanation->roots, i);
        closure_counts counts = {.len = 0};
        closure_frontiers frontiers = {0};
        closure_update(&counts, root->location, &root->time, 1);
        closure_find(graph, &counts, &frontiers);
        const uint32_t location = (uint32_t)nd_random_below(random, graph->n_locations);
        const nd_time time = {root->time.epoch + nd_random_below(random, 3),
                              {(uint32_t)nd_random_below(random, 4)}};
        nd_time first;
        bool reaches;
        assert_int_equal(nd_explanation_reach(explanation, i, location, &time, &reaches, &first),
                         ND_OK);
        assert_int_equal(reaches, closure_reaches(&frontiers.at[location], &time));
        if (reaches)
            expect_way(explanation, i, location, &first);
        closure_counts_free(&counts);
        closure_frontiers_free(&frontiers);
    }
}

static bool has_unpublished(const random_flow *r, unsigned n_workers)
{
    bool found = false;
    for (unsigned i = 0; i < n_workers; i++)
        found |= r->flows[i]->state != ND_FLOW_RUNNING ||
                 !nd_change_batch_is_empty(&r->flows[i]->changes);
    return found;
}

/* All that is counted, somebody holds. */
static void expect_holders(const random_flow *r, unsigned n_workers)
{
    closure_counts counts = copy_counts(r->flows[0]);
    for (unsigned k = 0; k < n_workers; k++) {
        nd_explanation explanation;
        assert_int_equal(nd_explanation_init(&explanation, r->flows[k]), ND_OK);
        for (size_t i = 0; i < explanation.own.len; i++) {
            const nd_change *own = &explanation.own.items[i];
            closure_update(&counts, own->location, &own->time, -own->delta);
        }
        for (size_t i = 0; i < explanation.holdings.len; i++) {
            const nd_holding *holding = nd_vector_at(&explanation.holdings, i);
            assert_in_range(holding->root, 0, explanation.roots.len - 1);
            assert_int_not_equal(
                ((nd_wait_root *)nd_vector_at(&explanation.roots, holding->root))->n_here, 0);
        }
        nd_explanation_deinit(&explanation);
    }
    for (size_t i = 0; i < counts.len; i++)
        assert_int_equal(counts.items[i].count, 0);
    closure_counts_free(&counts);
}

/* --- Runs --- */

static void look_at_one(const random_flow *r, nd_random *random)
{
    closure_graph graph;
    nd_explanation explanation;
    if (r->flows[0]->state != ND_FLOW_RUNNING)
        return;
    assert_int_equal(nd_explanation_init(&explanation, r->flows[0]), ND_OK);
    copy_graph(r->flows[0], &graph);
    expect_roots(&graph, &explanation);
    expect_reach(&graph, &explanation, random);
    nd_explanation_deinit(&explanation);
}

static void roots_and_holdings_are_those_of_the_oracle(void **state)
{
    (void)state;
    unsigned n_quiet = 0;
    for (uint64_t seed = 1; seed <= RANDOM_RUNS; seed++) {
        random_flow r = {.n_sent = 0};
        nd_simulation *simulation;
        nd_message message;
        bool quiet = false;
        nd_random_init(&r.random, seed);
        const unsigned n_workers = 1 + (unsigned)(seed % RANDOM_WORKERS);
        const nd_simulation_def def = {
            .n_workers = n_workers, .seed = seed, .build = build_random, .drive = drive, .arg = &r};
        assert_int_equal(nd_simulation_create(&def, &simulation, &message), ND_OK);
        for (unsigned i = 0; i < RANDOM_STEPS && !quiet; i++) {
            assert_int_equal(nd_simulation_step(simulation, &quiet, &message), ND_OK);
            if (i % 4 == 0)
                look_at_one(&r, &r.random);
            if (n_workers == 1 && !has_unpublished(&r, 1))
                expect_holders(&r, 1);
        }
        while (!quiet)
            assert_int_equal(nd_simulation_step(simulation, &quiet, &message), ND_OK);
        look_at_one(&r, &r.random);
        if (!has_unpublished(&r, n_workers)) {
            expect_holders(&r, n_workers);
            n_quiet++;
        }
        nd_simulation_destroy(simulation);
    }
    assert_in_range(n_quiet, RANDOM_RUNS / 4, RANDOM_RUNS); /* stuck with something in hand */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_and_holdings_are_those_of_the_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
