/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_UPDATES_H
#define OPERATORS_DIFFERENTIAL_UPDATES_H

/** @file
 * Updates in columns: codes of records (record_code.h), numbers of times in a table of their own,
 * differences.
 *
 * Consolidated, they are in order of their codes, and of one code in the total order of times, no
 * two of the same code and time, none with a difference of zero.
 */

#include "operators/differential/record_code.h"
#include "operators/differential/row.h"
#include "operators/differential/time_table.h"

typedef struct nd_updates {
    const nd_record_code *code; /* of whole records; lent */
    nd_vector codes;            /* bytes */
    nd_vector ends;             /* size_t: where each code ends, if they are not of one size */
    nd_vector times;            /* uint32_t: numbers in the table */
    nd_vector diffs;            /* int64_t */
    nd_time_table table;
} nd_updates;

void nd_updates_init(nd_updates *updates, const nd_record_code *code);
void nd_updates_deinit(nd_updates *updates);
/** Removes all; memory is kept. */
void nd_updates_clear(nd_updates *updates);

static inline size_t nd_updates_len(const nd_updates *updates) { return updates->diffs.len; }

/** The code of update `i`, of `*size` bytes. */
static inline const unsigned char *nd_updates_code(const nd_updates *updates, size_t i,
                                                   size_t *size)
{
    const unsigned char *const codes = updates->codes.items;
    if (updates->code->is_fixed) {
        *size = updates->code->size;
        return codes + i * updates->code->size;
    }
    const size_t *const ends = updates->ends.items;
    const size_t begin = i ? ends[i - 1] : 0;
    *size = ends[i] - begin;
    return codes + begin;
}

static inline const nd_time *nd_updates_time(const nd_updates *updates, size_t i)
{
    return nd_time_table_get(&updates->table, *(uint32_t *)nd_vector_at(&updates->times, i));
}

static inline int64_t nd_updates_diff(const nd_updates *updates, size_t i)
{
    return *(int64_t *)nd_vector_at(&updates->diffs, i);
}

/** Appends rows. Errors: ND_NOMEM, ND_FAILED
 * for too many times; some may have been appended then, as in all functions below. */
ND_CHECKED nd_err nd_updates_add_rows(nd_updates *updates, const nd_row *row, const void *rows,
                                      size_t len);

/** Appends an update by its code. */
ND_CHECKED nd_err nd_updates_add(nd_updates *updates, const unsigned char *code, size_t size,
                                 const nd_time *time, int64_t diff);

/** Appends update `i` of others, at `time`. */
ND_CHECKED nd_err nd_updates_add_from(nd_updates *updates, const nd_updates *from, size_t i,
                                      const nd_time *time);

/** Appends `len` updates of one time, by the numbers (number.h) of their codes. Without `diffs`
 * each has a difference of one. */
ND_CHECKED nd_err nd_updates_add_numbers(nd_updates *updates, const uint64_t *numbers,
                                         const int64_t *diffs, size_t len, const nd_time *time);

/** Consolidates. Errors: ND_NOMEM; ND_FAILED: a difference becomes too large. */
ND_CHECKED nd_err nd_updates_consolidate(nd_updates *updates);

/** Appends two consolidated ones to `out`, which is empty, consolidated. Linear. Errors: as there.
 */
ND_CHECKED nd_err nd_updates_merge(const nd_updates *a, const nd_updates *b, nd_updates *out);

#endif
