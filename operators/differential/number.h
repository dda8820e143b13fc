/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_NUMBER_H
#define OPERATORS_DIFFERENTIAL_NUMBER_H

/** @file
 * Codes (record_code.h) of one size, from one to sixteen bytes, as numbers: their bytes, the first
 * one the highest, and zeros behind them. The order of numbers is that of the codes.
 *
 * A number is one word, or two if codes have more than eight bytes, the higher one first. `words`
 * is which of the two, 1 or 2, and mostly a constant where it is used. Pure; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ND_NUMBER_BYTES = 16, ND_NUMBER_WORDS = 2 }; /* at the most */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as they stand");

/** Words of the numbers of codes of `size` bytes. */
static inline unsigned nd_number_words(size_t size) { return size > 8 ? 2 : 1; }

/** Four bytes as a number, the first one the highest. */
static inline uint32_t nd_number_load_4(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return __builtin_bswap32(word);
}

/** And eight. */
static inline uint64_t nd_number_load_8(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return __builtin_bswap64(word);
}

/** The order of codes of one size: 4, or from 8 to 16. Negative, zero or positive. */
static inline int nd_number_compare_codes(const unsigned char *a, const unsigned char *b,
                                          size_t size)
{
    if (size == 4) {
        const uint32_t x = nd_number_load_4(a), y = nd_number_load_4(b);
        return (x > y) - (x < y);
    }
    uint64_t x = nd_number_load_8(a), y = nd_number_load_8(b);
    if (size > 8 && x == y) { /* then also where the last eight overlap them */
        x = nd_number_load_8(a + size - 8);
        y = nd_number_load_8(b + size - 8);
    }
    return (x > y) - (x < y);
}

/** The number of a code. */
static inline void nd_number_read(const unsigned char *code, size_t size, uint64_t *number)
{
    uint64_t first = 0;
    memcpy(&first, code, size < 8 ? size : 8);
    number[0] = __builtin_bswap64(first);
    if (size <= 8)
        return;
    number[1] = nd_number_load_8(code + size - 8) << 8 * (ND_NUMBER_BYTES - size);
}

/** Writes the code of a number, and the zeros behind it, to `code`, which has room for 8 `words`
 * bytes. */
static inline void nd_number_write(const uint64_t *number, unsigned words, unsigned char *code)
{
    for (unsigned i = 0; i < words; i++) {
        const uint64_t bytes = __builtin_bswap64(number[i]);
        memcpy(code + 8 * i, &bytes, 8);
    }
}

static inline bool nd_number_equal(const uint64_t *a, const uint64_t *b, unsigned words)
{
    return a[0] == b[0] && (words == 1 || a[1] == b[1]);
}

static inline bool nd_number_is_below(const uint64_t *a, const uint64_t *b, unsigned words)
{
    return a[0] < b[0] || (words == 2 && a[0] == b[0] && a[1] < b[1]);
}

static inline void nd_number_copy(uint64_t *to, const uint64_t *from, unsigned words)
{
    to[0] = from[0];
    if (words == 2)
        to[1] = from[1];
}

#endif
