/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/pool.h"

#include <nereid/memory.h>

static size_t class_size(unsigned size_class) { return (size_t)ND_POOL_LEAST << (2 * size_class); }

void nd_pool_init(nd_pool *pool)
{
    *pool = (nd_pool){.free = {NULL}};
    atomic_init(&pool->returned, NULL);
}

static void keep(nd_pool *pool, nd_block *block)
{
    if (block->size_class == ND_POOL_CLASSES ||
        pool->n_free[block->size_class] >= (size_t)ND_POOL_KEPT) {
        nd_free(block);
        return;
    }
    block->next = pool->free[block->size_class];
    pool->free[block->size_class] = block;
    pool->n_free[block->size_class]++;
}

/* Pairs with the release in nd_block_release: what the other worker did with the block is over. */
static void take_returned(nd_pool *pool)
{
    nd_block *block = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    while (block) {
        nd_block *const next = block->next;
        keep(pool, block);
        block = next;
    }
}

void nd_pool_deinit(nd_pool *pool)
{
    take_returned(pool);
    for (unsigned i = 0; i < ND_POOL_CLASSES; i++)
        while (pool->free[i]) {
            nd_block *const block = pool->free[i];
            pool->free[i] = block->next;
            nd_free(block);
        }
}

static nd_block *make(nd_pool *pool, size_t size, unsigned size_class)
{
    nd_block *const block = nd_alloc(1, size);
    if (block)
        *block = (nd_block){
            .home = pool, .size_class = size_class, .size = (uint32_t)(size - sizeof(nd_block))};
    return block;
}

nd_block *nd_pool_take(nd_pool *pool, size_t size)
{
    if (size > SIZE_MAX - sizeof(nd_block))
        return NULL;
    const size_t whole = size + sizeof(nd_block);
    unsigned size_class = 0;
    while (size_class < ND_POOL_CLASSES && class_size(size_class) < whole)
        size_class++;
    if (size_class == ND_POOL_CLASSES)
        return make(pool, whole, ND_POOL_CLASSES);
    if (!pool->free[size_class])
        take_returned(pool);
    nd_block *const block = pool->free[size_class];
    if (!block)
        return make(pool, class_size(size_class), size_class);
    pool->free[size_class] = block->next;
    pool->n_free[size_class]--;
    return block;
}

void nd_block_release(nd_block *block, nd_pool *pool)
{
    nd_pool *const home = block->home;
    if (home == pool) {
        keep(pool, block);
        return;
    }
    nd_block *head = atomic_load_explicit(&home->returned, memory_order_relaxed);
    do
        block->next = head;
    while (!atomic_compare_exchange_weak_explicit(&home->returned, &head, block,
                                                  memory_order_release, memory_order_relaxed));
}
