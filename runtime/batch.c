/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/batch.h"

#include <assert.h>

const void *nd_batch_records(const nd_batch *batch) { return batch->records; }

size_t nd_batch_len(const nd_batch *batch) { return batch->len; }

const nd_type *nd_batch_type(const nd_batch *batch) { return batch->type; }

nd_batch *nd_batch_create(nd_pool *pool, const nd_type *type, size_t size)
{
    if (size > SIZE_MAX - sizeof(nd_batch))
        return NULL;
    nd_block *const block = nd_pool_take(pool, sizeof(nd_batch) - sizeof(nd_block) + size);
    if (!block)
        return NULL;
    nd_batch *const batch = (nd_batch *)block;
    batch->type = type;
    batch->records = (unsigned char *)(batch + 1);
    batch->len = 0;
    batch->arena = NULL;
    batch->origin = 0;
    atomic_init(&batch->refs, 1);
    return batch;
}

nd_batch *nd_batch_take(nd_batch *batch)
{
    atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
    return batch;
}

void nd_batch_release(nd_batch *batch)
{
    if (batch)
        nd_batch_drop(batch, NULL);
}

static void release_objects(nd_batch *batch)
{
    void **const objects = (void **)(void *)batch->records;
    for (size_t i = 0; i < batch->len; i++)
        batch->type->release(objects[i]);
}

/* Whether this was the last reference. The only holder needs no locked instruction: nobody else can
 * take a reference any more. The acquire pairs with the releases of those who held one. */
static bool give_up(nd_batch *batch)
{
    if (atomic_load_explicit(&batch->refs, memory_order_acquire) == 1) {
        atomic_store_explicit(&batch->refs, 0, memory_order_relaxed);
        return true;
    }
    const uint32_t before = atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel);
    assert(before != 0);
    return before == 1;
}

void nd_batch_drop(nd_batch *batch, nd_pool *pool)
{
    if (!give_up(batch))
        return;
    if (batch->type->release)
        release_objects(batch);
    for (nd_block *block = batch->arena, *next; block; block = next) {
        next = block->next;
        nd_block_release(block, pool);
    }
    nd_block_release(&batch->block, pool);
}

size_t nd_batch_size(const nd_batch *batch)
{
    size_t size = batch->len * batch->type->size;
    for (const nd_block *block = batch->arena; block; block = block->next)
        size += block->size;
    return size;
}
