/* SPDX-License-Identifier: Apache-2.0 */
/* Noticing that nothing moves. Now and then each worker's count of what it has done is looked at;
 * it is never asked for that. When none has moved for long, and of those processes that are stuck
 * this one comes first, the accounts of all workers are collected, and printed if anybody waits.
 *
 * Collecting. The workers of this process are alerted, which wakes those that are parked, and write
 * their accounts in their next step; the other processes are asked, and do the same. Nobody is
 * waited for long: a worker inside a callback cannot answer, nor can a process that is stopped, and
 * to name them is what a report is for.
 *
 * A process that was asked while it is stuck itself leaves the report to whoever asked.
 *
 * What a silent worker is inside of is read while it runs; its names stay, for it says before it
 * frees them, under the lock (nd_watch_leave). */
#include "scheduler/watch/watch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include <nereid/memory.h>

#include "scheduler/watch/account.h"
#include "scheduler/watch/report.h"

enum {
    STALL_S = 30,
    LOOKS = 4,            /* at the workers, in the time that nothing may move */
    MOST_LOOK_MS = 1000,  /* between two looks */
    WORKERS_MS = 500,     /* that the workers of this process have for an answer */
    PROCESSES_MS = 1000,  /* that other processes have */
    STAGGER_MS = 1500,    /* more than that: so much later the next process reports, if it must */
    ANSWER_SIZE = 400000, /* bytes of an answer, which the net limits, less a line */
};

static uint64_t now_of(const nd_watch *watch) { return uv_now(watch->def.loop); }

static uint64_t stall_ms(const nd_watch *watch) { return (uint64_t)watch->def.stall_s * 1000; }

static void say(const nd_watch *watch, const char *text)
{
    watch->def.print(watch->def.context, text);
}

/* --- Answers of this process --- */

static bool is_one_of(char kind, const char *kinds)
{
    while (*kinds && *kinds != kind)
        kinds++;
    return *kinds != '\0';
}

/* Adds the lines of some kinds, as far as there is room. */
static void add_kinds(nd_lines *to, const nd_lines *from, const char *kinds)
{
    for (const char *line = NULL; (line = nd_lines_next(from, line));)
        if (is_one_of(line[0], kinds) && to->bytes.len < ANSWER_SIZE)
            nd_lines_add(to, "%s", line);
    if (from->is_cut || to->bytes.len >= ANSWER_SIZE)
        to->is_cut = true;
}

static uint64_t last_move(const nd_watch *watch)
{
    uint64_t last = 0;
    for (unsigned i = 0; i < watch->def.n_workers; i++)
        if (watch->workers[i].moved_ms > last)
            last = watch->workers[i].moved_ms;
    return last;
}

/* The accounts of this process's workers, and of those that have not given one. */
static void write_answer(nd_watch *watch, nd_lines *lines)
{
    const uint64_t now = now_of(watch);
    nd_lines_add(lines, "a %" PRIu64, now - last_move(watch));
    if (!watch->has_started)
        nd_lines_add(lines, "s process %u|has not met all other processes yet", watch->def.process);
    uv_mutex_lock(&watch->lock);
    for (unsigned i = 0; i < watch->def.n_workers && watch->has_started; i++) {
        nd_watched *const one = &watch->workers[i];
        if (one->is_asked && !one->has_ended)
            nd_account_write_silent(one->worker, now - one->moved_ms, lines);
        else
            add_kinds(lines, &one->account, "hw");
    }
    for (unsigned i = 0; i < watch->def.n_workers; i++) {
        const nd_watched *const one = &watch->workers[i];
        if (!one->is_asked)
            add_kinds(lines, &one->account, "roq");
    }
    uv_mutex_unlock(&watch->lock);
    if (lines->is_cut)
        nd_lines_add(lines, "q");
}

static void answer_others(nd_watch *watch)
{
    nd_lines lines;
    nd_lines_init(&lines);
    write_answer(watch, &lines);
    nd_net_answer(watch->def.net, lines.bytes.items, lines.bytes.len);
    nd_lines_deinit(&lines);
    if (now_of(watch) - last_move(watch) >= stall_ms(watch))
        watch->is_reported = true; /* by whoever has asked */
}

/* --- The report --- */

