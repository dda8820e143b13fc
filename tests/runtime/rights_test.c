/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications and holds: when they are due, in what order, how often, and whom they hold back.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include <nereid.h>

#include "tests/support/simulated.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

enum { MOST = 64 };

/* What the vertex under test saw, in order. */
typedef struct log_line {
    char what; /* 'r'eceived, 'n'otified, 'f'rontier moved */
    nd_time time;
} log_line;

typedef struct scene {
    nd_vertex_def def;            /* of the vertex under test, `watcher` */
    unsigned n_inputs, n_sources; /* its inputs, each from a source of its own */
    bool in_loop;
    nd_vertex *sources[2], *watcher;
    nd_stream watched; /* its first output */
    nd_probe *probe;   /* behind that */
    log_line lines[MOST];
    unsigned n_lines;
    nd_simulation *simulation;
} scene;

static scene *scene_of(nd_vertex *vertex) { return nd_vertex_user(vertex); }

static void note(nd_vertex *vertex, char what, const nd_time *time)
{
    scene *s = scene_of(vertex);
    assert_in_range(s->n_lines, 0, MOST - 1);
    s->lines[s->n_lines++] = (log_line){what, *time};
}

static void note_notified(nd_vertex *vertex, const nd_time *time) { note(vertex, 'n', time); }

/* --- A scene: sources that the test itself drives, and one vertex --- */

static nd_err build(nd_worker *worker, void *arg)
{
    scene *s = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "scene");
    nd_scope *scope = nd_root(flow);
    nd_scope *loop = s->in_loop ? nd_loop_new(scope, "rounds") : scope;
    for (unsigned i = 0; i < s->n_inputs; i++) {
        nd_stream in;
        s->sources[i] =
            nd_vertex_new(loop, &(nd_vertex_def){.name = "source", .outputs = {&number_type}}, &in);
        s->def.inputs[i] = nd_pipeline(in);
    }
    nd_stream out[2];
    s->def.name = "watcher";
    s->def.user = s;
    s->def.outputs[0] = s->def.outputs[1] = &number_type;
    s->watcher = nd_vertex_new(loop, &s->def, out);
    s->watched = out[0];
    s->probe = nd_probe_new(out[0]);
    return nd_dataflow_start(flow);
}

static void settle(scene *s)
{
    nd_message message = {""};
    if (simulated_settle(s->simulation, &message) != ND_OK)
        fail_msg("%s", message.text);
}

static void open_scene(scene *s)
{
    nd_message message = {""};
    const nd_simulation_def def = {.n_workers = 1, .build = build, .arg = s};
    if (nd_simulation_create(&def, &s->simulation, &message) != ND_OK)
        fail_msg("%s", message.text);
    settle(s);
}

static void send(scene *s, unsigned source, nd_time time)
{
    nd_send_by(s->sources[source], 0, &time, &(number){1});
}

static void move(scene *s, unsigned source, nd_time from, nd_time to)
{
    nd_hold(s->sources[source], &to);
    nd_release(s->sources[source], &from);
    settle(s);
}

static void close_source(scene *s, unsigned source, nd_time from)
{
    nd_release(s->sources[source], &from);
    settle(s);
}

static void close_scene(scene *s)
{
    settle(s);
    assert_true(nd_simulation_is_done(s->simulation));
    nd_simulation_destroy(s->simulation);
}

static void assert_lines(const scene *s, const log_line *lines, unsigned n)
{
    for (unsigned i = 0; i < n && i < s->n_lines; i++)
        if (s->lines[i].what != lines[i].what ||
            !nd_time_equal(&s->lines[i].time, &lines[i].time)) {
            char text[ND_TIME_TEXT_SIZE];
            fail_msg("line %u is %c %s", i, s->lines[i].what,
                     nd_time_text(&s->lines[i].time, 2, text));
        }
    assert_int_equal(s->n_lines, n);
}

static nd_time at(uint64_t epoch) { return (nd_time){.epoch = epoch}; }
static nd_time round_at(uint64_t epoch, uint32_t round) { return (nd_time){epoch, {round}}; }

/* --- Once, when nothing at or before can come --- */

