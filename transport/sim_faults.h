/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_SIM_FAULTS_H
#define TRANSPORT_SIM_FAULTS_H

/** @file
 * What may befall a simulated cluster.
 *
 * Networks and machines slow down, connections break, processes stop and crash: that is to be lived
 * through, or to end the run in good order. Frames that are lost, repeated, damaged or old, on a
 * lane that stands, do not come about by themselves: they show that the checks find them. What a
 * process may *neglect* shows that somebody would notice.
 */

#include "transport/sim.h"

/* --- Networks and machines --- */

/** From now on each frame of the lane takes up to `ticks`. */
void nd_sim_slow(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind lane, uint64_t ticks);

/** For so many ticks the process does nothing and takes nothing. */
void nd_sim_pause(nd_sim *sim, unsigned process, uint64_t ticks);

/** The lane breaks: of what is on it only the first part arrives, perhaps nothing, and nothing that
 * is sent later. The sender learns of it some time later, the receiver then, or not at all. */
void nd_sim_cut(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind lane);

/** The process is gone at once; what it had sent is treated as by nd_sim_cut. */
void nd_sim_crash(nd_sim *sim, unsigned process);

/* --- Frames --- */

typedef enum nd_sim_damage {
    ND_SIM_INTACT,
    ND_SIM_GAP,       /* the frame in front of it is missing */
    ND_SIM_TWICE,     /* it comes a second time */
    ND_SIM_FLIP_HEAD, /* one bit of its head is another */
    ND_SIM_FLIP_BODY, /* one bit of its body */
    ND_SIM_STALE,     /* it is of a process that had the sender's number before */
} nd_sim_damage;

/** Damages the next frame on the lane that can be: a frame goes missing only when another comes
 * behind it, or nobody could know. */
void nd_sim_damage_next(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind lane,
                        nd_sim_damage damage);

/** What has come of that. A frame is *met* when the receiver looks at it, and *believed* when it
 * finds nothing wrong, which must not be. Crashes and broken lanes are met when they happen. */
typedef struct nd_sim_witness {
    unsigned n_met, n_believed, n_crashes, n_cuts;
    unsigned damages; /* met: a bit each */
    uint64_t met_at;  /* the first: a tick */
    nd_sim_damage believed;
} nd_sim_witness;

nd_sim_witness nd_sim_ask_witness(const nd_sim *sim);

/* --- Neglect --- */

typedef enum nd_sim_neglect {
    ND_SIM_CAREFUL,
    ND_SIM_NO_SEQUENCE,    /* numbers of frames are not checked */
    ND_SIM_NO_BODY_HASH,   /* nor are bodies */
    ND_SIM_NO_INCARNATION, /* nor whether it is the same process still */
    ND_SIM_NO_DISCONNECT,  /* a broken lane is not noticed */
    ND_SIM_NO_CREDIT,      /* what was consumed is never told */
    ND_SIM_NO_ORDER,       /* what is on a lane comes in any order */
    ND_SIM_NO_COUNTS,      /* whoever has said goodbye is believed to have sent everything */
    ND_SIM_NO_FAREWELL,    /* ... and is not missed when its connection breaks after that */
    ND_SIM_NO_LINGER,      /* what is still on its lanes when it leaves is lost */
    ND_SIM_NO_ABORT,       /* a failure is not told */
    ND_SIM_NO_PASSING_ON,  /* a failure that another process has told of is not told on */
} nd_sim_neglect;

/** Makes all processes neglect something, from now on. */
void nd_sim_make_neglect(nd_sim *sim, nd_sim_neglect neglect);

#endif
