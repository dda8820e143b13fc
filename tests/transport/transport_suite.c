/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread plays all workers here, at random; what arrives is compared with what was sent.
 */
#include "tests/transport/transport_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/failing_memory.h"

enum { WORKERS = 4, MESSAGES = 4000, LOCATIONS = 64, CHANNELS = 7 };

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

nd_batch *suite_batch(nd_pool *pool, uint64_t value)
{
    nd_batch *const batch = nd_batch_create(pool, &number_type, sizeof(number));
    if (batch == NULL)
        return NULL;
    batch->len = 1;
    memcpy(batch->records, &value, sizeof value);
    return batch;
}

static const nd_type *type_of(const void *context, uint32_t channel)
{
    (void)context;
    return channel < CHANNELS ? &number_type : NULL;
}

/* Each location at most once, so that the changes of a frame are a set however they are sorted. */
static void fill_changes(nd_random *random, nd_change *changes, size_t len)
{
    const uint32_t first = (uint32_t)nd_random_below(random, LOCATIONS);
    for (size_t i = 0; i < len; i++) {
        const int64_t delta = 1 + (int64_t)nd_random_below(random, 3);
        changes[i] = (nd_change){
            .location = (first + 7 * (uint32_t)i) % LOCATIONS,
            .time = {nd_random_below(random, 8), {(uint32_t)nd_random_below(random, 2)}},
            .delta = nd_random_below(random, 2) ? delta : -delta};
    }
}

void suite_frame(unsigned sender, uint64_t sequence, nd_frame *frame, nd_change *changes)
{
    static const nd_frame_kind kinds[] = {ND_FRAME_CHANGES, ND_FRAME_START, ND_FRAME_DROP,
                                          ND_FRAME_END};
    nd_random random;
    nd_random_init(&random, sequence * 16 + sender);
    memset(frame, 0, sizeof *frame);
    frame->flow = (uint32_t)nd_random_below(&random, SUITE_FLOWS);
    frame->sender = sender;
    frame->sequence = sequence;
    frame->kind = kinds[nd_random_below(&random, 4)];
    frame->changes = changes;
    if (frame->kind == ND_FRAME_CHANGES) {
        frame->len = 1 + nd_random_below(&random, SUITE_CHANGES);
        fill_changes(&random, changes, frame->len);
    } else {
        frame->worker = sender;
        frame->fingerprint = nd_random_next(&random);
    }
}

static bool has_changes(const nd_frame *frame, const nd_frame *expected)
{
    const nd_change *at[LOCATIONS] = {NULL};
    for (size_t i = 0; i < expected->len; i++)
        at[expected->changes[i].location] = &expected->changes[i];
    for (size_t i = 0; i < frame->len; i++) {
        const nd_change *const change = &frame->changes[i];
        const nd_change *const other = change->location < LOCATIONS ? at[change->location] : NULL;
        if (other == NULL || !nd_time_equal(&change->time, &other->time) ||
            change->delta != other->delta)
            return false;
        at[change->location] = NULL;
    }
    return frame->len == expected->len;
}

bool suite_frame_is(const nd_frame *frame, unsigned sender, uint64_t sequence)
{
    nd_frame expected;
    nd_change changes[SUITE_CHANGES];
    suite_frame(sender, sequence, &expected, changes);
    return frame->flow == expected.flow && frame->worker == expected.worker &&
           frame->sequence == sequence && frame->kind == expected.kind &&
           frame->fingerprint == expected.fingerprint && has_changes(frame, &expected);
}

/* --- A play of all workers --- */

typedef struct play {
    const network_ops *network;
    void *self;
    nd_random random;
    nd_pool pools[WORKERS];
    uint64_t n_sent[WORKERS];          /* frames, by sender */
    uint64_t n_seen[WORKERS][WORKERS]; /* frames, by receiver and sender */
    unsigned receivers[MESSAGES];      /* of batches, by number; WORKERS: none is under way */
    size_t n_batches, n_arrived;
} play;

static const network_ops *network_of(void **state) { return *state; }

/* Every dataflow that frames and batches are of, on one worker. */
static nd_err begin_flows(nd_transport transport, nd_pool *pool)
{
    static const nd_topology topology = {.n_locations = LOCATIONS};
    for (uint32_t flow = 0; transport.ops->begin_flow && flow < SUITE_FLOWS; flow++)
        ND_TRY(transport.ops->begin_flow(transport.endpoint, &(nd_flow_plan){.flow = flow,
                                                                             .topology = &topology,
                                                                             .pool = pool,
                                                                             .type_of = type_of}));
    return ND_OK;
}

static play *begin(const network_ops *network, uint64_t seed)
{
    play *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->network = network;
    nd_random_init(&p->random, seed);
    for (unsigned i = 0; i < WORKERS; i++)
        nd_pool_init(&p->pools[i]);
    p->self = network->create(WORKERS);
    assert_non_null(p->self);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(begin_flows(network->transport(p->self, i), &p->pools[i]), ND_OK);
    return p;
}