/* What can be said of the other processes; under the lock. */
static void add_processes(const nd_watch *watch, nd_why_report *report)
{
    char line[512];
    for (unsigned i = 0; i < watch->def.n_processes; i++) {
        const nd_watched_process *const one = &watch->processes[i];
        if (i == watch->def.process)
            continue;
        if (!one->has_told)
            snprintf(line, sizeof line,
                     "s process %u|does not answer: it is stopped, or behind; nothing has come "
                     "from it for %" PRIu64 " s%s",
                     i, one->silent_ms / 1000,
                     one->has_waiting ? ", and records wait for it in this process" : "");
        else if (one->has_waiting)
            snprintf(line, sizeof line,
                     "h 0 0 process %u is behind: records wait in process %u until it has consumed "
                     "what it was sent before",
                     i, watch->def.process);
        else
            continue;
        nd_why_report_add(report, line);
    }
}

/* While others go on: a worker that is long inside one callback. */
static void tell_of_slow(nd_watch *watch)
{
    char name[ND_NAME_SIZE], inside[512], text[600];
    for (unsigned i = 0; i < watch->def.n_workers; i++) {
        nd_watched *const one = &watch->workers[i];
        const uint64_t idle = now_of(watch) - one->moved_ms;
        if (one->was_told_of || idle < stall_ms(watch))
            continue;
        uv_mutex_lock(&watch->lock);
        const bool is_inside = !one->has_ended && nd_worker_is_inside(one->worker, idle, inside);
        uv_mutex_unlock(&watch->lock);
        if (!is_inside)
            continue;
        snprintf(text, sizeof text, "%s %s", nd_worker_name(one->worker, name), inside);
        say(watch, text);
        one->was_told_of = true;
    }
}

static void print_report(nd_watch *watch, const nd_why_report *report)
{
    char heading[128];
    const uint64_t idle_s = (now_of(watch) - last_move(watch)) / 1000;
    if (!nd_why_report_has_cause(report) && !report->silent.n) {
        say(watch, "no worker waits for anything");
        return;
    }
    snprintf(heading, sizeof heading,
             "nothing has moved for %" PRIu64 " s; what the run waits for:", idle_s);
    say(watch, watch->is_on_demand ? "what the run waits for:" : heading);
    nd_why_report_print(report, watch->def.print, watch->def.context);
}

static void report(nd_watch *watch)
{
    nd_lines own;
    nd_why_report report;
    nd_lines_init(&own);
    nd_why_report_init(&report);
    write_answer(watch, &own);
    nd_why_report_add_all(&report, &own);
    uv_mutex_lock(&watch->lock);
    nd_why_report_add_all(&report, &watch->told);
    add_processes(watch, &report);
    uv_mutex_unlock(&watch->lock);
    const bool moves_elsewhere = report.age_ms < stall_ms(watch);
    if (watch->is_on_demand || (!moves_elsewhere && nd_why_report_has_cause(&report)))
        print_report(watch, &report);
    if (moves_elsewhere) {
        watch->next_ms = now_of(watch) + stall_ms(watch);
        tell_of_slow(watch);
    } else {
        watch->is_reported = true;
    }
    nd_why_report_deinit(&report);
    nd_lines_deinit(&own);
}

/* --- Collecting --- */

static bool have_answered(nd_watch *watch, bool *workers, bool *processes)
{
    *workers = *processes = true;
    uv_mutex_lock(&watch->lock);
    for (unsigned i = 0; i < watch->def.n_workers; i++)
        *workers &= !watch->workers[i].is_asked || watch->workers[i].has_ended;
    for (unsigned i = 0; watch->def.net && i < watch->def.n_processes; i++)
        *processes &= i == watch->def.process || watch->processes[i].has_told;
    const bool is_asked = watch->is_asked;
    uv_mutex_unlock(&watch->lock);
    return is_asked;
}

static void on_limit(uv_timer_t *timer);

