/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights of several inputs: what holds and notifications keep of them, against a plain model.
 */
#include "tests/support/cmocka.h"

#include "runtime/base/random.h"
#include "runtime/graph_internal.h"
#include "tests/runtime/one_worker.h"

static const number any = {7};

/* --- Two inputs, each of which leads to the output of its number --- */

typedef struct crossing {
    void (*on_recv)(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch);
    void (*on_notify)(nd_vertex *vertex, const nd_time *time);
    void (*on_activate)(nd_vertex *vertex);
    nd_input *inputs[2];
    nd_activator *activator;
    unsigned n_notified, n_activated;
    uint64_t n_changes[2]; /* noted by the dataflow, before and after what is looked at */
    unsigned n_seen[2];    /* records, by output */
} crossing;

static void see(void *user, const nd_type *type, const nd_time *time, const void *records,
                size_t len)
{
    (void)type, (void)time, (void)records;
    *(unsigned *)user += (unsigned)len;
}

static nd_vertex *build_crossing(nd_worker *worker, crossing *c)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "crossing");
    nd_stream in[2], out[2];
    for (unsigned i = 0; i < 2; i++)
        in[i] = nd_input_new(flow, &number_type, &c->inputs[i]);
    static const nd_vertex_summary straight[] = {{.input = 0, .output = 0},
                                                 {.input = 1, .output = 1}};
    nd_vertex *vertex = nd_vertex_new(nd_root(flow),
                                      &(nd_vertex_def){
                                          .name = "crossing",
                                          .user = c,
                                          .inputs = {nd_pipeline(in[0]), nd_pipeline(in[1])},
                                          .outputs = {&number_type, &number_type},
                                          .on_recv = c->on_recv,
                                          .on_notify = c->on_notify,
                                          .on_activate = c->on_activate,
                                          .summaries = straight,
                                          .n_summaries = 2,
                                          .only_named = true,
                                      },
                                      out);
    for (unsigned i = 0; i < 2; i++)
        nd_inspect(out[i], see, (nd_user){&c->n_seen[i], NULL});
    c->activator = nd_vertex_activator(vertex);
    return vertex;
}

static nd_err run_crossing(nd_worker *worker, void *arg)
{
    crossing *c = arg;
    const nd_vertex *vertex = build_crossing(worker, c);
    nd_err err = nd_dataflow_start(vertex->flow);
    for (unsigned i = 0; i < 2 && err == ND_OK; i++) {
        nd_input_send(c->inputs[i], &any);
        nd_input_close(c->inputs[i]);
        for (unsigned k = 0; k < 5 && err == ND_OK; k++)
            err = nd_worker_step(worker, 100);
    }
    if (err == ND_OK)
        err = step_to_end(worker);
    nd_activator_release(c->activator);
    return err;
}

static void ask(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_at(vertex, time);
}

static void hold_when_notified(nd_vertex *vertex, const nd_time *time)
{
    crossing *c = nd_vertex_user(vertex);
    nd_hold(vertex, time);
    nd_activate(c->activator);
}

static void send_on_both_and_release(nd_vertex *vertex)
{
    crossing *c = nd_vertex_user(vertex);
    if (c->n_activated++ > 0)
        return;
    nd_send_by(vertex, 0, &(nd_time){0}, &any);
    nd_send_by(vertex, 1, &(nd_time){0}, &any);
    nd_release(vertex, &(nd_time){0});
}

static void a_hold_is_of_every_input_that_allows_it(void **state)
{
    (void)state;
    crossing c = {
        .on_recv = ask, .on_notify = hold_when_notified, .on_activate = send_on_both_and_release};
    expect_success(run_crossing, &c);
    assert_int_equal(c.n_seen[0], 1);
    assert_int_equal(c.n_seen[1], 1);
}

/* The release that follows a hold takes back one of two, not that of the other input. */
static void hold_and_release_of_the_second(nd_vertex *vertex, unsigned port, const nd_time *time,
                                           nd_batch *batch)
{
    (void)batch;
    crossing *c = nd_vertex_user(vertex);
    nd_hold(vertex, time);
    if (port == 1) {
        nd_release(vertex, time);
        nd_activate(c->activator);
    }
}

