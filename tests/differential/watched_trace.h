/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DIFFERENTIAL_WATCHED_TRACE_H
#define TESTS_DIFFERENTIAL_WATCHED_TRACE_H

/** @file
 * A trace, and the list of everything that was ever added to it; and readers whose holds are known.
 */

#include "operators/differential/trace.h"
#include "tests/differential/naive_trace.h"

enum { WATCHED_SIDE = 3 /* of counters of loops */ };

/* Where a batch ends. */
typedef struct watched_end_of {
    uint64_t epoch;
    size_t n; /* updates up to there */
} watched_end_of;

typedef struct watched_trace {
    nd_trace *trace;
    const nd_trace_shape *shape;
    nd_random random;
    unsigned n_coordinates;
    naive_update *all; /* owned */
    size_t n, most;
    watched_end_of *ends; /* owned; one a batch */
    size_t n_ends;
    uint64_t begun; /* where the next batch begins */
    uint64_t epoch; /* what is added next; all before is there */
} watched_trace;

/** At most `most` updates will be added, whose times have `n_coordinates`. */
watched_trace watched_begin(uint64_t seed, const nd_trace_shape *shape, unsigned n_coordinates,
                            size_t most);
/** Gives the trace back, unless it was given already, and the list. */
void watched_end(watched_trace *self);

/** Adds what happens in the next `n_epochs`, some of `len` updates, as one batch; if nothing does,
 * or all of it cancels, none. */
void watched_add(watched_trace *self, uint64_t n_epochs, size_t len);
/** As watched_add, of these updates, with the times they have. They are consolidated in place. */
void watched_add_these(watched_trace *self, uint64_t n_epochs, naive_update *updates, size_t len);

/** Asserts that the trace has at `time` what was added at or before it, in batches that end at or
 * before epoch `through`, or in all if that is zero: once by batches, once by views. */
void watched_expect(watched_trace *self, const nd_time *time, uint64_t through);

/** The only batch there is, retained. */
nd_trace_batch *watched_only_batch(const watched_trace *self);

/** Calls nd_trace_exert until it says that nothing is left. Returns the number of calls. */
unsigned watched_exert_all(watched_trace *self, uint64_t fuel);

typedef struct watched_reader {
    nd_trace_reader *reader;
    nd_antichain since; /* what it must hold */
    uint64_t accepted;
} watched_reader;

watched_reader watched_reader_begin(const watched_trace *self);
void watched_reader_end(watched_reader *reader);
/** Holds from epoch `since` on, and has accepted up to epoch `accepted`. */
void watched_hold(watched_reader *reader, uint64_t since, uint64_t accepted);
/** Moves both holds by chance, or says something earlier that does not count. */
void watched_move(watched_trace *self, watched_reader *reader);
/** A time that the reader may ask about. It asks about some. */
nd_time watched_time(watched_trace *self, const watched_reader *reader);

#endif
