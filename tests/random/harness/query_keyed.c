/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that look at keys: functions of each key's records, and joins. */
#include "tests/random/harness/query_tables.h"

/* --- Threshold --- */

int64_t query_bounded(unsigned number, int64_t count, uint32_t constant)
{
    return (count % 5 * (constant % 5 + 1) + number + constant) % 4;
}

int64_t query_bounded_fn(void *user, const void *record, int64_t count)
{
    const query_node *const node = user;
    return query_bounded(node->type->read(record), count, node->constant);
}

static nd_collection build_threshold(query_builder *builder, const query_node *node,
                                     nd_collection of, nd_collection and)
{
    (void)builder, (void)and;
    return nd_threshold(of, query_bounded_fn, query_user(node));
}

static void compute_threshold(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        if (of->n[r] != 0)
            out->n[r] = query_bounded(r, of->n[r], node->constant);
}

/* --- Reduce --- */

/* Of a key's records, by their number and count: each value's square times its count, spread over
 * two records. */
static void reduced(const int64_t *counts, unsigned key, uint32_t constant, int64_t *out)
{
    int64_t sum = 0;
    for (unsigned v = 0; v < QUERY_VALUES; v++)
        sum += counts[v] % 1000 * ((int64_t)v * v + 1);
    if (sum % 3 != 0)
        out[(constant + key) % QUERY_VALUES] += sum % 3;
    if (sum > 2)
        out[(constant + key + 1) % QUERY_VALUES] += 1;
}

static void reduce_fn(void *user, const void *records, const int64_t *counts, size_t len,
                      nd_reduction *out)
{
    const query_node *const node = user;
    int64_t there[QUERY_VALUES] = {0}, made[QUERY_VALUES] = {0};
    const unsigned key = key_of(query_read(node, records, 0));
    for (size_t i = 0; i < len; i++)
        there[value_of(query_read(node, records, i))] += counts[i];
    reduced(there, key, node->constant, made);
    for (unsigned v = 0; v < QUERY_VALUES; v++)
        if (made[v] != 0)
            node->type->write(number_of(key, v), nd_reduction_slot(out, made[v]));
}

static nd_collection build_reduce(query_builder *builder, const query_node *node, nd_collection of,
                                  nd_collection and)
{
    (void)builder, (void)and;
    return nd_reduce(of, node->type->record, reduce_fn, query_user(node));
}

static void compute_reduce(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned key = 0; key < QUERY_KEYS; key++) {
        bool is_there = false;
        for (unsigned v = 0; v < QUERY_VALUES; v++)
            is_there |= of->n[number_of(key, v)] != 0;
        if (is_there)
            reduced(&of->n[number_of(key, 0)], key, node->constant, &out->n[number_of(key, 0)]);
    }
}

/* --- Count --- */

/* What a number is shown as: a value. */
static unsigned shown(int64_t n)
{
    return (unsigned)((n % QUERY_VALUES + QUERY_VALUES) % QUERY_VALUES);
}

static void show_fn(void *user, const void *records, size_t len, void *out)
{
    const query_node *const node = user;
    const query_type *const type = node->type->counted_as;
    for (size_t i = 0; i < len; i++) {
        int64_t n;
        const unsigned key =
            type->read_tally((const unsigned char *)records + i * type->tally->size, &n);
        query_write(node, number_of(key, shown(n)), out, i);
    }
}

static void widen_fn(void *user, const void *records, size_t len, void *out)
{
    const query_node *const node = user;
    const query_type *const type = node->type->counted_as;
    for (size_t i = 0; i < len; i++)
        type->write(query_read(node, records, i), (unsigned char *)out + i * type->record->size);
}

static nd_collection build_count(query_builder *builder, const query_node *node, nd_collection of,
                                 nd_collection and)
{
    (void)builder, (void)and;
    const query_type *const type = node->type->counted_as;
    if (type != node->type)
        of = nd_collection_map(of, type->record, widen_fn, query_user(node));
    return nd_collection_map(nd_count(of, type->tally), node->type->record, show_fn,
                             query_user(node));
}

static void compute_count(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node, (void)and;
    for (unsigned key = 0; key < QUERY_KEYS; key++) {
        int64_t n = 0;
        for (unsigned v = 0; v < QUERY_VALUES; v++)
            n += of->n[number_of(key, v)];
        if (n != 0)
            out->n[number_of(key, shown(n))] = 1;
    }
}

/* --- Sum --- */

static int64_t worth(unsigned number) { return (int64_t)value_of(number) * 3 - 4; }

static void weigh_fn(void *user, const void *records, size_t len, void *out)
{
    const query_node *const node = user;
    const query_type *const type = node->type->counted_as;
    for (size_t i = 0; i < len; i++) {
        const unsigned number = query_read(node, records, i);
        type->write_tally(number, worth(number), (unsigned char *)out + i * type->tally->size);
    }
}

