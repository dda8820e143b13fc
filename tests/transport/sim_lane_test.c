/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated processes: what travels between them comes as it was sent, in order, in time and within
 * credit; what is wrong with it is found, and ends the run everywhere for the same reason.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "runtime/base/random.h"
#include "transport/sim_faults.h"

enum { PROCESSES = 3, RECORD = sizeof(uint64_t) };

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

/* Three processes of one worker each, which has begun one dataflow. */
typedef struct trio {
    nd_sim *sim;
    nd_random random;
    nd_pool pools[PROCESSES];
    nd_budget budgets[PROCESSES];
    uint64_t n_sent[PROCESSES];                                          /* frames, by worker */
    uint64_t n_frames[PROCESSES], n_batches[PROCESSES], sums[PROCESSES]; /* received, by worker */
    unsigned n_wrong; /* batches that are not what was sent */
} trio;

/* --- What workers do --- */

static const nd_type *type_of(const void *context, uint32_t channel)
{
    (void)context;
    return channel == 0 ? &number_type : NULL;
}

static nd_transport transport_of(const trio *t, unsigned worker)
{
    return nd_sim_transport(t->sim, worker);
}

static void begin(trio *t, uint64_t window, uint64_t seed)
{
    static const nd_topology topology = {.n_locations = 1};
    memset(t, 0, sizeof *t);
    nd_random_init(&t->random, seed);
    for (unsigned i = 0; i < PROCESSES; i++) {
        nd_pool_init(&t->pools[i]);
        t->budgets[i].limit = INT64_MAX;
    }
    const nd_sim_def def = {.n_workers = PROCESSES,
                            .n_processes = PROCESSES,
                            .mode = ND_PUBLISH_EAGER,
                            .seed = seed,
                            .window = window,
                            .budgets = t->budgets};
    assert_int_equal(nd_sim_create(&def, &t->sim), ND_OK);
    for (unsigned i = 0; i < PROCESSES; i++) {
        const nd_flow_plan plan = {.topology = &topology, .pool = &t->pools[i], .type_of = type_of};
        const nd_transport transport = transport_of(t, i);
        assert_int_equal(transport.ops->begin_flow(transport.endpoint, &plan), ND_OK);
    }
}

static void end(trio *t)
{
    nd_sim_destroy(t->sim);
    for (unsigned i = 0; i < PROCESSES; i++)
        nd_pool_deinit(&t->pools[i]);
}

/* A frame that says nothing of counts, so that nothing is left to be told. */
static void send_frame(trio *t, unsigned worker)
{
    const nd_transport transport = transport_of(t, worker);
    const uint64_t sequence = ++t->n_sent[worker];
    const nd_frame frame = {.kind = ND_FRAME_START,
                            .sender = worker,
                            .worker = worker,
                            .fingerprint = 1000 + sequence,
                            .sequence = sequence};
    assert_int_equal(transport.ops->send_frame(transport.endpoint, &frame), ND_OK);
}

static void send_batch(trio *t, unsigned from, unsigned to, uint64_t value)
{
    const nd_transport transport = transport_of(t, from);
    nd_batch *batch = nd_batch_create(&t->pools[from], &number_type, RECORD);
    assert_non_null(batch);
    batch->len = 1;
    memcpy(batch->records, &value, RECORD);
    nd_budget_add(&t->budgets[from], RECORD);
    const nd_delivery delivery = {.batch = batch, .time = {.epoch = value}};
    assert_int_equal(transport.ops->send_batch(transport.endpoint, to, &delivery), ND_OK);
}

