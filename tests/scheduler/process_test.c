/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers as threads: results for any number of them, how a run ends, activation from outside.
 *
 * cmocka's assertions are for the test's own thread; programs, which run on the workers', fail the
 * run instead.
 */
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/scheduler/rounds.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));
static const nd_time zero = {.epoch = 0};

static nd_err execute(unsigned n_workers, nd_program *program, void *arg, nd_message *message)
{
    return nd_execute(&(nd_config){.n_workers = n_workers}, program, arg, NULL, message);
}

static void run(unsigned n_workers, nd_program *program, void *arg)
{
    nd_message message = {""};
    if (execute(n_workers, program, arg, &message) != ND_OK)
        fail_msg("%u workers: %s", n_workers, message.text);
}

static void assert_has(const nd_message *message, const char *text)
{
    if (strstr(message->text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message->text);
}

/* --- Results --- */

static void any_number_of_workers_has_the_same_result(void **state)
{
    (void)state;
    static const unsigned numbers[] = {1, 2, 5};
    for (size_t i = 0; i < 3; i++)
        for (unsigned k = 0; k < 20; k++) {
            rounds plan = {.n_epochs = 1 + k, .n_numbers = 50 * (k % 4), .n_rounds = k % 6};
            run(numbers[i], rounds_build, &plan);
            assert_int_equal(plan.sum, rounds_expected(&plan, numbers[i]));
        }
}

static void a_run_is_counted(void **state)
{
    (void)state;
    nd_run_stats stats;
    nd_message message;
    rounds plan = {.n_epochs = 4, .n_numbers = 100, .n_rounds = 3};
    assert_int_equal(
        nd_execute(&(nd_config){.n_workers = 2}, rounds_build, &plan, &stats, &message), ND_OK);
    assert_in_range(stats.n_records, 1, 2 * 4 * 100 * 5);
    assert_in_range(stats.n_batches, 1, stats.n_records);
    assert_int_equal(stats.data_bytes, stats.n_records * sizeof(number));
    assert_int_not_equal(stats.progress_frames, 0);
    assert_int_not_equal(stats.progress_bytes, 0);
    assert_int_equal(
        nd_execute(&(nd_config){.n_workers = 1}, rounds_build, &plan, &stats, &message), ND_OK);
    assert_int_equal(stats.n_batches + stats.n_records + stats.progress_frames, 0);
}

/* Every worker builds three dataflows, some late, and runs them together. */
static nd_err build_three(nd_worker *worker, void *arg)
{
    rounds *plan = arg;
    for (int i = 0; i < 3; i++) {
        ND_TRY(rounds_build(worker, plan));
        for (unsigned k = 0; k < 40 * nd_worker_index(worker); k++)
            ND_TRY(nd_worker_step(worker, 1));
    }
    return nd_worker_run(worker);
}

static void dataflows_built_late_run_too(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 10; k++) {
        rounds plan = {.n_epochs = 5, .n_numbers = 10, .n_rounds = 3};
        run(4, build_three, &plan);
        assert_int_equal(plan.sum, 3 * rounds_expected(&plan, 4));
    }
}

static void clean_up_only(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_when(vertex, &(nd_time){.epoch = time->epoch + 100}, NULL);
}

static void count_notified(nd_vertex *vertex, const nd_time *time)
{
    (void)time;
    rounds *plan = nd_vertex_user(vertex);
    atomic_fetch_add(&plan->n_notified, 1);
}

/* Nothing holds the dataflow open for them, but clean-up notifications come all the same. */
static nd_err clean_up_program(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "clean-up");
    nd_stream in;
    nd_vertex *source = nd_vertex_new(
        nd_root(flow), &(nd_vertex_def){.name = "source", .outputs = {&number_type}}, &in);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "cleaner",
                                   .user = arg,
                                   .inputs = {nd_pipeline(in)},
                                   .on_recv = clean_up_only,
                                   .on_notify = count_notified},
                  NULL);
    ND_TRY(nd_dataflow_start(flow));
    for (uint64_t epoch = 0; epoch < 3; epoch++)
        nd_send_by(source, 0, &(nd_time){.epoch = epoch}, &(number){epoch});
    nd_release(source, &zero);
    return nd_worker_run(worker);
}

static void clean_up_is_told_before_a_worker_ends(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        rounds plan = {.n_notified = 0};
        run(n, clean_up_program, &plan);
        assert_int_equal(plan.n_notified, 3 * n);
    }
}

/* --- Workers that do not agree --- */

static nd_err build_by_index(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "uneven");
    const bool is_odd = nd_worker_index(worker) % 2 != 0;
    nd_vertex_new(nd_root(flow), &(nd_vertex_def){.name = is_odd ? "odd" : "even"}, NULL);
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

