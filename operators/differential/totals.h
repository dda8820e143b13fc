/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TOTALS_H
#define OPERATORS_DIFFERENTIAL_TOTALS_H

/** @file
 * Totals of each key where times are totally ordered, that is, outside of loops: there what a key's
 * totals are is what they were and what has come since. So no record is kept, only each key's
 * totals.
 */

#include <nereid/collection.h>

typedef enum nd_totals_kind {
    ND_TOTALS_COUNT,    /* the key, and how many records there are, unless there are none */
    ND_TOTALS_SUM,      /* the key, and the sum of each other field, unless there are none */
    ND_TOTALS_PRESENCE, /* the key, while there are more than none */
} nd_totals_kind;

typedef struct nd_totals_def {
    const char *name;
    nd_totals_kind kind;
    unsigned n_key; /* fields, of both types; not zero */
    const nd_type
        *type; /* of what comes out: behind the key there are integers; for a presence none */
} nd_totals_def;

/** Adds such an operator to the root scope. For a sum the fields behind the key are integers. */
nd_collection nd_totals_new(nd_collection collection, const nd_totals_def *def);

/** Whether there are `n` fields behind the key, all integers. */
bool nd_has_totals(const nd_type *type, unsigned n_key, unsigned n);

/** The value of an integer field; false if it is too large for an int64_t. */
bool nd_totals_read(const nd_field *field, const void *record, int64_t *value);

/** Sets an integer field; false if the value does not fit. */
bool nd_totals_write(const nd_field *field, int64_t value, void *record);

#endif
