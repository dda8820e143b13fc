/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ALARM_H
#define TRANSPORT_ALARM_H

/** @file
 * How a thread sleeps in its loop until there is work, and how whoever has some wakes it, at the
 * price of an exchange while it is awake.
 *
 * Who sleeps sets the alarm, looks for work once more, sleeps, and stops the alarm. Who has work
 * hands it over, then rings. Both exchange the flag, so one comes before the other: if the
 * sleeper's does, the other finds it set and wakes; if the other's does, the sleeper's reads what
 * it wrote, and so sees what was handed over before.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include <nereid/error.h>

#include "runtime/base/cache_line.h"

typedef struct nd_alarm {
    uv_async_t bell;
    char apart[ND_CACHE_LINE]; /* keeps what everybody writes away from what the sleeper does */
    _Atomic bool is_set;       /* by the sleeper; cleared by whoever wakes it */
    char behind[ND_CACHE_LINE];
} nd_alarm;

static inline void nd_alarm_rings(uv_async_t *bell) { (void)bell; /* it only ends the sleep */ }

/** Takes a handle of the sleeper's loop, and closes with that. Errors: ND_NOMEM. */
ND_CHECKED static inline nd_err nd_alarm_init(nd_alarm *alarm, uv_loop_t *loop)
{
    atomic_init(&alarm->is_set, false);
    return uv_async_init(loop, &alarm->bell, nd_alarm_rings) == 0 ? ND_OK : ND_NOMEM;
}

/** Before sleeping. What was handed over by who rang before is seen after it. */
static inline void nd_alarm_set(nd_alarm *alarm)
{
    atomic_exchange_explicit(&alarm->is_set, true, memory_order_acq_rel); /* see above */
}

/** After sleeping, or instead. */
static inline void nd_alarm_stop(nd_alarm *alarm)
{
    atomic_exchange_explicit(&alarm->is_set, false, memory_order_acq_rel); /* likewise */
}

/** After handing work over. Any thread. */
static inline void nd_alarm_ring(nd_alarm *alarm)
{
    if (atomic_exchange_explicit(&alarm->is_set, false, memory_order_acq_rel)) /* likewise */
        uv_async_send(&alarm->bell);
}

#endif
