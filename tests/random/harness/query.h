/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_QUERY_H
#define TESTS_RANDOM_HARNESS_QUERY_H

/** @file
 * Random queries over collections: a graph of operators, as data. It is built as a dataflow, and
 * computed anew (query_tables.h) by tables of all records that can be, which is the slow obvious
 * way.
 *
 * An operator is an entry of a table (query_linear.c, query_keyed.c, query_loops.c): what it is
 * called, where it may stand, how it is built, how it is computed, and how it is built wrongly.
 * Nothing else knows of it.
 */

#include <stdio.h>

#include "runtime/base/random.h"
#include "tests/random/harness/query_record.h"

enum {
    QUERY_INPUTS = 2,
    QUERY_MOST = 32, /* nodes, inputs included */
    QUERY_DEPTH = 3, /* loops, one in the other */
    QUERY_SCOPES = 6,
    QUERY_EPOCHS = 9, /* times that can be: epochs, */
    QUERY_ROUNDS = 5, /* and rounds of each loop; in the last one nothing changes any more */
};

typedef struct query_op query_op;

typedef struct query_node {
    const query_op *op;
    const query_type *type; /* of records */
    unsigned of, and;       /* nodes before it; of an input its number */
    unsigned image;         /* of a variable: a node of its scope */
    unsigned scope;
    uint32_t constant; /* chooses its function */
    unsigned bits;     /* how large counts may get */
    bool is_wrong;     /* it is to be built wrongly */
} query_node;

typedef struct query {
    query_node nodes[QUERY_MOST];
    unsigned n;
    struct {
        unsigned parent, depth;
    } scopes[QUERY_SCOPES]; /* the first is the root */
    unsigned n_scopes;
    bool is_imported; /* its inputs are collections of another query, from some epoch on */
} query;

/** While a query is built on one worker. */
typedef struct query_builder {
    const query *plan; /* lent to the dataflow */
    nd_scope *scopes[QUERY_SCOPES];
    nd_collection made[QUERY_MOST]; /* of the inputs: before */
    nd_variable variables[QUERY_MOST];
} query_builder;

typedef struct query_tables query_tables;

/** Where an operator may stand. */
typedef enum query_place {
    QUERY_ANYWHERE,
    QUERY_IN_ROOT,
    QUERY_IN_LOOP,
    QUERY_ENTERS, /* its input is in the scope around */
    QUERY_LEAVES, /* its input is in a loop of its scope */
} query_place;

/** Builds an operator over its inputs; those it does not have are to be ignored. */
typedef nd_collection query_build_fn(query_builder *builder, const query_node *node,
                                     nd_collection of, nd_collection and);

struct query_op {
    const char *name;
    unsigned n_inputs;
    query_place place;
    unsigned n_more;      /* how much oftener than others it comes */
    unsigned n_loops;     /* that it makes for itself */
    bool is_variable;     /* its image is to be set, when its scope ends */
    bool looks_back;      /* at what was in earlier epochs */
    bool is_consolidated; /* it shows each record and time once */
    unsigned bits;        /* by how many bits counts may grow; or, for one that bounds them, */
    bool bounds;          /* so many they have; */
    bool multiplies;      /* they are those of its inputs together, and more */
    query_build_fn *build;
    query_build_fn *wrong; /* its mutant; or else */
    bool has_function;     /* its mutant has the function of another constant */
    /** What it makes of tables at any time. */
    void (*compute)(const query_node *node, const table *of, const table *and, table *out);
    /** Or else what it is at a time, from what its inputs are at that or others. */
    void (*compute_at)(query_tables *tables, unsigned node, const nd_time *time, table *out);
};

/** Tables of operators, ended by one without a name. */
extern const query_op query_linear_ops[], query_keyed_ops[], query_loop_ops[];

/** What an input is, and what is to come between where counts may become too large. */
extern const query_op query_input, *const query_bound;

/** Makes a random query over inputs with counts of so many bits; the last node is in the root
 * scope. */
void query_make(query *plan, const query_type *type, const unsigned *bits, bool is_imported,
                nd_random *random);

/** Builds the query. The builder has its plan and its inputs. */
void query_build(query_builder *builder, nd_dataflow *flow);

/** Prints a line a node: its number and scope, operator, inputs, constant. */
void query_print(const query *plan, FILE *file);

/** The operator at `index`, of all; NULL behind the last. */
const query_op *query_op_at(unsigned index);

/** The name of mutant `index`; NULL behind the last. And the query as it is built with one (NULL:
 * none). */
const char *query_mutant(size_t index);
void query_spoil(query *plan, const char *mutant);

static inline unsigned query_depth(const query *plan, unsigned node)
{
    return plan->scopes[plan->nodes[node].scope].depth;
}

/** The user data of an operator's function: its node. */
static inline nd_user query_user(const query_node *node)
{
    return (nd_user){(void *)(uintptr_t)node, NULL};
}

/** Record `i` of those side by side. */
static inline const void *query_record(const query_type *type, const void *records, size_t i)
{
    return (const unsigned char *)records + i * type->record->size;
}
static inline unsigned query_read(const query_node *node, const void *records, size_t i)
{
    return node->type->read(query_record(node->type, records, i));
}
static inline void query_write(const query_node *node, unsigned number, void *records, size_t i)
{
    node->type->write(number, (unsigned char *)records + i * node->type->record->size);
}

/** The functions that several operators have, by a constant. */
unsigned query_mapped(unsigned number, uint32_t constant);
void query_map_fn(void *user, const void *records, size_t len, void *out);
void query_map_next_fn(void *user, const void *records, size_t len, void *out); /* the constant's
                                                                                     next */
int64_t query_bounded(unsigned number, int64_t count, uint32_t constant);
int64_t query_bounded_fn(void *user, const void *record, int64_t count);

#endif
