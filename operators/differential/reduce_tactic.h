/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_REDUCE_TACTIC_H
#define OPERATORS_DIFFERENTIAL_REDUCE_TACTIC_H

/** @file
 * Reduce for one key: from what is stored of it and what is new, the corrections that make the
 * output, at every time, the function of the input at that time.
 *
 * Times are partially ordered, so the output may have to change where no input did: at joins of
 * times of input. Those that are not complete yet are kept as *pending* times of the key, and given
 * back in later rounds. A pending time that gets lost is a wrong answer; one too many is harmless.
 *
 * The plain way is by the closure of times under joins (McSherry and others, *Differential
 * dataflow*, CIDR 2013). It is exponential in the number of incomparable times, bounded by the
 * product of the numbers of distinct coordinates. One thread at a time per tactic.
 */

#include "operators/differential/history.h"

/** What the function's output is put into. */
typedef struct nd_reduce_output {
    nd_vector counts; /* nd_tally */
    nd_err err;       /* the first that happened */
} nd_reduce_output;

/** Says that the output has `value`, `count` times; any order, counts of a value add up. Memory
 * that is refused fails the round. */
void nd_reduce_put(nd_reduce_output *output, uint32_t value, int64_t count);

/** Fails the round with `err`, unless it has failed. */
void nd_reduce_fail(nd_reduce_output *output, nd_err err);

/** The output from the input, whose `len` values are in order and whose counts are not zero, but
 * may be below. Pure. An input of `len` 0 (`input` may be NULL then) only comes where there is
 * output to be retracted, and should give none. */
typedef void (*nd_reduce_function)(void *context, const nd_tally *input, size_t len,
                                   nd_reduce_output *output);

/** A round of a key. All borrowed; the edits sorted, and none of it from the result of the tactic
 * that gets it. Input and output may have been advanced by the `upper` of earlier rounds. */
typedef struct nd_reduce_round {
    const nd_edit *input, *output, *batch;
    size_t n_input, n_output, n_batch;
    const nd_time *pending; /* what the rounds before have left, due or not, in any order */
    size_t n_pending;
    const nd_antichain *upper; /* times not at or after any of it are complete now */
    bool is_output_unknown; /* there is no `output`: it is the function of the input, all of which
                               stands at one time, at or before all others */
} nd_reduce_round;

/** Valid until the tactic's next round. */
typedef struct nd_reduce_result {
    const nd_edit *corrections; /* consolidated, at complete times, each after a cause: a time of
                                   the batch or a pending time that was due */
    size_t n_corrections;
    const nd_time *pending; /* those that are pending now, in total order: at or after `upper` */
    size_t n_pending;
} nd_reduce_result;

/** The function, and memory that is used again. */
typedef struct nd_reduce_tactic {
    nd_reduce_function function;
    void *context;
    nd_vector ground;           /* nd_time: what is joined with */
    nd_vector work;             /* nd_time: to be looked at, the least one last */
    nd_vector moments, pending; /* nd_time: what was found, in total order */
    nd_vector meets;            /* nd_time: of each moment and all later ones */
    nd_vector inputs, outputs;  /* nd_edit: stepped so far */
    nd_vector corrections;      /* nd_edit */
    nd_vector has, had;         /* nd_tally: of input and output, at a moment */
    nd_vector changes, spare;   /* nd_tally: for chains */
    nd_reduce_output output;
    bool is_plain; /* chains are treated as all others */
} nd_reduce_tactic;

/** Allocates nothing. `context` is lent to the tactic, and handed to the function. */
void nd_reduce_tactic_init(nd_reduce_tactic *tactic, nd_reduce_function function, void *context);
void nd_reduce_tactic_deinit(nd_reduce_tactic *tactic);

/** A round of a key: if its times are a chain in one pass (reduce_chain.h), else in the two steps
 * below. Errors: ND_NOMEM; ND_FAILED, a count or a
 * difference becomes too large; what the function fails with. After an error the tactic may be used
 * for other rounds. */
ND_CHECKED nd_err nd_reduce_key(nd_reduce_tactic *tactic, const nd_reduce_round *round,
                                nd_reduce_result *result);

/** The first step: `moments` to act at and `pending` times, in the tactic. Linear in the times of
 * the round for each moment, and in those still to be looked at for each new one.
 * Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_reduce_discover(nd_reduce_tactic *tactic, const nd_reduce_round *round);

/** The second step: `corrections` at the tactic's `moments`, however these have been found; they
 * are in total order, each once. Linear in the histories for each moment at least. Errors: as
 * nd_reduce_key. */
ND_CHECKED nd_err nd_reduce_correct(nd_reduce_tactic *tactic, const nd_reduce_round *round);

/** What either way does at a moment: first the function of what the tactic `has`, as its `output`,
 * consolidated. Errors: ND_NOMEM; ND_FAILED, a count becomes too large; what the function fails
 * with. */
ND_CHECKED nd_err nd_reduce_call(nd_reduce_tactic *tactic);

/** And then appends to the `corrections`, at `time`, what that is less what the output `had`.
 * Linear in both. Errors: ND_NOMEM; ND_FAILED, a difference becomes too large. */
ND_CHECKED nd_err nd_reduce_add_corrections(nd_reduce_tactic *tactic, const nd_time *time);

#endif
