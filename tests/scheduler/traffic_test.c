/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes tell each other of progress: no more on demand than eagerly, much less where much
 * is under way, and hardly more than each has to say.
 *
 * The two ways of telling lead one seed to different schedules, so equal costs differ a little.
 */
#include "tests/support/cmocka.h"

#include "tests/scheduler/traffic_run.h"

enum { RUNS = 3 };

static traffic count(traffic_job job, unsigned n_processes, nd_publish_mode mode)
{
    traffic sum = {.n_frames = 0};
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        nd_message message = {""};
        const traffic_plan plan = {job, n_processes, mode, seed};
        if (traffic_run(&plan, &sum, &message) != ND_OK)
            fail_msg("job %d, %u processes, seed %u: %s", (int)job, n_processes, (unsigned)seed,
                     message.text);
    }
    return sum;
}

static uint64_t percent(uint64_t n, uint64_t of) { return 100 * n / of; }

static void telling_on_demand_costs_no_more_than_telling_eagerly(void **state)
{
    (void)state;
    for (unsigned job = 0; job < TRAFFIC_JOBS; job++)
        for (unsigned n_processes = 2; n_processes <= 4; n_processes += 2) {
            const traffic eager = count((traffic_job)job, n_processes, ND_PUBLISH_EAGER);
            const traffic demand = count((traffic_job)job, n_processes, ND_PUBLISH_DEMAND);
            assert_in_range(percent(demand.n_frames, eager.n_frames), 1, 105);
            assert_in_range(percent(demand.n_bytes, eager.n_bytes), 1, 105);
        }
}

/* Eagerly each of the n messages that a process takes in a round is told to n - 1 others. */
static void telling_on_demand_saves_most_where_all_talk_to_all(void **state)
{
    (void)state;
    const traffic eager = count(TRAFFIC_SHARES, 8, ND_PUBLISH_EAGER);
    const traffic demand = count(TRAFFIC_SHARES, 8, ND_PUBLISH_DEMAND);
    assert_in_range(percent(demand.n_frames, eager.n_frames), 1, 60);
}

/* Every process lets go of every epoch, and somebody has consumed the record: n * n - 1 frames. */
static void an_epoch_costs_a_frame_a_link_and_one_a_record(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 8; n += 3) {
        const traffic demand = count(TRAFFIC_RECORD, n, ND_PUBLISH_DEMAND);
        const uint64_t expected = (n * n - UINT64_C(1)) * demand.n_epochs;
        assert_in_range(percent(demand.n_frames, expected), 80, 120);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(telling_on_demand_costs_no_more_than_telling_eagerly),
        cmocka_unit_test(telling_on_demand_saves_most_where_all_talk_to_all),
        cmocka_unit_test(an_epoch_costs_a_frame_a_link_and_one_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
