/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_PREFETCH_H
#define RUNTIME_BASE_PREFETCH_H

/** @file
 * What will be read soon begins to come from memory.
 */

/** A hint that a place will be read, or, for the second, written. It may be any address.
 *
 * The empty instruction is there to be an effect: a function that only prefetches has none that
 * compilers know of, and calls of it are removed. */
static inline void nd_prefetch(const void *place)
{
    __builtin_prefetch(place);
    __asm__ volatile("" ::"r"(place));
}

static inline void nd_prefetch_to_write(const void *place)
{
    __builtin_prefetch(place, 1);
    __asm__ volatile("" ::"r"(place));
}

#endif
