/* SPDX-License-Identifier: Apache-2.0 */
/* Signs of life. Every second each process says on its control lanes how many frames it has sent on
 * the other two. Who has not got that many, and sees no more come, has lost some: on a connection
 * that a machine on the way has forgotten, or inside ZeroMQ, which waits for the rest of a message
 * whose length came wrong. Nothing else would tell of either for a long time, since what was lost
 * is what everybody waits for.
 *
 * Counted are ticks of this process's own timer, not time: who was stopped himself must look at
 * what has come meanwhile before he complains. */
#include "transport/zmq/net_internal.h"

enum { TICK_MS = 1000, PATIENCE = 6 /* ticks; of records, which are large, one more */ };

static const char *const names[ND_LANES] = {"control", "data", "progress"};

static unsigned patience(nd_lane_kind lane)
{
    return lane == ND_LANE_DATA ? PATIENCE + 1 : PATIENCE;
}

static void say(nd_peer *peer)
{
    nd_net_tell(peer, &(nd_control){.kind = ND_CONTROL_ALIVE,
                                    .alive = {peer->lanes[ND_LANE_DATA].sequence,
                                              peer->lanes[ND_LANE_PROGRESS].sequence}});
}

/* Whether a frame is to be expected on the lane, unless the peer is dead. */
static bool is_due(const nd_peer *peer, nd_lane_kind lane)
{
    const uint64_t sent = peer->has_left ? peer->promised[lane] : peer->announced[lane];
    return lane == ND_LANE_CONTROL ? !peer->has_left : sent > peer->seen[lane];
}

static void look(nd_peer *peer, nd_lane_kind lane)
{
    const bool is_still = is_due(peer, lane) && peer->seen[lane] == peer->seen_before[lane];
    peer->n_still[lane] = is_still ? peer->n_still[lane] + 1 : 0;
    peer->seen_before[lane] = peer->seen[lane];
    if (peer->n_still[lane] >= patience(lane))
        nd_net_fail(peer->net, ND_CLOSED,
                    "process %u (%s) is lost: nothing comes on its %s connection for %u s",
                    peer->process, peer->address, names[lane], peer->n_still[lane]);
}

static void on_tick(uv_timer_t *timer)
{
    nd_net *const net = timer->data;
    for (unsigned i = 0; i < net->def.n_processes && net->err == ND_OK; i++) {
        if (i == net->def.process)
            continue;
        if (!net->has_left)
            say(&net->peers[i]);
        for (unsigned k = 0; k < ND_LANES && net->err == ND_OK; k++)
            look(&net->peers[i], (nd_lane_kind)k);
    }
}

void nd_alive_begin(nd_net *net) { uv_timer_start(&net->alive, on_tick, TICK_MS, TICK_MS); }

void nd_alive_take(nd_peer *peer, const nd_control_alive *alive)
{
    peer->announced[ND_LANE_DATA] = alive->n_data_frames;
    peer->announced[ND_LANE_PROGRESS] = alive->n_progress_frames;
}
