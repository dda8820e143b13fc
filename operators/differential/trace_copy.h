/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_COPY_H
#define OPERATORS_DIFFERENTIAL_TRACE_COPY_H

/** @file
 * The plain part of merging two batches: values that one of them has alone, whose updates are
 * copied as they are. That is nearly all, and costs a few nanoseconds each. One thread at a time.
 */

#include "operators/differential/trace_builder.h"
#include "operators/differential/trace_cursor.h"

/** What is copied from. */
typedef struct nd_trace_source {
    nd_trace_cursor cursor;
    const uint32_t *numbers; /* of its times in the builder's table, in total order; lent */
    bool rises;              /* whether they rise, so that a value's updates stay apart */
} nd_trace_source;

enum { ND_TRACE_COPIED = 512 /* values at a time, at the most */ };

/** Whether codes are of the kind that can be copied so: fixed, keys and values of eight bytes at
 * most. */
bool nd_trace_copy_can(const nd_trace_shape *shape);

/** Copies values from both, in order, and moves the cursors, until both have the same key and
 * value, or one whose updates may have to be added up; or ND_TRACE_COPIED have been copied, or as
 * many updates as `*fuel`, from which they are taken. Both are behind what the builder has. Errors:
 * as nd_trace_builder_push. */
ND_CHECKED nd_err nd_trace_copy_apart(nd_trace_builder *builder, nd_trace_source sources[2],
                                      uint64_t *fuel);

#endif
