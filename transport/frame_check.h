/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_FRAME_CHECK_H
#define TRANSPORT_FRAME_CHECK_H

/** @file
 * What a process asks of every frame that comes by a lane, beside what the frame's own checksums
 * say (transport/wire/head.h). Pure; any thread.
 */

#include <stdbool.h>

#include "runtime/transport.h"
#include "transport/wire/control.h"
#include "transport/wire/head.h"

/** What the next frame of a lane must say of itself. */
typedef struct nd_frame_due {
    unsigned process;     /* that the lane comes from */
    uint64_t incarnation; /* of that process */
    nd_lane_kind lane;
    uint64_t sequence; /* one more than that of the last frame */
} nd_frame_due;

/** Whether a head is of the frame that is due. Errors: ND_PROTO, the message naming the cause: a
 * frame of another process, or of one that was started before under the same number; a gap or a
 * repeat; a kind that does not travel on this lane. */
ND_CHECKED nd_err nd_frame_check(const nd_frame_due *due, const nd_wire_head *head,
                                 nd_message *message);

/** Whether a frame of progress speaks of no other workers than those of the process that sends it,
 * which has `n_workers`, as every process. */
bool nd_frame_is_of(const nd_frame *frame, unsigned process, unsigned n_workers);

#endif
