/* SPDX-License-Identifier: Apache-2.0 */
/* How the run of a simulated process ends: by a failure, in good order, or by a crash.
 *
 * Failing. The first cause counts, and of two at the same time that of the lower process. Whoever
 * hears of one, or of a better one, tells it on, since its author may not reach everybody, and ends
 * when all others have said that they know, or are gone, or when it has waited long enough. A
 * broken connection alone is not a cause yet: the peer may have said why it goes.
 *
 * Leaving. Everybody says goodbye, with the numbers of the frames that were sent, and waits until
 * it has that of all others, and the frames. Whoever is gone before that is missed, also if it has
 * said goodbye. */
#include "transport/sim_internal.h"

enum { /* ticks; more than what any frame, or pause, takes in the runs that are made */
       GRACE = 2000,    /* before a lost peer is the cause: another may know better */
       SETTLE = 2000,   /* after a failure, for the causes of others to come ... */
       FAREWELL = 2000, /* ... and, after that, for them to say that they know this one */
       LOOK = 10,       /* for what has come to be looked at before somebody is missed */
};

/* --- The end --- */

static void end(nd_sim_process *process, nd_sim_phase phase)
{
    nd_sim *const sim = process->sim;
    process->phase = phase;
    for (unsigned i = 0; process->peers && i < sim->n_processes; i++)
        for (unsigned k = 0; i != process->number && k < ND_LANES; k++) {
            const bool lingers = (phase == ND_SIM_ENDED && sim->neglect != ND_SIM_NO_LINGER) ||
                                 (phase != ND_SIM_CRASHED && k == ND_LANE_CONTROL);
            if (!lingers)
                nd_sim_lane_cut(sim, &process->peers[i].lanes[k]);
            if (sim->processes[i].phase <= ND_SIM_LEAVING)
                nd_sim_lane_close(sim, nd_sim_lane_of(sim, i, process->number, (nd_lane_kind)k));
        }
}

void nd_sim_crash(nd_sim *sim, unsigned process)
{
    if (sim->processes[process].phase > ND_SIM_LEAVING)
        return;
    nd_sim_met(sim);
    sim->witness.n_crashes++;
    end(&sim->processes[process], ND_SIM_CRASHED);
}

void nd_sim_pause(nd_sim *sim, unsigned process, uint64_t ticks)
{
    sim->processes[process].paused_until = sim->now + ticks;
}

/* --- Failing --- */

static void tell_all(nd_sim_process *process, const nd_control *control)
{
    for (unsigned i = 0; i < process->sim->n_processes; i++)
        if (i != process->number)
            nd_sim_process_say(process, i, control);
}

/* After a failure: ends if everybody knows, or is gone. */
static void check_farewell(nd_sim_process *process)
{
    if (!process->is_settled || process->phase > ND_SIM_LEAVING)
        return;
    for (unsigned i = 0; i < process->sim->n_processes; i++) {
        const nd_sim_peer *const peer = &process->peers[i];
        if (i != process->number && peer->lanes[ND_LANE_CONTROL].stands && !peer->has_aborted)
            return;
    }
    end(process, ND_SIM_FAILED);
}

static bool tells_on(const nd_sim_process *process)
{
    const nd_sim_neglect neglect = process->sim->neglect;
    const bool is_own = process->culprit == process->number;
    return neglect != ND_SIM_NO_ABORT && (is_own || neglect != ND_SIM_NO_PASSING_ON);
}

static void abort_run(nd_sim_process *process, unsigned culprit, nd_err err, const char *text)
{
    const bool is_first = process->err == ND_OK;
    if (process->phase > ND_SIM_LEAVING || (!is_first && culprit >= process->culprit))
        return;
    process->err = nd_message_set(&process->verdict, err, "%s", text);
    process->culprit = culprit;
    if (process->sim->n_processes == 1) {
        process->phase = ND_SIM_FAILED;
        return;
    }
    if (tells_on(process))
        tell_all(process, &(nd_control){.kind = ND_CONTROL_ABORT,
                                        .abort = {.err = err, .process = culprit, .text = text}});
    if (is_first)
        process->farewell_at = process->sim->now + SETTLE;
}

void nd_sim_fail(nd_sim *sim, unsigned process, nd_err err, const char *text)
{
    if (sim->processes[process].err == ND_OK) /* what comes later is a consequence */
        abort_run(&sim->processes[process], process, err, text);
}

void nd_sim_told_to_abort(nd_sim_process *process, unsigned from, const nd_control_abort *abort)
{
    process->peers[from].has_aborted = true;
    abort_run(process, abort->process, abort->err, abort->text);
}

static void say_farewell(nd_sim_process *process)
{
    if (process->is_settled) {
        end(process, ND_SIM_FAILED);
        return;
    }
    process->is_settled = true;
    process->farewell_at = process->sim->now + FAREWELL;
}

nd_err nd_sim_verdict(const nd_sim *sim, unsigned process, nd_message *message)
{
    const nd_sim_process *const of = &sim->processes[process];
    if (of->err != ND_OK && message)
        *message = of->verdict;
    return of->err;
}

/* --- Missing somebody --- */

static bool has_all_of(const nd_sim *sim, const nd_sim_peer *peer)
{
    if (sim->neglect == ND_SIM_NO_COUNTS)
        return peer->has_left;
    return peer->has_left && peer->seen[ND_LANE_DATA] >= peer->promised[ND_LANE_DATA] &&
           peer->seen[ND_LANE_PROGRESS] >= peer->promised[ND_LANE_PROGRESS];
}

