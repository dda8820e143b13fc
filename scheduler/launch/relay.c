/* SPDX-License-Identifier: Apache-2.0 */
/* Relaying lines.
 *
 * Writing without blocking. Standard output is shared with whoever else has it open, a shell for
 * one, so it cannot be made non-blocking. Instead it is written only when poll says that it can be,
 * and no more at once than a pipe then takes. For the same reason libuv cannot watch it, which
 * would set that flag; an epoll descriptor that watches it can be watched. Files can always be
 * written, and epoll does not take them.
 *
 * Room. An inlet reads CHUNK bytes at most, and only if its outlet has room for what they can
 * become: the line they end, and a prefix for every byte. */
#include "scheduler/launch/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <nereid/memory.h>

#include "runtime/base/file.h"

enum {
    CHUNK = 8 * 1024,
    LONGEST_LINE = 64 * 1024, /* a longer one is broken */
    MOST_WRITTEN = LONGEST_LINE + CHUNK * (1 + (int)sizeof((nd_inlet *)0)->prefix),
    OUTLET_SIZE = MOST_WRITTEN + LONGEST_LINE,
};

/* --- Outlets --- */

static bool has_room(const nd_outlet *outlet)
{
    return outlet->error != 0 || outlet->end - outlet->begin <= OUTLET_SIZE - MOST_WRITTEN;
}

bool nd_outlet_is_empty(const nd_outlet *outlet) { return outlet->begin == outlet->end; }

static void append(nd_outlet *outlet, const char *bytes, size_t size)
{
    if (outlet->error != 0 || size == 0)
        return;
    if (size > OUTLET_SIZE - outlet->end) {
        memmove(outlet->bytes, outlet->bytes + outlet->begin, outlet->end - outlet->begin);
        outlet->end -= outlet->begin;
        outlet->begin = 0;
    }
    memcpy(outlet->bytes + outlet->end, bytes, size);
    outlet->end += size;
}

static bool can_be_written(const nd_outlet *outlet)
{
    struct pollfd output = {.fd = outlet->fd, .events = POLLOUT};
    return outlet->gate < 0 || poll(&output, 1, 0) > 0;
}

static void on_gate(uv_poll_t *handle, int status, int events);

static void wait_for_gate(nd_outlet *outlet)
{
    if (!outlet->is_waiting)
        outlet->is_waiting = uv_poll_start(&outlet->poll, UV_READABLE, on_gate) == 0;
}

/* Writes what can be written now. SIGPIPE is blocked or ignored by the launcher. */
static void flush(nd_outlet *outlet)
{
    while (outlet->begin != outlet->end && outlet->error == 0) {
        const size_t size = outlet->end - outlet->begin;
        if (!can_be_written(outlet)) {
            wait_for_gate(outlet);
            return;
        }
        const ssize_t written =
            write(outlet->fd, outlet->bytes + outlet->begin,
                  outlet->gate >= 0 && size > PIPE_BUF ? (size_t)PIPE_BUF : size);
        if (written > 0) {
            outlet->begin += (size_t)written;
        } else if (written < 0 && errno == EAGAIN && outlet->gate >= 0) {
            wait_for_gate(outlet);
            return;
        } else if (written == 0 || errno != EINTR) {
            outlet->error = written < 0 ? errno : EIO;
        }
    }
    outlet->begin = outlet->end = 0;
    if (outlet->error != 0 && !outlet->has_failed) {
        outlet->has_failed = true;
        outlet->moved(outlet, outlet->context);
    }
}

static void on_gate(uv_poll_t *handle, int status, int events)
{
    nd_outlet *const outlet = handle->data;
    (void)status;
    (void)events;
    flush(outlet);
    if (nd_outlet_is_empty(outlet)) {
        uv_poll_stop(handle);
        outlet->is_waiting = false;
    }
    if (has_room(outlet) && outlet->error == 0)
        outlet->moved(outlet, outlet->context);
}

/* A description of its own of the terminal that `fd` leads to, which never blocks; -1: it is no
 * terminal, or cannot be opened again. The other side of one is none: to open it makes another. */
static int reopen_terminal(int fd)
{
    char path[32];
    unsigned number;
    if (!isatty(fd) || ioctl(fd, TIOCGPTN, &number) == 0)
        return -1;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return nd_file_open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
}

/* Makes the gate; there is none to what epoll does not take. */
static nd_err open_gate(nd_outlet *outlet, uv_loop_t *loop)
{
    struct epoll_event event = {.events = EPOLLOUT};
    const int gate = epoll_create1(EPOLL_CLOEXEC);
    if (gate < 0)
        return ND_NOMEM;
    if (epoll_ctl(gate, EPOLL_CTL_ADD, outlet->fd, &event) != 0) {
        (void)close(gate);
        return ND_OK;
    }
    if (uv_poll_init(loop, &outlet->poll, gate) != 0) {
        (void)close(gate);
        return ND_NOMEM;
    }
    outlet->poll.data = outlet;
    outlet->gate = gate;
    return ND_OK;
}

