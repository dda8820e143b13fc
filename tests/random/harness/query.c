/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/query.h"

#include <string.h>

enum {
    MOST_GROWN = 16, /* nodes, but for those that end loops */
    MOST_VARIABLES = 4,
    MOST_BITS = 36,  /* differences of two collections are multiplied */
    IMAGE_BITS = 20, /* and what goes round does not grow */
    TRIES = 100
};
static_assert(MOST_GROWN + 2 * QUERY_DEPTH + 2 * MOST_VARIABLES + 2 <= QUERY_MOST,
              "loops can be ended");

/* --- Operators --- */

const query_op *query_op_at(unsigned index)
{
    static const query_op *const families[] = {query_linear_ops, query_keyed_ops, query_loop_ops};
    for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
        for (const query_op *op = families[i]; op->name; op++)
            if (index-- == 0)
                return op;
    return NULL;
}

static bool has_mutant(const query_op *op) { return op->wrong || op->has_function; }

const char *query_mutant(size_t index)
{
    const query_op *op;
    for (unsigned i = 0; (op = query_op_at(i)) != NULL; i++)
        if (has_mutant(op) && index-- == 0)
            return op->name;
    return NULL;
}

void query_spoil(query *plan, const char *mutant)
{
    for (unsigned i = 0; mutant && i < plan->n; i++) {
        query_node *const node = &plan->nodes[i];
        node->is_wrong = strcmp(node->op->name, mutant) == 0;
        node->constant += node->is_wrong && !node->op->wrong;
    }
}

/* --- Making --- */

/* While a query is made. */
typedef struct maker {
    query *plan;
    nd_random *random;
    unsigned scope; /* where the next node stands, mostly */
    unsigned n_variables;
} maker;

static unsigned n_of_scope(const query *plan, unsigned scope)
{
    unsigned n = 0;
    for (unsigned i = 0; i < plan->n; i++)
        n += plan->nodes[i].scope == scope;
    return n;
}

static unsigned pick_any(const maker *self, unsigned scope)
{
    const query *const plan = self->plan;
    uint64_t left = nd_random_below(self->random, n_of_scope(plan, scope));
    unsigned i = 0;
    while (plan->nodes[i].scope != scope || left-- != 0)
        i++;
    return i;
}

/* Mostly the last one, or little of the query would count. */
static unsigned pick(const maker *self, unsigned scope)
{
    const query *const plan = self->plan;
    if (nd_random_below(self->random, 4) && plan->nodes[plan->n - 1].scope == scope)
        return plan->n - 1;
    return pick_any(self, scope);
}

static unsigned bits_of(const maker *self, const query_op *op, unsigned of, unsigned and)
{
    const unsigned a = op->n_inputs > 0 ? self->plan->nodes[of].bits : 0;
    const unsigned b = op->n_inputs > 1 ? self->plan->nodes[and].bits : 0;
    const unsigned greater = a > b ? a : b;
    if (op->bounds)
        return op->bits;
    if (op->is_variable)
        return (greater > IMAGE_BITS ? greater : IMAGE_BITS) + op->bits;
    return (op->multiplies ? a + b : greater) + op->bits;
}

static unsigned add_node(maker *self, const query_op *op, unsigned of, unsigned and)
{
    query *const plan = self->plan;
    plan->nodes[plan->n] = (query_node){.op = op,
                                        .type = plan->nodes[0].type,
                                        .of = of,
                                        .and = and,
                                        .scope = self->scope,
                                        .constant = (uint32_t)nd_random_below(self->random, 100),
                                        .bits = bits_of(self, op, of, and)};
    self->n_variables += op->is_variable;
    return plan->n++;
}

static unsigned bound(maker *self, unsigned node, unsigned bits)
{
    return self->plan->nodes[node].bits > bits ? add_node(self, query_bound, node, node) : node;
}

static void set_images(maker *self)
{
    query *const plan = self->plan;
    for (unsigned i = 0; i < plan->n; i++)
        if (plan->nodes[i].op->is_variable && plan->nodes[i].scope == self->scope)
            plan->nodes[i].image = bound(self, pick(self, self->scope), IMAGE_BITS);
}

static void leave(maker *self, const query_op *op)
{
    set_images(self);
    const unsigned of = pick(self, self->scope);
    self->scope = self->plan->scopes[self->scope].parent;
    add_node(self, op, of, of);
}

