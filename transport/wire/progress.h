/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_WIRE_PROGRESS_H
#define TRANSPORT_WIRE_PROGRESS_H

/** @file
 * Frames of progress on the way: the message of progress.proto. The head has the rest.
 *
 *     in the head    dataflow, sending process, sequence on the lane, count of changes
 *     in the body    kind, worker, fingerprint
 *                    location   a column: a number for each change
 *                    epoch      a column, or nothing when all are zero
 *                    loop0..3   a column each, or nothing
 *                    delta      a column
 *
 * One thread at a time an arena; pure otherwise.
 */

#include "runtime/base/vector.h"
#include "runtime/transport.h"
#include "transport/wire/arena.h"
#include "transport/wire/head.h"

enum { ND_WIRE_CHANGES_MOST = 1 << 19 }; /* changes in a frame */

/** Replaces the contents of `body`, a vector of bytes, by the frame. Errors: ND_NOMEM, ND_INVAL
 * (more than ND_WIRE_CHANGES_MOST changes, or ND_WIRE_BODY_MOST bytes; a frame is never split). */
ND_CHECKED nd_err nd_wire_progress_pack(const nd_frame *frame, nd_vector *body,
                                        nd_message *message);

/** Reads a body that belongs to its head (nd_wire_body_check). The frame's sender is the number of
 * the process and its sequence that of the lane: the caller numbers as its receivers do. Whether
 * the locations exist is for the tracker to say. `changes` are lent until the arena's reset, which
 * is the caller's. Errors: ND_PROTO (no such message; an unknown kind; columns that are not as long
 * as the head says; more memory than the arena may have), ND_NOMEM. */
ND_CHECKED nd_err nd_wire_progress_unpack(const nd_wire_head *head, const void *body,
                                          nd_wire_arena *arena, nd_frame *frame,
                                          nd_message *message);

#endif
