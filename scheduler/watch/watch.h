/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_WATCH_WATCH_H
#define SCHEDULER_WATCH_WATCH_H

/** @file
 * The watch of a process: notices when nothing moves, and says why. It asks the workers, of all
 * processes, for their accounts (account.h) and prints them as one report (report.h): when nothing
 * has moved for a while though something is waited for, and whenever it is sent SIGUSR1.
 *
 * Everything is for the thread of the loop, unless it says otherwise.
 */

#include <uv.h>

#include "scheduler/watch/lines.h"
#include "scheduler/worker.h"
#include "transport/zmq/net.h"

typedef struct nd_watch nd_watch;

typedef struct nd_watch_def {
    uv_loop_t *loop; /* lent, until it has been closed */
    nd_net *net;     /* NULL: there is no other process */
    unsigned process, n_processes, n_workers;
    unsigned stall_s; /* how long nothing may move */
    /** Prints a line for people. */
    void (*print)(void *context, const char *text);
    void *context;
} nd_watch_def;

/* What is known of a worker. */
typedef struct nd_watched {
    nd_worker *worker;
    uint64_t n_moves;  /* when looked at last */
    uint64_t moved_ms; /* when that was seen first */
    bool was_told_of;  /* that it is inside a callback for long, since it moved last */
    bool is_asked;     /* under the lock, as what follows: its account is wanted */
    bool has_ended;    /* its dataflows are being freed */
    nd_lines account;  /* the last one */
} nd_watched;

/* What is known of another process. */
typedef struct nd_watched_process {
    bool has_told;      /* under the lock, as what follows: it has answered */
    bool has_waiting;   /* records wait here until it has consumed others */
    uint64_t silent_ms; /* how long nothing has come from it */
} nd_watched_process;

/* The caller's storage, zeroed, and not moved. */
struct nd_watch {
    nd_watch_def def;
    nd_watched *workers;
    nd_watched_process *processes;
    uv_timer_t look, limit; /* at the workers, now and then; of waiting for answers */
    uv_async_t bell;        /* an answer or a question has come; any thread rings */
    uv_signal_t signal;
    bool has_lock, has_bell;
    bool has_started; /* the workers run */
    bool is_reported; /* since something has moved last, it was said why not */
    uint64_t next_ms; /* not before may be reported again what was not worth reporting */
    /* While answers are waited for: */
    bool is_collecting;
    bool wants_print;  /* for a report of our own; others are asked, too */
    bool is_on_demand; /* ... which somebody wants to see, whatever it says */
    uint64_t begun_ms;
    uv_mutex_t lock; /* of what follows, too */
    nd_lines told;   /* by other processes */
    bool is_asked;   /* by another process */
};

/** Errors: ND_NOMEM; deinit is needed also then, after the loop has been closed. */
ND_CHECKED nd_err nd_watch_init(nd_watch *watch, const nd_watch_def *def);

/** Frees; a zeroed one is fine. The loop has been closed, and no other thread runs. */
void nd_watch_deinit(nd_watch *watch);

/** Names a worker of this process, 0 to n_workers - 1, before the watch is started. */
void nd_watch_add(nd_watch *watch, unsigned index, nd_worker *worker);

/** The workers are about to run. */
void nd_watch_start(nd_watch *watch);

/** A worker was alerted: gives its account if that is wanted. The worker's thread. */
void nd_watch_alerted(nd_watch *watch, unsigned index);

/** A worker is about to free its dataflows. The worker's thread. */
void nd_watch_leave(nd_watch *watch, unsigned index);

/** What the net thread calls: see nd_net_def. `watch` is an nd_watch. */
void nd_watch_asked(nd_watch *watch);
void nd_watch_told(nd_watch *watch, unsigned process, const char *const *lines, size_t n_lines);
void nd_watch_heard(nd_watch *watch, unsigned process, uint64_t silent_ms, bool has_waiting);

#endif
