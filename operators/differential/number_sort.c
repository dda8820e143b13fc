/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the lowest digit up; a digit is a run of bits that begins at one that differs somewhere, so
 * bits that all have in common cost nothing, wherever they stand. Many items have wider digits than
 * few. What is sorted already, and it often is, takes one look.
 */
#include "operators/differential/number_sort.h"

#include <stdbool.h>
#include <string.h>

/* One body, compiled once for each size of items, which begin with their number. */
#define KERNEL static inline __attribute__((always_inline))

enum { FEW = 24, MANY = 1 << 14, NARROW = 8, WIDE = 11 };

KERNEL uint64_t number_at(const unsigned char *items, size_t i, const size_t size)
{
    uint64_t number;
    memcpy(&number, items + i * size, sizeof number);
    return number;
}

/* Whether they are in order; `*differing` are the bits in which some differ. */
KERNEL bool look(const unsigned char *items, size_t len, uint64_t *differing, const size_t size)
{
    uint64_t last = number_at(items, 0, size), bits = 0, is_late = 0;
    for (size_t i = 1; i < len; i++) {
        const uint64_t number = number_at(items, i, size);
        is_late |= number < last;
        bits |= number ^ last;
        last = number;
    }
    *differing = bits;
    return !is_late;
}

KERNEL void insert_all(unsigned char *items, size_t len, const size_t size)
{
    unsigned char item[sizeof(nd_number_pair)];
    for (size_t i = 1; i < len; i++) {
        size_t place = i;
        memcpy(item, items + i * size, size);
        const uint64_t number = number_at(item, 0, size);
        for (; place > 0 && number_at(items, place - 1, size) > number; place--)
            memcpy(items + place * size, items + (place - 1) * size, size);
        memcpy(items + place * size, item, size);
    }
}

/* Moves items to where the digit of `width` bits at `shift` puts them. */
KERNEL void pass(const unsigned char *from, unsigned char *to, size_t len, unsigned shift,
                 unsigned width, const size_t size)
{
    size_t places[1 << WIDE], place = 0;
    const size_t n_digits = (size_t)1 << width, mask = n_digits - 1;
    memset(places, 0, n_digits * sizeof *places);
    for (size_t i = 0; i < len; i++)
        places[number_at(from, i, size) >> shift & mask]++;
    for (size_t digit = 0; digit < n_digits; digit++) {
        const size_t count = places[digit];
        places[digit] = place;
        place += count;
    }
    for (size_t i = 0; i < len; i++) {
        const size_t digit = number_at(from, i, size) >> shift & mask;
        memcpy(to + places[digit]++ * size, from + i * size, size);
    }
}

/* Returns which of the two has the result. */
KERNEL void *sort(unsigned char *from, unsigned char *to, size_t len, const size_t size)
{
    uint64_t differing;
    if (len < 2 || look(from, len, &differing, size))
        return from;
    if (len <= FEW) {
        insert_all(from, len, size);
        return from;
    }
    const unsigned width = len < MANY ? NARROW : WIDE;
    while (differing) {
        const unsigned shift = (unsigned)__builtin_ctzll(differing);
        unsigned char *const done = to;
        pass(from, to, len, shift, width, size);
        to = from;
        from = done;
        differing &= ~(((UINT64_C(1) << width) - 1) << shift);
    }
    return from;
}

uint64_t *nd_number_sort(uint64_t *numbers, uint64_t *spare, size_t len)
{
    return sort((unsigned char *)numbers, (unsigned char *)spare, len, sizeof *numbers);
}

nd_number_pair *nd_number_sort_pairs(nd_number_pair *pairs, nd_number_pair *spare, size_t len)
{
    return sort((unsigned char *)pairs, (unsigned char *)spare, len, sizeof *pairs);
}
