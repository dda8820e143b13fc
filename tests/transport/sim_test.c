/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated transport: the common suite, in a process and between processes; and that it breaks
 * its promises when told to.
 */
#include "tests/transport/transport_suite.h"

#include <stdlib.h>

#include "transport/sim_faults.h"

/* --- The common suite --- */

static void *create(unsigned n_workers)
{
    nd_sim *sim;
    const nd_sim_def def = {.n_workers = n_workers, .n_processes = 1};
    return nd_sim_create(&def, &sim) == ND_OK ? sim : NULL;
}

static void destroy(void *self) { nd_sim_destroy(self); }

static nd_transport transport(void *self, unsigned worker)
{
    return nd_sim_transport(self, worker);
}

static bool deliver(void *self, nd_random *random)
{
    while (nd_sim_n_deliverable(self) == 0)
        if (!nd_sim_pass_time(self))
            return false;
    assert_int_equal(nd_sim_deliver(self, nd_random_below(random, nd_sim_n_deliverable(self))),
                     ND_OK);
    return true;
}

/* A process for each worker, lanes of different speed, and little credit. */
typedef struct processes {
    nd_sim *sim;
    unsigned n;
} processes;

static void destroy_processes(void *self)
{
    nd_sim_destroy(((processes *)self)->sim);
    free(self);
}

static void *create_processes(unsigned n)
{
    processes *made = calloc(1, sizeof *made);
    const nd_sim_def def = {
        .n_workers = n, .n_processes = n, .mode = ND_PUBLISH_EAGER, .seed = 5, .window = 40};
    assert_non_null(made);
    made->n = n;
    if (nd_sim_create(&def, &made->sim) != ND_OK) {
        free(made);
        return NULL;
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < n; k++)
            if (i != k)
                nd_sim_slow(made->sim, i, k, (nd_lane_kind)((i + k) % ND_LANES), 3 * i);
    return made;
}

static nd_transport transport_of_process(void *self, unsigned worker)
{
    return nd_sim_transport(((processes *)self)->sim, worker);
}

static bool deliver_between(void *self, nd_random *random)
{
    return deliver(((processes *)self)->sim, random);
}

static unsigned worker_of_sender(void *self, unsigned sender)
{
    return sender - ((processes *)self)->n;
}

/* --- Broken promises --- */

/* What worker 1 gets of ten frames {+1, -1} of worker 0. */
typedef struct seen {
    uint64_t sequences[32];
    size_t lens[32];
    int64_t first_deltas[32];
    size_t n;
} seen;

static void count_tapped(void *context, const nd_frame *frame)
{
    assert_int_equal(frame->len, 2);
    ++*(unsigned *)context;
}

static seen send_ten(nd_sim_fault fault, unsigned every, bool keeps_numbers, bool shuffles)
{
    seen s = {.n = 0};
    unsigned n_tapped = 0;
    nd_sim *sim = create(2);
    nd_random random;
    assert_non_null(sim);
    nd_random_init(&random, 3);
    nd_sim_tap(sim, count_tapped, &n_tapped);
    nd_sim_break(sim, fault, every, keeps_numbers);
    const nd_transport from = nd_sim_transport(sim, 0), to = nd_sim_transport(sim, 1);
    const nd_change changes[] = {{.location = 1, .delta = 1}, {.location = 2, .delta = -1}};
    for (uint64_t i = 1; i <= 10; i++) {
        const nd_frame frame = {
            .sequence = i, .kind = ND_FRAME_CHANGES, .changes = changes, .len = 2};
        assert_int_equal(from.ops->send_frame(from.endpoint, &frame), ND_OK);
    }
    assert_int_equal(n_tapped, 10);
    while (shuffles ? deliver(sim, &random) : nd_sim_deliver(sim, 0) == ND_OK)
        continue;
    nd_frame frame;
    nd_delivery delivery;
    while (to.ops->receive(to.endpoint, &delivery, &frame) == ND_ARRIVAL_FRAME) {
        assert_in_range(s.n, 0, 31);
        s.sequences[s.n] = frame.sequence;
        s.lens[s.n] = frame.len;
        s.first_deltas[s.n++] = frame.len != 0 ? frame.changes[0].delta : 0;
    }
    nd_sim_destroy(sim);
    return s;
}

static bool is_counting(const seen *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->sequences[i] != i + 1)
            return false;
    return true;
}

