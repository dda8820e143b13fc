/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BATCH_H
#define RUNTIME_BATCH_H

/** @file
 * Batches as the runtime sees them: one block with a head and the records, and a chain of blocks
 * (the arena) for what nd_bytes fields point to.
 *
 * Invariants: `len` > 0 and nothing changes once a batch has left its outbox; every nd_bytes of a
 * record points into the batch's own block or arena.
 */

#include <stdatomic.h>

#include <nereid/batch.h>

#include "runtime/pool.h"

struct nd_batch {
    nd_block block; /* first: a batch is its block */
    const nd_type *type;
    unsigned char *records;
    size_t len;
    nd_block *arena;       /* chain, newest first */
    _Atomic uint32_t refs; /* written by any holder; the last release pairs with all earlier ones */
    uint32_t origin;       /* 1 + the process that it was made in; zero: this one */
    uint64_t wire_size;    /* bytes that it came in, when `origin` is set */
};

/** An empty batch with room for `size` bytes of records, one reference to it being the caller's, or
 * NULL without memory. The pool's thread. */
nd_batch *nd_batch_create(nd_pool *pool, const nd_type *type, size_t size);

/** Gives a reference back to the pool of the calling worker, which may be NULL. Any thread. */
void nd_batch_drop(nd_batch *batch, nd_pool *pool);

/** Bytes of the records and their arena; what back-pressure counts. */
size_t nd_batch_size(const nd_batch *batch);

#endif
