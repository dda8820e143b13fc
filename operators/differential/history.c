/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting is Shell's, with Ciura's gaps ("Best increments for the average case of shellsort", FCT
 * 2001, continued by his ratio): histories are short or nearly sorted, and there it is insertion;
 * of long ones that are neither it makes no square, and it takes no memory. Pure; any thread.
 */
#include "operators/differential/history.h"

#include "operators/differential/advance.h"
#include "operators/differential/difference.h"

static const uint32_t gaps[] = {
    1,     4,     10,    23,     57,     132,    301,     701,     1520,     3419,     7693,
    17309, 38946, 87630, 197167, 443625, 998156, 2245851, 5053165, 11369622, 25581650, 57558712};
enum { N_GAPS = sizeof gaps / sizeof *gaps };

/* How many gaps `len` items have room for. */
static unsigned count_gaps(size_t len)
{
    unsigned n = 0;
    while (n < N_GAPS && gaps[n] < len)
        n++;
    return n;
}

static int compare_values(uint32_t a, uint32_t b) { return (a > b) - (a < b); }

static int compare_edits(const nd_edit *a, const nd_edit *b)
{
    if (nd_time_equal(&a->time, &b->time))
        return compare_values(a->value, b->value);
    return nd_time_compare(&a->time, &b->time);
}

/* --- Edits --- */

void nd_history_sort(nd_edit *edits, size_t len)
{
    for (unsigned g = count_gaps(len); g > 0; g--) {
        const size_t gap = gaps[g - 1];
        for (size_t i = gap; i < len; i++) {
            const nd_edit edit = edits[i];
            size_t k = i;
            for (; k >= gap && compare_edits(&edit, &edits[k - gap]) < 0; k -= gap)
                edits[k] = edits[k - gap];
            edits[k] = edit;
        }
    }
}

nd_err nd_history_consolidate(nd_edit *edits, size_t *len)
{
    size_t n = 0;
    if (nd_history_validate(edits, *len))
        return ND_OK;
    nd_history_sort(edits, *len);
    for (size_t i = 0; i < *len;) {
        nd_edit sum = edits[i];
        for (i++; i < *len && compare_edits(&edits[i], &sum) == 0; i++)
            if (!nd_difference_plus(sum.diff, edits[i].diff, &sum.diff))
                return ND_FAILED;
        if (sum.diff != 0)
            edits[n++] = sum;
    }
    *len = n;
    return ND_OK;
}

nd_err nd_history_advance(nd_edit *edits, size_t *len, const nd_antichain *since)
{
    nd_time before, after;
    for (size_t i = 0; i < *len; i++) {
        /* In a sorted history equal times are neighbours. */
        if (i == 0 || !nd_time_equal(&edits[i].time, &before)) {
            before = edits[i].time;
            after = nd_time_advance(&before, since);
        }
        edits[i].time = after;
    }
    return nd_history_consolidate(edits, len);
}

bool nd_history_validate(const nd_edit *edits, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (edits[i].diff == 0 || (i && compare_edits(&edits[i - 1], &edits[i]) >= 0))
            return false;
    return true;
}

/* --- Counts --- */

static void sort_counts(nd_tally *counts, size_t len)
{
    for (unsigned g = count_gaps(len); g > 0; g--) {
        const size_t gap = gaps[g - 1];
        for (size_t i = gap; i < len; i++) {
            const nd_tally count = counts[i];
            size_t k = i;
            for (; k >= gap && count.value < counts[k - gap].value; k -= gap)
                counts[k] = counts[k - gap];
            counts[k] = count;
        }
    }
}

static bool are_consolidated(const nd_tally *counts, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (counts[i].count == 0 || (i && counts[i - 1].value >= counts[i].value))
            return false;
    return true;
}

nd_err nd_tallies_consolidate(nd_tally *counts, size_t *len)
{
    size_t n = 0;
    if (are_consolidated(counts, *len))
        return ND_OK;
    sort_counts(counts, *len);
    for (size_t i = 0; i < *len;) {
        nd_tally sum = counts[i];
        for (i++; i < *len && counts[i].value == sum.value; i++)
            if (!nd_difference_plus(sum.count, counts[i].count, &sum.count))
                return ND_FAILED;
        if (sum.count != 0)
            counts[n++] = sum;
    }
    *len = n;
    return ND_OK;
}

nd_err nd_history_accumulate(const nd_edit *edits, size_t len, const nd_time *time,
                             nd_vector *counts)
{
    nd_vector_clear(counts);
    for (size_t i = 0; i < len; i++) {
        if (!nd_time_less_equal(&edits[i].time, time))
            continue;
        nd_tally *const count = nd_vector_push(counts);
        if (!count)
            return ND_NOMEM;
        *count = (nd_tally){edits[i].value, edits[i].diff};
    }
    return nd_tallies_consolidate(counts->items, &counts->len);
}
