/* SPDX-License-Identifier: Apache-2.0 */
/* Galloping: steps of doubled length until one is too long, then halving. The search is written
 * once, and compiled for each width. */
#include "operators/differential/trace_column.h"

#include <stdbool.h>

#define KERNEL static inline __attribute__((always_inline)) /* a width becomes a constant */

/* What is looked for, as a code and as a number. */
typedef struct needle {
    nd_trace_code code;
    uint64_t high, low;
} needle;

/* A width of zero stands for codes that are compared byte by byte. */
KERNEL bool is_below(const nd_trace_column *column, uint64_t i, const needle *wanted,
                     unsigned width)
{
    const unsigned char *const bytes = column->bytes + i * width;
    switch (width) {
    case 4:
        return nd_trace_load_4(bytes) < wanted->low;
    case 8:
        return nd_trace_load_8(bytes) < wanted->low;
    case 16: {
        const uint64_t high = nd_trace_load_8(bytes);
        return high != wanted->high ? high < wanted->high
                                    : nd_trace_load_8(bytes + 8) < wanted->low;
    }
    default:
        return nd_trace_code_compare(nd_trace_column_get(column, (uint32_t)i), wanted->code) < 0;
    }
}

/* Numbers in 64 bits, so that no step is too long for them. */
KERNEL uint64_t gallop(const nd_trace_column *column, uint64_t from, uint64_t to,
                       const needle *wanted, unsigned width)
{
    if (from == to || !is_below(column, from, wanted, width))
        return from;
    uint64_t low = from, step = 1; /* what is at low is below */
    while (step < to - low && is_below(column, low + step, wanted, width)) {
        low += step;
        step *= 2;
    }
    uint64_t high = step < to - low ? low + step : to; /* what is at high is not, or is not there */
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (is_below(column, middle, wanted, width))
            low = middle;
        else
            high = middle;
    }
    return high;
}

uint32_t nd_trace_column_seek(const nd_trace_column *column, uint32_t from, uint32_t to,
                              nd_trace_code code)
{
    needle wanted = {.code = code};
    switch (!column->starts && code.size == column->size ? code.size : 0) {
    case 4:
        wanted.low = nd_trace_load_4(code.bytes);
        return (uint32_t)gallop(column, from, to, &wanted, 4);
    case 8:
        wanted.low = nd_trace_load_8(code.bytes);
        return (uint32_t)gallop(column, from, to, &wanted, 8);
    case 16:
        wanted.high = nd_trace_load_8(code.bytes);
        wanted.low = nd_trace_load_8(code.bytes + 8);
        return (uint32_t)gallop(column, from, to, &wanted, 16);
    default:
        return (uint32_t)gallop(column, from, to, &wanted, 0);
    }
}
