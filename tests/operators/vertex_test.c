/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's own vertices: with one and two inputs, in loops, with notifications and holds, and
 * what they may not do.
 */
#include "tests/operators/gather.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

enum { LEN = 5000, KEYS = 40 };

typedef struct {
    gather out;
    feed in;
    _Atomic int n_deinits, n_destroyed;
} shared;

/* --- Unary: the maximum of each key so far, as it stood when each epoch ended --- */

typedef struct {
    int64_t most[KEYS]; /* by key + KEYS / 2, plus one; zero: none yet */
    nd_batch *kept[LEN];
    uint64_t epochs[LEN];
    size_t n_kept;
} maximum;

static void keep(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    maximum *self = nd_vertex_state(vertex);
    self->epochs[self->n_kept] = time->epoch;
    self->kept[self->n_kept++] = nd_batch_take(batch);
    nd_notify_at(vertex, time);
}

static void raise(maximum *self, const pair *pairs, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int64_t *const most = &self->most[pairs[i].key + KEYS / 2];
        if (*most <= pairs[i].value)
            *most = pairs[i].value + 1;
    }
}

static void release_epoch(nd_vertex *vertex, const nd_time *time)
{
    maximum *self = nd_vertex_state(vertex);
    size_t n_left = 0;
    for (size_t i = 0; i < self->n_kept; i++) {
        if (self->epochs[i] == time->epoch) {
            raise(self, nd_batch_records(self->kept[i]), nd_batch_len(self->kept[i]));
            nd_batch_release(self->kept[i]);
            continue;
        }
        if (self->epochs[i] < time->epoch)
            nd_fail(vertex, "epoch %llu was left out", (unsigned long long)self->epochs[i]);
        self->epochs[n_left] = self->epochs[i];
        self->kept[n_left++] = self->kept[i];
    }
    self->n_kept = n_left;
    for (int64_t k = 0; k < KEYS; k++)
        if (self->most[k] != 0)
            nd_send_by(vertex, 0, time, &(pair){k - KEYS / 2, self->most[k] - 1});
}

static void count_deinit(nd_vertex *vertex)
{
    shared *c = nd_vertex_user(vertex);
    atomic_fetch_add(&c->n_deinits, 1);
}

static void count_destroyed(void *user) { atomic_fetch_add(&((shared *)user)->n_destroyed, 1); }

static nd_err run_maximum(nd_worker *worker, void *arg)
{
    shared *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "maximum");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &pair_type, &input);
    nd_stream most = nd_unary(nd_exchange(in), &(nd_operator_def){.name = "maximum",
                                                                  .output = &pair_type,
                                                                  .state_size = sizeof(maximum),
                                                                  .on_recv = keep,
                                                                  .on_notify = release_epoch,
                                                                  .deinit = count_deinit,
                                                                  .user = {c, count_destroyed}});
    gather_stream(&c->out, worker, most);
    ND_TRY(nd_dataflow_start(flow));
    return feed_all(worker, input, c->in);
}

/* Every worker with something in an epoch tells of all its keys then; so only raised maxima are
 * compared. */
static void a_state_follows_the_epochs_in_order(void **state)
{
    (void)state;
    row *rows = feed_random(21, LEN, 25, KEYS);
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        shared c = {.in = {rows, LEN}};
        gather_init(&c.out);
        run(worker_counts[i], run_maximum, &c);
        int64_t most[25][KEYS] = {{0}};
        for (size_t k = 0; k < LEN; k++)
            for (uint64_t epoch = rows[k].time.epoch; epoch < 25; epoch++)
                if (most[epoch][rows[k].key + KEYS / 2] <= rows[k].value)
                    most[epoch][rows[k].key + KEYS / 2] = rows[k].value + 1;
        assert_int_not_equal(c.out.len, 0);
        for (size_t k = 0; k < c.out.len; k++) {
            const row *const seen = &c.out.rows[k];
            assert_int_equal(seen->value + 1, most[seen->time.epoch][seen->key + KEYS / 2]);
        }
        assert_int_equal(atomic_load(&c.n_deinits), worker_counts[i]);
        assert_int_equal(atomic_load(&c.n_destroyed), worker_counts[i]);
        gather_deinit(&c.out);
    }
    free(rows);
}

