/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_ANTICHAIN_H
#define RUNTIME_ANTICHAIN_H

/** @file
 * Antichains: sets of times none of which is at or before another. A frontier is one.
 *
 * The items stand in the total order of nd_time_compare, so equal sets are equal arrays. Up to two
 * live inside the object; an antichain may be moved by copying its bytes. One thread at a time.
 * Costs are in the number of items, which is the width of the order among the times in play: one
 * where only epochs differ.
 */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/error.h>
#include <nereid/time.h>

enum { ND_ANTICHAIN_INLINE = 2 };

/** A zeroed one is empty. */
typedef struct nd_antichain {
    size_t len;
    size_t capacity; /* of the block at `heap`; zero while the items are inside */
    union {
        nd_time inside[ND_ANTICHAIN_INLINE];
        nd_time *heap;
    } at;
} nd_antichain;

/** An empty antichain. Allocates nothing. */
void nd_antichain_init(nd_antichain *antichain);

/** Frees what is held; the antichain is empty afterwards. */
void nd_antichain_deinit(nd_antichain *antichain);

/** The `len` items, in total order. Valid until the antichain changes. */
static inline const nd_time *nd_antichain_items(const nd_antichain *antichain)
{
    return antichain->capacity != 0 ? antichain->at.heap : antichain->at.inside;
}

/** An item at or before `time`, or NULL. Valid until the antichain changes. Linear. */
static inline const nd_time *nd_antichain_below(const nd_antichain *antichain, const nd_time *time)
{
    const nd_time *items = nd_antichain_items(antichain);
    for (size_t i = 0; i < antichain->len; i++) {
        if (nd_time_less_equal(&items[i], time))
            return &items[i];
    }
    return NULL;
}

/** Whether some item is at or before `time`: for a frontier, whether `time` may still come. Linear.
 */
static inline bool nd_antichain_less_equal(const nd_antichain *antichain, const nd_time *time)
{
    return nd_antichain_below(antichain, time) != NULL;
}

/** Whether `time` is an item. Logarithmic. */
bool nd_antichain_contains(const nd_antichain *antichain, const nd_time *time);

/** Adds `time` unless an item is at or before it, and drops the items after it. Linear.
 * Errors: ND_NOMEM, and nothing has changed. */
ND_CHECKED nd_err nd_antichain_insert(nd_antichain *antichain, const nd_time *time);

/** Replaces `to` by the minimal ones of `len` times. Errors: ND_NOMEM, and nothing has changed. */
ND_CHECKED nd_err nd_antichain_set(nd_antichain *to, const nd_time *times, size_t len);

/** As nd_antichain_insert, for a `time` that the caller knows to be incomparable with every item.
 */
ND_CHECKED nd_err nd_antichain_insert_incomparable(nd_antichain *antichain, const nd_time *time);

/** Takes one item out, if it is there: returns whether it was. Linear. */
bool nd_antichain_remove(nd_antichain *antichain, const nd_time *time);

/** Whether the invariants hold: sorted, and no two items comparable. Quadratic, for tests. */
bool nd_antichain_validate(const nd_antichain *antichain);

#endif
