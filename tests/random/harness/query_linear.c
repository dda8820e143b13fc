/* SPDX-License-Identifier: Apache-2.0 */
/* Operators without state, and those that only keep. */
#include "tests/random/harness/query_tables.h"

unsigned query_mapped(unsigned number, uint32_t constant)
{
    return (number * (constant % 7) + constant) % QUERY_RECORDS;
}

static nd_collection build_nothing(query_builder *builder, const query_node *node, nd_collection of,
                                   nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return of;
}

static void compute_same(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node, (void)and;
    *out = *of;
}

/* --- An input --- */

static void compute_input(query_tables *tables, unsigned node, const nd_time *time, table *out)
{
    *out = tables->inputs[tables->plan->nodes[node].of][time->epoch];
}

const query_op query_input = {.name = "input", .compute_at = compute_input};

/* --- Map --- */

void query_map_fn(void *user, const void *records, size_t len, void *out)
{
    const query_node *const node = user;
    for (size_t i = 0; i < len; i++)
        query_write(node, query_mapped(query_read(node, records, i), node->constant), out, i);
}

void query_map_next_fn(void *user, const void *records, size_t len, void *out)
{
    const query_node *const node = user;
    for (size_t i = 0; i < len; i++)
        query_write(node, query_mapped(query_read(node, records, i), node->constant + 1), out, i);
}

static nd_collection build_map(query_builder *builder, const query_node *node, nd_collection of,
                               nd_collection and)
{
    (void)builder, (void)and;
    return nd_collection_map(of, node->type->record, query_map_fn, query_user(node));
}

static void compute_map(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[query_mapped(r, node->constant)] += of->n[r];
}

/* --- Filter --- */

static bool is_kept(unsigned number, uint32_t constant) { return (number * 7 + constant) % 3 != 0; }

static void filter_fn(void *user, const void *records, size_t len, bool *keep)
{
    const query_node *const node = user;
    for (size_t i = 0; i < len; i++)
        keep[i] = is_kept(query_read(node, records, i), node->constant);
}

static nd_collection build_filter(query_builder *builder, const query_node *node, nd_collection of,
                                  nd_collection and)
{
    (void)builder, (void)and;
    return nd_collection_filter(of, filter_fn, query_user(node));
}

static void compute_filter(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = is_kept(r, node->constant) ? of->n[r] : 0;
}

/* --- Flat map --- */

/* How many records it makes of one, which, and how often each. */
static unsigned n_made(unsigned number, uint32_t constant) { return (number + constant) % 4; }

static unsigned made(unsigned number, uint32_t constant, unsigned i)
{
    return query_mapped(number, constant + 3 * i);
}

static int64_t weight(uint32_t constant, unsigned i)
{
    static const int64_t weights[] = {1, -1, 2, 3};
    return weights[(constant + i) % 4];
}

static void flat_map_fn(void *user, const void *records, size_t len, nd_changes *out)
{
    const query_node *const node = user;
    for (size_t i = 0; i < len; i++) {
        const unsigned number = query_read(node, records, i);
        for (unsigned k = 0; k < n_made(number, node->constant); k++) {
            const int64_t times = weight(node->constant, k);
            void *const slot =
                times == 1 ? nd_changes_slot(out, i) : nd_changes_slot_times(out, i, times);
            node->type->write(made(number, node->constant, k), slot);
        }
    }
}

static nd_collection build_flat_map(query_builder *builder, const query_node *node,
                                    nd_collection of, nd_collection and)
{
    (void)builder, (void)and;
    return nd_collection_flat_map(of, node->type->record, flat_map_fn, query_user(node));
}

static void compute_flat_map(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        for (unsigned k = 0; k < n_made(r, node->constant); k++)
            out->n[made(r, node->constant, k)] += of->n[r] * weight(node->constant, k);
}

/* --- Explode --- */

static int64_t exploded(unsigned number, uint32_t constant)
{
    return (int64_t)((number * 3 + constant) % 5) - 2;
}

static void explode_fn(void *user, const void *records, size_t len, void *out, int64_t *weights)
{
    const query_node *const node = user;
    query_map_fn(user, records, len, out);
    for (size_t i = 0; i < len; i++)
        weights[i] = exploded(query_read(node, records, i), node->constant);
}

static nd_collection build_explode(query_builder *builder, const query_node *node, nd_collection of,
                                   nd_collection and)
{
    (void)builder, (void)and;
    return nd_collection_explode(of, node->type->record, explode_fn, query_user(node));
}

