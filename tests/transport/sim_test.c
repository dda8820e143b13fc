/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sim.h"

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/transport/transport_suite.h"

static void *create(unsigned n_workers)
{
    nd_sim *sim = NULL;
    const nd_sim_def def = {.n_workers = n_workers, .n_processes = 1};
    return nd_sim_create(&def, &sim) == ND_OK ? sim : NULL;
}

static void destroy(void *subject) { nd_sim_destroy(subject); }

static nd_transport end_of(void *subject, unsigned worker)
{
    return nd_sim_transport(subject, worker);
}

static void pump(void *subject)
{
    nd_random random;
    nd_random_init(&random, 5);
    for (size_t n; (n = nd_sim_n_deliverable(subject)) != 0;)
        assert_int_equal(nd_sim_deliver(subject, (size_t)nd_random_below(&random, n)), ND_OK);
}

/* --- Broken promises: each must show in what arrives --- */

enum { N_FRAMES = 40 };

typedef struct arrived {
    size_t n_frames, n_changes, n_out_of_order;
} arrived;

/* Sends frames of two changes, one more and one less, from worker 0 to worker 1. */
static arrived send_under(nd_sim_fault fault)
{
    nd_sim *const sim = create(2);
    const nd_transport from = nd_sim_transport(sim, 0), to = nd_sim_transport(sim, 1);
    nd_sim_break(sim, fault, 2, true);
    for (uint64_t i = 1; i <= N_FRAMES; i++) {
        const nd_change changes[] = {{0, {i, {0}}, -1}, {1, {i, {0}}, 1}};
        const nd_frame frame = {
            .sequence = i, .kind = ND_FRAME_CHANGES, .changes = changes, .len = 2};
        assert_int_equal(from.ops->send_frame(from.endpoint, &frame), ND_OK);
    }
    pump(sim);
    arrived got = {.n_frames = 0};
    nd_delivery delivery;
    nd_frame frame;
    for (uint64_t last = 0; to.ops->receive(to.endpoint, &delivery, &frame) == ND_ARRIVAL_FRAME;
         last = frame.sequence) {
        got.n_frames++;
        got.n_changes += frame.len;
        got.n_out_of_order += frame.sequence < last;
    }
    nd_sim_destroy(sim);
    return got;
}

static void a_faithful_transport_changes_nothing(void **state)
{
    (void)state;
    const arrived got = send_under(ND_SIM_FAITHFUL);
    assert_int_equal(got.n_frames, N_FRAMES);
    assert_int_equal(got.n_changes, 2 * N_FRAMES);
    assert_int_equal(got.n_out_of_order, 0);
}

static void every_fault_shows(void **state)
{
    (void)state;
    assert_int_equal(send_under(ND_SIM_SPLIT).n_frames, N_FRAMES + N_FRAMES / 2);
    assert_int_equal(send_under(ND_SIM_SPLIT).n_changes, 2 * N_FRAMES);
    assert_int_equal(send_under(ND_SIM_REPEAT).n_frames, N_FRAMES + N_FRAMES / 2);
    assert_int_equal(send_under(ND_SIM_REPEAT).n_changes, 3 * N_FRAMES);
    assert_int_equal(send_under(ND_SIM_LOSE).n_frames, N_FRAMES / 2);
    assert_true(send_under(ND_SIM_REORDER).n_out_of_order > 0);
}

static void processes_hand_what_they_are_told_to_all_their_workers(void **state)
{
    (void)state;
    nd_sim *sim = NULL;
    const nd_sim_def def = {.n_workers = 4, .n_processes = 2, .mode = ND_PUBLISH_EAGER};
    assert_int_equal(nd_sim_create(&def, &sim), ND_OK);
    const nd_arc arc = {0, 1, nd_summary_identity()};
    const nd_topology topology = {.n_locations = 2, .edges = &arc, .n_edges = 1};
    const nd_change initial = {0, {0, {0}}, 4}, change = {0, {0, {0}}, -1};
    for (unsigned i = 0; i < 4; i++) {
        const nd_transport end = nd_sim_transport(sim, i);
        assert_int_equal(end.ops->begin_flow(end.endpoint, 0, &topology, &initial, 1), ND_OK);
    }
    const nd_transport from = nd_sim_transport(sim, 1);
    const nd_frame sent = {
        .sender = 1, .sequence = 1, .kind = ND_FRAME_CHANGES, .changes = &change, .len = 1};
    assert_int_equal(from.ops->send_frame(from.endpoint, &sent), ND_OK);
    pump(sim);
    const uint32_t sender_seen_by[] = {1, UINT32_MAX, 4, 4}; /* a worker; nobody; process 0 */
    for (unsigned i = 0; i < 4; i++) {
        const nd_transport to = nd_sim_transport(sim, i);
        nd_delivery delivery;
        nd_frame frame = {.sender = UINT32_MAX};
        const nd_arrival kind = to.ops->receive(to.endpoint, &delivery, &frame);
        assert_int_equal(kind, i == 1 ? ND_ARRIVAL_NONE : ND_ARRIVAL_FRAME);
        assert_int_equal(frame.sender, sender_seen_by[i]);
    }
    nd_sim_destroy(sim);
}

int main(void)
{
    const transport_subject subject = {
        .create = create, .destroy = destroy, .end_of = end_of, .pump = pump};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_faithful_transport_changes_nothing),
        cmocka_unit_test(every_fault_shows),
        cmocka_unit_test(processes_hand_what_they_are_told_to_all_their_workers),
    };
    return transport_suite_run("sim", &subject) + cmocka_run_group_tests(tests, NULL, NULL);
}
