/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport between processes: the common suite, each worker a process of its own, and workers
 * on threads of their own that send to one another.
 */
#include "tests/transport/transport_suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "tests/transport/net_support.h"

/* --- The common suite --- */

enum { PATIENCE_MS = 10000 };

typedef struct network {
    net_group *group;
    uint64_t n_events; /* that deliver has told of */
} network;

static void destroy(void *self)
{
    network *const net = self;
    net_group_destroy(net->group);
    free(net);
}

static bool start(net_group *group)
{
    nd_message message;
    for (unsigned i = 0; i < group->n; i++) {
        const nd_net_def def = net_def(group, i);
        if (net_create(&def, &message) != ND_OK || nd_net_start(group->parties[i].net) != ND_OK)
            return false;
    }
    for (unsigned i = 0; i < group->n; i++)
        if (!net_await_start(group, i))
            return false;
    return true;
}

static void *create(unsigned n_workers)
{
    network *const net = calloc(1, sizeof *net);
    assert_non_null(net);
    net->group = net_group_create(n_workers);
    if (start(net->group))
        return net;
    destroy(net);
    return NULL;
}

static nd_transport transport(void *self, unsigned worker)
{
    return net_transport(((network *)self)->group, worker, 0);
}

static bool deliver(void *self, nd_random *random)
{
    network *const net = self;
    nd_message text;
    (void)random;
    for (unsigned i = 0; i < net->group->n; i++)
        if (net_failure(net->group, i, &text) != ND_OK)
            fail_msg("process %u: %s", i, text.text);
    return net_await_event(net->group, &net->n_events, PATIENCE_MS);
}

/* Frames come from processes, which are numbered after the workers. */
static unsigned worker_of_sender(void *self, unsigned sender)
{
    return sender - ((const network *)self)->group->n;
}

/* --- Threads --- */

enum { PROCESSES = 2, PEERS = PROCESSES * NET_WORKERS, EACH = 1000 };

/* One worker's side. */
typedef struct side {
    net_group *group;
    unsigned worker;                      /* among all */
    uint64_t n_frames[PEERS + PROCESSES]; /* seen, by sender */
    int64_t counts[NET_LOCATIONS];        /* all deltas, its own too */
    uint64_t sum, n_batches;              /* of what came in batches */
    bool failed;
} side;

static void count_frame(side *s, const nd_frame *frame)
{
    s->failed |= frame->sender >= PEERS + PROCESSES ||
                 frame->sequence != ++s->n_frames[frame->sender % (PEERS + PROCESSES)];
    for (size_t i = 0; i < frame->len; i++)
        s->counts[frame->changes[i].location] += frame->changes[i].delta;
}

static bool take_one(side *s, nd_transport to)
{
    nd_frame frame;
    nd_delivery delivery;
    uint64_t value;
    switch (to.ops->receive(to.endpoint, &delivery, &frame)) {
    case ND_ARRIVAL_FRAME:
        count_frame(s, &frame);
        return true;
    case ND_ARRIVAL_BATCH:
        memcpy(&value, nd_batch_records(delivery.batch), sizeof value);
        s->sum += value;
        s->n_batches++;
        s->failed |= !net_batch_is(delivery.batch, NET_NUMBERS, value, 1 + value % 500);
        if (delivery.batch->origin)
            to.ops->consumed(to.endpoint, delivery.batch);
        nd_batch_drop(delivery.batch, NULL);
        return true;
    case ND_ARRIVAL_NONE:
        break;
    }
    return false;
}

/* Each sends as many frames as batches to each other. */
static bool has_all(const side *s)
{
    uint64_t n_frames = 0;
    for (unsigned i = 0; i < PEERS + PROCESSES; i++)
        n_frames += s->n_frames[i];
    return n_frames == (PEERS - 1) * (uint64_t)EACH && s->n_batches == n_frames;
}

static void send_round(side *s, nd_transport here, uint64_t i)
{
    const nd_change change = {.location = s->worker, .time = {i / 2, {0}}, .delta = i % 2 ? -1 : 1};
    nd_pool *const pool =
        &s->group->parties[s->worker / NET_WORKERS].pools[s->worker % NET_WORKERS];
    s->failed |= net_send_change(here, s->worker, i + 1, change) != ND_OK;
    s->counts[s->worker] += change.delta;
    for (unsigned to = 0; to < PEERS; to++) {
        if (to == s->worker)
            continue;
        const nd_delivery delivery = {.batch = net_batch(pool, NET_NUMBERS, i, 1 + i % 500)};
        s->failed |= here.ops->send_batch(here.endpoint, to, &delivery) != ND_OK;
    }
    here.ops->flush(here.endpoint);
}

