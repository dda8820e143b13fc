/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_LOOKUP_H
#define OPERATORS_DIFFERENTIAL_LOOKUP_H

/** @file
 * Looking up what an arrangement has under a key at an epoch, for keys that come in order: some at
 * once are sought in the batches of its trace, and then the records of each are added up.
 *
 * In the root scope, whose times are epochs. Belongs to a worker.
 */

#include "operators/differential/index.h"
#include "operators/differential/trace_seeker.h"

typedef struct nd_lookup {
    const nd_index *index;                 /* lent */
    nd_vector batches;                     /* nd_trace_batch *, owned */
    nd_vector places;                      /* where it stands in each batch */
    nd_trace_code keys[ND_TRACE_FORESEEN]; /* that were sought, lent, */
    uint32_t there;                        /* and which of them any batch has: bits */
    nd_vector here;    /* where the batches stand that have the key that was looked up, */
    nd_trace_code key; /* which is this, if `is_found` */
    uint64_t upto;
    bool is_found;
    size_t n_keys;       /* that will be looked up, at the most */
    unsigned char *head; /* a record with this key; owned */
    nd_vector records;   /* what there is, in order, each once, */
    nd_vector counts;    /* and int64_t, how often; never zero */
    nd_vector texts;     /* void *, owned: what records point to that does not stand in a batch */
    unsigned char *room; /* in the last of them */
    size_t room_size;
} nd_lookup;

/** For looking up in `index`. To be ended with deinit also where this has failed. Errors: ND_NOMEM.
 */
ND_CHECKED nd_err nd_lookup_init(nd_lookup *lookup, const nd_index *index);
void nd_lookup_deinit(nd_lookup *lookup);

/** From now on all that the index has is looked through, for at most `n_keys` keys. Errors:
 * ND_NOMEM. */
ND_CHECKED nd_err nd_lookup_begin(nd_lookup *lookup, size_t n_keys);

/** Seeks the next keys, at least one and at most ND_TRACE_FORESEEN, in order and not below those
 * before, in all batches: what waits for memory waits together. They stay where they are until the
 * next call. Logarithmic in the number of keys, each. */
void nd_lookup_seek(nd_lookup *lookup, const nd_trace_code *keys, size_t n_keys);

/** Lets batches go, and with them what records point to. */
void nd_lookup_end(nd_lookup *lookup);

/** Finds the records under key `i` of those that have been sought, which are looked up in order,
 * added up over all times until the end of epoch `upto`. Linear in what the key has. Errors:
 * ND_NOMEM; ND_FAILED: there are too many. */
ND_CHECKED nd_err nd_lookup_find(nd_lookup *lookup, size_t i, uint64_t upto);

/** Room for `size` bytes of text that last until the end. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_lookup_get_room(nd_lookup *lookup, size_t size);

#endif
