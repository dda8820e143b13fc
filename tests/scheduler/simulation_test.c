/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation itself: one seed is one run, every run has the same result, failures are told, by
 * every process, and nothing is left behind, wherever it ends.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "runtime/dataflow.h"
#include "scheduler/worker.h"
#include "tests/scheduler/rounds.h"
#include "tests/support/failing_memory.h"
#include "tests/support/simulated.h"
#include "transport/sim_faults.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

static nd_simulation *create(const nd_simulation_def *def)
{
    nd_simulation *simulation;
    nd_message message = {""};
    if (nd_simulation_create(def, &simulation, &message) != ND_OK)
        fail_msg("%s", message.text);
    return simulation;
}

static void assert_has(const nd_message *message, const char *text)
{
    if (strstr(message->text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message->text);
}

/* --- Runs --- */

static nd_simulation_def def_of(uint64_t seed, rounds *plan)
{
    static const unsigned processes[] = {1, 1, 2, 3, 2, 5, 3, 7, 4};
    const unsigned n_workers = 1 + (unsigned)(seed % 8);
    return (nd_simulation_def){.n_workers = n_workers,
                               .n_processes = seed % 3 == 0 ? processes[n_workers] : 1,
                               .mode = seed % 2 == 0 ? ND_PUBLISH_EAGER : ND_PUBLISH_DEMAND,
                               .seed = seed,
                               .budget = seed % 5 == 0 ? 64 : 0,
                               .max_batch_len = seed % 4,
                               .build = rounds_build,
                               .arg = plan};
}

static uint64_t trace_of(uint64_t seed)
{
    rounds plan = {.n_epochs = 2, .n_numbers = 3, .n_rounds = 2};
    nd_message message;
    const nd_simulation_def def = def_of(seed, &plan);
    nd_simulation *simulation = create(&def);
    assert_int_equal(simulated_settle(simulation, &message), ND_OK);
    const uint64_t trace = nd_simulation_trace(simulation);
    nd_simulation_destroy(simulation);
    return trace;
}

static void one_seed_is_one_run(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        assert_int_equal(trace_of(seed), trace_of(seed));
    assert_int_not_equal(trace_of(3), trace_of(3 + 8 * 15)); /* the same but for the seed */
}

static void every_run_has_the_same_result(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        rounds plan = {.n_epochs = 1 + seed % 5, .n_numbers = seed % 7, .n_rounds = seed % 4};
        nd_message message = {""};
        const nd_simulation_def def = def_of(seed, &plan);
        nd_simulation *simulation = create(&def);
        if (simulated_settle(simulation, &message) != ND_OK)
            fail_msg("seed %u: %s", (unsigned)seed, message.text);
        assert_true(nd_simulation_is_done(simulation));
        assert_int_equal(plan.sum, rounds_expected(&plan, def.n_workers));
        nd_simulation_destroy(simulation);
    }
}

/* --- Failures --- */

static nd_err fail_to_build(nd_worker *worker, void *arg)
{
    if (nd_worker_index(worker) == 1)
        return nd_worker_fail(worker, ND_INPUT, "no %s today", (const char *)arg);
    return ND_OK;
}

static void a_failure_in_building_is_told(void **state)
{
    (void)state;
    char what[] = "numbers";
    nd_simulation *simulation;
    nd_message message = {""};
    const nd_simulation_def def = {.n_workers = 3, .build = fail_to_build, .arg = what};
    assert_int_equal(nd_simulation_create(&def, &simulation, &message), ND_INPUT);
    assert_string_equal(message.text, "no numbers today");
}

static void fail_at_once(nd_vertex *vertex)
{
    nd_fail(vertex, "first of worker %u", nd_worker_index(nd_vertex_worker(vertex)));
    nd_fail(vertex, "second");
}

static nd_err build_failing(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "failing");
    nd_vertex_new(nd_root(flow), &(nd_vertex_def){.name = "vertex", .on_activate = fail_at_once},
                  NULL);
    (void)arg;
    return nd_dataflow_start(flow);
}

static void the_first_failure_is_kept(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const nd_simulation_def def = {.n_workers = 3, .seed = seed, .build = build_failing};
        nd_simulation *simulation = create(&def);
        nd_message first = {""}, later = {""};
        bool quiet;
        assert_int_equal(simulated_settle(simulation, &first), ND_FAILED);
        assert_has(&first, "dataflow 'failing': vertex 'vertex': first of worker ");
        assert_int_equal(nd_simulation_step(simulation, &quiet, &later), ND_FAILED);
        assert_string_equal(first.text, later.text);
        nd_simulation_destroy(simulation);
    }
}

