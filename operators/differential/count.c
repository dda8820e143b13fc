/* SPDX-License-Identifier: Apache-2.0 */
/* Count: how many records each key has. In loops a function of all of them, elsewhere a total. */
#include <nereid/memory.h>

#include "operators/differential/difference.h"
#include "operators/differential/plainly.h"
#include "operators/differential/reduce.h"
#include "operators/differential/totals.h"

static void count(void *user, const void *records, const int64_t *counts, size_t len,
                  nd_reduction *out)
{
    const nd_field *const field = user;
    int64_t sum = 0;
    (void)records;
    bool is_right = true;
    for (size_t i = 0; is_right && i < len; i++)
        is_right = nd_difference_plus(sum, counts[i], &sum);
    if (is_right && sum != 0)
        is_right = nd_totals_write(field, sum, nd_reduction_slot(out, 1));
    if (!is_right)
        nd_reduction_fail(out, ND_FAILED);
}

/* A type that is no right one has been told of. */
static nd_collection reduce(nd_collection collection, const nd_type *type, bool is_plain)
{
    const unsigned n_key = collection.type ? collection.type->nkey : 0;
    nd_field *const field = nd_alloc_zero(1, sizeof *field);
    if (!field)
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(collection.stream)), ND_NOMEM,
                            "count: %s", nd_err_text(ND_NOMEM));
    else if (nd_has_totals(type, n_key, 1))
        *field = type->fields[n_key];
    return nd_reduce_by(collection, &(nd_reduce_def){.name = "count",
                                                     .n_key = n_key,
                                                     .type = type,
                                                     .fn = field ? count : NULL,
                                                     .user = {field, field ? nd_free : NULL},
                                                     .is_plain = is_plain});
}

nd_collection nd_count_plainly(nd_collection collection, const nd_type *type)
{
    return reduce(collection, type, true);
}

nd_collection nd_count(nd_collection collection, const nd_type *type)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    const unsigned n_key = collection.type ? collection.type->nkey : 0;
    const bool is_right = nd_has_totals(type, n_key, 1);
    if (collection.type && !is_right)
        nd_dataflow_mistake(
            nd_scope_dataflow(scope), ND_INVAL,
            "count: its type must have the key of '%s' (whose nkey is %u) and an integer behind it",
            collection.type->name, n_key);
    if (nd_scope_n_loops(scope) > 0 || n_key == 0 || !is_right)
        return reduce(collection, type, false);
    return nd_totals_new(
        collection,
        &(nd_totals_def){.name = "count", .kind = ND_TOTALS_COUNT, .n_key = n_key, .type = type});
}
