/* SPDX-License-Identifier: Apache-2.0 */
/* Types made at run time: one copy of each, which the worker keeps as long as there may be batches
 * of it, wherever they are. */
#include <nereid/dataflow.h>
#include <nereid/memory.h>

#include "runtime/graph_internal.h"

static const nd_type *find(const nd_vector *types, const nd_type *type)
{
    for (size_t i = 0; i < types->len; i++) {
        const nd_type *const kept = *(nd_type **)nd_vector_at(types, i);
        if (nd_type_is_same(kept, type))
            return kept;
    }
    return NULL;
}

static const nd_type *keep(nd_vector *types, const nd_type *type)
{
    nd_type *const copy = nd_alloc(1, sizeof *copy);
    nd_type **const place = copy ? nd_vector_push(types) : NULL;
    if (!place) {
        nd_free(copy);
        return NULL;
    }
    *copy = *type;
    *place = copy;
    return copy;
}

const nd_type *nd_type_keep(nd_dataflow *flow, const nd_type *type)
{
    nd_message message;
    if (!flow)
        return NULL;
    const nd_err err = nd_type_check(type, &message);
    if (err != ND_OK) {
        nd_dataflow_mistake(flow, err, "%s", message.text);
        return NULL;
    }
    nd_vector *const types = &flow->host->types;
    const nd_type *kept = find(types, type);
    if (!kept)
        kept = keep(types, type);
    if (!kept)
        nd_dataflow_mistake(flow, ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
    return kept;
}
