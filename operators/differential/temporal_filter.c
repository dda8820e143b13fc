/* SPDX-License-Identifier: Apache-2.0 */
/* Temporal filter: each record from one epoch on and up to another. An update becomes two: its
 * difference when the record begins to be there, and the opposite when it ends, each not before the
 * update itself. Both travel at once, and whoever keeps updates waits for their times. So nothing
 * is kept here. */
#include "operators/differential/difference.h"
#include "operators/differential/linear.h"

static void write_at(const nd_linear *self, const unsigned char *record, const unsigned char *stamp,
                     uint64_t epoch, int64_t diff, nd_emit *out)
{
    unsigned char own[ND_STAMP_MOST];
    memcpy(own, stamp, self->out.stamp_size);
    memcpy(own, &epoch, sizeof epoch);
    nd_stamp_set_diff(&self->out, own, diff);
    nd_rows_scatter(&self->out, record, own, 1, out);
}

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    uint64_t from[ND_PIECE], to[ND_PIECE];
    nd_collection_epochs_fn *const fn = (nd_collection_epochs_fn *)self->fn;
    fn(nd_vertex_user(vertex), records, len, from, to);
    for (size_t i = 0; i < len; i++) {
        const unsigned char *const record = records + i * self->out.record_size,
                                   *const stamp = stamps + i * self->out.stamp_size;
        uint64_t now;
        memcpy(&now, stamp, sizeof now);
        const uint64_t begin = now < from[i] ? from[i] : now;
        const int64_t diff = nd_stamp_diff(&self->out, stamp);
        int64_t opposite;
        if (to[i] != UINT64_MAX && begin >= to[i])
            continue;
        if (!nd_difference_times(diff, -1, &opposite)) {
            nd_collection_fail(vertex, ND_FAILED);
            return;
        }
        write_at(self, record, stamp, begin, diff, out);
        if (to[i] != UINT64_MAX)
            write_at(self, record, stamp, to[i], opposite, out);
    }
}

nd_collection nd_temporal_filter(nd_collection collection, nd_collection_epochs_fn *fn,
                                 nd_user user)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    if (nd_scope_n_loops(scope) != 0)
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_INVAL,
                            "temporal filter: it stands outside of all loops");
    return nd_linear_new(collection, &(nd_linear_def){.name = "temporal filter",
                                                      .apply = apply,
                                                      .fn = (void (*)(void))fn,
                                                      .user = user});
}
