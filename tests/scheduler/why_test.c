/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real programs that are stuck, as threads of one process and as two processes: the report names
 * what holds them back, its worker and its process. A stuck program goes on, and must end well,
 * when its standard input ends.
 *
 * Run with arguments, this program is one of those: CASE STALL_S PROCESS N_PROCESSES DIRECTORY.
 */
#include "tests/support/cmocka.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nereid.h>

#include "runtime/base/clock.h"
#include "scheduler/worker.h"

/* --- The stuck programs --- */

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));
static const nd_time zero = {.epoch = 0};

enum { STUCK = 1, N_WORKERS = 2 /* of all processes; the second is the one that is stuck */ };

/* What the threads of a program share. */
typedef struct shared {
    const char *what;
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool is_open; /* under the lock: the program may go on */
    nd_activator *bells[N_WORKERS];
} shared;

static bool is_case(const shared *all, const char *what) { return strcmp(all->what, what) == 0; }

static bool is_open(shared *all)
{
    pthread_mutex_lock(&all->lock);
    const bool open = all->is_open;
    pthread_mutex_unlock(&all->lock);
    return open;
}

static void wait_until_open(shared *all)
{
    pthread_mutex_lock(&all->lock);
    while (!all->is_open)
        pthread_cond_wait(&all->opened, &all->lock);
    pthread_mutex_unlock(&all->lock);
}

/* Waits for the end of standard input, then lets everybody go on. */
static void *open_at_end_of_input(void *arg)
{
    shared *all = arg;
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    pthread_mutex_lock(&all->lock);
    all->is_open = true;
    pthread_cond_broadcast(&all->opened);
    for (unsigned i = 0; i < N_WORKERS; i++)
        if (all->bells[i])
            nd_activate(all->bells[i]);
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

static void add_bell(shared *all, nd_vertex *vertex)
{
    nd_activator *bell = nd_vertex_activator(vertex);
    pthread_mutex_lock(&all->lock);
    all->bells[nd_worker_index(nd_vertex_worker(vertex))] = bell;
    if (all->is_open)
        nd_activate(bell);
    pthread_mutex_unlock(&all->lock);
}

static void to_stuck_worker(void *user, const void *records, size_t len, uint64_t *hashes)
{
    (void)user, (void)records;
    for (size_t i = 0; i < len; i++)
        hashes[i] = nd_route_to(STUCK, N_WORKERS);
}

/* Some work: twenty of these are longer than nothing may move. */
static void work(void)
{
    const uint64_t end = nd_clock_now_ns(nd_clock_system()) + 100000000;
    while (nd_clock_now_ns(nd_clock_system()) < end)
        sched_yield();
}

static void keep_batch(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    shared *all = nd_vertex_user(vertex);
    bool *holds = nd_vertex_state(vertex);
    if (is_case(all, "hold")) {
        nd_hold(vertex, time);
        *holds = true;
    }
    if (is_case(all, "slow") || is_case(all, "busy"))
        wait_until_open(all);
    if (is_case(all, "lost"))
        nd_notify_at(vertex, time);
    if (is_case(all, "moving"))
        work();
}

static void release(nd_vertex *vertex)
{
    bool *holds = nd_vertex_state(vertex);
    if (*holds && is_open(nd_vertex_user(vertex))) {
        nd_release(vertex, &zero);
        *holds = false;
    }
}

static void ignore(nd_vertex *vertex, const nd_time *time) { (void)vertex, (void)time; }

static void ignore_batch(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)vertex, (void)port, (void)time, (void)batch;
}

/* input -> 'keeper' -> 'last', with a probe behind it. */
static nd_dataflow *build_words(nd_worker *worker, shared *all, nd_input **input, nd_probe **probe)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "words");
    nd_stream in = nd_input_new(flow, &number_type, input), kept, last;
    nd_vertex *keeper =
        nd_vertex_new(nd_root(flow),
                      &(nd_vertex_def){.name = "keeper",
                                       .user = all,
                                       .state_size = sizeof(bool),
                                       .inputs = {nd_exchange_by(in, to_stuck_worker, nd_no_user)},
                                       .outputs = {&number_type},
                                       .on_recv = keep_batch,
                                       .on_notify = ignore,
                                       .on_activate = release},
                      &kept);
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){.name = "last", .inputs = {nd_pipeline(kept)}, .on_recv = ignore_batch},
        &last);
    *probe = nd_probe_new(last);
    if (is_case(all, "hold"))
        add_bell(all, keeper);
    return flow;
}

