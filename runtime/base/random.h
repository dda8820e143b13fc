/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_RANDOM_H
#define RUNTIME_BASE_RANDOM_H

/** @file
 * The seam for chance: a seeded generator, xoshiro256** (Blackman and Vigna, "Scrambled linear
 * pseudorandom number generators", 2021), its state filled by splitmix64. The same seed gives the
 * same numbers on every machine and in every version. Not for secrets. One thread at a time per
 * generator.
 */

#include <stdbool.h>
#include <stdint.h>

typedef struct nd_random {
    uint64_t state[4]; /* never all zero */
} nd_random;

/** Starts a sequence; every seed, zero too, gives a good one. */
void nd_random_init(nd_random *random, uint64_t seed);

/** Sixty-four random bits. */
uint64_t nd_random_next(nd_random *random);

/** A number from 0 to n - 1, each as likely as the others; `n` is not zero. Takes one draw, rarely
 * more. */
uint64_t nd_random_below(nd_random *random, uint64_t n);

/** A number from zero (included) to one (excluded): a multiple of 2^-53. */
double nd_random_unit(nd_random *random);

/** True with probability `p`: never for 0 and below, always for 1 and above. Always one draw. */
bool nd_random_chance(nd_random *random, double p);

#endif
