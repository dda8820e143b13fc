/* SPDX-License-Identifier: Apache-2.0 */
/* Outer join: the pairs of a join, and what has no partner by itself. */
#include "operators/differential/keys.h"

static nd_collection alone(nd_collection of, nd_collection others, const nd_type *type,
                           nd_collection_map_fn *fn, void *user)
{
    return nd_collection_map(nd_antijoin(of, others), type, fn, (nd_user){user, NULL});
}

nd_collection nd_outer_join(nd_collection left, nd_collection right, const nd_type *type,
                            const nd_outer_join_def *def)
{
    nd_collection all[3];
    size_t n = 1;
    left = nd_arrange(left);
    right = nd_arrange(right);
    all[0] = nd_join(left, right, type, def->both, def->user);
    if (def->left_alone)
        all[n++] = alone(left, right, type, def->left_alone, def->user.data);
    if (def->right_alone)
        all[n++] = alone(right, left, type, def->right_alone, def->user.data);
    return nd_collection_concat_many(all, n);
}