static void end(play *p)
{
    p->network->destroy(p->self);
    for (unsigned i = 0; i < WORKERS; i++)
        nd_pool_deinit(&p->pools[i]);
    free(p);
}

static unsigned any_worker(play *p) { return (unsigned)nd_random_below(&p->random, WORKERS); }

static void send_frame(play *p, unsigned sender)
{
    nd_frame frame;
    nd_change changes[SUITE_CHANGES];
    const nd_transport transport = p->network->transport(p->self, sender);
    suite_frame(sender, ++p->n_sent[sender], &frame, changes);
    assert_int_equal(transport.ops->send_frame(transport.endpoint, &frame), ND_OK);
}

static nd_delivery delivery_of(nd_batch *batch, uint64_t value)
{
    return (nd_delivery){.batch = batch,
                         .time = {value, {(uint32_t)value}},
                         .flow = (uint32_t)value % 5,
                         .channel = (uint32_t)value % 7};
}

static void send_batch(play *p, unsigned sender)
{
    const unsigned receiver =
        (sender + 1 + (unsigned)nd_random_below(&p->random, WORKERS - 1)) % WORKERS;
    const nd_transport transport = p->network->transport(p->self, sender);
    if (p->n_batches == MESSAGES)
        return;
    const uint64_t value = p->n_batches++;
    const nd_delivery delivery = delivery_of(suite_batch(&p->pools[sender], value), value);
    p->receivers[value] = receiver;
    assert_non_null(delivery.batch);
    assert_int_equal(transport.ops->send_batch(transport.endpoint, receiver, &delivery), ND_OK);
}

static void check_batch(play *p, unsigned receiver, const nd_delivery *delivery)
{
    uint64_t value;
    const nd_transport transport = p->network->transport(p->self, receiver);
    assert_int_equal(nd_batch_len(delivery->batch), 1);
    memcpy(&value, nd_batch_records(delivery->batch), sizeof value);
    assert_in_range(value, 0, p->n_batches - 1);
    assert_int_equal(p->receivers[value], receiver);
    p->receivers[value] = WORKERS;
    const nd_delivery expected = delivery_of(delivery->batch, value);
    assert_true(nd_time_equal(&delivery->time, &expected.time));
    assert_int_equal(delivery->flow, expected.flow);
    assert_int_equal(delivery->channel, expected.channel);
    p->n_arrived++;
    if (delivery->batch->origin)
        transport.ops->consumed(transport.endpoint, delivery->batch);
    nd_batch_drop(delivery->batch, &p->pools[receiver]);
}

static void check_frame(play *p, unsigned receiver, const nd_frame *frame)
{
    const network_ops *const network = p->network;
    const unsigned sender = network->worker_of_sender
                                ? network->worker_of_sender(p->self, frame->sender)
                                : frame->sender;
    assert_in_range(sender, 0, WORKERS - 1);
    assert_int_not_equal(sender, receiver);
    assert_true(suite_frame_is(frame, sender, ++p->n_seen[receiver][sender]));
}

/* Takes one thing; false if there is none. */
static bool receive(play *p, unsigned receiver)
{
    nd_frame frame;
    nd_delivery delivery;
    const nd_transport transport = p->network->transport(p->self, receiver);
    switch (transport.ops->receive(transport.endpoint, &delivery, &frame)) {
    case ND_ARRIVAL_BATCH:
        check_batch(p, receiver, &delivery);
        return true;
    case ND_ARRIVAL_FRAME:
        check_frame(p, receiver, &frame);
        return true;
    case ND_ARRIVAL_NONE:
        break;
    }
    return false;
}

static void receive_all(play *p)
{
    for (unsigned i = 0; i < WORKERS; i++)
        while (receive(p, i))
            continue;
}

static bool has_arrivals(play *p, unsigned worker)
{
    const nd_transport transport = p->network->transport(p->self, worker);
    return transport.ops->has_arrivals(transport.endpoint);
}

static bool deliver(play *p) { return p->network->deliver(p->self, &p->random); }

/* Whether all that was sent has been received. */
static bool is_complete(const play *p)
{
    bool complete = p->n_arrived == p->n_batches;
    for (unsigned r = 0; r < WORKERS; r++)
        for (unsigned s = 0; s < WORKERS; s++)
            complete &= r == s || p->n_seen[r][s] == p->n_sent[s];
    return complete;
}

static void flush_all(play *p)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        const nd_transport transport = p->network->transport(p->self, i);
        transport.ops->flush(transport.endpoint);
    }
}

static bool any_arrivals(play *p)
{
    bool any = false;
    for (unsigned i = 0; i < WORKERS; i++)
        any |= has_arrivals(p, i);
    return any;
}

/* Now and then waited for, where it comes by itself. */
static void let_come(play *p)
{
    if (!p->network->is_asynchronous) {
        (void)deliver(p);
        return;
    }
    if (is_complete(p) || nd_random_below(&p->random, 32) != 0)
        return;
    flush_all(p);
    while (!any_arrivals(p) && deliver(p))
        continue;
}

