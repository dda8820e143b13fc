/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/due.h"

void nd_due_heap_init(nd_due_heap *heap)
{
    nd_vector_init(&heap->items, sizeof(nd_due));
    heap->n_pushed = 0;
}

void nd_due_heap_deinit(nd_due_heap *heap) { nd_vector_deinit(&heap->items); }

static bool is_before(const nd_due *a, const nd_due *b)
{
    const int order = nd_time_compare(&a->time, &b->time);
    return order != 0 ? order < 0 : a->number < b->number;
}

nd_err nd_due_heap_push(nd_due_heap *heap, nd_vertex *vertex, const nd_time *time)
{
    if (!nd_vector_push(&heap->items))
        return ND_NOMEM;
    const nd_due added = {*time, heap->n_pushed++, vertex};
    nd_due *const items = heap->items.items;
    size_t place = heap->items.len - 1;
    while (place > 0 && is_before(&added, &items[(place - 1) / 2])) {
        items[place] = items[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    items[place] = added;
    return ND_OK;
}

bool nd_due_heap_pop(nd_due_heap *heap, nd_due *earliest)
{
    if (heap->items.len == 0)
        return false;
    nd_due *const items = heap->items.items;
    *earliest = items[0];
    const nd_due last = *(nd_due *)nd_vector_pop(&heap->items);
    const size_t len = heap->items.len;
    size_t place = 0;
    for (size_t child; (child = 2 * place + 1) < len; place = child) {
        if (child + 1 < len && is_before(&items[child + 1], &items[child]))
            child++;
        if (!is_before(&items[child], &last))
            break;
        items[place] = items[child];
    }
    if (len)
        items[place] = last;
    return true;
}
