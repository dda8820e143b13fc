/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_TIMELY_TOTALS_H
#define OPERATORS_TIMELY_TOTALS_H

/** @file
 * One record for each key: an open-addressing table whose entries are records, side by side in the
 * order in which their keys first appeared. Belongs to one worker.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/type.h>

typedef struct nd_totals_chunk nd_totals_chunk;

typedef struct nd_totals {
    const nd_type *type;
    unsigned char *records; /* one a key */
    size_t len, capacity;
    uint64_t *slots;         /* zero, or part of the hash above and the record's index + 1 below */
    size_t n_slots;          /* a power of two, more than twice `len`; or zero */
    nd_totals_chunk *chunks; /* what the keys' nd_bytes fields point to; newest first */
} nd_totals;

/** Set in a place that nd_totals_find has made: the record there is a copy of the one that was
 * looked for. */
#define ND_TOTALS_NEW (UINT32_C(1) << 31)

/** An empty table of records of `type`, which is flat or has nd_bytes fields in its key only.
 * Allocates nothing. */
void nd_totals_init(nd_totals *totals, const nd_type *type);

/** Frees everything; the table is empty afterwards. */
void nd_totals_deinit(nd_totals *totals);

/** Removes all records. Keeps the memory of a table that was well filled, since fresh pages cost
 * more than clearing these; frees that of one that was not. */
void nd_totals_clear(nd_totals *totals);

/** Sets `places[i]` to the index of the record with the key of `records[i]`, whose hash is
 * `hashes[i]`; a key that is not there is added with its record, and the place marked
 * ND_TOTALS_NEW. Records move: old addresses are void. Errors: ND_NOMEM, with nothing changed or
 * some keys added. Expected time linear in `len`. */
ND_CHECKED nd_err nd_totals_find(nd_totals *totals, const void *records, const uint64_t *hashes,
                                 size_t len, uint32_t *places);

#endif
