/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/own_trace.h"

#include "operators/differential/linear.h"

enum { IDLE_FUEL = 1 << 12 /* updates merged in an idle moment */ };

nd_err nd_own_trace_init(nd_own_trace *own, const nd_trace_shape *shape)
{
    nd_vector_init(&own->views, sizeof(nd_trace_view));
    nd_vector_init(&own->seekers, sizeof(nd_trace_seeker));
    nd_antichain_init(&own->lower);
    nd_trace_builder_init(&own->builder, shape);
    own->trace = nd_trace_create(shape);
    own->reader = own->trace ? nd_trace_reader_create(own->trace) : NULL;
    if (!own->reader)
        return ND_NOMEM;
    return nd_antichain_insert(&own->lower, &(nd_time){.epoch = 0});
}

void nd_own_trace_deinit(nd_own_trace *own)
{
    nd_own_trace_close(own);
    nd_vector_deinit(&own->views);
    nd_vector_deinit(&own->seekers);
    nd_antichain_deinit(&own->lower);
    nd_trace_builder_deinit(&own->builder);
    nd_trace_reader_release(own->reader);
    nd_trace_release(own->trace);
}

nd_err nd_own_trace_open(nd_own_trace *own)
{
    nd_own_trace_close(own);
    ND_TRY(nd_trace_views(own->trace, NULL, &own->views));
    ND_TRY(nd_vector_reserve(&own->seekers, own->views.len));
    for (size_t i = 0; i < own->views.len; i++)
        nd_trace_seeker_init(nd_vector_push(&own->seekers), nd_vector_at(&own->views, i));
    return ND_OK;
}

void nd_own_trace_close(nd_own_trace *own)
{
    nd_vector_clear(&own->seekers);
    while (own->views.len)
        nd_trace_view_release(nd_vector_pop(&own->views));
}

nd_err nd_own_trace_seal(nd_own_trace *own, const nd_antichain *upper, nd_trace_batch **batch)
{
    nd_trace_batch *made;
    if (batch)
        *batch = NULL;
    if (own->builder.n_values == 0)
        return ND_OK;
    ND_TRY(nd_trace_builder_seal(&own->builder, &own->lower, upper, NULL, &made));
    if (batch)
        *batch = nd_trace_batch_retain(made);
    ND_TRY(nd_trace_insert(own->trace, made));
    return nd_antichain_set(&own->lower, nd_antichain_items(upper), upper->len);
}

nd_err nd_own_trace_advance(nd_own_trace *own, const nd_antichain *frontier)
{
    ND_TRY(nd_trace_set_upper(own->trace, frontier));
    ND_TRY(nd_trace_reader_set_since(own->reader, frontier));
    return nd_trace_reader_set_accepted(own->reader, frontier);
}

void nd_idle_merge(nd_vertex *vertex, nd_trace *trace)
{
    bool has_more;
    const nd_err err = nd_trace_exert(trace, IDLE_FUEL, &has_more);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    else if (has_more)
        nd_vertex_when_idle(vertex);
}
