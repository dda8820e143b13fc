/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a graph: each mistake by its message, the first one first, nothing harmful afterwards,
 * and what was handed over is destroyed once, however building ends.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include <nereid.h>

#include "tests/support/failing_memory.h"
#include "tests/support/simulated.h"

typedef struct number {
    uint64_t value;
} number;
typedef struct other {
    uint32_t value;
} other;
typedef struct padded {
    uint8_t small;
    uint64_t large;
} padded;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));
static const nd_type other_type = ND_TYPE(other, 1, ND_FIELD(other, value));
static const nd_type padded_type =
    ND_TYPE(padded, 1, ND_FIELD(padded, small), ND_FIELD(padded, large));

static void count_nothing(void *object) { (void)object; }
static const nd_type object_type = ND_TYPE_OBJECT("thing", count_nothing, count_nothing);

/* A graph under construction, and what was handed to it. */
typedef struct graph {
    nd_worker *worker;
    nd_dataflow *flow;
    nd_scope *root;
    void (*build)(struct graph *g);
    unsigned n_given, n_destroyed, n_init, n_deinit;
} graph;

/* --- Parts of graphs --- */

static void destroy(void *user) { ((graph *)user)->n_destroyed++; }

static nd_err init(nd_vertex *vertex)
{
    ((graph *)nd_vertex_user(vertex))->n_init++;
    return ND_OK;
}

static void deinit(nd_vertex *vertex) { ((graph *)nd_vertex_user(vertex))->n_deinit++; }

static void route(void *user, const void *records, size_t len, uint64_t *hashes)
{
    (void)user, (void)records;
    for (size_t i = 0; i < len; i++)
        hashes[i] = 0;
}

static nd_vertex_def def_of(graph *g, const char *name)
{
    g->n_given++;
    return (nd_vertex_def){
        .name = name, .user = g, .destroy = destroy, .init = init, .deinit = deinit};
}

static nd_stream source(graph *g, nd_scope *scope)
{
    nd_stream out;
    nd_vertex_def def = def_of(g, "source");
    def.outputs[0] = &number_type;
    nd_vertex_new(scope, &def, &out);
    return out;
}

/* A vertex with one output; its input goes by a function with data of its own. */
static nd_stream stage(graph *g, nd_scope *scope, const char *name, nd_stream in)
{
    nd_stream out;
    nd_vertex_def def = def_of(g, name);
    g->n_given++;
    def.inputs[0] = nd_exchange_by(in, route, (nd_user){g, destroy});
    def.outputs[0] = &number_type;
    nd_vertex_new(scope, &def, &out);
    return out;
}

static nd_stream sink(graph *g, nd_scope *scope, nd_stream in)
{
    nd_stream hidden;
    nd_vertex_def def = def_of(g, "sink");
    def.inputs[0] = nd_pipeline(in);
    nd_vertex_new(scope, &def, &hidden);
    return hidden;
}

/* --- Expecting a mistake --- */

static nd_err build(nd_worker *worker, void *arg)
{
    graph *g = arg;
    g->worker = worker;
    g->flow = nd_dataflow_new(worker, "graph");
    g->root = nd_root(g->flow);
    g->build(g);
    return nd_dataflow_start(g->flow);
}

static nd_err start(graph *g, nd_message *message)
{
    nd_simulation *simulation;
    const nd_simulation_def def = {.n_workers = 1, .build = build, .arg = g};
    ND_TRY(nd_simulation_create(&def, &simulation, message));
    const nd_err err = simulated_settle(simulation, message);
    nd_simulation_destroy(simulation);
    return err;
}