/* Answers and reports if all have answered who can be waited for, and goes on waiting if not. */
static void go_on(nd_watch *watch)
{
    bool workers, processes;
    if (!watch->is_collecting)
        return;
    const uint64_t waited = now_of(watch) - watch->begun_ms;
    const bool is_asked = have_answered(watch, &workers, &processes);
    workers |= waited >= WORKERS_MS;
    processes |= waited >= PROCESSES_MS;
    if (workers && is_asked) {
        uv_mutex_lock(&watch->lock);
        watch->is_asked = false;
        uv_mutex_unlock(&watch->lock);
        answer_others(watch);
    }
    if (workers && (processes || !watch->wants_print)) {
        watch->is_collecting = false;
        uv_timer_stop(&watch->limit);
        if (watch->wants_print)
            report(watch);
        watch->wants_print = watch->is_on_demand = false;
        return;
    }
    uv_timer_start(&watch->limit, on_limit, (workers ? PROCESSES_MS : WORKERS_MS) - waited, 0);
}

static void on_limit(uv_timer_t *timer) { go_on(timer->data); }

static void ask_workers(nd_watch *watch)
{
    uv_mutex_lock(&watch->lock);
    for (unsigned i = 0; i < watch->def.n_workers; i++) {
        nd_watched *const one = &watch->workers[i];
        one->is_asked = watch->has_started && !one->has_ended;
        nd_lines_clear(&one->account);
    }
    uv_mutex_unlock(&watch->lock);
    for (unsigned i = 0; i < watch->def.n_workers && watch->has_started; i++)
        nd_worker_alert(watch->workers[i].worker);
}

static void ask_processes(nd_watch *watch)
{
    if (!watch->def.net)
        return;
    uv_mutex_lock(&watch->lock);
    nd_lines_clear(&watch->told);
    for (unsigned i = 0; i < watch->def.n_processes; i++)
        watch->processes[i] = (nd_watched_process){.has_told = false};
    uv_mutex_unlock(&watch->lock);
    nd_net_ask(watch->def.net);
}

static void collect(nd_watch *watch, bool wants_print, bool is_on_demand)
{
    const bool asks_others = wants_print && !watch->wants_print;
    watch->wants_print |= wants_print;
    watch->is_on_demand |= is_on_demand;
    if (!watch->is_collecting || asks_others) {
        watch->is_collecting = true;
        watch->begun_ms = now_of(watch);
        ask_workers(watch);
    }
    if (asks_others)
        ask_processes(watch);
    go_on(watch);
}

static void on_bell(uv_async_t *bell)
{
    nd_watch *const watch = bell->data;
    uv_mutex_lock(&watch->lock);
    const bool is_asked = watch->is_asked;
    uv_mutex_unlock(&watch->lock);
    if (is_asked && !watch->is_collecting)
        collect(watch, false, false);
    else
        go_on(watch);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    collect(handle->data, true, true);
}

/* --- Looking --- */

/* Sees which workers have moved; false if there is none any more. */
static bool look_at_workers(nd_watch *watch)
{
    bool is_any_left = false;
    uv_mutex_lock(&watch->lock);
    for (unsigned i = 0; i < watch->def.n_workers; i++) {
        nd_watched *const one = &watch->workers[i];
        /* A recent value will do. */
        const uint64_t n_moves =
            atomic_load_explicit(&one->worker->host.n_moves, memory_order_relaxed);
        is_any_left |= !one->has_ended;
        if (n_moves == one->n_moves)
            continue;
        one->n_moves = n_moves;
        one->moved_ms = now_of(watch);
        one->was_told_of = watch->is_reported = false;
        watch->next_ms = 0;
    }
    uv_mutex_unlock(&watch->lock);
    return is_any_left;
}

static void on_look(uv_timer_t *timer)
{
    nd_watch *const watch = timer->data;
    const uint64_t now = now_of(watch);
    if (!look_at_workers(watch) || watch->is_collecting || watch->is_reported)
        return;
    const uint64_t idle = now - last_move(watch), limit = stall_ms(watch);
    if (idle < limit)
        tell_of_slow(watch);
    else if (idle >= limit + (uint64_t)watch->def.process * STAGGER_MS && now >= watch->next_ms)
        collect(watch, true, false);
}

/* --- Other threads --- */

