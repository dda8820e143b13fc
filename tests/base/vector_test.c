/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growable array.
 */
#include "runtime/base/vector.h"

#include <string.h>

#include <nereid/memory.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

typedef struct item {
    uint64_t number;
    char name[5];
} item;

static void pushed_items_keep_order_and_content_while_it_grows(void **state)
{
    (void)state;
    nd_vector vector;
    nd_vector_init(&vector, sizeof(item));
    for (uint64_t i = 0; i < 1000; i++) {
        item *slot = nd_vector_push(&vector);
        assert_non_null(slot);
        *slot = (item){i, "abcd"};
        assert_true(vector.capacity >= vector.len);
    }
    assert_int_equal(vector.len, 1000);
    for (uint64_t i = 0; i < 1000; i++) {
        const item *there = nd_vector_at(&vector, i);
        assert_int_equal(there->number, i);
        assert_string_equal(there->name, "abcd");
    }
    nd_vector_deinit(&vector);
    assert_null(vector.items);
    assert_int_equal(vector.len, 0);
}

static void growth_is_geometric(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_start(&memory, SIZE_MAX);
    nd_vector vector;
    nd_vector_init(&vector, 1);
    for (int i = 0; i < 100000; i++)
        assert_non_null(nd_vector_push(&vector));
    nd_vector_deinit(&vector);
    (void)failing_memory_stop(&memory);
    assert_true(memory.n_allocations < 40);
}

static void popping_and_truncating_remove_from_the_end(void **state)
{
    (void)state;
    nd_vector vector;
    nd_vector_init(&vector, sizeof(int));
    for (int i = 0; i < 10; i++)
        *(int *)nd_vector_push(&vector) = i;
    assert_int_equal(*(int *)nd_vector_pop(&vector), 9);
    assert_int_equal(vector.len, 9);
    nd_vector_truncate(&vector, 3);
    assert_int_equal(*(int *)nd_vector_pop(&vector), 2);
    const size_t capacity = vector.capacity;
    nd_vector_clear(&vector);
    assert_int_equal(vector.len, 0);
    assert_int_equal(vector.capacity, capacity);
    nd_vector_deinit(&vector);
}

static void reserved_room_needs_no_further_allocation(void **state)
{
    (void)state;
    nd_vector vector;
    nd_vector_init(&vector, sizeof(int));
    assert_int_equal(nd_vector_reserve(&vector, 100), ND_OK);
    const void *items = vector.items;
    for (int i = 0; i < 100; i++)
        assert_non_null(nd_vector_push(&vector));
    assert_ptr_equal(vector.items, items);
    assert_int_equal(nd_vector_reserve(&vector, 50), ND_OK);
    assert_int_equal(vector.capacity, 100);
    nd_vector_deinit(&vector);
}

static void impossible_reservation_changes_nothing(void **state)
{
    (void)state;
    nd_vector vector;
    nd_vector_init(&vector, sizeof(item));
    ((item *)nd_vector_push(&vector))->number = 42;
    const nd_vector before = vector;
    assert_int_equal(nd_vector_reserve(&vector, SIZE_MAX / 2), ND_NOMEM);
    assert_memory_equal(&vector, &before, sizeof vector);
    assert_int_equal(((item *)nd_vector_at(&vector, 0))->number, 42);
    nd_vector_deinit(&vector);
}

static void taken_items_belong_to_the_caller_and_the_vector_is_empty(void **state)
{
    (void)state;
    nd_vector vector;
    nd_vector_init(&vector, sizeof(int));
    assert_null(nd_vector_take(&vector));
    *(int *)nd_vector_push(&vector) = 7;
    int *items = nd_vector_take(&vector);
    assert_int_equal(items[0], 7);
    nd_free(items);
    assert_int_equal(vector.len, 0);
    assert_int_equal(vector.capacity, 0);
    *(int *)nd_vector_push(&vector) = 8;
    assert_int_equal(*(int *)nd_vector_at(&vector, 0), 8);
    nd_vector_deinit(&vector);
}

/* Pushes a hundred items; a failed push leaves those before it. */
static nd_err push_hundred(void *arg)
{
    (void)arg;
    nd_vector vector;
    nd_vector_init(&vector, sizeof(size_t));
    nd_err err = ND_OK;
    for (size_t i = 0; i < 100 && err == ND_OK; i++) {
        size_t *slot = nd_vector_push(&vector);
        if (slot != NULL)
            *slot = i;
        else
            err = ND_NOMEM;
    }
    for (size_t i = 0; i < vector.len; i++)
        assert_int_equal(*(size_t *)nd_vector_at(&vector, i), i);
    nd_vector_deinit(&vector);
    return err;
}

static void failed_push_keeps_the_items(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(push_hundred, NULL) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushed_items_keep_order_and_content_while_it_grows),
        cmocka_unit_test(growth_is_geometric),
        cmocka_unit_test(popping_and_truncating_remove_from_the_end),
        cmocka_unit_test(reserved_room_needs_no_further_allocation),
        cmocka_unit_test(impossible_reservation_changes_nothing),
        cmocka_unit_test(taken_items_belong_to_the_caller_and_the_vector_is_empty),
        cmocka_unit_test(failed_push_keeps_the_items),
    };
    return cmocka_run_group_tests_name("vector", tests, NULL, NULL);
}
