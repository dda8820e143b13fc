/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue between two threads: everything once, whole, in order; and memory that stays bounded.
 */
#include "tests/support/cmocka.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/failing_memory.h"
#include "transport/queue.h"

/* A message: its number, its size, and bytes that follow from both. */
typedef struct message {
    uint64_t number, size;
    unsigned char bytes[];
} message;

static unsigned char byte_of(uint64_t number, uint64_t index)
{
    return (unsigned char)(number * 31 + index * 7);
}

static size_t random_size(nd_random *random)
{
    if (nd_random_below(random, 200) == 0)
        return sizeof(message) + nd_random_below(random, 100000); /* larger than a segment */
    return sizeof(message) + nd_random_below(random, 300);
}

static bool push(nd_queue *queue, uint64_t number, size_t size)
{
    message *slot = nd_queue_push_begin(queue, size);
    if (slot == NULL)
        return false;
    slot->number = number;
    slot->size = size;
    for (size_t i = 0; i < size - sizeof *slot; i++)
        slot->bytes[i] = byte_of(number, i);
    nd_queue_push_end(queue);
    return true;
}

static bool is_whole(const message *got, uint64_t number, size_t size)
{
    if (got->number != number || got->size != size || (uintptr_t)got % 16 != 0)
        return false;
    for (size_t i = 0; i < size - sizeof *got; i++)
        if (got->bytes[i] != byte_of(number, i))
            return false;
    return true;
}

/* --- One thread --- */

static void a_zeroed_queue_is_empty(void **state)
{
    (void)state;
    nd_queue queue;
    memset(&queue, 0, sizeof queue);
    assert_true(nd_queue_is_empty(&queue));
    assert_null(nd_queue_peek(&queue));
    nd_queue_deinit(&queue);
}

static void messages_come_out_whole_and_in_order(void **state)
{
    (void)state;
    nd_queue queue;
    nd_random sizes, expected, choices;
    memset(&queue, 0, sizeof queue);
    nd_random_init(&sizes, 1);
    nd_random_init(&expected, 1);
    nd_random_init(&choices, 2);
    uint64_t n_pushed = 0, n_popped = 0;
    while (n_popped < 20000) {
        if (n_pushed < 20000 && nd_random_below(&choices, 100) < 52) {
            assert_true(push(&queue, n_pushed++, random_size(&sizes)));
            continue;
        }
        assert_int_equal(nd_queue_is_empty(&queue), n_pushed == n_popped);
        const message *got = nd_queue_peek(&queue);
        if (got == NULL)
            continue;
        assert_ptr_equal(nd_queue_peek(&queue), got);
        assert_true(is_whole(got, n_popped++, random_size(&expected)));
        nd_queue_pop(&queue);
    }
    assert_true(nd_queue_is_empty(&queue));
    nd_queue_deinit(&queue);
}

static void a_message_is_not_seen_before_it_is_finished(void **state)
{
    (void)state;
    nd_queue queue;
    memset(&queue, 0, sizeof queue);
    assert_non_null(nd_queue_push_begin(&queue, 8));
    assert_true(nd_queue_is_empty(&queue));
    nd_queue_push_end(&queue);
    assert_false(nd_queue_is_empty(&queue));
    nd_queue_deinit(&queue);
}

static void a_message_of_impossible_size_is_refused(void **state)
{
    (void)state;
    nd_queue queue;
    memset(&queue, 0, sizeof queue);
    assert_null(nd_queue_push_begin(&queue, SIZE_MAX));
    assert_null(nd_queue_push_begin(&queue, SIZE_MAX - 64));
    assert_true(push(&queue, 0, sizeof(message)));
    assert_non_null(nd_queue_peek(&queue));
    nd_queue_deinit(&queue);
}

static void steady_use_allocates_nothing(void **state)
{
    (void)state;
    failing_memory memory;
    nd_queue queue;
    memset(&queue, 0, sizeof queue);
    failing_memory_start(&memory, SIZE_MAX);
    size_t warm = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        if (i == 2000)
            warm = atomic_load(&memory.n_allocations);
        assert_true(push(&queue, i, sizeof(message) + 40));
        assert_non_null(nd_queue_peek(&queue));
        nd_queue_pop(&queue);
    }
    assert_int_equal(atomic_load(&memory.n_allocations), warm);
    nd_queue_deinit(&queue);
    failing_memory_stop(&memory);
}

static void what_was_pushed_stays_when_memory_runs_out(void **state)
{
    (void)state;
    for (size_t allowed = 0; allowed < 4; allowed++) {
        failing_memory memory;
        nd_queue queue;
        memset(&queue, 0, sizeof queue);
        failing_memory_start(&memory, allowed);
        uint64_t n_pushed = 0;
        while (push(&queue, n_pushed, sizeof(message) + 5000))
            n_pushed++;
        assert_int_equal(n_pushed != 0, allowed != 0);
        for (uint64_t i = 0; i < n_pushed; i++) {
            assert_true(is_whole(nd_queue_peek(&queue), i, sizeof(message) + 5000));
            nd_queue_pop(&queue);
        }
        assert_true(nd_queue_is_empty(&queue));
        nd_queue_deinit(&queue);
        failing_memory_stop(&memory);
    }
}

/* --- Two threads --- */

enum { N_MESSAGES = 300000 };

static void *produce(void *arg)
{
    nd_queue *queue = arg;
    nd_random random;
    nd_random_init(&random, 9);
    for (uint64_t i = 0; i < N_MESSAGES; i++) {
        if (!push(queue, i, random_size(&random)))
            return queue;
        if (i % 1000 == 0)
            sched_yield();
    }
    return NULL;
}

static void two_threads_pass_everything_once(void **state)
{
    (void)state;
    nd_queue queue;
    nd_random random;
    pthread_t producer;
    void *failed;
    memset(&queue, 0, sizeof queue);
    nd_random_init(&random, 9);
    assert_int_equal(pthread_create(&producer, NULL, produce, &queue), 0);
    for (uint64_t i = 0; i < N_MESSAGES; i++) {
        const message *got;
        while ((got = nd_queue_peek(&queue)) == NULL)
            sched_yield();
        if (!is_whole(got, i, random_size(&random)))
            fail_msg("message %llu is not what was sent", (unsigned long long)i);
        nd_queue_pop(&queue);
    }
    assert_int_equal(pthread_join(producer, &failed), 0);
    assert_null(failed);
    assert_true(nd_queue_is_empty(&queue));
    nd_queue_deinit(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_queue_is_empty),
        cmocka_unit_test(messages_come_out_whole_and_in_order),
        cmocka_unit_test(a_message_is_not_seen_before_it_is_finished),
        cmocka_unit_test(a_message_of_impossible_size_is_refused),
        cmocka_unit_test(steady_use_allocates_nothing),
        cmocka_unit_test(what_was_pushed_stays_when_memory_runs_out),
        cmocka_unit_test(two_threads_pass_everything_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
