/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DIFFERENTIAL_NAIVE_TRACE_H
#define TESTS_DIFFERENTIAL_NAIVE_TRACE_H

/** @file
 * Batches of a trace the slow way: arrays of updates, each with its own key and value, that are
 * sorted by qsort and added up side by side.
 */

#include "operators/differential/trace_batch.h"
#include "operators/differential/trace_builder.h"
#include "operators/differential/trace_view.h"
#include "runtime/base/random.h"

enum { NAIVE_CODE_MOST = 16, NAIVE_N_SHAPES = 8 };

typedef struct naive_update {
    unsigned char key[NAIVE_CODE_MOST], value[NAIVE_CODE_MOST];
    uint32_t key_size, value_size;
    nd_time time;
    int64_t diff;
} naive_update;

/** Fixed keys and values of 0, 4, 7, 8 and 16 bytes, and of no fixed size. */
extern const nd_trace_shape naive_shapes[NAIVE_N_SHAPES];

/** Few distinct ones, so that much is equal. Times have `n_coordinates`, each below `side`. */
naive_update naive_any(nd_random *random, const nd_trace_shape *shape, unsigned n_coordinates,
                       uint32_t side);

/** By key, value, time; negative, zero or positive. */
int naive_compare(const naive_update *a, const naive_update *b);

/** Sorts, adds up, drops zeros; returns how many are left. */
size_t naive_consolidate(naive_update *updates, size_t len);

/** The sum of what is at or before `time`, of one key and value. */
int64_t naive_accumulate(const naive_update *updates, size_t len, const naive_update *record,
                         const nd_time *time);

/** What is there at `time`: consolidated records, their times zero; ended with free. */
naive_update *naive_collect(const naive_update *updates, size_t len, const nd_time *time,
                            size_t *n_found);

/** Whether these are the same, one by one. */
bool naive_are_equal(const naive_update *a, size_t a_len, const naive_update *b, size_t b_len);

static inline nd_trace_code naive_key(const naive_update *update)
{
    return (nd_trace_code){update->key, update->key_size};
}

static inline nd_trace_code naive_value(const naive_update *update)
{
    return (nd_trace_code){update->value, update->value_size};
}

/** A frontier of some times; ended with nd_antichain_deinit. */
nd_antichain naive_frontier(const nd_time *times, size_t n);

/** Consolidated updates as a batch that begins at `lower` and ends at `upper`, each one epoch; what
 * reads must be at or after is epoch zero. */
nd_trace_batch *naive_build(const nd_trace_shape *shape, const naive_update *updates, size_t len,
                            uint64_t lower, uint64_t upper);

/** A batch's updates by its cursor, `*len` of them; ended with free. Asserts that they are
 * consolidated and as many as it says. */
naive_update *naive_read(const nd_trace_batch *batch, size_t *len);

/** As naive_read, with times as they stand in a view, in whatever order that makes. */
naive_update *naive_read_view(const nd_trace_view *view, size_t *len);

/** Asserts that a batch has these consolidated updates. */
void naive_expect(const nd_trace_batch *batch, const naive_update *updates, size_t len);

#endif
