/* SPDX-License-Identifier: Apache-2.0 */
/* Distinct: each record once. The key is the whole record, and the value nothing. */
#include "operators/differential/reduce.h"

static void once(void *user, const void *records, const int64_t *counts, size_t len,
                 nd_reduction *out)
{
    (void)user, (void)records, (void)len;
    if (counts[0] > 0)
        (void)nd_reduction_slot(out, 1);
}

nd_collection nd_distinct(nd_collection collection)
{
    return nd_reduce_by(
        collection,
        &(nd_reduce_def){.name = "distinct",
                         .n_key = collection.type ? nd_type_n_fields(collection.type) : 0,
                         .type = collection.type,
                         .fn = once});
}
