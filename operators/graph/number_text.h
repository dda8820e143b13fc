/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_NUMBER_TEXT_H
#define NEREID_OPERATORS_GRAPH_NUMBER_TEXT_H

/* Numbers in text. All functions are pure and read at most eight bytes beyond the number's last
 * character. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* Reads the digits at `text` behind a number already read, and moves it along; NULL if it does not
 * fit 64 bits. */
const char *scan_more_digits(const char *text, uint64_t *number);

/* Reads a finite decimal such as -1, .5 or 1e-3; NULL where none stands or it is too great. -0
 * becomes 0. */
const char *scan_decimal(const char *text, double *number);

/* Reads up to eight digits at once, without a branch for each; returns how many there are.
 *
 * The eight characters lie in one word, the first one lowest. After the exclusive or, a digit is
 * its own value, and adding 6 lifts every other character, and no digit, into the upper half of its
 * byte (a carry can only spoil bytes after the first such). Shifting the digits to the top leaves
 * zeros in front, and three multiplications add up pairs, fours and eights. */
static inline unsigned scan_eight_digits(const char *text, uint64_t *number)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= UINT64_C(0x3030303030303030);
    const uint64_t others =
        (word | (word + UINT64_C(0x0606060606060606))) & UINT64_C(0xf0f0f0f0f0f0f0f0);
    const unsigned n_digits = others == 0 ? 8 : (unsigned)__builtin_ctzll(others) >> 3;
    if (n_digits == 0)
        return 0;
    word <<= 64 - 8 * n_digits;
    word = (word * (1 + (10 << 8))) >> 8 & UINT64_C(0x00ff00ff00ff00ff);
    word = (word * (1 + (100 << 16))) >> 16 & UINT64_C(0x0000ffff0000ffff);
    *number = (word * (1 + (UINT64_C(10000) << 32))) >> 32;
    return n_digits;
}

/* Reads an unsigned 64-bit number; NULL where none stands or it does not fit, else the character
 * after it. */
static inline const char *scan_unsigned(const char *text, uint64_t *number)
{
    static const uint32_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    const unsigned n_first = scan_eight_digits(text, number);
    if (n_first < 8)
        return n_first > 0 ? text + n_first : NULL;
    uint64_t low = 0;
    const unsigned n_second = scan_eight_digits(text + 8, &low);
    *number = *number * powers[n_second] + low;
    return n_second < 8 ? text + 8 + n_second : scan_more_digits(text + 16, number);
}

#endif
