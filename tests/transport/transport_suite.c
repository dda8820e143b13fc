/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/transport/transport_suite.h"

#include <string.h>

#include "runtime/base/random.h"
#include "runtime/outbox.h"
#include "tests/support/cmocka.h"

enum { MOST_WORKERS = 5, N_FRAMES = 300 };

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

/* A subject in use, with a pool that its batches come from. */
typedef struct suite_state {
    const transport_subject *subject;
    void *made;
    unsigned n_workers;
    nd_pool pool;
    nd_scrap scrap;
    nd_batch *ready; /* what the outbox has delivered last */
} suite_state;

typedef struct owned_outbox {
    nd_outbox outbox; /* first */
    suite_state *suite;
} owned_outbox;

static void keep_batch(nd_outbox *outbox, nd_batch *batch)
{
    ((owned_outbox *)outbox)->suite->ready = batch;
}

static void no_memory(nd_outbox *outbox)
{
    (void)outbox;
    fail();
}

static nd_batch *make_batch(suite_state *suite, uint64_t value)
{
    static const nd_outbox_owner owner = {.deliver = keep_batch, .failed = no_memory};
    owned_outbox own = {.suite = suite};
    nd_outbox_init(&own.outbox, &number_type, &suite->pool, SIZE_MAX, &suite->scrap, &owner);
    nd_emit_copy(&own.outbox.emit, &(number){value}, 1);
    nd_outbox_flush(&own.outbox);
    nd_outbox_deinit(&own.outbox);
    return suite->ready;
}

static void set_up(suite_state *suite, const transport_subject *subject, unsigned n_workers)
{
    *suite = (suite_state){.subject = subject, .n_workers = n_workers};
    nd_pool_init(&suite->pool);
    suite->made = subject->create(n_workers);
    assert_non_null(suite->made);
}

static void tear_down(suite_state *suite)
{
    suite->subject->destroy(suite->made);
    nd_pool_deinit(&suite->pool);
}

static nd_transport end_of(const suite_state *suite, unsigned worker)
{
    return suite->subject->end_of(suite->made, worker);
}

static void pump(const suite_state *suite)
{
    if (suite->subject->pump)
        suite->subject->pump(suite->made);
}

static void send_frame(const suite_state *suite, unsigned from, uint64_t sequence, size_t len)
{
    nd_change *const changes = test_malloc((len + 1) * sizeof *changes);
    for (size_t i = 0; i < len; i++)
        changes[i] = (nd_change){(uint32_t)i, {sequence, {from}}, (int64_t)sequence};
    const nd_frame frame = {.flow = 7,
                            .sender = from,
                            .sequence = sequence,
                            .kind = ND_FRAME_CHANGES,
                            .changes = changes,
                            .len = len};
    const nd_transport end = end_of(suite, from);
    assert_int_equal(end.ops->send_frame(end.endpoint, &frame), ND_OK);
    end.ops->flush(end.endpoint);
    test_free(changes);
}

static void send_batch(suite_state *suite, unsigned from, unsigned to, uint64_t value)
{
    const nd_delivery delivery = {make_batch(suite, value), {value, {from}}, 3, to};
    const nd_transport end = end_of(suite, from);
    assert_int_equal(end.ops->send_batch(end.endpoint, to, &delivery), ND_OK);
    end.ops->flush(end.endpoint);
}

/* The length that a frame of this number has in these tests: from none to many. */
static size_t frame_len(uint64_t sequence) { return (size_t)(sequence * sequence % 400); }

static void check_frame(const nd_frame *frame)
{
    assert_int_equal(frame->flow, 7);
    assert_int_equal(frame->kind, ND_FRAME_CHANGES);
    assert_int_equal(frame->len, frame_len(frame->sequence));
    for (size_t i = 0; i < frame->len; i++) {
        assert_int_equal(frame->changes[i].location, i);
        assert_int_equal(frame->changes[i].time.epoch, frame->sequence);
        assert_int_equal(frame->changes[i].time.loop[0], frame->sender);
        assert_int_equal(frame->changes[i].delta, frame->sequence);
    }
}

