/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/instance_log.h"

#include <stdlib.h>
#include <string.h>

void *push(nd_vector *vector)
{
    void *slot = nd_vector_push(vector);
    if (slot == NULL)
        abort();
    return slot;
}

void take_out(nd_vector *vector, size_t index, void *item)
{
    memcpy(item, nd_vector_at(vector, index), vector->item_size);
    const void *last = nd_vector_pop(vector);
    if (index < vector->len)
        memcpy(nd_vector_at(vector, index), last, vector->item_size);
}

/* --- Rights --- */

/* Where the right of one input begins on an output. */
static bool input_least(const instance *me, const time_right *right, unsigned input, unsigned port,
                        nd_time *least)
{
    if ((right->inputs >> input & 1) == 0)
        return false;
    *least = right->time;
    return 1U << input == ANY_INPUT ||
           plan_follow(&me->plan->paths[input][port], &right->time, least);
}

bool right_least(const instance *me, const time_right *right, unsigned port, nd_time *least)
{
    const unsigned first = run_below(me->run, PLAN_PORTS + 1);
    for (unsigned i = 0; i <= PLAN_PORTS; i++)
        if (input_least(me, right, (first + i) % (PLAN_PORTS + 1), port, least))
            return true;
    return false;
}

bool right_reaches_any(const instance *me, const time_right *right)
{
    nd_time least;
    for (unsigned o = 0; o < plan_n_outlets(me->plan); o++)
        if (right_least(me, right, o, &least))
            return true;
    return false;
}

bool turn_right_for(const vertex_turn *turn, const nd_time *time, time_right *found)
{
    *found = (time_right){*time, 0};
    for (unsigned i = 0; i < turn->n_rights; i++)
        if (nd_time_less_equal(&turn->rights[i].time, time))
            found->inputs |= turn->rights[i].inputs;
    const time_hold *held = turn->me->held.items;
    for (size_t i = 0; i < turn->me->held.len; i++)
        if (nd_time_less_equal(&held[i].right.time, time))
            found->inputs |= held[i].right.inputs;
    return found->inputs != 0;
}

/* --- Requests --- */

static bool is_same_request(const notify_request *a, const notify_request *b)
{
    if (!nd_time_equal(&a->due, &b->due) || a->has_right != b->has_right)
        return false;
    return !a->has_right ||
           (nd_time_equal(&a->right.time, &b->right.time) && a->right.inputs == b->right.inputs);
}

static void add_request(instance *me, const notify_request *wanted)
{
    const notify_request *requests = me->requests.items;
    for (size_t i = 0; i < me->requests.len; i++)
        if (is_same_request(&requests[i], wanted))
            return;
    *(notify_request *)push(&me->requests) = *wanted;
}

bool turn_ask(vertex_turn *turn, const nd_time *due, const nd_time *right_time)
{
    instance *me = turn->me;
    notify_request wanted = {.due = *due, .has_right = right_time != NULL};
    if (me->requests.len == MOST_RIGHTS - 1)
        return false;
    if (right_time != NULL && !turn_right_for(turn, right_time, &wanted.right))
        return false;
    add_request(me, &wanted);
    return true;
}

static void add_passed(instance *me, const nd_time *time)
{
    for (size_t i = me->passed.len; i-- > 0;) {
        nd_time *passed = nd_vector_at(&me->passed, i);
        nd_time gone;
        if (nd_time_less_equal(time, passed))
            return;
        if (nd_time_less_equal(passed, time))
            take_out(&me->passed, i, &gone);
    }
    *(nd_time *)push(&me->passed) = *time;
}

bool turn_notified(vertex_turn *turn, const nd_time *time)
{
    instance *me = turn->me;
    bool was_asked = false;
    add_passed(me, time);
    for (size_t i = me->requests.len; i-- > 0;) {
        const notify_request *waiting = nd_vector_at(&me->requests, i);
        notify_request asked;
        if (!nd_time_equal(&waiting->due, time))
            continue;
        take_out(&me->requests, i, &asked);
        was_asked = true;
        if (asked.has_right)
            turn->rights[turn->n_rights++] = asked.right;
    }
    return was_asked;
}

bool instance_is_past(const instance *me, const nd_time *time)
{
    const nd_time *passed = me->passed.items;
    for (size_t i = 0; i < me->passed.len; i++)
        if (nd_time_less_equal(time, &passed[i]))
            return true;
    return false;
}
