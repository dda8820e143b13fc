/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TYPE_INTERNAL_H
#define RUNTIME_TYPE_INTERNAL_H

/** @file
 * Reading the fields of a record. Fields are read by copying, so a record may lie at any address.
 */

#include <stdint.h>
#include <string.h>

#include <nereid/type.h>

/* Hashes are fixed for every machine, and narrow fields are read into the low bytes of wide
 * numbers. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

/** Where a field lies in a record. */
static inline const unsigned char *nd_field_at(const nd_field *field, const void *record)
{
    return (const unsigned char *)record + field->offset;
}

/** A boolean or unsigned field of at most eight bytes, or the bits of any other. */
static inline uint64_t nd_field_unsigned(const nd_field *field, const void *record)
{
    uint64_t value = 0;
    memcpy(&value, nd_field_at(field, record), field->size);
    return value;
}

/** A signed field. */
static inline int64_t nd_field_signed(const nd_field *field, const void *record)
{
    const uint64_t bits = nd_field_unsigned(field, record);
    const uint64_t sign = UINT64_C(1) << (8 * field->size - 1);
    return (int64_t)((bits ^ sign) - sign);
}

/** A float or double field. */
static inline double nd_field_float(const nd_field *field, const void *record)
{
    double wide;
    float narrow;
    if (field->size == sizeof narrow) {
        memcpy(&narrow, nd_field_at(field, record), sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, nd_field_at(field, record), sizeof wide);
    return wide;
}

/** A field of kind ND_KIND_BYTES. */
static inline nd_bytes nd_field_bytes(const nd_field *field, const void *record)
{
    nd_bytes bytes;
    memcpy(&bytes, nd_field_at(field, record), sizeof bytes);
    return bytes;
}

/** Writes a number in decimal, without a final zero byte, and returns its length, at most 20. */
size_t nd_u64_text(uint64_t value, char *text);

#endif
