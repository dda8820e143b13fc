/* SPDX-License-Identifier: Apache-2.0 */
/* Min and max: of each key the first record, or the last, that is there. They come in order. */
#include "operators/differential/plainly.h"
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

static nd_collection choose(nd_collection collection, nd_reduce_def def)
{
    def.n_key = collection.type ? collection.type->nkey : 0;
    def.type = collection.type;
    return nd_reduce_by(collection, &def);
}

nd_collection nd_min(nd_collection collection)
{
    return choose(collection, (nd_reduce_def){.name = "min", .choose = first});
}

nd_collection nd_max(nd_collection collection)
{
    return choose(collection, (nd_reduce_def){.name = "max", .choose = last});
}

nd_collection nd_min_plainly(nd_collection collection)
{
    return choose(collection, (nd_reduce_def){.name = "min", .choose = first, .is_plain = true});
}

nd_collection nd_max_plainly(nd_collection collection)
{
    return choose(collection, (nd_reduce_def){.name = "max", .choose = last, .is_plain = true});
}
