/* SPDX-License-Identifier: Apache-2.0 */
/* A process: its workers as threads, the queues between them, and how they end.
 *
 * The thread that calls nd_execute waits in a loop of its own for signals and for workers to end.
 * Each worker has a loop too, in which it parks. Shared: `err` and `message`, under `lock` (the
 * first failure wins), `is_ending`, and each seat's `is_parked`.
 *
 * Parking. A worker sets its flag, looks for work once more, then waits. Whoever sends something
 * clears the flag after sending, and rings if it was set. Both use an exchange, so one comes before
 * the other: if the worker's does, the sender finds the flag set and rings; if the sender's does,
 * the worker's reads what it wrote, and so sees what was sent before. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include <nereid/memory.h>
#include <nereid/worker.h>

#include "runtime/base/cache_line.h"
#include "runtime/base/clock.h"
#include "runtime/dataflow.h"
#include "scheduler/worker.h"
#include "transport/local.h"

enum {
    LOOKS = 200, /* at the queues, in a row, where every worker has a core: some microseconds */
    PATIENCE_NS = 100000, /* then, before parking: twice what waking another core costs, or two
                             workers that have once parked would go on waking each other */
    YIELDS = 4,           /* times the core is offered to another worker first, where not */
    IN_FLIGHT = 64 * 1024 * 1024, /* bytes a worker under way, above which sources wait */
};

typedef struct nd_process nd_process;

/* A worker's thread. */
typedef struct nd_seat {
    nd_worker worker;
    nd_process *process;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t bell; /* ends a park; any thread may ring */
    bool has_loop, has_worker, has_thread;
    char apart[ND_CACHE_LINE]; /* keeps what every sender writes away from what the worker does */
    _Atomic bool is_parked;    /* set by the worker, cleared by whoever wakes it */
    char behind[ND_CACHE_LINE];
} nd_seat;

struct nd_process {
    unsigned n_workers, n_cores;
    nd_seat *seats;
    nd_local *local;
    nd_budget budget;
    nd_program *program;
    void *arg;
    uv_loop_t loop;   /* the calling thread's */
    uv_async_t ended; /* rung by each worker that has ended */
    uv_signal_t signals[2];
    bool has_loop;
    uv_mutex_t lock;
    nd_err err;
    nd_message message;
    _Atomic bool is_ending; /* err is set; written under lock */
    _Atomic unsigned n_ended;
};

/* --- Failure --- */

/* Notes a cause unless there is one already; returns the first. Any thread. */
static nd_err end(nd_process *process, nd_err err, const char *text)
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
    return first;
}

static nd_err failed(void *owner, nd_err err, const char *text)
{
    return end(((nd_seat *)owner)->process, err, text);
}

static nd_err ended(void *owner)
{
    nd_process *const process = ((nd_seat *)owner)->process;
    if (!atomic_load_explicit(&process->is_ending, memory_order_acquire))
        return ND_OK;
    uv_mutex_lock(&process->lock);
    const nd_err err = process->err;
    uv_mutex_unlock(&process->lock);
    return err;
}

/* --- Parking --- */

/* Waits for work without parking; false if none came. */
static bool look_out(const nd_process *process, nd_worker *worker)
{
    if (process->n_workers == 1)
        return false;
    const bool has_core = process->n_workers <= process->n_cores;
    for (unsigned i = 0; has_core && i < LOOKS; i++)
        if (nd_worker_has_work(worker))
            return true;
    const uint64_t begin = nd_clock_now_ns(nd_clock_system());
    for (unsigned i = 0; has_core || i < YIELDS; i++) {
        sched_yield();
        if (nd_worker_has_work(worker))
            return true;
        if (nd_clock_now_ns(nd_clock_system()) - begin > PATIENCE_NS)
            break;
    }
    return false;
}

static void park(void *owner, nd_worker *worker)
{
    nd_seat *const seat = owner;
    if (look_out(seat->process, worker))
        return;
    atomic_exchange_explicit(&seat->is_parked, true, memory_order_acq_rel); /* see above */
    if (!nd_worker_has_work(worker))
        uv_run(&seat->loop, UV_RUN_ONCE);
    atomic_exchange_explicit(&seat->is_parked, false, memory_order_acq_rel); /* likewise */
}

static void wake_seat(nd_seat *seat)
{
    if (atomic_exchange_explicit(&seat->is_parked, false, memory_order_acq_rel)) /* see above */
        uv_async_send(&seat->bell);
}

static void wake(void *owner, nd_worker *worker)
{
    (void)worker;
    wake_seat(owner);
}

static void wake_by_number(void *context, unsigned worker)
{
    wake_seat(&((nd_process *)context)->seats[worker]);
}

static void relieve(void *context)
{
    nd_process *const process = context;
    for (unsigned i = 0; i < process->n_workers; i++)
        nd_worker_alert(&process->seats[i].worker);
}

static void ring(uv_async_t *bell) { (void)bell; /* it only ends uv_run */ }

/* --- A worker's thread --- */

static void run_worker(void *arg)
{
    nd_seat *const seat = arg;
    nd_process *const process = seat->process;
    nd_worker *const worker = &seat->worker;
    nd_err err = process->program(worker, process->arg);
    if (err == ND_OK)
        err = nd_worker_run(worker);
    if (err == ND_OK)
        err = nd_host_end(&worker->host);
    if (err != ND_OK)
        end(process, err, nd_err_text(err));
    worker->host.transport.ops->flush(worker->host.transport.endpoint);
    nd_worker_close(worker);
    atomic_fetch_add_explicit(&process->n_ended, 1, memory_order_release);
    uv_async_send(&process->ended);
}

