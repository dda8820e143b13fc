/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TRANSPORT_NET_SUPPORT_H
#define TESTS_TRANSPORT_NET_SUPPORT_H

/** @file
 * Several processes of a run in one: a net each, with all that it reports noted, for the test's
 * thread to wait for. Whoever fails is aborted at once, as a process does.
 *
 *     net_group *const group = net_group_create(2);
 *     nd_net_def def = net_def(group, 0);
 *     ... changes it ...
 *     net_start(&def);
 *     assert_true(net_await_start(group, 0));
 *     net_group_destroy(group);
 *
 * A wait ends without success after ten seconds; nothing else depends on the clock.
 */

#include <stdbool.h>
#include <uv.h>

#include "runtime/base/vector.h"
#include "runtime/batch.h"
#include "transport/zmq/net.h"

enum {
    NET_PARTIES = 4,
    NET_WORKERS = 2,       /* of a process, at most */
    NET_FRAME = 64 * 1024, /* bytes of a big batch */
    NET_LOCATIONS = 8,
    NET_NUMBERS = 0, /* the channel of numbers ... */
    NET_TEXTS = 1,   /* ... and of texts; there are no others */
};

typedef struct net_group net_group;

/* A process. `net` is NULL before the start. What its callbacks tell is under the group's lock. */
typedef struct net_party {
    net_group *group;
    nd_net *net;
    nd_budget budget;
    nd_pool pools[NET_WORKERS];
    bool has_started, is_over;
    nd_err err; /* the first failure */
    nd_message text, notice;
} net_party;

/* `addresses` may be changed before a net is made. */
struct net_group {
    unsigned n;
    uint64_t job[2];
    char directory[32];
    char texts[NET_PARTIES][64];
    const char *addresses[NET_PARTIES];
    net_party parties[NET_PARTIES];
    uv_mutex_t lock;
    uv_cond_t changed;
    uint64_t n_events; /* anything that a net reported */
};

/** Processes that are not started yet, with addresses in a directory of their own. */
net_group *net_group_create(unsigned n);

/** Ends and frees every net, and what is left of the pools. */
void net_group_destroy(net_group *group);

/** Gives a process an address on this machine that was free a moment ago. */
void net_use_tcp(net_group *group, unsigned process);

/** What a process is made of: one worker, eager, a minute for the others to come. */
nd_net_def net_def(net_group *group, unsigned process);

/** Makes a net. */
nd_err net_create(const nd_net_def *def, nd_message *message);

/** Makes and starts a net, which has to succeed. */
void net_start(const nd_net_def *def);

/** Starts all processes and waits until they have met, which has to succeed. */
void net_start_all(net_group *group);

/** Begins dataflow 0 on every worker of every process. */
void net_begin_flows(net_group *group);

/** Waits for something that is about to be so; false when patience has ended. */
bool net_await_start(net_group *group, unsigned process);
bool net_await_failure(net_group *group, unsigned process);
bool net_await_end(net_group *group, unsigned process);

/** Waits until something has been reported since `*n_events` was set, and sets it; false when
 * `patience_ms` has passed. */
bool net_await_event(net_group *group, uint64_t *n_events, unsigned patience_ms);

/** Whether its net thread has ended. */
bool net_has_ended(net_group *group, unsigned process);

/** The failure of a process, once it has failed. */
nd_err net_failure(net_group *group, unsigned process, nd_message *text);

/** Asserts that a process has failed with `err`, or fails soon, and that its text has `what`. */
void net_expect_failure(net_group *group, unsigned process, nd_err err, const char *what);

/** Asks every process to leave, waits until all have, and asserts that none has failed. */
void net_finish_all(net_group *group);

/** The end of a worker, numbered in its process. */
nd_transport net_transport(net_group *group, unsigned process, unsigned worker);

/** The dataflow of these tests, on a worker whose pool this is. */
nd_flow_plan net_plan(nd_pool *pool);

/** A batch of `len` numbers from `first` on, or of one text of `len` bytes that follows from
 * `first`; NULL without memory. */
nd_batch *net_batch(nd_pool *pool, uint32_t channel, uint64_t first, size_t len);

/** Whether it is that batch. */
bool net_batch_is(const nd_batch *batch, uint32_t channel, uint64_t first, size_t len);

/** A frame with one change, the `sequence`th of the worker with that number among all. */
nd_err net_send_change(nd_transport from, unsigned worker, uint64_t sequence, nd_change change);

#endif
