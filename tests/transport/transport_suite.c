/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread plays all workers here, at random; what arrives is compared with what was sent.
 */
#include "tests/transport/transport_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/failing_memory.h"

enum { WORKERS = 4, MESSAGES = 4000 };

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

void suite_frame(unsigned sender, uint64_t sequence, nd_frame *frame, nd_change *changes)
{
    static const nd_frame_kind kinds[] = {ND_FRAME_CHANGES, ND_FRAME_START, ND_FRAME_DROP,
                                          ND_FRAME_END};
    nd_random random;
    nd_random_init(&random, sequence * 16 + sender);
    memset(frame, 0, sizeof *frame);
    frame->flow = (uint32_t)nd_random_below(&random, 100);
    frame->sender = frame->worker = sender;
    frame->sequence = sequence;
    frame->kind = kinds[nd_random_below(&random, 4)];
    frame->fingerprint = nd_random_next(&random);
    frame->len = frame->kind == ND_FRAME_CHANGES ? nd_random_below(&random, SUITE_CHANGES) : 0;
    frame->changes = changes;
    memset(changes, 0, SUITE_CHANGES * sizeof *changes);
    for (size_t i = 0; i < frame->len; i++) {
        changes[i].location = (uint32_t)nd_random_next(&random);
        changes[i].time = (nd_time){.epoch = nd_random_next(&random)};
        changes[i].delta = (int64_t)nd_random_next(&random);
    }
}

bool suite_frame_is(const nd_frame *frame, unsigned sender, uint64_t sequence)
{
    nd_frame expected;
    nd_change changes[SUITE_CHANGES];
    suite_frame(sender, sequence, &expected, changes);
    if (frame->flow != expected.flow || frame->sender != sender || frame->worker != sender ||
        frame->sequence != sequence || frame->kind != expected.kind ||
        frame->fingerprint != expected.fingerprint || frame->len != expected.len)
        return false;
    for (size_t i = 0; i < frame->len; i++)
        if (frame->changes[i].location != changes[i].location ||
            !nd_time_equal(&frame->changes[i].time, &changes[i].time) ||
            frame->changes[i].delta != changes[i].delta)
            return false;
    return true;
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
    nd_batch_drop(delivery->batch, &p->pools[receiver]);
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
        assert_in_range(frame.sender, 0, WORKERS - 1);
        assert_int_not_equal(frame.sender, receiver);
        assert_true(suite_frame_is(&frame, frame.sender, ++p->n_seen[receiver][frame.sender]));
        return true;
    case ND_ARRIVAL_NONE:
        break;
    }
    return false;
}

static void flush_all(play *p)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        const nd_transport transport = p->network->transport(p->self, i);
        transport.ops->flush(transport.endpoint);
    }
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
        (void)p->network->deliver(p->self, &p->random);
    }
}

static void drain(play *p)
{
    flush_all(p);
    while (p->network->deliver(p->self, &p->random))
        continue;
    for (unsigned i = 0; i < WORKERS; i++)
        while (receive(p, i))
            continue;
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
        const nd_transport transport = p->network->transport(p->self, worker);
        assert_false(transport.ops->has_arrivals(transport.endpoint));
    }
    drain(p);
    send_batch(p, 0);
    send_frame(p, 0);
    flush_all(p);
    while (p->network->deliver(p->self, &p->random))
        continue;
    for (unsigned i = 1; i < WORKERS; i++) {
        const nd_transport transport = p->network->transport(p->self, i);
        assert_true(transport.ops->has_arrivals(transport.endpoint));
        assert_true(receive(p, i));
    }
    end(p);
}

/* Ended with things sent, delivered, and received a moment ago. */
static void nothing_is_left_wherever_it_ends(void **state)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
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

/* What cannot be sent is released all the same, and what was sent before still arrives. */
static void memory_may_run_out_while_sending(void **state)
{
    const network_ops *network = network_of(state);
    bool was_refused = false;
    for (size_t allowed = 5; allowed < 120; allowed++) {
        failing_memory memory;
        nd_pool pool;
        failing_memory_start(&memory, allowed);
        nd_pool_init(&pool);
        void *self = network->create(2);
        nd_err err = ND_OK;
        for (uint64_t i = 0; self != NULL && err == ND_OK && i < 400; i++) {
            const nd_transport transport = network->transport(self, 0);
            nd_frame frame;
            nd_change changes[SUITE_CHANGES];
            suite_frame(0, i + 1, &frame, changes);
            nd_batch *const batch = suite_batch(&pool, i);
            const nd_delivery delivery = delivery_of(batch, i);
            if (batch != NULL)
                err = transport.ops->send_batch(transport.endpoint, 1, &delivery);
            if (err == ND_OK)
                err = transport.ops->send_frame(transport.endpoint, &frame);
        }
        assert_true(err == ND_OK || err == ND_NOMEM);
        was_refused |= err == ND_NOMEM;
        if (self != NULL)
            network->destroy(self);
        nd_pool_deinit(&pool);
        failing_memory_stop(&memory);
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