static nd_err build_by_index(nd_worker *worker, void *arg)
{
    const unsigned *different = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "uneven");
    nd_vertex_new(nd_root(flow), &(nd_vertex_def){.name = "source"}, NULL);
    if (nd_worker_index(worker) == *different)
        nd_vertex_new(nd_root(flow), &(nd_vertex_def){.name = "extra"}, NULL);
    return nd_dataflow_start(flow);
}

static void graphs_that_differ_are_named(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        unsigned different = (unsigned)(seed % 3);
        const nd_simulation_def def = {.n_workers = 3,
                                       .n_processes = seed % 2 == 0 ? 3 : 1,
                                       .seed = seed,
                                       .build = build_by_index,
                                       .arg = &different};
        nd_simulation *simulation = create(&def);
        nd_message message = {""};
        char name[16] = "worker 0";
        name[7] = (char)('0' + different);
        assert_int_equal(simulated_settle(simulation, &message), ND_MISMATCH);
        assert_has(&message, "dataflow 'uneven': ");
        assert_has(&message, name);
        nd_simulation_destroy(simulation);
    }
}

/* --- Processes --- */

static nd_sim_phase phase_of(nd_simulation *simulation, unsigned process)
{
    return nd_sim_phase_of(nd_simulation_transport(simulation), process);
}

static void processes_take_leave_when_all_is_done(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        rounds plan = {.n_epochs = 3, .n_numbers = 4, .n_rounds = 2};
        nd_message message = {""};
        const nd_simulation_def def = {.n_workers = 6,
                                       .n_processes = 3,
                                       .mode = seed % 2 ? ND_PUBLISH_EAGER : ND_PUBLISH_DEMAND,
                                       .seed = seed,
                                       .budget = seed % 3 ? 0 : 64,
                                       .window = seed % 4 * 16,
                                       .max_batch_len = 1,
                                       .build = rounds_build,
                                       .arg = &plan};
        nd_simulation *simulation = create(&def);
        if (simulated_settle(simulation, &message) != ND_OK)
            fail_msg("seed %u: %s", (unsigned)seed, message.text);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(phase_of(simulation, i), ND_SIM_ENDED);
        assert_int_equal(plan.sum, rounds_expected(&plan, def.n_workers));
        nd_simulation_destroy(simulation);
    }
}

static void a_failure_is_told_by_every_process(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const nd_simulation_def def = {
            .n_workers = 6, .n_processes = 3, .seed = seed, .build = build_failing};
        nd_simulation *simulation = create(&def);
        nd_message first = {""}, other = {""};
        assert_int_equal(simulated_settle(simulation, &first), ND_FAILED);
        assert_has(&first, ": dataflow 'failing': vertex 'vertex': first of worker ");
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(phase_of(simulation, i), ND_SIM_FAILED);
            assert_int_equal(nd_sim_verdict(nd_simulation_transport(simulation), i, &other),
                             ND_FAILED);
            assert_string_equal(first.text, other.text);
        }
        nd_simulation_destroy(simulation);
    }
}

static void who_crashes_ends_the_run_of_all(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        rounds plan = {.n_epochs = 20, .n_numbers = 4, .n_rounds = 2};
        nd_message message = {""};
        bool quiet = false;
        const nd_simulation_def def = {
            .n_workers = 6, .n_processes = 3, .seed = seed, .build = rounds_build, .arg = &plan};
        nd_simulation *simulation = create(&def);
        for (unsigned i = 0; i < 10 * seed; i++)
            assert_int_equal(nd_simulation_step(simulation, &quiet, &message), ND_OK);
        nd_sim_crash(nd_simulation_transport(simulation), 1);
        assert_int_equal(simulated_settle(simulation, &message), ND_CLOSED);
        assert_has(&message, "process 1 is gone");
        assert_int_equal(phase_of(simulation, 0), ND_SIM_FAILED);
        assert_int_equal(phase_of(simulation, 2), ND_SIM_FAILED);
        nd_simulation_destroy(simulation);
    }
}

static void send_some(nd_vertex *vertex)
{
    const nd_time zero = {.epoch = 0};
    for (uint64_t i = 0; i < 20; i++)
        nd_send_by(vertex, 0, &zero, &(number){i});
    nd_release(vertex, &zero);
}