nd_err nd_outlet_init(nd_outlet *outlet, uv_loop_t *loop, int fd, nd_outlet_moved *moved,
                      void *context)
{
    const int terminal = reopen_terminal(fd);
    *outlet = (nd_outlet){.fd = terminal >= 0 ? terminal : fd,
                          .is_own = terminal >= 0,
                          .gate = -1,
                          .moved = moved,
                          .context = context};
    outlet->bytes = nd_alloc(OUTLET_SIZE, 1);
    const nd_err err = outlet->bytes != NULL ? open_gate(outlet, loop) : ND_NOMEM;
    if (err != ND_OK)
        nd_outlet_deinit(outlet);
    return err;
}

void nd_outlet_deinit(nd_outlet *outlet)
{
    if (outlet->bytes != NULL && outlet->gate >= 0)
        (void)close(outlet->gate);
    if (outlet->is_own)
        (void)close(outlet->fd);
    nd_free(outlet->bytes);
    *outlet = (nd_outlet){.gate = -1};
}

/* --- Inlets --- */

/* Passes a line on: what was kept of it, and `size` bytes that are its end. */
static void pass_line(nd_inlet *inlet, const char *bytes, size_t size)
{
    append(inlet->outlet, inlet->prefix, inlet->prefix_size);
    append(inlet->outlet, inlet->line, inlet->size);
    append(inlet->outlet, bytes, size);
    append(inlet->outlet, "\n", 1);
    inlet->size = 0;
}

static void take_bytes(nd_inlet *inlet, const char *bytes, size_t size)
{
    while (size != 0) {
        const char *const newline = memchr(bytes, '\n', size);
        const size_t here = newline != NULL ? (size_t)(newline - bytes) : size;
        if (inlet->size + here > LONGEST_LINE)
            pass_line(inlet, "", 0);
        if (newline != NULL) {
            pass_line(inlet, bytes, here);
        } else {
            memcpy(inlet->line + inlet->size, bytes, here);
            inlet->size += here;
        }
        bytes += here + (newline != NULL);
        size -= here + (newline != NULL);
    }
    flush(inlet->outlet);
}

static void end_inlet(nd_inlet *inlet)
{
    uv_poll_stop(&inlet->poll);
    if (inlet->size != 0)
        pass_line(inlet, "", 0);
    flush(inlet->outlet);
    (void)close(inlet->fd);
    inlet->fd = -1;
}

/* Reads once; false if there is nothing to be read now, or ever. */
static bool read_some(nd_inlet *inlet, bool is_last)
{
    char bytes[CHUNK];
    const ssize_t got = nd_file_read(inlet->fd, bytes, sizeof bytes);
    if (got > 0)
        take_bytes(inlet, bytes, (size_t)got);
    else if (got == 0 || errno != EAGAIN || is_last)
        end_inlet(inlet);
    return got > 0;
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    nd_inlet *const inlet = handle->data;
    (void)status;
    (void)events;
    if (has_room(inlet->outlet)) /* another inlet may have used it up in this round */
        (void)read_some(inlet, false);
    if (inlet->fd >= 0 && !has_room(inlet->outlet))
        uv_poll_stop(handle);
}

void nd_inlet_resume(nd_inlet *inlet, bool is_last)
{
    if (is_last)
        while (inlet->fd >= 0 && has_room(inlet->outlet) && read_some(inlet, true))
            continue;
    if (inlet->fd >= 0 && has_room(inlet->outlet))
        (void)uv_poll_start(&inlet->poll, UV_READABLE, on_readable);
}

nd_err nd_inlet_open(nd_inlet *inlet, uv_loop_t *loop, int fd, const char *prefix,
                     nd_outlet *outlet)
{
    *inlet = (nd_inlet){.fd = -1, .outlet = outlet};
    inlet->prefix_size = (size_t)snprintf(inlet->prefix, sizeof inlet->prefix, "%s", prefix);
    inlet->line = nd_alloc(LONGEST_LINE, 1);
    if (inlet->line == NULL || uv_poll_init(loop, &inlet->poll, fd) != 0) {
        (void)close(fd);
        return ND_NOMEM;
    }
    inlet->fd = fd;
    inlet->poll.data = inlet;
    nd_inlet_resume(inlet, false);
    return ND_OK;
}

bool nd_inlet_is_over(const nd_inlet *inlet) { return inlet->fd < 0; }

void nd_inlet_deinit(nd_inlet *inlet)
{
    if (inlet->fd >= 0)
        (void)close(inlet->fd);
    nd_free(inlet->line);
    *inlet = (nd_inlet){.fd = -1};
}
