/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_GATHER_H
#define NEREID_TOOLS_GATHER_H

/* Where the changes of an answer come together: on worker 0, in process 0. */

#include <stddef.h>
#include <stdint.h>

#include <nereid/collection.h>
#include <nereid/worker.h>

enum { CHANGE_VALUES = 2 };

/* A row of the answer that comes or goes. */
typedef struct change {
    uint64_t epoch, id;
    uint64_t values[CHANGE_VALUES]; /* the fields behind the id, as they lie in memory; else zero */
    int64_t diff;
} change;

/* Epochs before `before` are complete, and these are their changes that were not seen yet: sorted
 * by epoch, by id, what goes before what comes. Lent. A failure ends the run. */
typedef nd_err gather_fn(void *user, uint64_t before, const change *changes, size_t len,
                         nd_message *message);

/* Has `fn` called on worker 0 as epochs get complete. The answer's records consist of an id, the
 * key, and up to CHANGE_VALUES fields, of eight bytes each. The probe is behind until `fn` has
 * returned. */
nd_probe *gather(nd_worker *worker, nd_collection answer, gather_fn *fn, void *user);

#endif
