/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TRANSPORT_H
#define RUNTIME_TRANSPORT_H

/** @file
 * What moves between workers, and the table of functions that moves it. Higher floors fill the
 * table in.
 *
 * What a transport promises, and its test suite checks: frames of one sender arrive whole, once, in
 * the order sent; every batch arrives once; nothing is promised about the order of batches, or of
 * batches and frames. Sending never blocks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

#include "runtime/batch.h"
#include "runtime/change_batch.h"
#include "runtime/topology.h"

/** A batch on its way to an input port. */
typedef struct nd_delivery {
    nd_batch *batch; /* a reference */
    nd_time time;
    uint32_t flow, channel;
    bool is_foreign; /* it comes from another process, which wants to know when it is consumed */
} nd_delivery;

typedef enum nd_frame_kind {
    ND_FRAME_START,   /* the sender has built the dataflow; `fingerprint` is that of its graph, and
                         `changes` a sketch of it: a number for each vertex, in `time.epoch` */
    ND_FRAME_CHANGES, /* changes to counts, to be applied whole */
    ND_FRAME_DROP,    /* the sender has dropped the dataflow, and so must the receiver */
    ND_FRAME_END,     /* the sender builds no more dataflows than `flow` */
} nd_frame_kind;

/** What a worker tells all others, or a process the others of its workers' frames, added up.
 * Senders are numbered: first the workers, then the processes. */
typedef struct nd_frame {
    uint32_t flow, sender;
    uint64_t sequence; /* counts the sender's frames from 1 */
    nd_frame_kind kind;
    uint32_t worker; /* START and END: who has started or ended */
    uint64_t fingerprint;
    const nd_change *changes; /* CHANGES and START: `len` of them */
    size_t len;
} nd_frame;

/** A dataflow, as far as a transport may need to know it. All is borrowed until the call returns;
 * but `pool`, `context` and what `type_of` returns live as long as the dataflow. */
typedef struct nd_flow_plan {
    uint32_t flow;
    const nd_topology *topology;
    const nd_change *initial; /* the counts that it begins with */
    size_t n_initial;
    nd_pool *pool; /* of this worker, for batches that come from another process */
    /** The type of the records on a channel; NULL when there is no such channel. */
    const nd_type *(*type_of)(const void *context, uint32_t channel);
    const void *context;
} nd_flow_plan;

/** What nd_transport_ops.receive found. */
typedef enum nd_arrival { ND_ARRIVAL_NONE, ND_ARRIVAL_FRAME, ND_ARRIVAL_BATCH } nd_arrival;

/** A worker's end of a transport. Every function is for that worker's thread and does not block. */
typedef struct nd_transport_ops {
    const char *name;
    /** A dataflow starts on this worker. Comes before any frame of it. NULL: the transport does not
     * care. Errors: ND_NOMEM. */
    nd_err (*begin_flow)(void *endpoint, const nd_flow_plan *plan);
    /** Sends to another worker. The reference moves, also on failure. Errors: ND_NOMEM. */
    nd_err (*send_batch)(void *endpoint, unsigned worker, const nd_delivery *delivery);
    /** Sends to every other worker. The frame is borrowed. Errors: ND_NOMEM. */
    nd_err (*send_frame)(void *endpoint, const nd_frame *frame);
    /** Takes the next thing that has arrived: a batch, whose reference moves, or a frame, whose
     * changes are lent until the next call. */
    nd_arrival (*receive)(void *endpoint, nd_delivery *delivery, nd_frame *frame);
    /** Lets parked receivers know of what was sent since the last call. Cheap when nothing was. */
    void (*flush)(void *endpoint);
    /** Whether receive would find something; what it has lent is given back. */
    bool (*has_arrivals)(void *endpoint);
    /** A batch of a foreign delivery has been consumed; once for each. (The batch itself may have
     * been sent on meanwhile.) NULL: no delivery of this transport is foreign. */
    void (*consumed)(void *endpoint, const nd_batch *batch);
} nd_transport_ops;

typedef struct nd_transport {
    const nd_transport_ops *ops;
    void *endpoint;
} nd_transport;

#endif
