/* SPDX-License-Identifier: Apache-2.0 */
/* Variables, and iterate: a collection that is its own image.
 *
 *     V = X + delayed(image of V - X)     so V is X in the first round, and the image of V of the
 *                                         round before in all others
 *
 * What goes round is consolidated, or differences that cancel would go round for ever. It comes
 * later by one round, which is written into each row before the feedback adds one to the batch's
 * time. When nothing changes any more nothing is sent, and the loop is done. */
#include <nereid/memory.h>

#include "operators/differential/linear.h"

typedef struct limit {
    const char *loop;
    uint32_t n_rounds; /* zero: as many as it takes */
    bool fails;
} limit;

/* In the root scope an epoch is a round. */
static uint64_t round_of(const nd_linear *self, const unsigned char *stamp)
{
    uint64_t epoch;
    uint32_t counter;
    memcpy(&epoch, stamp, sizeof epoch);
    if (self->out.n_loops == 0)
        return epoch;
    memcpy(&counter, stamp + 8 + 4 * (self->out.n_loops - 1), sizeof counter);
    return counter;
}

/* To the next round; false if there is none that can be counted. */
static bool count_on(const nd_linear *self, unsigned char *stamp)
{
    const uint64_t next = round_of(self, stamp) + 1;
    const uint32_t counter = (uint32_t)next;
    if (self->out.n_loops == 0)
        memcpy(stamp, &next, sizeof next);
    else
        memcpy(stamp + 8 + 4 * (self->out.n_loops - 1), &counter, sizeof counter);
    return self->out.n_loops == 0 ? next != 0 : counter != 0;
}

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    const limit *const most = nd_vertex_user(vertex);
    const bool is_limited = most && most->n_rounds;
    const size_t size = self->out.record_size, stamp_size = self->out.stamp_size;
    for (size_t i = 0; i < len; i++) {
        unsigned char *const stamp = self->stamps + i * stamp_size;
        if (is_limited && round_of(self, stamp) >= most->n_rounds - 1) {
            if (most->fails)
                nd_fail(vertex, "'%s' is still changing after %u rounds, its limit", most->loop,
                        most->n_rounds);
        } else if (count_on(self, stamp)) {
            nd_rows_scatter(&self->out, records + i * size, stamps + i * stamp_size, 1, out);
        }
    }
}

static nd_collection delay(nd_collection collection, uint32_t n_rounds, bool fails)
{
    const nd_scope *const loop = nd_stream_scope(collection.stream);
    limit *const most = nd_alloc(1, sizeof *most);
    if (most)
        *most = (limit){nd_scope_name(loop), n_rounds, fails};
    else
        nd_dataflow_mistake(nd_scope_dataflow(loop), ND_NOMEM, "next round: %s",
                            nd_err_text(ND_NOMEM));
    return nd_linear_new(collection, &(nd_linear_def){.name = "next round",
                                                      .apply = apply,
                                                      .is_plain = true,
                                                      .user = {most, most ? nd_free : NULL}});
}

/* --- Variables --- */

nd_collection nd_variable_new(nd_scope *loop, const nd_type *type, nd_variable *variable)
{
    *variable = (nd_variable){.back = NULL};
    const nd_row row = nd_row_make(loop, type);
    return (nd_collection){.stream = nd_feedback_new(loop, row.type, &variable->back),
                           .type = type,
                           .n_loops = nd_scope_n_loops(loop)};
}

nd_collection nd_variable_from(nd_collection start, nd_variable *variable)
{
    const nd_collection again =
        nd_variable_new(nd_stream_scope(start.stream), start.type, variable);
    variable->start = start;
    variable->has_start = true;
    return nd_collection_concat(start, again);
}

void nd_variable_limit(nd_variable *variable, uint32_t n_rounds, nd_at_limit what)
{
    variable->n_rounds = n_rounds;
    variable->fails = what == ND_AT_LIMIT_FAIL;
}

void nd_variable_set(nd_variable *variable, nd_collection image)
{
    if (variable->has_start)
        image = nd_collection_concat(image, nd_collection_negate(variable->start));
    const nd_collection change = nd_consolidate(image);
    nd_feedback_connect(variable->back, delay(change, variable->n_rounds, variable->fails).stream);
}

/* --- Iterating --- */

nd_collection nd_iterate_at_most(nd_collection collection, nd_iterate_fn *body, void *arg,
                                 uint32_t n_rounds, nd_at_limit what)
{
    nd_variable variable;
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_scope *const loop = nd_loop_new(scope, "iterate");
    const nd_collection start = nd_variable_from(nd_collection_enter(loop, collection), &variable);
    if (!body) {
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_INVAL, "iterate: it needs a function");
        return collection;
    }
    const nd_collection image = body(loop, start, arg);
    nd_variable_limit(&variable, n_rounds, what);
    nd_variable_set(&variable, image);
    return nd_collection_leave(image);
}

nd_collection nd_iterate(nd_collection collection, nd_iterate_fn *body, void *arg)
{
    return nd_iterate_at_most(collection, body, arg, 0, ND_AT_LIMIT_FAIL);
}
