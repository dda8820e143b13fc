/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_REDUCE_INPUT_H
#define OPERATORS_DIFFERENTIAL_REDUCE_INPUT_H

/** @file
 * What a reduction looks at, in rounds: one whenever the frontier of its input moves. The keys of a
 * round are those of the batches that have come, and those of pending times that are complete now.
 *
 *     nd_reduce_input_begin     a round, up to the frontier
 *     nd_reduce_input_next      key by key, in order
 *     nd_reduce_input_gather    what the key has
 *     nd_reduce_input_pend      and when it must be looked at again
 *     nd_reduce_input_finish    all has been looked at up to there
 *     nd_reduce_input_clear     in any case
 *
 * Invariants: `held` are the minimal times of the batches that have come and of all pending times,
 * nothing else, or loops would never end; a batch is looked at once, in the first round after it
 * has come; and up to where all has been looked at is said by `accepted`, never guessed from a
 * trace.
 *
 * Belongs to the worker of its vertex.
 */

#include "operators/differential/batcher.h"
#include "operators/differential/held.h"
#include "operators/differential/index.h"
#include "operators/differential/key_history.h"

typedef struct nd_reduce_input {
    nd_index *index;
    nd_trace_reader *reader;
    nd_antichain accepted;
    bool has_begun; /* a batch has come: what is imported comes late */
    nd_held held;
    nd_vector arrived;  /* nd_trace_batch *, owned, in the order they came, */
    nd_vector arrivals; /* and nd_time: when */
    nd_batcher pending; /* keys and times, each at least once */
    /* Of the round. */
    nd_antichain upper, left;
    nd_vector batches; /* nd_trace_batch *, owned: those of the two below */
    nd_vector stored;  /* nd_trace_seeker */
    nd_vector fresh;   /* nd_trace_cursor */
    nd_vector came;    /* nd_time: of each fresh batch, when */
    nd_vector *output; /* nd_trace_seeker, lent: where the same keys will be sought */
    nd_updates due;    /* keys and times that were pending, in order of keys */
    size_t next_due;
    /* Of the key. */
    bool is_in_key;
    nd_trace_code key;
    nd_vector times; /* nd_time: those that are due */
} nd_reduce_input;

/** Reads `index` from now on, in a scope inside so many loops; retains it. `output` stays what it
 * is. Errors: ND_NOMEM; it may be deinitialised then. */
ND_CHECKED nd_err nd_reduce_input_init(nd_reduce_input *input, nd_index *index, unsigned n_loops,
                                       nd_vector *output);
void nd_reduce_input_deinit(nd_reduce_input *input);

/** Keeps batches that have come, and holds their time. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_reduce_input_add(nd_reduce_input *input, nd_vertex *vertex,
                                      const nd_time *time, nd_batch *batch);

/** Begins a round: of what the frontier of the vertex's input 0 has made complete. Errors:
 * ND_NOMEM; ND_FAILED, a difference becomes too large. */
ND_CHECKED nd_err nd_reduce_input_begin(nd_reduce_input *input, nd_vertex *vertex);
/** Whether the round has a key. Before the first one. */
bool nd_reduce_input_has_work(const nd_reduce_input *input);

/** Goes to the next key; `is_in_key` is false behind the last. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_reduce_input_next(nd_reduce_input *input);

/** Adds what the key has to `history`, stored and fresh. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_reduce_input_gather(nd_reduce_input *input, nd_key_history *history);

/** The key is looked at again when `time` is complete. Errors: as nd_batcher_add_code. */
ND_CHECKED nd_err nd_reduce_input_pend(nd_reduce_input *input, const nd_time *time);

/** Up to the round's upper all has been looked at, and what was given out for it has been sent.
 * Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_reduce_input_finish(nd_reduce_input *input, nd_vertex *vertex);

/** Forgets the round. */
void nd_reduce_input_clear(nd_reduce_input *input);

#endif
