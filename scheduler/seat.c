/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/seat.h"

#include <sched.h>

#include "runtime/base/clock.h"
#include "runtime/dataflow.h"

enum {
    LOOKS = 200, /* at the queues, in a row, where every worker has a core: some microseconds */
    PATIENCE_NS = 100000, /* then, before parking: twice what waking another core costs, or two
                             workers that have once parked would go on waking each other */
    YIELDS = 4,           /* times the core is offered to another worker first, where not */
};

/* --- Parking --- */

/* Waits for work without parking; false if none came. */
static bool look_out(const nd_seat *seat, nd_worker *worker)
{
    const bool spins = seat->patience == ND_PATIENCE_SPIN;
    if (seat->patience == ND_PATIENCE_NONE)
        return false;
    for (unsigned i = 0; spins && i < LOOKS; i++)
        if (nd_worker_has_work(worker))
            return true;
    const uint64_t begin = nd_clock_now_ns(nd_clock_system());
    for (unsigned i = 0; spins || i < YIELDS; i++) {
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
    if (look_out(seat, worker))
        return;
    nd_alarm_set(&seat->alarm);
    if (!nd_worker_has_work(worker))
        uv_run(&seat->loop, UV_RUN_ONCE);
    nd_alarm_stop(&seat->alarm);
}

void nd_seat_wake(nd_seat *seat) { nd_alarm_ring(&seat->alarm); }

static void wake(void *owner, nd_worker *worker)
{
    (void)worker;
    nd_seat_wake(owner);
}

/* --- What the worker tells the process --- */

static nd_err failed(void *owner, nd_err err, const char *text)
{
    const nd_seat *const seat = owner;
    return seat->ops->failed(seat->process, err, text);
}

static nd_err ended(void *owner)
{
    const nd_seat *const seat = owner;
    return seat->ops->ended(seat->process);
}

static void alerted(void *owner)
{
    const nd_seat *const seat = owner;
    seat->ops->alerted(seat->process, seat->index);
}

/* --- The thread --- */

static nd_err run_program(nd_seat *seat)
{
    nd_worker *const worker = &seat->worker;
    ND_TRY(seat->program(worker, seat->arg));
    ND_TRY(nd_worker_run(worker));
    return nd_host_end(&worker->host);
}

static void run(void *arg)
{
    nd_seat *const seat = arg;
    nd_worker *const worker = &seat->worker;
    const nd_err err = run_program(seat);
    if (err != ND_OK)
        (void)seat->ops->failed(seat->process, err,
                                err == ND_FAILED ? "the program has failed without saying why"
                                                 : nd_err_text(err));
    worker->host.transport.ops->flush(worker->host.transport.endpoint);
    seat->ops->leaves(seat->process, seat->index);
    nd_worker_close(worker);
    seat->ops->closed(seat->process);
}

/* --- Life --- */

nd_err nd_seat_open(nd_seat *seat, const nd_worker_def *def)
{
    static const nd_worker_owner_ops ops = {
        .failed = failed, .ended = ended, .alerted = alerted, .park = park, .wake = wake};
    nd_worker_def own = *def;
    own.schedule = &nd_schedule_plain;
    own.owner_ops = &ops;
    own.owner = seat;
    if (uv_loop_init(&seat->loop) != 0)
        return ND_NOMEM;
    seat->has_loop = true;
    ND_TRY(nd_alarm_init(&seat->alarm, &seat->loop));
    ND_TRY(nd_worker_init(&seat->worker, &own));
    seat->has_worker = true;
    return ND_OK;
}

nd_err nd_seat_start(nd_seat *seat)
{
    seat->has_thread = uv_thread_create(&seat->thread, run, seat) == 0;
    return seat->has_thread ? ND_OK : ND_NOMEM;
}

void nd_seat_join(nd_seat *seat)
{
    if (seat->has_thread)
        uv_thread_join(&seat->thread);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void nd_seat_close(nd_seat *seat)
{
    if (seat->has_worker && !seat->has_thread)
        nd_worker_close(&seat->worker);
    if (!seat->has_loop)
        return;
    uv_walk(&seat->loop, close_handle, NULL);
    uv_run(&seat->loop, UV_RUN_DEFAULT);
    uv_loop_close(&seat->loop);
}

void nd_seat_deinit(nd_seat *seat)
{
    if (seat->has_worker)
        nd_worker_deinit(&seat->worker);
}
