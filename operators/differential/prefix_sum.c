/* SPDX-License-Identifier: Apache-2.0 */
/* Prefix sums: of each key's records, which come in order, the sum up to each. A change moves all
 * sums behind it, so going through the key again costs hardly more than saying what has changed. */
#include <string.h>

#include "operators/differential/difference.h"
#include "operators/differential/reduce.h"

static int64_t amount_of(const unsigned char *record, size_t size)
{
    int64_t amount;
    memcpy(&amount, record + size - sizeof amount, sizeof amount);
    return amount;
}

static void add_up(void *user, const void *records, const int64_t *counts, size_t len,
                   nd_reduction *out)
{
    (void)user;
    int64_t sum = 0;
    const size_t size = nd_reduction_record_size(out);
    for (size_t i = 0; i < len; i++) {
        const unsigned char *const record = (const unsigned char *)records + i * size;
        int64_t product;
        if (!nd_difference_times(amount_of(record, size), counts[i], &product) ||
            !nd_difference_plus(sum, product, &sum)) {
            nd_reduction_fail(out, ND_FAILED);
            return;
        }
        if (counts[i] <= 0)
            continue;
        unsigned char *const slot = nd_reduction_slot(out, 1);
        memcpy(slot, record, size);
        memcpy(slot + size - sizeof sum, &sum, sizeof sum);
    }
}

nd_collection nd_prefix_sum(nd_collection collection)
{
    const nd_type *const type = collection.type;
    const unsigned n = type ? nd_type_n_fields(type) : 0;
    if (type && (n <= type->nkey || type->fields[n - 1].kind != ND_KIND_SIGNED ||
                 type->fields[n - 1].size != sizeof(int64_t)))
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(collection.stream)), ND_INVAL,
                            "prefix sum: the last field of '%s' must be an int64_t, and not of "
                            "the key",
                            type->name);
    return nd_reduce_by(collection, &(nd_reduce_def){.name = "prefix sum",
                                                     .n_key = type ? type->nkey : 0,
                                                     .type = type,
                                                     .fn = add_up});
}
