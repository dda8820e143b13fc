/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public face of routing: numbers that choose workers. Pure; any thread.
 */
#include "runtime/route.h"

#include <nereid/vertex.h>

uint64_t nd_route_to(unsigned worker, unsigned n_workers)
{
    return (uint64_t)nd_worker_bucket(worker, n_workers) << (64 - ND_BUCKET_BITS);
}

unsigned nd_route_of(uint64_t hash, unsigned n_workers) { return nd_hash_worker(hash, n_workers); }