static nd_collection build_sum(query_builder *builder, const query_node *node, nd_collection of,
                               nd_collection and)
{
    (void)builder, (void)and;
    const nd_type *const tally = node->type->counted_as->tally;
    const nd_collection worths = nd_collection_map(of, tally, weigh_fn, query_user(node));
    return nd_collection_map(nd_sum(worths, tally), node->type->record, show_fn, query_user(node));
}

static void compute_sum(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node, (void)and;
    for (unsigned key = 0; key < QUERY_KEYS; key++) {
        int64_t n = 0, sum = 0;
        for (unsigned v = 0; v < QUERY_VALUES; v++) {
            n += of->n[number_of(key, v)];
            sum += of->n[number_of(key, v)] * worth(v);
        }
        if (n != 0)
            out->n[number_of(key, shown(sum))] = 1;
    }
}

/* --- Distinct --- */

static nd_collection build_distinct(query_builder *builder, const query_node *node,
                                    nd_collection of, nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_distinct(of);
}

static nd_collection build_consolidated(query_builder *builder, const query_node *node,
                                        nd_collection of, nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_consolidate(of);
}

static void compute_distinct(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node, (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = of->n[r] > 0;
}

/* --- The least and the greatest --- */

static uint32_t n_chosen(const query_node *node) { return 1 + node->constant % 3; }

static nd_collection build_min(query_builder *builder, const query_node *node, nd_collection of,
                               nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_min(of);
}

static nd_collection build_max(query_builder *builder, const query_node *node, nd_collection of,
                               nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_max(of);
}

static nd_collection build_least(query_builder *builder, const query_node *node, nd_collection of,
                                 nd_collection and)
{
    (void)builder, (void)and;
    return nd_least(of, n_chosen(node));
}

static nd_collection build_greatest(query_builder *builder, const query_node *node,
                                    nd_collection of, nd_collection and)
{
    (void)builder, (void)and;
    return nd_greatest(of, n_chosen(node));
}

/* The first few of a key, each record as often as it is there, or but once. */
static void choose(const table *of, unsigned key, bool from_end, int64_t room, bool once,
                   table *out)
{
    for (unsigned i = 0; i < QUERY_VALUES && room > 0; i++) {
        const unsigned number = number_of(key, from_end ? QUERY_VALUES - 1 - i : i);
        const int64_t n = of->n[number] > 1 && once ? 1 : of->n[number];
        if (n > 0)
            out->n[number] = n < room ? n : room;
        room -= out->n[number];
    }
}

static void compute_min(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node, (void)and;
    for (unsigned key = 0; key < QUERY_KEYS; key++)
        choose(of, key, false, 1, true, out);
}

static void compute_max(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node, (void)and;
    for (unsigned key = 0; key < QUERY_KEYS; key++)
        choose(of, key, true, 1, true, out);
}

static void compute_least(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned key = 0; key < QUERY_KEYS; key++)
        choose(of, key, false, n_chosen(node), false, out);
}

static void compute_greatest(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned key = 0; key < QUERY_KEYS; key++)
        choose(of, key, true, n_chosen(node), false, out);
}

/* --- Join --- */

static unsigned joined(unsigned left, unsigned right, uint32_t constant)
{
    return (left * 3 + right * (constant % 5) + constant) % QUERY_RECORDS;
}

static void join_fn(void *user, const void *left, const void *right, size_t len, void *out)
{
    const query_node *const node = user;
    for (size_t i = 0; i < len; i++)
        query_write(node,
                    joined(query_read(node, left, i), query_read(node, right, i), node->constant),
                    out, i);
}

static nd_collection build_join(query_builder *builder, const query_node *node, nd_collection of,
                                nd_collection and)
{
    (void)builder;
    return nd_join(of, and, node->type->record, join_fn, query_user(node));
}

static void compute_join(const query_node *node, const table *of, const table *and, table *out)
{
    for (unsigned left = 0; left < QUERY_RECORDS; left++)
        for (unsigned v = 0; v < QUERY_VALUES; v++) {
            const unsigned right = number_of(key_of(left), v);
            out->n[joined(left, right, node->constant)] += of->n[left] * and->n[right];
        }
}

/* --- Half join --- */

static void swapped_join_fn(void *user, const void *right, const void *left, size_t len, void *out)
{
    join_fn(user, left, right, len, out);
}

/* The changes of each side see the other as it is, or was; together they are a join. */
static nd_collection join_by_halves(const query_node *node, nd_collection of, nd_collection and,
                                    nd_half_join_order order)
{
    const nd_type *const type = node->type->record;
    const nd_collection left = nd_half_join(of, and, order, type, join_fn, query_user(node));
    const nd_collection right =
        nd_half_join(and, of, ND_HALF_JOIN_UPTO, type, swapped_join_fn, query_user(node));
    return nd_collection_concat(left, right);
}

static nd_collection build_half_joins(query_builder *builder, const query_node *node,
                                      nd_collection of, nd_collection and)
{
    (void)builder;
    return join_by_halves(node, of, and, ND_HALF_JOIN_BEFORE);
}