static nd_err start_seat(nd_process *process, unsigned index)
{
    static const nd_worker_owner_ops ops = {
        .failed = failed, .ended = ended, .park = park, .wake = wake};
    nd_seat *const seat = &process->seats[index];
    seat->process = process;
    if (uv_loop_init(&seat->loop) != 0)
        return ND_NOMEM;
    seat->has_loop = true;
    if (uv_async_init(&seat->loop, &seat->bell, ring) != 0)
        return ND_NOMEM;
    const nd_worker_def def = {.index = index,
                               .peers = process->n_workers,
                               .processes = 1,
                               .transport = nd_local_transport(process->local, index),
                               .budget = &process->budget,
                               .schedule = &nd_schedule_plain,
                               .owner_ops = &ops,
                               .owner = seat};
    ND_TRY(nd_worker_init(&seat->worker, &def));
    seat->has_worker = true;
    return ND_OK;
}

/* --- The calling thread --- */

static void on_signal(uv_signal_t *handle, int number)
{
    nd_process *const process = handle->data;
    uv_signal_stop(handle); /* so that a second one ends a program that is stuck */
    end(process, ND_INTR, number == SIGINT ? "interrupted" : "terminated");
}

static void on_ended(uv_async_t *handle)
{
    nd_process *const process = handle->data;
    if (atomic_load_explicit(&process->n_ended, memory_order_acquire) == process->n_workers)
        uv_stop(&process->loop);
}

static nd_err init_process(nd_process *process)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    if (uv_loop_init(&process->loop) != 0)
        return ND_NOMEM;
    process->has_loop = true;
    process->ended.data = process;
    if (uv_async_init(&process->loop, &process->ended, on_ended) != 0)
        return ND_NOMEM;
    for (int i = 0; i < 2; i++) {
        process->signals[i].data = process;
        if (uv_signal_init(&process->loop, &process->signals[i]) != 0 ||
            uv_signal_start(&process->signals[i], on_signal, numbers[i]) != 0)
            return ND_NOMEM;
    }
    process->seats = nd_alloc_zero(process->n_workers, sizeof *process->seats);
    if (!process->seats)
        return ND_NOMEM;
    ND_TRY(nd_local_create(process->n_workers, wake_by_number, process, &process->local));
    for (unsigned i = 0; i < process->n_workers; i++)
        ND_TRY(start_seat(process, i));
    return ND_OK;
}

static void run_threads(nd_process *process)
{
    for (unsigned i = 0; i < process->n_workers; i++) {
        nd_seat *const seat = &process->seats[i];
        seat->has_thread =
            ended(seat) == ND_OK && uv_thread_create(&seat->thread, run_worker, seat) == 0;
        if (seat->has_thread)
            continue;
        end(process, ND_NOMEM, "a thread cannot be started: too many already?");
        nd_worker_close(&seat->worker);
        atomic_fetch_add_explicit(&process->n_ended, 1, memory_order_release);
    }
    uv_async_send(&process->ended);
    uv_run(&process->loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < process->n_workers; i++)
        if (process->seats[i].has_thread)
            uv_thread_join(&process->seats[i].thread);
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

static void add_stats(const nd_process *process, nd_run_stats *stats)
{
    *stats = (nd_run_stats){.n_batches = 0};
    for (unsigned i = 0; process->seats && i < process->n_workers; i++) {
        const nd_run_stats *const one = &process->seats[i].worker.host.stats;
        stats->n_batches += one->n_batches;
        stats->n_records += one->n_records;
        stats->data_bytes += one->data_bytes;
        stats->progress_frames += one->progress_frames;
        stats->progress_bytes += one->progress_bytes;
    }
}

static void deinit_process(nd_process *process, bool has_run)
{
    nd_local_destroy(process->local);
    for (unsigned i = 0; process->seats && i < process->n_workers; i++) {
        nd_seat *const seat = &process->seats[i];
        if (seat->has_worker && !has_run)
            nd_worker_close(&seat->worker);
        if (seat->has_loop)
            close_loop(&seat->loop);
    }
    for (unsigned i = 0; process->seats && i < process->n_workers; i++)
        if (process->seats[i].has_worker)
            nd_worker_deinit(&process->seats[i].worker);
    nd_free(process->seats);
    if (process->has_loop)
        close_loop(&process->loop);
}

nd_err nd_execute(const nd_config *config, nd_program *program, void *arg, nd_run_stats *stats,
                  nd_message *message)
{
    nd_process process = {.n_cores = uv_available_parallelism(), .program = program, .arg = arg};
    process.n_workers = config && config->n_workers ? config->n_workers : process.n_cores;
    if (process.n_workers > ND_MAX_WORKERS)
        return nd_message_set(message, ND_USAGE, "%u workers are too many: at most %d",
                              process.n_workers, ND_MAX_WORKERS);
    process.budget = (nd_budget){
        .limit = (int64_t)process.n_workers * IN_FLIGHT, .relieve = relieve, .context = &process};
    if (uv_mutex_init(&process.lock) != 0)
        return nd_message_set(message, ND_NOMEM, "out of memory");
    const nd_err err = init_process(&process);
    if (err == ND_OK)
        run_threads(&process);
    else
        end(&process, err, "out of memory while starting workers");
    if (stats)
        add_stats(&process, stats);
    deinit_process(&process, err == ND_OK);
    uv_mutex_destroy(&process.lock);
    if (process.err != ND_OK)
        nd_message_set(message, process.err, "%s", process.message.text);
    return process.err;
}
