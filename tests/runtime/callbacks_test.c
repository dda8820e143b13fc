/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends with a callback, and what may not happen inside one: emits that were kept, steps and
 * other vertices in the middle of it, and callbacks after a failure or a drop.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "runtime/graph_internal.h"
#include "tests/runtime/one_worker.h"

static const number any = {7};

static void expect_refusal(nd_program *program, void *arg, const char *text)
{
    nd_message message = {""};
    assert_int_equal(run_on_one_worker(program, arg, &message), ND_INVAL);
    if (!strstr(message.text, text))
        fail_msg("'%s' is not in '%s'", text, message.text);
}

/* --- Emits that were kept --- */

typedef struct object {
    int refs;
} object;

static void retain(void *o) { ((object *)o)->refs++; }
static void release(void *o) { ((object *)o)->refs--; }
static const nd_type object_type = ND_TYPE_OBJECT("object", retain, release);

/* How a vertex writes its second batch, after it got an emit for the first. */
typedef struct keeping {
    void (*write)(nd_emit *kept);
    const nd_type *type;
    bool is_asked_for_again, is_later; /* the second batch comes when the first was flushed */
    nd_emit *kept;
    unsigned n_batches, n_records;
    object thing;
} keeping;

static void write_slot(nd_emit *kept) { *(number *)nd_emit_slot(kept) = any; }
static void write_copy(nd_emit *kept)
{
    const number several[3] = {{1}, {2}, {3}};
    nd_emit_copy(kept, several, 3);
}
static void write_room(nd_emit *kept)
{
    size_t len;
    *(number *)nd_emit_room(kept, &len) = any;
    nd_emit_wrote(kept, 1);
}
static void write_object(nd_emit *kept) { *(void **)nd_emit_slot(kept) = NULL; }

static void pass_on(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    keeping *k = nd_vertex_user(vertex);
    if (!k->kept || k->is_asked_for_again)
        k->kept = nd_vertex_emit(vertex, 0, time);
    else {
        k->write(k->kept);
        return;
    }
    if (k->type->retain) {
        retain(&k->thing);
        *(void **)nd_emit_slot(k->kept) = &k->thing;
    } else {
        write_slot(k->kept);
    }
}

static void count_batch(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time;
    keeping *k = nd_vertex_user(vertex);
    k->n_batches++;
    k->n_records += (unsigned)nd_batch_len(batch);
}

/* Two batches of one time for the vertex, in one turn or in two. */
static nd_err run_keeping(nd_worker *worker, void *arg)
{
    keeping *k = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "keeping");
    nd_input *inputs[2];
    nd_stream in[2], out;
    for (unsigned i = 0; i < 2; i++)
        in[i] = nd_input_new(flow, &number_type, &inputs[i]);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "keeper",
                                   .user = k,
                                   .inputs = {nd_pipeline(in[0]), nd_pipeline(in[1])},
                                   .outputs = {k->type},
                                   .on_recv = pass_on},
                  &out);
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "counter", .user = k, .inputs = {nd_pipeline(out)}, .on_recv = count_batch},
        NULL);
    ND_TRY(nd_dataflow_start(flow));
    for (unsigned i = 0; i < 2; i++) {
        nd_input_send(inputs[i], &any);
        for (unsigned n = 0; n < 3 && k->is_later; n++)
            ND_TRY(nd_worker_step(worker, 100));
    }
    nd_input_close(inputs[0]);
    nd_input_close(inputs[1]);
    return step_to_end(worker);
}

static void an_emit_ends_with_its_callback(void **state)
{
    (void)state;
    static const char text[] = "vertex 'keeper': it writes through an emit of an earlier callback, "
                               "on output 0 at (0)";
    void (*const writes[])(nd_emit *) = {write_slot, write_copy, write_room};
    for (unsigned i = 0; i < 6; i++)
        expect_refusal(
            run_keeping,
            &(keeping){.write = writes[i / 2], .type = &number_type, .is_later = i % 2 == 0}, text);
}

/* What had been written before is given back. */
static void an_emit_of_objects_ends_with_its_callback(void **state)
{
    (void)state;
    keeping k = {.write = write_object, .type = &object_type};
    expect_refusal(run_keeping, &k, "it writes through an emit of an earlier callback");
    assert_int_equal(k.thing.refs, 0);
}

static void an_emit_asked_for_again_goes_on_in_the_same_batch(void **state)
{
    (void)state;
    keeping k = {.type = &number_type, .is_asked_for_again = true};
    expect_success(run_keeping, &k);
    assert_int_equal(k.n_batches, 1);
    assert_int_equal(k.n_records, 2);
    k = (keeping){.type = &number_type, .is_asked_for_again = true, .is_later = true};
    expect_success(run_keeping, &k);
    assert_int_equal(k.n_batches, 2);
    assert_int_equal(k.n_records, 2);
}

