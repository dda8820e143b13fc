/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BUDGET_H
#define RUNTIME_BUDGET_H

/** @file
 * Back-pressure: the bytes of batches that wait in the queues of a process, and a limit above which
 * no source is run. Only sources are ever held back; a vertex inside a loop never is, since a loop
 * whose queues are full could not empty them.
 *
 * A worker keeps a count of its own and settles it with the shared one now and then, so that a
 * batch costs an addition. The shared count is then off by up to ND_BUDGET_SLACK a worker.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ND_BUDGET_SLACK = 256 * 1024 }; /* bytes */

/* Shared by the workers of a process. */
typedef struct nd_budget {
    int64_t limit;             /* bytes */
    _Atomic int64_t in_flight; /* any worker adds; read by those with sources */
    _Atomic bool
        is_waited_for; /* set by a worker that holds sources back; cleared by who relieves it */
    void (*relieve)(
        void *context); /* has every worker look again; called from any worker's thread */
    void *context;
} nd_budget;

/* A worker's share of the count. */
typedef struct nd_budget_share {
    nd_budget *budget; /* NULL: no limit */
    int64_t delta;     /* not settled yet */
} nd_budget_share;

/** Counts bytes at once; relieves those who wait when the count has fallen to half the limit. Any
 * thread. */
void nd_budget_add(nd_budget *budget, int64_t bytes);

/** Adds this worker's count to the shared one; relieves those who wait when it has fallen to half
 * the limit. */
void nd_budget_settle(nd_budget_share *share);

/** Counts bytes that begin (positive) or cease (negative) to wait. */
static inline void nd_budget_count(nd_budget_share *share, int64_t bytes)
{
    share->delta += bytes;
    if (share->delta > ND_BUDGET_SLACK || share->delta < -ND_BUDGET_SLACK)
        nd_budget_settle(share);
}

/** Whether sources must wait. */
bool nd_budget_is_spent(const nd_budget_share *share);

/** Says that this worker holds a source back, so that it must be told of relief. Returns whether
 * that has come meanwhile. */
bool nd_budget_wait(nd_budget_share *share);

#endif