static void pass_on(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    nd_send_batch_by(vertex, 0, time, nd_batch_take(batch));
}

static void take(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    unsigned *sum = nd_vertex_user(vertex);
    (void)port, (void)time;
    *sum += (unsigned)nd_batch_len(batch);
}

/* What comes from another process is passed on in this one, to others and to the same worker. */
static nd_err build_passing_on(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "passing on");
    nd_stream stream, passed;
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "source", .source = true, .outputs = {&number_type}, .on_activate = send_some},
        &stream);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "pass",
                                   .inputs = {nd_exchange(stream)},
                                   .outputs = {&number_type},
                                   .on_recv = pass_on},
                  &passed);
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "near", .user = arg, .inputs = {nd_pipeline(passed)}, .on_recv = take},
        NULL);
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "far", .user = arg, .inputs = {nd_broadcast(passed)}, .on_recv = take},
        NULL);
    return nd_dataflow_start(flow);
}

/* Its sender counts it until it has been consumed, once; whoever passes it on counts it anew. */
static void what_is_passed_on_is_counted_by_who_passes_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        unsigned sum = 0;
        nd_message message = {""};
        const nd_simulation_def def = {.n_workers = 4,
                                       .n_processes = 2,
                                       .seed = seed,
                                       .budget = 4096,
                                       .window = 64,
                                       .max_batch_len = 4,
                                       .build = build_passing_on,
                                       .arg = &sum};
        nd_simulation *simulation = create(&def);
        if (simulated_settle(simulation, &message) != ND_OK)
            fail_msg("seed %u: %s", (unsigned)seed, message.text);
        assert_int_equal(sum, 4 * 20 * (1 + 4));
        for (unsigned i = 0; i < 2; i++) {
            const nd_host *host = &nd_simulation_worker(simulation, 2 * i)->host;
            const nd_host *next = &nd_simulation_worker(simulation, 2 * i + 1)->host;
            assert_int_equal(host->in_flight.budget->in_flight + host->in_flight.delta +
                                 next->in_flight.delta,
                             nd_sim_unconsumed(nd_simulation_transport(simulation), i));
        }
        nd_simulation_destroy(simulation);
    }
}

/* --- What no correct peer sends --- */

static void frames_out_of_sequence_are_refused(void **state)
{
    (void)state;
    static const nd_sim_fault faults[] = {ND_SIM_SPLIT, ND_SIM_REORDER, ND_SIM_REPEAT, ND_SIM_LOSE};
    for (size_t i = 0; i < 4; i++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            rounds plan = {.n_epochs = 20, .n_numbers = 3, .n_rounds = 2};
            nd_message message = {""};
            const nd_simulation_def def = {
                .n_workers = 3, .seed = seed, .build = rounds_build, .arg = &plan};
            nd_simulation *simulation = create(&def);
            nd_sim_break(nd_simulation_transport(simulation), faults[i], 5, true);
            assert_int_equal(simulated_settle(simulation, &message), ND_PROTO);
            assert_has(&message, "sent progress frames out of order: one is lost or repeated");
            nd_simulation_destroy(simulation);
        }
}

static void expect_frame_refused(const nd_frame *frame, const char *text)
{
    rounds plan = {.n_epochs = 1};
    nd_message message = {""};
    const nd_simulation_def def = {.n_workers = 2, .build = rounds_build, .arg = &plan};
    nd_simulation *simulation = create(&def);
    assert_int_equal(nd_host_take_frame(&nd_simulation_worker(simulation, 0)->host, frame),
                     ND_PROTO);
    assert_int_equal(simulated_settle(simulation, &message), ND_PROTO);
    assert_has(&message, text);
    nd_simulation_destroy(simulation);
}

static void strange_frames_are_refused(void **state)
{
    (void)state;
    const nd_change nowhere = {.location = 1000000, .delta = 1};
    expect_frame_refused(&(nd_frame){.sender = 0, .sequence = 1},
                         "worker 0: worker 0 sent a frame under a number that is not its own");
    expect_frame_refused(&(nd_frame){.sender = 17, .sequence = 1},
                         "a frame under a number that is not its own");
    expect_frame_refused(&(nd_frame){.sender = 1, .worker = 2, .sequence = 1},
                         "a frame under a number that is not its own");
    expect_frame_refused(&(nd_frame){.sender = 1, .sequence = 2}, "worker 0: worker 1 sent");
    expect_frame_refused(&(nd_frame){.sender = 1, .sequence = 0}, "out of order");
    expect_frame_refused(
        &(nd_frame){.sender = 1, .sequence = 1, .kind = ND_FRAME_CHANGES, .flow = 1},
        "progress of a dataflow that has not been started here");
    expect_frame_refused(
        &(nd_frame){
            .sender = 1, .worker = 1, .sequence = 1, .kind = ND_FRAME_START, .flow = 1u << 30},
        "worker 1 says that it has started dataflow 1073741824, which it cannot have");
    expect_frame_refused(
        &(nd_frame){
            .sender = 1, .sequence = 1, .kind = ND_FRAME_CHANGES, .changes = &nowhere, .len = 1},
        "worker 0: worker 1 sent progress that dataflow 'rounds' cannot make");
}