void nd_watch_alerted(nd_watch *watch, unsigned index)
{
    nd_lines lines;
    nd_watched *const one = &watch->workers[index];
    uv_mutex_lock(&watch->lock);
    const bool is_asked = one->is_asked;
    uv_mutex_unlock(&watch->lock);
    if (!is_asked)
        return;
    nd_lines_init(&lines);
    nd_account_write(one->worker, &lines);
    uv_mutex_lock(&watch->lock);
    const nd_lines before = one->account;
    one->account = lines;
    one->is_asked = false;
    uv_mutex_unlock(&watch->lock);
    nd_lines_deinit(&(nd_lines){before.bytes, before.n, before.is_cut});
    uv_async_send(&watch->bell);
}

void nd_watch_leave(nd_watch *watch, unsigned index)
{
    uv_mutex_lock(&watch->lock);
    watch->workers[index].has_ended = true;
    const bool is_asked = watch->workers[index].is_asked;
    uv_mutex_unlock(&watch->lock);
    if (is_asked)
        uv_async_send(&watch->bell);
}

void nd_watch_asked(nd_watch *watch)
{
    uv_mutex_lock(&watch->lock);
    watch->is_asked = true;
    uv_mutex_unlock(&watch->lock);
    uv_async_send(&watch->bell);
}

void nd_watch_told(nd_watch *watch, unsigned process, const char *const *lines, size_t n_lines)
{
    uv_mutex_lock(&watch->lock);
    if (!watch->processes[process].has_told)
        for (size_t i = 0; i < n_lines; i++)
            nd_lines_add(&watch->told, "%s", lines[i]);
    watch->processes[process].has_told = true;
    uv_mutex_unlock(&watch->lock);
    uv_async_send(&watch->bell);
}

void nd_watch_heard(nd_watch *watch, unsigned process, uint64_t silent_ms, bool has_waiting)
{
    uv_mutex_lock(&watch->lock);
    watch->processes[process].silent_ms = silent_ms;
    watch->processes[process].has_waiting = has_waiting;
    uv_mutex_unlock(&watch->lock);
}

/* --- Life --- */

static nd_err init_handles(nd_watch *watch)
{
    uv_loop_t *const loop = watch->def.loop;
    watch->look.data = watch->limit.data = watch->bell.data = watch->signal.data = watch;
    if (uv_timer_init(loop, &watch->look) != 0 || uv_timer_init(loop, &watch->limit) != 0 ||
        uv_async_init(loop, &watch->bell, on_bell) != 0 ||
        uv_signal_init(loop, &watch->signal) != 0 ||
        uv_signal_start(&watch->signal, on_signal, SIGUSR1) != 0)
        return ND_NOMEM;
    return ND_OK;
}

nd_err nd_watch_init(nd_watch *watch, const nd_watch_def *def)
{
    watch->def = *def;
    watch->def.stall_s = def->stall_s ? def->stall_s : STALL_S;
    nd_lines_init(&watch->told);
    if (uv_mutex_init(&watch->lock) != 0)
        return ND_NOMEM;
    watch->has_lock = true;
    watch->workers = nd_alloc_zero(def->n_workers, sizeof *watch->workers);
    watch->processes = nd_alloc_zero(def->n_processes, sizeof *watch->processes);
    if (!watch->workers || !watch->processes)
        return ND_NOMEM;
    for (unsigned i = 0; i < def->n_workers; i++)
        nd_lines_init(&watch->workers[i].account);
    return init_handles(watch);
}

void nd_watch_deinit(nd_watch *watch)
{
    for (unsigned i = 0; watch->workers && i < watch->def.n_workers; i++)
        nd_lines_deinit(&watch->workers[i].account);
    nd_lines_deinit(&watch->told);
    nd_free(watch->workers);
    nd_free(watch->processes);
    if (watch->has_lock)
        uv_mutex_destroy(&watch->lock);
}

void nd_watch_add(nd_watch *watch, unsigned index, nd_worker *worker)
{
    watch->workers[index].worker = worker;
}

void nd_watch_start(nd_watch *watch)
{
    uv_update_time(watch->def.loop);
    for (unsigned i = 0; i < watch->def.n_workers; i++)
        watch->workers[i].moved_ms = now_of(watch);
    watch->has_started = true;
    const uint64_t every = stall_ms(watch) / LOOKS;
    const uint64_t look_ms = every < MOST_LOOK_MS ? every : MOST_LOOK_MS;
    uv_timer_start(&watch->look, on_look, look_ms, look_ms);
}
