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
