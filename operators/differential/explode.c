/* SPDX-License-Identifier: Apache-2.0 */
/* Explode: another record for each, so many times as a weight says. */
#include "operators/differential/difference.h"
#include "operators/differential/linear.h"

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    int64_t weights[ND_PIECE];
    bool is_right = true;
    const size_t size = self->out.record_size, stamp_size = self->out.stamp_size;
    nd_collection_explode_fn *const fn = (nd_collection_explode_fn *)self->fn;
    fn(nd_vertex_user(vertex), records, len, self->made, weights);
    for (size_t i = 0; i < len; i++) {
        unsigned char *const stamp = self->stamps + i * stamp_size;
        int64_t diff;
        is_right &= nd_difference_times(nd_stamp_diff(&self->out, stamp), weights[i], &diff);
        if (!is_right || diff == 0)
            continue;
        nd_stamp_set_diff(&self->out, stamp, diff);
        nd_rows_scatter(&self->out, self->made + i * size, stamps + i * stamp_size, 1, out);
    }
    if (!is_right)
        nd_collection_fail(vertex, ND_FAILED);
}

nd_collection nd_collection_explode(nd_collection collection, const nd_type *type,
                                    nd_collection_explode_fn *fn, nd_user user)
{
    return nd_linear_new(collection, &(nd_linear_def){.name = "collection explode",
                                                      .type = type,
                                                      .apply = apply,
                                                      .fn = (void (*)(void))fn,
                                                      .user = user});
}
