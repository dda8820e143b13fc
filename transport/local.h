/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_LOCAL_H
#define TRANSPORT_LOCAL_H

/** @file
 * The transport between the threads of one process: a queue for each ordered pair of workers.
 * Batches move as pointers, frames are copied.
 *
 * Shared; each endpoint belongs to its worker's thread.
 */

#include "runtime/transport.h"

typedef struct nd_local nd_local;

/** Has `worker` look at its arrivals if it is parked. Called from the sender's thread; must not
 * block. */
typedef void nd_wake_fn(void *context, unsigned worker);

/** Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_local_create(unsigned n_workers, nd_wake_fn *wake, void *context,
                                  nd_local **local);

/** Frees the queues and releases the batches in them. No worker may be running; their pools must
 * still be there. */
void nd_local_destroy(nd_local *local);

/** The end of one worker. Borrowed. */
nd_transport nd_local_transport(nd_local *local, unsigned worker);

#endif
