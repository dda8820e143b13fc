/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_COLUMN_H
#define OPERATORS_DIFFERENTIAL_TRACE_COLUMN_H

/** @file
 * Columns of codes (record_code.h) side by side, and how one is found among those in order.
 *
 * Codes of 4 and 8 bytes, which is most keys there are, are big-endian numbers. Those of 12 and 16
 * bytes begin with one.
 * Pure; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** A code, wherever it lies. `bytes` may be NULL if `size` is zero. */
typedef struct nd_trace_code {
    const unsigned char *bytes;
    size_t size;
} nd_trace_code;

/** Codes, by number. All is lent. */
typedef struct nd_trace_column {
    const unsigned char *bytes;
    const uint32_t *starts; /* len + 1: where each begins, and the end; NULL: all have one size */
    uint32_t size;          /* which is this */
    uint32_t len;
    uint64_t last; /* nd_trace_column_number of the last code; zero if that cannot be asked */
} nd_trace_column;

/** Code `i`, which is below `len`. */
static inline nd_trace_code nd_trace_column_get(const nd_trace_column *column, uint32_t i)
{
    if (!column->starts)
        return (nd_trace_code){column->bytes + (size_t)i * column->size, column->size};
    const uint32_t begin = column->starts[i];
    return (nd_trace_code){column->bytes + begin, column->starts[i + 1] - begin};
}

static inline uint32_t nd_trace_load_4(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline uint64_t nd_trace_load_8(const unsigned char *bytes)
{
    return (uint64_t)nd_trace_load_4(bytes) << 32 | nd_trace_load_4(bytes + 4);
}

/** Whether codes are numbers, or begin with one of eight bytes, by which they are sought. */
static inline bool nd_trace_column_has_numbers(const nd_trace_column *column)
{
    const uint32_t size = column->size;
    return !column->starts && (size == 4 || size == 8 || size == 12 || size == 16);
}

/** Code `i` of such a column, or its beginning. */
static inline uint64_t nd_trace_column_number(const nd_trace_column *column, uint64_t i)
{
    const unsigned char *const bytes = column->bytes + i * column->size;
    return column->size == 4 ? nd_trace_load_4(bytes) : nd_trace_load_8(bytes);
}

/** Finds `last`, once all else is there. */
static inline void nd_trace_column_note_last(nd_trace_column *column)
{
    const bool has_last = column->len != 0 && nd_trace_column_has_numbers(column);
    column->last = has_last ? nd_trace_column_number(column, column->len - 1) : 0;
}

/** The order of codes of one size from 8 to 16 bytes: by their first eight bytes, and if they are
 * alike in these, by their last eight. */
static inline int nd_trace_compare_two(const unsigned char *a, const unsigned char *b, size_t size)
{
    uint64_t x = nd_trace_load_8(a), y = nd_trace_load_8(b);
    if (x == y) {
        x = nd_trace_load_8(a + size - 8);
        y = nd_trace_load_8(b + size - 8);
    }
    return (x > y) - (x < y);
}

/** The order of codes: negative, zero or positive. */
static inline int nd_trace_code_compare(nd_trace_code a, nd_trace_code b)
{
    if (a.size == 4 && b.size == 4) {
        const uint32_t x = nd_trace_load_4(a.bytes), y = nd_trace_load_4(b.bytes);
        return (x > y) - (x < y);
    }
    if (a.size == 8 && b.size == 8) {
        const uint64_t x = nd_trace_load_8(a.bytes), y = nd_trace_load_8(b.bytes);
        return (x > y) - (x < y);
    }
    if (a.size == b.size && a.size > 8 && a.size <= 16)
        return nd_trace_compare_two(a.bytes, b.bytes, a.size);
    const size_t common = a.size < b.size ? a.size : b.size;
    const int order = common ? memcmp(a.bytes, b.bytes, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/** The number of the first of the codes `from` to `to` - 1, which are in order, that is not below
 * `code`; `to` if there is none. Logarithmic in how far it is from `from`, or better, where codes
 * are numbers that are spread evenly. */
uint32_t nd_trace_column_seek(const nd_trace_column *column, uint32_t from, uint32_t to,
                              nd_trace_code code);

/** Where among them `code` might be, from what is at both ends. The column has numbers, and the
 * code is of its size. */
uint32_t nd_trace_column_guess(const nd_trace_column *column, uint32_t from, uint32_t to,
                               nd_trace_code code);

#endif
