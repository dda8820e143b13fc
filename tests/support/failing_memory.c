/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting allocations and refusing the n-th. Counters are atomic since the code under test may
 * have threads; nothing is published through them.
 */
#include "tests/support/failing_memory.h"

#include <stdint.h>
#include <stdlib.h>

#include "tests/support/cmocka.h"

static bool is_refused(failing_memory *memory)
{
    const size_t before =
        atomic_fetch_add_explicit(&memory->n_allocations, 1, memory_order_relaxed);
    return memory->refuses_once ? before == memory->allowed : before >= memory->allowed;
}

static void *count_block(failing_memory *memory, void *block)
{
    if (block != NULL)
        atomic_fetch_add_explicit(&memory->n_live, 1, memory_order_relaxed);
    return block;
}

static void *failing_alloc(void *context, size_t size)
{
    failing_memory *memory = context;
    assert_int_not_equal(size, 0);
    return is_refused(memory) ? NULL : count_block(memory, malloc(size));
}

static void *failing_realloc(void *context, void *block, size_t size)
{
    failing_memory *memory = context;
    assert_int_not_equal(size, 0);
    if (is_refused(memory))
        return NULL;
    return block == NULL ? count_block(memory, malloc(size)) : realloc(block, size);
}

static void counting_free(void *context, void *block)
{
    failing_memory *memory = context;
    atomic_fetch_sub_explicit(&memory->n_live, 1, memory_order_relaxed);
    free(block);
}

void failing_memory_start(failing_memory *memory, size_t allowed)
{
    memory->ops = (nd_memory_ops){failing_alloc, failing_realloc, counting_free, memory};
    memory->allowed = allowed;
    memory->refuses_once = false;
    atomic_init(&memory->n_allocations, 0);
    atomic_init(&memory->n_live, 0);
    nd_memory_use(&memory->ops);
}

bool failing_memory_stop(failing_memory *memory)
{
    nd_memory_use(NULL);
    assert_int_equal(atomic_load_explicit(&memory->n_live, memory_order_relaxed), 0);
    return atomic_load_explicit(&memory->n_allocations, memory_order_relaxed) > memory->allowed;
}

/* One attempt; whether an allocation was refused in it. */
static bool try_attempt(nd_err (*attempt)(void *arg), void *arg, size_t allowed, bool refuses_once)
{
    failing_memory memory;
    failing_memory_start(&memory, allowed);
    memory.refuses_once = refuses_once;
    const nd_err err = attempt(arg);
    const bool was_refused = failing_memory_stop(&memory);
    assert_int_equal(err, was_refused ? ND_NOMEM : ND_OK);
    return was_refused;
}

size_t failing_memory_sweep(nd_err (*attempt)(void *arg), void *arg)
{
    size_t allowed = 0;
    while (try_attempt(attempt, arg, allowed, false)) {
        (void)try_attempt(attempt, arg, allowed, true);
        allowed++;
    }
    return allowed;
}

size_t failing_memory_sweep_runs(nd_err (*attempt)(void *arg), void *arg)
{
    size_t n_failed = 0;
    bool was_refused = true;
    for (size_t allowed = 0; was_refused; allowed++) {
        failing_memory memory;
        failing_memory_start(&memory, allowed);
        const nd_err err = attempt(arg);
        was_refused = failing_memory_stop(&memory);
        assert_true(err == ND_OK || (err == ND_NOMEM && was_refused));
        n_failed += err == ND_NOMEM;
    }
    return n_failed;
}
