/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vector that is read from the front. Where there is no room at its end but at least as much in
 * front as there are items, they move to the front: each such move is paid for by as many items
 * taken before. Otherwise the block grows. So it never has more than twice the places that its
 * items ever filled, but for the growth of a vector.
 */
#include "runtime/base/fifo.h"

#include <string.h>

void nd_fifo_deinit(nd_fifo *fifo)
{
    nd_vector_deinit(&fifo->items);
    fifo->head = 0;
}

static void move_to_front(nd_fifo *fifo)
{
    const size_t len = nd_fifo_len(fifo);
    memmove(fifo->items.items, nd_fifo_at(fifo, 0), len * fifo->items.item_size);
    nd_vector_truncate(&fifo->items, len);
    fifo->head = 0;
}

void *nd_fifo_push(nd_fifo *fifo)
{
    if (fifo->items.len == fifo->items.capacity && fifo->head != 0 &&
        fifo->head >= nd_fifo_len(fifo))
        move_to_front(fifo);
    return nd_vector_push(&fifo->items);
}

/* Turns the block of items round by one item, a piece at a time. */
void nd_fifo_prefer(nd_fifo *fifo, size_t index)
{
    unsigned char piece[64];
    const size_t size = (index + 1) * fifo->items.item_size;
    unsigned char *const last = nd_fifo_at(fifo, index); /* checks the index */
    unsigned char *const block = last - index * fifo->items.item_size;
    for (size_t left = fifo->items.item_size; left != 0;) {
        const size_t n = left < sizeof piece ? left : sizeof piece;
        memcpy(piece, block + size - n, n);
        memmove(block + n, block, size - n);
        memcpy(block, piece, n);
        left -= n;
    }
}
