/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_QUEUE_H
#define TRANSPORT_QUEUE_H

/** @file
 * A queue of messages from one thread to another: single producer, single consumer, without locks
 * and without a limit.
 *
 * Messages are copied into segments, side by side; a full segment points to the next. A drained
 * segment goes back to the producer through `spare`, so a queue in steady use allocates nothing,
 * and one that is not used costs its head only.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

#include "runtime/base/cache_line.h"

typedef struct nd_segment nd_segment;

/* Zeroed, a queue is empty and may be used. */
typedef struct nd_queue {
    _Atomic(nd_segment *) first; /* written once by the producer; the consumer begins here */
    _Atomic(nd_segment *) spare; /* given by the consumer, taken by the producer */
    nd_segment *tail;            /* the producer's */
    size_t used;                 /* bytes of the tail segment that are filled */
    char apart[ND_CACHE_LINE];   /* keeps what each side writes on cache lines of its own */
    nd_segment *head;            /* the consumer's; NULL before the first message */
    size_t taken;                /* bytes of the head segment that are consumed */
    char behind[ND_CACHE_LINE];
} nd_queue;

/** Frees the segments. Neither side may be using the queue. */
void nd_queue_deinit(nd_queue *queue);

/** Room for a message of `size` bytes, aligned for any type, which the producer fills and then
 * shows with nd_queue_push_end. NULL without memory. */
void *nd_queue_push_begin(nd_queue *queue, size_t size);
void nd_queue_push_end(nd_queue *queue);

/** The next message, or NULL; it stays valid until nd_queue_pop. The consumer. */
void *nd_queue_peek(nd_queue *queue);
void nd_queue_pop(nd_queue *queue);

/** Whether peek would find nothing. The consumer. */
bool nd_queue_is_empty(nd_queue *queue);

#endif
