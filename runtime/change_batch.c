/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sorted part and a tail. One step of a worker makes a handful of changes, most of which cancel
 * or repeat: a small batch is searched on every update, so it never holds a location and time
 * twice. A long one takes updates at its end and is sorted once they have become half of it; it
 * must not be asked anything before that. One thread at a time.
 */
#include "runtime/change_batch.h"

#include <nereid/memory.h>

enum { INSERTION_SORT_MOST = 24 };

void nd_change_batch_init(nd_change_batch *batch) { *batch = (nd_change_batch){.items = NULL}; }

void nd_change_batch_deinit(nd_change_batch *batch)
{
    nd_free(batch->items);
    nd_change_batch_init(batch);
}

static bool same(const nd_change *a, const nd_change *b)
{
    return a->location == b->location && nd_time_equal(&a->time, &b->time);
}

static bool before(const nd_change *a, const nd_change *b)
{
    if (a->location != b->location)
        return a->location < b->location;
    return nd_time_compare(&a->time, &b->time) < 0;
}

/* Wraps around instead of being undefined. */
static int64_t sum(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }

static void insertion_sort(nd_change *items, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const nd_change moving = items[i];
        size_t j = i;
        for (; j > 0 && before(&moving, &items[j - 1]); j--)
            items[j] = items[j - 1];
        items[j] = moving;
    }
}

/* Moves items[root] down the heap items[0 .. len) to its place; the greatest is on top. */
static void sift_down(nd_change *items, size_t root, size_t len)
{
    const nd_change moving = items[root];
    for (size_t child = 2 * root + 1; child < len; child = 2 * root + 1) {
        if (child + 1 < len && before(&items[child], &items[child + 1]))
            child++;
        if (!before(&moving, &items[child]))
            break;
        items[root] = items[child];
        root = child;
    }
    items[root] = moving;
}

/* In place and without memory of its own, since compacting cannot fail. */
static void heap_sort(nd_change *items, size_t len)
{
    for (size_t root = len / 2; root-- > 0;)
        sift_down(items, root, len);
    for (size_t end = len; end-- > 1;) {
        const nd_change greatest = items[0];
        items[0] = items[end];
        items[end] = greatest;
        sift_down(items, 0, end);
    }
}

/* Adds up neighbours and drops zeros; returns how many are left. */
static size_t add_up(nd_change *items, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < len;) {
        nd_change total = items[i++];
        for (; i < len && same(&items[i], &total); i++)
            total.delta = sum(total.delta, items[i].delta);
        if (total.delta != 0)
            items[kept++] = total;
    }
    return kept;
}

void nd_change_batch_compact(nd_change_batch *batch)
{
    if (batch->clean == batch->len)
        return;
    if (batch->len <= INSERTION_SORT_MOST)
        insertion_sort(batch->items, batch->len);
    else
        heap_sort(batch->items, batch->len);
    batch->len = add_up(batch->items, batch->len);
    batch->clean = batch->len;
}

/* Adds to the same location and time in a small batch; false if it is not there. */
static bool merge_small(nd_change_batch *batch, const nd_change *change)
{
    for (size_t i = 0; i < batch->len; i++) {
        nd_change *item = &batch->items[i];
        if (!same(item, change))
            continue;
        item->delta = sum(item->delta, change->delta);
        if (item->delta == 0) {
            *item = batch->items[--batch->len];
            batch->clean = i < batch->clean ? i : batch->clean;
        }
        return true;
    }
    return false;
}

static nd_err push(nd_change_batch *batch, const nd_change *change)
{
    if (batch->len == batch->capacity) {
        const size_t larger = 2 * batch->capacity + ND_CHANGES_SMALL;
        nd_change *items = nd_realloc(batch->items, larger, sizeof(*items));
        if (items == NULL)
            return ND_NOMEM;
        batch->items = items;
        batch->capacity = larger;
    }
    batch->items[batch->len++] = *change;
    return ND_OK;
}

nd_err nd_change_batch_update(nd_change_batch *batch, uint32_t location, const nd_time *time,
                              int64_t delta)
{
    if (delta == 0)
        return ND_OK;
    const nd_change change = {location, *time, delta};
    if (batch->len <= ND_CHANGES_SMALL && merge_small(batch, &change))
        return ND_OK;
    ND_TRY(push(batch, &change));
    const size_t tail = batch->len - batch->clean;
    if (batch->len > 32 && tail >= batch->len / 2)
        nd_change_batch_compact(batch);
    return ND_OK;
}

bool nd_change_batch_is_empty(nd_change_batch *batch)
{
    if (batch->len <= ND_CHANGES_SMALL)
        return batch->len == 0;
    if (batch->clean > batch->len / 2)
        return false; /* the tail is too short to cancel what is added up */
    nd_change_batch_compact(batch);
    return batch->len == 0;
}

void nd_change_batch_clear(nd_change_batch *batch)
{
    batch->len = 0;
    batch->clean = 0;
}

bool nd_change_batch_validate(const nd_change_batch *batch)
{
    if (batch->clean > batch->len || batch->len > batch->capacity)
        return false;
    for (size_t i = 0; i < batch->clean; i++) {
        if (batch->items[i].delta == 0 ||
            (i > 0 && !before(&batch->items[i - 1], &batch->items[i])))
            return false;
    }
    for (size_t i = 0; batch->len <= ND_CHANGES_SMALL && i < batch->len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (same(&batch->items[i], &batch->items[j]) || batch->items[i].delta == 0)
                return false;
        }
    }
    return true;
}