static void leave_gate(nd_vertex *vertex)
{
    shared *all = nd_vertex_user(vertex);
    bool *has_left = nd_vertex_state(vertex); /* called again, it has nothing to do */
    const unsigned index = nd_worker_index(nd_vertex_worker(vertex));
    if (*has_left)
        return;
    if (is_open(all) || (index != STUCK && !is_case(all, "busy"))) {
        nd_release(vertex, &zero);
        *has_left = true;
    } else if (index != STUCK) { /* is busy until then */
        sched_yield();
        if (all->bells[index])
            nd_activate(all->bells[index]);
    }
}

/* A dataflow that is over when the program may go on: something else to wait for. */
static nd_dataflow *build_gate(nd_worker *worker, shared *all, nd_probe **probe)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "gate");
    nd_stream out;
    nd_vertex *gate = nd_vertex_new(nd_root(flow),
                                    &(nd_vertex_def){.name = "gate",
                                                     .user = all,
                                                     .state_size = sizeof(bool),
                                                     .outputs = {&number_type},
                                                     .on_activate = leave_gate},
                                    &out);
    *probe = nd_probe_new(out);
    if (nd_worker_index(worker) == STUCK || is_case(all, "busy"))
        add_bell(all, gate);
    return flow;
}

static void lose(nd_host *host, nd_vertex *vertex, const nd_time *time)
{
    (void)host, (void)vertex, (void)time;
}

/* From now on the worker forgets what is due. */
static void plant_loss(nd_worker *worker)
{
    static nd_host_ops ops; /* as the worker's, all its life */
    ops = *worker->host.ops;
    ops.due = lose;
    worker->host.ops = &ops;
}

static nd_err stuck_program(nd_worker *worker, void *arg)
{
    shared *all = arg;
    nd_input *input;
    nd_probe *probe, *gate_probe;
    const bool is_stuck = nd_worker_index(worker) == STUCK;
    nd_dataflow *flow = build_words(worker, all, &input, &probe);
    ND_TRY(nd_dataflow_start(flow));
    const bool has_gate = is_case(all, "input") || is_case(all, "lost");
    if (has_gate || is_case(all, "busy"))
        ND_TRY(nd_dataflow_start(build_gate(worker, all, &gate_probe)));
    if (is_stuck && is_case(all, "lost"))
        plant_loss(worker);
    fprintf(stderr, "ready\n");
    if (!is_stuck)
        nd_input_send(input, &(number){1});
    if (is_stuck && is_case(all, "sleep"))
        wait_until_open(all);
    if (!is_stuck || !is_case(all, "input"))
        nd_input_advance(input, 1);
    if (is_stuck && has_gate)
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, gate_probe, 1));
    if (is_stuck && is_case(all, "lost"))
        nd_dataflow_drop(flow);
    nd_input_advance(input, 1);
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, 1));
    nd_input_close(input);
    return nd_worker_run(worker);
}

