/* SPDX-License-Identifier: Apache-2.0 */
/* What a vertex may do: the rights of its callback, and those that it holds.
 *
 * A vertex whose inputs lead to different outputs, or change times on the way, acts by the right of
 * some input. What is kept for later is kept for every input that allows it: so it does not matter
 * by which of them the vertex will act. One whose paths are all the identity has a single kind of
 * right, and none of this costs it anything.
 *
 * Invariants:
 *  1. every hold is counted, once for each of its inputs, at each output that the input's paths
 * reach, from the call that made it until it is released;
 *  2. a right comes only from a right: of the running callback, or of a hold;
 *  3. holds are sorted by time, then by input, and distinct; those of one time are one hold,
 * counted in each of them alike. */
#include <stdio.h>
#include <string.h>

#include "runtime/graph_internal.h"

/* --- Paths --- */

/* The first path from `input` to `output` or to a later one, or what stands behind. */
static size_t first_path(const nd_vertex *vertex, uint32_t input, unsigned output)
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
    return low;
}

bool nd_vertex_right_least(const nd_vertex *vertex, const nd_right *right, unsigned port,
                           nd_time *least)
{
    *least = right->time;
    if (right->input == ND_ANY_INPUT)
        return true;
    const size_t i = first_path(vertex, right->input, port);
    return i < vertex->n_paths && vertex->paths[i].input == right->input &&
           vertex->paths[i].output == port &&
           nd_summary_apply(&vertex->paths[i].summary, &right->time, least);
}

static bool right_reaches(const nd_vertex *vertex, const nd_right *right, unsigned port,
                          const nd_time *time)
{
    nd_time least;
    return nd_vertex_right_least(vertex, right, port, &least) && nd_time_less_equal(&least, time);
}

bool nd_vertex_may_send(const nd_vertex *vertex, unsigned port, const nd_time *time)
{
    for (size_t i = 0; i < vertex->n_rights; i++)
        if (right_reaches(vertex, &vertex->rights[i], port, time))
            return true;
    const nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len && holds[i].right.time.epoch <= time->epoch; i++)
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
    const nd_path *path = vertex->paths + first_path(vertex, right->input, 0);
    for (; path < vertex->paths + vertex->n_paths && path->input == right->input; path++) {
        nd_time time;
        if (nd_summary_apply(&path->summary, &right->time, &time))
            nd_flow_change(vertex->flow, vertex->outlets[path->output].location, &time, delta);
    }
}

/* --- Checks --- */

static bool has_counters_outside(nd_vertex *vertex, const nd_time *time)
{
    char text[ND_TIME_TEXT_SIZE];
    for (unsigned i = vertex->scope->n_loops; i < ND_MAX_LOOPS; i++)
        if (time->loop[i] != 0) {
            nd_vertex_fail(
                vertex, ND_INVAL,
                "time %s has a counter of a loop that it is not inside of: scope '%s' has %u",
                nd_time_text(time, ND_MAX_LOOPS, text), vertex->scope->name,
                vertex->scope->n_loops);
            return true;
        }
    return false;
}

bool nd_vertex_can_act(nd_vertex *vertex, const nd_time *time)
{
    const nd_vertex *const running = nd_host_running(vertex->flow->host);
    if (vertex->flow->state == ND_FLOW_BUILDING || vertex->flow->state == ND_FLOW_REFUSED) {
        nd_vertex_fail(vertex, ND_INVAL,
                       "used before its dataflow was started: call nd_dataflow_start first");
        return false;
    }
    if (running && running != vertex) {
        nd_vertex_fail(vertex, ND_INVAL, "it is used inside a callback of '%s'", running->name);
        return false;
    }
    /* A callback may still run when all is over: of clean-up, or of a right that reaches no output
     * and so was never counted. */
    if ((vertex->flow->state == ND_FLOW_COMPLETE && !running) || vertex->flow->is_dropped)
        return false;
    return !has_counters_outside(vertex, time);
}

enum { LEASTS_SIZE = 3 * ND_TIME_TEXT_SIZE };

/* Writes from when on the callback's rights allow something: sending on output `port`, or, where
 * that is none of the vertex's, keeping a right. As many as there is room for; returns how many
 * rights allow anything. */
static size_t list_leasts(const nd_vertex *vertex, unsigned port, char *text)
{
    char one[ND_TIME_TEXT_SIZE];
    size_t n = 0, used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < vertex->n_rights; i++) {
        nd_time least = vertex->rights[i].time;
        if (port < vertex->n_outlets &&
            !nd_vertex_right_least(vertex, &vertex->rights[i], port, &least))
            continue;
        n++;
        nd_time_text(&least, vertex->scope->n_loops, one);
        if (used + strlen(one) + sizeof " or " > LEASTS_SIZE || strstr(text, one))
            continue;
        used += (size_t)snprintf(text + used, LEASTS_SIZE - used, "%s%s", used ? " or " : "", one);
    }
    return n;
}

