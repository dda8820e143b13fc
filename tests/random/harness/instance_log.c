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

bool right_least(const instance *me, const time_right *right, unsigned port, nd_time *least)
{
    *least = right->time;
    return right->input == ANY_INPUT ||
           plan_follow(&me->plan->paths[right->input][port], &right->time, least);
}

/* Adds a right to what was found; false if the two would be told apart. */
static bool agree(const time_right *one, const nd_time *time, time_right *found, bool *any)
{
    if (!nd_time_less_equal(&one->time, time))
        return true;
    if (*any && found->input != one->input)
        return false;
    *any = true;
    *found = (time_right){*time, one->input};
    return true;
}

bool turn_right_for(const vertex_turn *turn, const nd_time *time, time_right *found)
{
    bool any = false;
    for (unsigned i = 0; i < turn->n_rights; i++)
        if (!agree(&turn->rights[i], time, found, &any))
            return false;
    if (any) /* the callback's own come first */
        return true;
    const time_hold *held = turn->me->held.items;
    *found = (time_right){*time, ANY_INPUT};
    for (size_t i = 0; i < turn->me->held.len; i++)
        if (held[i].right.input == ANY_INPUT && nd_time_less_equal(&held[i].right.time, time))
            return true;
    for (size_t i = 0; i < turn->me->held.len; i++)
        if (!agree(&held[i].right, time, found, &any))
            return false;
    return any;
}

bool instance_may_hold(const instance *me, const time_right *wanted)
{
    const time_hold *held = me->held.items;
    for (size_t i = 0; i < me->held.len; i++)
        if (nd_time_equal(&held[i].right.time, &wanted->time) &&
            held[i].right.input != wanted->input)
            return false;
    return true;
}

/* --- Requests --- */

static bool is_same_request(const notify_request *a, const notify_request *b)
{
    if (!nd_time_equal(&a->due, &b->due) || a->has_right != b->has_right)
        return false;
    return !a->has_right ||
           (nd_time_equal(&a->right.time, &b->right.time) && a->right.input == b->right.input);
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
    if (me->requests.len + turn->n_rights + 1 > MOST_RIGHTS)
        return false;
    if (right_time == NULL) {
        add_request(me, &(notify_request){.due = *due});
        return true;
    }
    bool is_allowed = false;
    for (unsigned i = 0; i < turn->n_rights; i++) {
        if (!nd_time_less_equal(&turn->rights[i].time, right_time))
            continue;
        is_allowed = true;
        add_request(me, &(notify_request){*due, {*right_time, turn->rights[i].input}, true});
    }
    time_right by_hold;
    if (is_allowed)
        return true;
    if (!turn_right_for(turn, right_time, &by_hold))
        return false;
    add_request(me, &(notify_request){*due, by_hold, true});
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
