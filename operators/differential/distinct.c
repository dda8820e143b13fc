/* SPDX-License-Identifier: Apache-2.0 */
/* Distinct: each record once. The key is the whole record, and the value nothing. In loops a choice
 * among the one value, elsewhere a total, unless the collection is arranged so already. */
#include "operators/differential/index.h"
#include "operators/differential/plainly.h"
#include "operators/differential/reduce.h"
#include "operators/differential/totals.h"

static void once(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    if (len && input[0].count > 0)
        nd_reduce_put(output, input[0].value, 1);
}

static nd_collection reduce(nd_collection collection, unsigned n_key, bool is_plain)
{
    return nd_reduce_by(collection, &(nd_reduce_def){.name = "distinct",
                                                     .n_key = n_key,
                                                     .type = collection.type,
                                                     .choose = once,
                                                     .is_plain = is_plain});
}

static unsigned count_fields(nd_collection collection)
{
    return collection.type ? nd_type_n_fields(collection.type) : 0;
}

nd_collection nd_distinct_plainly(nd_collection collection)
{
    return reduce(collection, count_fields(collection), true);
}

nd_collection nd_distinct(nd_collection collection)
{
    const unsigned n_key = count_fields(collection);
    const bool is_arranged = collection.index && collection.index->key.n_fields == n_key;
    if (nd_scope_n_loops(nd_stream_scope(collection.stream)) > 0 || n_key == 0 || is_arranged)
        return reduce(collection, n_key, false);
    return nd_totals_new(collection, &(nd_totals_def){.name = "distinct",
                                                      .kind = ND_TOTALS_PRESENCE,
                                                      .n_key = n_key,
                                                      .type = collection.type});
}
