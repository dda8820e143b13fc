/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_WIRE_CONTROL_H
#define TRANSPORT_WIRE_CONTROL_H

/** @file
 * What processes say to each other beside records and progress: the message of control.proto, a
 * kind and one part that goes with it.
 *
 *     kind      said                                      part
 *     JOIN      by who connects, first on each lane       who it is and what it runs
 *     WELCOME   in answer                                 who answers
 *     REFUSE    in answer                                 why not
 *     READY     by who has met everybody                  -
 *     CREDIT    now and then                              bytes taken in from the receiver
 *     ALIVE     every second                              frames the receiver was sent so far
 *     GOODBYE   last on a clean end                       frames the receiver was sent, and what
 *                                                         the process has done
 *     ABORT     when the run has failed                   the first cause
 *     ASK       by who wants the run explained            -
 *     TELL      in answer                                 lines
 *
 * One thread at a time an arena; pure otherwise.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/worker.h>

#include "runtime/base/vector.h"
#include "transport/wire/arena.h"
#include "transport/wire/head.h"

enum {
    ND_CONTROL_TEXT = 512,            /* bytes of a text, with its final zero byte */
    ND_CONTROL_ARENA_MOST = 16 << 20, /* a limit within which every control message is unpacked */
};

typedef enum nd_control_kind {
    ND_CONTROL_JOIN = 1,
    ND_CONTROL_WELCOME,
    ND_CONTROL_REFUSE,
    ND_CONTROL_READY,
    ND_CONTROL_CREDIT,
    ND_CONTROL_ALIVE,
    ND_CONTROL_GOODBYE,
    ND_CONTROL_ABORT,
    ND_CONTROL_ASK,
    ND_CONTROL_TELL,
} nd_control_kind;

typedef enum nd_lane_kind { ND_LANE_CONTROL, ND_LANE_DATA, ND_LANE_PROGRESS } nd_lane_kind;
enum { ND_LANES = 3 };

typedef struct nd_control_join {
    uint32_t protocol_min, protocol_max; /* wire versions it speaks */
    uint64_t job[2], build[2];           /* name the job, and the program */
    uint32_t process, n_processes, n_workers;
    uint32_t word_size; /* bytes of a pointer */
    bool is_little_endian;
    nd_lane_kind lane;
    uint64_t incarnation;
    uint32_t pid;
    const char *host, *version; /* of Nereid */
} nd_control_join;

typedef struct nd_control_welcome {
    uint32_t process;
    uint64_t incarnation;
} nd_control_welcome;

typedef struct nd_control_refuse {
    nd_err err;
    const char *text;
} nd_control_refuse;

typedef struct nd_control_credit {
    uint64_t n_bytes; /* in all, since the start */
} nd_control_credit;

typedef struct nd_control_alive {
    uint64_t n_data_frames, n_progress_frames; /* that the receiver was sent so far */
} nd_control_alive;

typedef struct nd_control_goodbye {
    uint64_t n_data_frames, n_progress_frames;
    nd_run_stats stats; /* of the sending process */
} nd_control_goodbye;

typedef struct nd_control_abort {
    nd_err err;
    uint32_t process; /* where the cause is */
    const char *text;
} nd_control_abort;

typedef struct nd_control_tell {
    const char *const *lines;
    size_t n_lines;
} nd_control_tell;

typedef struct nd_control {
    nd_control_kind kind; /* says which part is there; READY and ASK have none */
    union {
        nd_control_join join;
        nd_control_welcome welcome;
        nd_control_refuse refuse;
        nd_control_credit credit;
        nd_control_alive alive;
        nd_control_goodbye goodbye;
        nd_control_abort abort;
        nd_control_tell tell;
    };
} nd_control;

/** Replaces the contents of `body`, a vector of bytes, by the message. Texts are cut to
 * ND_CONTROL_TEXT and are not NULL. Errors: ND_NOMEM, ND_INVAL (more than ND_WIRE_CONTROL_MOST
 * bytes). */
ND_CHECKED nd_err nd_wire_control_pack(const nd_control *control, nd_vector *body);

/** Reads a body that belongs to its head (nd_wire_body_check). Texts end at their first zero byte,
 * are cut to ND_CONTROL_TEXT, and are one line each: what a terminal would obey is a blank in them.
 * They and lines are lent until the arena's reset, which is the caller's. Errors: ND_PROTO
 * (no such message; an unknown kind, lane or error; a kind without its part; more memory than the
 * arena may have), ND_NOMEM. */
ND_CHECKED nd_err nd_wire_control_unpack(const nd_wire_head *head, const void *body,
                                         nd_wire_arena *arena, nd_control *control,
                                         nd_message *message);

#endif
