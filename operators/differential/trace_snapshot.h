/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_SNAPSHOT_H
#define OPERATORS_DIFFERENTIAL_TRACE_SNAPSHOT_H

/** @file
 * Snapshots: what a trace holds, for any thread to read.
 *
 * A snapshot is a list of views (trace_view.h), and says from when on and up to where they may be
 * read. Neither it nor what it lists ever changes, so reading takes no lock, and what it holds
 * stays readable whatever the trace does next: the price is that batches it has live as long.
 *
 * A publisher is where the worker puts the last snapshot and others find it: a pointer and a lock
 * that covers just taking it and counting one reference more. Neither side ever waits for a reader,
 * or for memory, while it has the lock.
 *
 *     worker: views -> snapshot -> [ publisher ] -> retained snapshot -> get, scan: any thread
 */

#include "operators/differential/trace_view.h"
#include "runtime/base/vector.h"

/** Shared. */
typedef struct nd_trace_snapshot nd_trace_snapshot;
/** Shared. */
typedef struct nd_trace_publisher nd_trace_publisher;

/** Takes a value of a key that is there `count` times, not zero. What it returns but ND_OK ends the
 * reading, and is what that returns. Codes are lent until then. */
typedef nd_err nd_trace_record_fn(void *ctx, nd_trace_code key, nd_trace_code value, int64_t count);

/* --- Snapshots: any thread --- */

nd_trace_snapshot *nd_trace_snapshot_retain(nd_trace_snapshot *snapshot);
/** NULL is fine. */
void nd_trace_snapshot_release(nd_trace_snapshot *snapshot);

/** Whether it may be read at `time`: not before its since, and complete. */
bool nd_trace_snapshot_covers(const nd_trace_snapshot *snapshot, const nd_time *time);
/** From when on it may be read; empty: never. */
const nd_antichain *nd_trace_snapshot_since(const nd_trace_snapshot *snapshot);
/** What is not beyond it is complete. */
const nd_antichain *nd_trace_snapshot_upper(const nd_trace_snapshot *snapshot);

/** The values that a key has at `time`, in order. Errors: ND_INVAL, it does not cover `time`;
 * ND_NOMEM; ND_FAILED, a difference becomes too large; and what `fn` returns. */
ND_CHECKED nd_err nd_trace_snapshot_get(const nd_trace_snapshot *snapshot, nd_trace_code key,
                                        const nd_time *time, nd_trace_record_fn *fn, void *ctx);
/** All values of all keys at `time`, in order. Errors: likewise. */
ND_CHECKED nd_err nd_trace_snapshot_scan(const nd_trace_snapshot *snapshot, const nd_time *time,
                                         nd_trace_record_fn *fn, void *ctx);

/* --- Publishers: any thread --- */

nd_trace_publisher *nd_trace_publisher_retain(nd_trace_publisher *publisher);
/** NULL is fine. */
void nd_trace_publisher_release(nd_trace_publisher *publisher);
/** The last snapshot, retained for the caller. Once the trace is gone it stays the last one. */
nd_trace_snapshot *nd_trace_publisher_take(nd_trace_publisher *publisher);

/* --- For the trace --- */

/** A snapshot of these nd_trace_views, which follow each other and move to it; `views` is empty
 * then. Errors: ND_NOMEM, and nothing has moved. */
ND_CHECKED nd_err nd_trace_snapshot_create(const nd_antichain *since, const nd_antichain *upper,
                                           nd_vector *views, nd_trace_snapshot **snapshot);
/** A publisher of a snapshot, which moves to it. NULL without memory, and it has not. */
nd_trace_publisher *nd_trace_publisher_create(nd_trace_snapshot *snapshot);
/** Publishes the next snapshot, which moves to it. */
void nd_trace_publisher_put(nd_trace_publisher *publisher, nd_trace_snapshot *snapshot);
/** Whether the caller's reference is the only one: then it stays so. */
bool nd_trace_publisher_is_alone(const nd_trace_publisher *publisher);

#endif
