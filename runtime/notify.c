/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications: asked for, found due, and taken for delivery.
 *
 * Invariants:
 *  1. a notification with a right is counted, as a hold is, from the call that asked for it until
 * its callback has returned;
 *  2. what may still have to wait is in `pending`, what is known to be due in `due`, and the host
 * has been told once of each time in there. */
#include "runtime/coordinate.h"
#include "runtime/graph_internal.h"

/* --- Becoming due --- */

static const nd_antichain *frontier_of(const nd_vertex *vertex, unsigned port)
{
    return nd_tracker_frontier(vertex->flow->tracker, vertex->inlets[port].location);
}

bool nd_vertex_is_past(const nd_vertex *vertex, const nd_time *time)
{
    for (unsigned i = 0; i < vertex->n_inlets; i++)
        if (nd_antichain_less_equal(frontier_of(vertex, i), time))
            return false;
    return true;
}

static unsigned last_nonzero(const nd_time *time)
{
    unsigned k = ND_COORDINATES - 1;
    while (k > 0 && nd_time_coordinate(time, k) == 0)
        k--;
    return k;
}

/* Whether something at or before `time` can still come, and up to which later time, in the total
 * order, the same is certain to keep everything waiting.
 *
 * An element whose counters are zero from coordinate k + 1 on is at or before every time behind
 * `time` that agrees with it in the coordinates before k: coordinate k is then no less, and of the
 * rest nothing is asked. An element of an epoch alone so blocks everything that follows. */
static bool is_blocked(const nd_vertex *vertex, const nd_time *time, nd_time *until)
{
    unsigned n_agreeing = ND_COORDINATES;
    for (unsigned i = 0; i < vertex->n_inlets && n_agreeing > 0; i++) {
        const nd_antichain *const frontier = frontier_of(vertex, i);
        const nd_time *const elements = nd_antichain_items(frontier);
        for (size_t k = 0; k < frontier->len && n_agreeing > 0; k++) {
            const unsigned last = last_nonzero(&elements[k]);
            if (last < n_agreeing && nd_time_less_equal(&elements[k], time))
                n_agreeing = last;
        }
    }
    *until = nd_time_last_with_prefix(time, n_agreeing);
    return n_agreeing < ND_COORDINATES;
}

static bool is_told(const nd_vertex *vertex, const nd_time *due)
{
    const size_t i = nd_pending_list_first(&vertex->due, due);
    return i < nd_pending_list_end(&vertex->due) &&
           nd_time_equal(&nd_pending_list_at(&vertex->due, i)->due, due);
}

static void add(nd_vertex *vertex, nd_pending_list *list, const nd_pending *pending)
{
    if (nd_pending_list_add(list, pending) != ND_OK)
        nd_vertex_fail(vertex, ND_NOMEM, "out of memory");
}

size_t nd_vertex_tell_due(nd_vertex *vertex, size_t first)
{
    nd_host *const host = vertex->flow->host;
    const nd_time due = nd_pending_list_at(&vertex->pending, first)->due;
    const size_t end = nd_pending_list_after(&vertex->pending, &due);
    const bool told = is_told(vertex, &due);
    for (size_t i = first; i < end; i++)
        add(vertex, &vertex->due, nd_pending_list_at(&vertex->pending, i));
    if (!told)
        host->ops->due(host, vertex, &due);
    return nd_pending_list_take(&vertex->pending, first, end);
}

void nd_vertex_find_due(nd_vertex *vertex)
{
    size_t i = vertex->pending.head;
    while (i < nd_pending_list_end(&vertex->pending)) {
        nd_time until;
        if (is_blocked(vertex, &nd_pending_list_at(&vertex->pending, i)->due, &until))
            i = nd_pending_list_after(&vertex->pending, &until);
        else
            i = nd_vertex_tell_due(vertex, i);
    }
}

void nd_vertex_take_due(nd_vertex *vertex, const nd_time *time, nd_vector *rights)
{
    const size_t first = nd_pending_list_first(&vertex->due, time);
    const size_t end = nd_pending_list_after(&vertex->due, time);
    nd_vector_clear(rights);
    for (size_t i = first; i < end; i++) {
        const nd_pending *const pending = nd_pending_list_at(&vertex->due, i);
        nd_right *const slot = pending->has_right ? nd_vector_push(rights) : NULL;
        if (slot)
            *slot = pending->right;
        else if (pending->has_right)
            nd_vertex_fail(vertex, ND_NOMEM, "out of memory");
    }
    nd_pending_list_take(&vertex->due, first, end);
}

/* --- Asking --- */

/* Adds a notification unless it is there. Before the dataflow runs no frontier means anything. */
static void add_pending(nd_vertex *vertex, const nd_pending *wanted)
{
    const nd_flow_state state = vertex->flow->state;
    if (nd_pending_list_has(&vertex->pending, wanted) || nd_pending_list_has(&vertex->due, wanted))
        return;
    if (wanted->has_right)
        nd_vertex_count_right(vertex, &wanted->right, +1);
    if ((state != ND_FLOW_RUNNING && state != ND_FLOW_COMPLETE) ||
        !nd_vertex_is_past(vertex, &wanted->due)) {
        add(vertex, &vertex->pending, wanted);
        return;
    }
    nd_host *const host = vertex->flow->host;
    const bool told = is_told(vertex, &wanted->due);
    add(vertex, &vertex->due, wanted);
    if (!told)
        host->ops->due(host, vertex, &wanted->due);
}

/* One with every right that allows it. */
static void ask(nd_vertex *vertex, const nd_time *due, const nd_time *right)
{
    size_t next = 0;
    bool is_allowed = false;
    const nd_right *from;
    while ((from = nd_vertex_next_right(vertex, right, &next)) != NULL) {
        is_allowed = true;
        add_pending(vertex, &(nd_pending){*due, {*right, from->input}, true});
    }
    if (!is_allowed)
        nd_vertex_refuse(vertex, "it asks for a notification", right);
}

static bool can_ask(nd_vertex *vertex, const nd_time *due)
{
    if (!nd_vertex_can_act(vertex, due))
        return false;
    if (!vertex->on_notify)
        nd_vertex_fail(vertex, ND_INVAL, "it asks for a notification but has no on_notify");
    return vertex->on_notify != NULL;
}

void nd_notify_when(nd_vertex *vertex, const nd_time *due, const nd_time *right)
{
    if (!can_ask(vertex, due))
        return;
    if (!right)
        add_pending(vertex, &(nd_pending){.due = *due});
    else if (nd_vertex_can_act(vertex, right))
        ask(vertex, due, right);
}

void nd_notify_at(nd_vertex *vertex, const nd_time *time)
{
    if (can_ask(vertex, time))
        ask(vertex, time, time);
}

/* --- Dropping --- */

static void drop(nd_vertex *vertex, nd_pending_list *list)
{
    for (size_t i = list->head; i < nd_pending_list_end(list); i++) {
        const nd_pending *const pending = nd_pending_list_at(list, i);
        if (pending->has_right)
            nd_vertex_count_right(vertex, &pending->right, -1);
    }
    nd_pending_list_clear(list);
}

void nd_vertex_drop_notifications(nd_vertex *vertex)
{
    drop(vertex, &vertex->pending);
    drop(vertex, &vertex->due);
}
