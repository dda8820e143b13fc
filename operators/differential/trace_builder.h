/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_BUILDER_H
#define OPERATORS_DIFFERENTIAL_TRACE_BUILDER_H

/** @file
 * Makes batches of updates that come in their order.
 *
 * After an error in adding only nd_trace_builder_clear and nd_trace_builder_deinit are left. One
 * thread at a time.
 */

#include "operators/differential/time_table.h"
#include "operators/differential/trace_batch.h"
#include "runtime/antichain.h"

typedef struct nd_trace_builder {
    nd_trace_shape shape;
    nd_vector keys, values;             /* bytes */
    nd_vector key_starts, value_starts; /* uint32_t, where sizes are not fixed */
    nd_vector first_values;             /* uint32_t, a key */
    nd_vector bits;                     /* uint64_t, 64 finished values */
    nd_vector first_updates;            /* uint32_t, a finished list */
    nd_vector numbers, diffs;           /* uint32_t, int64_t, an update of a list */
    nd_time_table table;
    uint32_t n_values;
    uint32_t n_finished; /* values: all, or all but the last */
    uint32_t open;       /* where the list of the value begins that is not finished */
    uint64_t n_updates;  /* of finished values */
} nd_trace_builder;

void nd_trace_builder_init(nd_trace_builder *builder, const nd_trace_shape *shape);
void nd_trace_builder_deinit(nd_trace_builder *builder);
/** Removes all; memory is kept. */
void nd_trace_builder_clear(nd_trace_builder *builder);

/** Adds an update that is after all others: in key, or of one key in value, or of one value in
 * time. Codes have the shape's sizes, and the difference is not zero. Errors: ND_NOMEM; ND_FAILED:
 * more than a batch holds, which is 2^32 - 1 keys, values, times, updates of lists, and bytes of
 * keys or of values of no fixed size. */
ND_CHECKED nd_err nd_trace_builder_push(nd_trace_builder *builder, nd_trace_code key,
                                        nd_trace_code value, const nd_time *time, int64_t diff);

/** Adds `len` updates of increasing keys and values at one time, as nd_trace_builder_push does one
 * by one; the first is of another key or value than the update before, too. Sizes are fixed, from
 * one to sixteen together: a number (number.h) is of a key's bytes and then the value's. Without
 * `diffs` each has a difference of one. Errors: likewise. */
ND_CHECKED nd_err nd_trace_builder_push_numbers(nd_trace_builder *builder, const uint64_t *numbers,
                                                const int64_t *diffs, size_t len,
                                                const nd_time *time);

/** Makes a batch of all updates, and clears the builder. `upper` is at or after `lower`; `since`
 * NULL is the zero time: nothing was compacted. Errors, after which all is as before: ND_NOMEM;
 * ND_FAILED: a frontier has more than ND_TRACE_WIDTH_MOST times. Linear. */
ND_CHECKED nd_err nd_trace_builder_seal(nd_trace_builder *builder, const nd_antichain *lower,
                                        const nd_antichain *upper, const nd_antichain *since,
                                        nd_trace_batch **batch);

/* --- For merging, where times are numbers already --- */

/** Begins the updates of a value, unless it is the last one. Errors: as nd_trace_builder_push. */
ND_CHECKED nd_err nd_trace_builder_open(nd_trace_builder *builder, nd_trace_code key,
                                        nd_trace_code value);

/** Adds an update of that value, at a time by its number in `table`. Errors: likewise. */
ND_CHECKED nd_err nd_trace_builder_add(nd_trace_builder *builder, uint32_t number, int64_t diff);

/* --- For its own parts --- */

/** Finishes the last value, if there is one that is not. Errors: as nd_trace_builder_push; nothing
 * that counts has changed then, and it may be tried again. */
ND_CHECKED nd_err nd_trace_builder_finish(nd_trace_builder *builder);

/** Room for more values of fixed sizes, each with a key, and for sixteen bytes behind them; their
 * bits are there, and zero. Errors: likewise. */
ND_CHECKED nd_err nd_trace_builder_room_for(nd_trace_builder *builder, size_t more);

/** Room for more items of a column, grown by half at least. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_builder_room(nd_vector *items, size_t more);

#endif
