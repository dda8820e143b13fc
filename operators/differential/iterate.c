/* SPDX-License-Identifier: Apache-2.0 */
/* Iterate: a collection that is its own image.
 *
 *     V = X + delayed(body(V) - X)        so V is X in the first round, and body(V) of the round
 *                                         before in all others
 *
 * What goes round is consolidated, or differences that cancel would go round for ever. It comes
 * later by one round, which is written into each row before the feedback adds one to the batch's
 * time. When nothing changes any more nothing is sent, and the loop is done. */
#include "operators/differential/linear.h"

/* A row of the last round that can be counted goes no further. */
static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    (void)vertex, (void)stamps;
    const size_t size = self->out.record_size, stamp_size = self->out.stamp_size;
    const size_t place = 8 + 4 * (self->out.n_loops - 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char *const stamp = self->stamps + i * stamp_size;
        uint32_t counter;
        memcpy(&counter, stamp + place, sizeof counter);
        if (counter++ == UINT32_MAX)
            continue;
        memcpy(stamp + place, &counter, sizeof counter);
        nd_rows_scatter(&self->out, records + i * size, stamp, 1, out);
    }
}

static nd_collection delay(nd_collection collection)
{
    return nd_linear_new(collection,
                         &(nd_linear_def){.name = "next round", .apply = apply, .is_plain = true});
}

static nd_collection add(nd_collection a, nd_collection b)
{
    const nd_collection both[] = {a, b};
    return nd_collection_concat(both, 2);
}

nd_collection nd_iterate(nd_collection collection, nd_iterate_fn *body, void *arg)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_feedback *back = NULL;
    nd_scope *const loop = nd_loop_new(scope, "iterate");
    const nd_row row = nd_row_make(loop, collection.type);
    const nd_collection start = nd_collection_enter(loop, collection);
    const nd_collection again = {.stream = nd_feedback_new(loop, row.type, &back),
                                 .type = collection.type,
                                 .n_loops = nd_scope_n_loops(loop)};
    if (!body) {
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_INVAL, "iterate: it needs a function");
        return again;
    }
    const nd_collection image = body(loop, add(start, again), arg);
    const nd_collection change = nd_consolidate(add(image, nd_collection_negate(start)));
    nd_feedback_connect(back, delay(change).stream);
    return nd_collection_leave(image);
}
