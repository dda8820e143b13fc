/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_REDUCE_H
#define OPERATORS_DIFFERENTIAL_REDUCE_H

/** @file
 * Reduce, with any number of leading fields as the key.
 */

#include <nereid/collection.h>

#include "operators/differential/reduction.h"

typedef struct nd_reduce_def {
    const char *name;
    unsigned n_key;      /* fields, of both types */
    const nd_type *type; /* of the output */
    nd_reduce_fn *fn;    /* or, of the same type, some of the input's values by their numbers: */
    nd_reduce_function choose;
    nd_user user;
    bool is_plain; /* without anything that is faster in some cases; for tests */
} nd_reduce_def;

nd_collection nd_reduce_by(nd_collection collection, const nd_reduce_def *def);

#endif
