/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line between two processes that can go wrong: takes connections at one address, makes one to
 * another address for each, and passes bytes on, both ways.
 *
 *     proxy FROM TO [options]         addresses are HOST:PORT, of numbers
 *
 *     --delay MS     every byte stays on the line so long
 *     --reset N      the connection that brings byte N is reset there, on both sides
 *     --flip N       one bit of byte N is changed
 *     --freeze N     from byte N on nothing is passed on any more, and nobody is told
 *     --back         counts bytes that come back from TO; otherwise those that go there
 *     --only K       counts bytes of the K-th connection only, from zero; --freeze stops only that
 *
 * Says `listening` when it does, and `made` when it has made the fault. Ends with SIGTERM, and says
 * how many bytes it has counted.
 *
 * Sockets do not block; a ring of chunks for each way holds what waits. One thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <nereid/memory.h>

enum { CHUNK = 16384, CHUNKS = 16, CONNECTIONS = 32 };
static const unsigned every = UINT32_MAX;

typedef enum fault { NO_FAULT, RESET, FLIP, FREEZE } fault;

/* Bytes that have been read and wait for their time. */
typedef struct chunk {
    uint64_t due_ms;
    size_t size, sent;
    unsigned char bytes[CHUNK];
} chunk;

/* One of a connection's two ways. */
typedef struct way {
    int from, to;
    chunk *ring; /* CHUNKS of them */
    unsigned first, n;
    bool is_over; /* nothing more comes */
    bool is_shut; /* and who receives has been told so */
} way;

typedef struct connection {
    unsigned number; /* in the order they came */
    bool is_open, is_frozen, is_to_reset;
    way ways[2]; /* there, and back */
} connection;

typedef struct proxy {
    struct sockaddr_in from, to;
    uint64_t delay_ms, place; /* of the fault */
    fault fault;
    unsigned counted_way;
    unsigned only; /* a connection, or every */
    int listener, signal_fd;
    connection connections[CONNECTIONS];
    unsigned n_connections; /* that there ever were; the number of a connection is its place */
    uint64_t n_counted;     /* bytes */
    bool is_made, is_frozen;
} proxy;

