/* SPDX-License-Identifier: Apache-2.0 */
/* What is shared: `filled` of each segment, written by the producer with release after the bytes,
 * read by the consumer with acquire before them; `next`, written with release after the last change
 * of `filled`; `first` and `spare`.
 *
 * Invariant: the consumer leaves a segment only when `next` is set and everything in it is taken;
 * since `next` is set after `filled` is final, what it then reads of `filled` is final. */
#include "transport/queue.h"

#include <nereid/memory.h>

enum {
    SEGMENT_SIZE =
        16 * 1024 - 64, /* bytes of messages; a larger message has a segment of its own */
    ALIGNMENT = 16,
};

struct nd_segment {
    _Atomic size_t filled;
    _Atomic(nd_segment *) next;
    size_t size;
    size_t unused; /* so that bytes are aligned */
    unsigned char bytes[];
};

typedef struct message {
    size_t size; /* with this head */
    size_t unused;
} message;

_Static_assert(offsetof(nd_segment, bytes) % ALIGNMENT == 0, "messages are aligned");
_Static_assert(sizeof(message) % ALIGNMENT == 0, "messages are aligned");

void nd_queue_deinit(nd_queue *queue)
{
    nd_segment *segment =
        queue->head ? queue->head : atomic_load_explicit(&queue->first, memory_order_acquire);
    while (segment) {
        nd_segment *const next = atomic_load_explicit(&segment->next, memory_order_acquire);
        nd_free(segment);
        segment = next;
    }
    nd_free(atomic_load_explicit(&queue->spare, memory_order_acquire));
}

static nd_segment *make_segment(nd_queue *queue, size_t least)
{
    nd_segment *segment = NULL;
    if (least <= SEGMENT_SIZE)
        segment = atomic_exchange_explicit(&queue->spare, NULL, memory_order_acquire);
    if (!segment) {
        const size_t size = least > SEGMENT_SIZE ? least : SEGMENT_SIZE;
        segment = nd_alloc(1, sizeof *segment + size);
        if (!segment)
            return NULL;
        segment->size = size;
    }
    atomic_init(&segment->filled, 0);
    atomic_init(&segment->next, NULL);
    return segment;
}

static bool add_segment(nd_queue *queue, size_t least)
{
    nd_segment *const segment = make_segment(queue, least);
    if (!segment)
        return false;
    if (queue->tail)
        atomic_store_explicit(&queue->tail->next, segment, memory_order_release);
    else
        atomic_store_explicit(&queue->first, segment, memory_order_release);
    queue->tail = segment;
    queue->used = 0;
    return true;
}

void *nd_queue_push_begin(nd_queue *queue, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    const size_t whole = (size + sizeof(message) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if ((!queue->tail || queue->tail->size - queue->used < whole) && !add_segment(queue, whole))
        return NULL;
    message *const head = (message *)(void *)(queue->tail->bytes + queue->used);
    head->size = whole;
    queue->used += whole;
    return head + 1;
}

void nd_queue_push_end(nd_queue *queue)
{
    atomic_store_explicit(&queue->tail->filled, queue->used, memory_order_release);
}

/* The next drained segment goes back to the producer, unless one waits there already or it is of an
 * odd size. */
static void recycle(nd_queue *queue, nd_segment *segment)
{
    nd_segment *expected = NULL;
    if (segment->size != SEGMENT_SIZE ||
        !atomic_compare_exchange_strong_explicit(&queue->spare, &expected, segment,
                                                 memory_order_release, memory_order_relaxed))
        nd_free(segment);
}

void *nd_queue_peek(nd_queue *queue)
{
    if (!queue->head) {
        queue->head = atomic_load_explicit(&queue->first, memory_order_acquire);
        if (!queue->head)
            return NULL;
    }
    for (;;) {
        nd_segment *const segment = queue->head;
        if (queue->taken < atomic_load_explicit(&segment->filled, memory_order_acquire))
            return segment->bytes + queue->taken + sizeof(message);
        nd_segment *const next = atomic_load_explicit(&segment->next, memory_order_acquire);
        if (!next)
            return NULL;
        if (queue->taken < atomic_load_explicit(&segment->filled, memory_order_acquire))
            continue; /* filled up between the two looks */
        queue->head = next;
        queue->taken = 0;
        recycle(queue, segment);
    }
}

void nd_queue_pop(nd_queue *queue)
{
    const message *const head = (const message *)(const void *)(queue->head->bytes + queue->taken);
    queue->taken += head->size;
}

bool nd_queue_is_empty(nd_queue *queue) { return nd_queue_peek(queue) == NULL; }
