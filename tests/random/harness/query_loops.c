/* SPDX-License-Identifier: Apache-2.0 */
/* Entering and leaving loops, variables, iteration. */
#include "tests/random/harness/query_tables.h"

/* --- Enter, leave --- */

static nd_collection build_enter(query_builder *builder, const query_node *node, nd_collection of,
                                 nd_collection and)
{
    (void)and;
    return nd_collection_enter(builder->scopes[node->scope], of);
}

static void compute_enter(query_tables *tables, unsigned node, const nd_time *time, table *out)
{
    nd_time outside = *time;
    outside.loop[query_depth(tables->plan, node) - 1] = 0;
    *out = *query_table(tables, tables->plan->nodes[node].of, &outside);
}

static uint32_t round_of(unsigned number, uint32_t constant)
{
    return (number + constant) % QUERY_ROUNDS;
}

static void round_fn(void *user, const void *records, size_t len, uint32_t *rounds)
{
    const query_node *const node = user;
    for (size_t i = 0; i < len; i++)
        rounds[i] = round_of(query_read(node, records, i), node->constant);
}

static nd_collection build_enter_at(query_builder *builder, const query_node *node,
                                    nd_collection of, nd_collection and)
{
    (void)and;
    return nd_collection_enter_at(builder->scopes[node->scope], of, round_fn, query_user(node));
}

static void compute_enter_at(query_tables *tables, unsigned node, const nd_time *time, table *out)
{
    compute_enter(tables, node, time, out);
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        if (round_of(r, tables->plan->nodes[node].constant) >
            time->loop[query_depth(tables->plan, node) - 1])
            out->n[r] = 0;
}

static nd_collection build_leave(query_builder *builder, const query_node *node, nd_collection of,
                                 nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_collection_leave(of);
}

static nd_collection build_leave_negated(query_builder *builder, const query_node *node,
                                         nd_collection of, nd_collection and)
{
    (void)builder, (void)node, (void)and;
    return nd_collection_negate(nd_collection_leave(of));
}

static void compute_leave(query_tables *tables, unsigned node, const nd_time *time, table *out)
{
    nd_time last = *time;
    last.loop[query_depth(tables->plan, node)] = QUERY_ROUNDS - 1;
    *out = *query_table(tables, tables->plan->nodes[node].of, &last);
}

/* --- Variables --- */

/* In the root scope epochs are rounds. */
static uint32_t limit_of(const query_node *node)
{
    return node->scope == 0 ? QUERY_EPOCHS - node->constant % 3 : 1 + node->constant % QUERY_ROUNDS;
}

static nd_collection begin_variable(query_builder *builder, const query_node *node,
                                    nd_collection start, uint32_t limit)
{
    nd_variable *const variable = &builder->variables[node - builder->plan->nodes];
    const nd_collection made =
        node->op->n_inputs == 0
            ? nd_variable_new(builder->scopes[node->scope], node->type->record, variable)
            : nd_variable_from(start, variable);
    nd_variable_limit(variable, limit, ND_AT_LIMIT_RETURN);
    return made;
}

static nd_collection build_variable(query_builder *builder, const query_node *node,
                                    nd_collection of, nd_collection and)
{
    (void)and;
    return begin_variable(builder, node, of, limit_of(node));
}

static nd_collection build_longer_variable(query_builder *builder, const query_node *node,
                                           nd_collection of, nd_collection and)
{
    (void)and;
    return begin_variable(builder, node, of, limit_of(node) + 1);
}

static void compute_variable(query_tables *tables, unsigned node, const nd_time *time, table *out)
{
    const query_node *const self = &tables->plan->nodes[node];
    const unsigned depth = query_depth(tables->plan, node);
    const bool has_start = self->op->n_inputs > 0;
    const uint64_t round = depth ? time->loop[depth - 1] : time->epoch;
    const uint32_t limit = limit_of(self);
    nd_time before = *time;
    if (has_start)
        *out = *query_table(tables, self->of, time);
    if (round == 0 || limit < 2)
        return;
    const uint64_t from = round - 1 < limit - 2 ? round - 1 : limit - 2;
    if (depth)
        before.loop[depth - 1] = (uint32_t)from;
    else
        before.epoch = from;
    const table *const image = query_table(tables, self->image, &before);
    const table *const start = has_start ? query_table(tables, self->of, &before) : NULL;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] += image->n[r] - (start ? start->n[r] : 0);
}

/* --- Iterate --- */

/* What is there, and what a map makes of what is there, round by round; in an outer loop, all that
 * another map leads to from there. */
typedef struct iterate_body {
    nd_collection start; /* outside */
    const query_node *node;
    bool has_inner, is_inner;
} iterate_body;

