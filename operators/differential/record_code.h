/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_RECORD_CODE_H
#define OPERATORS_DIFFERENTIAL_RECORD_CODE_H

/** @file
 * Codes: a part of a record (a run of its fields: the key, the value, or all) as a string of bytes.
 *
 * The order of codes as bytes (memcmp, and of a code and its beginning the shorter one first) is
 * the order of nd_type_compare over the part's fields; the fields can be read back; and there is no
 * pointer in a code. So codes are sorted, merged, searched, moved and stored without a look at
 * their type. A part has one code, and a code is of one part: equal codes are equal parts.
 *
 *     bool, unsigned   big-endian
 *     signed           big-endian, the sign bit turned over
 *     float, double    big-endian, the sign bit turned over, in negative numbers all bits
 *     nd_bytes         as they stand, to the end of the code, if they are the part's last field
 *                      and the code is not closed; else each byte 00 becomes 00 FF, and 00 01
 *                      follows the last
 *
 * A closed code may be followed by another. So the closed code of a key, and behind it that of the
 * other fields, is a code of the whole record.
 *
 * Floats keep all their bits: should they occur, -0.0 stands just before 0.0, and a NaN before or
 * after all numbers, by its sign. Codes are part of the checkpoint format: they never change.
 *
 * All functions are pure; any thread. Records and codes may lie at any address.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/type.h>

/** What the codes of one part are made of. Plain data; read only once made. */
typedef struct nd_record_code {
    const nd_type *type; /* borrowed for as long as this is used */
    unsigned first;      /* the part: fields first to first + n_fields - 1 of the type */
    unsigned n_fields;
    bool is_closed; /* it says itself where it ends: its last field is written as all others */
    bool is_fixed;  /* whether all codes have one size: no field is nd_bytes */
    uint32_t size;  /* bytes of a code if that is fixed, else its bytes beside the nd_bytes */
} nd_record_code;

/** Makes the code of `n_fields` fields, possibly none, from field `first` on. `type` is a checked
 * type (nd_type_check) that has these fields. */
void nd_record_code_init(nd_record_code *code, const nd_type *type, unsigned first,
                         unsigned n_fields);

/** As above, and closed. */
void nd_record_code_init_closed(nd_record_code *code, const nd_type *type, unsigned first,
                                unsigned n_fields);

/** Bytes of the code at the beginning of `bytes`, which is closed, or ends there; SIZE_MAX if there
 * is none. */
size_t nd_record_code_prefix(const nd_record_code *code, const unsigned char *bytes, size_t size);

/** Bytes of the code of a record's part. */
size_t nd_record_code_size(const nd_record_code *code, const void *record);

/** Writes the code of a record's part to `out`, which has room for nd_record_code_size bytes, and
 * returns that size. */
size_t nd_record_code_write(const nd_record_code *code, const void *record, unsigned char *out);

/** Writes the codes of `len` records, `stride` bytes from one to the next, side by side to `out`.
 * For fixed sizes only. */
void nd_record_code_write_many(const nd_record_code *code, const void *records, size_t stride,
                               size_t len, unsigned char *out);

/** Whether `bytes` are a code of this part, wherever they come from: of the right size, complete,
 * and a boolean is zero or one. */
bool nd_record_code_is_valid(const nd_record_code *code, const unsigned char *bytes, size_t size);

/** Reads a valid code into the part's fields of `record`, which is a whole struct; its other fields
 * stay. nd_bytes fields point into `bytes`, or, if they contain zero bytes and are not the part's
 * last, into `spare`, which has room for `size` bytes (and may be NULL if the size is fixed).
 * Returns how many bytes of `spare` were used. */
size_t nd_record_code_read(const nd_record_code *code, const unsigned char *bytes, size_t size,
                           void *record, unsigned char *spare);

/** Reads `len` valid codes that stand side by side into the part's fields of records, `stride`
 * bytes from one to the next; their other fields stay. For fixed sizes only. */
void nd_record_code_read_many(const nd_record_code *code, const unsigned char *bytes, size_t len,
                              void *records, size_t stride);

#endif
