/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/random_program.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/graph_internal.h"
#include "tests/random/harness/plan_builder.h"
#include "tests/random/harness/random_vertex.h"
#include "tests/random/harness/records.h"

/* --- Building --- */

/* One worker's copy while it is built. */
typedef struct flow_builder {
    random_run *run;
    random_flow *flow;
    unsigned number, worker;
    plan_builder copy;
} flow_builder;

static void destroy_route(void *flow) { ((random_flow *)flow)->n_routes_destroyed++; }

static nd_pact connect(flow_builder *builder, const plan_channel *channel)
{
    const nd_stream stream = builder->copy.streams[channel->stream];
    switch (channel->kind) {
    case ND_PACT_EXCHANGE:
        if (!channel->by_function)
            return nd_exchange(stream);
        builder->flow->n_routes++;
        return nd_exchange_by(stream, random_vertex_route, (nd_user){builder->flow, destroy_route});
    case ND_PACT_BROADCAST:
        return nd_broadcast(stream);
    case ND_PACT_NONE:
    case ND_PACT_PIPELINE:
        break;
    }
    return nd_pipeline(stream);
}

static void build_vertex(flow_builder *builder, const plan_step *step)
{
    const plan_vertex *vertex = &builder->flow->plan.vertices[step->of];
    instance *me = &builder->flow->instances[builder->worker][step->of];
    nd_pact inputs[PLAN_PORTS];
    nd_stream out[PLAN_PORTS];
    *me = (instance){.run = builder->run,
                     .plan = vertex,
                     .flow = builder->number,
                     .number = step->of,
                     .worker = builder->worker};
    for (unsigned i = 0; i < vertex->n_inputs; i++)
        inputs[i] = connect(builder, &builder->flow->plan.channels[vertex->first_channel + i]);
    random_vertex_new(me, builder->copy.scopes[step->scope], inputs, out);
    for (unsigned o = 0; o < vertex->n_outputs; o++)
        builder->copy.streams[step->stream + o] = out[o];
}

static bool has_planned_locations(const random_flow *flow, unsigned worker)
{
    for (unsigned v = 0; v < flow->plan.n_vertices; v++) {
        const plan_vertex *vertex = &flow->plan.vertices[v];
        const nd_vertex *made = flow->instances[worker][v].vertex;
        if (made->outlets[0].location != plan_output_location(vertex, 0) ||
            (vertex->n_inputs && made->inlets[0].location != vertex->first_location))
            return false;
    }
    return true;
}

static nd_err build_next(random_run *run, nd_worker *worker)
{
    const unsigned index = nd_worker_index(worker);
    flow_builder builder = {.run = run, .number = run->n_built[index]++, .worker = index};
    builder.flow = &run->flows[builder.number];
    nd_dataflow *flow = nd_dataflow_new(worker, "random");
    builder.copy = (plan_builder){.type = builder.flow->type, .scopes = {nd_root(flow)}};
    for (unsigned i = 0; i < builder.flow->plan.n_steps; i++) {
        const plan_step *step = &builder.flow->plan.steps[i];
        if (step->kind == PLAN_VERTEX)
            build_vertex(&builder, step);
        else
            plan_builder_step(&builder.copy, step);
    }
    memcpy(builder.flow->probes[index], builder.copy.probes, sizeof builder.copy.probes);
    ND_TRY(nd_dataflow_start(flow));
    if (!has_planned_locations(builder.flow, index))
        run_is_wrong(run, "locations are not numbered as planned");
    return ND_OK;
}

/* --- The program --- */

nd_err random_program_build(nd_worker *worker, void *arg)
{
    random_run *run = arg;
    while (run->n_built[nd_worker_index(worker)] < run->n_flows && run_chance(run, 60))
        ND_TRY(build_next(run, worker));
    return ND_OK;
}

