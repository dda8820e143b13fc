/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_PENDING_H
#define RUNTIME_PENDING_H

/** @file
 * Rights, and lists of the notifications that were asked for: sorted by the time they are due, then
 * by right, each there once. What is due earliest is taken first, and later ones are mostly added
 * last; both cost little however long the list is.
 *
 * An index stays good until the list changes. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

#include "runtime/base/vector.h"

/** A right to act: at or after `time`, as an input's paths make it. */
typedef struct nd_right {
    nd_time time;
    uint32_t input; /* whose paths apply; ND_ANY_INPUT: identity to every output */
} nd_right;

#define ND_ANY_INPUT UINT32_MAX

/** By time in the total order, then by input: negative, zero or positive. */
int nd_right_compare(const nd_right *a, const nd_right *b);

/** A notification with a right; one with the rights of several inputs is several of these. */
typedef struct nd_pending {
    nd_time due;
    nd_right right; /* zero without a right */
    bool has_right;
} nd_pending;

typedef struct nd_pending_list {
    nd_vector items; /* nd_pending; the first `head` have been taken */
    size_t head;
} nd_pending_list;

/** An empty list. Allocates nothing. */
void nd_pending_list_init(nd_pending_list *list);

/** Frees the list, which is empty afterwards. */
void nd_pending_list_deinit(nd_pending_list *list);

/** Takes all out. */
void nd_pending_list_clear(nd_pending_list *list);

/** The indices of what is in the list are head .. len - 1. */
static inline size_t nd_pending_list_end(const nd_pending_list *list) { return list->items.len; }

static inline const nd_pending *nd_pending_list_at(const nd_pending_list *list, size_t index)
{
    return nd_vector_at(&list->items, index);
}

/** The first that is due at `due` or, in the total order, later. Logarithmic. */
size_t nd_pending_list_first(const nd_pending_list *list, const nd_time *due);

/** The first that is due after `due` in the total order. Logarithmic. */
size_t nd_pending_list_after(const nd_pending_list *list, const nd_time *due);

/** Whether exactly this one is in the list. Logarithmic. */
bool nd_pending_list_has(const nd_pending_list *list, const nd_pending *pending);

/** Adds what is not in the list yet. Moves those before it or those after it, whichever are fewer,
 * once something was taken from the front. Errors: ND_NOMEM, and nothing has changed. */
ND_CHECKED nd_err nd_pending_list_add(nd_pending_list *list, const nd_pending *pending);

/** Takes those from `first` up to `end` out, and returns the index of what stood behind them. Moves
 * those before or those after, whichever are fewer. */
size_t nd_pending_list_take(nd_pending_list *list, size_t first, size_t end);

#endif
