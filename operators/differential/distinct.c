/* SPDX-License-Identifier: Apache-2.0 */
/* Distinct: each record once. The key is the whole record, and the value nothing. */
#include "operators/differential/reduce.h"

static void once(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    if (len && input[0].count > 0)
        nd_reduce_put(output, input[0].value, 1);
}

nd_collection nd_distinct(nd_collection collection)
{
    return nd_reduce_by(
        collection,
        &(nd_reduce_def){.name = "distinct",
                         .n_key = collection.type ? nd_type_n_fields(collection.type) : 0,
                         .type = collection.type,
                         .choose = once});
}
