/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/frame_check.h"

#include <inttypes.h>

static bool travels_on(nd_wire_kind kind, nd_lane_kind lane)
{
    switch (lane) {
    case ND_LANE_CONTROL:
        return kind == ND_WIRE_CONTROL;
    case ND_LANE_DATA:
        return kind == ND_WIRE_RECORDS || kind == ND_WIRE_PACKED;
    case ND_LANE_PROGRESS:
        return kind == ND_WIRE_PROGRESS;
    }
    return false;
}

nd_err nd_frame_check(const nd_frame_due *due, const nd_wire_head *head, nd_message *message)
{
    if (head->process != due->process || head->incarnation != due->incarnation)
        return nd_message_set(message, ND_PROTO, "a frame in the name of another");
    if (head->sequence != due->sequence)
        return nd_message_set(message, ND_PROTO,
                              "frame %" PRIu64 " where %" PRIu64
                              " was due: frames are lost or repeated",
                              head->sequence, due->sequence);
    if (!travels_on(head->kind, due->lane))
        return nd_message_set(message, ND_PROTO, "a frame on the wrong lane");
    return ND_OK;
}

bool nd_frame_is_of(const nd_frame *frame, unsigned process, unsigned n_workers)
{
    return frame->kind == ND_FRAME_CHANGES || frame->kind == ND_FRAME_DROP ||
           frame->worker / n_workers == process;
}