static void ask_twice(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    note(vertex, 'r', time);
    nd_notify_at(vertex, time);
    nd_notify_at(vertex, time);
}

static void a_notification_comes_once_when_its_time_is_over(void **state)
{
    (void)state;
    scene s = {.n_inputs = 2, .def = {.on_recv = ask_twice, .on_notify = note_notified}};
    open_scene(&s);
    send(&s, 0, at(0));
    send(&s, 0, at(0));
    send(&s, 0, at(2));
    move(&s, 0, at(0), at(1));
    send(&s, 1, at(0));
    settle(&s);
    const log_line received[] = {{'r', at(0)}, {'r', at(2)}, {'r', at(0)}};
    assert_lines(&s, received, 3); /* two records at one time are one batch */
    move(&s, 1, at(0), at(1));
    assert_lines(&s, (const log_line[]){received[0], received[1], received[2], {'n', at(0)}}, 4);
    move(&s, 1, at(1), at(3));
    assert_int_equal(s.n_lines, 4);
    move(&s, 0, at(1), at(3));
    assert_int_equal(s.n_lines, 5);
    assert_int_equal(s.lines[4].time.epoch, 2);
    close_source(&s, 0, at(3));
    close_source(&s, 1, at(3));
    assert_int_equal(s.n_lines, 5);
    close_scene(&s);
}

static void ask_again(nd_vertex *vertex, const nd_time *time)
{
    note(vertex, 'n', time);
    if (scene_of(vertex)->n_lines < 4)
        nd_notify_at(vertex, time);
}

static void ask_once(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_at(vertex, time);
}

static void a_notification_may_be_asked_for_again(void **state)
{
    (void)state;
    scene s = {.n_inputs = 1, .def = {.on_recv = ask_once, .on_notify = ask_again}};
    open_scene(&s);
    send(&s, 0, at(0));
    close_source(&s, 0, at(0));
    assert_int_equal(s.n_lines, 4);
    close_scene(&s);
}

/* --- Order --- */

static void ask_many(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time, (void)batch;
    const nd_time times[] = {round_at(3, 5), round_at(5, 4), round_at(1, 2),
                             round_at(1, 1), round_at(1, 1), round_at(5, 4),
                             round_at(6, 0), round_at(6, 2), round_at(5, 8)};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        nd_notify_at(vertex, &times[i]);
}

static void the_earliest_is_told_first(void **state)
{
    (void)state;
    scene s = {
        .n_inputs = 2, .in_loop = true, .def = {.on_recv = ask_many, .on_notify = note_notified}};
    open_scene(&s);
    send(&s, 0, round_at(0, 0));
    settle(&s);
    assert_int_equal(s.n_lines, 0);
    move(&s, 0, round_at(0, 0), round_at(5, 7));
    move(&s, 1, round_at(0, 0), round_at(6, 1));
    const log_line lines[] = {{'n', round_at(1, 1)}, {'n', round_at(1, 2)}, {'n', round_at(3, 5)},
                              {'n', round_at(5, 4)}, {'n', round_at(6, 0)}, {'n', round_at(5, 8)},
                              {'n', round_at(6, 2)}};
    assert_lines(&s, lines, 5);
    move(&s, 0, round_at(5, 7), round_at(6, 10));
    close_source(&s, 1, round_at(6, 1));
    assert_lines(&s, lines, 7);
    close_source(&s, 0, round_at(6, 10));
    assert_int_equal(s.n_lines, 7);
    close_scene(&s);
}

/* --- Due and right --- */

static void ask_pair(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    const number *numbers = nd_batch_records(batch);
    const nd_time due = at(time->epoch + 2), late = at(time->epoch + 4);
    if (numbers[0].value == 1)
        nd_notify_when(vertex, &due, time);
    else if (numbers[0].value == 2)
        nd_notify_when(vertex, &due, &late);
    else
        nd_notify_when(vertex, &due, NULL);
}

static void send_pair(scene *s, uint64_t kind)
{
    nd_send_by(s->sources[0], 0, &(nd_time){.epoch = 0}, &(number){kind});
    settle(s);
}

