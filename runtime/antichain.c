/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorted arrays, inside the object while two places suffice. A block, once allocated, is kept until
 * deinit, so that a frontier that moves for ever allocates a few times only. One thread at a time.
 */
#include "runtime/antichain.h"

#include <string.h>

#include <nereid/memory.h>

void nd_antichain_init(nd_antichain *antichain) { *antichain = (nd_antichain){.len = 0}; }

void nd_antichain_deinit(nd_antichain *antichain)
{
    if (antichain->capacity != 0)
        nd_free(antichain->at.heap);
    nd_antichain_init(antichain);
}

static nd_time *items_of(nd_antichain *antichain)
{
    return antichain->capacity != 0 ? antichain->at.heap : antichain->at.inside;
}

/* The number of items that come before `time` in total order. */
static size_t position(const nd_antichain *antichain, const nd_time *time)
{
    const nd_time *items = nd_antichain_items(antichain);
    size_t low = 0;
    size_t high = antichain->len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nd_time_compare(&items[middle], time) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool nd_antichain_contains(const nd_antichain *antichain, const nd_time *time)
{
    const size_t at = position(antichain, time);
    return at < antichain->len && nd_time_equal(&nd_antichain_items(antichain)[at], time);
}

/* Room for `len` items. */
static nd_err reserve(nd_antichain *antichain, size_t len)
{
    const size_t capacity = antichain->capacity;
    if (len <= (capacity != 0 ? capacity : ND_ANTICHAIN_INLINE))
        return ND_OK;
    const size_t larger = len < 2 * capacity ? 2 * capacity : len + ND_ANTICHAIN_INLINE;
    nd_time *block = nd_realloc(capacity != 0 ? antichain->at.heap : NULL, larger, sizeof(nd_time));
    if (block == NULL)
        return ND_NOMEM;
    if (capacity == 0)
        memcpy(block, antichain->at.inside, antichain->len * sizeof(nd_time));
    antichain->at.heap = block;
    antichain->capacity = larger;
    return ND_OK;
}

nd_err nd_antichain_insert_incomparable(nd_antichain *antichain, const nd_time *time)
{
    const nd_time added = *time; /* `time` may be an item of a block that moves */
    ND_TRY(reserve(antichain, antichain->len + 1));
    nd_time *items = items_of(antichain);
    size_t i = antichain->len++;
    for (; i > 0 && nd_time_compare(&items[i - 1], &added) > 0; i--)
        items[i] = items[i - 1];
    items[i] = added;
    return ND_OK;
}

nd_err nd_antichain_insert(nd_antichain *antichain, const nd_time *time)
{
    if (nd_antichain_less_equal(antichain, time))
        return ND_OK;
    ND_TRY(reserve(antichain, antichain->len + 1));
    nd_time *items = items_of(antichain);
    size_t kept = 0;
    for (size_t i = 0; i < antichain->len; i++) {
        if (!nd_time_less_equal(time, &items[i]))
            items[kept++] = items[i];
    }
    antichain->len = kept;
    return nd_antichain_insert_incomparable(antichain, time);
}

bool nd_antichain_remove(nd_antichain *antichain, const nd_time *time)
{
    const size_t at = position(antichain, time);
    nd_time *items = items_of(antichain);
    if (at == antichain->len || !nd_time_equal(&items[at], time))
        return false;
    antichain->len--;
    for (size_t i = at; i < antichain->len; i++)
        items[i] = items[i + 1];
    return true;
}

bool nd_antichain_validate(const nd_antichain *antichain)
{
    const nd_time *items = nd_antichain_items(antichain);
    for (size_t i = 0; i < antichain->len; i++) {
        for (size_t j = i + 1; j < antichain->len; j++) {
            if (nd_time_compare(&items[i], &items[j]) >= 0 ||
                nd_time_less_equal(&items[i], &items[j]))
                return false;
        }
    }
    return true;
}

nd_err nd_antichain_set(nd_antichain *to, const nd_time *times, size_t len)
{
    nd_antichain made;
    nd_antichain_init(&made);
    for (size_t i = 0; i < len; i++)
        if (nd_antichain_insert(&made, &times[i]) != ND_OK) {
            nd_antichain_deinit(&made);
            return ND_NOMEM;
        }
    nd_antichain_deinit(to);
    *to = made;
    return ND_OK;
}
