/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_QUERY_RECORD_H
#define TESTS_RANDOM_HARNESS_QUERY_RECORD_H

/** @file
 * What random queries are about: few records, each of which has a number, of several types. All
 * that is computed is computed by numbers, and a type only says how a number is written as a
 * record: so the types can but differ in how they are coded, sorted, hashed and sent.
 *
 * Numbers are in order of the records: of their keys first, then of their values.
 */

#include <nereid/collection.h>

enum { QUERY_KEYS = 5, QUERY_VALUES = 4, QUERY_RECORDS = QUERY_KEYS * QUERY_VALUES };

/** How often each record is there, by its number. */
typedef struct table {
    int64_t n[QUERY_RECORDS];
} table;

/** A type of records of a key and a value. */
typedef struct query_type {
    const nd_type *record;
    const nd_type *tally; /* the key, and an int64_t */
    void (*write)(unsigned number, void *record);
    unsigned (*read)(const void *record); /* QUERY_RECORDS and more: of no number */
    /* The number of a tally's key, and the tally's count. */
    unsigned (*read_tally)(const void *tally, int64_t *n);
    /* A record with an int64_t for its value. */
    void (*write_tally)(unsigned number, int64_t n, void *tally);
    const struct query_type *counted_as; /* the type whose tallies have the key, if not this */
} query_type;

/** Fields of four bytes, of eight, and strings of bytes with zeros in them, of which some are
 * others' beginnings. */
extern const query_type query_pairs, query_wide_pairs, query_words;

static inline unsigned key_of(unsigned number) { return number / QUERY_VALUES; }
static inline unsigned value_of(unsigned number) { return number % QUERY_VALUES; }
static inline unsigned number_of(unsigned key, unsigned value)
{
    return key * QUERY_VALUES + value;
}

#endif
