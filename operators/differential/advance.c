/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/advance.h"

nd_time nd_time_advance(const nd_time *time, const nd_antichain *since)
{
    const nd_time *const items = nd_antichain_items(since);
    if (since->len == 0)
        return *time;
    nd_time advanced = nd_time_join(time, &items[0]);
    for (size_t i = 1; i < since->len; i++) {
        const nd_time joined = nd_time_join(time, &items[i]);
        advanced = nd_time_meet(&advanced, &joined);
    }
    return advanced;
}

static nd_err add_joins(nd_antichain *joined, const nd_antichain *frontier, const nd_time *time)
{
    for (size_t i = 0; i < frontier->len; i++) {
        const nd_time both = nd_time_join(&nd_antichain_items(frontier)[i], time);
        ND_TRY(nd_antichain_insert(joined, &both));
    }
    return ND_OK;
}

nd_err nd_frontier_join(nd_antichain *frontier, const nd_time *times, size_t len)
{
    nd_antichain joined;
    nd_err err = ND_OK;
    nd_antichain_init(&joined);
    for (size_t i = 0; err == ND_OK && i < len; i++)
        err = add_joins(&joined, frontier, &times[i]);
    if (err != ND_OK) {
        nd_antichain_deinit(&joined);
        return err;
    }
    nd_antichain_deinit(frontier);
    *frontier = joined;
    return ND_OK;
}