static bool receive(trio *t, unsigned worker)
{
    nd_delivery delivery;
    nd_frame frame;
    uint64_t value;
    const nd_transport transport = transport_of(t, worker);
    switch (transport.ops->receive(transport.endpoint, &delivery, &frame)) {
    case ND_ARRIVAL_BATCH:
        memcpy(&value, nd_batch_records(delivery.batch), RECORD);
        t->n_wrong += value != delivery.time.epoch;
        t->sums[worker] += value;
        t->n_batches[worker]++;
        transport.ops->consumed(transport.endpoint, delivery.batch);
        nd_batch_drop(delivery.batch, &t->pools[worker]);
        return true;
    case ND_ARRIVAL_FRAME:
        assert_int_equal(frame.fingerprint, 1000 + frame.sequence);
        t->n_frames[worker]++;
        return true;
    case ND_ARRIVAL_NONE:
        break;
    }
    return false;
}

/* --- What happens --- */

static void deliver_any(trio *t)
{
    const size_t n = nd_sim_n_deliverable(t->sim);
    assert_int_equal(nd_sim_deliver(t->sim, (size_t)nd_random_below(&t->random, n)), ND_OK);
}

/* Everything that can happen, without passing time. */
static void settle_now(trio *t)
{
    nd_message message;
    bool goes_on = true;
    while (goes_on) {
        goes_on = nd_sim_n_deliverable(t->sim) != 0;
        if (goes_on)
            deliver_any(t);
        for (unsigned i = 0; i < PROCESSES; i++)
            while (nd_sim_may_act(t->sim, i) && receive(t, i))
                goes_on = true;
        if (nd_sim_validate(t->sim, &message) != ND_OK)
            fail_msg("%s", message.text);
    }
}

static void settle(trio *t)
{
    do
        settle_now(t);
    while (nd_sim_pass_time(t->sim));
}

static void finish_all(trio *t)
{
    for (unsigned i = 0; i < PROCESSES; i++)
        nd_sim_finish(t->sim, i);
}

static void expect_phase(const trio *t, unsigned process, nd_sim_phase phase)
{
    nd_message message = {""};
    if (nd_sim_phase_of(t->sim, process) == phase)
        return;
    (void)!nd_sim_verdict(t->sim, process, &message);
    fail_msg("process %u: %d, not %d; %s", process, nd_sim_phase_of(t->sim, process), phase,
             message.text);
}