static void a_right_before_its_notification_holds_back(void **state)
{
    (void)state;
    scene s = {.n_inputs = 1, .def = {.on_recv = ask_pair, .on_notify = note_notified}};
    open_scene(&s);
    send_pair(&s, 1);
    move(&s, 0, at(0), at(2));
    assert_int_equal(s.n_lines, 0);
    assert_true(nd_probe_behind(s.probe, 1));
    move(&s, 0, at(2), at(3));
    assert_lines(&s, &(log_line){'n', at(2)}, 1);
    assert_false(nd_probe_behind(s.probe, 3));
    close_source(&s, 0, at(3));
    close_scene(&s);
}

static void a_right_behind_its_notification_holds_back_only_there(void **state)
{
    (void)state;
    scene s = {.n_inputs = 1, .def = {.on_recv = ask_pair, .on_notify = note_notified}};
    open_scene(&s);
    send_pair(&s, 2);
    move(&s, 0, at(0), at(2));
    assert_false(nd_probe_behind(s.probe, 2));
    assert_int_equal(s.n_lines, 0);
    move(&s, 0, at(2), at(3));
    assert_lines(&s, &(log_line){'n', at(2)}, 1);
    close_source(&s, 0, at(3));
    close_scene(&s);
}

static void clean_up_holds_nobody_back_and_is_told_at_the_end(void **state)
{
    (void)state;
    scene s = {.n_inputs = 1, .def = {.on_recv = ask_pair, .on_notify = note_notified}};
    open_scene(&s);
    send_pair(&s, 3);
    assert_true(nd_probe_behind(s.probe, 1));
    move(&s, 0, at(0), at(1));
    assert_false(nd_probe_behind(s.probe, 1));
    assert_int_equal(s.n_lines, 0);
    close_source(&s, 0, at(1));
    assert_lines(&s, &(log_line){'n', at(2)}, 1);
    close_scene(&s);
}

/* --- Rights of several inputs --- */

/* Input 0 leads to output 0 only, input 1 to output 1 only. */
static const nd_vertex_summary apart[] = {{.input = 0, .output = 0}, {.input = 1, .output = 1}};

static void send_on_both(nd_vertex *vertex, const nd_time *time)
{
    note(vertex, 'n', time);
    nd_send_by(vertex, 0, time, &(number){1});
    nd_send_by(vertex, 1, time, &(number){1});
}

static void a_notification_has_the_rights_of_all_who_asked(void **state)
{
    (void)state;
    scene s = {.n_inputs = 2,
               .def = {.on_recv = ask_once,
                       .on_notify = send_on_both,
                       .summaries = apart,
                       .n_summaries = 2,
                       .only_named = true}};
    open_scene(&s);
    send(&s, 0, at(0));
    send(&s, 1, at(0));
    settle(&s);
    move(&s, 0, at(0), at(1));
    assert_true(nd_probe_behind(s.probe, 1)); /* by the request alone */
    close_source(&s, 1, at(0));
    assert_lines(&s, &(log_line){'n', at(0)}, 1);
    assert_false(nd_probe_behind(s.probe, 1));
    close_source(&s, 0, at(1));
    close_scene(&s);
}

/* A right that reaches no output is not counted, so the dataflow may be complete when its
 * notification comes; asking for another is still granted then. */
static void ask_thrice(nd_vertex *vertex, const nd_time *time)
{
    note(vertex, 'n', time);
    if (time->epoch < 3)
        nd_notify_at(vertex, &(nd_time){.epoch = time->epoch + 1});
}

static void what_leads_nowhere_is_notified_all_the_same(void **state)
{
    (void)state;
    scene s = {.n_inputs = 1,
               .def = {.on_recv = ask_once, .on_notify = ask_thrice, .only_named = true}};
    open_scene(&s);
    send(&s, 0, at(1));
    close_source(&s, 0, at(0));
    assert_lines(&s, (const log_line[]){{'n', at(1)}, {'n', at(2)}, {'n', at(3)}}, 3);
    close_scene(&s);
}

/* --- Holds --- */

static void hold_twice(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_hold(vertex, time);
    nd_hold(vertex, time);
    nd_release(vertex, time);
}

