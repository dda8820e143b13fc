/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue, against an array that holds everything ever pushed.
 */
#include "runtime/base/fifo.h"

#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* Large enough to be moved in several pieces. */
typedef struct item {
    uint64_t number;
    char name[150];
} item;

static void push(nd_fifo *fifo, uint64_t number)
{
    item *slot = nd_fifo_push(fifo);
    assert_non_null(slot);
    *slot = (item){number, "abcd"};
}

static void items_leave_in_the_order_they_came(void **state)
{
    (void)state;
    nd_fifo fifo;
    nd_fifo_init(&fifo, sizeof(item));
    assert_true(nd_fifo_is_empty(&fifo));
    for (uint64_t i = 0; i < 1000; i++)
        push(&fifo, i);
    assert_int_equal(nd_fifo_len(&fifo), 1000);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_false(nd_fifo_is_empty(&fifo));
        const item *first = nd_fifo_pop(&fifo);
        assert_int_equal(first->number, i);
        assert_string_equal(first->name, "abcd");
    }
    assert_true(nd_fifo_is_empty(&fifo));
    assert_int_equal(nd_fifo_len(&fifo), 0);
    nd_fifo_deinit(&fifo);
}

/* What is waiting, oldest first. */
typedef struct plain_list {
    uint64_t numbers[200];
    size_t len;
} plain_list;

static uint64_t take_plainly(plain_list *list, size_t index)
{
    const uint64_t number = list->numbers[index];
    list->len--;
    for (size_t i = index; i < list->len; i++)
        list->numbers[i] = list->numbers[i + 1];
    return number;
}

static void take_both(nd_fifo *fifo, plain_list *list, size_t index)
{
    const item *taken = index != 0 ? nd_fifo_take(fifo, index) : nd_fifo_pop(fifo);
    assert_int_equal(taken->number, take_plainly(list, index));
    assert_string_equal(taken->name, "abcd");
}

static void any_sequence_agrees_with_a_plain_list(void **state)
{
    (void)state;
    enum { MOST = sizeof((plain_list *)0)->numbers / sizeof(uint64_t) };
    nd_random random;
    nd_random_init(&random, 1);
    nd_fifo fifo;
    nd_fifo_init(&fifo, sizeof(item));
    plain_list list = {.len = 0};
    uint64_t n_pushed = 0;
    for (unsigned i = 0; i < 20000; i++) {
        const bool fills = i / 500 % 2 == 0; /* longer for a while, then shorter */
        const uint64_t dice = nd_random_below(&random, 100);
        if (list.len == 0 || (dice < (fills ? 60 : 40) && list.len < MOST)) {
            list.numbers[list.len++] = n_pushed;
            push(&fifo, n_pushed++);
        } else {
            take_both(&fifo, &list, dice % 3 ? 0 : nd_random_below(&random, list.len));
        }
        assert_int_equal(nd_fifo_len(&fifo), list.len);
        for (size_t k = 0; k < list.len; k++)
            assert_int_equal(((item *)nd_fifo_at(&fifo, k))->number, list.numbers[k]);
    }
    nd_fifo_deinit(&fifo);
}

static void the_last_item_can_be_taken_by_its_index(void **state)
{
    (void)state;
    nd_fifo fifo;
    nd_fifo_init(&fifo, sizeof(item));
    for (uint64_t i = 0; i < 3; i++)
        push(&fifo, i);
    for (uint64_t i = 3; i-- > 0;)
        assert_int_equal(((item *)nd_fifo_take(&fifo, i))->number, i);
    assert_true(nd_fifo_is_empty(&fifo));
    nd_fifo_deinit(&fifo);
}

static void a_queue_that_never_empties_stops_allocating(void **state)
{
    (void)state;
    nd_fifo fifo;
    nd_fifo_init(&fifo, sizeof(item));
    for (uint64_t i = 0; i < 100; i++)
        push(&fifo, i);
    for (uint64_t i = 0; i < 200; i++) {
        push(&fifo, 100 + i);
        nd_fifo_pop(&fifo);
    }
    failing_memory memory;
    failing_memory_start(&memory, SIZE_MAX);
    for (uint64_t i = 0; i < 100000; i++) {
        push(&fifo, 300 + i);
        assert_int_equal(((item *)nd_fifo_pop(&fifo))->number, 200 + i);
    }
    (void)failing_memory_stop(&memory);
    assert_int_equal(memory.n_allocations, 0);
    assert_true(fifo.items.capacity <= 400);
    nd_fifo_deinit(&fifo);
}

static void a_popped_item_stays_readable_until_the_next_push(void **state)
{
    (void)state;
    nd_fifo fifo;
    nd_fifo_init(&fifo, sizeof(item));
    push(&fifo, 7);
    push(&fifo, 8);
    const item *first = nd_fifo_pop(&fifo);
    const item *second = nd_fifo_pop(&fifo);
    assert_int_equal(first->number, 7);
    assert_int_equal(second->number, 8);
    nd_fifo_deinit(&fifo);
}

static void clearing_keeps_the_memory(void **state)
{
    (void)state;
    nd_fifo fifo;
    nd_fifo_init(&fifo, sizeof(item));
    for (uint64_t i = 0; i < 10; i++)
        push(&fifo, i);
    nd_fifo_pop(&fifo);
    const size_t capacity = fifo.items.capacity;
    nd_fifo_clear(&fifo);
    assert_true(nd_fifo_is_empty(&fifo));
    assert_int_equal(fifo.items.capacity, capacity);
    push(&fifo, 42);
    assert_int_equal(((item *)nd_fifo_pop(&fifo))->number, 42);
    nd_fifo_deinit(&fifo);
}

/* A failed push leaves what waits. */
static nd_err push_and_pop(void *arg)
{
    (void)arg;
    nd_fifo fifo;
    nd_fifo_init(&fifo, sizeof(size_t));
    nd_err err = ND_OK;
    size_t first = 0, next = 0;
    while (next < 100 && err == ND_OK) {
        size_t *slot = nd_fifo_push(&fifo);
        if (slot != NULL)
            *slot = next++;
        else
            err = ND_NOMEM;
        if (next % 3 == 0 && !nd_fifo_is_empty(&fifo))
            assert_int_equal(*(size_t *)nd_fifo_pop(&fifo), first++);
    }
    assert_int_equal(nd_fifo_len(&fifo), next - first);
    for (; !nd_fifo_is_empty(&fifo); first++)
        assert_int_equal(*(size_t *)nd_fifo_pop(&fifo), first);
    nd_fifo_deinit(&fifo);
    return err;
}

static void failed_push_keeps_the_items(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(push_and_pop, NULL) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_they_came),
        cmocka_unit_test(any_sequence_agrees_with_a_plain_list),
        cmocka_unit_test(the_last_item_can_be_taken_by_its_index),
        cmocka_unit_test(a_queue_that_never_empties_stops_allocating),
        cmocka_unit_test(a_popped_item_stays_readable_until_the_next_push),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(failed_push_keeps_the_items),
    };
    return cmocka_run_group_tests_name("fifo", tests, NULL, NULL);
}