/* --- Binary: data waits for the next tick of a clock --- */

enum { DATA, CLOCK };

static void wait_for_tick(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    if (port == DATA) {
        maximum *self = nd_vertex_state(vertex);
        self->epochs[self->n_kept] = time->epoch;
        self->kept[self->n_kept++] = nd_batch_take(batch);
    } else {
        nd_notify_at(vertex, time);
    }
}

static void on_tick(nd_vertex *vertex, const nd_time *time)
{
    maximum *self = nd_vertex_state(vertex);
    size_t n_left = 0;
    for (size_t i = 0; i < self->n_kept; i++)
        if (self->epochs[i] <= time->epoch) {
            nd_send_batch_by(vertex, 0, time, self->kept[i]);
        } else {
            self->epochs[n_left] = self->epochs[i];
            self->kept[n_left++] = self->kept[i];
        }
    self->n_kept = n_left;
}

static void release_kept(nd_vertex *vertex)
{
    maximum *self = nd_vertex_state(vertex);
    for (size_t i = 0; i < self->n_kept; i++)
        nd_batch_release(self->kept[i]);
    count_deinit(vertex);
}

static nd_err run_reclock(nd_worker *worker, void *arg)
{
    shared *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "reclock");
    nd_input *data, *clock;
    nd_stream values = nd_input_new(flow, &pair_type, &data),
              ticks = nd_input_new(flow, &pair_type, &clock);
    gather_stream(&c->out, worker,
                  nd_binary(nd_pipeline(values), nd_broadcast(ticks),
                            &(nd_operator_def){.name = "reclock",
                                               .output = &pair_type,
                                               .state_size = sizeof(maximum),
                                               .on_recv = wait_for_tick,
                                               .on_notify = on_tick,
                                               .deinit = release_kept,
                                               .user = {c, count_destroyed}}));
    ND_TRY(nd_dataflow_start(flow));
    const bool is_first = nd_worker_index(worker) == 0;
    for (uint64_t i = 0; i < 10; i++) {
        if (i % nd_worker_peers(worker) == nd_worker_index(worker))
            nd_input_send(data, &(pair){0, (int64_t)i});
        if (is_first && (i == 3 || i == 5 || i == 8))
            nd_input_send(clock, &(pair){0, 0});
        nd_input_advance(data, i + 1);
        nd_input_advance(clock, i + 1);
    }
    nd_input_close(data);
    nd_input_close(clock);
    return nd_worker_run(worker);
}

static void data_waits_for_the_next_tick(void **state)
{
    (void)state;
    static const uint64_t tick_of[] = {3, 3, 3, 3, 5, 5, 8, 8, 8};
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        shared c = {.in = {NULL, 0}};
        gather_init(&c.out);
        run(worker_counts[i], run_reclock, &c);
        row expected[9] = {{.key = 0}};
        for (int64_t k = 0; k < 9; k++)
            expected[k] = (row){.time = {.epoch = tick_of[k]}, .value = k};
        gather_assert(&c.out, expected, 9);
        assert_int_equal(atomic_load(&c.n_deinits), worker_counts[i]);
        gather_deinit(&c.out);
    }
}

/* --- An emit that stays empty --- */

static void emit_nothing_then_all(nd_vertex *vertex, unsigned port, const nd_time *time,
                                  nd_batch *batch)
{
    (void)port;
    size_t room;
    nd_emit *out = nd_vertex_emit(vertex, 0, time);
    nd_emit_room(out, &room);
    nd_emit_wrote(out, 0);
    nd_emit_copy(out, NULL, 0);
    out = nd_vertex_emit(vertex, 0,
                         &(nd_time){time->epoch + 1, {0}}); /* and nothing is written there */
    out = nd_vertex_emit(vertex, 0, time);
    nd_emit_copy(out, nd_batch_records(batch), nd_batch_len(batch));
}

