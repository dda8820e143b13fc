/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DOCS_OPERATOR_PAGE_H
#define TESTS_DOCS_OPERATOR_PAGE_H

/** @file
 * What the example of a page of docs/operators stands on: two types of records, and how the page's
 * function is called. operators_test compiles each example behind this header, and all of them with
 * operator_page.c.
 */
#include <inttypes.h>
#include <stdio.h>

#include <nereid.h>

typedef struct {
    uint64_t key;
    int64_t value;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

typedef struct {
    uint64_t key;
    int64_t left, right;
} triple;
static const nd_type triple_type =
    ND_TYPE(triple, 1, ND_FIELD(triple, key), ND_FIELD(triple, left), ND_FIELD(triple, right));

/** An example: its function, by its shape; all others are NULL. Inputs are of pairs. */
typedef struct operator_page {
    const char *name;
    const char *inputs[2]; /* the words before their lines; NULL: none */
    nd_collection (*one)(nd_collection in);
    nd_collection (*two)(nd_collection a, nd_collection b);
    void (*watch)(nd_collection in);                          /* prints by itself */
    nd_collection (*begin)(nd_dataflow *flow, nd_input **in); /* both: how it is fed */
    void (*feed)(nd_input *in, const pair *record, int64_t diff);
    nd_collection (*read)(nd_dataflow *flow, nd_arrangement *shared); /* of another dataflow */
    nd_err (*ask)(nd_publisher *publisher, uint64_t epoch, nd_snapshot_fn *show, void *user);
} operator_page;

/** All of them, and NULL. */
extern const operator_page *const operator_pages[];

/* Whatever an example does without. */
static inline const nd_type *operator_page_types(size_t i)
{
    return i == 0 ? &pair_type : &triple_type;
}

#endif
