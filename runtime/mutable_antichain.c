/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counts are a sorted array that grows and shrinks at both ends: epochs are retired at the
 * front and opened at the back, and neither moves the others. Two counts live inside the object.
 *
 * The total order extends the partial one, so whatever a departing time had hidden comes after it
 * in the array. One thread at a time.
 */
#include "runtime/mutable_antichain.h"

#include <string.h>

#include <nereid/memory.h>

#include "runtime/coordinate.h"

void nd_frontier_news_deinit(nd_frontier_news *news)
{
    nd_free(news->items);
    *news = (nd_frontier_news){.items = NULL};
}

static nd_err tell(nd_frontier_news *news, const nd_time *time, int delta)
{
    if (news->len == news->capacity) {
        const size_t larger = 2 * news->capacity + 8;
        void *items = nd_realloc(news->items, larger, sizeof(news->items[0]));
        if (items == NULL)
            return ND_NOMEM;
        news->items = items;
        news->capacity = larger;
    }
    news->items[news->len++] = (struct nd_frontier_change){*time, delta};
    return ND_OK;
}

void nd_mutable_antichain_deinit(nd_mutable_antichain *counts)
{
    nd_antichain_deinit(&counts->frontier);
    if (counts->capacity != 0)
        nd_free(counts->at.heap);
    *counts = (nd_mutable_antichain){.len = 0};
}

/* --- The sorted array --- */

static nd_time_count *block_of(nd_mutable_antichain *counts)
{
    return counts->capacity != 0 ? counts->at.heap : counts->at.inside;
}