static void send_and_release(nd_vertex *vertex)
{
    crossing *c = nd_vertex_user(vertex);
    if (c->n_activated++ > 0)
        return;
    nd_send_by(vertex, 0, &(nd_time){0}, &any);
    nd_release(vertex, &(nd_time){0});
}

static void a_release_leaves_the_holds_of_other_inputs(void **state)
{
    (void)state;
    crossing c = {.on_recv = hold_and_release_of_the_second, .on_activate = send_and_release};
    expect_success(run_crossing, &c);
    assert_int_equal(c.n_seen[0], 1);
}

/* The second input's batch is there to ask; what is sent is by the hold of the first. */
static void hold_then_ask(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)batch;
    if (port == 0)
        nd_hold(vertex, time);
    else
        nd_notify_at(vertex, time);
    if (port == 1)
        nd_release(vertex, time);
}

static void send_on_both(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, 0, time, &any);
    nd_send_by(vertex, 1, time, &any);
}

static void a_notification_has_the_rights_of_holds_too(void **state)
{
    (void)state;
    crossing c = {.on_recv = hold_then_ask, .on_notify = send_on_both};
    expect_success(run_crossing, &c);
    assert_int_equal(c.n_seen[0], 1);
    assert_int_equal(c.n_seen[1], 1);
}

/* Of a time that is past already, with the rights of both inputs and without any. */
static void ask_once_more(nd_vertex *vertex, const nd_time *time)
{
    crossing *c = nd_vertex_user(vertex);
    if (c->n_notified++ > 0)
        return;
    for (unsigned i = 0; i < 2; i++) {
        nd_notify_at(vertex, time);
        nd_notify_when(vertex, time, NULL);
    }
}

static void several_rights_make_one_notification(void **state)
{
    (void)state;
    crossing c = {.on_recv = ask, .on_notify = ask_once_more};
    expect_success(run_crossing, &c);
    assert_int_equal(c.n_notified, 2);
}

static uint64_t changes_of(const nd_dataflow *flow)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < flow->changes.len; i++) {
        const int64_t delta = flow->changes.items[i].delta;
        sum += (uint64_t)(delta < 0 ? -delta : delta);
    }
    return sum;
}

static void hold_again_and_again(nd_vertex *vertex, unsigned port, const nd_time *time,
                                 nd_batch *batch)
{
    (void)batch, (void)port;
    crossing *c = nd_vertex_user(vertex);
    nd_hold(vertex, time);
    c->n_changes[0] = changes_of(vertex->flow);
    for (unsigned i = 0; i < 10; i++)
        nd_hold(vertex, time);
    for (unsigned i = 0; i < 10; i++)
        nd_release(vertex, time);
    c->n_changes[1] = changes_of(vertex->flow);
    nd_release(vertex, time);
}

static void holding_again_changes_nothing(void **state)
{
    (void)state;
    crossing c = {.on_recv = hold_again_and_again};
    expect_success(run_crossing, &c);
    assert_int_not_equal(c.n_changes[0], 0);
    assert_int_equal(c.n_changes[0], c.n_changes[1]);
}

/* --- Any holds, against a plain list --- */

enum { PORTS = 3, OPS = 60, MOST = 256 };

typedef struct model_hold {
    nd_time time;
    unsigned n;
    bool inputs[PORTS], any_input;
} model_hold;

typedef struct model {
    nd_random random;
    nd_vertex_summary paths[PORTS][PORTS];
    model_hold holds[MOST];
    size_t n_holds;
    nd_right rights[PORTS];
    unsigned n_rights;
    nd_change_batch counted; /* what the graph began with is not in the changes */
} model;

static unsigned below(model *m, unsigned n) { return (unsigned)nd_random_below(&m->random, n); }

static nd_time random_time(model *m) { return (nd_time){below(m, 4), {below(m, 4)}}; }

