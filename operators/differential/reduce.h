/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_REDUCE_H
#define OPERATORS_DIFFERENTIAL_REDUCE_H

/** @file
 * Reduce, with any number of leading fields as the key.
 */

#include <nereid/collection.h>

typedef struct nd_reduce_def {
    const char *name;
    unsigned n_key;      /* fields, of both types */
    const nd_type *type; /* of the output */
    nd_reduce_fn *fn;
    nd_user user;
} nd_reduce_def;

/** Bytes of a record of the output. */
size_t nd_reduction_record_size(const nd_reduction *out);

/** Fails the run. ND_FAILED: a count became too large. */
void nd_reduction_fail(nd_reduction *out, nd_err err);

nd_collection nd_reduce_by(nd_collection collection, const nd_reduce_def *def);

#endif
