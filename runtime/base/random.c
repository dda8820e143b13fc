/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xoshiro256**, written from the published description: 256 bits of state that a linear map steps,
 * and a multiplication scrambler over one word of it. The sequence is part of the format of
 * generated graphs and of replayable seeds: it does not change.
 */
#include "runtime/base/random.h"

#include <assert.h>

static uint64_t rotate_left(uint64_t word, unsigned bits)
{
    return (word << bits) | (word >> (64 - bits));
}

/* The next word of splitmix64, whose state is a counter: it never gives four zeros in a row. */
static uint64_t splitmix(uint64_t *counter)
{
    *counter += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = *counter;
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

void nd_random_init(nd_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix(&seed);
}

uint64_t nd_random_next(nd_random *random)
{
    uint64_t *const state = random->state;
    const uint64_t result = rotate_left(state[1] * 5, 7) * 9;
    const uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return result;
}

/* The high and low word of a * b, from products of halves: C11 has no 128-bit integer. */
static uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *low)
{
    const uint64_t a_low = a & UINT32_MAX, a_high = a >> 32;
    const uint64_t b_low = b & UINT32_MAX, b_high = b >> 32;
    const uint64_t low_low = a_low * b_low;
    const uint64_t middle = a_high * b_low + (low_low >> 32);
    const uint64_t carry = a_low * b_high + (middle & UINT32_MAX);
    *low = a * b;
    return a_high * b_high + (middle >> 32) + (carry >> 32);
}

uint64_t nd_random_below(nd_random *random, uint64_t n)
{
    assert(n != 0);
    /* Lemire, "Fast random integer generation in an interval" (2019): the high word of a draw times
     * n is the answer; the 2^64 mod n lowest low words are drawn again, since they would favour
     * some answers. */
    uint64_t low;
    uint64_t high = multiply_wide(nd_random_next(random), n, &low);
    if (low < n) {
        const uint64_t refused = (0 - n) % n;
        while (low < refused)
            high = multiply_wide(nd_random_next(random), n, &low);
    }
    return high;
}

double nd_random_unit(nd_random *random)
{
    return (double)(nd_random_next(random) >> 11) * 0x1.0p-53;
}

bool nd_random_chance(nd_random *random, double p) { return nd_random_unit(random) < p; }
