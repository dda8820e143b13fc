/* SPDX-License-Identifier: Apache-2.0 */
/* Sum: of each key, what each other field adds up to. In loops a function of all records, elsewhere
 * totals. */
#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"
#include "operators/differential/plainly.h"
#include "operators/differential/reduce.h"
#include "operators/differential/totals.h"

typedef struct summands {
    nd_field fields[ND_MAX_FIELDS], sums[ND_MAX_FIELDS];
    unsigned n;
    size_t size; /* of a record */
} summands;

/* Adds a record that is there `count` times; false if something is too large. */
static bool add(const summands *self, const void *record, int64_t count, int64_t *sums)
{
    int64_t value, product;
    for (unsigned i = 0; i < self->n; i++)
        if (!nd_totals_read(&self->fields[i], record, &value) ||
            !nd_difference_times(value, count, &product) ||
            !nd_difference_plus(sums[i], product, &sums[i]))
            return false;
    return true;
}

static void sum(void *user, const void *records, const int64_t *counts, size_t len,
                nd_reduction *out)
{
    const summands *const self = user;
    int64_t sums[ND_MAX_FIELDS] = {0}, n = 0;
    bool is_right = true;
    for (size_t i = 0; is_right && i < len; i++)
        is_right = nd_difference_plus(n, counts[i], &n) &&
                   add(self, (const unsigned char *)records + i * self->size, counts[i], sums);
    if (!is_right)
        nd_reduction_fail(out, ND_FAILED);
    if (!is_right || n == 0)
        return;
    void *const record = nd_reduction_slot(out, 1);
    for (unsigned i = 0; is_right && i < self->n; i++)
        is_right = nd_totals_write(&self->sums[i], sums[i], record);
    if (!is_right)
        nd_reduction_fail(out, ND_FAILED);
}

static nd_collection reduce(nd_collection collection, const nd_type *type, bool is_plain)
{
    const nd_type *const in = collection.type;
    summands *const user = nd_alloc_zero(1, sizeof *user);
    if (!user)
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(collection.stream)), ND_NOMEM,
                            "sum: %s", nd_err_text(ND_NOMEM));
    if (user && in) {
        user->size = in->size;
        user->n = nd_type_n_fields(in) - in->nkey;
        memcpy(user->fields, in->fields + in->nkey, user->n * sizeof *user->fields);
        memcpy(user->sums, type->fields + in->nkey, user->n * sizeof *user->sums);
    }
    return nd_reduce_by(collection, &(nd_reduce_def){.name = "sum",
                                                     .n_key = in ? in->nkey : 0,
                                                     .type = type,
                                                     .fn = user ? sum : NULL,
                                                     .user = {user, user ? nd_free : NULL},
                                                     .is_plain = is_plain});
}

/* Whether all fields behind the key are integers. */
static bool has_integers(const nd_type *type)
{
    for (unsigned i = type->nkey; i < nd_type_n_fields(type); i++)
        if (type->fields[i].kind != ND_KIND_SIGNED && type->fields[i].kind != ND_KIND_UNSIGNED)
            return false;
    return true;
}

/* Notes a mistake, if there is one. */
static bool is_right(nd_collection collection, const nd_type *type)
{
    const nd_type *const in = collection.type;
    nd_dataflow *const flow = nd_scope_dataflow(nd_stream_scope(collection.stream));
    if (!in)
        return false; /* that has been noted */
    if (!has_integers(in))
        nd_dataflow_mistake(flow, ND_INVAL,
                            "sum: '%s' has a field that is no integer behind the key", in->name);
    else if (!nd_has_totals(type, in->nkey, nd_type_n_fields(in) - in->nkey))
        nd_dataflow_mistake(flow, ND_INVAL,
                            "sum: its type must have the key of '%s' (whose nkey is %u) and an "
                            "integer for each field behind it",
                            in->name, (unsigned)in->nkey);
    else
        return true;
    return false;
}

nd_collection nd_sum_plainly(nd_collection collection, const nd_type *type)
{
    return reduce(collection, type, true);
}

nd_collection nd_sum(nd_collection collection, const nd_type *type)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    if (!is_right(collection, type))
        return (nd_collection){.type = type, .n_loops = nd_scope_n_loops(scope)};
    if (nd_scope_n_loops(scope) > 0 || collection.type->nkey == 0)
        return reduce(collection, type, false);
    return nd_totals_new(collection, &(nd_totals_def){.name = "sum",
                                                      .kind = ND_TOTALS_SUM,
                                                      .n_key = collection.type->nkey,
                                                      .type = type});
}
