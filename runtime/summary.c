/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summaries are made of single steps and closed under composition; `room` is what makes composition
 * exact where a step overflows before a later one clears the counter. Pure; any thread.
 */
#include "runtime/summary.h"

#include <assert.h>

nd_summary nd_summary_identity(void) { return (nd_summary){.clears = 0}; }

nd_summary nd_summary_leave(unsigned loop)
{
    assert(loop < ND_MAX_LOOPS);
    return (nd_summary){.clears = (uint8_t)(1U << loop)};
}

nd_summary nd_summary_advance(unsigned loop, uint32_t by)
{
    assert(loop < ND_MAX_LOOPS);
    nd_time add = {.epoch = 0};
    add.loop[loop] = by;
    return nd_summary_add(&add);
}

nd_summary nd_summary_add(const nd_time *by)
{
    nd_summary summary = {.add = *by};
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        summary.room[k] = by->loop[k];
    return summary;
}

bool nd_summary_is_identity(const nd_summary *summary)
{
    return summary->clears == 0 && nd_time_equal(&summary->add, &(nd_time){.epoch = 0});
}

bool nd_summary_adds(const nd_summary *summary, unsigned k)
{
    return k == 0 ? summary->add.epoch != 0 : summary->add.loop[k - 1] != 0;
}

bool nd_summary_clears(const nd_summary *summary, unsigned k)
{
    return k != 0 && (summary->clears >> (k - 1) & 1U) != 0;
}

/* The composition in the counter of one loop; false when the second step overflows whatever the
 * counter was. */
static bool compose_loop(const nd_summary *first, const nd_summary *then, unsigned k,
                         nd_summary *out)
{
    const uint32_t gained = first->add.loop[k];
    if (gained > UINT32_MAX - then->room[k])
        return false;
    const bool starts_again = nd_summary_clears(first, 1 + k);
    out->room[k] = starts_again ? first->room[k] : gained + then->room[k];
    out->add.loop[k] = (nd_summary_clears(then, 1 + k) ? 0 : gained) + then->add.loop[k];
    return true;
}

bool nd_summary_compose(const nd_summary *first, const nd_summary *then, nd_summary *out)
{
    if (first->add.epoch > UINT64_MAX - then->add.epoch)
        return false;
    nd_summary result = {.add.epoch = first->add.epoch + then->add.epoch,
                         .clears = first->clears | then->clears};
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++) {
        if (!compose_loop(first, then, k, &result))
            return false;
    }
    *out = result;
    return true;
}