static void frames_arrive_whole_once_and_in_the_order_sent(void **state)
{
    suite_state suite;
    set_up(&suite, *state, MOST_WORKERS);
    uint64_t seen[MOST_WORKERS][MOST_WORKERS] = {{0}};
    for (uint64_t sequence = 1; sequence <= N_FRAMES; sequence++) {
        for (unsigned from = 0; from < suite.n_workers; from++)
            send_frame(&suite, from, sequence, frame_len(sequence));
        if (sequence % 7 != 0 && sequence != N_FRAMES)
            continue;
        pump(&suite);
        for (unsigned to = 0; to < suite.n_workers; to++) {
            const nd_transport end = end_of(&suite, to);
            nd_delivery delivery;
            nd_frame frame;
            while (end.ops->receive(end.endpoint, &delivery, &frame) == ND_ARRIVAL_FRAME) {
                assert_int_equal(frame.sequence, ++seen[to][frame.sender]);
                check_frame(&frame);
            }
        }
    }
    for (unsigned to = 0; to < suite.n_workers; to++)
        for (unsigned from = 0; from < suite.n_workers; from++)
            assert_int_equal(seen[to][from], from == to ? 0 : N_FRAMES);
    tear_down(&suite);
}

static void every_batch_arrives_once_where_it_was_sent(void **state)
{
    enum { N_BATCHES = 500 };
    suite_state suite;
    nd_random random;
    nd_random_init(&random, 1);
    set_up(&suite, *state, 3);
    unsigned to_of[N_BATCHES], n_arrived[N_BATCHES] = {0};
    for (unsigned i = 0; i < N_BATCHES; i++) {
        const unsigned from = i % 3;
        to_of[i] = (from + 1 + (unsigned)nd_random_below(&random, 2)) % 3;
        send_batch(&suite, from, to_of[i], i);
    }
    pump(&suite);
    for (unsigned to = 0; to < 3; to++) {
        const nd_transport end = end_of(&suite, to);
        nd_delivery delivery;
        nd_frame frame;
        while (end.ops->receive(end.endpoint, &delivery, &frame) == ND_ARRIVAL_BATCH) {
            const uint64_t value = ((const number *)nd_batch_records(delivery.batch))->value;
            assert_true(value < N_BATCHES);
            assert_int_equal(to_of[value], to);
            assert_int_equal(delivery.channel, to);
            assert_int_equal(delivery.flow, 3);
            assert_int_equal(delivery.time.epoch, value);
            n_arrived[value]++;
            nd_batch_drop(delivery.batch, &suite.pool);
        }
        assert_false(end.ops->has_arrivals(end.endpoint));
    }
    for (unsigned i = 0; i < N_BATCHES; i++)
        assert_int_equal(n_arrived[i], 1);
    tear_down(&suite);
}

static void arrivals_are_seen_before_they_are_received(void **state)
{
    suite_state suite;
    set_up(&suite, *state, 2);
    const nd_transport end_1 = end_of(&suite, 1);
    assert_false(end_1.ops->has_arrivals(end_1.endpoint));
    send_batch(&suite, 0, 1, 42);
    pump(&suite);
    assert_true(end_1.ops->has_arrivals(end_1.endpoint));
    assert_true(end_1.ops->has_arrivals(end_1.endpoint));
    nd_delivery delivery;
    nd_frame frame;
    assert_int_equal(end_1.ops->receive(end_1.endpoint, &delivery, &frame), ND_ARRIVAL_BATCH);
    nd_batch_drop(delivery.batch, &suite.pool);
    assert_int_equal(end_1.ops->receive(end_1.endpoint, &delivery, &frame), ND_ARRIVAL_NONE);
    tear_down(&suite);
}

static void what_is_under_way_at_the_end_is_freed(void **state)
{
    suite_state suite;
    set_up(&suite, *state, 2);
    for (uint64_t i = 1; i <= 50; i++) {
        send_batch(&suite, 0, 1, i);
        send_frame(&suite, 1, i, 30);
    }
    pump(&suite);
    for (uint64_t i = 1; i <= 50; i++)
        send_batch(&suite, 1, 0, i);
    tear_down(&suite); /* leaks and lost blocks are for the sanitizer and the pool to find */
}

int transport_suite_run(const char *name, const transport_subject *subject)
{
    union {
        const transport_subject *from;
        void *to;
    } state = {subject};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(frames_arrive_whole_once_and_in_the_order_sent, state.to),
        cmocka_unit_test_prestate(every_batch_arrives_once_where_it_was_sent, state.to),
        cmocka_unit_test_prestate(arrivals_are_seen_before_they_are_received, state.to),
        cmocka_unit_test_prestate(what_is_under_way_at_the_end_is_freed, state.to),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
