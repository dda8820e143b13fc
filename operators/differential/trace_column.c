/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are near are counted, block by block. What is not near is looked for where it would
 * be if codes were spread evenly, a few times, for each look at a long column is a cache miss; then
 * halving. For codes that are no numbers, galloping: steps of doubled length until one is too long.
 * The search is written once, and compiled for each width. */
#include "operators/differential/trace_column.h"

#include "runtime/base/kernel.h"

enum {
    BLOCK = 16, /* codes that are counted rather than halved */
    BLOCKS = 3, /* that are looked at before there is a guess */
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
ND_KERNEL uint64_t number_at(const nd_trace_column *column, uint64_t i, unsigned width)
{
    const unsigned char *const bytes = column->bytes + i * width;
    return width == 4 ? nd_trace_load_4(bytes) : nd_trace_load_8(bytes);
}

ND_KERNEL bool is_below(const nd_trace_column *column, uint64_t i, const needle *wanted,
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
ND_KERNEL uint64_t guess(const nd_trace_column *column, range in, uint64_t number, unsigned width)
{
    const uint64_t last = in.high - 1, first = number_at(column, in.low, width);
    const uint64_t end = in.high == column->len ? column->last : number_at(column, last, width);
    const double all = (double)(end - first), part = (double)(number - first);
    if (part >= all) /* also if there is but one number */
        return last;
    const uint64_t place = in.low + (uint64_t)(part / all * (double)(last - in.low));
    return place > in.low ? place : in.low + 1;
}

ND_KERNEL uint32_t guess_number(const nd_trace_column *column, uint32_t from, uint32_t to,
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
ND_KERNEL range narrow(const nd_trace_column *column, range in, const needle *wanted,
                       unsigned width)
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

/* How many of BLOCK codes are below: no branch, for none of them could be foretold. */
ND_KERNEL uint64_t count_below(const nd_trace_column *column, uint64_t from, const needle *wanted,
                               unsigned width)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < BLOCK; i++)
        n += is_below(column, from + i, wanted, width);
    return n;
}

ND_KERNEL uint64_t halve(const nd_trace_column *column, range in, const needle *wanted,
                         unsigned width)
{
    while (in.high - in.low > 1) {
        const uint64_t middle = in.low + (in.high - in.low) / 2;
        if (is_below(column, middle, wanted, width))
            in.low = middle;
        else
            in.high = middle;
    }
    return in.high;
}

ND_KERNEL uint64_t seek_bytes(const nd_trace_column *column, range in, const needle *wanted)
{
    for (uint64_t step = 1; step < in.high - in.low; step *= 2) {
        if (is_below(column, in.low + step, wanted, 0))
            in.low += step;
        else
            in.high = in.low + step;
    }
    return halve(column, in, wanted, 0);
}

ND_KERNEL uint64_t seek_number(const nd_trace_column *column, range in, const needle *wanted,
                               unsigned width)
{
    const uint64_t to = in.high;
    if (to - in.low > 1 && !is_below(column, in.low + 1, wanted, width))
        return in.low + 1;
    for (unsigned i = 0; i < BLOCKS && to - in.low > BLOCK; i++, in.low += BLOCK)
        if (!is_below(column, in.low + BLOCK, wanted, width))
            return in.low + 1 + count_below(column, in.low + 1, wanted, width);
    in = narrow(column, in, wanted, width);
    if (in.high - in.low <= BLOCK && to - in.low > BLOCK)
        return in.low + 1 + count_below(column, in.low + 1, wanted, width);
    return halve(column, in, wanted, width);
}

/* Numbers in 64 bits, so that no step is too long for them. */
ND_KERNEL uint64_t seek(const nd_trace_column *column, uint64_t from, uint64_t to,
                        const needle *wanted, unsigned width)
{
    if (from == to || (width && to == column->len && column->last < wanted->number))
        return to;
    if (!is_below(column, from, wanted, width))
        return from;
    const range in = {from, to};
    return width ? seek_number(column, in, wanted, width) : seek_bytes(column, in, wanted);
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