static void graphs_that_differ_end_the_run(void **state)
{
    (void)state;
    nd_message message;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(execute(2, build_by_index, NULL, &message), ND_MISMATCH);
        assert_has(&message, "dataflow 'uneven': worker ");
        assert_has(&message, "have built different graphs, which differ first in vertex '");
    }
}

/* Worker 0 builds one dataflow less than the others. */
static nd_err build_less(nd_worker *worker, void *arg)
{
    rounds *plan = arg;
    for (uint64_t i = nd_worker_index(worker) == 0; i < plan->n_epochs; i++)
        ND_TRY(rounds_build(worker, plan));
    return nd_worker_run(worker);
}

static void a_worker_that_ends_early_ends_the_run(void **state)
{
    (void)state;
    nd_message message;
    for (unsigned i = 0; i < 20; i++) {
        rounds plan = {.n_epochs = 1 + i % 2};
        assert_int_equal(execute(2 + i % 2, build_less, &plan, &message), ND_MISMATCH);
        assert_has(&message, "dataflow 'rounds': worker 0 has ended without building it");
    }
}

/* --- Failures --- */

typedef struct ending {
    unsigned culprit;
    nd_err err;
    _Atomic unsigned n_built, n_deinit; /* a worker may be spared if another has failed by then */
} ending;

static void count_deinit(nd_vertex *vertex)
{
    ending *e = nd_vertex_user(vertex);
    atomic_fetch_add(&e->n_deinit, 1);
}

static void fail_in_vertex(nd_vertex *vertex)
{
    const ending *e = nd_vertex_user(vertex);
    if (nd_worker_index(nd_vertex_worker(vertex)) == e->culprit && e->err == ND_FAILED)
        nd_fail(vertex, "enough");
}

/* A source that never ends: only a failure ends this run. */
static nd_err wait_for_ever(nd_worker *worker, void *arg)
{
    ending *e = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "endless");
    atomic_fetch_add(&e->n_built, 1);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "source",
                                   .user = e,
                                   .outputs = {&number_type},
                                   .deinit = count_deinit,
                                   .on_activate = fail_in_vertex},
                  NULL);
    ND_TRY(nd_dataflow_start(flow));
    if (nd_worker_index(worker) == e->culprit && e->err == ND_INPUT)
        return nd_worker_fail(worker, ND_INPUT, "line %d", 7);
    if (nd_worker_index(worker) == e->culprit && e->err == ND_IO)
        return ND_IO;
    return nd_worker_run(worker);
}

static void expect_ending(unsigned n_workers, nd_err err, const char *text)
{
    for (unsigned culprit = 0; culprit < n_workers; culprit++) {
        ending e = {.culprit = culprit, .err = err};
        nd_message message;
        assert_int_equal(execute(n_workers, wait_for_ever, &e, &message), err);
        assert_string_equal(message.text, text);
        assert_int_equal(e.n_deinit, e.n_built);
    }
}

static void one_failure_ends_all_workers_with_its_cause(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 5; n += 2) {
        expect_ending(n, ND_FAILED, "dataflow 'endless': vertex 'source': enough");
        expect_ending(n, ND_INPUT, "line 7");
        expect_ending(n, ND_IO, nd_err_text(ND_IO));
    }
}

static nd_err fail_all(nd_worker *worker, void *arg)
{
    (void)arg;
    return nd_worker_fail(worker, ND_INPUT, "worker %u", nd_worker_index(worker));
}

static void of_many_failures_one_is_told(void **state)
{
    (void)state;
    nd_message message;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(execute(5, fail_all, NULL, &message), ND_INPUT);
        assert_has(&message, "worker ");
    }
}

/* Worker 0 sends the process a signal; all step on until that has ended the run. */
static nd_err interrupt(nd_worker *worker, void *arg)
{
    const int *signal_number = arg;
    if (nd_worker_index(worker) == 0)
        (void)kill(getpid(), *signal_number);
    while (nd_worker_step(worker, 1) == ND_OK)
        sched_yield();
    return ND_OK;
}

static void signals_end_a_run(void **state)
{
    (void)state;
    int numbers[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        nd_message message;
        assert_int_equal(execute(3, interrupt, &numbers[i], &message), ND_INTR);
        assert_string_equal(message.text, numbers[i] == SIGINT ? "interrupted" : "terminated");
    }
}

static void too_many_workers_are_refused(void **state)
{
    (void)state;
    nd_message message;
    rounds plan = {.n_epochs = 1};
    assert_int_equal(execute(ND_MAX_WORKERS + 1, rounds_build, &plan, &message), ND_USAGE);
    assert_has(&message, "257 workers are too many: at most 256");
}

/* --- Activation from another thread --- */

enum { CALLS = 200 };

/* Shared between a worker and the thread that activates its vertex. */
typedef struct bell {
    _Atomic unsigned n_called; /* written by the worker, read by the ringer: a call for each ring */
    nd_activator *activator;   /* the ringer's; given before it starts */
    pthread_t ringer;
} bell;

