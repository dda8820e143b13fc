/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A digit is a run of bits that begins at the highest one that differs somewhere, so bits that all
 * have in common cost nothing, wherever they stand. Many items have wider digits than few. What is
 * sorted already, and it often is, takes one look.
 *
 * Few digits are sorted by from the lowest up. Of many only the highest are, if these would tell
 * nearly all items from each other, were they spread evenly; those that are alike as far as that,
 * runs that are mostly short, are sorted by the rest.
 *
 * The words of numbers, and those of items, which begin with their number, are constants.
 */
#include "operators/differential/number_sort.h"

#include "runtime/base/kernel.h"

enum {
    FEW = 24,       /* items that are sorted by inserting them */
    MANY = 1 << 14, /* items that have wide digits */
    NARROW = 8,     /* bits */
    WIDE = 11,      /* bits */
    SPREAD = 3,     /* bits that the highest digits have beyond the logarithm of items */
    WORTH = 3,      /* digits that are saved, or else all are sorted by */
    MOST_DIGITS = 128 / NARROW
};

/* Bits of a word, from `shift` on. */
typedef struct digit {
    unsigned word, shift;
    unsigned n_bits; /* that differ, in it and in those above */
} digit;

/* The highest first; all of one width. */
typedef struct digits {
    digit items[MOST_DIGITS];
    unsigned len, width;
} digits;

/* Whether they are in order; `differing` are the bits in which some differ. */
ND_KERNEL bool look(const uint64_t *items, size_t len, uint64_t *differing, const unsigned words,
                    const unsigned size)
{
    uint64_t last[2] = {items[0], words == 2 ? items[1] : 0}, high = 0, low = 0, is_late = 0;
    for (size_t i = 1; i < len; i++) {
        const uint64_t number[2] = {items[i * size], words == 2 ? items[i * size + 1] : 0};
        is_late |= nd_number_is_below(number, last, words);
        high |= number[0] ^ last[0];
        low |= number[1] ^ last[1];
        nd_number_copy(last, number, words);
    }
    differing[0] = high;
    differing[1] = low;
    return !is_late;
}

static void find_digits(const uint64_t *differing, unsigned width, digits *found)
{
    unsigned n_bits = 0;
    found->len = 0;
    found->width = width;
    for (unsigned word = 0; word < ND_NUMBER_WORDS; word++)
        for (uint64_t left = differing[word]; left;) {
            const unsigned end = 64 - (unsigned)__builtin_clzll(left);
            const unsigned shift = end > width ? end - width : 0;
            n_bits += (unsigned)__builtin_popcountll(left >> shift);
            found->items[found->len++] = (digit){word, shift, n_bits};
            left &= (UINT64_C(1) << shift) - 1;
        }
}

/* How many digits, the highest, are sorted by first. */
static unsigned count_highest(const digits *all, size_t len)
{
    const unsigned wanted = 64 - (unsigned)__builtin_clzll(len) + SPREAD;
    unsigned n = 1;
    while (n < all->len && all->items[n - 1].n_bits < wanted)
        n++;
    return n + WORTH <= all->len ? n : all->len;
}

ND_KERNEL void insert_all(uint64_t *items, size_t len, const unsigned words, const unsigned size)
{
    uint64_t item[ND_NUMBER_WORDS + 1];
    for (size_t i = 1; i < len; i++) {
        uint64_t *place = items + i * size;
        if (!nd_number_is_below(place, place - size, words))
            continue;
        memcpy(item, place, size * sizeof *item);
        do {
            memcpy(place, place - size, size * sizeof *item);
            place -= size;
        } while (place != items && nd_number_is_below(item, place - size, words));
        memcpy(place, item, size * sizeof *item);
    }
}

/* Moves items to where a digit puts them. */
ND_KERNEL void pass(const uint64_t *from, uint64_t *to, size_t len, digit by, unsigned width,
                    const unsigned size)
{
    size_t places[1 << WIDE], place = 0;
    const size_t n_digits = (size_t)1 << width, mask = n_digits - 1;
    const uint64_t *const keys = from + by.word;
    memset(places, 0, n_digits * sizeof *places);
    for (size_t i = 0; i < len; i++)
        places[keys[i * size] >> by.shift & mask]++;
    for (size_t k = 0; k < n_digits; k++) {
        const size_t count = places[k];
        places[k] = place;
        place += count;
    }
    for (size_t i = 0; i < len; i++) {
        const size_t k = keys[i * size] >> by.shift & mask;
        memcpy(to + places[k]++ * size, from + i * size, size * sizeof *to);
    }
}

/* By the first `n` digits. Returns which of the two has the result. */
ND_KERNEL uint64_t *sort_by(uint64_t *from, uint64_t *to, size_t len, const digits *by, unsigned n,
                            const unsigned size)
{
    while (n > 0) {
        uint64_t *const done = to;
        pass(from, to, len, by->items[--n], by->width, size);
        to = from;
        from = done;
    }
    return from;
}

/* Whether two are the same from a digit on up, in its word: in one above they hardly ever differ
 * then, and that they are sorted together does no harm. */
ND_KERNEL bool are_alike(const uint64_t *a, const uint64_t *b, digit from)
{
    return (a[from.word] ^ b[from.word]) >> from.shift == 0;
}

/* Sorts items that are alike in their highest digits. The result stays in place. */
ND_KERNEL void sort_run(uint64_t *items, uint64_t *spare, size_t len, const unsigned words,
                        const unsigned size)
{
    digits all;
    uint64_t differing[ND_NUMBER_WORDS];
    if (len <= FEW) {
        insert_all(items, len, words, size);
        return;
    }
    if (look(items, len, differing, words, size))
        return;
    find_digits(differing, NARROW, &all);
    const uint64_t *const sorted = sort_by(items, spare, len, &all, all.len, size);
    if (sorted != items)
        memcpy(items, sorted, len * size * sizeof *items);
}

/* Sorts runs of items that are alike from a digit on up. */
ND_KERNEL void sort_runs(uint64_t *items, uint64_t *spare, size_t len, digit from,
                         const unsigned words, const unsigned size)
{
    for (size_t begin = 0, end; begin < len; begin = end) {
        const uint64_t *const first = items + begin * size;
        for (end = begin + 1; end < len && are_alike(first, items + end * size, from);)
            end++;
        if (end - begin > 1)
            sort_run(items + begin * size, spare + begin * size, end - begin, words, size);
    }
}

ND_KERNEL uint64_t *sort(uint64_t *from, uint64_t *to, size_t len, const unsigned words,
                         const unsigned size)
{
    digits all;
    uint64_t differing[ND_NUMBER_WORDS];
    if (len < 2 || look(from, len, differing, words, size))
        return from;
    if (len <= FEW) {
        insert_all(from, len, words, size);
        return from;
    }
    find_digits(differing, len < MANY ? NARROW : WIDE, &all);
    const unsigned n = count_highest(&all, len);
    uint64_t *const sorted = sort_by(from, to, len, &all, n, size);
    if (n != all.len)
        sort_runs(sorted, sorted == from ? to : from, len, all.items[n - 1], words, size);
    return sorted;
}

uint64_t *nd_number_sort(uint64_t *numbers, uint64_t *spare, size_t len, unsigned words)
{
    return words == 1 ? sort(numbers, spare, len, 1, 1) : sort(numbers, spare, len, 2, 2);
}

uint64_t *nd_number_sort_pairs(uint64_t *pairs, uint64_t *spare, size_t len, unsigned words)
{
    return words == 1 ? sort(pairs, spare, len, 1, 2) : sort(pairs, spare, len, 2, 3);
}
