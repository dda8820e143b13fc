/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between two threads. Workers do not assert: they count what is wrong, and the test's
 * own thread looks. */
#include "transport/queue.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* The size of message number `i`: mostly small, now and then larger than a segment. */
static size_t size_of(uint64_t i) { return i % 97 == 0 ? 40000 : 8 + i * 7 % 120; }

static bool push(nd_queue *queue, uint64_t i)
{
    unsigned char *const bytes = nd_queue_push_begin(queue, size_of(i));
    if (!bytes)
        return false;
    memset(bytes, (int)(i & 0xff), size_of(i));
    memcpy(bytes, &i, sizeof i);
    nd_queue_push_end(queue);
    return true;
}

static bool is_message(const unsigned char *bytes, uint64_t i)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    bool is_right = number == i;
    for (size_t k = sizeof number; k < size_of(i); k++)
        is_right &= bytes[k] == (i & 0xff);
    return is_right;
}

static void messages_come_out_in_order_and_whole(void **state)
{
    (void)state;
    nd_queue queue = {.used = 0};
    nd_random random;
    nd_random_init(&random, 3);
    uint64_t n_pushed = 0, n_popped = 0;
    assert_true(nd_queue_is_empty(&queue));
    while (n_popped < 20000) {
        for (uint64_t n = nd_random_below(&random, 60); n > 0; n--)
            assert_true(push(&queue, n_pushed++));
        for (uint64_t n = nd_random_below(&random, 60); n > 0 && n_popped < n_pushed; n--) {
            assert_true(is_message(nd_queue_peek(&queue), n_popped++));
            nd_queue_pop(&queue);
        }
        assert_int_equal(nd_queue_is_empty(&queue), n_popped == n_pushed);
    }
    nd_queue_deinit(&queue);
}

static void an_unused_queue_holds_nothing(void **state)
{
    (void)state;
    nd_queue queue = {.used = 0};
    nd_queue_deinit(&queue);
}

enum { N_MESSAGES = 200000 };

typedef struct crossing {
    nd_queue queue;
    uint64_t n_wrong;
} crossing;

static void produce(void *arg)
{
    crossing *const c = arg;
    for (uint64_t i = 0; i < N_MESSAGES; i++)
        if (!push(&c->queue, i))
            abort();
}

static void consume(void *arg)
{
    crossing *const c = arg;
    for (uint64_t i = 0; i < N_MESSAGES; i++) {
        const unsigned char *bytes;
        while (!(bytes = nd_queue_peek(&c->queue)))
            sched_yield();
        c->n_wrong += !is_message(bytes, i);
        nd_queue_pop(&c->queue);
    }
}

static void two_threads_lose_and_reorder_nothing(void **state)
{
    (void)state;
    crossing c = {.n_wrong = 0};
    uv_thread_t threads[2];
    assert_int_equal(uv_thread_create(&threads[0], produce, &c), 0);
    assert_int_equal(uv_thread_create(&threads[1], consume, &c), 0);
    for (int i = 0; i < 2; i++)
        uv_thread_join(&threads[i]);
    assert_int_equal(c.n_wrong, 0);
    assert_true(nd_queue_is_empty(&c.queue));
    nd_queue_deinit(&c.queue);
}

static nd_err attempt(void *arg)
{
    (void)arg;
    nd_queue queue = {.used = 0};
    bool is_pushed = true;
    for (uint64_t i = 0; i < 400 && is_pushed; i++)
        is_pushed = push(&queue, i);
    nd_queue_deinit(&queue);
    return is_pushed ? ND_OK : ND_NOMEM;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    failing_memory_sweep(attempt, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_in_order_and_whole),
        cmocka_unit_test(an_unused_queue_holds_nothing),
        cmocka_unit_test(two_threads_lose_and_reorder_nothing),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