static void answer(nd_vertex *vertex)
{
    bell *b = nd_vertex_user(vertex);
    if (b->activator == NULL)
        return; /* the call that every source gets at the start */
    nd_send_by(vertex, 0, &zero, &(number){1});
    if (atomic_fetch_add(&b->n_called, 1) + 1 == CALLS)
        nd_release(vertex, &zero);
}

/* Rings, waits for the answer, and rings again. */
static void *ring(void *arg)
{
    bell *b = arg;
    for (unsigned i = 0; i < CALLS; i++) {
        nd_activate(b->activator);
        while (atomic_load(&b->n_called) <= i)
            sched_yield();
    }
    return NULL;
}

static nd_err bell_program(nd_worker *worker, void *arg)
{
    bell *b = (bell *)arg + nd_worker_index(worker);
    nd_dataflow *flow = nd_dataflow_new(worker, "bell");
    nd_vertex *vertex = nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "bell", .user = b, .outputs = {&number_type}, .on_activate = answer},
        NULL);
    ND_TRY(nd_dataflow_start(flow));
    for (int i = 0; i < 10; i++)
        ND_TRY(nd_worker_step(worker, 10));
    b->activator = nd_vertex_activator(vertex);
    if (pthread_create(&b->ringer, NULL, ring, b) != 0)
        return nd_worker_fail(worker, ND_NOMEM, "no thread");
    return nd_worker_run(worker);
}

static void any_thread_may_activate_a_vertex(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        bell bells[3];
        memset(bells, 0, sizeof bells);
        run(n, bell_program, bells);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(pthread_join(bells[i].ringer, NULL), 0);
            assert_in_range(bells[i].n_called, CALLS, CALLS + 1);
            nd_activate(bells[i].activator); /* the vertex is gone, and its worker */
            nd_activator_release(bells[i].activator);
        }
    }
}

/* --- nd_main --- */

static nd_err count_workers(nd_worker *worker, void *arg)
{
    atomic_uint *n_workers = arg;
    atomic_fetch_add(n_workers, 1);
    (void)worker;
    return ND_OK;
}

static nd_err fail_with_input(nd_worker *worker, void *arg)
{
    (void)arg;
    return nd_worker_fail(worker, ND_INPUT, "line 1");
}

/* Runs nd_main with standard error thrown away; argv ends with NULL. */
static int run_main(char **argv, nd_program *program, void *arg)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    const int nowhere = open("/dev/null", O_WRONLY), kept = dup(2);
    assert_true(nowhere >= 0 && kept >= 0);
    (void)dup2(nowhere, 2);
    const int status = nd_main(argc, argv, program, arg);
    (void)dup2(kept, 2);
    (void)close(kept);
    (void)close(nowhere);
    return status;
}

static void the_main_function_takes_its_options_out(void **state)
{
    (void)state;
    atomic_uint n_workers = 0;
    char name[] = "program", w[] = "-w", three[] = "3", file[] = "file", dashes[] = "--";
    char *argv[] = {name, w, three, file, dashes, w, NULL};
    assert_int_equal(run_main(argv, count_workers, &n_workers), 0);
    assert_int_equal(n_workers, 3);
    assert_ptr_equal(argv[1], file);
    assert_ptr_equal(argv[2], w);
    assert_null(argv[3]);
}

static void the_main_function_returns_the_exit_status(void **state)
{
    (void)state;
    atomic_uint n_workers = 0;
    char name[] = "program", w[] = "-w", zero_text[] = "0", hosts[] = "--hosts", one[] = "1";
    assert_int_equal(run_main((char *[]){name, w, zero_text, NULL}, count_workers, &n_workers), 2);
    assert_int_equal(run_main((char *[]){name, w, NULL}, count_workers, &n_workers), 2);
    assert_int_equal(run_main((char *[]){name, hosts, one, NULL}, count_workers, &n_workers), 2);
    assert_int_equal(n_workers, 0);
    assert_int_equal(run_main((char *[]){name, w, one, NULL}, fail_with_input, NULL), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_workers_has_the_same_result),
        cmocka_unit_test(a_run_is_counted),
        cmocka_unit_test(dataflows_built_late_run_too),
        cmocka_unit_test(clean_up_is_told_before_a_worker_ends),
        cmocka_unit_test(graphs_that_differ_end_the_run),
        cmocka_unit_test(a_worker_that_ends_early_ends_the_run),
        cmocka_unit_test(one_failure_ends_all_workers_with_its_cause),
        cmocka_unit_test(of_many_failures_one_is_told),
        cmocka_unit_test(signals_end_a_run),
        cmocka_unit_test(too_many_workers_are_refused),
        cmocka_unit_test(any_thread_may_activate_a_vertex),
        cmocka_unit_test(the_main_function_takes_its_options_out),
        cmocka_unit_test(the_main_function_returns_the_exit_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
