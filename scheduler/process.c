/* SPDX-License-Identifier: Apache-2.0 */
/* A process: its workers as threads, the queues between them, the net thread if there are other
 * processes, and how they end.
 *
 * The thread that calls nd_execute waits in a loop of its own for signals, for the other processes
 * to come, and for workers to end. Each worker has a loop too, in which it parks. Shared: `err` and
 * `message`, under `lock` (the first failure wins), `is_ending`, and each seat's alarm. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <uv.h>

#include <nereid/memory.h>
#include <nereid/worker.h>

#include "runtime/base/clock.h"
#include "runtime/dataflow.h"
#include "runtime/run_stats.h"
#include "scheduler/identity.h"
#include "scheduler/place/addresses.h"
#include "scheduler/seat.h"
#include "scheduler/watch/watch.h"
#include "transport/local.h"
#include "transport/zmq/net.h"

enum {
    PATIENCE_S = 5,               /* for workers to stop, once a run has failed */
    TIMEOUT_S = 60,               /* for the other processes to come, unless it is said */
    IN_FLIGHT = 64 * 1024 * 1024, /* bytes a worker under way, above which sources wait */
};

typedef struct nd_process {
    unsigned n_workers;
    bool has_cores; /* there is one for each worker of this machine */
    nd_seat *seats;
    unsigned process, n_processes;
    nd_local *local; /* between the workers, when there is no other process */
    nd_net *net;     /* otherwise */
    nd_keys keys;    /* of the net, if there are any */
    nd_budget budget;
    nd_program *program;
    void *arg;
    uv_loop_t loop;  /* the calling thread's */
    uv_async_t bell; /* rung when any of the flags below is set */
    uv_timer_t patience;
    uv_signal_t signals[2];
    nd_watch watch; /* shared, in the way it says */
    bool has_loop, has_bell;
    uv_mutex_t lock;
    nd_err err;
    nd_message message;
    _Atomic bool is_ending;   /* err is set; written under lock */
    _Atomic bool is_joined;   /* every other process is there; the net thread sets it */
    _Atomic bool is_net_over; /* the net thread is about to end; it sets it */
    _Atomic unsigned n_ended; /* workers */
    bool has_run;             /* the workers have been started */
    bool has_left;            /* the net has been asked to end */
} nd_process;

/* --- Failure --- */

static void ring(nd_process *process) { uv_async_send(&process->bell); }

/* Notes a cause unless there is one already; returns the first. Any thread. */
static nd_err note_failure(nd_process *process, nd_err err, const char *text)
{
    uv_mutex_lock(&process->lock);
    const bool is_first = process->err == ND_OK;
    if (is_first) {
        process->err = nd_message_set(&process->message, err, "%s", text);
        atomic_store_explicit(&process->is_ending, true, memory_order_release);
    }
    const nd_err first = process->err;
    uv_mutex_unlock(&process->lock);
    for (unsigned i = 0; is_first && process->seats && i < process->n_workers; i++)
        if (process->seats[i].has_worker)
            nd_worker_alert(&process->seats[i].worker);
    if (is_first && process->has_bell)
        ring(process);
    return first;
}

/* A cause that arose here. Where there are other processes it is said in which. */
static nd_err fail_here(nd_process *process, nd_err err, const char *text)
{
    nd_message message;
    if (process->n_processes == 1)
        return note_failure(process, err, text);
    nd_message_set(&message, err, "process %u: %s", process->process, text);
    return note_failure(process, err, message.text);
}

static nd_err failed(void *process, nd_err err, const char *text)
{
    return fail_here(process, err, text);
}

static nd_err ended(void *context)
{
    nd_process *const process = context;
    if (!atomic_load_explicit(&process->is_ending, memory_order_acquire))
        return ND_OK;
    uv_mutex_lock(&process->lock);
    const nd_err err = process->err;
    uv_mutex_unlock(&process->lock);
    return err;
}

/* --- Workers --- */

static void wake_by_number(void *context, unsigned worker)
{
    nd_seat_wake(&((nd_process *)context)->seats[worker]);
}

