/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FAILING_MEMORY_H
#define TESTS_SUPPORT_FAILING_MEMORY_H

/** @file
 * Allocations that fail when a test says so, and a count of blocks that nobody freed. While it is
 * in force, every allocation of the library passes through it and is checked to ask for something;
 * libc's malloc stays underneath, so that AddressSanitizer sees each block.
 *
 *     static nd_err attempt(void *arg) { ... create, use, destroy; returns what failed ... }
 *     failing_memory_sweep(attempt, &arg);
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <nereid/error.h>
#include <nereid/memory.h>

typedef struct failing_memory {
    nd_memory_ops ops;
    size_t allowed;    /* allocations that succeed before the first refusal */
    bool refuses_once; /* only one is refused, later ones succeed; else all from then on */
    atomic_size_t n_allocations; /* asked for, refused ones too */
    atomic_size_t n_live;
} failing_memory;

/** Comes into force: `allowed` allocations succeed, then they fail (SIZE_MAX: none fails, but
 * blocks are counted). Nothing of the library may be alive, and no other thread may run. `memory`
 * is lent until stop. */
void failing_memory_start(failing_memory *memory, size_t allowed);

/** Goes out of force, asserts that every block was freed, and tells whether an allocation was
 * refused. */
bool failing_memory_stop(failing_memory *memory);

/** Runs `attempt` with the first allocation failing, then the second, and so on until none is
 * refused; each twice: all later ones failing too, and that one alone. A refused attempt must
 * return ND_NOMEM, the last ND_OK, and each must leave nothing allocated. Returns the number of
 * allocations of an attempt that succeeds. */
size_t failing_memory_sweep(nd_err (*attempt)(void *arg), void *arg);

/** Runs `attempt` with fewer and fewer allocations failing until none is refused, where it may do
 * without some of them: what was refused may return ND_OK too. Returns how many attempts failed. */
size_t failing_memory_sweep_runs(nd_err (*attempt)(void *arg), void *arg);

#endif