static nd_collection close_once(nd_scope *loop, nd_collection there, void *arg)
{
    const iterate_body *const body = arg;
    const query_node *const node = body->node;
    nd_collection next =
        nd_collection_map(there, node->type->record,
                          body->is_inner ? query_map_next_fn : query_map_fn, query_user(node));
    if (body->has_inner) {
        iterate_body inner = {.start = nd_distinct(next), .node = node, .is_inner = true};
        next = nd_iterate(inner.start, close_once, &inner);
    }
    return nd_distinct(nd_collection_concat(next, nd_collection_enter(loop, body->start)));
}

static nd_collection build_closure(query_builder *builder, const query_node *node, nd_collection of,
                                   nd_collection and)
{
    (void)builder, (void)and;
    iterate_body body = {
        .start = nd_distinct(of), .node = node, .has_inner = node->op->n_loops > 1};
    return nd_iterate(body.start, close_once, &body);
}

static void close_table(table *of, uint32_t constant, bool has_inner)
{
    bool has_changed = true;
    while (has_changed) {
        table next = {{0}};
        has_changed = false;
        for (unsigned r = 0; r < QUERY_RECORDS; r++)
            next.n[query_mapped(r, constant)] |= of->n[r];
        if (has_inner)
            close_table(&next, constant + 1, false);
        for (unsigned r = 0; r < QUERY_RECORDS; r++) {
            has_changed |= next.n[r] > of->n[r];
            of->n[r] |= next.n[r];
        }
    }
}

static void compute_closure(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out->n[r] = of->n[r] > 0;
    close_table(out, node->constant, node->op->n_loops > 1);
}

/* So many rounds of something that may never come to an end. */
static uint32_t n_rounds(const query_node *node) { return 1 + node->constant % 4; }

static nd_collection go_once(nd_scope *loop, nd_collection there, void *arg)
{
    const iterate_body *const body = arg;
    const query_node *const node = body->node;
    const nd_collection next =
        nd_collection_map(there, node->type->record, query_map_fn, query_user(node));
    return nd_threshold(nd_collection_concat(next, nd_collection_enter(loop, body->start)),
                        query_bounded_fn, query_user(node));
}

static nd_collection build_iterate(query_builder *builder, const query_node *node, nd_collection of,
                                   nd_collection and)
{
    (void)builder, (void)and;
    iterate_body body = {.start = of, .node = node};
    return nd_iterate_at_most(of, go_once, &body, n_rounds(node), ND_AT_LIMIT_RETURN);
}

static void compute_iterate(const query_node *node, const table *of, const table *and, table *out)
{
    (void)and;
    *out = *of;
    for (uint32_t i = 0; i < n_rounds(node); i++) {
        table next = *of;
        for (unsigned r = 0; r < QUERY_RECORDS; r++)
            next.n[query_mapped(r, node->constant)] += out->n[r];
        for (unsigned r = 0; r < QUERY_RECORDS; r++)
            out->n[r] = next.n[r] ? query_bounded(r, next.n[r], node->constant) : 0;
    }
}

const query_op query_loop_ops[] = {
    {.name = "enter",
     .n_more = 2,
     .n_inputs = 1,
     .place = QUERY_ENTERS,
     .build = build_enter,
     .compute_at = compute_enter},
    {.name = "enter_at",
     .n_more = 1,
     .n_inputs = 1,
     .place = QUERY_ENTERS,
     .build = build_enter_at,
     .has_function = true,
     .compute_at = compute_enter_at},
    {.name = "leave",
     .n_inputs = 1,
     .place = QUERY_LEAVES,
     .build = build_leave,
     .wrong = build_leave_negated,
     .compute_at = compute_leave},
    {.name = "variable",
     .n_more = 2,
     .place = QUERY_IN_LOOP,
     .is_variable = true,
     .bits = 2,
     .build = build_variable,
     .wrong = build_longer_variable,
     .compute_at = compute_variable},
    {.name = "variable_from",
     .n_more = 3,
     .n_inputs = 1,
     .place = QUERY_IN_LOOP,
     .is_variable = true,
     .bits = 2,
     .build = build_variable,
     .wrong = build_longer_variable,
     .compute_at = compute_variable},
    {.name = "register",
     .place = QUERY_IN_ROOT,
     .is_variable = true,
     .looks_back = true,
     .bits = 2,
     .build = build_variable,
     .wrong = build_longer_variable,
     .compute_at = compute_variable},
    {.name = "closure",
     .n_inputs = 1,
     .n_loops = 1,
     .bits = 1,
     .bounds = true,
     .build = build_closure,
     .has_function = true,
     .compute = compute_closure},
    {.name = "closures",
     .n_inputs = 1,
     .n_loops = 2,
     .bits = 1,
     .bounds = true,
     .build = build_closure,
     .has_function = true,
     .compute = compute_closure},
    {.name = "iterate",
     .n_inputs = 1,
     .n_loops = 1,
     .bits = 3,
     .bounds = true,
     .build = build_iterate,
     .has_function = true,
     .compute = compute_iterate},
    {.name = NULL},
};