static bool model_reaches(const model *m, const nd_time *from, unsigned input, unsigned port,
                          nd_time *least)
{
    const nd_vertex_summary *path = &m->paths[input][port];
    *least = (nd_time){from->epoch + path->add.epoch, {from->loop[0] + path->add.loop[0]}};
    return !path->none;
}

/* Whether a hold, or the callback where `hold` is NULL, lets the vertex send. */
static bool model_allows(const model *m, const model_hold *hold, unsigned port, const nd_time *time)
{
    nd_time least;
    if (hold && hold->any_input && nd_time_less_equal(&hold->time, time))
        return true;
    for (unsigned i = 0; hold && i < PORTS; i++)
        if (hold->inputs[i] && model_reaches(m, &hold->time, i, port, &least) &&
            nd_time_less_equal(&least, time))
            return true;
    for (unsigned i = 0; !hold && i < m->n_rights; i++)
        if (model_reaches(m, &m->rights[i].time, m->rights[i].input, port, &least) &&
            nd_time_less_equal(&least, time))
            return true;
    return false;
}

static void model_add(model_hold *hold, const model_hold *from)
{
    if (!nd_time_less_equal(&from->time, &hold->time))
        return;
    for (unsigned i = 0; i < PORTS; i++)
        hold->inputs[i] |= from->inputs[i];
    hold->any_input |= from->any_input;
}

static size_t model_find(const model *m, const nd_time *time)
{
    size_t i = 0;
    while (i < m->n_holds && !nd_time_equal(&m->holds[i].time, time))
        i++;
    return i;
}

/* False if there is no right to it. */
static bool model_take_hold(model *m, const nd_time *time)
{
    const size_t place = model_find(m, time);
    model_hold hold = place < m->n_holds ? m->holds[place] : (model_hold){.time = *time};
    for (size_t i = 0; i < m->n_holds; i++)
        model_add(&hold, &m->holds[i]);
    for (unsigned i = 0; i < m->n_rights; i++) {
        model_hold own = {.time = m->rights[i].time};
        own.inputs[m->rights[i].input] = true;
        model_add(&hold, &own);
    }
    bool allowed = hold.any_input;
    for (unsigned i = 0; i < PORTS; i++)
        allowed |= hold.inputs[i];
    if (!allowed)
        return false;
    hold.n++;
    assert_true(place < MOST);
    m->holds[place] = hold;
    m->n_holds += place == m->n_holds;
    return true;
}

static void model_release(model *m, const nd_time *time)
{
    const size_t place = model_find(m, time);
    if (--m->holds[place].n == 0)
        m->holds[place] = m->holds[--m->n_holds];
}

static void count(model *m, const nd_vertex *vertex, unsigned port, const nd_time *time,
                  int64_t delta)
{
    assert_int_equal(
        nd_change_batch_update(&m->counted, vertex->outlets[port].location, time, delta), ND_OK);
}

/* What the model holds is what has been counted. */
static void check_counts(model *m, nd_vertex *vertex)
{
    nd_change_batch_clear(&m->counted);
    for (unsigned o = 0; o < PORTS; o++)
        count(m, vertex, o, &(nd_time){0}, -1); /* known from the start */
    for (size_t i = 0; i < m->n_holds; i++)
        for (unsigned o = 0; o < PORTS; o++) {
            nd_time least;
            if (m->holds[i].any_input)
                count(m, vertex, o, &m->holds[i].time, +1);
            for (unsigned k = 0; k < PORTS; k++)
                if (m->holds[i].inputs[k] && model_reaches(m, &m->holds[i].time, k, o, &least))
                    count(m, vertex, o, &least, +1);
        }
    nd_change_batch_compact(&m->counted);
    nd_change_batch_compact(&vertex->flow->changes);
    assert_int_equal(m->counted.len, vertex->flow->changes.len);
    for (size_t i = 0; i < m->counted.len; i++) {
        const nd_change *a = &m->counted.items[i], *b = &vertex->flow->changes.items[i];
        assert_int_equal(a->location, b->location);
        assert_true(nd_time_equal(&a->time, &b->time));
        assert_int_equal(a->delta, b->delta);
    }
}