static void relieve(void *context)
{
    nd_process *const process = context;
    for (unsigned i = 0; i < process->n_workers; i++)
        nd_worker_alert(&process->seats[i].worker);
}

static void alerted(void *context, unsigned index)
{
    nd_watch_alerted(&((nd_process *)context)->watch, index);
}

static void leaves(void *context, unsigned index)
{
    nd_watch_leave(&((nd_process *)context)->watch, index);
}

static void closed(void *context)
{
    nd_process *const process = context;
    atomic_fetch_add_explicit(&process->n_ended, 1, memory_order_release);
    ring(process);
}

static nd_patience patience(const nd_process *process)
{
    if (process->n_workers == 1 && process->n_processes == 1)
        return ND_PATIENCE_NONE;
    return process->has_cores ? ND_PATIENCE_SPIN : ND_PATIENCE_YIELD;
}

static nd_err open_seat(nd_process *process, unsigned index)
{
    static const nd_seat_ops ops = {
        .failed = failed, .ended = ended, .alerted = alerted, .leaves = leaves, .closed = closed};
    nd_seat *const seat = &process->seats[index];
    *seat = (nd_seat){.ops = &ops,
                      .process = process,
                      .index = index,
                      .patience = patience(process),
                      .program = process->program,
                      .arg = process->arg};
    return nd_seat_open(
        seat,
        &(nd_worker_def){.index = process->process * process->n_workers + index,
                         .peers = process->n_processes * process->n_workers,
                         .processes = process->n_processes,
                         .transport = process->net ? nd_net_transport(process->net, index)
                                                   : nd_local_transport(process->local, index),
                         .budget = &process->budget});
}

/* --- The net thread --- */

static void joined(void *context)
{
    nd_process *const process = context;
    atomic_store_explicit(&process->is_joined, true, memory_order_release);
    ring(process);
}

static void failed_elsewhere(void *context, nd_err err, const char *text)
{
    note_failure(context, err, text);
}

static void net_over(void *context)
{
    nd_process *const process = context;
    atomic_store_explicit(&process->is_net_over, true, memory_order_release);
    ring(process);
}

static void notice(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "nereid: %s\n", text);
}

static void asked(void *context) { nd_watch_asked(&((nd_process *)context)->watch); }

static void told(void *context, unsigned process, const char *const *lines, size_t n_lines)
{
    nd_watch_told(&((nd_process *)context)->watch, process, lines, n_lines);
}

static void heard(void *context, unsigned process, uint64_t silent_ms, bool has_waiting)
{
    nd_watch_heard(&((nd_process *)context)->watch, process, silent_ms, has_waiting);
}

static nd_err open_net(nd_process *process, const nd_config *config)
{
    nd_net_def def = {.process = config->process,
                      .n_processes = config->n_processes,
                      .n_workers = process->n_workers,
                      .addresses = config->addresses,
                      .job = {config->job[0], config->job[1]},
                      .timeout_s = config->timeout_s ? config->timeout_s : TIMEOUT_S,
                      .mode = ND_PUBLISH_DEMAND,
                      .budget = &process->budget,
                      .wake = wake_by_number,
                      .started = joined,
                      .failed = failed_elsewhere,
                      .notice = notice,
                      .asked = asked,
                      .told = told,
                      .heard = heard,
                      .over = net_over,
                      .context = process};
    ND_TRY(nd_identity_of_program(def.build, &process->message));
    ND_TRY(nd_identity_of_process(&def.incarnation, &process->message));
    if (config->secret) {
        ND_TRY(nd_keys_read(config->secret, config->process, &process->keys, &process->message));
        def.keys = &process->keys;
    }
    return nd_net_create(&def, &process->net, &process->message);
}

/* --- The calling thread --- */

static void start_workers(nd_process *process)
{
    process->has_run = true;
    nd_watch_start(&process->watch);
    for (unsigned i = 0; i < process->n_workers; i++) {
        nd_seat *const seat = &process->seats[i];
        if (ended(process) == ND_OK && nd_seat_start(seat) == ND_OK)
            continue;
        fail_here(process, ND_NOMEM, "a thread cannot be started: too many already?");
        leaves(process, i);
        closed(process);
    }
}

