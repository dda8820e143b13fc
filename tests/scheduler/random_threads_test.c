/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random whole dataflows on threads: every worker builds the same random plan, whose vertices send
 * on, delay, double, drop, keep and hold what they get. Each channel must bring every worker what
 * was sent to it, notifications must keep their promise, and the answer must be the same for any
 * number of workers.
 *
 * Arguments: the first seed, and how many.
 */
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/random/harness/plan_builder.h"
#include "tests/scheduler/random_threads.h"

/* --- Building --- */

typedef struct builder {
    shared_run *run;
    plan_builder copy;
    nd_vertex *vertices[PLAN_VERTICES];
} builder;

static nd_pact connect(const builder *b, const plan_channel *channel)
{
    const nd_stream stream = b->copy.streams[channel->stream];
    if (channel->kind == ND_PACT_BROADCAST)
        return nd_broadcast(stream);
    if (channel->kind != ND_PACT_EXCHANGE)
        return nd_pipeline(stream);
    return channel->by_function ? nd_exchange_by(stream, threads_route, (nd_user){b->run, NULL})
                                : nd_exchange(stream);
}

/* The plan's paths, those that are the identity too. */
static size_t state_paths(const plan_vertex *plan, nd_vertex_summary *summaries)
{
    size_t n = 0;
    for (unsigned i = 0; plan->has_summaries && i < plan->n_inputs; i++)
        for (unsigned o = 0; o < plan_n_outlets(plan); o++) {
            const plan_path *path = &plan->paths[i][o];
            nd_time add = {.epoch = path->adds[0]};
            for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
                add.loop[k] = (uint32_t)path->adds[k + 1];
            summaries[n++] = (nd_vertex_summary){i, o, !path->exists, add};
        }
    return n;
}

static void build_vertex(builder *b, const plan_step *step)
{
    const plan_vertex *plan = &b->run->plan.vertices[step->of];
    nd_vertex_summary summaries[PLAN_PORTS * PLAN_PORTS];
    nd_stream hidden;
    nd_vertex_def def = {.source = plan->is_source,
                         .summaries = summaries,
                         .n_summaries = state_paths(plan, summaries),
                         .only_named = plan->only_named};
    threads_vertex_behave(&b->run->places[step->of], &def);
    for (unsigned i = 0; i < plan->n_inputs; i++)
        def.inputs[i] = connect(b, &b->run->plan.channels[plan->first_channel + i]);
    for (unsigned o = 0; o < plan->n_outputs; o++)
        def.outputs[o] = &traveller_type;
    nd_stream *out = plan->n_outputs != 0 ? &b->copy.streams[step->stream] : &hidden;
    b->vertices[step->of] = nd_vertex_new(b->copy.scopes[step->scope], &def, out);
}

/* Moves the driven sources on, between steps, until all are closed. */
static nd_err drive(const builder *b, nd_worker *worker)
{
    bool is_open = true;
    while (is_open) {
        is_open = false;
        for (unsigned v = 0; v < b->run->plan.n_vertices; v++) {
            if (!b->run->plan.vertices[v].is_driven || !threads_source_is_open(b->vertices[v]))
                continue;
            threads_source_feed(b->vertices[v]);
            is_open = true;
            ND_TRY(nd_worker_step(worker, 1 + (v + nd_worker_index(worker)) % 8));
        }
    }
    return ND_OK;
}

static nd_err program(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "random");
    builder b = {.run = arg, .copy = {.type = &traveller_type, .scopes = {nd_root(flow)}}};
    for (unsigned i = 0; i < b.run->plan.n_steps; i++) {
        const plan_step *step = &b.run->plan.steps[i];
        if (step->kind == PLAN_VERTEX)
            build_vertex(&b, step);
        else
            plan_builder_step(&b.copy, step);
    }
    ND_TRY(nd_dataflow_start(flow));
    ND_TRY(drive(&b, worker));
    return nd_worker_run(worker);
}

/* --- Runs --- */

typedef struct seeds {
    uint64_t first, n;
} seeds;

static void prepare(shared_run *run, uint64_t seed, unsigned n_workers)
{
    nd_random random;
    memset(run, 0, sizeof *run);
    run->seed = seed;
    run->n_workers = n_workers;
    nd_random_init(&random, seed);
    plan_make(&random, false, &run->plan);
    for (unsigned v = 0; v < run->plan.n_vertices; v++) {
        const plan_vertex *plan = &run->plan.vertices[v];
        const bool relays = nd_random_below(&random, 3) == 0;
        run->places[v] = (place){.run = run, .plan = plan, .number = v};
        run->places[v].relays = relays && !plan->on_cycle && plan->n_outputs != 0;
    }
    for (unsigned c = 0; c < run->plan.n_channels; c++) {
        const plan_channel *channel = &run->plan.channels[c];
        run->places[channel->from].n_takers[channel->from_port]++;
    }
}

static void execute(shared_run *run, uint64_t seed, unsigned n_workers)
{
    nd_message message = {""};
    prepare(run, seed, n_workers);
    const nd_err err =
        nd_execute(&(nd_config){.n_workers = n_workers}, program, run, NULL, &message);
    if (err != ND_OK)
        fail_msg("seed %" PRIu64 ", %u workers: %s", seed, n_workers, message.text);
    if (run->n_wrong != 0)
        fail_msg("seed %" PRIu64 ", %u workers: %" PRIu64 " times wrong, such as %s", seed,
                 n_workers, run->n_wrong, run->what);
    for (unsigned c = 0; c < run->plan.n_channels; c++)
        for (unsigned w = 0; w < n_workers; w++)
            if (run->sent[c][w].n != run->received[c][w].n ||
                run->sent[c][w].sum != run->received[c][w].sum)
                fail_msg("seed %" PRIu64 ", %u workers, channel %u to %u: %" PRIu64
                         " records sent, %" PRIu64 " received",
                         seed, n_workers, c, w, run->sent[c][w].n, run->received[c][w].n);
}

static void expect_answer(const shared_run *run, const shared_run *expected)
{
    for (unsigned epoch = 0; epoch < EPOCHS; epoch++)
        if (run->answer[epoch] != expected->answer[epoch])
            fail_msg("seed %" PRIu64 ": %u workers have another answer than one for epoch %u",
                     run->seed, run->n_workers, epoch);
}

static void random_dataflows_have_one_answer_on_any_number_of_threads(void **state)
{
    static const unsigned numbers[] = {2, 3, MOST_WORKERS};
    const seeds *which = *state;
    uint64_t n_kept = 0, n_held = 0, n_relayed = 0, n_notified = 0;
    for (uint64_t seed = which->first; seed < which->first + which->n; seed++) {
        shared_run alone, run;
        execute(&alone, seed, 1);
        for (size_t i = 0; i < 3; i++) {
            execute(&run, seed, numbers[i]);
            expect_answer(&run, &alone);
        }
        n_kept += alone.n_kept;
        n_held += alone.n_held;
        n_relayed += alone.n_relayed;
        n_notified += alone.n_notified;
    }
    /* Each way of acting does occur. */
    assert_true(n_kept > which->n && n_held > which->n);
    assert_true(n_relayed > which->n && n_notified > which->n);
}

int main(int argc, char **argv)
{
    seeds which = {.first = 1, .n = 30};
    if (argc > 1)
        which.first = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        which.n = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(random_dataflows_have_one_answer_on_any_number_of_threads,
                                  &which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
