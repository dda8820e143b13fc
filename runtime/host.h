/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_HOST_H
#define RUNTIME_HOST_H

/** @file
 * The worker as the runtime sees it: whom to ask to run a vertex, and how to reach the other
 * workers. The scheduler's worker begins with an nd_host.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/vertex.h>
#include <nereid/worker.h>

#include "runtime/base/vector.h"
#include "runtime/budget.h"
#include "runtime/mailbox.h"
#include "runtime/pool.h"
#include "runtime/transport.h"

typedef struct nd_host nd_host;

/** All on the worker's thread; none blocks. */
typedef struct nd_host_ops {
    /** The vertex has something to do: nd_vertex_run is to be called soon. Called once until then.
     */
    void (*schedule)(nd_host *host, nd_vertex *vertex);
    /** A notification is due: nd_vertex_notify(vertex, time) is to be called, once, earliest times
     * first. */
    void (*due)(nd_host *host, nd_vertex *vertex, const nd_time *time);
    /** The dataflow has changes that are not published, or not propagated. Called once until both
     * is done. */
    void (*dirty)(nd_host *host, nd_dataflow *flow);
    /** The run has failed; the first failure counts. Returns `err`. */
    nd_err (*fail)(nd_host *host, nd_err err, const char *text);
} nd_host_ops;

struct nd_host {
    const nd_host_ops *ops;
    nd_err err;           /* why this worker stopped, or ND_OK; set by `fail` */
    const nd_batch *lent; /* what the running on_recv was given, or NULL */
    /* Whose callback is being called, or NULL; nd_host_running. Written by the worker with release,
     * read by others with acquire: so they see its names. */
    nd_vertex *_Atomic running;
    /* Callbacks, arrivals, publications; nd_host_move. Read by others, whom a recent value will do.
     */
    _Atomic uint64_t n_moves;
    nd_vector rights;       /* nd_right: of that callback, if it is a notification */
    unsigned processes;     /* that the workers are spread over */
    unsigned index, peers;  /* this worker's number, and how many there are */
    nd_transport transport; /* unused with one peer */
    nd_pool pool;
    nd_vector types; /* nd_type *, owned, of batches that may be anywhere; nd_type_keep */
    nd_budget_share in_flight;
    nd_vector held_back;  /* nd_vertex *: sources to run once there is room again */
    nd_vector idle;       /* nd_vertex *: to be activated when there is nothing else to do */
    nd_mailbox *mailbox;  /* activations by other threads */
    size_t max_batch_len; /* records a batch, at most; SIZE_MAX but for stress tests */
    uint64_t sequence;    /* of the last frame sent */
    uint64_t *seen;       /* of the last frame taken, by sender */
    uint32_t *n_built;    /* dataflows, by worker that has ended; UINT32_MAX: it has not */
    uint32_t *n_started;  /* dataflows, by worker: the next that it may say it has started */
    nd_run_stats stats;
    /** For tests: plants a fault in what is about to be published; NULL otherwise. */
    void (*tamper)(nd_host *host, nd_change_batch *changes);
    nd_vector flows;  /* nd_dataflow *, by number */
    nd_vector starts; /* what other workers said of dataflows, by number (agreement.c) */
};

/** The vertex whose callback is being called, or NULL. On the worker's thread. */
static inline nd_vertex *nd_host_running(const nd_host *host)
{
    return atomic_load_explicit(&host->running, memory_order_relaxed);
}

/** Counts one thing done. On the worker's thread, so that nothing need be locked. */
static inline void nd_host_move(nd_host *host)
{
    const uint64_t n = atomic_load_explicit(&host->n_moves, memory_order_relaxed);
    atomic_store_explicit(&host->n_moves, n + 1, memory_order_relaxed);
}

#endif
