/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Concat: batches of several streams, passed on as they come. The streams' types must be one:
 * batches are not copied.
 */
#include <nereid/stream.h>

#include <nereid/memory.h>

#include "operators/timely/operator_internal.h"

/* A stream that is one, if any is: to it a mistake sticks. */
static nd_stream some_stream(const nd_stream *streams, size_t n)
{
    size_t i = 0;
    while (i + 1 < n && streams[i].origin == NULL)
        i++;
    return streams[i];
}

static void check_types(const nd_stream *streams, size_t n)
{
    const nd_type *const first = nd_stream_type(streams[0]);
    for (size_t i = 1; i < n; i++) {
        const nd_type *const other = nd_stream_type(streams[i]);
        if (first != NULL && other != NULL && !nd_type_is_same(first, other))
            nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(streams[0])), ND_INVAL,
                                "concat: stream 0 is of type '%s', stream %zu of type '%s'",
                                first->name, i, other->name);
    }
}

nd_stream nd_concat(const nd_stream *streams, size_t n)
{
    nd_stream out = {NULL};
    if (n == 0) /* of no type, in no dataflow: the mistake shows where the stream is used */
        return out;
    check_types(streams, n);
    nd_scope *const scope = nd_stream_scope(some_stream(streams, n));
    nd_pact *const pacts = nd_alloc(n, sizeof *pacts);
    if (pacts == NULL) {
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_NOMEM, "concat: out of memory");
        return out;
    }
    for (size_t i = 0; i < n; i++)
        pacts[i] = nd_pipeline(streams[i]);
    const nd_type *const type = nd_stream_type(some_stream(streams, n));
    (void)nd_vertex_new_wide(scope, &(nd_vertex_def){.name = "concat", .on_recv = nd_operator_pass},
                             pacts, n, &type, 1, &out);
    nd_free(pacts);
    return out;
}