static void expect_verdict(const trio *t, unsigned process, nd_err err, const char *text)
{
    nd_message message = {""};
    expect_phase(t, process, ND_SIM_FAILED);
    assert_int_equal(nd_sim_verdict(t->sim, process, &message), err);
    if (strstr(message.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
}

/* --- Good order --- */

static void everything_comes_and_all_take_leave(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        trio t;
        begin(&t, seed % 2 ? 0 : 3 * RECORD, seed);
        nd_sim_slow(t.sim, 0, 1, (nd_lane_kind)(seed % ND_LANES), 50);
        for (unsigned i = 0; i < 30; i++) {
            send_batch(&t, i % 3, (i + 1) % 3, i);
            send_frame(&t, i % 3);
        }
        finish_all(&t);
        settle(&t);
        for (unsigned i = 0; i < PROCESSES; i++) {
            expect_phase(&t, i, ND_SIM_ENDED);
            assert_true(nd_sim_has_all(t.sim, i));
            assert_int_equal(t.n_frames[i], 20);
            assert_int_equal(t.n_batches[i], 10);
            assert_int_equal(t.budgets[i].in_flight, nd_sim_unconsumed(t.sim, i));
        }
        assert_int_equal(t.sums[0] + t.sums[1] + t.sums[2], 30 * 29 / 2);
        assert_int_equal(t.n_wrong, 0);
        end(&t);
    }
}

static void what_was_sent_is_counted(void **state)
{
    (void)state;
    trio t;
    begin(&t, 0, 1);
    send_batch(&t, 0, 2, 7);
    send_batch(&t, 0, 2, 8);
    const nd_sim_sent sent = nd_sim_sent_on(t.sim, 0, 2, ND_LANE_DATA);
    assert_int_equal(sent.n_frames, 2);
    assert_int_equal(sent.n_bytes, 2 * (ND_WIRE_HEAD_SIZE + RECORD));
    assert_int_equal(nd_sim_sent_on(t.sim, 2, 0, ND_LANE_DATA).n_frames, 0);
    assert_false(nd_sim_has_all(t.sim, 2));
    settle(&t);
    assert_true(nd_sim_has_all(t.sim, 2));
    end(&t);
}

static void what_is_slow_comes_in_its_time_and_in_order(void **state)
{
    (void)state;
    trio t;
    begin(&t, 0, 4);
    nd_sim_slow(t.sim, 0, 1, ND_LANE_DATA, 1000);
    for (uint64_t i = 0; i < 5; i++)
        send_batch(&t, 0, 1, i);
    const uint64_t begun = nd_sim_now(t.sim);
    settle(&t);
    assert_int_equal(t.n_batches[1], 5);
    assert_in_range(nd_sim_now(t.sim), begun + 100, begun + 1000 + 50);
    assert_int_equal(nd_sim_ask_witness(t.sim).n_met, 0);
    end(&t);
}

static void who_is_paused_takes_nothing(void **state)
{
    (void)state;
    trio t;
    begin(&t, 0, 4);
    nd_sim_pause(t.sim, 1, 500);
    send_batch(&t, 0, 1, 1);
    send_batch(&t, 0, 2, 1);
    settle_now(&t);
    assert_false(nd_sim_may_act(t.sim, 1));
    assert_false(nd_sim_has_all(t.sim, 1));
    assert_true(nd_sim_has_all(t.sim, 2));
    settle(&t);
    assert_true(nd_sim_now(t.sim) >= 500);
    assert_int_equal(t.n_batches[1], 1);
    end(&t);
}

static void batches_wait_for_credit(void **state)
{
    (void)state;
    trio t;
    begin(&t, RECORD, 4);
    for (uint64_t i = 0; i < 5; i++)
        send_batch(&t, 0, 1, i);
    assert_int_equal(nd_sim_n_waiting(t.sim, 0, 1), 4);
    assert_int_equal(nd_sim_sent_on(t.sim, 0, 1, ND_LANE_DATA).n_frames, 1);
    assert_int_equal(nd_sim_unconsumed(t.sim, 0), 5 * RECORD);
    settle(&t);
    assert_int_equal(t.n_batches[1], 5);
    assert_int_equal(nd_sim_n_waiting(t.sim, 0, 1), 0);
    assert_int_equal(nd_sim_unconsumed(t.sim, 0), 0);
    end(&t);
}

/* --- Damage --- */

/* Something travels on every lane from process 0 to process 1. */
static void send_on(trio *t, nd_lane_kind lane)
{
    switch (lane) {
    case ND_LANE_CONTROL: /* credit, for what comes the other way */
        send_batch(t, 1, 0, 1);
        settle_now(t);
        break;
    case ND_LANE_DATA:
        send_batch(t, 0, 1, 2);
        break;
    case ND_LANE_PROGRESS:
        send_frame(t, 0);
        break;
    }
}

static void damage(trio *t, nd_sim_damage damage, nd_lane_kind lane, nd_sim_neglect neglect)
{
    begin(t, 8 * RECORD, 7 + damage + 10 * lane); /* every batch has its credit told */
    nd_sim_make_neglect(t->sim, neglect);
    nd_sim_slow(t->sim, 0, 1, lane, 100); /* so that one comes behind the other */
    nd_sim_damage_next(t->sim, 0, 1, lane, damage);
    for (unsigned i = 0; i < 4; i++)
        send_on(t, lane);
    settle(t);
}

static void damage_is_found_on_every_lane(void **state)
{
    (void)state;
    static const char *const texts[] = {[ND_SIM_GAP] = "frames are lost or repeated",
                                        [ND_SIM_TWICE] = "frames are lost or repeated",
                                        [ND_SIM_FLIP_HEAD] = "process 0 sent",
                                        [ND_SIM_FLIP_BODY] = "process 0 sent a damaged body",
                                        [ND_SIM_STALE] = "a frame in the name of another"};
    for (unsigned what = ND_SIM_GAP; what <= ND_SIM_STALE; what++)
        for (unsigned lane = 0; lane < ND_LANES; lane++) {
            trio t;
            damage(&t, (nd_sim_damage)what, (nd_lane_kind)lane, ND_SIM_CAREFUL);
            for (unsigned i = 0; i < PROCESSES; i++)
                expect_verdict(&t, i, ND_PROTO, texts[what]);
            const nd_sim_witness witness = nd_sim_ask_witness(t.sim);
            assert_int_equal(witness.damages, 1U << what);
            assert_int_equal(witness.n_believed, 0);
            end(&t);
        }
}

static void the_careless_believe_it_and_are_seen(void **state)
{
    (void)state;
    static const struct {
        nd_sim_damage damage;
        nd_sim_neglect neglect;
    } cases[] = {{ND_SIM_GAP, ND_SIM_NO_SEQUENCE},
                 {ND_SIM_TWICE, ND_SIM_NO_SEQUENCE},
                 {ND_SIM_STALE, ND_SIM_NO_INCARNATION}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trio t;
        damage(&t, cases[i].damage, ND_LANE_CONTROL, cases[i].neglect);
        const nd_sim_witness witness = nd_sim_ask_witness(t.sim);
        assert_int_equal(witness.n_believed, 1);
        assert_int_equal(witness.believed, cases[i].damage);
        end(&t);
    }
    trio t;
    damage(&t, ND_SIM_FLIP_BODY, ND_LANE_DATA, ND_SIM_NO_BODY_HASH);
    assert_int_equal(nd_sim_ask_witness(t.sim).believed, ND_SIM_FLIP_BODY);
    assert_int_equal(t.n_wrong, 1);
    end(&t);
}

/* --- Breaks --- */

/* What is sent before the break may arrive, from the first on; what is sent later does not. */
static void of_a_broken_lane_the_first_part_arrives(void **state)
{
    (void)state;
    unsigned n_arrivals[11] = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        trio t;
        begin(&t, 0, seed);
        for (uint64_t i = 0; i < 10; i++)
            send_batch(&t, 0, 1, i);
        nd_sim_cut(t.sim, 0, 1, ND_LANE_DATA);
        send_batch(&t, 0, 1, 1000);
        settle(&t);
        assert_in_range(t.n_batches[1], 0, 10);
        assert_int_equal(t.sums[1], t.n_batches[1] * (t.n_batches[1] - 1) / 2);
        n_arrivals[t.n_batches[1]]++;
        nd_message first, other;
        for (unsigned i = 0; i < PROCESSES; i++) {
            expect_verdict(&t, i, ND_CLOSED, "is gone: its connection broke");
            assert_int_equal(nd_sim_verdict(t.sim, i, i ? &other : &first), ND_CLOSED);
            if (i)
                assert_string_equal(first.text, other.text);
        }
        end(&t);
    }
    for (unsigned i = 0; i <= 10; i++)
        assert_int_not_equal(n_arrivals[i], 0);
}

