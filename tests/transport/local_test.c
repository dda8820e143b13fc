/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport between threads: the common suite, and threads that send to one another.
 */
#include "tests/transport/transport_suite.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "transport/local.h"

/* --- The common suite --- */

static void wake_nobody(void *context, unsigned worker) { (void)context, (void)worker; }

static void *create(unsigned n_workers)
{
    nd_local *local;
    return nd_local_create(n_workers, wake_nobody, NULL, &local) == ND_OK ? local : NULL;
}

static void destroy(void *self) { nd_local_destroy(self); }

static nd_transport transport(void *self, unsigned worker)
{
    return nd_local_transport(self, worker);
}

static bool deliver(void *self, nd_random *random)
{
    (void)self, (void)random;
    return false; /* what is sent has arrived */
}

/* --- Waking --- */

static void note_woken(void *context, unsigned worker) { ((unsigned *)context)[worker]++; }

static void a_flush_wakes_those_who_were_sent_to(void **state)
{
    (void)state;
    unsigned n_woken[3] = {0, 0, 0};
    nd_local *local;
    nd_pool pool;
    nd_pool_init(&pool);
    assert_int_equal(nd_local_create(3, note_woken, n_woken, &local), ND_OK);
    const nd_transport from = nd_local_transport(local, 1);
    from.ops->flush(from.endpoint);
    assert_int_equal(n_woken[0] + n_woken[1] + n_woken[2], 0);
    const nd_delivery delivery = {.batch = suite_batch(&pool, 7)};
    assert_int_equal(from.ops->send_batch(from.endpoint, 2, &delivery), ND_OK);
    assert_int_equal(n_woken[2], 0);
    from.ops->flush(from.endpoint);
    from.ops->flush(from.endpoint);
    assert_int_equal(n_woken[2], 1);
    assert_int_equal(n_woken[0], 0);
    assert_int_equal(from.ops->send_frame(from.endpoint, &(nd_frame){.sender = 1}), ND_OK);
    from.ops->flush(from.endpoint);
    assert_int_equal(n_woken[0], 1);
    assert_int_equal(n_woken[1], 0);
    assert_int_equal(n_woken[2], 2);
    nd_local_destroy(local);
    nd_local_destroy(NULL);
    nd_pool_deinit(&pool);
}

/* --- Threads --- */

enum { WORKERS = 3, EACH = 20000 };

/* One thread's side. */
typedef struct side {
    nd_local *local;
    nd_pool *pools; /* of all, since batches go home to their senders' */
    unsigned worker;
    uint64_t n_frames[WORKERS]; /* seen, by sender */
    uint64_t sum, n_batches;    /* of what came in batches */
    bool failed;
} side;

static bool take_one(side *s, nd_transport to)
{
    nd_frame frame;
    nd_delivery delivery;
    uint64_t value;
    switch (to.ops->receive(to.endpoint, &delivery, &frame)) {
    case ND_ARRIVAL_FRAME:
        s->failed |= frame.sender >= WORKERS || frame.sender == s->worker ||
                     !suite_frame_is(&frame, frame.sender, ++s->n_frames[frame.sender % WORKERS]);
        return true;
    case ND_ARRIVAL_BATCH:
        memcpy(&value, nd_batch_records(delivery.batch), sizeof value);
        s->sum += value;
        s->n_batches++;
        nd_batch_drop(delivery.batch, &s->pools[s->worker]);
        return true;
    case ND_ARRIVAL_NONE:
        break;
    }
    return false;
}

static bool has_all(const side *s)
{
    for (unsigned i = 0; i < WORKERS; i++)
        if (i != s->worker && s->n_frames[i] != EACH)
            return false;
    return s->n_batches == (WORKERS - 1) * (uint64_t)EACH;
}

static void *send_and_receive(void *arg)
{
    side *s = arg;
    const nd_transport here = nd_local_transport(s->local, s->worker);
    for (uint64_t i = 1; i <= EACH; i++) {
        nd_frame frame;
        nd_change changes[SUITE_CHANGES];
        suite_frame(s->worker, i, &frame, changes);
        s->failed |= here.ops->send_frame(here.endpoint, &frame) != ND_OK;
        for (unsigned to = 0; to < WORKERS; to++) {
            const nd_delivery delivery = {.batch = suite_batch(&s->pools[s->worker], i)};
            if (to == s->worker)
                nd_batch_drop(delivery.batch, &s->pools[s->worker]);
            else
                s->failed |= here.ops->send_batch(here.endpoint, to, &delivery) != ND_OK;
        }
        here.ops->flush(here.endpoint);
        while (take_one(s, here))
            continue;
    }
    while (!has_all(s) && !s->failed)
        if (!take_one(s, here))
            sched_yield();
    return NULL;
}

static void threads_send_to_one_another(void **state)
{
    (void)state;
    nd_pool pools[WORKERS];
    side sides[WORKERS];
    pthread_t threads[WORKERS];
    nd_local *local;
    assert_int_equal(nd_local_create(WORKERS, wake_nobody, NULL, &local), ND_OK);
    for (unsigned i = 0; i < WORKERS; i++) {
        nd_pool_init(&pools[i]);
        sides[i] = (side){.local = local, .pools = pools, .worker = i};
    }
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_and_receive, &sides[i]), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_false(sides[i].failed);
        assert_int_equal(sides[i].sum, (WORKERS - 1) * ((uint64_t)EACH * (EACH + 1) / 2));
    }
    nd_local_destroy(local);
    for (unsigned i = 0; i < WORKERS; i++)
        nd_pool_deinit(&pools[i]);
}

int main(void)
{
    static const network_ops local = {
        .create = create, .destroy = destroy, .transport = transport, .deliver = deliver};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_wakes_those_who_were_sent_to),
        cmocka_unit_test(threads_send_to_one_another),
    };
    return suite_run("local", &local) + cmocka_run_group_tests(tests, NULL, NULL);
}
