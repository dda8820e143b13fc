/* SPDX-License-Identifier: Apache-2.0 */
/* Negate: every difference with the other sign. */
#include "operators/differential/difference.h"
#include "operators/differential/linear.h"

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    bool is_right = true;
    unsigned char *const own = self->stamps;
    for (size_t i = 0; i < len; i++) {
        unsigned char *const stamp = own + i * self->out.stamp_size;
        int64_t diff;
        is_right &= nd_difference_times(nd_stamp_diff(&self->out, stamp), -1, &diff);
        if (is_right)
            nd_stamp_set_diff(&self->out, stamp, diff);
    }
    if (!is_right)
        nd_collection_fail(vertex, ND_FAILED);
    nd_rows_scatter(&self->out, records, stamps, len, out);
}

nd_collection nd_collection_negate(nd_collection collection)
{
    return nd_linear_new(
        collection,
        &(nd_linear_def){.name = "collection negate", .apply = apply, .is_plain = true});
}