/* Some user's code does not return, and nobody is to wait for it: not who has started the program,
 * and not the other processes. */
static void on_impatient(uv_timer_t *timer)
{
    nd_process *const process = timer->data;
    fprintf(stderr, "nereid: a worker did not stop within %d s\n", PATIENCE_S);
    nd_report(nd_err_status(process->err), process->message.text);
    _Exit(nd_err_status(process->err));
}

/* What this process has done; the workers have ended. */
static nd_run_stats count(const nd_process *process)
{
    nd_run_stats sum = {.n_batches = 0};
    struct rusage usage;
    for (unsigned i = 0; process->seats && i < process->n_workers; i++)
        nd_run_stats_add(&sum, &process->seats[i].worker.host.stats);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        sum.peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    return sum;
}

/* Every worker has ended well, or the run has failed: it is the net's turn to end. */
static void leave_net(nd_process *process, nd_err err)
{
    if (err != ND_OK) { /* also when this process is only waiting for the others to end */
        nd_net_abort(process->net, err, process->message.text);
        return;
    }
    if (process->has_left)
        return;
    process->has_left = true;
    const nd_run_stats done = count(process);
    nd_net_set_stats(process->net, &done);
    nd_net_finish(process->net);
}

static void on_bell(uv_async_t *bell)
{
    nd_process *const process = bell->data;
    const nd_err err = ended(process);
    if (err == ND_OK && !process->has_run &&
        atomic_load_explicit(&process->is_joined, memory_order_acquire))
        start_workers(process);
    const bool have_ended =
        process->has_run
            ? atomic_load_explicit(&process->n_ended, memory_order_acquire) == process->n_workers
            : err != ND_OK;
    if (err != ND_OK && !have_ended && !uv_is_active((uv_handle_t *)&process->patience))
        uv_timer_start(&process->patience, on_impatient, PATIENCE_S * 1000, 0);
    if (process->net && (have_ended || err != ND_OK))
        leave_net(process, err);
    if (have_ended &&
        (!process->net || atomic_load_explicit(&process->is_net_over, memory_order_acquire)))
        uv_stop(&process->loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    nd_process *const process = handle->data;
    uv_signal_stop(handle); /* so that a second one ends a program that is stuck */
    fail_here(process, ND_INTR, number == SIGINT ? "interrupted" : "terminated");
}

static nd_err init_loop(nd_process *process)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&process->loop) != 0)
        return ND_NOMEM;
    process->has_loop = true;
    process->bell.data = process->patience.data = process;
    if (uv_async_init(&process->loop, &process->bell, on_bell) != 0 ||
        uv_timer_init(&process->loop, &process->patience) != 0)
        return ND_NOMEM;
    process->has_bell = true;
    for (int i = 0; i < 2; i++) {
        process->signals[i].data = process;
        if (uv_signal_init(&process->loop, &process->signals[i]) != 0 ||
            uv_signal_start(&process->signals[i], on_signal, numbers[i]) != 0)
            return ND_NOMEM;
    }
    return ND_OK;
}

static nd_err init_watch(nd_process *process, unsigned stall_s)
{
    ND_TRY(nd_watch_init(&process->watch, &(nd_watch_def){.loop = &process->loop,
                                                          .net = process->net,
                                                          .process = process->process,
                                                          .n_processes = process->n_processes,
                                                          .n_workers = process->n_workers,
                                                          .stall_s = stall_s,
                                                          .print = notice}));
    for (unsigned i = 0; i < process->n_workers; i++)
        nd_watch_add(&process->watch, i, &process->seats[i].worker);
    return ND_OK;
}

static nd_err init_process(nd_process *process, const nd_config *config)
{
    ND_TRY(init_loop(process));
    process->seats = nd_alloc_zero(process->n_workers, sizeof *process->seats);
    if (!process->seats)
        return ND_NOMEM;
    if (process->n_processes > 1)
        ND_TRY(open_net(process, config));
    else
        ND_TRY(nd_local_create(process->n_workers, wake_by_number, process, &process->local));
    for (unsigned i = 0; i < process->n_workers; i++)
        ND_TRY(open_seat(process, i));
    ND_TRY(init_watch(process, config ? config->stall_s : 0));
    return process->net ? nd_net_start(process->net) : ND_OK;
}