/* The first of the counts from number `from` on that is not before `time`: its number. */
static size_t position(const nd_mutable_antichain *counts, size_t from, const nd_time *time)
{
    const nd_time_count *items = nd_mutable_antichain_items(counts);
    size_t low = from;
    size_t high = counts->len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nd_time_compare(&items[middle].time, time) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether `time` is the count at number `at`. */
static bool stands_at(const nd_mutable_antichain *counts, size_t at, const nd_time *time)
{
    return at < counts->len && nd_time_equal(&nd_mutable_antichain_items(counts)[at].time, time);
}

/* Room for one more behind the last. What retirement has freed in front is used before memory is
 * asked for, but only when it is worth the move. */
static nd_err make_room_behind(nd_mutable_antichain *counts)
{
    const size_t capacity = counts->capacity != 0 ? counts->capacity : ND_COUNTS_INLINE;
    if (counts->first + counts->len < capacity)
        return ND_OK;
    nd_time_count *block = block_of(counts);
    if (counts->first > counts->len / 2) {
        memmove(block, block + counts->first, counts->len * sizeof(*block));
        counts->first = 0;
        return ND_OK;
    }
    const bool inside = counts->capacity == 0;
    nd_time_count *larger = nd_realloc(inside ? NULL : block, 2 * capacity, sizeof(*block));
    if (larger == NULL)
        return ND_NOMEM;
    if (inside)
        memcpy(larger, block, capacity * sizeof(*block));
    counts->at.heap = larger;
    counts->capacity = 2 * capacity;
    return ND_OK;
}

static nd_err add_at(nd_mutable_antichain *counts, size_t at, const nd_time *time, int64_t count)
{
    if (counts->first > 0 && at < counts->len - at) {
        nd_time_count *items = block_of(counts) + --counts->first;
        memmove(items, items + 1, at * sizeof(*items));
    } else {
        ND_TRY(make_room_behind(counts));
        nd_time_count *items = block_of(counts) + counts->first;
        memmove(items + at + 1, items + at, (counts->len - at) * sizeof(*items));
    }
    block_of(counts)[counts->first + at] = (nd_time_count){*time, count};
    counts->len++;
    return ND_OK;
}

static void remove_at(nd_mutable_antichain *counts, size_t at)
{
    nd_time_count *items = block_of(counts) + counts->first;
    const size_t behind = --counts->len - at;
    if (at < behind) {
        memmove(items + 1, items, at * sizeof(*items));
        counts->first++;
    } else {
        memmove(items + at, items + at + 1, behind * sizeof(*items));
    }
    if (counts->len == 0)
        counts->first = 0;
}

/* --- The frontier --- */

static nd_err enter_frontier(nd_mutable_antichain *counts, const nd_time *time,
                             nd_frontier_news *news)
{
    ND_TRY(nd_antichain_insert(&counts->frontier, time));
    return tell(news, time, +1);
}

/* The count of `time` has become positive. */
static nd_err appear(nd_mutable_antichain *counts, const nd_time *time, nd_frontier_news *news)
{
    const nd_antichain *frontier = &counts->frontier;
    if (nd_antichain_less_equal(frontier, time))
        return ND_OK;
    const nd_time *items = nd_antichain_items(frontier);
    for (size_t i = 0; i < frontier->len; i++) {
        if (nd_time_less_equal(time, &items[i]))
            ND_TRY(tell(news, &items[i], -1));
    }
    return enter_frontier(counts, time, news);
}

/* Where to look next for times that `gone` had hidden, after the one at number `at`, which `below`
 * is at or before.
 *
 * A time that `gone` hid is at or after it in every coordinate, so `below` hides it too unless it
 * is smaller in one of those in which `below` exceeds `gone`. Let m be the last of these. Times
 * later in the array that agree with the one at `at` in the first m coordinates are not smaller
 * there, so all of them are passed over. Without such a coordinate, or with the first only, nothing
 * is left to be found. */
static size_t leap(const nd_mutable_antichain *counts, size_t at, const nd_time *gone,
                   const nd_time *below)
{
    unsigned m = ND_COORDINATES - 1;
    while (m > 0 && nd_time_coordinate(below, m) <= nd_time_coordinate(gone, m))
        m--;
    if (m == 0)
        return counts->len;
    const nd_time *here = &nd_mutable_antichain_items(counts)[at].time;
    const nd_time last = nd_time_last_with_prefix(here, m);
    const size_t next = position(counts, at + 1, &last);
    return stands_at(counts, next, &last) ? next + 1 : next;
}

/* `gone` has left the frontier: what only it had hidden, from number `at` on, enters. */
static nd_err expose(nd_mutable_antichain *counts, const nd_time *gone, size_t at,
                     nd_frontier_news *news)
{
    while (at < counts->len) {
        const nd_time_count *here = &nd_mutable_antichain_items(counts)[at];
        if (here->count <= 0) {
            at++;
            continue;
        }
        const nd_time *below = nd_antichain_below(&counts->frontier, &here->time);
        if (below == NULL) {
            ND_TRY(enter_frontier(counts, &here->time, news));
            below = &here->time;
        }
        at = leap(counts, at, gone, below);
    }
    return ND_OK;
}

/* The count of `time` is positive no longer; `at` is its number, or the number of what now stands
 * there. */
static nd_err vanish(nd_mutable_antichain *counts, const nd_time *time, size_t at,
                     nd_frontier_news *news)
{
    if (!nd_antichain_remove(&counts->frontier, time))
        return ND_OK;
    ND_TRY(tell(news, time, -1));
    return expose(counts, time, at, news);
}

static bool overflows(int64_t count, int64_t delta)
{
    return delta > 0 ? count > INT64_MAX - delta : count < INT64_MIN - delta;
}

nd_err nd_mutable_antichain_update(nd_mutable_antichain *counts, const nd_time *time, int64_t delta,
                                   nd_frontier_news *news)
{
    if (delta == 0)
        return ND_OK;
    const size_t at = position(counts, 0, time);
    const bool known = stands_at(counts, at, time);
    nd_time_count *here = block_of(counts) + counts->first + at;
    const int64_t before = known ? here->count : 0;
    if (overflows(before, delta))
        return ND_PROTO;
    const int64_t after = before + delta;
    if (!known)
        ND_TRY(add_at(counts, at, time, after));
    else if (after == 0)
        remove_at(counts, at);
    else
        here->count = after;
    if ((before > 0) == (after > 0))
        return ND_OK;
    return after > 0 ? appear(counts, time, news) : vanish(counts, time, at, news);
}

int64_t nd_mutable_antichain_count(const nd_mutable_antichain *counts, const nd_time *time)
{
    const size_t at = position(counts, 0, time);
    return stands_at(counts, at, time) ? nd_mutable_antichain_items(counts)[at].count : 0;
}

bool nd_mutable_antichain_validate(const nd_mutable_antichain *counts)
{
    const nd_time_count *items = nd_mutable_antichain_items(counts);
    size_t n_minimal = 0;
    for (size_t i = 0; i < counts->len; i++) {
        if (items[i].count == 0 ||
            (i > 0 && nd_time_compare(&items[i - 1].time, &items[i].time) >= 0))
            return false;
        bool minimal = items[i].count > 0;
        for (size_t j = 0; minimal && j < i; j++)
            minimal = items[j].count <= 0 || !nd_time_less_equal(&items[j].time, &items[i].time);
        n_minimal += minimal;
        if (minimal != nd_antichain_contains(&counts->frontier, &items[i].time))
            return false;
    }
    return n_minimal == counts->frontier.len && nd_antichain_validate(&counts->frontier);
}
