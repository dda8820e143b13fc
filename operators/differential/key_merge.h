/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_KEY_MERGE_H
#define OPERATORS_DIFFERENTIAL_KEY_MERGE_H

/** @file
 * The values of a key, each once, from the least one on, and the batches that have it. Batches have
 * their values in order, so they are merged: of those that have the key, mostly one or two, the
 * least value is taken, again and again.
 *
 *     for (nd_key_merge merge = nd_key_merge_of(history); merge.n != 0;) {
 *         ND_TRY(nd_key_merge_next(&merge, history, &number));
 *         for (nd_found *one; (one = nd_key_merge_find(&merge)); nd_key_merge_pass(&merge, one))
 *             ... the value's updates are nd_trace_cursor_updates(&one->cursor) ...
 *     }
 *
 * What has been found is put in another order by this; it stays all there.
 */

#include "operators/differential/key_history.h"

typedef struct nd_key_merge {
    nd_found *found;
    size_t n;            /* of these the first ones: those that have values left */
    size_t next;         /* of those the first ones: where the value has not been looked for yet */
    nd_trace_code value; /* the least one; lent by a batch */
    bool have_all;       /* all of them have it */
} nd_key_merge;

/** Before the first value; nothing of the history has been read. */
static inline nd_key_merge nd_key_merge_of(nd_key_history *history)
{
    return (nd_key_merge){.found = history->found.items, .n = history->found.len};
}

/** Takes the least value that is left, of which there must be one, and gives it the next number.
 * Linear in the batches that have values left. Errors: ND_NOMEM. */
ND_CHECKED static inline nd_err nd_key_merge_next(nd_key_merge *merge, nd_key_history *history,
                                                  uint32_t *number)
{
    size_t n_equal = 1;
    merge->value = merge->found[0].value;
    for (size_t i = 1; i < merge->n; i++) {
        const int order = nd_trace_code_compare(merge->found[i].value, merge->value);
        if (order < 0) {
            merge->value = merge->found[i].value;
            n_equal = 1;
        } else if (order == 0)
            ++n_equal;
    }
    merge->have_all = n_equal == merge->n;
    merge->next = merge->n;
    *number = (uint32_t)history->values.len;
    nd_trace_code *const place = nd_vector_push(&history->values);
    if (!place)
        return ND_NOMEM;
    *place = merge->value;
    return ND_OK;
}

/** The next batch that has the value, or NULL. */
static inline nd_found *nd_key_merge_find(nd_key_merge *merge)
{
    while (merge->next > 0) {
        nd_found *const one = &merge->found[--merge->next];
        if (merge->have_all || nd_trace_code_compare(one->value, merge->value) == 0)
            return one;
    }
    return NULL;
}

/** Its updates have been read. */
static inline void nd_key_merge_pass(nd_key_merge *merge, nd_found *one)
{
    nd_trace_cursor_next_value(&one->cursor);
    if (nd_trace_cursor_has_value(&one->cursor)) {
        one->value = nd_trace_cursor_value(&one->cursor);
        return;
    }
    nd_found *const last = &merge->found[--merge->n];
    if (one == last)
        return;
    const nd_found passed = *one;
    *one = *last;
    *last = passed;
}

#endif