static void act(play *p)
{
    const unsigned worker = any_worker(p);
    switch (nd_random_below(&p->random, 6)) {
    case 0:
        send_frame(p, worker);
        break;
    case 1:
        send_batch(p, worker);
        break;
    case 2:
        flush_all(p);
        break;
    case 3:
        while (receive(p, worker))
            continue;
        break;
    default:
        let_come(p);
    }
}

static void drain(play *p)
{
    flush_all(p);
    do
        receive_all(p);
    while (!(p->network->is_asynchronous && is_complete(p)) && deliver(p));
}

/* --- The suite --- */

static void everything_arrives_once_and_frames_in_order(void **state)
{
    play *p = begin(network_of(state), 1);
    for (unsigned i = 0; i < 20000; i++)
        act(p);
    drain(p);
    assert_int_equal(p->n_arrived, p->n_batches);
    assert_true(p->n_batches > 1000);
    for (unsigned r = 0; r < WORKERS; r++)
        for (unsigned s = 0; s < WORKERS; s++)
            assert_int_equal(p->n_seen[r][s], r == s ? 0 : p->n_sent[s]);
    end(p);
}

static void arrivals_are_told(void **state)
{
    play *p = begin(network_of(state), 2);
    for (unsigned i = 0; i < 2000; i++) {
        act(p);
        const unsigned worker = any_worker(p);
        while (receive(p, worker))
            continue;
        if (!p->network->is_asynchronous)
            assert_false(has_arrivals(p, worker));
    }
    drain(p);
    send_batch(p, 0);
    send_frame(p, 0);
    flush_all(p);
    for (unsigned i = 1; i < WORKERS; i++) {
        while (!has_arrivals(p, i) && deliver(p))
            continue;
        assert_true(has_arrivals(p, i));
        assert_true(receive(p, i));
    }
    end(p);
}

/* Ended with things sent, delivered, and received a moment ago. */
static void nothing_is_left_wherever_it_ends(void **state)
{
    const uint64_t step = network_of(state)->is_asynchronous ? 17 : 1; /* they take long to make */
    for (uint64_t seed = 0; seed < 100; seed += step) {
        failing_memory memory;
        failing_memory_start(&memory, SIZE_MAX);
        play *p = begin(network_of(state), seed);
        for (uint64_t i = 0; i < seed; i++)
            act(p);
        (void)receive(p, any_worker(p));
        end(p);
        failing_memory_stop(&memory);
    }
}

/* Worker 0 sends to worker 1 until memory runs out. */
static nd_err send_much(const network_ops *network, void *self, nd_pool *pools)
{
    const nd_transport transport = network->transport(self, 0);
    for (unsigned i = 0; i < 2; i++)
        ND_TRY(begin_flows(network->transport(self, i), &pools[i]));
    for (uint64_t i = 0; i < 400; i++) {
        nd_frame frame;
        nd_change changes[SUITE_CHANGES];
        suite_frame(0, i + 1, &frame, changes);
        nd_batch *const batch = suite_batch(&pools[0], i);
        const nd_delivery delivery = delivery_of(batch, i);
        if (batch != NULL)
            ND_TRY(transport.ops->send_batch(transport.endpoint, 1, &delivery));
        ND_TRY(transport.ops->send_frame(transport.endpoint, &frame));
        transport.ops->flush(transport.endpoint);
    }
    return ND_OK;
}

static nd_err send_with(const network_ops *network, size_t allowed)
{
    failing_memory memory;
    nd_pool pools[2];
    failing_memory_start(&memory, allowed);
    nd_pool_init(&pools[0]);
    nd_pool_init(&pools[1]);
    void *const self = network->create(2);
    const nd_err err = self != NULL ? send_much(network, self, pools) : ND_OK;
    if (self != NULL)
        network->destroy(self);
    nd_pool_deinit(&pools[0]);
    nd_pool_deinit(&pools[1]);
    failing_memory_stop(&memory);
    return err;
}

/* What cannot be sent is released all the same. */
static void memory_may_run_out_while_sending(void **state)
{
    const network_ops *const network = network_of(state);
    const size_t few = network->is_asynchronous ? 5 : 1, many = network->is_asynchronous ? 30 : 1;
    bool was_refused = false;
    for (size_t allowed = 5; allowed < 120; allowed += allowed < 50 ? few : many) {
        const nd_err err = send_with(network, allowed);
        assert_true(err == ND_OK || err == ND_NOMEM);
        was_refused |= err == ND_NOMEM;
    }
    assert_true(was_refused);
}

int suite_run(const char *name, const network_ops *network)
{
    union {
        const network_ops *in;
        void *out;
    } state = {.in = network};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(everything_arrives_once_and_frames_in_order, state.out),
        cmocka_unit_test_prestate(arrivals_are_told, state.out),
        cmocka_unit_test_prestate(nothing_is_left_wherever_it_ends, state.out),
        cmocka_unit_test_prestate(memory_may_run_out_while_sending, state.out),
    };
    printf("transport '%s'\n", name);
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
