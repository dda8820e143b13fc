/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_REDUCTION_H
#define OPERATORS_DIFFERENTIAL_REDUCTION_H

/** @file
 * What a user's function makes of a key's records: values by number become records, and the records
 * that come out become values by number again. An nd_reduce_function, with memory that is used for
 * one key after another.
 */

#include <nereid/collection.h>

#include "operators/differential/record_code.h"
#include "operators/differential/reduce_tactic.h"
#include "operators/differential/trace_column.h"

struct nd_reduction {
    nd_reduce_fn *fn;
    void *user;
    size_t in_size, record_size; /* bytes of a record that comes in, and out */
    nd_record_code in_key, in_value, out_key, out_value;
    nd_trace_code key;               /* that is looked at; lent, */
    const nd_vector *values;         /* nd_trace_code, by number: of what comes in; lent */
    nd_vector records, counts, text; /* the function's input: bytes, int64_t, bytes */
    bool has_key_record;
    nd_vector key_record, key_text; /* bytes: a record whose key fields are set */
    nd_vector said, said_counts;    /* bytes, int64_t: the function's output */
    nd_err err;
    nd_vector codes; /* bytes: values of the output, */
    nd_vector ends;  /* size_t, by number: where each ends */
    nd_vector slots; /* uint32_t: number + 1, or zero; open addressing; none while there are few */
    nd_vector spare; /* bytes */
    unsigned char nowhere[ND_MAX_FIELDS * sizeof(nd_bytes)]; /* for what cannot be kept */
};

/** Of records of type `in` and records of type `out`, whose first `n_key` fields are the key.
 * Allocates nothing. */
void nd_reduction_init(nd_reduction *reduction, const nd_type *in, const nd_type *out,
                       unsigned n_key);
void nd_reduction_deinit(nd_reduction *reduction);

/** Begins a key. Key and values are lent until the next. Values of the output have no numbers. */
void nd_reduction_begin(nd_reduction *reduction, nd_trace_code key, const nd_vector *values);

/** The number of a value of the output; new ones get the next. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_reduction_number(nd_reduction *reduction, nd_trace_code value,
                                      uint32_t *number);
/** The value of a number. Valid until the next one is numbered. */
nd_trace_code nd_reduction_value(const nd_reduction *reduction, uint32_t number);

/** The function; `reduction` is an nd_reduction. */
void nd_reduction_apply(void *reduction, const nd_tally *input, size_t len,
                        nd_reduce_output *output);

/** Bytes of a record of the output. */
size_t nd_reduction_record_size(const nd_reduction *out);

/** Fails the run. ND_FAILED: a count became too large. */
void nd_reduction_fail(nd_reduction *out, nd_err err);

#endif
