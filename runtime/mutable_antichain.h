/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_MUTABLE_ANTICHAIN_H
#define RUNTIME_MUTABLE_ANTICHAIN_H

/** @file
 * Mutable antichains: a multiset of times with signed counts, and its frontier, the minimal times
 * whose counts are positive, kept up to date (Brun, Decova, Lattuada and Traytel, "Verified
 * progress tracking for timely dataflow", ITP 2021).
 *
 * A count may be negative for a while, when what takes away overtakes what adds: it is kept, is
 * never an item of the frontier, and cancels the positive one that comes. A count of zero is not
 * stored. Only changes of the frontier are news. One thread at a time; may be moved by copying its
 * bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

#include "runtime/antichain.h"

/** A time and how often it is there. */
typedef struct nd_time_count {
    nd_time time;
    int64_t count;
} nd_time_count;

/** News of one update: the times that entered the frontier (`delta` is +1) or left it (-1). A
 * buffer that the caller keeps from update to update, so that it stops growing; zeroed, it is
 * empty. */
typedef struct nd_frontier_news {
    struct nd_frontier_change {
        nd_time time;
        int delta;
    } * items;
    size_t len, capacity;
} nd_frontier_news;

/** Frees the buffer; it is empty afterwards. */
void nd_frontier_news_deinit(nd_frontier_news *news);

enum { ND_COUNTS_INLINE = 2 };

/** A zeroed one is empty. */
typedef struct nd_mutable_antichain {
    nd_antichain frontier;
    size_t first, len; /* the counts are items[first .. first + len) of what `at` holds */
    size_t capacity;   /* of the block at `heap`; zero while the counts are inside */
    union {
        nd_time_count inside[ND_COUNTS_INLINE];
        nd_time_count *heap;
    } at;
} nd_mutable_antichain;

/** Frees what is held; the mutable antichain is empty afterwards. */
void nd_mutable_antichain_deinit(nd_mutable_antichain *counts);

/** Adds `delta` to the count of `time`, and appends to `news` what that does to the frontier: each
 * time at most once.
 *
 * Logarithmic in the number of distinct times, apart from moving the shorter side of an array, plus
 * linear in the width of the frontier. When a time leaves the frontier, what it had hidden is
 * searched in leaps, one for each distinct beginning of a time as far as it matters: one leap in
 * all where only epochs, or only the counters of the innermost loop, differ.
 *
 * Errors: ND_NOMEM, after which `counts` is good only for deinit; ND_PROTO when a count would leave
 * 64 bits, which only a malformed frame can bring about, and then nothing has changed. */
ND_CHECKED nd_err nd_mutable_antichain_update(nd_mutable_antichain *counts, const nd_time *time,
                                              int64_t delta, nd_frontier_news *news);

/** The count of `time`; zero if it is not there. Logarithmic. */
int64_t nd_mutable_antichain_count(const nd_mutable_antichain *counts, const nd_time *time);

/** The `len` counts, in total order of times, none of them zero. Valid until the next update. */
static inline const nd_time_count *nd_mutable_antichain_items(const nd_mutable_antichain *counts)
{
    return (counts->capacity != 0 ? counts->at.heap : counts->at.inside) + counts->first;
}

/** Whether the invariants hold: sorted, no zeros, and the frontier is that of the counts. Slow, for
 * tests. */
bool nd_mutable_antichain_validate(const nd_mutable_antichain *counts);

#endif
