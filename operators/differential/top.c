/* SPDX-License-Identifier: Apache-2.0 */
/* Top: the first or the last few records of each key. They come in order. */
#include <string.h>

#include "operators/differential/reduce.h"

/* Takes record `i` as often as it is there and there is room. */
static int64_t take(nd_reduction *out, const void *records, const int64_t *counts, size_t i,
                    int64_t room)
{
    const size_t size = nd_reduction_record_size(out);
    const int64_t n = counts[i] < room ? counts[i] : room;
    if (n <= 0)
        return 0;
    memcpy(nd_reduction_slot(out, n), (const unsigned char *)records + i * size, size);
    return n;
}

static void take_first(void *user, const void *records, const int64_t *counts, size_t len,
                       nd_reduction *out)
{
    int64_t room = (int64_t)(intptr_t)user;
    for (size_t i = 0; i < len && room > 0; i++)
        room -= take(out, records, counts, i, room);
}

static void take_last(void *user, const void *records, const int64_t *counts, size_t len,
                      nd_reduction *out)
{
    int64_t room = (int64_t)(intptr_t)user;
    for (size_t i = len; i > 0 && room > 0; i--)
        room -= take(out, records, counts, i - 1, room);
}

static nd_collection choose(nd_collection collection, uint32_t n, const char *name,
                            nd_reduce_fn *fn)
{
    return nd_reduce_by(collection,
                        &(nd_reduce_def){.name = name,
                                         .n_key = collection.type ? collection.type->nkey : 0,
                                         .type = collection.type,
                                         .fn = fn,
                                         .user = {(void *)(intptr_t)n, NULL}});
}

nd_collection nd_least(nd_collection collection, uint32_t n)
{
    return choose(collection, n, "least", take_first);
}

nd_collection nd_greatest(nd_collection collection, uint32_t n)
{
    return choose(collection, n, "greatest", take_last);
}
