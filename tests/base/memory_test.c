/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation: products, zeros, replaced functions, and the helper that makes the n-th allocation
 * fail.
 */
#include <nereid/memory.h>

#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

static void overflowing_product_is_refused(void **state)
{
    (void)state;
    assert_null(nd_alloc(SIZE_MAX / 2 + 1, 2));
    assert_null(nd_alloc(2, SIZE_MAX / 2 + 1));
    assert_null(nd_alloc_zero(SIZE_MAX, SIZE_MAX));
    void *block = nd_alloc(4, 1);
    assert_null(nd_realloc(block, SIZE_MAX / 4, 8));
    nd_free(block);
}

static void product_of_zero_gives_a_block_of_some_size(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_start(&memory, SIZE_MAX); /* checks sizes */
    void *blocks[] = {nd_alloc(0, 8), nd_alloc(8, 0), nd_alloc_zero(0, 0), nd_realloc(NULL, 0, 1)};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        assert_non_null(blocks[i]);
        nd_free(blocks[i]);
    }
    nd_free(NULL);
    assert_false(failing_memory_stop(&memory));
}

static void zeroed_block_is_zero_with_either_function_underneath(void **state)
{
    (void)state;
    for (int replaced = 0; replaced < 2; replaced++) {
        failing_memory memory;
        if (replaced)
            failing_memory_start(&memory, SIZE_MAX);
        unsigned char *dirty = nd_alloc(1000, 1);
        memset(dirty, 0xff, 1000);
        nd_free(dirty);
        unsigned char *block = nd_alloc_zero(10, 100);
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(block[i], 0);
        nd_free(block);
        if (replaced)
            assert_false(failing_memory_stop(&memory));
    }
}

static void resizing_keeps_the_contents(void **state)
{
    (void)state;
    char *block = nd_alloc(4, 1);
    memcpy(block, "abc", 4);
    block = nd_realloc(block, 1000, 100);
    assert_string_equal(block, "abc");
    nd_free(block);
}

static void string_is_copied(void **state)
{
    (void)state;
    const char text[] = "a string";
    char *copy = nd_strdup(text);
    assert_string_equal(copy, text);
    assert_ptr_not_equal(copy, text);
    nd_free(copy);
}

static void replaced_functions_are_asked_and_may_refuse(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_start(&memory, 1);
    char *block = nd_alloc(1, 1);
    assert_non_null(block);
    assert_int_equal(memory.n_live, 1);
    assert_null(nd_alloc(1, 1));
    assert_null(nd_alloc_zero(1, 1));
    assert_null(nd_realloc(block, 2, 1));
    assert_null(nd_strdup("x"));
    nd_free(block);
    assert_true(failing_memory_stop(&memory));
    assert_int_equal(memory.n_allocations, 5);
}

/* Needs three blocks; counts how often it is called. */
static nd_err make_three(void *arg)
{
    unsigned *n_attempts = arg;
    ++*n_attempts;
    void *blocks[3] = {NULL};
    nd_err err = ND_OK;
    for (size_t i = 0; i < 3 && err == ND_OK; i++)
        if ((blocks[i] = nd_alloc(1, 8)) == NULL)
            err = ND_NOMEM;
    for (size_t i = 0; i < 3; i++)
        nd_free(blocks[i]);
    return err;
}

static void sweep_fails_every_allocation_in_turn(void **state)
{
    (void)state;
    unsigned n_attempts = 0;
    assert_int_equal(failing_memory_sweep(make_three, &n_attempts), 3);
    assert_int_equal(n_attempts, 7); /* each of three twice, and once without refusal */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overflowing_product_is_refused),
        cmocka_unit_test(product_of_zero_gives_a_block_of_some_size),
        cmocka_unit_test(zeroed_block_is_zero_with_either_function_underneath),
        cmocka_unit_test(resizing_keeps_the_contents),
        cmocka_unit_test(string_is_copied),
        cmocka_unit_test(replaced_functions_are_asked_and_may_refuse),
        cmocka_unit_test(sweep_fails_every_allocation_in_turn),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