static void *send_and_receive(void *arg)
{
    side *const s = arg;
    nd_message text;
    const unsigned process = s->worker / NET_WORKERS;
    const nd_transport here = net_transport(s->group, process, s->worker % NET_WORKERS);
    for (uint64_t i = 0; i < EACH; i++) {
        send_round(s, here, i);
        while (take_one(s, here))
            continue;
    }
    while (!has_all(s) && !s->failed && net_failure(s->group, process, &text) == ND_OK)
        if (!take_one(s, here))
            sched_yield();
    return NULL;
}

static net_group *start_with_two_workers(void)
{
    net_group *const group = net_group_create(PROCESSES);
    for (unsigned i = 0; i < PROCESSES; i++) {
        nd_net_def def = net_def(group, i);
        def.n_workers = NET_WORKERS;
        net_start(&def);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        assert_true(net_await_start(group, i));
    for (unsigned i = 0; i < PEERS; i++) {
        const unsigned process = i / NET_WORKERS, worker = i % NET_WORKERS;
        const nd_flow_plan plan = net_plan(&group->parties[process].pools[worker]);
        const nd_transport to = net_transport(group, process, worker);
        assert_int_equal(to.ops->begin_flow(to.endpoint, &plan), ND_OK);
    }
    return group;
}

static void workers_of_processes_send_to_one_another(void **state)
{
    (void)state;
    net_group *const group = start_with_two_workers();
    side sides[PEERS];
    pthread_t threads[PEERS];
    for (unsigned i = 0; i < PEERS; i++)
        sides[i] = (side){.group = group, .worker = i};
    for (unsigned i = 0; i < PEERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_and_receive, &sides[i]), 0);
    for (unsigned i = 0; i < PEERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < PEERS; i++) {
        assert_false(sides[i].failed);
        assert_true(has_all(&sides[i]));
        assert_int_equal(sides[i].sum, (PEERS - 1) * ((uint64_t)EACH * (EACH - 1) / 2));
        for (unsigned k = 0; k < NET_LOCATIONS; k++)
            assert_int_equal(sides[i].counts[k], 0);
    }
    net_finish_all(group);
    net_group_destroy(group);
}

/* --- Waking --- */

enum { ROUNDS = 2000, LONGEST = 200 };

static void pass_time(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)uv_hrtime();
}

static void send_one(net_group *group, uint64_t number)
{
    const nd_transport from = net_transport(group, 0, 0);
    const nd_delivery delivery = {
        .batch = net_batch(&group->parties[0].pools[0], NET_NUMBERS, number, 1)};
    assert_int_equal(from.ops->send_batch(from.endpoint, 1, &delivery), ND_OK);
    from.ops->flush(from.endpoint);
}

static bool take_soon(net_group *group)
{
    nd_frame frame;
    nd_delivery delivery;
    const nd_transport to = net_transport(group, 1, 0);
    const uint64_t until = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    while (uv_hrtime() < until) {
        if (to.ops->receive(to.endpoint, &delivery, &frame) == ND_ARRIVAL_BATCH) {
            to.ops->consumed(to.endpoint, delivery.batch);
            nd_batch_drop(delivery.batch, &group->parties[1].pools[0]);
            return true;
        }
        sched_yield();
    }
    return false;
}

/* The first of two wakes the net thread; the second comes, after one time or another, when it is
 * about to sleep again. */
static void no_wake_is_lost(void **state)
{
    (void)state;
    net_group *const group = net_group_create(2);
    net_start_all(group);
    net_begin_flows(group);
    for (unsigned i = 0; i < ROUNDS; i++) {
        send_one(group, i);
        pass_time(i % LONGEST);
        send_one(group, i);
        for (unsigned k = 0; k < 2; k++)
            if (!take_soon(group))
                fail_msg("number %u does not come", i);
    }
    net_finish_all(group);
    net_group_destroy(group);
}

int main(void)
{
    static const network_ops zmq = {.create = create,
                                    .destroy = destroy,
                                    .transport = transport,
                                    .deliver = deliver,
                                    .worker_of_sender = worker_of_sender,
                                    .is_asynchronous = true};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_of_processes_send_to_one_another),
        cmocka_unit_test(no_wake_is_lost),
    };
    return suite_run("zmq", &zmq) + cmocka_run_group_tests(tests, NULL, NULL);
}