/* Feeds one of the sources that the program drives; false if all are closed. */
static bool feed(random_run *run, unsigned worker)
{
    instance *open[RUN_FLOWS * PLAN_VERTICES];
    unsigned n_open = 0;
    for (unsigned f = 0; f < run->n_built[worker]; f++)
        for (unsigned v = 0; v < run->flows[f].plan.n_vertices; v++) {
            instance *me = &run->flows[f].instances[worker][v];
            if (me->plan->is_driven && random_vertex_is_open(me))
                open[n_open++] = me;
        }
    if (n_open == 0)
        return false;
    random_vertex_feed(open[run_below(run, n_open)]);
    return true;
}

static void drop_one(random_run *run, const nd_worker *worker)
{
    const unsigned number = run_below(run, run->n_built[nd_worker_index(worker)]);
    run->flows[number].is_dropped = true;
    nd_dataflow_drop(run->flows[number].instances[nd_worker_index(worker)][0].vertex->flow);
}

bool random_program_drive(nd_worker *worker, nd_random *random, void *arg)
{
    random_run *run = arg;
    (void)random;
    const unsigned index = nd_worker_index(worker);
    if (run->drops && run->n_built[index] > 0 && run_chance(run, 3))
        drop_one(run, worker);
    const bool has_more = run->n_built[index] < run->n_flows;
    if (has_more && run_chance(run, 20) && build_next(run, worker) != ND_OK)
        run_is_wrong(run, "a dataflow was refused");
    return feed(run, index) || has_more;
}

/* --- A run --- */

void random_program_shape(random_run *run, uint64_t seed, unsigned n_workers, unsigned most_steps)
{
    nd_random_init(&run->random, ~seed);
    run->n_workers = n_workers;
    run->n_flows = run_chance(run, 75) ? 1 : 2 + run_below(run, RUN_FLOWS - 1);
    run->budget = 20 + run_below(run, most_steps / n_workers);
    run->near_end = run_chance(run, 10);
    for (unsigned i = 0; i < run->n_flows; i++) {
        plan_make(&run->random, run->near_end, &run->flows[i].plan);
        run->flows[i].type = record_type(&run->random);
        run->flows[i].n_workers = n_workers;
    }
    run->drops = run_chance(run, 10);
}

static void check_worker(random_run *run, unsigned number, unsigned worker)
{
    random_flow *flow = &run->flows[number];
    for (unsigned v = 0; !flow->is_dropped && v < flow->plan.n_vertices; v++)
        random_vertex_check_end(&flow->instances[worker][v]);
    for (unsigned p = 0; p < flow->plan.n_probes; p++)
        if (nd_probe_behind(flow->probes[worker][p], UINT64_MAX))
            run_is_wrong(run, "dataflow %u: a probe of worker %u is behind", number, worker);
}

void random_program_check_end(random_run *run, unsigned first, unsigned n)
{
    for (unsigned f = 0; f < run->n_flows; f++) {
        const ledger_line *missing = ledger_missing(&run->ledger, f);
        if (missing != NULL && !run->flows[f].is_dropped)
            run_is_wrong(run, "dataflow %u: record %" PRIu64 " never arrived at worker %u", f,
                         missing->id, missing->worker);
        for (unsigned w = first; w < first + n; w++)
            check_worker(run, f, w);
    }
}

void random_program_check_freed(random_run *run)
{
    for (unsigned f = 0; f < run->n_flows; f++) {
        random_flow *flow = &run->flows[f];
        if (flow->n_routes != flow->n_routes_destroyed)
            run_is_wrong(run, "dataflow %u: data of an exchange is not destroyed once", f);
        for (unsigned w = 0; w < run->n_workers; w++)
            for (unsigned v = 0; run->n_built[w] > f && v < flow->plan.n_vertices; v++) {
                const instance *me = &flow->instances[w][v];
                if (me->n_init != 1 || me->n_deinit != 1 || me->n_destroyed != 1)
                    run_is_wrong(run, "dataflow %u: a vertex is not ended once", f);
            }
    }
}
