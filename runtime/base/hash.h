/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_HASH_H
#define RUNTIME_BASE_HASH_H

/** @file
 * The two hash functions. Both are part of the file, wire and checkpoint formats: the same bytes
 * give the same hash on every machine and in every version, and no constant here may ever change.
 * Pure; any thread. They do not resist an adversary who chooses keys.
 */

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL /* a call costs more than hashing a word */
#include <xxhash.h>

/** The hash of `size` bytes at `data`: XXH3, 64 bits, seed zero (stable since xxHash 0.8). */
static inline uint64_t nd_hash_bytes(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

/** The hash of an 8-byte key: three rounds of folding the high bits down and two multiplications by
 * odd constants (the 64-bit finaliser of MurmurHash3). A bijection, so different keys have
 * different hashes, and every bit of the key reaches every bit of the hash. Not the same function
 * as nd_hash_bytes over those eight bytes. */
static inline uint64_t nd_hash_u64(uint64_t key)
{
    key = (key ^ (key >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ (key >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ (key >> 33);
}

#endif
