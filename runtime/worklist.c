/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A heap in an array, the first entry on top. Most propagations have one or two entries at a time,
 * for which both sifts end at once. One thread at a time.
 */
#include "runtime/worklist.h"

#include <assert.h>

#include <nereid/memory.h>

#include "runtime/coordinate.h"

void nd_worklist_init(nd_worklist *list, const uint32_t *places)
{
    *list = (nd_worklist){.places = places};
}

void nd_worklist_deinit(nd_worklist *list)
{
    nd_free(list->items);
    nd_worklist_init(list, NULL);
}

static bool same(const nd_work *a, const nd_work *b)
{
    return a->node == b->node && nd_time_equal(&a->time, &b->time);
}

/* Path order: times and places interleaved, coordinate by coordinate. */
static bool before(const nd_worklist *list, const nd_work *a, const nd_work *b)
{
    const uint32_t *a_places = &list->places[(size_t)a->node * ND_COORDINATES];
    const uint32_t *b_places = &list->places[(size_t)b->node * ND_COORDINATES];
    if (a->time.epoch != b->time.epoch)
        return a->time.epoch < b->time.epoch;
    if (a_places[0] != b_places[0])
        return a_places[0] < b_places[0];
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++) {
        if (a->time.loop[k] != b->time.loop[k])
            return a->time.loop[k] < b->time.loop[k];
        if (a_places[1 + k] != b_places[1 + k])
            return a_places[1 + k] < b_places[1 + k];
    }
    return false;
}

static nd_err grow(nd_worklist *list)
{
    const size_t larger = 2 * list->capacity + 8;
    nd_work *items = nd_realloc(list->items, larger, sizeof(*items));
    if (items == NULL)
        return ND_NOMEM;
    list->items = items;
    list->capacity = larger;
    return ND_OK;
}

nd_work *nd_worklist_slot(nd_worklist *list)
{
    if (list->len == list->capacity && grow(list) != ND_OK)
        return NULL;
    return &list->items[list->len];
}

void nd_worklist_push(nd_worklist *list)
{
    assert(list->len < list->capacity);
    nd_work *items = list->items;
    size_t at = list->len++;
    if (at == 0 || !before(list, &items[at], &items[(at - 1) / 2]))
        return;
    const nd_work moving = items[at];
    do {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
    } while (at > 0 && before(list, &moving, &items[(at - 1) / 2]));
    items[at] = moving;
}

/* The last entry takes the place of the first, and goes down to where it belongs. */
static void drop_first(nd_worklist *list)
{
    assert(list->len > 0);
    nd_work *items = list->items;
    const size_t len = --list->len;
    if (len == 0)
        return;
    const nd_work *moving = &items[len];
    size_t at = 0;
    for (size_t child = 1; child < len; child = 2 * at + 1) {
        if (child + 1 < len && before(list, &items[child + 1], &items[child]))
            child++;
        if (!before(list, &items[child], moving))
            break;
        items[at] = items[child];
        at = child;
    }
    items[at] = *moving;
}

bool nd_worklist_pop(nd_worklist *list, nd_work *first)
{
    if (list->len == 0)
        return false;
    *first = list->items[0];
    drop_first(list);
    while (list->len > 0 && same(&list->items[0], first)) {
        first->delta += list->items[0].delta;
        drop_first(list);
    }
    return true;
}
