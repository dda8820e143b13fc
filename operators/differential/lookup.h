/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_LOOKUP_H
#define OPERATORS_DIFFERENTIAL_LOOKUP_H

/** @file
 * Looking up what an arrangement has under a key at an epoch, for keys that come in order: cursors
 * gallop or leap through the batches of its trace, and the records they find
 * are added up.
 *
 * In the root scope, whose times are epochs. Belongs to a worker.
 */

#include "operators/differential/index.h"
#include "operators/differential/trace_cursor.h"

typedef struct nd_lookup {
    const nd_index *index; /* lent */
    nd_vector batches;     /* nd_trace_batch *, owned */
    nd_vector places;      /* where it stands in each batch */
    nd_vector here;        /* of these, those that stand at the key that was looked up */
    nd_trace_code key;     /* which is this, if `is_found` */
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

/** A hint that these keys will be looked up next, at most ND_TRACE_FORESEEN. */
void nd_lookup_foresee(const nd_lookup *lookup, const nd_trace_code *keys, size_t n_keys);

/** Lets batches go, and with them what records point to. */
void nd_lookup_end(nd_lookup *lookup);

/** Finds the records under `key`, which is not below the last one and stays where it is until the
 * next call, added up over all times until the end of epoch `upto`. Logarithmic in the number of
 * keys, and linear in what the key has. Errors: ND_NOMEM; ND_FAILED: there are too many. */
ND_CHECKED nd_err nd_lookup_find(nd_lookup *lookup, nd_trace_code key, uint64_t upto);

/** Room for `size` bytes of text that last until the end. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_lookup_get_room(nd_lookup *lookup, size_t size);

#endif
