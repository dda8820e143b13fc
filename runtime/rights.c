/* SPDX-License-Identifier: Apache-2.0 */
/* What a vertex may do, and when it is told: rights, holds and notifications.
 *
 * Invariants:
 *  1. every hold and every pending notification with a right is counted, once, at each output that
 * its paths reach, from the call that made it until it is released or its callback has returned;
 *  2. a right comes only from a right: of the running callback, or of a hold;
 *  3. pending notifications are distinct, sorted by the time they are due in the total order. */
#include <string.h>

#include "runtime/graph_internal.h"

static const nd_path *find_path(const nd_vertex *vertex, uint32_t input, unsigned output)
{
    size_t low = 0, high = vertex->n_paths;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const nd_path *const path = &vertex->paths[middle];
        if (path->input < input || (path->input == input && path->output < output))
            low = middle + 1;
        else
            high = middle;
    }
    const nd_path *const path = &vertex->paths[low];
    return low < vertex->n_paths && path->input == input && path->output == output ? path : NULL;
}

static bool right_reaches(const nd_vertex *vertex, const nd_right *right, unsigned port,
                          const nd_time *time)
{
    if (right->input == ND_ANY_INPUT)
        return nd_time_less_equal(&right->time, time);
    const nd_path *const path = find_path(vertex, right->input, port);
    nd_time least;
    return path && nd_summary_apply(&path->summary, &right->time, &least) &&
           nd_time_less_equal(&least, time);
}

bool nd_vertex_may_send(const nd_vertex *vertex, unsigned port, const nd_time *time)
{
    for (size_t i = 0; i < vertex->n_rights; i++)
        if (right_reaches(vertex, &vertex->rights[i], port, time))
            return true;
    const nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++)
        if (right_reaches(vertex, &holds[i].right, port, time))
            return true;
    return false;
}

void nd_vertex_count_right(nd_vertex *vertex, const nd_right *right, int64_t delta)
{
    if (right->input == ND_ANY_INPUT) {
        for (unsigned o = 0; o < vertex->n_outlets; o++)
            nd_flow_change(vertex->flow, vertex->outlets[o].location, &right->time, delta);
        return;
    }
    for (size_t i = 0; i < vertex->n_paths; i++) {
        const nd_path *const path = &vertex->paths[i];
        nd_time time;
        if (path->input == right->input && nd_summary_apply(&path->summary, &right->time, &time))
            nd_flow_change(vertex->flow, vertex->outlets[path->output].location, &time, delta);
    }
}

bool nd_vertex_is_past(const nd_vertex *vertex, const nd_time *time)
{
    for (unsigned i = 0; i < vertex->n_inlets; i++)
        if (nd_antichain_less_equal(
                nd_tracker_frontier(vertex->flow->tracker, vertex->inlets[i].location), time))
            return false;
    return true;
}

/* --- Checks --- */

bool nd_vertex_can_act(nd_vertex *vertex, const nd_time *time)
{
    char text[ND_TIME_TEXT_SIZE];
    if (vertex->flow->state == ND_FLOW_BUILDING || vertex->flow->state == ND_FLOW_REFUSED) {
        nd_vertex_fail(vertex, ND_INVAL, "used before its dataflow was started");
        return false;
    }
    /* A callback may still run when all is over: of clean-up, or of a right that reaches no output
     * and so was never counted. */
    if ((vertex->flow->state == ND_FLOW_COMPLETE && !vertex->in_callback) ||
        vertex->flow->is_dropped)
        return false;
    for (unsigned i = vertex->scope->n_loops; i < ND_MAX_LOOPS; i++)
        if (time->loop[i] != 0) {
            nd_vertex_fail(
                vertex, ND_INVAL,
                "time %s has a counter of a loop that it is not inside of: scope '%s' has %u",
                nd_time_text(time, ND_MAX_LOOPS, text), vertex->scope->name,
                vertex->scope->n_loops);
            return false;
        }
    return true;
}

void nd_vertex_refuse(nd_vertex *vertex, const char *what, const nd_time *time)
{
    char wanted[ND_TIME_TEXT_SIZE], least[ND_TIME_TEXT_SIZE];
    const unsigned n_loops = vertex->scope->n_loops;
    nd_time_text(time, n_loops, wanted);
    if (vertex->n_rights)
        nd_vertex_fail(vertex, ND_INVAL,
                       "%s at %s, but its callback has a right from %s on, and no hold allows it",
                       what, wanted, nd_time_text(&vertex->rights[0].time, n_loops, least));
    else
        nd_vertex_fail(vertex, ND_INVAL,
                       "%s at %s, but this callback has no right of its own, and no hold allows it "
                       "(nd_hold keeps one)",
                       what, wanted);
}

/* The right that lets the vertex keep one at `time`, or NULL: one of the callback's own, else a
 * hold, one that reaches every output if there is one. */
static const nd_right *find_right(const nd_vertex *vertex, const nd_time *time)
{
    for (size_t i = 0; i < vertex->n_rights; i++)
        if (nd_time_less_equal(&vertex->rights[i].time, time))
            return &vertex->rights[i];
    const nd_hold_entry *const holds = vertex->holds.items;
    const nd_right *found = NULL;
    for (size_t i = 0; i < vertex->holds.len; i++)
        if (nd_time_less_equal(&holds[i].right.time, time) &&
            (!found || holds[i].right.input == ND_ANY_INPUT))
            found = &holds[i].right;
    return found;
}

/* --- Holds --- */

