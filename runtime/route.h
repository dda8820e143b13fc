/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_ROUTE_H
#define RUNTIME_ROUTE_H

/** @file
 * From a hash to a worker, by way of a bucket: state that is kept by bucket can be given to another
 * number of workers. The ten highest bits of the hash are the bucket, and each worker has a run of
 * neighbouring buckets. A table inside a worker must use other bits: there, these are all alike.
 * Pure; any thread.
 */

#include <stdint.h>

enum { ND_BUCKET_BITS = 10, ND_N_BUCKETS = 1 << ND_BUCKET_BITS };

/** The bucket of a hash, 0 to ND_N_BUCKETS - 1. */
static inline uint64_t nd_bucket_of(uint64_t hash) { return hash >> (64 - ND_BUCKET_BITS); }

/** The worker of a bucket; `n_workers` is 1 to ND_N_BUCKETS. */
static inline unsigned nd_bucket_worker(uint64_t bucket, unsigned n_workers)
{
    return (unsigned)(bucket * n_workers >> ND_BUCKET_BITS);
}

/** The worker that a hash chooses. */
static inline unsigned nd_hash_worker(uint64_t hash, unsigned n_workers)
{
    return nd_bucket_worker(nd_bucket_of(hash), n_workers);
}

/** Of two workers a hash chooses number hash >> ND_HASH_HALF: for a loop too tight for what a
 * compiler does not see of the above. */
enum { ND_HASH_HALF = 63 };

/** The first bucket of `worker`; of `n_workers`, the end of the last one's. */
static inline unsigned nd_worker_bucket(unsigned worker, unsigned n_workers)
{
    return (worker * ND_N_BUCKETS + n_workers - 1) / n_workers;
}

#endif
