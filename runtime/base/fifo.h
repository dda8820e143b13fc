/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_FIFO_H
#define RUNTIME_BASE_FIFO_H

/** @file
 * A queue of items of one size, first in, first out, in one block of memory. As with a vector,
 * assignment to the place gives the type:
 *
 *     port **slot = nd_fifo_push(&waiting);
 *     if (slot == NULL) return ND_NOMEM;
 *     *slot = port;
 *
 *     while (nd_fifo_len(&waiting) != 0)
 *         serve(*(port **)nd_fifo_pop(&waiting));
 *
 * Room in front of the first item is used again, so that a queue which never empties, but never
 * gets longer either, allocates nothing. One thread at a time.
 */

#include <stdbool.h>

#include "runtime/base/vector.h"

/** Invariant: `head` is less than the number of items in the vector, or both are zero. */
typedef struct nd_fifo {
    nd_vector items;
    size_t head; /* the first so many have been taken */
} nd_fifo;

/** An empty queue of items of `item_size` bytes, not zero. Allocates nothing. */
static inline void nd_fifo_init(nd_fifo *fifo, size_t item_size)
{
    nd_vector_init(&fifo->items, item_size);
    fifo->head = 0;
}

/** Frees the items; the queue is empty afterwards and may be used again. A zeroed one is fine. */
void nd_fifo_deinit(nd_fifo *fifo);

/** How many items wait. */
static inline size_t nd_fifo_len(const nd_fifo *fifo) { return fifo->items.len - fifo->head; }

static inline bool nd_fifo_is_empty(const nd_fifo *fifo)
{
    return fifo->items.len == 0; /* by the invariant */
}

/** The item with `index` others in front of it. Valid until the next push. */
static inline void *nd_fifo_at(const nd_fifo *fifo, size_t index)
{
    return nd_vector_at(&fifo->items, fifo->head + index);
}

/** Adds an item at the end and returns its place, not initialised, or NULL without memory (nothing
 * has changed then). Amortised constant time. */
void *nd_fifo_push(nd_fifo *fifo);

/** Removes the first item and returns its place, valid until the next push; the queue is not empty.
 * Constant time. */
static inline void *nd_fifo_pop(nd_fifo *fifo)
{
    void *const first = nd_vector_at(&fifo->items, fifo->head);
    if (++fifo->head == fifo->items.len) {
        nd_vector_clear(&fifo->items);
        fifo->head = 0;
    }
    return first;
}

/** Moves the item with `index` others in front of it to the front; the others keep their order.
 * Linear in `index`. */
void nd_fifo_prefer(nd_fifo *fifo, size_t index);

/** As nd_fifo_pop, for the item with `index` others in front of it. */
static inline void *nd_fifo_take(nd_fifo *fifo, size_t index)
{
    if (index != 0)
        nd_fifo_prefer(fifo, index);
    return nd_fifo_pop(fifo);
}

/** Removes all items; memory is kept. */
static inline void nd_fifo_clear(nd_fifo *fifo)
{
    nd_vector_clear(&fifo->items);
    fifo->head = 0;
}

#endif
