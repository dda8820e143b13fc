/* SPDX-License-Identifier: Apache-2.0 */
/* Concat: what is in each, added up. Rows that were written in scopes of other depths, and now do
 * not lie alike, are written again first. */
#include <nereid/memory.h>

#include "operators/differential/linear.h"

static void apply(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                  const unsigned char *stamps, size_t len, nd_emit *out)
{
    (void)vertex;
    nd_rows_scatter(&self->out, records, stamps, len, out);
}

static nd_collection rewrite(nd_collection collection)
{
    return nd_linear_new(
        collection,
        &(nd_linear_def){.name = "collection rewrite", .apply = apply, .is_plain = true});
}

static bool is_written_here(const nd_collection *collection, const nd_row *row)
{
    const nd_row own = nd_row_of(*collection);
    return own.type && row->type && nd_type_is_same(own.type, row->type) &&
           own.n_loops == row->n_loops;
}

static void check_scopes(const nd_collection *collections, size_t n, nd_dataflow *flow)
{
    const nd_scope *const scope = nd_stream_scope(collections[0].stream);
    for (size_t i = 1; i < n; i++) {
        const nd_scope *const other = nd_stream_scope(collections[i].stream);
        if (scope && other && scope != other)
            nd_dataflow_mistake(flow, ND_INVAL,
                                "collection concat: collections 0 and %zu stand in different "
                                "loops: bring one to the other (nd_collection_enter, "
                                "nd_collection_leave)",
                                i);
    }
}

/* Their streams, of rows alike; NULL after a mistake. */
static nd_stream *align(const nd_collection *collections, size_t n, const nd_row *row,
                        nd_dataflow *flow)
{
    nd_stream *const streams = nd_alloc(n, sizeof *streams);
    if (!streams)
        nd_dataflow_mistake(flow, ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
    for (size_t i = 0; streams && i < n; i++) {
        nd_collection one = collections[i];
        one.type = collections[0].type; /* or it is none of those */
        streams[i] = is_written_here(&one, row) ? one.stream : rewrite(one).stream;
    }
    return streams;
}

nd_collection nd_collection_concat_many(const nd_collection *collections, size_t n)
{
    nd_collection made = {.type = NULL};
    if (n == 0)
        return made;
    nd_scope *const scope = nd_stream_scope(collections[0].stream);
    const nd_row row = nd_row_make(scope, collections[0].type);
    check_scopes(collections, n, nd_scope_dataflow(scope));
    nd_stream *const streams = align(collections, n, &row, nd_scope_dataflow(scope));
    made = (nd_collection){.type = collections[0].type, .n_loops = row.n_loops};
    if (streams)
        made.stream = nd_concat(streams, n);
    nd_free(streams);
    return made;
}

nd_collection nd_collection_concat(nd_collection a, nd_collection b)
{
    const nd_collection both[] = {a, b};
    return nd_collection_concat_many(both, 2);
}
