/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs of life: a peer all of whose connections stand, but on which nothing comes that should. All
 * cases wait at the same time, since each takes seconds.
 */
#include "tests/support/cmocka.h"
#include "tests/transport/net_raw.h"

enum { TICKS = 10 }; /* of the net's, a second each: more than any patience that it has */

typedef struct scene {
    net_group *group;
    raw_peer *peer;
} scene;

static scene meet(void)
{
    const scene made = {.group = net_group_create(2)};
    raw_peer *const peer = raw_peer_open(made.group, 1);
    const nd_net_def def = net_def(made.group, 0);
    net_start(&def);
    raw_peer_meet(peer);
    assert_true(net_await_start(made.group, 0));
    return (scene){made.group, peer};
}

static void part(const scene *one)
{
    raw_peer_close(one->peer);
    net_group_destroy(one->group);
}

/* Waits for the net's own sign, which comes once a tick; false when it has failed instead. */
static bool await_tick(const scene *one)
{
    nd_control heard;
    while (raw_peer_hear(one->peer, &heard))
        if (heard.kind != ND_CONTROL_CREDIT)
            return heard.kind == ND_CONTROL_ALIVE;
    return false;
}

static void announce(const scene *one, uint64_t n_data_frames, uint64_t n_progress_frames)
{
    const raw_frame sign =
        raw_control(one->peer, &(nd_control){.kind = ND_CONTROL_ALIVE,
                                             .alive = {n_data_frames, n_progress_frames}});
    raw_send(one->peer, ND_LANE_CONTROL, &sign);
}

static bool has_failed(const scene *one)
{
    nd_message text;
    return net_failure(one->group, 0, &text) != ND_OK;
}

static void send_number(const scene *one)
{
    const raw_frame frame = raw_frame_of(one->peer, ND_LANE_DATA);
    raw_send(one->peer, ND_LANE_DATA, &frame);
}

static void what_is_announced_must_come(void **state)
{
    (void)state;
    const scene silent = meet(), forgotten = meet(), slow = meet();
    uint64_t n_sent = slow.peer->sequence[ND_LANE_DATA];
    for (unsigned tick = 0; tick < TICKS; tick++) {
        if (!has_failed(&forgotten) && await_tick(&forgotten))
            announce(&forgotten, forgotten.peer->sequence[ND_LANE_DATA],
                     forgotten.peer->sequence[ND_LANE_PROGRESS] + 1);
        assert_true(await_tick(&slow)); /* one frame a tick, always one behind */
        announce(&slow, n_sent + 2, slow.peer->sequence[ND_LANE_PROGRESS]);
        send_number(&slow);
        n_sent++;
    }
    net_expect_failure(silent.group, 0, ND_CLOSED, "is lost: nothing comes on its control");
    net_expect_failure(forgotten.group, 0, ND_CLOSED, "is lost: nothing comes on its progress");
    assert_false(has_failed(&slow));
    part(&silent);
    part(&forgotten);
    part(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_announced_must_come)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
