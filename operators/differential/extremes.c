/* SPDX-License-Identifier: Apache-2.0 */
/* Min and max: of each key the first record, or the last, that is there. They come in order. */
#include "operators/differential/reduce.h"

static void first(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    size_t i = 0;
    while (i < len && input[i].count <= 0)
        i++;
    if (i < len)
        nd_reduce_put(output, input[i].value, 1);
}

static void last(void *context, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    (void)context;
    while (len > 0 && input[len - 1].count <= 0)
        len--;
    if (len > 0)
        nd_reduce_put(output, input[len - 1].value, 1);
}

static nd_collection choose(nd_collection collection, const char *name, nd_reduce_function fn)
{
    return nd_reduce_by(collection,
                        &(nd_reduce_def){.name = name,
                                         .n_key = collection.type ? collection.type->nkey : 0,
                                         .type = collection.type,
                                         .choose = fn});
}

nd_collection nd_min(nd_collection collection) { return choose(collection, "min", first); }

nd_collection nd_max(nd_collection collection) { return choose(collection, "max", last); }
