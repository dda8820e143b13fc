/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_WORKLIST_H
#define RUNTIME_WORKLIST_H

/** @file
 * Frontier changes on their way: a binary heap in path order (runtime/topology.h), from which equal
 * entries come added up. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

/** `delta` more ways for `time` to appear at `node`. */
typedef struct nd_work {
    nd_time time;
    uint32_t node;
    int32_t delta;
} nd_work;

typedef struct nd_worklist {
    nd_work *items;
    size_t len, capacity;
    const uint32_t *places; /* ND_COORDINATES for each node; no two nodes have the same */
} nd_worklist;

/** An empty worklist of nodes with `places`, lent until deinit. Allocates nothing. */
void nd_worklist_init(nd_worklist *list, const uint32_t *places);

/** Frees the entries; a zeroed worklist is fine. */
void nd_worklist_deinit(nd_worklist *list);

/** Where the next entry is to be written, for nd_worklist_push to add it; or NULL without memory.
 * The place is good until the worklist is used otherwise, and may be given up. (Entries are written
 * where they stay, since copying what was written piece by piece a moment ago is what costs most
 * here.) */
nd_work *nd_worklist_slot(nd_worklist *list);

/** Adds the entry that was written into the slot. Logarithmic. */
void nd_worklist_push(nd_worklist *list);

/** Takes the first in path order, with the deltas of all entries for the same time and node added
 * up (to zero, perhaps). False when there is none. Logarithmic for each entry taken. */
bool nd_worklist_pop(nd_worklist *list, nd_work *first);

#endif
