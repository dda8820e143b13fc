/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_LINEAR_H
#define OPERATORS_DIFFERENTIAL_LINEAR_H

/** @file
 * What operators without state have in common. Rows are taken a piece at a time: records and stamps
 * are brought each side by side, so that a user's function sees an array, and what comes of them is
 * written out as rows.
 *
 * Such an operator is *linear*: what it makes of two collections together is what it makes of each
 * (DBSP, VLDB 2023, section 3). So it maps updates to updates, one by one, and keeps nothing.
 */

#include "operators/differential/row.h"

enum { ND_PIECE = 512 /* rows at once */ };

typedef struct nd_linear nd_linear;

/** Makes rows of `len` records with their stamps, at most ND_PIECE. */
typedef void nd_linear_fn(nd_vertex *vertex, nd_linear *self, const unsigned char *records,
                          const unsigned char *stamps, size_t len, nd_emit *out);

/** The state of such an operator's vertex. */
struct nd_linear {
    nd_linear_fn *apply;
    void (*fn)(void); /* the user's, as nd_linear_def gives it */
    nd_row in, out;
    unsigned char *records, *stamps; /* ND_PIECE of each */
    unsigned char *made;             /* room for as many of what comes out */
};

typedef struct nd_linear_def {
    const char *name;
    const nd_type *type; /* of the records that come out; NULL: the same */
    nd_linear_fn *apply;
    void (*fn)(void); /* must not be NULL, unless `is_plain` */
    bool is_plain;    /* there is no function */
    nd_user user;
} nd_linear_def;

/** Adds such an operator to the scope of `collection`. */
nd_collection nd_linear_new(nd_collection collection, const nd_linear_def *def);

/** Brings `len` rows' records, and their stamps as `to` has them, side by side. */
void nd_rows_gather(const nd_row *from, const nd_row *to, const unsigned char *rows, size_t len,
                    unsigned char *records, unsigned char *stamps);

/** Writes a row for each of `len` records. */
void nd_rows_scatter(const nd_row *row, const unsigned char *records, const unsigned char *stamps,
                     size_t len, nd_emit *out);

/** The difference of a stamp. */
static inline int64_t nd_stamp_diff(const nd_row *row, const unsigned char *stamp)
{
    int64_t diff;
    memcpy(&diff, stamp + row->stamp_size - 8, 8);
    return diff;
}

static inline void nd_stamp_set_diff(const nd_row *row, unsigned char *stamp, int64_t diff)
{
    memcpy(stamp + row->stamp_size - 8, &diff, 8);
}

/** Fails the run on behalf of a vertex. ND_FAILED: a difference became too large. */
void nd_collection_fail(nd_vertex *vertex, nd_err err);

#endif
