/* SPDX-License-Identifier: Apache-2.0 */
/* Back-pressure: a source that is faster than what reads it is held back, and is let go again. */
#include "tests/support/cmocka.h"

#include <nereid.h>

#include "runtime/budget.h"
#include "scheduler/simulation.h"
#include "scheduler/worker.h"

static void count_relief(void *context) { ++*(unsigned *)context; }

static void a_budget_is_spent_above_its_limit_and_relieves_at_half(void **state)
{
    (void)state;
    unsigned n_relieved = 0;
    nd_budget budget = {
        .limit = 4 * ND_BUDGET_SLACK, .relieve = count_relief, .context = &n_relieved};
    nd_budget_share sender = {.budget = &budget}, receiver = {.budget = &budget};
    nd_budget_count(&sender, 5 * ND_BUDGET_SLACK);
    assert_true(nd_budget_is_spent(&sender));
    assert_false(nd_budget_wait(&sender));
    nd_budget_count(&receiver, -2 * ND_BUDGET_SLACK);
    assert_false(nd_budget_is_spent(&sender));
    assert_int_equal(n_relieved, 0);
    nd_budget_count(&receiver, -ND_BUDGET_SLACK);
    assert_int_equal(n_relieved, 0); /* not settled yet */
    nd_budget_settle(&receiver);
    assert_int_equal(n_relieved, 1);
    nd_budget_count(&receiver, -ND_BUDGET_SLACK);
    nd_budget_settle(&receiver);
    assert_int_equal(n_relieved, 1); /* nobody waits any more */
}

static void without_a_budget_nothing_is_held_back(void **state)
{
    (void)state;
    nd_budget_share share = {.budget = NULL};
    nd_budget_count(&share, INT64_C(1) << 40);
    assert_false(nd_budget_is_spent(&share));
}

typedef struct block {
    uint64_t words[8];
} block;

static const nd_type block_type = ND_TYPE(
    block, 1, {"words", 0, sizeof(uint64_t), ND_KIND_UNSIGNED}, {"w1", 8, 8, ND_KIND_UNSIGNED},
    {"w2", 16, 8, ND_KIND_UNSIGNED}, {"w3", 24, 8, ND_KIND_UNSIGNED},
    {"w4", 32, 8, ND_KIND_UNSIGNED}, {"w5", 40, 8, ND_KIND_UNSIGNED},
    {"w6", 48, 8, ND_KIND_UNSIGNED}, {"w7", 56, 8, ND_KIND_UNSIGNED});

enum { N_TURNS = 60, N_BLOCKS = 1000 };

typedef struct run {
    uint64_t n_received;
    int64_t most; /* bytes under way */
} run;

/* A turn sends 64 kB and asks for the next. */
static void produce(nd_vertex *vertex)
{
    unsigned *const n_turns = nd_vertex_state(vertex);
    const nd_time zero = {0, {0}};
    for (uint64_t i = 0; i < N_BLOCKS; i++)
        nd_send_by(vertex, 0, &zero, &(block){{i}});
    if (++*n_turns == N_TURNS) {
        nd_release(vertex, &zero);
        return;
    }
    nd_activator *const activator = nd_vertex_activator(vertex);
    nd_activate(activator);
    nd_activator_release(activator);
}

static void consume(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    (void)time;
    run *const r = nd_vertex_user(vertex);
    r->n_received += nd_batch_len(batch);
}

static nd_err build(nd_worker *worker, void *arg)
{
    nd_dataflow *const flow = nd_dataflow_new(worker, "flood");
    nd_stream blocks;
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "source",
                                   .state_size = sizeof(unsigned),
                                   .on_activate = produce,
                                   .outputs = {&block_type}},
                  &blocks);
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "sink", .user = arg, .inputs = {nd_exchange(blocks)}, .on_recv = consume},
        NULL);
    return nd_dataflow_start(flow);
}

static run flood(unsigned n_workers, uint64_t seed, int64_t budget)
{
    run r = {.n_received = 0};
    const nd_simulation_def def = {
        .n_workers = n_workers, .seed = seed, .budget = budget, .build = build, .arg = &r};
    nd_simulation *simulation;
    nd_message message;
    assert_int_equal(nd_simulation_create(&def, &simulation, &message), ND_OK);
    for (bool quiet = false; !quiet;) {
        assert_int_equal(nd_simulation_step(simulation, &quiet, &message), ND_OK);
        const nd_budget *const shared = nd_simulation_worker(simulation, 0)->host.in_flight.budget;
        if (shared && shared->in_flight > r.most)
            r.most = shared->in_flight;
    }
    assert_true(nd_simulation_is_done(simulation));
    nd_simulation_destroy(simulation);
    assert_int_equal(r.n_received, (uint64_t)n_workers * N_TURNS * N_BLOCKS);
    return r;
}

static void sources_wait_and_everything_still_arrives(void **state)
{
    (void)state;
    enum { LIMIT = 512 * 1024 };
    for (uint64_t seed = 1; seed <= 40; seed++) {
        const unsigned n_workers = 1 + (unsigned)(seed % 4);
        const run limited = flood(n_workers, seed, LIMIT);
        /* what was under way, what no worker had settled yet, and a turn of each source */
        assert_true(limited.most <=
                    LIMIT + (int64_t)n_workers * (ND_BUDGET_SLACK + 2 * 64 * N_BLOCKS));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_is_spent_above_its_limit_and_relieves_at_half),
        cmocka_unit_test(without_a_budget_nothing_is_held_back),
        cmocka_unit_test(sources_wait_and_everything_still_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