static void who_crashes_is_missed(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        trio t;
        begin(&t, 0, seed);
        send_frame(&t, 2);
        nd_sim_crash(t.sim, 2);
        nd_sim_finish(t.sim, 0);
        settle(&t);
        expect_phase(&t, 2, ND_SIM_CRASHED);
        expect_verdict(&t, 0, ND_CLOSED, "process 2 is gone");
        expect_verdict(&t, 1, ND_CLOSED, "process 2 is gone");
        end(&t);
    }
}

/* Whose goodbye has come, and whose last frames have not, is missed, too. */
static void a_goodbye_does_not_stand_for_what_was_lost(void **state)
{
    (void)state;
    unsigned n_missed = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        trio t;
        begin(&t, 0, seed);
        nd_sim_slow(t.sim, 0, 1, ND_LANE_PROGRESS, 1000);
        send_frame(&t, 0);
        nd_sim_finish(t.sim, 0);
        nd_sim_finish(t.sim, 1);
        settle_now(&t);
        assert_true(nd_sim_has_left(t.sim, 0));
        nd_sim_crash(t.sim, 0);
        nd_sim_finish(t.sim, 2);
        settle(&t);
        if (nd_sim_phase_of(t.sim, 1) == ND_SIM_FAILED) {
            expect_verdict(&t, 1, ND_CLOSED, "process 0 is gone");
            n_missed++;
        } else {
            expect_phase(&t, 1, ND_SIM_ENDED); /* it came all the same */
        }
        end(&t);
    }
    assert_in_range(n_missed, 10, 40);
}

