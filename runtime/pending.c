/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array with a gap in front, where the earliest have been taken. The gap makes room for
 * what is added among the earliest, too: while one epoch goes round a loop, a thousand later ones
 * may wait. */
#include "runtime/pending.h"

#include <string.h>

int nd_right_compare(const nd_right *a, const nd_right *b)
{
    const int by_time = nd_time_compare(&a->time, &b->time);
    return by_time != 0 ? by_time : (a->input > b->input) - (a->input < b->input);
}

static int compare(const nd_pending *a, const nd_pending *b)
{
    const int by_due = nd_time_compare(&a->due, &b->due);
    if (by_due != 0)
        return by_due;
    if (a->has_right != b->has_right)
        return a->has_right - b->has_right;
    return nd_right_compare(&a->right, &b->right);
}

void nd_pending_list_init(nd_pending_list *list)
{
    nd_vector_init(&list->items, sizeof(nd_pending));
    list->head = 0;
}

void nd_pending_list_deinit(nd_pending_list *list)
{
    nd_vector_deinit(&list->items);
    list->head = 0;
}

void nd_pending_list_clear(nd_pending_list *list)
{
    nd_vector_clear(&list->items);
    list->head = 0;
}

/* --- Finding --- */

size_t nd_pending_list_first(const nd_pending_list *list, const nd_time *due)
{
    size_t low = list->head, high = list->items.len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nd_time_compare(&nd_pending_list_at(list, middle)->due, due) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t nd_pending_list_after(const nd_pending_list *list, const nd_time *due)
{
    size_t low = list->head, high = list->items.len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nd_time_compare(&nd_pending_list_at(list, middle)->due, due) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t place_of(const nd_pending_list *list, const nd_pending *pending)
{
    size_t low = list->head, high = list->items.len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(nd_pending_list_at(list, middle), pending) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool nd_pending_list_has(const nd_pending_list *list, const nd_pending *pending)
{
    const size_t place = place_of(list, pending);
    return place < list->items.len && compare(nd_pending_list_at(list, place), pending) == 0;
}

/* --- Changing --- */

/* Closes the gap rather than grow, where the gap is half of what there is. */
static void tidy(nd_pending_list *list)
{
    nd_pending *const items = list->items.items;
    const size_t left = list->items.len - list->head;
    if (list->items.len < list->items.capacity || list->head <= left)
        return;
    memmove(items, items + list->head, left * sizeof *items);
    nd_vector_truncate(&list->items, left);
    list->head = 0;
}

nd_err nd_pending_list_add(nd_pending_list *list, const nd_pending *pending)
{
    tidy(list);
    const size_t place = place_of(list, pending);
    const size_t n_before = place - list->head, n_after = list->items.len - place;
    if (list->head > 0 && n_before < n_after) {
        nd_pending *const items = list->items.items;
        memmove(&items[list->head - 1], &items[list->head], n_before * sizeof *items);
        list->head--;
        items[place - 1] = *pending;
        return ND_OK;
    }
    if (!nd_vector_push(&list->items))
        return ND_NOMEM;
    nd_pending *const items = list->items.items;
    memmove(&items[place + 1], &items[place], n_after * sizeof *items);
    items[place] = *pending;
    return ND_OK;
}

size_t nd_pending_list_take(nd_pending_list *list, size_t first, size_t end)
{
    nd_pending *const items = list->items.items;
    const size_t n_before = first - list->head, n_after = list->items.len - end;
    if (n_before + n_after == 0) {
        nd_pending_list_clear(list);
        return 0;
    }
    if (n_before <= n_after) {
        memmove(&items[list->head + end - first], &items[list->head], n_before * sizeof *items);
        list->head += end - first;
        return end;
    }
    memmove(&items[first], &items[end], n_after * sizeof *items);
    nd_vector_truncate(&list->items, list->items.len - (end - first));
    return first;
}