void nd_hold(nd_vertex *vertex, const nd_time *time)
{
    if (!nd_vertex_can_act(vertex, time))
        return;
    const nd_right *const from = find_right(vertex, time);
    if (!from) {
        nd_vertex_refuse(vertex, "it holds", time);
        return;
    }
    const nd_right right = {*time, from->input};
    nd_vertex_count_right(vertex, &right, +1);
    nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++)
        if (holds[i].right.input == right.input && nd_time_equal(&holds[i].right.time, time)) {
            holds[i].n++;
            return;
        }
    nd_hold_entry *const slot = nd_vector_push(&vertex->holds);
    if (slot)
        *slot = (nd_hold_entry){right, 1};
    else
        nd_vertex_fail(vertex, ND_NOMEM, "out of memory");
}

void nd_release(nd_vertex *vertex, const nd_time *time)
{
    if (!nd_vertex_can_act(vertex, time))
        return;
    nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++) {
        if (!nd_time_equal(&holds[i].right.time, time))
            continue;
        const nd_right right = holds[i].right;
        if (--holds[i].n == 0) {
            memmove(&holds[i], &holds[i + 1], (vertex->holds.len - i - 1) * sizeof *holds);
            nd_vector_truncate(&vertex->holds, vertex->holds.len - 1);
        }
        for (nd_outlet *outlet = vertex->used; outlet; outlet = outlet->next_used)
            outlet->may_send = false;
        nd_vertex_count_right(vertex, &right, -1);
        return;
    }
    char text[ND_TIME_TEXT_SIZE];
    nd_vertex_fail(vertex, ND_INVAL, "it releases %s, which it does not hold",
                   nd_time_text(time, vertex->scope->n_loops, text));
}

/* --- Notifications --- */

static int compare_pending(const nd_pending *a, const nd_pending *b)
{
    const int by_due = nd_time_compare(&a->due, &b->due);
    if (by_due != 0)
        return by_due;
    if (a->has_right != b->has_right)
        return a->has_right - b->has_right;
    const int by_right = nd_time_compare(&a->right.time, &b->right.time);
    if (by_right != 0)
        return by_right;
    return (a->right.input > b->right.input) - (a->right.input < b->right.input);
}

/* Whether the host knows already that `vertex->pending[index].due` is due. */
static bool is_told(const nd_vertex *vertex, size_t index)
{
    const nd_pending *const pending = vertex->pending.items;
    for (size_t i = index; i-- > 0 && nd_time_equal(&pending[i].due, &pending[index].due);)
        if (pending[i].is_due)
            return true;
    for (size_t i = index + 1;
         i < vertex->pending.len && nd_time_equal(&pending[i].due, &pending[index].due); i++)
        if (pending[i].is_due)
            return true;
    return false;
}

static void tell_if_due(nd_vertex *vertex, size_t index)
{
    nd_host *const host = vertex->flow->host;
    nd_pending *const pending = nd_vector_at(&vertex->pending, index);
    if (pending->is_due || !nd_vertex_is_past(vertex, &pending->due))
        return;
    const bool told = is_told(vertex, index);
    pending->is_due = true;
    if (!told)
        host->ops->due(host, vertex, &pending->due);
}

void nd_vertex_find_due(nd_vertex *vertex)
{
    for (size_t i = 0; i < vertex->pending.len; i++) {
        tell_if_due(vertex, i);
        const nd_pending *const pending = nd_vector_at(&vertex->pending, i);
        if (!pending->is_due && vertex->scope->n_loops == 0)
            return; /* epochs alone are in order: nothing later is due either */
    }
}

/* Adds a notification unless it is there; returns whether it was added. */
static bool add_pending(nd_vertex *vertex, const nd_pending *wanted)
{
    size_t place = vertex->pending.len;
    const nd_pending *const pending = vertex->pending.items;
    while (place > 0) { /* from the end: later times are asked for later */
        const int order = compare_pending(&pending[place - 1], wanted);
        if (order == 0)
            return false;
        if (order < 0)
            break;
        place--;
    }
    if (!nd_vector_push(&vertex->pending)) {
        nd_vertex_fail(vertex, ND_NOMEM, "out of memory");
        return false;
    }
    nd_pending *const items = vertex->pending.items;
    memmove(&items[place + 1], &items[place], (vertex->pending.len - 1 - place) * sizeof *items);
    items[place] = *wanted;
    if (wanted->has_right)
        nd_vertex_count_right(vertex, &wanted->right, +1);
    if (vertex->flow->state == ND_FLOW_RUNNING || vertex->flow->state == ND_FLOW_COMPLETE)
        tell_if_due(vertex, place);
    return true;
}

static void ask(nd_vertex *vertex, const nd_time *due, const nd_time *right)
{
    bool is_allowed = false;
    for (size_t i = 0; i < vertex->n_rights; i++)
        if (nd_time_less_equal(&vertex->rights[i].time, right)) {
            is_allowed = true;
            add_pending(vertex, &(nd_pending){.due = *due,
                                              .right = {*right, vertex->rights[i].input},
                                              .has_right = true});
        }
    const nd_right *const held = is_allowed ? NULL : find_right(vertex, right);
    if (held)
        add_pending(vertex,
                    &(nd_pending){.due = *due, .right = {*right, held->input}, .has_right = true});
    else if (!is_allowed)
        nd_vertex_refuse(vertex, "it asks for a notification", right);
}

void nd_notify_when(nd_vertex *vertex, const nd_time *due, const nd_time *right)
{
    if (!nd_vertex_can_act(vertex, due) || (right && !nd_vertex_can_act(vertex, right)))
        return;
    if (!vertex->on_notify) {
        nd_vertex_fail(vertex, ND_INVAL, "it asks for a notification but has no on_notify");
        return;
    }
    if (right)
        ask(vertex, due, right);
    else
        add_pending(vertex, &(nd_pending){.due = *due});
}

void nd_notify_at(nd_vertex *vertex, const nd_time *time) { nd_notify_when(vertex, time, time); }