static nd_collection build_double_joins(query_builder *builder, const query_node *node,
                                        nd_collection of, nd_collection and)
{
    (void)builder;
    return join_by_halves(node, of, and, ND_HALF_JOIN_UPTO);
}

/* --- Semijoin, antijoin, outer join --- */

/* A key is there when its records add up to more than zero. */
static bool has_key(const table *of, unsigned key)
{
    int64_t n = 0;
    for (unsigned v = 0; v < QUERY_VALUES; v++)
        n += of->n[number_of(key, v)];
    return n > 0;
}

static nd_collection build_semijoin(query_builder *builder, const query_node *node,
                                    nd_collection of, nd_collection and)
{
    (void)builder, (void)node;
    return nd_semijoin(of, and);
}

static nd_collection build_antijoin(query_builder *builder, const query_node *node,
                                    nd_collection of, nd_collection and)
{
    (void)builder, (void)node;
    return nd_antijoin(of, and);
}

static void compute_semijoin(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = has_key(and, key_of(r)) ? of->n[r] : 0;
}

static void compute_antijoin(const query_node *node, const table *of, const table *and, table *out)
{
    (void)node;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = has_key(and, key_of(r)) ? 0 : of->n[r];
}

static nd_collection build_outer_join(query_builder *builder, const query_node *node,
                                      nd_collection of, nd_collection and)
{
    (void)builder;
    const nd_outer_join_def def = {.both = join_fn,
                                   .left_alone = node->constant % 3 ? query_map_fn : NULL,
                                   .right_alone = node->constant % 4 ? query_map_next_fn : NULL,
                                   .user = query_user(node)};
    return nd_outer_join(of, and, node->type->record, &def);
}

static void compute_outer_join(const query_node *node, const table *of, const table *and,
                               table *out)
{
    const uint32_t constant = node->constant;
    compute_join(node, of, and, out);
    for (unsigned r = 0; r < QUERY_RECORDS; r++) {
        if (constant % 3 && !has_key(and, key_of(r)))
            out->n[query_mapped(r, constant)] += of->n[r];
        if (constant % 4 && !has_key(of, key_of(r)))
            out->n[query_mapped(r, constant + 1)] += and->n[r];
    }
}

const query_op query_keyed_ops[] = {
    {.name = "threshold",
     .n_inputs = 1,
     .bits = 2,
     .bounds = true,
     .build = build_threshold,
     .has_function = true,
     .compute = compute_threshold},
    {.name = "reduce",
     .n_inputs = 1,
     .bits = 2,
     .bounds = true,
     .build = build_reduce,
     .has_function = true,
     .compute = compute_reduce},
    {.name = "count",
     .n_inputs = 1,
     .bits = 1,
     .bounds = true,
     .build = build_count,
     .wrong = build_min,
     .compute = compute_count},
    {.name = "sum",
     .n_inputs = 1,
     .bits = 1,
     .bounds = true,
     .build = build_sum,
     .wrong = build_count,
     .compute = compute_sum},
    {.name = "distinct",
     .n_inputs = 1,
     .bits = 1,
     .bounds = true,
     .build = build_distinct,
     .wrong = build_consolidated,
     .compute = compute_distinct},
    {.name = "min",
     .n_inputs = 1,
     .bits = 1,
     .bounds = true,
     .build = build_min,
     .wrong = build_max,
     .compute = compute_min},
    {.name = "max",
     .n_inputs = 1,
     .bits = 1,
     .bounds = true,
     .build = build_max,
     .wrong = build_min,
     .compute = compute_max},
    {.name = "least",
     .n_inputs = 1,
     .bits = 2,
     .bounds = true,
     .build = build_least,
     .wrong = build_min,
     .compute = compute_least},
    {.name = "greatest",
     .n_inputs = 1,
     .bits = 2,
     .bounds = true,
     .build = build_greatest,
     .wrong = build_least,
     .compute = compute_greatest},
    {.name = "join",
     .n_inputs = 2,
     .bits = 7,
     .multiplies = true,
     .build = build_join,
     .has_function = true,
     .compute = compute_join},
    {.name = "half_join",
     .n_inputs = 2,
     .place = QUERY_IN_ROOT,
     .bits = 7,
     .multiplies = true,
     .build = build_half_joins,
     .wrong = build_double_joins,
     .compute = compute_join},
    {.name = "semijoin",
     .n_inputs = 2,
     .build = build_semijoin,
     .wrong = build_antijoin,
     .compute = compute_semijoin},
    {.name = "antijoin",
     .n_inputs = 2,
     .build = build_antijoin,
     .wrong = build_semijoin,
     .compute = compute_antijoin},
    {.name = "outer_join",
     .n_inputs = 2,
     .bits = 9,
     .multiplies = true,
     .build = build_outer_join,
     .wrong = build_join,
     .compute = compute_outer_join},
    {.name = NULL},
};

const query_op *const query_bound = &query_keyed_ops[0];
