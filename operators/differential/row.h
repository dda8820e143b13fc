/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_ROW_H
#define OPERATORS_DIFFERENTIAL_ROW_H

/** @file
 * Rows: updates as they travel. A row is a record of a type that is derived from the collection's:
 *
 *     | the record's fields | zeros to a multiple of 8 | epoch 8 | counters 4 each | difference 8 |
 *                                                      |<-------------- the stamp -------------->|
 *
 * The key is the record's, so rows are exchanged, sent and unpacked as all records are. Of counters
 * there are none, two or four: as many as the scope of whoever wrote the row has loops, made even.
 *
 * A row's time is at or after that of its batch, as both are seen from whoever reads. A stream that
 * has entered a loop, or left one, carries the same rows: who reads them takes a counter that is
 * not there for zero, and does not look at one of a loop that was left. Which those are is known
 * when the graph is built: it stands beside the stream, in the nd_collection.
 */

#include <stdint.h>
#include <string.h>

#include <nereid/collection.h>

/** The shape of a row. */
typedef struct nd_row {
    const nd_type *type; /* of rows; kept by the worker */
    uint32_t record_size, stamp_offset, stamp_size;
    unsigned n_loops; /* counters that count: those of the loops that both the writer and the reader
                         are inside of, and that were not left in between */
} nd_row;

enum { ND_STAMP_MOST = 8 + 4 * ND_MAX_LOOPS + 8 };

/** The row of records of `record` that a vertex of `scope` writes. Its type is NULL after a
 * mistake, which has been noted. */
nd_row nd_row_make(nd_scope *scope, const nd_type *record);

/** The row that a collection's stream carries. Its type is NULL after a mistake, which has been
 * noted: the stream carries something else. */
nd_row nd_row_of(nd_collection collection);

/** What stands last in the rows of an input: a difference, or a word (upsert.c). */
typedef enum nd_row_kind { ND_ROW_DIFFERENCE, ND_ROW_WORD } nd_row_kind;

/** The row of an input's type, in the root scope; false if it is not such an input's. */
bool nd_row_of_input(const nd_type *type, nd_row_kind kind, nd_row *row);

/** Sends a record with a word to an input of such. */
void nd_input_say(nd_input *input, const void *record, int64_t word);

/** The row of records of `record` that ends with a word, in the root scope. Its type is NULL after
 * a mistake, which has been noted. */
nd_row nd_row_make_word(nd_dataflow *flow, const nd_type *record);

static inline int64_t nd_row_diff(const nd_row *row, const void *place)
{
    int64_t diff;
    memcpy(&diff, (const unsigned char *)place + row->stamp_offset + row->stamp_size - 8, 8);
    return diff;
}

/** The time as the reader sees it. */
static inline nd_time nd_row_time(const nd_row *row, const void *place)
{
    nd_time time = {.epoch = 0};
    const unsigned char *const stamp = (const unsigned char *)place + row->stamp_offset;
    memcpy(&time.epoch, stamp, 8);
    for (unsigned i = 0; i < row->n_loops; i++)
        memcpy(&time.loop[i], stamp + 8 + 4 * i, 4);
    return time;
}

/** Writes a stamp. */
static inline void nd_row_stamp(const nd_row *row, void *place, const nd_time *time, int64_t diff)
{
    unsigned char *const stamp = (unsigned char *)place + row->stamp_offset;
    memcpy(stamp, time, row->stamp_size - 8); /* a time begins with its epoch and its counters */
    memcpy(stamp + row->stamp_size - 8, &diff, 8);
}

/** Clears what may be padding; before the record is written. */
static inline void nd_row_clear(const nd_row *row, void *place)
{
    memset((unsigned char *)place + row->stamp_offset - 8, 0, 8);
}

#endif
