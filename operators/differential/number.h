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

/** The number of a code. */
static inline void nd_number_read(const unsigned char *code, size_t size, uint64_t *number)
{
    uint64_t first = 0, last;
    memcpy(&first, code, size < 8 ? size : 8);
    number[0] = __builtin_bswap64(first);
    if (size <= 8)
        return;
    memcpy(&last, code + size - 8, 8);
    number[1] = __builtin_bswap64(last) << 8 * (ND_NUMBER_BYTES - size);
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