/* Moves all the time, if in a single turn of a vertex. */
static nd_err moving_program(nd_worker *worker, void *arg)
{
    nd_input *input;
    nd_probe *probe;
    ND_TRY(nd_dataflow_start(build_words(worker, arg, &input, &probe)));
    for (uint64_t epoch = 1; epoch <= 20; epoch++) {
        nd_input_send(input, &(number){1});
        nd_input_advance(input, epoch);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static int run_program(char **argv)
{
    shared all = {
        .what = argv[1], .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};
    char own[160], other[160];
    pthread_t opener;
    nd_message message;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(own, sizeof own, "ipc://%s/0", argv[5]);
    snprintf(other, sizeof other, "ipc://%s/1", argv[5]);
    const char *addresses[] = {own, other};
    const unsigned n_processes = (unsigned)atoi(argv[4]);
    const bool moves = is_case(&all, "moving");
    const nd_config config = {.n_workers = moves ? 1 : N_WORKERS / n_processes,
                              .n_processes = n_processes,
                              .process = (unsigned)atoi(argv[3]),
                              .addresses = addresses,
                              .stall_s = (unsigned)atoi(argv[2]),
                              .job = {1, 2}};
    if (pthread_create(&opener, NULL, open_at_end_of_input, &all) != 0)
        return 1;
    const nd_err err =
        nd_execute(&config, moves ? moving_program : stuck_program, &all, NULL, &message);
    if (err != ND_OK)
        fprintf(stderr, "nereid: %s\n", message.text);
    for (unsigned i = 0; i < N_WORKERS; i++)
        nd_activator_release(all.bells[i]);
    pthread_join(opener, NULL);
    return nd_err_status(err);
}

/* --- Running them --- */

enum { PATIENCE_MS = 40000, MOST_PROCESSES = 2 };

typedef struct child {
    pid_t pid;
    int input, errors;
    char text[16384]; /* what it has said on standard error */
    size_t len;
} child;

typedef struct program {
    unsigned n_processes;
    child children[MOST_PROCESSES];
    char directory[64];
} program;

static void start_child(child *one, const char *what, const char *stall, unsigned process,
                        const program *all)
{
    int input[2], errors[2];
    char number_text[16], n_text[16];
    *one = (child){.len = 0};
    assert_int_equal(pipe(input), 0);
    assert_int_equal(pipe(errors), 0);
    snprintf(number_text, sizeof number_text, "%u", process);
    snprintf(n_text, sizeof n_text, "%u", all->n_processes);
    one->pid = fork();
    assert_true(one->pid >= 0);
    if (one->pid == 0) {
        (void)dup2(input[0], STDIN_FILENO);
        (void)dup2(errors[1], STDERR_FILENO);
        for (int i = STDERR_FILENO + 1; i < 256; i++)
            (void)close(i);
        execl("/proc/self/exe", "why_test", what, stall, number_text, n_text, all->directory,
              (char *)NULL);
        _exit(127);
    }
    (void)close(input[0]);
    (void)close(errors[1]);
    one->input = input[1];
    one->errors = errors[0];
}

static void start(program *all, const char *what, const char *stall, unsigned n_processes)
{
    *all = (program){.n_processes = n_processes, .directory = "why_XXXXXX"};
    assert_non_null(mkdtemp(all->directory));
    for (unsigned i = 0; i < n_processes; i++)
        start_child(&all->children[i], what, stall, i, all);
}

/* Reads more of what the child says; false at the end. */
static bool hear(child *one)
{
    struct pollfd ready = {.fd = one->errors, .events = POLLIN};
    if (poll(&ready, 1, PATIENCE_MS) <= 0)
        fail_msg("nothing more came after:\n%s", one->text);
    const ssize_t n = read(one->errors, one->text + one->len, sizeof one->text - 1 - one->len);
    assert_true(n >= 0);
    one->len += (size_t)n;
    one->text[one->len] = '\0';
    return n > 0;
}

static void await(child *one, const char *text)
{
    while (strstr(one->text, text) == NULL)
        if (!hear(one))
            fail_msg("'%s' was not said:\n%s", text, one->text);
}

/* Lets the program go on; it must end well. */
static void finish(program *all)
{
    char path[96];
    for (unsigned i = 0; i < all->n_processes; i++)
        (void)close(all->children[i].input);
    for (unsigned i = 0; i < all->n_processes; i++) {
        child *one = &all->children[i];
        int status;
        while (hear(one))
            continue;
        (void)close(one->errors);
        assert_int_equal(waitpid(one->pid, &status, 0), one->pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("it ended with %d:\n%s", status, one->text);
        snprintf(path, sizeof path, "%s/%u", all->directory, i);
        (void)unlink(path);
    }
    (void)rmdir(all->directory);
}

/* --- What is said --- */

/* A case, and what is said of it; %u is the process of the worker that is stuck. */
typedef struct expectation {
    const char *what, *lines[3];
} expectation;

static const expectation expectations[] = {
    {"input",
     {"nereid: worker 1 (process %u): input 'input' of dataflow 'words' is open at epoch 0: "
      "advance or close it",
      "nereid: worker 0 (process 0) waits for what comes before epoch 1 behind vertex 'last' of "
      "dataflow 'words'; by way of 'input' -> 'keeper' -> 'last'",
      "nereid: worker 1 (process %u): source 'gate' of dataflow 'gate' holds (0)"}},
    {"hold",
     {"nereid: worker 1 (process %u): vertex 'keeper' of dataflow 'words' holds (0) until it calls "
      "nd_release",
      "nereid: worker 1 (process %u) waits for what comes before epoch 1 behind vertex 'last'"}},
    {"slow",
     {"nereid: worker 1 (process %u) has been inside vertex 'keeper' of dataflow 'words' for ",
      "nereid: 1 batch at (0) for input 0 of vertex 'keeper' of dataflow 'words': this can only be "
      "with worker 1 (process %u), who does not answer"}},
    {"lost",
     {"nereid: worker 1 (process %u): vertex 'keeper' of dataflow 'words' has not been notified of "
      "(0), though nothing before that can come to it any more"}},
    {"sleep",
     {"nereid: input 'input' of dataflow 'words', open at epoch 0 on 1 worker: this can only be "
      "with worker 1 (process %u), who does not answer",
      "nereid: worker 1 (process %u) does not answer: its program does not step it"}},
};

enum { N_CASES = sizeof expectations / sizeof *expectations };

static void expect(program *all, const expectation *expected)
{
    char text[512];
    for (unsigned i = 0; i < 3 && expected->lines[i]; i++) {
        const char *place = strstr(expected->lines[i], "%u");
        const int len = place ? (int)(place - expected->lines[i]) : 0;
        snprintf(text, sizeof text, "%.*s", len, expected->lines[i]);
        if (place)
            snprintf(text + len, sizeof text - (size_t)len, "%u%s", all->n_processes - 1,
                     place + 2);
        else
            snprintf(text, sizeof text, "%s", expected->lines[i]);
        await(&all->children[0], text);
    }
}

static void when_nothing_moves_each_kind_of_holder_is_named(void **state)
{
    (void)state;
    static program programs[N_CASES][MOST_PROCESSES];
    for (unsigned i = 0; i < N_CASES; i++)
        for (unsigned n = 1; n <= MOST_PROCESSES; n++)
            start(&programs[i][n - 1], expectations[i].what, "1", n);
    for (unsigned i = 0; i < N_CASES; i++)
        for (unsigned n = 0; n < MOST_PROCESSES; n++) {
            expect(&programs[i][n], &expectations[i]);
            await(&programs[i][n].children[0], "nereid: nothing has moved for ");
        }
    for (unsigned i = 0; i < N_CASES; i++)
        for (unsigned n = 0; n < MOST_PROCESSES; n++)
            finish(&programs[i][n]);
}

static void a_signal_asks_at_once(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= MOST_PROCESSES; n++) {
        program all;
        start(&all, "input", "1000", n);
        for (unsigned i = 0; i < n; i++)
            await(&all.children[i], n == 1 ? "ready\nready\n" : "ready\n");
        assert_int_equal(kill(all.children[0].pid, SIGUSR1), 0);
        await(&all.children[0], "nereid: what the run waits for:\n");
        await(&all.children[0], "worker 1 (process ");
        await(&all.children[0], "input 'input' of dataflow 'words' is open at epoch 0");
        finish(&all);
    }
}

static void a_process_that_is_stopped_is_named(void **state)
{
    (void)state;
    program all;
    start(&all, "input", "1000", 2);
    await(&all.children[0], "ready\n");
    await(&all.children[1], "ready\n");
    do { /* until the first process knows the dataflow's counts */
        all.children[0].len = 0;
        all.children[0].text[0] = '\0';
        assert_int_equal(kill(all.children[0].pid, SIGUSR1), 0);
        await(&all.children[0], "worker 0 (process 0) waits");
    } while (strstr(all.children[0].text, "behind vertex 'last'") == NULL);
    all.children[0].len = 0;
    all.children[0].text[0] = '\0';
    assert_int_equal(kill(all.children[1].pid, SIGSTOP), 0);
    assert_int_equal(kill(all.children[0].pid, SIGUSR1), 0);
    await(&all.children[0], "nereid: process 1 does not answer: it is stopped, or behind");
    await(&all.children[0], "nereid: worker 0 (process 0) waits for what comes before epoch 1");
    assert_non_null(strstr(all.children[0].text,
                           "nereid: input 'input' of dataflow 'words', open at epoch 0 on 1 "
                           "worker: this can only be with process 1, who does not answer"));
    assert_int_equal(kill(all.children[1].pid, SIGCONT), 0);
    finish(&all);
}

static void a_slow_vertex_is_told_of_while_others_move(void **state)
{
    (void)state;
    program all;
    start(&all, "busy", "1", 1);
    await(&all.children[0],
          "nereid: worker 1 (process 0) has been inside vertex 'keeper' of dataflow 'words' for ");
    finish(&all);
    assert_null(strstr(all.children[0].text, "nothing has moved"));
}

static void a_run_that_moves_is_not_reported(void **state)
{
    (void)state;
    program all;
    start(&all, "moving", "1", 1);
    finish(&all);
    assert_string_equal(all.children[0].text, "");
}

int main(int argc, char **argv)
{
    if (argc == 6)
        return run_program(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_nothing_moves_each_kind_of_holder_is_named),
        cmocka_unit_test(a_signal_asks_at_once),
        cmocka_unit_test(a_process_that_is_stopped_is_named),
        cmocka_unit_test(a_slow_vertex_is_told_of_while_others_move),
        cmocka_unit_test(a_run_that_moves_is_not_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
