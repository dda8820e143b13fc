/* SPDX-License-Identifier: Apache-2.0 */
/* Galloping: steps of doubled length until one is too long. What is not near is looked for where it
 * would be if codes were spread evenly, a few times, for each look at a long column is a cache
 * miss; then halving. The search is written once, and compiled for each width. */
#include "operators/differential/trace_column.h"

#define KERNEL static inline __attribute__((always_inline)) /* a width becomes a constant */

enum {
    STEP = 2,   /* the longest, where there are guesses */
    NEAR = 8,   /* codes */
    GUESSES = 4 /* at the most */
};

/* What is looked for, as a code and as a number, which it is or begins with. */
typedef struct needle {
    nd_trace_code code;
    uint64_t number;
} needle;

/* Codes from `low`, which is below, to `high`, which is not, or is the end. */
typedef struct range {
    uint64_t low, high;
} range;

/* A width of zero stands for codes that are no numbers. */
KERNEL uint64_t number_at(const nd_trace_column *column, uint64_t i, unsigned width)
{
    const unsigned char *const bytes = column->bytes + i * width;
    return width == 4 ? nd_trace_load_4(bytes) : nd_trace_load_8(bytes);
}

KERNEL bool is_below(const nd_trace_column *column, uint64_t i, const needle *wanted,
                     unsigned width)
{
    if (width == 4 || width == 8)
        return number_at(column, i, width) < wanted->number;
    if (width)
        return nd_trace_compare_two(column->bytes + i * width, wanted->code.bytes, width) < 0;
    return nd_trace_code_compare(nd_trace_column_get(column, (uint32_t)i), wanted->code) < 0;
}

/* --- Guessing --- */

/* Where the code would be in a range, if codes were spread evenly; neither end. There is a code in
 * between. */
KERNEL uint64_t guess(const nd_trace_column *column, range in, uint64_t number, unsigned width)
{
    const uint64_t last = in.high - 1, first = number_at(column, in.low, width);
    const uint64_t end = in.high == column->len ? column->last : number_at(column, last, width);
    const double all = (double)(end - first), part = (double)(number - first);
    if (part >= all) /* also if there is but one number */
        return last;
    const uint64_t place = in.low + (uint64_t)(part / all * (double)(last - in.low));
    return place > in.low ? place : in.low + 1;
}

KERNEL uint32_t guess_number(const nd_trace_column *column, uint32_t from, uint32_t to,
                             uint64_t number, unsigned width)
{
    if (to - from < 2 || number_at(column, from, width) >= number)
        return from;
    return (uint32_t)guess(column, (range){from, to}, number, width);
}

uint32_t nd_trace_column_guess(const nd_trace_column *column, uint32_t from, uint32_t to,
                               nd_trace_code code)
{
    if (column->size == 4)
        return guess_number(column, from, to, nd_trace_load_4(code.bytes), 4);
    const uint64_t number = nd_trace_load_8(code.bytes);
    switch (column->size) {
    case 8:
        return guess_number(column, from, to, number, 8);
    case 12:
        return guess_number(column, from, to, number, 12);
    default:
        return guess_number(column, from, to, number, 16);
    }
}

/* Narrows a long range. The second guess is mostly wrong by little, so its neighbourhood is looked
 * at, too. */
KERNEL range narrow(const nd_trace_column *column, range in, const needle *wanted, unsigned width)
{
    for (unsigned i = 0; i < GUESSES && in.high - in.low > NEAR; i++) {
        const uint64_t place = guess(column, in, wanted->number, width);
        if (is_below(column, place, wanted, width)) {
            in.low = place;
            if (i > 0 && in.high - place > NEAR && !is_below(column, place + NEAR, wanted, width))
                in.high = place + NEAR;
        } else {
            in.high = place;
            if (i > 0 && place - in.low > NEAR && is_below(column, place - NEAR, wanted, width))
                in.low = place - NEAR;
        }
    }
    return in;
}

/* --- Seeking --- */

/* Numbers in 64 bits, so that no step is too long for them. */
KERNEL uint64_t seek(const nd_trace_column *column, uint64_t from, uint64_t to,
                     const needle *wanted, unsigned width)
{
    if (from == to || (width && to == column->len && column->last < wanted->number))
        return to;
    if (!is_below(column, from, wanted, width))
        return from;
    range in = {from, to};
    for (uint64_t step = 1; step < in.high - in.low && (!width || step <= STEP); step *= 2) {
        if (is_below(column, in.low + step, wanted, width))
            in.low += step;
        else
            in.high = in.low + step;
    }
    if (width)
        in = narrow(column, in, wanted, width);
    while (in.high - in.low > 1) {
        const uint64_t middle = in.low + (in.high - in.low) / 2;
        if (is_below(column, middle, wanted, width))
            in.low = middle;
        else
            in.high = middle;
    }
    return in.high;
}

uint32_t nd_trace_column_seek(const nd_trace_column *column, uint32_t from, uint32_t to,
                              nd_trace_code code)
{
    needle wanted = {.code = code};
    switch (!column->starts && code.size == column->size ? code.size : 0) {
    case 4:
        wanted.number = nd_trace_load_4(code.bytes);
        return (uint32_t)seek(column, from, to, &wanted, 4);
    case 8:
        wanted.number = nd_trace_load_8(code.bytes);
        return (uint32_t)seek(column, from, to, &wanted, 8);
    case 12:
        wanted.number = nd_trace_load_8(code.bytes);
        return (uint32_t)seek(column, from, to, &wanted, 12);
    case 16:
        wanted.number = nd_trace_load_8(code.bytes);
        return (uint32_t)seek(column, from, to, &wanted, 16);
    default:
        return (uint32_t)seek(column, from, to, &wanted, 0);
    }
}