static bool is_missed(const nd_sim *sim, const nd_sim_peer *peer)
{
    return sim->neglect == ND_SIM_NO_FAREWELL ? !peer->has_left : !has_all_of(sim, peer);
}

static void suspect(nd_sim_process *process, nd_sim_peer *peer)
{
    const nd_sim *const sim = process->sim;
    if (sim->neglect == ND_SIM_NO_DISCONNECT || peer->is_suspect || process->err != ND_OK ||
        !is_missed(sim, peer))
        return;
    peer->is_suspect = true;
    peer->grace_at = peer->grace_ends = sim->now + GRACE;
}

/* Whether something is not looked at yet that had come from it in time. */
static bool has_come_in_time(const nd_sim_process *process, unsigned from)
{
    for (unsigned k = 0; k < ND_LANES; k++)
        if (nd_sim_lane_due(nd_sim_lane_of(process->sim, from, process->number, (nd_lane_kind)k)) <=
            process->peers[from].grace_ends)
            return true;
    return false;
}

/* The time of grace is over. */
static void miss(nd_sim_process *process, unsigned other)
{
    nd_sim *const sim = process->sim;
    nd_sim_peer *const peer = &process->peers[other];
    nd_message message;
    peer->grace_at = nd_sim_never;
    if (!is_missed(sim, peer) || process->err != ND_OK)
        return;
    if (has_come_in_time(process, other)) {
        peer->grace_at = sim->now + LOOK;
        return;
    }
    nd_message_set(&message, ND_CLOSED, "process %u is gone: its connection broke", other);
    nd_sim_fail(sim, process->number, ND_CLOSED, message.text);
}

/* What the process has learnt of connections. */
static void learn(nd_sim_process *process, unsigned other)
{
    const uint64_t now = process->sim->now;
    nd_sim_peer *const peer = &process->peers[other];
    bool is_broken = peer->learns_at <= now;
    for (unsigned k = 0; k < ND_LANES; k++) {
        nd_sim_lane *const lane = &peer->lanes[k];
        if (lane->breaks_at > now)
            continue;
        lane->breaks_at = nd_sim_never;
        lane->stands = false;
        is_broken = true;
    }
    if (!is_broken)
        return;
    peer->learns_at = nd_sim_never;
    suspect(process, peer);
}

/* --- Leaving --- */

void nd_sim_finish(nd_sim *sim, unsigned process)
{
    nd_sim_process *const of = &sim->processes[process];
    if (of->phase != ND_SIM_RUNNING || of->err != ND_OK)
        return;
    of->phase = sim->n_processes == 1 ? ND_SIM_ENDED : ND_SIM_LEAVING;
    of->has_work = true;
}

void nd_sim_told_goodbye(nd_sim_process *process, unsigned from, const nd_control_goodbye *goodbye)
{
    nd_sim_peer *const peer = &process->peers[from];
    peer->has_left = true;
    peer->promised[ND_LANE_DATA] = goodbye->n_data_frames;
    peer->promised[ND_LANE_PROGRESS] = goodbye->n_progress_frames;
}

static void say_goodbye(nd_sim_process *process)
{
    process->has_said_goodbye = true;
    for (unsigned i = 0; i < process->sim->n_processes; i++) {
        const nd_sim_lane *const lanes = process->peers[i].lanes;
        const nd_control goodbye = {
            .kind = ND_CONTROL_GOODBYE,
            .goodbye = {.n_data_frames = lanes[ND_LANE_DATA].sent.n_frames,
                        .n_progress_frames = lanes[ND_LANE_PROGRESS].sent.n_frames}};
        if (i != process->number)
            nd_sim_process_say(process, i, &goodbye);
    }
}

static void check_leaving(nd_sim_process *process)
{
    if (!nd_sim_process_is_told(process))
        return;
    if (!process->has_said_goodbye)
        say_goodbye(process);
    for (unsigned i = 0; i < process->sim->n_processes; i++)
        if (i != process->number && !has_all_of(process->sim, &process->peers[i]))
            return;
    end(process, ND_SIM_ENDED);
}

/* --- What a process does by itself --- */

nd_err nd_sim_process_work(nd_sim_process *process)
{
    process->has_work = false;
    if (process->err == ND_OK) {
        ND_TRY(nd_sim_process_publish(process));
        nd_sim_process_tell_credit(process);
    }
    for (unsigned i = 0; i < process->sim->n_processes; i++) {
        learn(process, i);
        if (process->peers[i].grace_at <= process->sim->now)
            miss(process, i);
    }
    if (process->farewell_at <= process->sim->now)
        say_farewell(process);
    if (process->err != ND_OK)
        check_farewell(process);
    else if (process->phase == ND_SIM_LEAVING)
        check_leaving(process);
    return ND_OK;
}

static uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

uint64_t nd_sim_process_next(const nd_sim_process *process)
{
    if (process->has_work)
        return 0;
    uint64_t next = process->farewell_at;
    for (unsigned i = 0; process->peers && i < process->sim->n_processes; i++) {
        const nd_sim_peer *const peer = &process->peers[i];
        next = sooner(next, sooner(peer->grace_at, peer->learns_at));
        for (unsigned k = 0; k < ND_LANES; k++)
            next = sooner(next, peer->lanes[k].breaks_at);
    }
    return next;
}