static void compute_explode(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[query_mapped(r, node->constant)] += of->n[r] * exploded(r, node->constant);
}

/* --- Negate, concat --- */

static nd_collection build_negate(query_builder *builder, const query_node *node, nd_collection of,
                                  nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_collection_negate(of);
}

static void compute_negate(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node, (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = -of->n[r];
}

static nd_collection build_concat(query_builder *builder, const query_node *node, nd_collection of,
                                  nd_collection and)
{
    (void)builder, (void)node;
    return nd_collection_concat(of, and);
}

static void compute_concat(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = of->n[r] + and->n[r];
}

static nd_collection build_concat_many(query_builder *builder, const query_node *node,
                                       nd_collection of, nd_collection and)
{
    (void)builder, (void)node;
    const nd_collection all[] = {of, and, of};
    return nd_collection_concat_many(all, 3);
}

static void compute_concat_many(const query_node *node, const table *of, const table *and,
                                table *out)
{
    (void)node;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = 2 * of->n[r] + and->n[r];
}

/* --- Temporal filter --- */

/* From which epoch on a record is there, and up to which. */
static void find_epochs(unsigned number, uint32_t constant, uint64_t *from, uint64_t *to)
{
    *from = (number * 5 + constant) % (QUERY_EPOCHS - 2);
    *to = *from + (number + constant) % 4;
    if (*to >= QUERY_EPOCHS || (number + constant) % 3 == 0)
        *to = UINT64_MAX;
}

static void epochs_fn(void *user, const void *records, size_t len, uint64_t *from, uint64_t *to)
{
    const query_node *const node = user;
    for (size_t i = 0; i < len; i++)
        find_epochs(query_read(node, records, i), node->constant, &from[i], &to[i]);
}

static nd_collection build_temporal_filter(query_builder *builder, const query_node *node,
                                           nd_collection of, nd_collection and)
{
    (void)builder, (void)and;
    return nd_temporal_filter(of, epochs_fn, query_user(node));
}

static void compute_temporal_filter(query_tables *tables, unsigned node, const nd_time *time,
                                    table *out)
{
    const query_node *const self = &tables->plan->nodes[node];
    const table *const of = query_table(tables, self->of, time);
    for (unsigned r = 0; r < QUERY_RECORDS; r++) {
        uint64_t from, to;
        find_epochs(r, self->constant, &from, &to);
        out->n[r] = from <= time->epoch && time->epoch < to ? of->n[r] : 0;
    }
}

/* --- Consolidate, arrange --- */

static nd_collection build_consolidate(query_builder *builder, const query_node *node,
                                       nd_collection of, nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_consolidate(of);
}

static nd_collection build_arrange(query_builder *builder, const query_node *node, nd_collection of,
                                   nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_arrange(of);
}

const query_op query_linear_ops[] = {
    {.name = "map",
     .n_inputs = 1,
     .bits = 3,
     .build = build_map,
     .has_function = true,
     .compute = compute_map},
    {.name = "filter",
     .n_inputs = 1,
     .build = build_filter,
     .has_function = true,
     .compute = compute_filter},
    {.name = "flat_map",
     .n_inputs = 1,
     .bits = 6,
     .build = build_flat_map,
     .has_function = true,
     .compute = compute_flat_map},
    {.name = "explode",
     .n_inputs = 1,
     .bits = 5,
     .build = build_explode,
     .has_function = true,
     .compute = compute_explode},
    {.name = "negate",
     .n_inputs = 1,
     .build = build_negate,
     .wrong = build_nothing,
     .compute = compute_negate},
    {.name = "concat",
     .n_inputs = 2,
     .bits = 1,
     .build = build_concat,
     .wrong = build_nothing,
     .compute = compute_concat},
    {.name = "concat_many",
     .n_inputs = 2,
     .bits = 2,
     .build = build_concat_many,
     .wrong = build_concat,
     .compute = compute_concat_many},
    {.name = "temporal_filter",
     .n_inputs = 1,
     .place = QUERY_IN_ROOT,
     .build = build_temporal_filter,
     .has_function = true,
     .compute_at = compute_temporal_filter},
    {.name = "consolidate",
     .n_inputs = 1,
     .is_consolidated = true,
     .build = build_consolidate,
     .wrong = build_nothing,
     .compute = compute_same},
    {.name = "arrange", .n_inputs = 1, .build = build_arrange, .compute = compute_same},
    {.name = NULL},
};
