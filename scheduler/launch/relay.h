/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_LAUNCH_RELAY_H
#define SCHEDULER_LAUNCH_RELAY_H

/** @file
 * Output of launched processes on its way to the launcher's own: line by line, each with a prefix,
 * lines of several processes never mixed.
 *
 * An inlet is the reading end of a pipe from one process, an outlet a descriptor that several
 * inlets write to. Neither ever blocks: where nobody reads what an outlet writes, it waits in the
 * loop, and its inlets are not read, so that the processes wait too. Nothing is allocated after the
 * start. All of it belongs to the thread of the loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include <nereid/error.h>

typedef struct nd_outlet nd_outlet;

/** An outlet has room again after it had waited; or, once, it has failed. */
typedef void nd_outlet_moved(nd_outlet *outlet, void *context);

/** A descriptor that is written to. Caller's storage. */
struct nd_outlet {
    int fd;
    bool is_own; /* the descriptor: a terminal, opened once more */
    int error;   /* errno of the first write that failed; what comes later is thrown away */
    char *bytes; /* what waits: from begin to end */
    size_t begin, end;
    int gate; /* an epoll descriptor, readable while fd can be written; -1: it always can */
    bool is_waiting, has_failed;
    uv_poll_t poll; /* of the gate */
    nd_outlet_moved *moved;
    void *context;
};

/** Opens an outlet to `fd`, whose flags are left alone: others may share them. The struct must not
 * be moved. Errors: ND_NOMEM, and there is nothing to deinit. */
ND_CHECKED nd_err nd_outlet_init(nd_outlet *outlet, uv_loop_t *loop, int fd, nd_outlet_moved *moved,
                                 void *context);

/** Whether everything is written or thrown away. */
bool nd_outlet_is_empty(const nd_outlet *outlet);

/** Frees it, after the loop's handles have been closed. A zeroed one is fine. */
void nd_outlet_deinit(nd_outlet *outlet);

/** The reading end of a pipe. Caller's storage. */
typedef struct nd_inlet {
    int fd; /* -1: not open */
    uv_poll_t poll;
    nd_outlet *outlet;
    char prefix[16];
    size_t prefix_size;
    char *line; /* the beginning of a line whose end has not come */
    size_t size;
} nd_inlet;

/** Begins to read `fd`, which becomes the inlet's, also on failure. The struct must not be moved.
 * Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_inlet_open(nd_inlet *inlet, uv_loop_t *loop, int fd, const char *prefix,
                                nd_outlet *outlet);

/** Goes on, if the outlet has room. With `is_last`, whoever wrote is gone: what is there is read,
 * and then the inlet is over even if somebody else has the other end open. */
void nd_inlet_resume(nd_inlet *inlet, bool is_last);

/** Whether nothing more will come. One that was never opened, of descriptor -1, is over. */
bool nd_inlet_is_over(const nd_inlet *inlet);

/** Closes and frees, after the loop's handles have been closed; one of descriptor -1 is fine. */
void nd_inlet_deinit(nd_inlet *inlet);

#endif