static void expect(void (*build_graph)(graph *g), nd_err err, const char *text)
{
    graph g = {.build = build_graph};
    nd_message message = {""};
    assert_int_equal(start(&g, &message), err);
    if (strstr(message.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
    assert_int_equal(g.n_destroyed, g.n_given);
    assert_int_equal(g.n_deinit, g.n_init);
}

static void expect_mistake(void (*build_graph)(graph *g), const char *text)
{
    expect(build_graph, ND_INVAL, text);
}

/* --- Scopes --- */

static void takes_from_outside(graph *g)
{
    nd_scope *loop = nd_loop_new(g->root, "rounds");
    stage(g, loop, "inner", source(g, g->root));
}

static void takes_from_inside(graph *g)
{
    nd_scope *loop = nd_loop_new(g->root, "rounds");
    stage(g, g->root, "outer", nd_enter(loop, source(g, g->root)));
}

static void enters_two_at_once(graph *g)
{
    nd_scope *inner = nd_loop_new(nd_loop_new(g->root, "outer"), "inner");
    stage(g, inner, "stage", nd_enter(inner, source(g, g->root)));
}

static void leaves_the_root(graph *g) { stage(g, g->root, "stage", nd_leave(source(g, g->root))); }

static void nests_too_deep(graph *g)
{
    nd_scope *scope = g->root;
    nd_stream stream = source(g, scope);
    for (int i = 0; i <= ND_MAX_LOOPS; i++) {
        scope = nd_loop_new(scope, i < ND_MAX_LOOPS ? "loop" : "fifth");
        stream = nd_enter(scope, stream);
    }
    stage(g, scope, "stage", stream);
}

static void a_stream_of_another_scope_is_refused(void **state)
{
    (void)state;
    expect_mistake(takes_from_outside, "vertex 'inner' is in scope 'rounds', its input 0 in scope "
                                       "'root': use nd_enter or nd_leave");
    expect_mistake(takes_from_inside, "vertex 'outer' is in scope 'root', its input 0 in scope "
                                      "'rounds': use nd_enter or nd_leave");
    expect_mistake(enters_two_at_once, "loop 'inner' can be entered only from the scope around it");
    expect_mistake(leaves_the_root, "nd_leave of a stream that is in no loop");
}

static void a_fifth_loop_is_refused(void **state)
{
    (void)state;
    expect_mistake(nests_too_deep, "loop 'fifth' is nested more than 4 deep");
}

/* --- Feedbacks --- */

typedef struct loop {
    nd_scope *scope;
    nd_feedback *feedback;
    nd_stream back, in;
} loop;

static loop loop_of(graph *g)
{
    loop l = {.scope = nd_loop_new(g->root, "rounds")};
    l.back = nd_feedback_new(l.scope, &number_type, &l.feedback);
    l.in = nd_enter(l.scope, source(g, g->root));
    return l;
}

static void never_connects(graph *g)
{
    const loop l = loop_of(g);
    stage(g, l.scope, "stage", l.back);
}

static void never_connects_nor_reads(graph *g) { (void)loop_of(g); }

static void connects_twice(graph *g)
{
    const loop l = loop_of(g);
    nd_feedback_connect(l.feedback, l.in);
    nd_feedback_connect(l.feedback, l.in);
}

static void connects_to_itself(graph *g)
{
    const loop l = loop_of(g);
    nd_feedback_connect(l.feedback, l.back);
    stage(g, l.scope, "stage", l.back);
}

static void connects_two_to_each_other(graph *g)
{
    const loop l = loop_of(g);
    nd_feedback *second;
    const nd_stream back = nd_feedback_new(l.scope, &number_type, &second);
    nd_feedback_connect(l.feedback, back);
    nd_feedback_connect(second, l.back);
}

static void connects_another_scope(graph *g)
{
    const loop l = loop_of(g);
    nd_feedback_connect(l.feedback, source(g, g->root));
}

static void connects_another_type(graph *g)
{
    loop l = loop_of(g);
    l.back = nd_feedback_new(l.scope, &other_type, &l.feedback);
    nd_feedback_connect(l.feedback, l.in);
}

static void a_feedback_is_connected_once_within_its_loop(void **state)
{
    (void)state;
    expect_mistake(never_connects, "the feedback of loop 'rounds' was never connected");
    expect_mistake(never_connects_nor_reads, "the feedback of loop 'rounds' was never connected");
    expect_mistake(connects_twice, "feedback of loop 'rounds' is connected twice: use nd_concat");
    expect_mistake(connects_to_itself, "the feedback of loop 'rounds' is connected to itself");
    expect_mistake(connects_two_to_each_other,
                   "the feedback of loop 'rounds' is connected to itself");
    expect_mistake(connects_another_scope,
                   "feedback of loop 'rounds' is connected to a stream of scope 'root'");
    expect_mistake(connects_another_type,
                   "feedback of loop 'rounds' carries 'other', not 'number'");
}

/* Out of the loop and in again: what the feedback adds, leaving takes away. */
static void goes_round_outside(graph *g)
{
    const loop l = loop_of(g);
    nd_stream first = stage(g, g->root, "first", nd_leave(l.back));
    nd_stream second = stage(g, g->root, "second", first);
    nd_feedback_connect(l.feedback, nd_enter(l.scope, second));
}

/* The same with a loop around that advances. */
static void goes_round_inside_another(graph *g)
{
    nd_feedback *around, *inside;
    nd_scope *outer = nd_loop_new(g->root, "outer"), *inner = nd_loop_new(outer, "inner");
    const nd_stream back = nd_feedback_new(outer, &number_type, &around);
    nd_stream both[] = {nd_enter(outer, source(g, g->root)), back};
    const nd_stream entered = nd_enter(inner, stage(g, outer, "first", both[1]));
    const nd_stream rounds = nd_feedback_new(inner, &number_type, &inside);
    stage(g, inner, "second", rounds);
    nd_feedback_connect(inside, stage(g, inner, "third", entered));
    nd_feedback_connect(around, nd_leave(stage(g, inner, "fourth", entered)));
}

static void a_cycle_that_does_not_advance_names_its_vertices(void **state)
{
    (void)state;
    expect_mistake(goes_round_outside, "a cycle does not advance");
    expect_mistake(goes_round_outside, "'first', 'second'");
    expect(goes_round_inside_another, ND_OK, "");
}

/* --- Ports and types --- */

static void sends_padding(graph *g)
{
    nd_vertex_def def = def_of(g, "padder");
    def.outputs[0] = &padded_type;
    nd_vertex_new(g->root, &def, NULL);
}

static void feeds_padding_back(graph *g)
{
    nd_feedback *feedback;
    nd_feedback_new(nd_loop_new(g->root, "rounds"), &padded_type, &feedback);
}

static void consumes_hidden(graph *g)
{
    stage(g, g->root, "late", sink(g, g->root, source(g, g->root)));
}

static void exchanges_objects(graph *g)
{
    nd_stream out;
    nd_vertex_def def = def_of(g, "maker");
    def.outputs[0] = &object_type;
    nd_vertex_new(g->root, &def, &out);
    stage(g, g->root, "taker", out);
}

static void takes_from_another_dataflow(graph *g)
{
    nd_dataflow *second = nd_dataflow_new(g->worker, "second");
    const nd_stream there = source(g, nd_root(second));
    stage(g, g->root, "taker", there);
}

static void fails_in_init(graph *g);

static void ports_and_types_are_checked(void **state)
{
    (void)state;
    expect_mistake(sends_padding, "vertex 'padder': output 0: ");
    expect_mistake(sends_padding, "offset 1");
    expect_mistake(feeds_padding_back, "feedback of loop 'rounds': ");
    expect_mistake(consumes_hidden,
                   "vertex 'late': input 0 is a hidden output, which only a probe can watch");
    expect_mistake(exchanges_objects, "vertex 'taker': input 0 carries objects of type 'thing', "
                                      "which stay on their worker: use nd_pipeline");
    expect_mistake(takes_from_another_dataflow,
                   "vertex 'taker': input 0 belongs to dataflow 'second'");
    expect_mistake(fails_in_init, "vertex 'failing': its init failed");
}

static nd_err fail_init(nd_vertex *vertex)
{
    (void)vertex;
    return ND_INVAL;
}

static void fails_in_init(graph *g)
{
    nd_vertex_def def = def_of(g, "failing");
    def.init = fail_init;
    nd_vertex_new(g->root, &def, NULL);
}

/* --- Summaries --- */

static void summarise(graph *g, const nd_vertex_summary *summaries, size_t n)
{
    nd_stream out;
    nd_vertex_def def = def_of(g, "delay");
    def.inputs[0] = nd_pipeline(source(g, g->root));
    def.outputs[0] = &number_type;
    def.summaries = summaries;
    def.n_summaries = n;
    nd_vertex_new(g->root, &def, &out);
}

static void names_a_port_too_many(graph *g)
{
    summarise(g, &(nd_vertex_summary){.input = 0, .output = 1}, 1);
}

static void adds_to_no_loop(graph *g) { summarise(g, &(nd_vertex_summary){.add = {0, {1}}}, 1); }

static void summarises_twice(graph *g)
{
    const nd_vertex_summary twice[] = {{.add = {.epoch = 1}}, {.input = 0}};
    summarise(g, twice, 2);
}

static void summarises_and_forbids(graph *g)
{
    const nd_vertex_summary both[] = {{.none = true}, {.add = {.epoch = 1}}};
    summarise(g, both, 2);
}

static void forbids_twice(graph *g)
{
    const nd_vertex_summary twice[] = {{.none = true}, {.none = true}};
    summarise(g, twice, 2);
}

static void summaries_are_checked(void **state)
{
    (void)state;
    expect_mistake(names_a_port_too_many,
                   "vertex 'delay': a summary names input 0 and output 1, which it does not have");
    expect_mistake(adds_to_no_loop,
                   "vertex 'delay': its summary from input 0 to output 0 adds to a "
                   "loop that it is not in");
    expect_mistake(summarises_twice, "vertex 'delay': two summaries from input 0 to output 0");
    expect_mistake(summarises_and_forbids,
                   "vertex 'delay': two summaries from input 0 to output 0");
    expect_mistake(forbids_twice, "vertex 'delay': two summaries from input 0 to output 0");
}

/* --- One mistake, and what follows it --- */

static void makes_many_mistakes(graph *g)
{
    leaves_the_root(g);
    nests_too_deep(g);
    sends_padding(g);
    connects_twice(g);
    nd_dataflow_mistake(g->flow, ND_NOMEM, "by hand");
}

static void makes_one_by_hand(graph *g)
{
    nd_dataflow_mistake(g->flow, ND_USAGE, "number %d", 7);
    makes_many_mistakes(g);
}

static void the_first_mistake_is_told(void **state)
{
    (void)state;
    expect_mistake(makes_many_mistakes,
                   "dataflow 'graph': nd_leave of a stream that is in no loop");
    expect(makes_one_by_hand, ND_USAGE, "dataflow 'graph': number 7");
}

static void hands_out_nothing_after_a_mistake(graph *g)
{
    const nd_stream before = source(g, g->root);
    nd_dataflow_mistake(g->flow, ND_INVAL, "first");
    nd_feedback *feedback;
    nd_stream out = before;
    nd_vertex_def def = def_of(g, "late");
    def.outputs[0] = &number_type;
    assert_null(nd_vertex_new(g->root, &def, &out));
    assert_null(out.origin);
    assert_null(nd_loop_new(g->root, "late"));
    assert_null(nd_leave(before).origin);
    assert_null(nd_feedback_new(g->root, &number_type, &feedback).origin);
    assert_null(feedback);
    assert_null(nd_probe_new(before));
}

static void nothing_is_handed_out_after_a_mistake(void **state)
{
    (void)state;
    expect_mistake(hands_out_nothing_after_a_mistake, "dataflow 'graph': first");
}

static void uses_nothing(graph *g)
{
    const nd_stream none = {NULL};
    nd_feedback *feedback;
    assert_null(nd_root(NULL));
    assert_null(nd_loop_new(NULL, "loop"));
    assert_null(nd_scope_dataflow(NULL));
    assert_int_equal(nd_scope_n_loops(NULL), 0);
    assert_null(nd_enter(NULL, none).origin);
    assert_null(nd_leave(none).origin);
    assert_null(nd_feedback_new(NULL, &number_type, &feedback).origin);
    nd_feedback_connect(NULL, none);
    assert_null(nd_stream_type(none));
    assert_null(nd_stream_scope(none));
    assert_null(nd_probe_new(none));
    assert_false(nd_probe_behind(NULL, 1));
    assert_false(nd_probe_behind_time(NULL, &(nd_time){.epoch = 1}));
    assert_false(nd_dataflow_is_complete(NULL));
    nd_dataflow_mistake(NULL, ND_INVAL, "nobody's");
    nd_dataflow_drop(NULL);
    assert_int_not_equal(nd_dataflow_start(NULL), ND_OK);
    assert_null(source(g, NULL).origin);
    assert_null(stage(g, NULL, "stage", none).origin);
    nd_activator_release(NULL);
}

static void uses_an_empty_stream(graph *g) { stage(g, g->root, "stage", (nd_stream){NULL}); }

static void enters_an_empty_stream(graph *g)
{
    nd_enter(nd_loop_new(g->root, "rounds"), (nd_stream){NULL});
}

static void enters_no_loop(graph *g) { nd_enter(NULL, source(g, g->root)); }

static void has_no_scope(graph *g) { stage(g, NULL, "stage", source(g, g->root)); }

static void nothing_is_harmless_everywhere(void **state)
{
    (void)state;
    expect(uses_nothing, ND_OK, "");
    expect_mistake(uses_an_empty_stream, "vertex 'stage': input 0 has no stream");
    expect_mistake(enters_an_empty_stream, "nd_enter without a loop or a stream");
    expect_mistake(enters_no_loop, "nd_enter without a loop or a stream");
    expect_mistake(has_no_scope, "vertex 'stage' has no scope");
}

/* --- Starting --- */

static void starts_early(graph *g)
{
    source(g, g->root);
    assert_int_equal(nd_dataflow_start(g->flow), ND_OK);
}

static void changes_after_the_start(graph *g)
{
    const nd_stream stream = source(g, g->root);
    assert_int_equal(nd_dataflow_start(g->flow), ND_OK);
    assert_null(stage(g, g->root, "late", stream).origin);
}

static void a_dataflow_starts_once(void **state)
{
    (void)state;
    expect_mistake(starts_early, "dataflow 'graph': started twice");
    expect_mistake(changes_after_the_start, "dataflow 'graph': changed after it was started");
}

static void builds_nothing(graph *g) { (void)g; }

static void an_empty_graph_is_complete(void **state)
{
    (void)state;
    expect(builds_nothing, ND_OK, "");
}

/* --- Streams --- */

static void looks_at_streams(graph *g)
{
    const loop l = loop_of(g);
    nd_feedback_connect(l.feedback, l.in);
    const nd_stream left = nd_leave(l.back);
    assert_ptr_equal(nd_stream_type(left), &number_type);
    assert_ptr_equal(nd_stream_scope(left), g->root);
    assert_ptr_equal(nd_stream_scope(l.back), l.scope);
    assert_ptr_equal(nd_scope_dataflow(l.scope), g->flow);
    assert_int_equal(nd_scope_n_loops(g->root), 0);
    assert_int_equal(nd_scope_n_loops(l.scope), 1);
    const nd_stream hidden = sink(g, g->root, left);
    assert_null(nd_stream_type(hidden));
    assert_non_null(nd_probe_new(hidden));
}

static void streams_know_type_and_scope(void **state)
{
    (void)state;
    expect(looks_at_streams, ND_OK, "");
}

/* --- Many ports, and memory --- */

static void has_many_ports(graph *g)
{
    enum { MANY = 40 };
    nd_pact inputs[MANY];
    const nd_type *outputs[MANY];
    nd_stream streams[MANY];
    const nd_stream from = source(g, g->root);
    nd_vertex_summary summaries[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        g->n_given++;
        inputs[i] = nd_exchange_by(from, route, (nd_user){g, destroy});
        outputs[i] = &number_type;
        summaries[i] = (nd_vertex_summary){.input = i, .output = i};
    }
    nd_vertex_def def = def_of(g, "wide");
    def.summaries = summaries;
    def.n_summaries = MANY;
    def.only_named = true;
    nd_vertex_new_wide(g->root, &def, inputs, MANY, outputs, MANY, streams);
    for (unsigned i = 0; i < MANY; i++)
        nd_probe_new(streams[i]);
}

static void a_vertex_may_have_many_ports(void **state)
{
    (void)state;
    expect(has_many_ports, ND_OK, "");
}

static void builds_much(graph *g)
{
    goes_round_inside_another(g);
    has_many_ports(g);
    nd_probe_new(sink(g, g->root, source(g, g->root)));
}

static nd_err attempt(void *arg)
{
    graph *g = arg;
    nd_message message;
    *g = (graph){.build = builds_much};
    const nd_err err = start(g, &message);
    assert_int_equal(g->n_destroyed, g->n_given);
    assert_int_equal(g->n_deinit, g->n_init);
    return err;
}

static void every_allocation_of_building_may_fail(void **state)
{
    (void)state;
    graph g;
    assert_true(failing_memory_sweep(attempt, &g) > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_of_another_scope_is_refused),
        cmocka_unit_test(a_fifth_loop_is_refused),
        cmocka_unit_test(a_feedback_is_connected_once_within_its_loop),
        cmocka_unit_test(a_cycle_that_does_not_advance_names_its_vertices),
        cmocka_unit_test(ports_and_types_are_checked),
        cmocka_unit_test(summaries_are_checked),
        cmocka_unit_test(the_first_mistake_is_told),
        cmocka_unit_test(nothing_is_handed_out_after_a_mistake),
        cmocka_unit_test(nothing_is_harmless_everywhere),
        cmocka_unit_test(a_dataflow_starts_once),
        cmocka_unit_test(an_empty_graph_is_complete),
        cmocka_unit_test(streams_know_type_and_scope),
        cmocka_unit_test(a_vertex_may_have_many_ports),
        cmocka_unit_test(every_allocation_of_building_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
