/* SPDX-License-Identifier: Apache-2.0 */
/* Semijoin and antijoin: the records whose keys are there, or are not, in another collection. A
 * join with the keys, each once; and what that leaves over. */
#include "operators/differential/keys.h"

static void keep_left(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)right;
    memcpy(out, left, len * ((const nd_type *)user)->size);
}

nd_collection nd_semijoin(nd_collection left, nd_collection right)
{
    return nd_join(left, nd_distinct(nd_keys_of(right)), left.type, keep_left,
                   (nd_user){(void *)(uintptr_t)left.type, NULL});
}

nd_collection nd_antijoin(nd_collection left, nd_collection right)
{
    return nd_collection_concat(left, nd_collection_negate(nd_semijoin(left, right)));
}
