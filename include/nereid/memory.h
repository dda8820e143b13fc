/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_MEMORY_H
#define NEREID_MEMORY_H

/** @file
 * Memory: every allocation of the library goes through these functions, and a program's may too, so
 * that a limit or a planted failure reaches all of them. Any thread.
 */

#include <stddef.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** Returns `n * size` bytes, not initialised, aligned for any type, or NULL (also when the product
 * overflows). A product of zero gives a pointer that may be freed. */
void *nd_alloc(size_t n, size_t size);

/** As nd_alloc, with every byte zero. */
void *nd_alloc_zero(size_t n, size_t size);

/** Resizes `block` (may be NULL) to `n * size` bytes. On NULL the old block is untouched and still
 * owned. */
void *nd_realloc(void *block, size_t n, size_t size);

/** Frees a block of these functions; NULL is fine. */
void nd_free(void *block);

/** A copy of a string, or NULL. */
char *nd_strdup(const char *text);

/** A hint that a place will be read soon, or, for the second, written: it begins to come from
 * memory now. It may be any address. The assembly is empty, but counts as an effect: without it
 * compilers take a function that only prefetches for one that does nothing, and remove its calls.
 */
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

/** The functions underneath. `size` is never zero. */
typedef struct nd_memory_ops {
    void *(*alloc)(void *context, size_t size);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block);
    void *context;
} nd_memory_ops;

/** Replaces the functions underneath (NULL: back to libc's). To be called before anything is
 * allocated and not while other threads run: a block must be freed by the functions that gave it.
 * `ops` is lent until it is replaced. */
void nd_memory_use(const nd_memory_ops *ops);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