static void refuse(nd_vertex *vertex, const char *what, unsigned port, const nd_time *time)
{
    char wanted[ND_TIME_TEXT_SIZE], leasts[LEASTS_SIZE];
    nd_time_text(time, vertex->scope->n_loops, wanted);
    if (list_leasts(vertex, port, leasts))
        nd_vertex_fail(vertex, ND_INVAL,
                       "%s at %s, but its callback has a right from %s on, and no hold allows it",
                       what, wanted, leasts);
    else if (vertex->n_rights == 0)
        nd_vertex_fail(vertex, ND_INVAL,
                       "%s at %s, but this callback has no right of its own, and no hold allows it "
                       "(nd_hold keeps one)",
                       what, wanted);
    else if (vertex->n_rights == 1)
        nd_vertex_fail(vertex, ND_INVAL,
                       "%s at %s, but no path leads from input %u to output %u, and no hold allows "
                       "it",
                       what, wanted, vertex->rights[0].input, port);
    else
        nd_vertex_fail(vertex, ND_INVAL,
                       "%s at %s, but no path leads from the inputs of its callback's rights to "
                       "output %u, and no hold allows it",
                       what, wanted, port);
}

void nd_vertex_refuse_send(nd_vertex *vertex, unsigned port, const nd_time *time)
{
    char what[48];
    snprintf(what, sizeof what, "it sends on output %u", port);
    refuse(vertex, what, port, time);
}

void nd_vertex_refuse(nd_vertex *vertex, const char *what, const nd_time *time)
{
    refuse(vertex, what, vertex->n_outlets, time);
}

const nd_right *nd_vertex_next_right(const nd_vertex *vertex, const nd_time *time, size_t *next)
{
    const nd_hold_entry *const holds = vertex->holds.items;
    const size_t n = vertex->n_rights + vertex->holds.len;
    while (*next < n) {
        const size_t i = (*next)++;
        const nd_right *const right =
            i < vertex->n_rights ? &vertex->rights[i] : &holds[i - vertex->n_rights].right;
        if (i >= vertex->n_rights && right->time.epoch > time->epoch)
            break;
        if (!nd_time_less_equal(&right->time, time))
            continue;
        if (!vertex->paths) /* all are of one kind */
            *next = SIZE_MAX;
        return right;
    }
    return NULL;
}

/* --- Holds --- */

/* The first entry at or behind `right`. */
static size_t place_of(const nd_vertex *vertex, const nd_right *right)
{
    const nd_hold_entry *const holds = vertex->holds.items;
    size_t low = 0, high = vertex->holds.len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (nd_right_compare(&holds[middle].right, right) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entries of the hold at `time`, one for each of its inputs: from the returned index up to
 * `*end`. */
static size_t find_hold(const nd_vertex *vertex, const nd_time *time, size_t *end)
{
    const nd_hold_entry *const holds = vertex->holds.items;
    const size_t first = place_of(vertex, &(nd_right){*time, 0});
    *end = first;
    while (*end < vertex->holds.len && nd_time_equal(&holds[*end].right.time, time))
        (*end)++;
    return first;
}

/* Adds an input to the hold of a time, unless it is there. */
static void add_hold(nd_vertex *vertex, const nd_right *right)
{
    const size_t place = place_of(vertex, right);
    const nd_hold_entry *const before = vertex->holds.items;
    if (place < vertex->holds.len && nd_right_compare(&before[place].right, right) == 0)
        return;
    if (!nd_vector_push(&vertex->holds)) {
        nd_vertex_fail(vertex, ND_NOMEM, "out of memory");
        return;
    }
    nd_hold_entry *const holds = vertex->holds.items;
    memmove(&holds[place + 1], &holds[place], (vertex->holds.len - 1 - place) * sizeof *holds);
    holds[place] = (nd_hold_entry){*right, 0};
    nd_vertex_count_right(vertex, right, +1);
}

void nd_hold(nd_vertex *vertex, const nd_time *time)
{
    if (!nd_vertex_can_act(vertex, time))
        return;
    size_t end, next = 0;
    size_t first = find_hold(vertex, time, &end);
    const nd_hold_entry *const before = vertex->holds.items;
    const size_t n = end > first ? before[first].n : 0;
    /* What is added stands behind every hold that is still to be looked at, but for those of this
     * very time, which are there already. */
    const nd_right *from;
    while ((from = nd_vertex_next_right(vertex, time, &next)) != NULL)
        add_hold(vertex, &(nd_right){*time, from->input});
    first = find_hold(vertex, time, &end);
    if (end == first)
        nd_vertex_refuse(vertex, "it holds", time);
    nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = first; i < end; i++)
        holds[i].n = n + 1;
}

void nd_release(nd_vertex *vertex, const nd_time *time)
{
    if (!nd_vertex_can_act(vertex, time))
        return;
    size_t end;
    const size_t first = find_hold(vertex, time, &end);
    if (end == first) {
        char text[ND_TIME_TEXT_SIZE];
        nd_vertex_fail(vertex, ND_INVAL, "it releases %s, which it does not hold",
                       nd_time_text(time, vertex->scope->n_loops, text));
        return;
    }
    nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = first; i < end; i++)
        holds[i].n--;
    if (holds[first].n > 0)
        return;
    for (nd_outlet *outlet = vertex->used; outlet; outlet = outlet->next_used)
        outlet->may_send = false;
    for (size_t i = first; i < end; i++)
        nd_vertex_count_right(vertex, &holds[i].right, -1);
    memmove(&holds[first], &holds[end], (vertex->holds.len - end) * sizeof *holds);
    nd_vector_truncate(&vertex->holds, vertex->holds.len - (end - first));
}

void nd_vertex_drop_holds(nd_vertex *vertex)
{
    const nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++)
        nd_vertex_count_right(vertex, &holds[i].right, -1);
    nd_vector_clear(&vertex->holds);
}