static void a_faithful_one_changes_nothing(void **state)
{
    (void)state;
    const seen s = send_ten(ND_SIM_FAITHFUL, 1, true, true);
    assert_int_equal(s.n, 10);
    assert_true(is_counting(&s));
}

static void frames_are_split_taking_first(void **state)
{
    (void)state;
    const seen s = send_ten(ND_SIM_SPLIT, 5, false, true);
    assert_int_equal(s.n, 12);
    assert_true(is_counting(&s));
    assert_int_equal(s.lens[4], 1);
    assert_int_equal(s.first_deltas[4], -1);
    assert_int_equal(s.lens[5], 1);
    assert_int_equal(s.first_deltas[5], 1);
}

static void frames_are_repeated_lost_and_reordered(void **state)
{
    (void)state;
    assert_int_equal(send_ten(ND_SIM_REPEAT, 5, false, true).n, 12);
    assert_int_equal(send_ten(ND_SIM_LOSE, 5, false, true).n, 8);
    const seen in_order = send_ten(ND_SIM_REORDER, 1, true, false);
    assert_true(is_counting(&in_order));
    const seen shuffled = send_ten(ND_SIM_REORDER, 1, true, true);
    assert_int_equal(shuffled.n, 10);
    assert_false(is_counting(&shuffled));
}

/* Of three receivers one is not told of the drop; all are told of the changes. */
static void only_drops_are_forgotten(void **state)
{
    (void)state;
    nd_sim *sim = create(4);
    nd_sim_break(sim, ND_SIM_FORGET, 3, false);
    const nd_transport from = nd_sim_transport(sim, 0);
    const nd_change change = {.location = 1, .delta = 1};
    const nd_frame drop = {.sequence = 1, .kind = ND_FRAME_DROP};
    const nd_frame changes = {
        .sequence = 2, .kind = ND_FRAME_CHANGES, .changes = &change, .len = 1};
    assert_int_equal(from.ops->send_frame(from.endpoint, &drop), ND_OK);
    assert_int_equal(from.ops->send_frame(from.endpoint, &changes), ND_OK);
    while (nd_sim_deliver(sim, 0) == ND_OK)
        continue;
    unsigned n_drops = 0, n_changes = 0;
    for (unsigned i = 1; i < 4; i++) {
        const nd_transport to = nd_sim_transport(sim, i);
        nd_frame frame;
        nd_delivery delivery;
        while (to.ops->receive(to.endpoint, &delivery, &frame) == ND_ARRIVAL_FRAME) {
            n_drops += frame.kind == ND_FRAME_DROP;
            n_changes += frame.kind == ND_FRAME_CHANGES;
        }
    }
    assert_int_equal(n_drops, 2);
    assert_int_equal(n_changes, 3);
    nd_sim_destroy(sim);
}

static void numbers_give_a_fault_away_only_if_kept(void **state)
{
    (void)state;
    static const nd_sim_fault faults[] = {ND_SIM_SPLIT, ND_SIM_REPEAT, ND_SIM_LOSE, ND_SIM_REORDER};
    for (size_t i = 0; i < 4; i++) {
        const seen kept = send_ten(faults[i], 3, true, true);
        const seen renumbered = send_ten(faults[i], 3, false, true);
        assert_false(is_counting(&kept));
        assert_true(is_counting(&renumbered));
    }
}

static void what_is_not_there_cannot_be_delivered(void **state)
{
    (void)state;
    nd_sim *sim = create(2);
    assert_non_null(sim);
    assert_int_equal(nd_sim_n_deliverable(sim), 0);
    assert_int_equal(nd_sim_deliver(sim, 0), ND_INVAL);
    nd_sim_destroy(sim);
    nd_sim_destroy(NULL);
}

int main(void)
{
    static const network_ops sim = {
        .create = create, .destroy = destroy, .transport = transport, .deliver = deliver};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_faithful_one_changes_nothing),
        cmocka_unit_test(frames_are_split_taking_first),
        cmocka_unit_test(frames_are_repeated_lost_and_reordered),
        cmocka_unit_test(only_drops_are_forgotten),
        cmocka_unit_test(numbers_give_a_fault_away_only_if_kept),
        cmocka_unit_test(what_is_not_there_cannot_be_delivered),
    };
    static const network_ops between = {.create = create_processes,
                                        .destroy = destroy_processes,
                                        .transport = transport_of_process,
                                        .deliver = deliver_between,
                                        .worker_of_sender = worker_of_sender};
    return suite_run("sim", &sim) + suite_run("sim, between processes", &between) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