/* Gives worker 0 the first batch that comes, under another number. */
static void expect_batch_refused(uint32_t flow, uint32_t channel)
{
    rounds plan = {.n_epochs = 1, .n_numbers = 50};
    nd_message message = {""};
    nd_delivery delivery = {.flow = flow, .channel = channel};
    const nd_simulation_def def = {.n_workers = 2, .build = rounds_build, .arg = &plan};
    nd_simulation *simulation = create(&def);
    nd_host *host = &nd_simulation_worker(simulation, 0)->host;
    nd_block *block = nd_pool_take(&host->pool, sizeof(nd_batch));
    delivery.batch = (nd_batch *)block;
    delivery.batch->arena = NULL;
    delivery.batch->len = 0;
    delivery.batch->type = &(nd_type){.name = "any"};
    atomic_init(&delivery.batch->refs, 1);
    assert_int_equal(nd_host_take_batch(host, &delivery), ND_PROTO);
    assert_int_equal(simulated_settle(simulation, &message), ND_PROTO);
    assert_has(&message, "a batch came for channel");
    nd_simulation_destroy(simulation);
}

static void strange_batches_are_refused(void **state)
{
    (void)state;
    expect_batch_refused(0, 99);
    expect_batch_refused(7, 0);
}

/* --- Ends --- */

static nd_err build_open(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "open");
    nd_vertex_new(nd_root(flow), &(nd_vertex_def){.name = "source"}, NULL);
    return nd_dataflow_start(flow);
}

static void what_waits_for_the_program_is_quiet_but_not_done(void **state)
{
    (void)state;
    nd_message message;
    const nd_simulation_def def = {.n_workers = 2, .build = build_open};
    nd_simulation *simulation = create(&def);
    assert_int_equal(simulated_settle(simulation, &message), ND_OK);
    assert_false(nd_simulation_is_done(simulation));
    nd_simulation_destroy(simulation);
    nd_simulation_destroy(NULL);
}

/* A loop that nothing enters. */
static nd_err build_idle(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "idle");
    nd_scope *loop = nd_loop_new(nd_root(flow), "rounds");
    nd_feedback *feedback;
    nd_stream out;
    const nd_stream back = nd_feedback_new(loop, &number_type, &feedback);
    nd_vertex_new(
        loop,
        &(nd_vertex_def){.name = "round", .inputs = {nd_exchange(back)}, .outputs = {&number_type}},
        &out);
    nd_feedback_connect(feedback, out);
    return nd_dataflow_start(flow);
}

static void a_dataflow_without_sources_is_complete(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        nd_message message;
        const nd_simulation_def def = {
            .n_workers = n, .n_processes = n, .seed = n, .build = build_idle};
        nd_simulation *simulation = create(&def);
        assert_int_equal(simulated_settle(simulation, &message), ND_OK);
        assert_true(nd_simulation_is_done(simulation));
        nd_simulation_destroy(simulation);
    }
}

static bool count_turns(nd_worker *worker, nd_random *random, void *arg)
{
    unsigned *turns = arg;
    (void)random;
    return ++turns[nd_worker_index(worker)] < 5;
}

static nd_err build_nothing(nd_worker *worker, void *arg)
{
    (void)worker, (void)arg;
    return ND_OK;
}

static void every_program_has_its_turns(void **state)
{
    (void)state;
    unsigned turns[3] = {0, 0, 0};
    nd_message message;
    const nd_simulation_def def = {
        .n_workers = 3, .build = build_nothing, .drive = count_turns, .arg = turns};
    nd_simulation *simulation = create(&def);
    assert_int_equal(simulated_settle(simulation, &message), ND_OK);
    assert_true(nd_simulation_is_done(simulation));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(turns[i], 5);
    nd_simulation_destroy(simulation);
}

