/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting and relieving. A worker that waits sets the flag, then reads the count; one that settles
 * changes the count, then reads the flag. All four are sequentially consistent, so one of the two
 * sees what the other wrote. */
#include "runtime/budget.h"

static bool is_relieved(const nd_budget *budget, int64_t in_flight)
{
    return in_flight <= budget->limit / 2;
}

void nd_budget_add(nd_budget *budget, int64_t bytes)
{
    const int64_t now = atomic_fetch_add(&budget->in_flight, bytes) + bytes;
    if (bytes < 0 && is_relieved(budget, now) && atomic_exchange(&budget->is_waited_for, false))
        budget->relieve(budget->context);
}

void nd_budget_settle(nd_budget_share *share)
{
    const int64_t delta = share->delta;
    share->delta = 0;
    if (share->budget && delta)
        nd_budget_add(share->budget, delta);
}

bool nd_budget_is_spent(const nd_budget_share *share)
{
    return share->budget && atomic_load_explicit(&share->budget->in_flight, memory_order_relaxed) >
                                share->budget->limit;
}

bool nd_budget_wait(nd_budget_share *share)
{
    nd_budget_settle(share);
    atomic_store(&share->budget->is_waited_for, true);
    return is_relieved(share->budget, atomic_load(&share->budget->in_flight));
}
