/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena: pieces that do not touch each other, a limit that nothing passes, memory used again.
 */
#include "transport/wire/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { PIECES = 2000 };

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    nd_wire_arena arena;
    nd_random random;
    unsigned char *pieces[PIECES];
    size_t sizes[PIECES];
    nd_random_init(&random, 1);
    nd_wire_arena_init(&arena, 1 << 24);
    for (unsigned round = 0; round < 3; round++, nd_wire_arena_reset(&arena)) {
        for (unsigned i = 0; i < PIECES; i++) {
            sizes[i] = nd_random_below(&random, i % 100 == 0 ? 20000 : 100);
            pieces[i] = nd_wire_arena_take(&arena, sizes[i], 1);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)(i % 251), sizes[i]);
        }
        for (unsigned i = 0; i < PIECES; i++)
            for (size_t at = 0; at < sizes[i]; at++)
                assert_int_equal(pieces[i][at], i % 251);
    }
    nd_wire_arena_deinit(&arena);
}

static void limit_is_never_passed(void **state)
{
    (void)state;
    failing_memory memory;
    nd_wire_arena arena;
    failing_memory_start(&memory, SIZE_MAX);
    nd_wire_arena_init(&arena, 100000);
    assert_null(nd_wire_arena_take(&arena, 100001, 1));
    assert_int_equal(arena.err, ND_PROTO);
    nd_wire_arena_reset(&arena);
    assert_int_equal(arena.err, ND_OK);
    assert_null(nd_wire_arena_take(&arena, SIZE_MAX / 8, 16)); /* the product overflows */
    assert_null(nd_wire_arena_take(&arena, 1, SIZE_MAX));
    assert_null(arena.allocator.alloc(arena.allocator.allocator_data, SIZE_MAX - 7));
    assert_int_equal(memory.n_allocations, 0);
    size_t n_taken = 0;
    while (nd_wire_arena_take(&arena, 1000, 1))
        n_taken += 1000;
    assert_int_equal(arena.err, ND_PROTO);
    assert_true(n_taken > 90000 && n_taken <= 100000 && arena.size <= 100000);
    nd_wire_arena_deinit(&arena);
    assert_false(failing_memory_stop(&memory));
}

static void memory_is_used_again(void **state)
{
    (void)state;
    failing_memory memory;
    nd_wire_arena arena;
    failing_memory_start(&memory, SIZE_MAX);
    nd_wire_arena_init(&arena, 1 << 26);
    for (unsigned frame = 0; frame < 100; frame++, nd_wire_arena_reset(&arena))
        for (unsigned i = 0; i < 100; i++)
            assert_non_null(nd_wire_arena_take(&arena, 1000, 1));
    assert_true(memory.n_allocations <= 12); /* a few to grow, none then */
    for (unsigned i = 0; i < 2; i++) {
        assert_non_null(nd_wire_arena_take(&arena, 1 << 25, 1));
        nd_wire_arena_reset(&arena);
        assert_int_equal(arena.size, 0); /* what only a rare frame needs is not kept */
    }
    assert_non_null(nd_wire_arena_take(&arena, 0, 8));
    nd_wire_arena_deinit(&arena);
    assert_int_equal(arena.size, 0);
    assert_false(failing_memory_stop(&memory));
}

static void want_of_memory_is_not_the_limit(void **state)
{
    (void)state;
    failing_memory memory;
    nd_wire_arena arena;
    failing_memory_start(&memory, 0);
    nd_wire_arena_init(&arena, 100000);
    assert_null(nd_wire_arena_take(&arena, 1, 1));
    assert_int_equal(arena.err, ND_NOMEM);
    nd_wire_arena_deinit(&arena);
    assert_true(failing_memory_stop(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(limit_is_never_passed),
        cmocka_unit_test(memory_is_used_again),
        cmocka_unit_test(want_of_memory_is_not_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