static nd_err keep_over_a_step(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "keeping");
    nd_vertex *source = nd_vertex_new(
        nd_root(flow), &(nd_vertex_def){.name = "source", .outputs = {&number_type}}, NULL);
    ND_TRY(nd_dataflow_start(flow));
    nd_emit *kept = nd_vertex_emit(source, 0, &(nd_time){0});
    write_slot(kept);
    write_slot(kept);
    ND_TRY(nd_worker_step(worker, 100));
    write_slot(kept);
    nd_release(source, &(nd_time){0});
    return step_to_end(worker);
}

static void an_emit_of_the_program_ends_with_the_next_step(void **state)
{
    (void)state;
    expect_refusal(keep_over_a_step, NULL,
                   "vertex 'source': it writes through an emit of an earlier callback");
}

/* --- Inside a callback --- */

/* What the vertex "here" does in the middle of its callback; "there" holds time zero. */
typedef struct meddling {
    void (*act)(struct meddling *m);
    nd_vertex *here, *there;
    nd_input *input;
    bool in_notify;
    unsigned n_done;
} meddling;

static void meddle(nd_vertex *vertex)
{
    meddling *m = nd_vertex_user(vertex);
    m->n_done++;
    m->act(m);
}

static void meddle_or_ask(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    if (((meddling *)nd_vertex_user(vertex))->in_notify)
        nd_notify_at(vertex, time);
    else
        meddle(vertex);
}

static void meddle_when_notified(nd_vertex *vertex, const nd_time *time)
{
    (void)time;
    meddle(vertex);
}

static void ignore_time(nd_vertex *vertex, const nd_time *time) { (void)vertex, (void)time; }

static nd_err build_meddling(nd_worker *worker, meddling *m, nd_input **trigger)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "meddling");
    const nd_stream in = nd_input_new(flow, &number_type, trigger);
    nd_input_new(flow, &number_type, &m->input);
    m->here = nd_vertex_new(nd_root(flow),
                            &(nd_vertex_def){.name = "here",
                                             .user = m,
                                             .inputs = {nd_pipeline(in)},
                                             .on_recv = meddle_or_ask,
                                             .on_notify = meddle_when_notified},
                            NULL);
    m->there = nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){.name = "there", .outputs = {&number_type}, .on_notify = ignore_time},
        NULL);
    return nd_dataflow_start(flow);
}

static nd_err run_meddling(nd_worker *worker, void *arg)
{
    meddling *m = arg;
    nd_input *trigger;
    ND_TRY(build_meddling(worker, m, &trigger));
    nd_input_send(trigger, &any);
    nd_input_close(trigger);
    for (unsigned i = 0; i < 5; i++)
        ND_TRY(nd_worker_step(worker, 100));
    return ND_OK;
}

static nd_err run_between_steps(nd_worker *worker, void *arg)
{
    meddling *m = arg;
    nd_input *trigger;
    ND_TRY(build_meddling(worker, m, &trigger));
    ND_TRY(nd_worker_step(worker, 100));
    m->act(m);
    return nd_worker_step(worker, 100);
}

static void step_inside(meddling *m) { (void)nd_worker_step(nd_vertex_worker(m->here), 10); }
static void run_inside(meddling *m) { (void)nd_worker_run(nd_vertex_worker(m->here)); }

static void stepping_inside_a_callback_is_refused(void **state)
{
    (void)state;
    void (*const acts[])(meddling *) = {step_inside, run_inside};
    for (unsigned i = 0; i < 4; i++) {
        meddling m = {.act = acts[i / 2], .in_notify = i % 2 == 0};
        expect_refusal(run_meddling, &m, "stepped inside a callback of vertex 'here'");
        assert_int_equal(m.n_done, 1);
    }
}

static const nd_time zero = {.epoch = 0};
static void send_there(meddling *m) { nd_send_by(m->there, 0, &zero, &any); }
static void write_there(meddling *m) { write_slot(nd_vertex_emit(m->there, 0, &zero)); }
static void hold_there(meddling *m) { nd_hold(m->there, &zero); }
static void release_there(meddling *m) { nd_release(m->there, &zero); }
static void ask_there(meddling *m) { nd_notify_at(m->there, &zero); }
static void clean_up_there(meddling *m) { nd_notify_when(m->there, &zero, NULL); }
static void send_in(meddling *m) { nd_input_send(m->input, &any); }
static void close_input(meddling *m) { nd_input_close(m->input); }

