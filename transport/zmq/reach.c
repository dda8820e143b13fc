/* SPDX-License-Identifier: Apache-2.0 */
/* Trying addresses. Resolving a name blocks, for as long as a name server that is gone is waited
 * for, and nothing can end that. So each address is visited on a thread of its own, and the caller
 * waits for all of them, but not for long. A thread that comes back later finds nobody, and the
 * last one frees what they had in common.
 *
 * What is learned is what a run would meet: names are resolved the way ZeroMQ does for a connection
 * (IPv6 first, IPv4 as a mapped address), and its first address counts. A greeting of ZMTP 3
 * (ZeroMQ RFC 23) is a signature, the version, and the mechanism, by which one sees whether it
 * encrypts. The other side says the rest once it has heard the version, and hears no more from
 * here: a mechanism that is not its own would have it hang up first. */
#include "transport/zmq/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <nereid/memory.h>

#include "runtime/base/clock.h"
#include "transport/zmq/address.h"

enum {
    NAME_MS = 5000,                       /* for a name server to answer, */
    CONNECT_MS = 1000 * ND_REACH_SECONDS, /* the machine, */
    GREETING_MS = 1000,                   /* and what listens there */
    GREETING_SIZE = 64,
    SIGNATURE_SIZE = 10,
    MECHANISM = 12, /* where its name begins */
};

typedef struct visits visits;

typedef struct visit {
    visits *all;
    nd_address_parts parts;
    nd_reached found; /* under the lock, once it is over */
    bool is_over;
} visit;

struct visits {
    uv_mutex_t lock;
    uv_cond_t is_one_over;
    unsigned n_under_way;
    unsigned n_users; /* threads and the caller: the last one frees */
    visit items[];
};

static uint64_t now_ms(void) { return nd_clock_now_ns(nd_clock_system()) / 1000000; }

/* --- One address --- */

static bool wait_for(int fd, short events, uint64_t limit_ms)
{
    for (uint64_t now = now_ms(); now < limit_ms; now = now_ms()) {
        struct pollfd one = {.fd = fd, .events = events};
        const int n = poll(&one, 1, (int)(limit_ms - now));
        if (n > 0)
            return true;
    }
    return false;
}

/* ZeroMQ falls back to IPv4 where the system has no IPv6. */
static int family(void)
{
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return AF_INET;
    close(fd);
    return AF_INET6;
}

static bool resolve(const nd_address_parts *parts, nd_reached *found, struct addrinfo **address)
{
    static const char mapped[] = "::ffff:";
    char host[NI_MAXHOST];
    const struct addrinfo wanted = {
        .ai_family = family(), .ai_socktype = SOCK_STREAM, .ai_flags = AI_V4MAPPED};
    int failure = getaddrinfo(parts->host, parts->port, &wanted, address);
    if (failure == 0)
        failure = getnameinfo((*address)->ai_addr, (*address)->ai_addrlen, host, sizeof host, NULL,
                              0, NI_NUMERICHOST);
    if (failure != 0) {
        found->what = ND_REACH_NO_NAME;
        snprintf(found->reason, sizeof found->reason, "%s", gai_strerror(failure));
        return false;
    }
    const bool is_mapped = strncmp(host, mapped, sizeof mapped - 1) == 0;
    const char *const shown = is_mapped ? host + sizeof mapped - 1 : host;
    snprintf(found->numeric, sizeof found->numeric,
             strchr(shown, ':') ? "tcp://[%s]:%s" : "tcp://%s:%s", shown, parts->port);
    return true;
}

static nd_reach say_reason(nd_reached *found, int error)
{
    char text[128];
    snprintf(found->reason, sizeof found->reason, "%s", strerror_r(error, text, sizeof text));
    return ND_REACH_NO_WAY;
}

static nd_reach connect_in_time(int fd, const struct addrinfo *address, nd_reached *found)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        error = errno;
    if (error == EINPROGRESS) {
        if (!wait_for(fd, POLLOUT, now_ms() + CONNECT_MS))
            return ND_REACH_SILENT;
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == ECONNREFUSED)
        return ND_REACH_REFUSED;
    if (error == ETIMEDOUT)
        return ND_REACH_SILENT;
    if (error == 0)
        return ND_REACH_ANSWERS;
    return say_reason(found, error);
}

/* Reads up to `size` bytes until `limit_ms`; returns how many have come, or -1 if the other end has
 * closed before. */