static void emit_nothing(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    size_t room;
    nd_emit_room(nd_vertex_emit(vertex, 0, time), &room);
}

static nd_err run_empty(nd_worker *worker, void *arg)
{
    shared *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "empty");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &pair_type, &input);
    nd_stream some = nd_unary(
        nd_pipeline(in),
        &(nd_operator_def){.name = "some", .output = &pair_type, .on_recv = emit_nothing_then_all});
    nd_stream none =
        nd_unary(nd_exchange(in),
                 &(nd_operator_def){.name = "none", .output = &pair_type, .on_recv = emit_nothing});
    nd_stream all = nd_concat((nd_stream[]){nd_stream_exchange(some), none}, 2);
    nd_probe *probe = nd_probe_new(gather_stream(&c->out, worker, nd_stream_exchange(all)));
    ND_TRY(nd_dataflow_start(flow));
    for (uint64_t round = 0; round < 2; round++) {
        for (int64_t i = 0; i < 10; i++)
            nd_input_send(input, &(pair){i, (int64_t)round});
        nd_input_advance(input, round + 1);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, round + 1));
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void empty_batches_neither_leak_nor_hang(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        shared c = {.in = {NULL, 0}};
        gather_init(&c.out);
        run(worker_counts[i], run_empty, &c);
        assert_int_equal(c.out.len, worker_counts[i] * 20);
        gather_deinit(&c.out);
    }
}

/* --- Strings in a buffer that each callback uses again --- */

typedef struct {
    nd_bytes word;
    int64_t n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, word), ND_FIELD(tally, n));

static void name_and_release(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    char *word = nd_vertex_state(vertex);
    *word = (char)('a' + ((const pair *)nd_batch_records(batch))->key);
    nd_hold(vertex, time);
    nd_emit *out = nd_vertex_emit(vertex, 0, time);
    *(tally *)nd_emit_slot(out) = (tally){{word, 1}, 1};
    nd_release(vertex, time); /* the string must be copied all the same */
}

static void see_letters(void *user, const nd_type *type, const nd_time *time, const void *records,
                        size_t len)
{
    (void)type;
    const tally *tallies = records;
    for (size_t i = 0; i < len; i++)
        gather_add(&((shared *)user)->out,
                   &(row){.time = *time, .key = *(const char *)tallies[i].word.data - 'a'});
}

static nd_err run_letters(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "letters");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &pair_type, &input);
    nd_inspect(nd_unary(nd_pipeline(in), &(nd_operator_def){.name = "name",
                                                            .output = &tally_type,
                                                            .state_size = 1,
                                                            .on_recv = name_and_release}),
               see_letters, (nd_user){arg, NULL});
    ND_TRY(nd_dataflow_start(flow));
    for (uint64_t i = 0; i < 10; i++) {
        nd_input_advance(input, i);
        nd_input_send(input, &(pair){(int64_t)i, 0});
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void strings_are_copied_before_the_next_callback(void **state)
{
    (void)state;
    shared c = {.in = {NULL, 0}};
    gather_init(&c.out);
    run(1, run_letters, &c);
    row expected[10];
    for (int64_t i = 0; i < 10; i++)
        expected[i] = (row){.time = {.epoch = (uint64_t)i}, .key = i};
    gather_assert(&c.out, expected, 10);
    gather_deinit(&c.out);
}

/* --- Loops in loops --- */

static nd_err run_nested(nd_worker *worker, void *arg)
{
    shared *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "nested");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &pair_type, &input);
    nd_scope *outer = nd_loop_new(nd_root(flow), "outer"), *inner = nd_loop_new(outer, "inner");
    nd_stream inside = nd_enter(inner, nd_stream_exchange(nd_enter(outer, in)));
    nd_stream back = nd_leave(nd_stream_broadcast(inside));
    gather_stream(&c->out, worker, nd_leave(nd_stream_exchange(back)));
    ND_TRY(nd_dataflow_start(flow));
    return feed_all(worker, input, c->in);
}

