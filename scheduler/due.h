/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_DUE_H
#define SCHEDULER_DUE_H

/** @file
 * Notifications that are due: a heap, the earliest time first in the total order, then in the order
 * they became due. */

#include <stdbool.h>

#include <nereid/vertex.h>

#include "runtime/base/vector.h"

typedef struct nd_due {
    nd_time time;
    uint64_t number; /* counts what became due */
    nd_vertex *vertex;
} nd_due;

typedef struct nd_due_heap {
    nd_vector items; /* nd_due */
    uint64_t n_pushed;
} nd_due_heap;

void nd_due_heap_init(nd_due_heap *heap);
void nd_due_heap_deinit(nd_due_heap *heap);

/** Logarithmic. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_due_heap_push(nd_due_heap *heap, nd_vertex *vertex, const nd_time *time);

/** Takes the earliest; false when there is none. Logarithmic. */
bool nd_due_heap_pop(nd_due_heap *heap, nd_due *earliest);

#endif
