/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

/** @file
 * Memory for batches: blocks of a few sizes, recycled by the worker that made them.
 *
 * A fresh page costs more than filling it, so blocks are kept. A batch may be released by another
 * worker than the one that made it; its blocks then go back through a lock-free stack to the pool
 * they came from, which takes the whole stack when its own lists are empty.
 *
 * Invariant: a block is on exactly one list of its home pool, or owned by exactly one batch.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/base/cache_line.h"

enum {
    ND_POOL_CLASSES = 5,
    ND_POOL_LEAST = 256, /* bytes of the smallest class; each next is four times as big */
    ND_POOL_BLOCK = ND_POOL_LEAST << 8, /* the largest: what an open batch is filled in, 64 KiB */
    ND_POOL_KEPT = 1024,                /* free blocks of each class that are kept */
};

typedef struct nd_block nd_block;

/* Belongs to one worker; `returned` is the only part others touch. */
typedef struct nd_pool {
    nd_block *free[ND_POOL_CLASSES];
    size_t n_free[ND_POOL_CLASSES];
    char apart[ND_CACHE_LINE];
    _Atomic(nd_block *) returned; /* written by any worker (push), taken whole by the owner */
    char behind[ND_CACHE_LINE];
} nd_pool;

/* Head of every block; the owner's bytes follow. */
struct nd_block {
    nd_block *next; /* on a list of the pool, or the owner's to use */
    nd_pool *home;
    uint32_t size_class; /* ND_POOL_CLASSES: of its own size, not pooled */
    uint32_t size;       /* bytes that follow the head, when below 4 GiB */
};

void nd_pool_init(nd_pool *pool);

/** Frees all blocks. Every block must have come back. */
void nd_pool_deinit(nd_pool *pool);

/** A block with room for at least `size` bytes after its head, or NULL. The owner's thread. */
nd_block *nd_pool_take(nd_pool *pool, size_t size);

/** Gives a block back to its home; `pool` is that of the calling worker, or NULL when it has none.
 * Any thread. */
void nd_block_release(nd_block *block, nd_pool *pool);

static inline unsigned char *nd_block_bytes(nd_block *block)
{
    return (unsigned char *)(block + 1);
}

#endif