static void data_goes_into_two_loops_and_out_again(void **state)
{
    (void)state;
    row *rows = feed_random(22, LEN, 25, KEYS), *expected = calloc(3 * LEN, sizeof *expected);
    assert_non_null(expected);
    for (size_t i = 0; i < LEN; i++)
        expected[3 * i] = expected[3 * i + 1] = expected[3 * i + 2] = rows[i];
    shared c = {.in = {rows, LEN}};
    gather_init(&c.out);
    run(3, run_nested, &c);
    gather_assert(&c.out, expected, 3 * LEN);
    gather_deinit(&c.out);
    free(expected);
    free(rows);
}

/* --- Rights --- */

/* What the vertex "careless" does in its on_recv. */
typedef struct {
    void (*act)(nd_vertex *vertex, const nd_time *time);
    bool only_named;
    nd_vertex_summary summaries[2];
    size_t n_summaries;
} careless;

static void act(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    const careless *c = nd_vertex_user(vertex);
    c->act(vertex, time);
}

static void ignore(nd_vertex *vertex, const nd_time *time) { (void)vertex, (void)time; }

static nd_err run_careless(nd_worker *worker, void *arg)
{
    careless *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "rights");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &pair_type, &input), out[2];
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "careless",
                                   .user = c,
                                   .inputs = {nd_pipeline(in)},
                                   .outputs = {&pair_type, &pair_type},
                                   .on_recv = act,
                                   .on_notify = ignore,
                                   .summaries = c->summaries,
                                   .n_summaries = c->n_summaries,
                                   .only_named = c->only_named},
                  out);
    ND_TRY(nd_dataflow_start(flow));
    nd_input_advance(input, 5);
    nd_input_send(input, &(pair){1, 1});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static const pair any = {1, 1};

static void send_on_second(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, 1, time, &any);
}
static void send_on_third(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, 2, time, &any);
}
static void send_on_second_later(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, 1, &(nd_time){.epoch = time->epoch + 2}, &any);
}
static void send_on_first(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, 0, time, &any);
}
static void send_earlier(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, 0, &(nd_time){.epoch = time->epoch - 1}, &any);
}
static void send_batch_earlier(nd_vertex *vertex, const nd_time *time)
{
    (void)time;
    nd_emit_copy(nd_vertex_emit(vertex, 0, &(nd_time){.epoch = 0}), &any, 1);
}
static void hold_earlier(nd_vertex *vertex, const nd_time *time)
{
    nd_hold(vertex, &(nd_time){.epoch = time->epoch - 1});
}
static void notify_earlier(nd_vertex *vertex, const nd_time *time)
{
    nd_notify_at(vertex, &(nd_time){.epoch = time->epoch - 1});
}
static void release_unheld(nd_vertex *vertex, const nd_time *time) { nd_release(vertex, time); }
static void send_in_loop(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, 0, &(nd_time){time->epoch, {1}}, &any);
}

