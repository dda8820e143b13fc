/* SPDX-License-Identifier: Apache-2.0 */
/* Filter: some of the records. */
#include "operators/differential/linear.h"

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    bool keep[ND_PIECE] = {false};
    const size_t size = self->out.record_size, stamp_size = self->out.stamp_size;
    nd_filter_fn *const fn = (nd_filter_fn *)self->fn;
    fn(nd_vertex_user(vertex), records, len, keep);
    for (size_t i = 0; i < len; i++)
        if (keep[i])
            nd_rows_scatter(&self->out, records + i * size, stamps + i * stamp_size, 1, out);
}

nd_collection nd_collection_filter(nd_collection collection, nd_filter_fn *fn, nd_user user)
{
    return nd_linear_new(collection, &(nd_linear_def){.name = "collection filter",
                                                      .apply = apply,
                                                      .fn = (void (*)(void))fn,
                                                      .user = user});
}