static void holds_are_counted(void **state)
{
    (void)state;
    scene s = {.n_inputs = 1, .def = {.on_recv = hold_twice}};
    open_scene(&s);
    send(&s, 0, at(3));
    close_source(&s, 0, at(0));
    assert_false(nd_probe_behind(s.probe, 3));
    assert_true(nd_probe_behind(s.probe, 4));
    const nd_time late = at(3);
    nd_send_by(s.watcher, 0, &late, &(number){1}); /* between steps, by the hold */
    nd_release(s.watcher, &late);
    settle(&s);
    assert_false(nd_probe_behind(s.probe, 4));
    close_scene(&s);
}

/* A source with inputs moves its own hold on, whatever it has kept of what it received. */
static void hold_what_comes(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_hold(vertex, time);
}

static void a_source_keeps_its_right_to_every_output(void **state)
{
    (void)state;
    scene s = {.n_inputs = 2,
               .def = {.on_recv = hold_what_comes,
                       .source = true,
                       .summaries = apart,
                       .n_summaries = 2,
                       .only_named = true}};
    const nd_time zero = at(0), one = at(1), two = at(2), three = at(3);
    open_scene(&s);
    send(&s, 1, one);
    settle(&s);
    nd_hold(s.watcher, &two);
    nd_release(s.watcher, &zero);
    nd_hold(s.watcher, &three); /* both what it kept and its own hold would allow it */
    nd_release(s.watcher, &two);
    nd_release(s.watcher, &one);
    settle(&s);
    nd_send_by(s.watcher, 0, &three, &(number){1});
    nd_send_by(s.watcher, 1, &three, &(number){1});
    nd_release(s.watcher, &three);
    close_source(&s, 0, at(0));
    close_source(&s, 1, at(0));
    close_scene(&s);
}

/* --- News of frontiers --- */

static void note_frontier(nd_vertex *vertex)
{
    const nd_time *times;
    const size_t n = nd_vertex_frontier(vertex, 0, &times);
    note(vertex, 'f', n != 0 ? &times[0] : &(nd_time){.epoch = UINT64_MAX});
}

static void every_move_of_a_frontier_is_told(void **state)
{
    (void)state;
    scene s = {.n_inputs = 1, .def = {.on_frontier = note_frontier}};
    open_scene(&s);
    s.n_lines = 0; /* the first may or may not be told */
    move(&s, 0, at(0), at(2));
    move(&s, 0, at(2), at(7));
    close_source(&s, 0, at(7));
    const log_line moves[] = {{'f', at(2)}, {'f', at(7)}, {'f', at(UINT64_MAX)}};
    assert_lines(&s, moves, 3);
    close_scene(&s);
}

/* --- A counter at its limit --- */

static void a_counter_at_its_limit_goes_no_further(void **state)
{
    (void)state;
    static const nd_vertex_summary later[] = {{.add = {.epoch = 1}}};
    scene s = {
        .n_inputs = 1,
        .def = {
            .on_recv = ask_once, .on_notify = note_notified, .summaries = later, .n_summaries = 1}};
    open_scene(&s);
    send(&s, 0, at(UINT64_MAX));
    close_source(&s, 0, at(0));
    assert_lines(&s, &(log_line){'n', at(UINT64_MAX)}, 1);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notification_comes_once_when_its_time_is_over),
        cmocka_unit_test(a_notification_may_be_asked_for_again),
        cmocka_unit_test(the_earliest_is_told_first),
        cmocka_unit_test(a_right_before_its_notification_holds_back),
        cmocka_unit_test(a_right_behind_its_notification_holds_back_only_there),
        cmocka_unit_test(clean_up_holds_nobody_back_and_is_told_at_the_end),
        cmocka_unit_test(a_notification_has_the_rights_of_all_who_asked),
        cmocka_unit_test(what_leads_nowhere_is_notified_all_the_same),
        cmocka_unit_test(holds_are_counted),
        cmocka_unit_test(a_source_keeps_its_right_to_every_output),
        cmocka_unit_test(every_move_of_a_frontier_is_told),
        cmocka_unit_test(a_counter_at_its_limit_goes_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
