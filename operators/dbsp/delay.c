/* SPDX-License-Identifier: Apache-2.0 */
/* Delay: every update an epoch later. Rows say their own time, so what travels stays where it is.
 */
#include <nereid/dbsp.h>

#include "operators/differential/linear.h"

/* A row of the last epoch that can be counted goes no further. */
static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    (void)vertex;
    const size_t size = self->out.record_size, stamp_size = self->out.stamp_size;
    for (size_t i = 0; i < len; i++) {
        unsigned char *const stamp = self->stamps + i * stamp_size;
        uint64_t epoch;
        memcpy(&epoch, stamp, sizeof epoch);
        if (epoch++ == UINT64_MAX)
            continue;
        memcpy(stamp, &epoch, sizeof epoch);
        nd_rows_scatter(&self->out, records + i * size, stamps + i * stamp_size, 1, out);
    }
}

nd_collection nd_dbsp_delay(nd_collection stream)
{
    nd_scope *const scope = nd_stream_scope(stream.stream);
    if (nd_scope_n_loops(scope) != 0)
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_INVAL,
                            "delay: it stands outside of all loops");
    return nd_linear_new(stream,
                         &(nd_linear_def){.name = "delay", .apply = apply, .is_plain = true});
}

nd_collection nd_dbsp_differentiate(nd_collection stream)
{
    return nd_collection_concat(stream, nd_collection_negate(nd_dbsp_delay(stream)));
}