static void run_process(nd_process *process)
{
    if (!process->net)
        atomic_store_explicit(&process->is_joined, true, memory_order_release);
    ring(process);
    uv_run(&process->loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < process->n_workers; i++)
        nd_seat_join(&process->seats[i]);
    if (!process->net)
        return;
    nd_net_join(process->net);
    const nd_err verdict = nd_net_verdict(process->net, &process->message);
    if (verdict != ND_OK)
        process->err = verdict;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(uv_loop_t *loop)
{
    uv_walk(loop, close_handle, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
}

static void deinit_process(nd_process *process)
{
    nd_local_destroy(process->local);
    nd_net_destroy(process->net);
    nd_keys_wipe(&process->keys);
    for (unsigned i = 0; process->seats && i < process->n_workers; i++)
        nd_seat_close(&process->seats[i]);
    for (unsigned i = 0; process->seats && i < process->n_workers; i++)
        nd_seat_deinit(&process->seats[i]);
    nd_free(process->seats);
    if (process->has_loop)
        close_loop(&process->loop);
    nd_watch_deinit(&process->watch);
}

static nd_err check_config(const nd_process *process, const nd_config *config, nd_message *message)
{
    if (process->n_workers > ND_MAX_WORKERS)
        return nd_message_set(message, ND_USAGE, "%u workers are too many: at most %d",
                              process->n_workers, ND_MAX_WORKERS);
    if (process->n_processes == 1)
        return ND_OK;
    if (process->n_processes > ND_MAX_PROCESSES)
        return nd_message_set(message, ND_USAGE, "%u processes are too many: at most %d",
                              process->n_processes, ND_MAX_PROCESSES);
    if (process->process >= process->n_processes)
        return nd_message_set(message, ND_USAGE, "there is no process %u among %u",
                              process->process, process->n_processes);
    return config->addresses
               ? ND_OK
               : nd_message_set(message, ND_USAGE, "several processes need an address each");
}

/* How many workers there are, and whether each has a core, as far as addresses tell which
 * processes are on one machine. */
static void count_workers(nd_process *process, const nd_config *config)
{
    const unsigned n_cores = uv_available_parallelism();
    unsigned n_here = 1;
    process->n_processes = config && config->n_processes ? config->n_processes : 1;
    process->n_workers = config ? config->n_workers : 0;
    if (!process->n_workers)
        process->n_workers = n_cores < ND_MAX_WORKERS ? n_cores : ND_MAX_WORKERS;
    if (process->n_processes > 1 && process->n_processes <= ND_MAX_PROCESSES && config->addresses)
        n_here = nd_most_on_a_host(config->addresses, process->n_processes);
    process->has_cores = (uint64_t)n_here * process->n_workers <= n_cores;
}

nd_err nd_execute(const nd_config *config, nd_program *program, void *arg, nd_run_stats *stats,
                  nd_message *message)
{
    nd_process process = {.program = program, .arg = arg};
    count_workers(&process, config);
    process.process = process.n_processes > 1 ? config->process : 0;
    ND_TRY(check_config(&process, config, message));
    process.budget = (nd_budget){
        .limit = (int64_t)process.n_workers * IN_FLIGHT, .relieve = relieve, .context = &process};
    if (uv_mutex_init(&process.lock) != 0)
        return nd_message_set(message, ND_NOMEM, "out of memory");
    nd_message_set(&process.message, ND_NOMEM, "out of memory while starting workers");
    const nd_err err = init_process(&process, config);
    if (err == ND_OK)
        run_process(&process);
    else
        process.err = err;
    if (stats)
        *stats = process.net ? nd_net_get_stats(process.net) : count(&process);
    deinit_process(&process);
    uv_mutex_destroy(&process.lock);
    if (process.err != ND_OK)
        nd_message_set(message, process.err, "%s", process.message.text);
    return process.err;
}
