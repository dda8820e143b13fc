/* SPDX-License-Identifier: Apache-2.0 */
/* Min and max: of each key the first record, or the last, that is there. They come in order. */
#include <string.h>

#include "operators/differential/reduce.h"

static void put(nd_reduction *out, const void *records, size_t i)
{
    const size_t size = nd_reduction_record_size(out);
    memcpy(nd_reduction_slot(out, 1), (const unsigned char *)records + i * size, size);
}

static void first(void *user, const void *records, const int64_t *counts, size_t len,
                  nd_reduction *out)
{
    (void)user;
    size_t i = 0;
    while (i < len && counts[i] <= 0)
        i++;
    if (i < len)
        put(out, records, i);
}

static void last(void *user, const void *records, const int64_t *counts, size_t len,
                 nd_reduction *out)
{
    (void)user;
    while (len > 0 && counts[len - 1] <= 0)
        len--;
    if (len > 0)
        put(out, records, len - 1);
}

static nd_collection choose(nd_collection collection, const char *name, nd_reduce_fn *fn)
{
    return nd_reduce_by(collection,
                        &(nd_reduce_def){.name = name,
                                         .n_key = collection.type ? collection.type->nkey : 0,
                                         .type = collection.type,
                                         .fn = fn});
}

nd_collection nd_min(nd_collection collection) { return choose(collection, "min", first); }

nd_collection nd_max(nd_collection collection) { return choose(collection, "max", last); }
