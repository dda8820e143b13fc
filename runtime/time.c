/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order and the lattice of times. Pure; any thread.
 */
#include <nereid/time.h>

#include <inttypes.h>
#include <stdio.h>

/* Two neighbouring loop counters as one number that orders as the pair does. */
static uint64_t pair(const nd_time *time, unsigned k)
{
    return (uint64_t)time->loop[k] << 32 | time->loop[k + 1];
}

static int order(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

int nd_time_compare(const nd_time *a, const nd_time *b)
{
    _Static_assert(ND_MAX_LOOPS == 4, "two pairs of counters");
    if (a->epoch != b->epoch)
        return order(a->epoch, b->epoch);
    if (pair(a, 0) != pair(b, 0))
        return order(pair(a, 0), pair(b, 0));
    return order(pair(a, 2), pair(b, 2));
}

nd_time nd_time_join(const nd_time *a, const nd_time *b)
{
    nd_time join = {.epoch = a->epoch > b->epoch ? a->epoch : b->epoch};
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        join.loop[k] = a->loop[k] > b->loop[k] ? a->loop[k] : b->loop[k];
    return join;
}

nd_time nd_time_meet(const nd_time *a, const nd_time *b)
{
    nd_time meet = {.epoch = a->epoch < b->epoch ? a->epoch : b->epoch};
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        meet.loop[k] = a->loop[k] < b->loop[k] ? a->loop[k] : b->loop[k];
    return meet;
}

/* An epoch of 20 digits, a comma, a space and 10 digits for each loop, parentheses and the end. */
_Static_assert(ND_TIME_TEXT_SIZE >= 20 + ND_MAX_LOOPS * 12 + 3, "the longest time fits");

char *nd_time_text(const nd_time *time, unsigned n_loops, char *text)
{
    const size_t size = ND_TIME_TEXT_SIZE;
    size_t len = (size_t)snprintf(text, size, "(%" PRIu64, time->epoch);
    for (unsigned k = 0; k < n_loops && k < ND_MAX_LOOPS; k++)
        len += (size_t)snprintf(text + len, size - len, ", %" PRIu32, time->loop[k]);
    snprintf(text + len, size - len, ")");
    return text;
}
