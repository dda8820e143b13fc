/* SPDX-License-Identifier: Apache-2.0 */
/* Count: how many records each key has. */
#include <string.h>

#include "operators/differential/difference.h"
#include "operators/differential/reduce.h"

static void count(void *user, const void *records, const int64_t *counts, size_t len,
                  nd_reduction *out)
{
    (void)user, (void)records;
    int64_t sum = 0;
    bool is_right = true;
    for (size_t i = 0; is_right && i < len; i++)
        is_right = nd_difference_plus(sum, counts[i], &sum);
    if (!is_right)
        nd_reduction_fail(out, ND_FAILED);
    else if (sum != 0)
        memcpy((unsigned char *)nd_reduction_slot(out, 1) + nd_reduction_record_size(out) -
                   sizeof sum,
               &sum, sizeof sum);
}

/* Whether the only field behind the key is an int64_t. */
static bool is_tally(const nd_type *type, unsigned n_key)
{
    return type && nd_type_n_fields(type) == n_key + 1 &&
           type->fields[n_key].kind == ND_KIND_SIGNED && type->fields[n_key].size == 8;
}

nd_collection nd_count(nd_collection collection, const nd_type *type)
{
    const unsigned n_key = collection.type ? collection.type->nkey : 0;
    if (collection.type && !is_tally(type, n_key))
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(collection.stream)), ND_INVAL,
                            "count: its type must have the key and an int64_t");
    return nd_reduce_by(
        collection, &(nd_reduce_def){.name = "count", .n_key = n_key, .type = type, .fn = count});
}