static void acting_for_another_vertex_inside_a_callback_is_refused(void **state)
{
    (void)state;
    void (*const acts[])(meddling *) = {send_there, write_there,    hold_there, release_there,
                                        ask_there,  clean_up_there, send_in,    close_input};
    for (unsigned i = 0; i < 2 * sizeof acts / sizeof *acts; i++) {
        meddling m = {.act = acts[i / 2], .in_notify = i % 2 == 0};
        expect_refusal(run_meddling, &m, "it is used inside a callback of 'here'");
        assert_int_equal(m.n_done, 1);
    }
    for (unsigned i = 0; i < sizeof acts / sizeof *acts; i++)
        expect_success(run_between_steps, &(meddling){.act = acts[i]});
}

/* --- The last callback --- */

typedef enum moment { RECEIVED, NOTIFIED, MOVED, WOKEN, N_MOMENTS } moment;

/* A vertex for which callbacks of every kind are due at once; in the one of `when` it ends all. */
typedef struct last {
    void (*end)(nd_vertex *vertex);
    moment when;
    bool is_armed, is_over;
    unsigned n_after, n_seen[N_MOMENTS];
} last;

static void see(nd_vertex *vertex, moment what)
{
    last *l = nd_vertex_user(vertex);
    l->n_after += l->is_over;
    l->n_seen[what] += l->is_armed;
    if (!l->is_armed || l->when != what || l->is_over)
        return;
    l->is_over = true;
    l->end(vertex);
}

static void see_batch(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time, (void)batch;
    see(vertex, RECEIVED);
}
static void see_notification(nd_vertex *vertex, const nd_time *time)
{
    (void)time;
    see(vertex, NOTIFIED);
}
static void see_frontier(nd_vertex *vertex) { see(vertex, MOVED); }
static void see_activation(nd_vertex *vertex) { see(vertex, WOKEN); }

static nd_err run_last(nd_worker *worker, void *arg)
{
    last *l = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "last");
    nd_input *input;
    const nd_stream in = nd_input_new(flow, &number_type, &input);
    nd_vertex *vertex = nd_vertex_new(nd_root(flow),
                                      &(nd_vertex_def){.name = "last",
                                                       .user = l,
                                                       .inputs = {nd_pipeline(in)},
                                                       .on_recv = see_batch,
                                                       .on_notify = see_notification,
                                                       .on_frontier = see_frontier,
                                                       .on_activate = see_activation},
                                      NULL);
    nd_activator *activator = nd_vertex_activator(vertex);
    ND_TRY(nd_dataflow_start(flow));
    nd_err err = nd_worker_step(worker, 100);
    l->is_armed = true;
    nd_activate(activator);
    nd_activator_release(activator);
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        nd_notify_when(vertex, &(nd_time){.epoch = epoch}, NULL);
        nd_input_send(input, &any);
        nd_input_advance(input, epoch + 1);
    }
    for (unsigned i = 0; i < 10 && err == ND_OK; i++)
        err = nd_worker_step(worker, 100);
    return err;
}

static void fail_by_hand(nd_vertex *vertex) { nd_fail(vertex, "no more"); }
static void drop(nd_vertex *vertex) { nd_dataflow_drop(vertex->flow); }
static void go_on(nd_vertex *vertex) { (void)vertex; }

static void no_callback_follows_a_failure(void **state)
{
    (void)state;
    for (unsigned when = 0; when < N_MOMENTS; when++) {
        nd_message message = {""};
        last l = {.end = fail_by_hand, .when = (moment)when};
        assert_int_equal(run_on_one_worker(run_last, &l, &message), ND_FAILED);
        assert_true(l.is_over);
        assert_int_equal(l.n_after, 0);
    }
}

static void no_callback_follows_a_drop(void **state)
{
    (void)state;
    for (unsigned when = 0; when < N_MOMENTS; when++) {
        last l = {.end = drop, .when = (moment)when};
        expect_success(run_last, &l);
        assert_true(l.is_over);
        assert_int_equal(l.n_after, 0);
    }
}

/* Else nothing could have followed. */
static void many_callbacks_follow_otherwise(void **state)
{
    (void)state;
    last l = {.end = go_on};
    expect_success(run_last, &l);
    assert_int_equal(l.n_seen[RECEIVED], 20);
    assert_int_equal(l.n_seen[NOTIFIED], 20);
    assert_int_not_equal(l.n_seen[MOVED], 0);
    assert_int_equal(l.n_seen[WOKEN], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_emit_ends_with_its_callback),
        cmocka_unit_test(an_emit_of_objects_ends_with_its_callback),
        cmocka_unit_test(an_emit_asked_for_again_goes_on_in_the_same_batch),
        cmocka_unit_test(an_emit_of_the_program_ends_with_the_next_step),
        cmocka_unit_test(stepping_inside_a_callback_is_refused),
        cmocka_unit_test(acting_for_another_vertex_inside_a_callback_is_refused),
        cmocka_unit_test(no_callback_follows_a_failure),
        cmocka_unit_test(no_callback_follows_a_drop),
        cmocka_unit_test(many_callbacks_follow_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