static ssize_t hear(int fd, unsigned char *bytes, size_t size, uint64_t limit_ms)
{
    size_t len = 0;
    while (len < size && wait_for(fd, POLLIN, limit_ms)) {
        const ssize_t got = recv(fd, bytes + len, size - len, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return -1;
        len += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)len;
}

static nd_reach greet(int fd, nd_reached *found)
{
    static const unsigned char beginning[SIGNATURE_SIZE + 1] = {
        [0] = 0xff, [SIGNATURE_SIZE - 1] = 0x7f, [SIGNATURE_SIZE] = 3};
    unsigned char heard[GREETING_SIZE];
    const uint64_t limit_ms = now_ms() + GREETING_MS;
    ssize_t n = hear(fd, heard, SIGNATURE_SIZE, limit_ms);
    if (n == 0)
        return ND_REACH_MUTE;
    if (n < SIGNATURE_SIZE || heard[0] != beginning[0] || (heard[SIGNATURE_SIZE - 1] & 1) == 0)
        return ND_REACH_STRANGER;
    (void)!send(fd, beginning, sizeof beginning, MSG_NOSIGNAL);
    n = hear(fd, heard + SIGNATURE_SIZE, GREETING_SIZE - SIGNATURE_SIZE, limit_ms);
    if (n < GREETING_SIZE - SIGNATURE_SIZE)
        return ND_REACH_STRANGER;
    found->has_keys = memcmp(heard + MECHANISM, "CURVE", sizeof "CURVE") == 0;
    return ND_REACH_ANSWERS;
}

static void go(const nd_address_parts *parts, nd_reached *found)
{
    struct addrinfo *address = NULL;
    int fd = -1;
    if (resolve(parts, found, &address)) {
        fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        found->what = fd < 0 ? say_reason(found, errno) : connect_in_time(fd, address, found);
        if (found->what == ND_REACH_ANSWERS)
            found->what = greet(fd, found);
    }
    if (fd >= 0)
        close(fd);
    if (address)
        freeaddrinfo(address);
}

/* --- All of them --- */

/* Under the lock, which is given back. */
static void leave(visits *all)
{
    const bool is_last = --all->n_users == 0;
    uv_mutex_unlock(&all->lock);
    if (!is_last)
        return;
    uv_cond_destroy(&all->is_one_over);
    uv_mutex_destroy(&all->lock);
    nd_free(all);
}

static void *run(void *arg)
{
    visit *const one = arg;
    visits *const all = one->all;
    nd_reached found = {.what = ND_REACH_NO_NAMES};
    go(&one->parts, &found);
    uv_mutex_lock(&all->lock);
    one->found = found;
    one->is_over = true;
    all->n_under_way--;
    uv_cond_signal(&all->is_one_over);
    leave(all);
    return NULL;
}

/* False if there is no thread to be had. */
static bool start(visit *one)
{
    pthread_t thread;
    pthread_attr_t detached;
    visits *const all = one->all;
    uv_mutex_lock(&all->lock);
    all->n_users++;
    all->n_under_way++;
    uv_mutex_unlock(&all->lock);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    const bool has_thread = pthread_create(&thread, &detached, run, one) == 0;
    pthread_attr_destroy(&detached);
    if (has_thread)
        return true;
    uv_mutex_lock(&all->lock);
    all->n_under_way--;
    leave(all);
    return false;
}

static nd_err create_visits(const char *const *addresses, unsigned n, visits **all)
{
    visits *const made = nd_alloc_zero(1, sizeof *made + n * sizeof *made->items);
    if (!made)
        return ND_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        made->items[i].all = made;
        made->items[i].found.what = ND_REACH_NO_NAMES; /* if its thread never comes back */
        if (!nd_address_split(addresses[i], &made->items[i].parts)) {
            nd_free(made);
            return ND_INVAL;
        }
    }
    if (uv_mutex_init(&made->lock) != 0) {
        nd_free(made);
        return ND_NOMEM;
    }
    if (uv_cond_init(&made->is_one_over) != 0) {
        uv_mutex_destroy(&made->lock);
        nd_free(made);
        return ND_NOMEM;
    }
    made->n_users = 1;
    *all = made;
    return ND_OK;
}

nd_err nd_reach_all(const char *const *addresses, unsigned n, nd_reached *found)
{
    visits *all;
    nd_err err = ND_OK;
    ND_TRY(create_visits(addresses, n, &all));
    const uint64_t limit_ms = now_ms() + NAME_MS + CONNECT_MS + GREETING_MS;
    for (unsigned i = 0; i < n && err == ND_OK; i++)
        err = start(&all->items[i]) ? ND_OK : ND_NOMEM;
    uv_mutex_lock(&all->lock);
    for (uint64_t now = now_ms(); all->n_under_way && now < limit_ms; now = now_ms())
        (void)uv_cond_timedwait(&all->is_one_over, &all->lock, (limit_ms - now) * 1000000);
    for (unsigned i = 0; i < n && err == ND_OK; i++)
        found[i] = all->items[i].found;
    leave(all);
    return err;
}

/* --- Listening --- */

/* Binds without listening: nobody who tries this address meanwhile takes it for a process. Returns
 * 0 or an errno. */
static int occupy(const struct addrinfo *place)
{
    const int fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)); /* as ZeroMQ does */
    const int error = bind(fd, place->ai_addr, place->ai_addrlen) == 0 ? 0 : errno;
    close(fd);
    return error;
}

nd_err nd_reach_bind(const char *address, char *numeric, size_t size, nd_message *message)
{
    char bound[512], reason[128];
    nd_address_parts parts;
    struct addrinfo *place = NULL;
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    ND_TRY(nd_address_to_bind(address, bound, sizeof bound, message));
    if (!nd_address_split(bound, &parts))
        return nd_message_set(message, ND_USAGE, "%s is no tcp address", address);
    const int failure = getaddrinfo(parts.host, parts.port, &wanted, &place);
    if (failure != 0)
        return nd_message_set(message, ND_USAGE, "%s: %s", address, gai_strerror(failure));
    const int error = occupy(place);
    freeaddrinfo(place);
    if (error != 0)
        return nd_message_set(message, ND_CLOSED, "%s", strerror_r(error, reason, sizeof reason));
    snprintf(numeric, size, "%s", bound);
    return ND_OK;
}