static void breaking_a_rule_names_vertex_port_and_times(void **state)
{
    (void)state;
    const careless only_first = {
        .only_named = true, .summaries = {{.input = 0, .output = 0}}, .n_summaries = 1};
    careless c = only_first;
    c.act = send_on_second;
    run_fails(1, run_careless, &c, ND_INVAL, "vertex 'careless': it sends on output 1 at (5)");
    c.act = send_on_second_later;
    run_fails(1, run_careless, &c, ND_INVAL, "vertex 'careless': it sends on output 1 at (7)");
    c.act = send_on_third;
    run_fails(1, run_careless, &c, ND_INVAL,
              "vertex 'careless': it sends on output 2, which it does not have");
    c.act = send_earlier;
    run_fails(
        1, run_careless, &c, ND_INVAL,
        "vertex 'careless': it sends on output 0 at (4), but its callback has a right from (5) on");
    c.act = send_batch_earlier;
    run_fails(1, run_careless, &c, ND_INVAL, "vertex 'careless': it sends on output 0 at (0)");
    c.act = hold_earlier;
    run_fails(1, run_careless, &c, ND_INVAL, "vertex 'careless': it holds at (4)");
    c.act = notify_earlier;
    run_fails(1, run_careless, &c, ND_INVAL,
              "vertex 'careless': it asks for a notification at (4)");
    c.act = release_unheld;
    run_fails(1, run_careless, &c, ND_INVAL,
              "vertex 'careless': it releases (5), which it does not hold");
    c.act = send_in_loop;
    run_fails(1, run_careless, &c, ND_INVAL, "a counter of a loop that it is not inside of");
    c = (careless){.act = send_on_second,
                   .summaries = {{.input = 0, .output = 1, .add = {.epoch = 2}}},
                   .n_summaries = 1};
    run_fails(1, run_careless, &c, ND_INVAL, "vertex 'careless': it sends on output 1 at (5)");
}

static void keeping_the_rules_works(void **state)
{
    (void)state;
    careless c = {.act = send_on_first,
                  .only_named = true,
                  .summaries = {{.input = 0, .output = 0}},
                  .n_summaries = 1};
    run(1, run_careless, &c);
    c = (careless){.act = send_on_second_later,
                   .summaries = {{.input = 0, .output = 1, .add = {.epoch = 2}}},
                   .n_summaries = 1};
    run(1, run_careless, &c);
    c = (careless){.act = send_on_second};
    run(1, run_careless, &c);
}

/* --- Mistakes --- */

static nd_err unary_of_nothing(nd_worker *worker, void *arg)
{
    shared *c = arg;
    const nd_operator_def def = {
        .output = &pair_type, .on_recv = emit_nothing, .user = {c, count_destroyed}};
    CHECK(worker, nd_unary(nd_pipeline((nd_stream){NULL}), &def).origin == NULL);
    CHECK(worker, atomic_load(&c->n_destroyed) == 1);
    const nd_pact none = nd_pipeline((nd_stream){NULL});
    CHECK(worker, nd_binary(none, none, &def).origin == NULL);
    CHECK(worker, atomic_load(&c->n_destroyed) == 2);
    return ND_OK;
}

static nd_err binary_without_one_side(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "half");
    nd_input *input;
    const nd_pact in = nd_pipeline(nd_input_new(flow, &pair_type, &input));
    nd_binary(nd_pipeline((nd_stream){NULL}), in,
              &(nd_operator_def){.name = "half", .output = &pair_type, .on_recv = emit_nothing});
    return nd_dataflow_start(flow);
}

static nd_err unary_without_output(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "mute");
    nd_input *input;
    nd_unary(nd_pipeline(nd_input_new(flow, &pair_type, &input)),
             &(nd_operator_def){.name = "mute", .on_recv = emit_nothing});
    return nd_dataflow_start(flow);
}

static void incomplete_vertices_are_refused(void **state)
{
    (void)state;
    shared c = {.in = {NULL, 0}};
    run(1, unary_of_nothing, &c);
    run_fails(1, binary_without_one_side, NULL, ND_INVAL, "'half': input 0");
    run_fails(1, unary_without_output, NULL, ND_INVAL,
              "mute: it needs an output type and an on_recv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_follows_the_epochs_in_order),
        cmocka_unit_test(data_waits_for_the_next_tick),
        cmocka_unit_test(empty_batches_neither_leak_nor_hang),
        cmocka_unit_test(strings_are_copied_before_the_next_callback),
        cmocka_unit_test(data_goes_into_two_loops_and_out_again),
        cmocka_unit_test(breaking_a_rule_names_vertex_port_and_times),
        cmocka_unit_test(keeping_the_rules_works),
        cmocka_unit_test(incomplete_vertices_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
