/* SPDX-License-Identifier: Apache-2.0 */
/* Flat map: any number of records for each, as often as it, or times a weight. */
#include "operators/differential/difference.h"
#include "operators/differential/linear.h"

void *nd_changes_slot_times(nd_changes *out, size_t i, int64_t weight)
{
    unsigned char *const slot = nd_changes_slot(out, i);
    unsigned char *const place = slot + out->stamp_offset + out->stamp_size - 8;
    int64_t diff;
    memcpy(&diff, place, sizeof diff);
    if (nd_difference_times(diff, weight, &diff) && diff != 0)
        memcpy(place, &diff, sizeof diff);
    else
        out->is_refused = true;
    return slot;
}

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    nd_collection_flat_map_fn *const fn = (nd_collection_flat_map_fn *)self->fn;
    nd_changes changes = {.emit = out,
                          .stamps = stamps,
                          .stamp_size = self->out.stamp_size,
                          .stamp_offset = self->out.stamp_offset};
    fn(nd_vertex_user(vertex), records, len, &changes);
    if (changes.is_refused)
        nd_fail(vertex, "a weight is zero, or a record is there too many times");
}

nd_collection nd_collection_flat_map(nd_collection collection, const nd_type *type,
                                     nd_collection_flat_map_fn *fn, nd_user user)
{
    return nd_linear_new(collection, &(nd_linear_def){.name = "collection flat_map",
                                                      .type = type,
                                                      .apply = apply,
                                                      .fn = (void (*)(void))fn,
                                                      .user = user});
}