/* --- Causes --- */

static void a_cause_is_everybodys(void **state)
{
    (void)state;
    trio t;
    begin(&t, 0, 1);
    nd_sim_fail(t.sim, 1, ND_INPUT, "no numbers today");
    nd_sim_fail(t.sim, 1, ND_FAILED, "a consequence");
    settle(&t);
    for (unsigned i = 0; i < PROCESSES; i++)
        expect_verdict(&t, i, ND_INPUT, "no numbers today");
    end(&t);
}

static void of_two_causes_that_of_the_lower_process_counts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        trio t;
        begin(&t, 0, seed);
        nd_sim_fail(t.sim, 2, ND_INPUT, "second");
        nd_sim_fail(t.sim, 1, ND_FAILED, "first");
        settle(&t);
        for (unsigned i = 0; i < PROCESSES; i++)
            expect_verdict(&t, i, ND_FAILED, "first");
        end(&t);
    }
}

/* Also a better cause than the one that was told before. */
static void what_cannot_be_told_is_told_on(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        trio t;
        begin(&t, 0, seed);
        nd_sim_cut(t.sim, 0, 2, ND_LANE_CONTROL);
        nd_sim_fail(t.sim, 2, ND_INPUT, "second");
        nd_sim_fail(t.sim, 0, ND_FAILED, "first");
        settle(&t);
        for (unsigned i = 0; i < PROCESSES; i++)
            expect_verdict(&t, i, ND_FAILED, "first");
        end(&t);
    }
}

static void alone_a_process_just_ends(void **state)
{
    (void)state;
    nd_sim *sim;
    nd_message message;
    for (unsigned fails = 0; fails < 2; fails++) {
        assert_int_equal(nd_sim_create(&(nd_sim_def){.n_workers = 2, .n_processes = 1}, &sim),
                         ND_OK);
        assert_true(nd_sim_may_act(sim, 0));
        if (fails)
            nd_sim_fail(sim, 0, ND_FAILED, "why");
        else
            nd_sim_finish(sim, 0);
        assert_int_equal(nd_sim_phase_of(sim, 0), fails ? ND_SIM_FAILED : ND_SIM_ENDED);
        assert_int_equal(nd_sim_verdict(sim, 0, &message), fails ? ND_FAILED : ND_OK);
        assert_false(nd_sim_may_act(sim, 0));
        assert_false(nd_sim_pass_time(sim));
        nd_sim_destroy(sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_and_all_take_leave),
        cmocka_unit_test(what_was_sent_is_counted),
        cmocka_unit_test(what_is_slow_comes_in_its_time_and_in_order),
        cmocka_unit_test(who_is_paused_takes_nothing),
        cmocka_unit_test(batches_wait_for_credit),
        cmocka_unit_test(damage_is_found_on_every_lane),
        cmocka_unit_test(the_careless_believe_it_and_are_seen),
        cmocka_unit_test(of_a_broken_lane_the_first_part_arrives),
        cmocka_unit_test(who_crashes_is_missed),
        cmocka_unit_test(a_goodbye_does_not_stand_for_what_was_lost),
        cmocka_unit_test(a_cause_is_everybodys),
        cmocka_unit_test(of_two_causes_that_of_the_lower_process_counts),
        cmocka_unit_test(what_cannot_be_told_is_told_on),
        cmocka_unit_test(alone_a_process_just_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
