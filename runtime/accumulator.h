/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_ACCUMULATOR_H
#define RUNTIME_ACCUMULATOR_H

/** @file
 * What a process tells the others of one dataflow: its workers' frames, added up (Naiad, SOSP 2013,
 * section 3.3).
 *
 * In *demand* mode the sum is kept back, whole, while every retraction in it is covered: while its
 * time would still be implied at its location by something else that is under way, so that telling
 * it could move no frontier. What is kept may cancel, so most of what happens inside a loop is
 * never told. The test is made again whenever anything changes, also by what others tell.
 *
 * Invariant: what is sent is a sum of whole frames of the process's workers, each in the order it
 * came; so others see a prefix of what the process has done.
 *
 * One thread at a time.
 */

#include "runtime/change_batch.h"
#include "runtime/topology.h"

typedef enum nd_publish_mode {
    ND_PUBLISH_DEMAND,  /* when it could move a frontier */
    ND_PUBLISH_EAGER,   /* after every frame */
    ND_PUBLISH_BY_VIEW, /* a faulty rule, for tests: covered is also what the view itself counts */
} nd_publish_mode;

typedef struct nd_accumulator nd_accumulator;

/** `initial` are the counts that everybody knows from the graph. The topology is borrowed until the
 * call returns. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_accumulator_create(const nd_topology *topology, const nd_change *initial,
                                        size_t n_initial, nd_publish_mode mode,
                                        nd_accumulator **accumulator);

/** Frees; NULL is fine. */
void nd_accumulator_destroy(nd_accumulator *accumulator);

/** A frame of a worker of this process (`is_own`), to be told, or of another process. Errors:
 * ND_PROTO for what no correct peer sends; ND_NOMEM. */
ND_CHECKED nd_err nd_accumulator_add(nd_accumulator *accumulator, const nd_change *changes,
                                     size_t len, bool is_own);

/** What is to be told to all other processes now, as one frame; `*len` is zero when nothing is.
 * Lent until the next call. To be called after every add. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_accumulator_take(nd_accumulator *accumulator, const nd_change **changes,
                                      size_t *len);

/** Changes the rule for what comes from now on. For tests. */
void nd_accumulator_set_mode(nd_accumulator *accumulator, nd_publish_mode mode);

/** Whether nothing is kept back and nothing is under way. */
bool nd_accumulator_is_empty(nd_accumulator *accumulator);

#endif