/* Begins a loop, or brings something more into the one that is there. */
static void enter(maker *self, const query_op *op)
{
    query *const plan = self->plan;
    const unsigned depth = plan->scopes[self->scope].depth;
    const bool can_begin = depth < QUERY_DEPTH && plan->n_scopes < QUERY_SCOPES;
    if (depth > 0 && (!can_begin || nd_random_below(self->random, 2))) {
        const unsigned of = pick_any(self, plan->scopes[self->scope].parent);
        add_node(self, op, of, of);
    } else if (can_begin) {
        const unsigned of = pick(self, self->scope);
        plan->scopes[plan->n_scopes].parent = self->scope;
        plan->scopes[plan->n_scopes].depth = depth + 1;
        self->scope = plan->n_scopes++;
        add_node(self, op, of, of);
    }
}

static void add_plain(maker *self, const query_op *op)
{
    const unsigned of = pick(self, self->scope), and = pick_any(self, self->scope);
    if (bits_of(self, op, of, and) <= MOST_BITS)
        add_node(self, op, of, and);
    else
        bound(self, of, 2);
}

static bool fits(const maker *self, const query_op *op)
{
    const query *const plan = self->plan;
    const unsigned depth = plan->scopes[self->scope].depth;
    return depth + op->n_loops <= ND_MAX_LOOPS && !(op->looks_back && plan->is_imported) &&
           !(op->is_variable && self->n_variables == MOST_VARIABLES) &&
           (depth == 0 ? op->place != QUERY_IN_LOOP && op->place != QUERY_LEAVES
                       : op->place != QUERY_IN_ROOT);
}

static const query_op *pick_op(const maker *self)
{
    uint64_t n = 0;
    const query_op *op;
    for (unsigned i = 0; (op = query_op_at(i)) != NULL; i++)
        n += 1 + op->n_more;
    n = nd_random_below(self->random, n);
    for (unsigned i = 0; n >= 1 + (op = query_op_at(i))->n_more; i++)
        n -= 1 + op->n_more;
    return op;
}

static void add_any(maker *self)
{
    const query_op *const op = pick_op(self);
    if (!fits(self, op))
        return;
    if (op->place == QUERY_ENTERS)
        enter(self, op);
    else if (op->place == QUERY_LEAVES)
        leave(self, op);
    else
        add_plain(self, op);
}

static const query_op *leaving(void)
{
    unsigned i = 0;
    while (query_op_at(i)->place != QUERY_LEAVES)
        i++;
    return query_op_at(i);
}

void query_make(query *plan, const query_type *type, const unsigned *bits, bool is_imported,
                nd_random *random)
{
    maker self = {.plan = plan, .random = random};
    *plan = (query){.n_scopes = 1, .is_imported = is_imported};
    for (unsigned i = 0; i < QUERY_INPUTS; i++) {
        add_node(&self, &query_input, i, i);
        plan->nodes[i].type = type;
        plan->nodes[i].bits = bits[i];
    }
    const unsigned n =
        QUERY_INPUTS + 1 + (unsigned)nd_random_below(random, MOST_GROWN - QUERY_INPUTS);
    for (unsigned i = 0; i < TRIES && plan->n < n; i++)
        add_any(&self);
    while (self.scope != 0)
        leave(&self, leaving());
    set_images(&self);
}

void query_print(const query *plan, FILE *file)
{
    for (unsigned i = 0; i < plan->n; i++) {
        const query_node *const node = &plan->nodes[i];
        fprintf(file, "  %u in %u: %s", i, node->scope, node->op->name);
        if (node->op->n_inputs > 0)
            fprintf(file, " of %u", node->of);
        if (node->op->n_inputs > 1)
            fprintf(file, " and %u", node->and);
        if (node->op->is_variable)
            fprintf(file, ", image %u", node->image);
        fprintf(file, " (%u)\n", (unsigned)node->constant);
    }
}

/* --- Building --- */

void query_build(query_builder *builder, nd_dataflow *flow)
{
    const query *const plan = builder->plan;
    builder->scopes[0] = nd_root(flow);
    for (unsigned i = 1; i < plan->n_scopes; i++)
        builder->scopes[i] = nd_loop_new(builder->scopes[plan->scopes[i].parent], "loop");
    for (unsigned i = QUERY_INPUTS; i < plan->n; i++) {
        const query_node *const node = &plan->nodes[i];
        const bool is_mutant = node->is_wrong && node->op->wrong;
        builder->made[i] = (is_mutant ? node->op->wrong : node->op->build)(
            builder, node, builder->made[node->of], builder->made[node->and ]);
    }
    for (unsigned i = 0; i < plan->n; i++)
        if (plan->nodes[i].op->is_variable)
            nd_variable_set(&builder->variables[i], builder->made[plan->nodes[i].image]);
}