static void check_rights(model *m, const nd_vertex *vertex)
{
    for (unsigned o = 0; o < PORTS; o++) {
        const nd_time time = random_time(m);
        bool allowed = model_allows(m, NULL, o, &time);
        for (size_t i = 0; i < m->n_holds; i++)
            allowed |= model_allows(m, &m->holds[i], o, &time);
        assert_int_equal(nd_vertex_may_send(vertex, o, &time), allowed);
    }
}

/* Lends the vertex other rights, as a callback would. */
static void change_rights(model *m, nd_vertex *vertex)
{
    m->n_rights = below(m, PORTS + 1);
    for (unsigned i = 0; i < m->n_rights; i++)
        m->rights[i] = (nd_right){random_time(m), below(m, PORTS)};
    vertex->rights = m->rights;
    vertex->n_rights = m->n_rights;
}

static void play(nd_vertex *vertex)
{
    model *m = nd_vertex_user(vertex);
    m->holds[m->n_holds++] = (model_hold){.n = 1, .any_input = true};
    for (unsigned i = 0; i < OPS; i++) {
        const nd_time time = random_time(m);
        if (below(m, 4) == 0)
            change_rights(m, vertex);
        if (m->n_holds != 0 && below(m, 2) == 0) {
            const nd_time held = m->holds[below(m, (unsigned)m->n_holds)].time;
            nd_release(vertex, &held);
            model_release(m, &held);
        } else if (model_take_hold(m, &time)) {
            nd_hold(vertex, &time);
        }
        check_rights(m, vertex);
        check_counts(m, vertex);
    }
    while (m->n_holds != 0) {
        const nd_time held = m->holds[0].time;
        nd_release(vertex, &held);
        model_release(m, &held);
    }
    check_counts(m, vertex);
    assert_int_equal(vertex->holds.len, 0);
}

static size_t random_paths(model *m, nd_vertex_summary *named)
{
    size_t n = 0;
    for (unsigned i = 0; i < PORTS; i++)
        for (unsigned o = 0; o < PORTS; o++) {
            nd_vertex_summary *path = &m->paths[i][o];
            *path = (nd_vertex_summary){i, o, below(m, 3) == 0, {below(m, 2), {below(m, 2)}}};
            named[n++] = *path;
        }
    return n;
}

static void ignore(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)vertex, (void)port, (void)time, (void)batch;
}

static nd_err run_model(nd_worker *worker, void *arg)
{
    model *m = arg;
    nd_vertex_summary named[PORTS * PORTS];
    nd_dataflow *flow = nd_dataflow_new(worker, "model");
    nd_scope *loop = nd_loop_new(nd_root(flow), "rounds");
    nd_stream out[PORTS], in;
    nd_input *input;
    in = nd_enter(loop, nd_input_new(flow, &number_type, &input));
    nd_vertex_new(loop,
                  &(nd_vertex_def){
                      .name = "holder",
                      .user = m,
                      .inputs = {nd_pipeline(in), nd_pipeline(in), nd_pipeline(in)},
                      .outputs = {&number_type, &number_type, &number_type},
                      .on_recv = ignore,
                      .on_activate = play,
                      .source = true,
                      .summaries = named,
                      .n_summaries = random_paths(m, named),
                  },
                  out);
    ND_TRY(nd_dataflow_start(flow));
    ND_TRY(nd_worker_step(worker, 100));
    nd_input_close(input);
    return step_to_end(worker);
}

static void holds_are_as_a_plain_list_of_sets_says(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        model m = {.n_holds = 0};
        nd_random_init(&m.random, seed);
        nd_change_batch_init(&m.counted);
        expect_success(run_model, &m);
        nd_change_batch_deinit(&m.counted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hold_is_of_every_input_that_allows_it),
        cmocka_unit_test(a_release_leaves_the_holds_of_other_inputs),
        cmocka_unit_test(a_notification_has_the_rights_of_holds_too),
        cmocka_unit_test(several_rights_make_one_notification),
        cmocka_unit_test(holding_again_changes_nothing),
        cmocka_unit_test(holds_are_as_a_plain_list_of_sets_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