static void nothing_is_left_wherever_it_ends(void **state)
{
    (void)state;
    size_t n_steps = 0;
    for (bool quiet = false; !quiet; n_steps += 7) {
        rounds plan = {.n_epochs = 3, .n_numbers = 4, .n_rounds = 2};
        failing_memory memory;
        nd_message message;
        failing_memory_start(&memory, SIZE_MAX);
        const nd_simulation_def def = {.n_workers = 4,
                                       .n_processes = 2,
                                       .seed = 5,
                                       .max_batch_len = 1,
                                       .build = rounds_build,
                                       .arg = &plan};
        nd_simulation *simulation = create(&def);
        for (size_t i = 0; i < n_steps && !quiet; i++)
            assert_int_equal(nd_simulation_step(simulation, &quiet, &message), ND_OK);
        nd_simulation_destroy(simulation);
        failing_memory_stop(&memory);
    }
    assert_true(n_steps > 100);
}

static nd_err attempt(void *arg)
{
    const nd_simulation_def *def = arg;
    rounds *plan = def->arg;
    plan->sum = 0;
    nd_simulation *simulation;
    nd_message message = {""};
    ND_TRY(nd_simulation_create(def, &simulation, &message));
    nd_err err = simulated_settle(simulation, &message);
    /* An activator that could not be had fails the vertex. */
    if (err == ND_FAILED && strstr(message.text, "no activator") != NULL)
        err = ND_NOMEM;
    if (err == ND_OK)
        assert_int_equal(plan->sum, rounds_expected(plan, def->n_workers));
    nd_simulation_destroy(simulation);
    return err;
}

static void every_allocation_of_a_run_may_fail(void **state)
{
    (void)state;
    rounds plan = {.n_epochs = 2, .n_numbers = 3, .n_rounds = 1};
    nd_simulation_def def = {
        .n_workers = 2, .seed = 3, .max_batch_len = 1, .build = rounds_build, .arg = &plan};
    assert_true(failing_memory_sweep(attempt, &def) > 100);
    def.n_processes = 2;
    def.window = 8;
    assert_true(failing_memory_sweep(attempt, &def) > 100);
}

/* --- Steady work --- */

static void steady_epochs_need_no_more_memory(void **state)
{
    (void)state;
    rounds plan = {.n_epochs = 6000, .n_numbers = 1, .n_rounds = 1};
    failing_memory memory;
    nd_message message;
    size_t early = 0, late = 0;
    failing_memory_start(&memory, SIZE_MAX);
    const nd_simulation_def def = {.n_workers = 1, .seed = 1, .build = rounds_build, .arg = &plan};
    nd_simulation *simulation = create(&def);
    for (bool quiet = false; !quiet;) {
        assert_int_equal(nd_simulation_step(simulation, &quiet, &message), ND_OK);
        const size_t n_allocations = atomic_load(&memory.n_allocations);
        if (plan.n_notified >= 1000 && early == 0)
            early = n_allocations;
        if (plan.n_notified <= 5900)
            late = n_allocations;
    }
    assert_int_not_equal(early, 0);
    assert_in_range(late, early, early + 100); /* queues may have been longer than before */
    nd_simulation_destroy(simulation);
    failing_memory_stop(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_is_one_run),
        cmocka_unit_test(every_run_has_the_same_result),
        cmocka_unit_test(a_failure_in_building_is_told),
        cmocka_unit_test(the_first_failure_is_kept),
        cmocka_unit_test(graphs_that_differ_are_named),
        cmocka_unit_test(processes_take_leave_when_all_is_done),
        cmocka_unit_test(a_failure_is_told_by_every_process),
        cmocka_unit_test(who_crashes_ends_the_run_of_all),
        cmocka_unit_test(what_is_passed_on_is_counted_by_who_passes_it),
        cmocka_unit_test(frames_out_of_sequence_are_refused),
        cmocka_unit_test(strange_frames_are_refused),
        cmocka_unit_test(strange_batches_are_refused),
        cmocka_unit_test(what_waits_for_the_program_is_quiet_but_not_done),
        cmocka_unit_test(a_dataflow_without_sources_is_complete),
        cmocka_unit_test(every_program_has_its_turns),
        cmocka_unit_test(nothing_is_left_wherever_it_ends),
        cmocka_unit_test(every_allocation_of_a_run_may_fail),
        cmocka_unit_test(steady_epochs_need_no_more_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
