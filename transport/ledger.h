/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_LEDGER_H
#define TRANSPORT_LEDGER_H

/** @file
 * What a process still has to tell the others, of all its dataflows: an accumulator each.
 *
 * Shared: any worker begins a dataflow; everything else is for one thread. A lock guards the table;
 * it is never held while an accumulator works.
 */

#include <uv.h>

#include "runtime/accumulator.h"
#include "runtime/base/vector.h"
#include "runtime/transport.h"

typedef struct nd_ledger {
    uv_mutex_t lock;
    nd_publish_mode mode;
    nd_vector accumulators; /* nd_accumulator *, by dataflow; NULL: not begun here. Under lock */
} nd_ledger;

/** Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_ledger_init(nd_ledger *ledger, nd_publish_mode mode);

void nd_ledger_deinit(nd_ledger *ledger);

/** A dataflow begins on a worker of the process; again for each of its workers. Any thread. Errors:
 * ND_NOMEM. */
ND_CHECKED nd_err nd_ledger_begin(nd_ledger *ledger, const nd_flow_plan *plan);

/** The dataflow's accumulator, or NULL when no worker has begun it. */
nd_accumulator *nd_ledger_find(nd_ledger *ledger, uint32_t flow);

/** Whether nothing is kept back, of any dataflow, and nothing is under way. */
bool nd_ledger_is_empty(nd_ledger *ledger);

#endif
