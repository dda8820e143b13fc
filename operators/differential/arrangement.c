/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing: a handle is a reader of the trace that never reads, and so keeps what others may ask. */
#include "operators/differential/arrangement.h"

#include <nereid/memory.h>

struct nd_arrangement {
    nd_index *index;
    nd_trace_reader *reader;
};

static nd_arrangement *mistaken(nd_collection collection, nd_err err, const char *why)
{
    nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(collection.stream)), err,
                        "arrangement: %s", why);
    return NULL;
}

/* All that comes it has accepted: it holds back no merge. */
static nd_err accept_all(nd_trace_reader *reader)
{
    nd_antichain nothing;
    nd_antichain_init(&nothing);
    return nd_trace_reader_set_accepted(reader, &nothing);
}

nd_arrangement *nd_arrangement_create(nd_collection collection)
{
    if (!collection.index)
        return mistaken(collection, ND_INVAL, "the collection is not arranged (nd_arrange)");
    if (collection.index->n_loops != 0 ||
        nd_scope_n_loops(nd_stream_scope(collection.batches)) != 0)
        return mistaken(collection, ND_INVAL, "a collection in a loop cannot be shared");
    nd_arrangement *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return mistaken(collection, ND_NOMEM, nd_err_text(ND_NOMEM));
    made->index = nd_index_retain(collection.index);
    made->reader = nd_trace_reader_create(made->index->trace);
    if (made->reader && accept_all(made->reader) == ND_OK)
        return made;
    nd_arrangement_destroy(made);
    return mistaken(collection, ND_NOMEM, nd_err_text(ND_NOMEM));
}

void nd_arrangement_destroy(nd_arrangement *arrangement)
{
    if (!arrangement)
        return;
    nd_trace_reader_release(arrangement->reader);
    nd_index_release(arrangement->index);
    nd_free(arrangement);
}

void nd_arrangement_advance(nd_arrangement *arrangement, uint64_t epoch)
{
    if (!arrangement)
        return; /* a mistake that the dataflow's start reports */
    nd_antichain since;
    const nd_time time = {.epoch = epoch};
    nd_antichain_init(&since);
    nd_err err = nd_antichain_insert(&since, &time);
    if (err == ND_OK)
        err = nd_trace_reader_set_since(arrangement->reader, &since);
    (void)err; /* without memory more is kept than must be */
    nd_antichain_deinit(&since);
}

nd_publisher *nd_arrangement_publish(nd_arrangement *arrangement)
{
    return arrangement ? nd_index_publish(arrangement->index) : NULL;
}

nd_collection nd_arrangement_import(nd_dataflow *flow, nd_arrangement *arrangement)
{
    if (arrangement) {
        const nd_antichain *const since = nd_trace_reader_since(arrangement->reader);
        return nd_index_import(flow, arrangement->index, nd_antichain_items(since)->epoch);
    }
    nd_dataflow_mistake(flow, ND_INVAL, "import: it needs an arrangement");
    return (nd_collection){.type = NULL};
}