static void check(bool is_right, const char *what)
{
    if (is_right)
        return;
    fprintf(stderr, "proxy: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static void say(const char *what)
{
    puts(what);
    fflush(stdout);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    check(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock");
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- Connections --- */

/* With a reset the other ends see that something went wrong, not an end. */
static void close_connection(connection *one, bool with_reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (unsigned i = 0; i < 2; i++) {
        const int fd = one->ways[i].from;
        if (with_reset)
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(fd);
        nd_free(one->ways[i].ring);
    }
    one->is_open = false;
}

static void open_connection(proxy *self, int here)
{
    const int there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connection *one = self->connections;
    while (one->is_open && one < self->connections + CONNECTIONS - 1)
        one++;
    check(there >= 0 && !one->is_open, "one more connection");
    *one = (connection){.number = self->n_connections++, .is_open = true};
    one->ways[0] = (way){.from = here, .to = there, .ring = nd_alloc(CHUNKS, sizeof(chunk))};
    one->ways[1] = (way){.from = there, .to = here, .ring = nd_alloc(CHUNKS, sizeof(chunk))};
    check(one->ways[0].ring && one->ways[1].ring, "memory");
    if (connect(there, (const struct sockaddr *)&self->to, sizeof self->to) != 0)
        close_connection(one, true);
}

static void take_connections(proxy *self)
{
    int here;
    while ((here = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        open_connection(self, here);
}

/* --- Faults --- */

static bool is_counted(const proxy *self, const connection *one, const way *some)
{
    return some == &one->ways[self->counted_way] &&
           (self->only == every || one->number == self->only);
}

/* Where the fault's byte is in a chunk that was just read; `size` if it is not there. */
static size_t find_place(proxy *self, size_t size)
{
    const uint64_t begin = self->n_counted;
    self->n_counted += size;
    const bool is_here = self->fault != NO_FAULT && !self->is_made && self->place >= begin &&
                         self->place < self->n_counted;
    return is_here ? (size_t)(self->place - begin) : size;
}

static void make_fault(proxy *self, connection *one, chunk *bytes)
{
    const size_t place = find_place(self, bytes->size);
    if (place == bytes->size)
        return;
    self->is_made = true;
    say("made");
    if (self->fault == FLIP) {
        bytes->bytes[place] ^= (unsigned char)(1U << self->place % 8);
        return;
    }
    bytes->size = place;
    one->is_to_reset = self->fault == RESET;
    one->is_frozen = self->fault == FREEZE;
    self->is_frozen = self->fault == FREEZE && self->only == every;
}

/* --- Bytes --- */

static bool is_stuck(const proxy *self, const connection *one)
{
    return one->is_frozen || self->is_frozen;
}

static bool wants_in(const proxy *self, const connection *one, const way *some)
{
    return !some->is_over && some->n < CHUNKS && !one->is_to_reset && !is_stuck(self, one);
}

/* False when the connection broke. */
static bool take_bytes(proxy *self, connection *one, way *some)
{
    chunk *const last = &some->ring[(some->first + some->n) % CHUNKS];
    if (!wants_in(self, one, some))
        return true;
    const ssize_t got = recv(some->from, last->bytes, CHUNK, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0) {
        some->is_over = true;
        return true;
    }
    last->size = (size_t)got;
    last->sent = 0;
    last->due_ms = now_ms() + self->delay_ms;
    some->n++;
    if (is_counted(self, one, some))
        make_fault(self, one, last);
    return true;
}

/* False when the connection broke. */
static bool give_bytes(way *some, uint64_t now)
{
    while (some->n != 0 && some->ring[some->first].due_ms <= now) {
        chunk *const next = &some->ring[some->first];
        while (next->sent < next->size) {
            const ssize_t put = send(some->to, next->bytes + next->sent, next->size - next->sent,
                                     MSG_DONTWAIT | MSG_NOSIGNAL);
            if (put < 0)
                return errno == EAGAIN || errno == EINTR;
            next->sent += (size_t)put;
        }
        some->first = (some->first + 1) % CHUNKS;
        some->n--;
    }
    if (some->is_over && some->n == 0 && !some->is_shut) {
        some->is_shut = true;
        (void)shutdown(some->to, SHUT_WR);
    }
    return true;
}

static void serve(proxy *self, connection *one)
{
    bool is_whole = true;
    for (unsigned i = 0; i < 2 && is_whole; i++)
        is_whole = take_bytes(self, one, &one->ways[i]);
    const uint64_t now = now_ms();
    for (unsigned i = 0; i < 2 && is_whole; i++)
        is_whole = give_bytes(&one->ways[i], now);
    const bool has_sent = one->ways[self->counted_way].n == 0;
    if (is_stuck(self, one))
        return;
    if (!is_whole || (one->is_to_reset && has_sent))
        close_connection(one, true);
    else if (one->ways[0].is_shut && one->ways[1].is_shut)
        close_connection(one, false);
}

/* --- Waiting --- */

/* What a socket is watched for; `wait_ms` becomes the time until the next chunk is due, if less. */
static short wanted(const proxy *self, const connection *one, unsigned side, uint64_t now,
                    int *wait_ms)
{
    const way *const in = &one->ways[side], *const out = &one->ways[1 - side];
    short events = wants_in(self, one, in) ? POLLIN : 0;
    if (out->n == 0)
        return events;
    const chunk *const next = &out->ring[out->first];
    if (next->due_ms <= now)
        return events | POLLOUT;
    const int due_in = (int)(next->due_ms - now);
    if (*wait_ms < 0 || due_in < *wait_ms)
        *wait_ms = due_in;
    return events;
}

/* False when it is time to end. */
static bool await(const proxy *self)
{
    struct pollfd polled[2 + 2 * CONNECTIONS];
    int wait_ms = -1;
    nfds_t n = 2;
    const uint64_t now = now_ms();
    polled[0] = (struct pollfd){.fd = self->signal_fd, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = self->listener, .events = POLLIN};
    for (unsigned i = 0; i < CONNECTIONS; i++)
        for (unsigned side = 0; side < 2 && self->connections[i].is_open; side++) {
            const connection *const one = &self->connections[i];
            const short events = wanted(self, one, side, now, &wait_ms);
            if (events != 0)
                polled[n++] = (struct pollfd){.fd = one->ways[side].from, .events = events};
        }
    check(poll(polled, n, wait_ms) >= 0 || errno == EINTR, "poll");
    return polled[0].revents == 0;
}

/* --- The whole --- */

static uint64_t number(const char *text)
{
    char *end;
    errno = EINVAL;
    const unsigned long long value = text ? strtoull(text, &end, 10) : 0;
    check(text && end != text && *end == '\0', "a number is missing");
    return value;
}

static struct sockaddr_in address(const char *text)
{
    char host[16];
    struct sockaddr_in found = {.sin_family = AF_INET};
    const char *const colon = text ? strchr(text, ':') : NULL;
    errno = EINVAL;
    check(colon && colon - text < (ptrdiff_t)sizeof host, "an address is missing");
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    found.sin_port = htons((uint16_t)number(colon + 1));
    check(inet_pton(AF_INET, host, &found.sin_addr) == 1, text);
    return found;
}

static void set_fault(proxy *self, fault kind, const char *place)
{
    self->fault = kind;
    self->place = number(place);
}

static void read_options(proxy *self, char **argv)
{
    for (; *argv; argv++)
        if (strcmp(*argv, "--delay") == 0)
            self->delay_ms = number(*++argv);
        else if (strcmp(*argv, "--reset") == 0)
            set_fault(self, RESET, *++argv);
        else if (strcmp(*argv, "--flip") == 0)
            set_fault(self, FLIP, *++argv);
        else if (strcmp(*argv, "--freeze") == 0)
            set_fault(self, FREEZE, *++argv);
        else if (strcmp(*argv, "--back") == 0)
            self->counted_way = 1;
        else if (strcmp(*argv, "--only") == 0)
            self->only = (unsigned)number(*++argv);
        else
            check(false, *argv);
}

static void listen_at(proxy *self)
{
    sigset_t ends;
    const int yes = 1;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    check(sigprocmask(SIG_BLOCK, &ends, NULL) == 0, "signals");
    self->signal_fd = signalfd(-1, &ends, SFD_CLOEXEC);
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    check(self->signal_fd >= 0 && self->listener >= 0, "no descriptor");
    (void)setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    check(bind(self->listener, (const struct sockaddr *)&self->from, sizeof self->from) == 0 &&
              listen(self->listener, CONNECTIONS) == 0,
          "cannot listen");
    say("listening");
}

int main(int argc, char **argv)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with the test that has started it */
    proxy *const self = nd_alloc_zero(1, sizeof *self);
    check(self && argc > 2, "proxy FROM TO [options]");
    self->from = address(argv[1]);
    self->to = address(argv[2]);
    self->only = every;
    read_options(self, argv + 3);
    listen_at(self);
    while (await(self)) {
        take_connections(self);
        for (unsigned i = 0; i < CONNECTIONS; i++)
            if (self->connections[i].is_open)
                serve(self, &self->connections[i]);
    }
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (self->connections[i].is_open)
            close_connection(&self->connections[i], false);
    printf("%llu\n", (unsigned long long)self->n_counted);
    nd_free(self);
    return EXIT_SUCCESS;
}
