/* SPDX-License-Identifier: Apache-2.0 */
/* Enter at: every record comes into the loop in a round of its own. It travels at the first round,
 * which is before all others; its update says which. */
#include "operators/differential/linear.h"

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    uint32_t rounds[ND_PIECE];
    nd_collection_round_fn *const fn = (nd_collection_round_fn *)self->fn;
    unsigned char *const counters = self->stamps + 8 + 4 * (self->out.n_loops - 1);
    fn(nd_vertex_user(vertex), records, len, rounds);
    for (size_t i = 0; i < len; i++)
        memcpy(counters + i * self->out.stamp_size, &rounds[i], sizeof rounds[i]);
    nd_rows_scatter(&self->out, records, stamps, len, out);
}

nd_collection nd_collection_enter_at(nd_scope *loop, nd_collection collection,
                                     nd_collection_round_fn *fn, nd_user user)
{
    return nd_linear_new(
        nd_collection_enter(loop, collection),
        &(nd_linear_def){
            .name = "collection enter_at", .apply = apply, .fn = (void (*)(void))fn, .user = user});
}
