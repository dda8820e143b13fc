/* SPDX-License-Identifier: Apache-2.0 */
/* Map: another record for each. */
#include "operators/differential/linear.h"

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    nd_collection_map_fn *const fn = (nd_collection_map_fn *)self->fn;
    fn(nd_vertex_user(vertex), records, len, self->made);
    nd_rows_scatter(&self->out, self->made, stamps, len, out);
}

nd_collection nd_collection_map(nd_collection collection, const nd_type *type,
                                nd_collection_map_fn *fn, nd_user user)
{
    return nd_linear_new(collection, &(nd_linear_def){.name = "collection map",
                                                      .type = type,
                                                      .apply = apply,
                                                      .fn = (void (*)(void))fn,
                                                      .user = user});
}
