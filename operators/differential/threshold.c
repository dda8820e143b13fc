/* SPDX-License-Identifier: Apache-2.0 */
/* Threshold: each record as often as a function of how often it is there says. The key is the whole
 * record, and the value nothing. */
#include "operators/differential/reduce.h"

#include <nereid/memory.h>

typedef struct threshold {
    nd_threshold_fn *fn;
    nd_user user;
} threshold;

static void apply(void *user, const void *records, const int64_t *counts, size_t len,
                  nd_reduction *out)
{
    const threshold *const self = user;
    (void)len;
    const int64_t count = self->fn(self->user.data, records, counts[0]);
    if (count != 0)
        (void)nd_reduction_slot(out, count);
}

static void destroy(void *user)
{
    threshold *const self = user;
    if (self->user.destroy)
        self->user.destroy(self->user.data);
    nd_free(self);
}

nd_collection nd_threshold(nd_collection collection, nd_threshold_fn *fn, nd_user user)
{
    threshold *const self = nd_alloc(1, sizeof *self);
    if (self)
        *self = (threshold){fn, user};
    else if (user.destroy)
        user.destroy(user.data);
    if (!self)
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(collection.stream)), ND_NOMEM,
                            "threshold: %s", nd_err_text(ND_NOMEM));
    return nd_reduce_by(
        collection,
        &(nd_reduce_def){.name = "threshold",
                         .n_key = collection.type ? nd_type_n_fields(collection.type) : 0,
                         .type = collection.type,
                         .fn = fn && self ? apply : NULL,
                         .user = {self, self ? destroy : NULL}});
}
