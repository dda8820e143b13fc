/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes are filled one item after the other, each a vertex or a loop, which takes what it needs
 * from the streams that the scope has so far. So the only way back is a feedback, and every cycle
 * goes through one: the plan is legal.
 */
#include "tests/random/harness/random_plan.h"

enum { DEEPEST = 3 };

/* The streams of the scope that is being filled. */
typedef struct stream_pool {
    unsigned streams[PLAN_STREAMS];
    unsigned len;
} stream_pool;

static bool chance(nd_random *random, unsigned percent)
{
    return nd_random_below(random, 100) < percent;
}

static unsigned below(nd_random *random, unsigned n)
{
    return (unsigned)nd_random_below(random, n);
}

static unsigned any_of(nd_random *random, const unsigned *numbers, unsigned n)
{
    return numbers[below(random, n)];
}

unsigned plan_depth(const random_plan *plan, const plan_vertex *vertex)
{
    return plan->depths[vertex->scope];
}

/* --- Steps --- */

static void add_step(random_plan *plan, plan_step_kind kind, unsigned scope, unsigned of,
                     unsigned stream)
{
    plan->steps[plan->n_steps++] = (plan_step){kind, scope, of, stream};
}

static unsigned add_stream(random_plan *plan, plan_step_kind kind, unsigned scope, unsigned of,
                           unsigned port)
{
    plan->streams[plan->n_streams] = (plan_stream){scope, kind, of, port};
    return plan->n_streams++;
}

static void add_to_pool(stream_pool *pool, unsigned stream) { pool->streams[pool->len++] = stream; }

/* Streams made last are the likeliest, so that graphs are deep rather than wide. */
static unsigned pick(nd_random *random, const stream_pool *pool)
{
    const unsigned last = pool->len < 3 ? pool->len : 3;
    if (chance(random, 60))
        return pool->streams[pool->len - 1 - below(random, last)];
    return pool->streams[below(random, pool->len)];
}

/* --- Vertices --- */

static plan_path identity(void) { return (plan_path){.exists = true}; }

static plan_path random_path(nd_random *random, unsigned depth)
{
    plan_path path = identity();
    path.exists = !chance(random, 30);
    for (unsigned k = 0; k <= depth; k++)
        path.adds[k] = chance(random, 30) ? 1 + below(random, 2) : 0;
    return path;
}

static void choose_paths(nd_random *random, plan_vertex *vertex, unsigned depth)
{
    vertex->has_summaries = vertex->n_inputs != 0 && chance(random, 30);
    vertex->only_named = vertex->has_summaries && chance(random, 30);
    for (unsigned i = 0; i < vertex->n_inputs; i++)
        for (unsigned o = 0; o < plan_n_outlets(vertex); o++)
            vertex->paths[i][o] = vertex->has_summaries && chance(random, 70)
                                      ? random_path(random, depth)
                                      : identity();
}

static plan_habits random_habits(nd_random *random)
{
    static const unsigned chances[] = {0, 10, 40, 80, 100};
    static const unsigned rare[] = {0, 0, 5, 20, 50};
    return (plan_habits){.forwards = any_of(random, chances, 5),
                         .delays = any_of(random, rare, 5),
                         .notifies = any_of(random, chances, 5),
                         .holds = any_of(random, rare, 5),
                         .keeps = any_of(random, rare, 5),
                         .releases = 10 + any_of(random, chances, 5),
                         .most_records = 1 + below(random, 6)};
}

static bool has_room(const random_plan *plan)
{
    return plan->n_vertices < PLAN_VERTICES &&
           plan->graph.n_locations + 2 * PLAN_PORTS + PLAN_PROBES <= CLOSURE_LOCATIONS;
}

static void add_channels(nd_random *random, random_plan *plan, unsigned number,
                         const stream_pool *pool)
{
    static const nd_pact_kind kinds[] = {ND_PACT_PIPELINE, ND_PACT_EXCHANGE, ND_PACT_EXCHANGE,
                                         ND_PACT_BROADCAST};
    plan_vertex *vertex = &plan->vertices[number];
    vertex->first_channel = plan->n_channels;
    for (unsigned i = 0; i < vertex->n_inputs; i++)
        plan->channels[plan->n_channels++] = (plan_channel){.stream = pick(random, pool),
                                                            .to = number,
                                                            .to_port = i,
                                                            .kind = kinds[below(random, 4)],
                                                            .by_function = chance(random, 50)};
}

static void add_vertex(nd_random *random, random_plan *plan, unsigned scope, stream_pool *pool,
                       bool is_first)
{
    static const unsigned numbers_in[] = {1, 1, 1, 2, 2, 3}, numbers_out[] = {0, 1, 1, 1, 2, 3};
    if (!has_room(plan))
        return;
    const unsigned number = plan->n_vertices++;
    plan_vertex *vertex = &plan->vertices[number];
    *vertex =
        (plan_vertex){.scope = scope,
                      .n_inputs = is_first ? 0 : any_of(random, numbers_in, 6),
                      .n_outputs = is_first ? 1 + below(random, 2) : any_of(random, numbers_out, 6),
                      .habits = random_habits(random),
                      .first_location = plan->graph.n_locations};
    vertex->is_source = is_first || chance(random, 10);
    vertex->is_driven = is_first && chance(random, 50);
    vertex->has_notify = !vertex->is_driven && chance(random, 60);
    vertex->has_frontier = !vertex->is_driven && chance(random, 30);
    choose_paths(random, vertex, plan->depths[scope]);
    add_channels(random, plan, number, pool);
    add_step(plan, PLAN_VERTEX, scope, number, plan->n_streams);
    plan->graph.n_locations += vertex->n_inputs + plan_n_outlets(vertex);
    for (unsigned o = 0; o < vertex->n_outputs; o++)
        add_to_pool(pool, add_stream(plan, PLAN_VERTEX, scope, number, o));
}

/* --- Loops --- */

/* Whether the stream hangs on the feedback itself, which then would begin nowhere. */
static bool hangs_on(const random_plan *plan, unsigned stream, unsigned feedback)
{
    while (plan->streams[stream].kind != PLAN_VERTEX) {
        const plan_stream *here = &plan->streams[stream];
        if (here->kind == PLAN_BACK && !plan->is_connected[here->of])
            return here->of == feedback;
        stream = here->kind == PLAN_BACK ? plan->feedbacks[here->of] : here->of;
    }
    return false;
}

static void connect(nd_random *random, random_plan *plan, unsigned feedback,
                    const stream_pool *pool)
{
    unsigned stream = pick(random, pool);
    while (hangs_on(plan, stream, feedback)) /* what was entered does not */
        stream = pick(random, pool);
    plan->feedbacks[feedback] = stream;
    plan->is_connected[feedback] = true;
    add_step(plan, PLAN_CONNECT, 0, feedback, stream);
}

/* Whether the stream has come through a feedback of `scope` since the last vertex. */
static bool comes_back(const random_plan *plan, unsigned stream, unsigned scope)
{
    while (plan->streams[stream].kind != PLAN_VERTEX) {
        const plan_stream *here = &plan->streams[stream];
        if (here->kind == PLAN_BACK && (here->scope == scope || !plan->is_connected[here->of]))
            return true;
        stream = here->kind == PLAN_BACK ? plan->feedbacks[here->of] : here->of;
    }
    return false;
}

static void enter(random_plan *plan, unsigned loop, unsigned from, stream_pool *inner)
{
    const unsigned stream = add_stream(plan, PLAN_ENTER, loop, from, 0);
    add_step(plan, PLAN_ENTER, loop, from, stream);
    add_to_pool(inner, stream);
}

static void leave(nd_random *random, random_plan *plan, const stream_pool *inner, unsigned scope,
                  stream_pool *outer)
{
    unsigned from = pick(random, inner);
    for (unsigned i = 0; plan->near_end && comes_back(plan, from, plan->streams[from].scope); i++) {
        if (i == inner->len)
            return;
        from = inner->streams[i];
    }
    const unsigned stream = add_stream(plan, PLAN_LEAVE, scope, from, 0);
    add_step(plan, PLAN_LEAVE, scope, from, stream);
    add_to_pool(outer, stream);
}

static void fill_scope(nd_random *random, random_plan *plan, unsigned scope, stream_pool *pool);

/* Scopes nest DEEPEST deep, so the two functions that call each other do too. */
static void add_loop(nd_random *random, random_plan *plan, unsigned scope, stream_pool *outer)
{
    stream_pool inner = {.len = 0};
    const unsigned loop = plan->n_scopes++;
    plan->parents[loop] = scope;
    plan->depths[loop] = plan->depths[scope] + 1;
    add_step(plan, PLAN_LOOP, loop, scope, 0);
    for (unsigned n = 1 + below(random, 2); n > 0; n--)
        enter(plan, loop, pick(random, outer), &inner);
    const unsigned first = plan->n_feedbacks;
    const unsigned n_feedbacks = 1 + below(random, 2);
    for (unsigned i = 0; i < n_feedbacks; i++) {
        const unsigned stream = add_stream(plan, PLAN_BACK, loop, plan->n_feedbacks, 0);
        add_step(plan, PLAN_BACK, loop, plan->n_feedbacks++, stream);
        add_to_pool(&inner, stream);
    }
    if (chance(random, 15))
        add_vertex(random, plan, loop, &inner, true);
    fill_scope(random, plan, loop, &inner);
    for (unsigned i = 0; i < n_feedbacks; i++)
        connect(random, plan, first + i, &inner);
    for (unsigned n = 1 + below(random, 2); n > 0; n--)
        leave(random, plan, &inner, scope, outer);
}

static void fill_scope(nd_random *random, random_plan *plan, unsigned scope, stream_pool *pool)
{
    for (unsigned n = 1 + below(random, 4); n > 0; n--) {
        const bool nests = plan->depths[scope] < DEEPEST && plan->n_scopes < PLAN_SCOPES;
        if (nests && chance(random, 40))
            add_loop(random, plan, scope, pool);
        else
            add_vertex(random, plan, scope, pool, false);
    }
}

/* --- What follows from the steps --- */

bool plan_follow(const plan_path *path, const nd_time *time, nd_time *arrived)
{
    *arrived = (nd_time){.epoch = 0};
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        const uint64_t limit = k == 0 ? UINT64_MAX : UINT32_MAX;
        const uint64_t was = k == 0 ? time->epoch : time->loop[k - 1];
        const uint64_t kept = path->clears[k] ? 0 : was;
        if (kept > limit - path->adds[k])
            return false;
        if (k == 0)
            arrived->epoch = kept + path->adds[k];
        else
            arrived->loop[k - 1] = (uint32_t)(kept + path->adds[k]);
    }
    return path->exists;
}

/* Follows a stream back to its port. What a step does to a time comes before what the steps found
 * so far do: what they clear, it cannot change. */
static unsigned resolve(const random_plan *plan, unsigned stream, plan_path *path)
{
    *path = identity();
    while (plan->streams[stream].kind != PLAN_VERTEX) {
        const plan_stream *here = &plan->streams[stream];
        const unsigned depth = plan->depths[here->scope];
        if (here->kind == PLAN_BACK && !path->clears[depth])
            path->adds[depth]++;
        if (here->kind == PLAN_LEAVE)
            path->clears[depth + 1] = true;
        stream = here->kind == PLAN_BACK ? plan->feedbacks[here->of] : here->of;
    }
    return stream;
}

static void add_edge(random_plan *plan, uint32_t from, uint32_t to, const plan_path *path)
{
    closure_edge *edge = &plan->graph.edges[plan->graph.n_edges++];
    *edge = (closure_edge){.from = from, .to = to};
    for (unsigned k = 0; k < ND_COORDINATES; k++) {
        edge->clears[k] = path->clears[k];
        edge->adds[k] = path->adds[k];
    }
}

static void draw_vertex(random_plan *plan, const plan_vertex *vertex)
{
    for (unsigned i = 0; i < vertex->n_inputs; i++)
        for (unsigned o = 0; o < plan_n_outlets(vertex); o++)
            if (vertex->paths[i][o].exists)
                add_edge(plan, plan_input_location(vertex, i), plan_output_location(vertex, o),
                         &vertex->paths[i][o]);
    for (unsigned i = 0; i < vertex->n_inputs + plan_n_outlets(vertex); i++)
        plan->graph.n_loops[vertex->first_location + i] = plan_depth(plan, vertex);
}

static void draw_graph(random_plan *plan)
{
    for (unsigned i = 0; i < plan->n_vertices; i++)
        draw_vertex(plan, &plan->vertices[i]);
    for (unsigned i = 0; i < plan->n_channels; i++) {
        plan_channel *channel = &plan->channels[i];
        const plan_stream *port = &plan->streams[resolve(plan, channel->stream, &channel->path)];
        channel->from = port->of;
        channel->from_port = port->port;
        add_edge(plan, plan_output_location(&plan->vertices[port->of], port->port),
                 plan_input_location(&plan->vertices[channel->to], channel->to_port),
                 &channel->path);
    }
    for (unsigned i = 0; i < plan->n_probes; i++) {
        plan_path path;
        const plan_stream *port = &plan->streams[resolve(plan, plan->probes[i], &path)];
        plan->graph.n_loops[plan->graph.n_locations] =
            plan->depths[plan->streams[plan->probes[i]].scope];
        add_edge(plan, plan_output_location(&plan->vertices[port->of], port->port),
                 plan->graph.n_locations++, &path);
    }
}

_Static_assert(CLOSURE_LOCATIONS <= 64, "sets of locations are bits of a word");

/* A vertex may wait at any input with a right to any output in hand (a source's is to all), so for
 * this every input leads to every output. */
static void find_cycles(random_plan *plan)
{
    uint64_t reaches[CLOSURE_LOCATIONS] = {0};
    for (size_t i = 0; i < plan->graph.n_edges; i++)
        reaches[plan->graph.edges[i].from] |= UINT64_C(1) << plan->graph.edges[i].to;
    for (unsigned v = 0; v < plan->n_vertices; v++)
        for (unsigned i = 0; i < plan->vertices[v].n_inputs; i++)
            for (unsigned o = 0; o < plan_n_outlets(&plan->vertices[v]); o++)
                reaches[plan_input_location(&plan->vertices[v], i)] |=
                    UINT64_C(1) << plan_output_location(&plan->vertices[v], o);
    for (uint32_t via = 0; via < plan->graph.n_locations; via++)
        for (uint32_t from = 0; from < plan->graph.n_locations; from++)
            if (reaches[from] >> via & 1)
                reaches[from] |= reaches[via];
    for (unsigned v = 0; v < plan->n_vertices; v++) {
        plan_vertex *vertex = &plan->vertices[v];
        for (unsigned o = 0; o < plan_n_outlets(vertex); o++)
            for (unsigned i = 0; i < vertex->n_inputs; i++)
                vertex->on_cycle |=
                    reaches[plan_output_location(vertex, o)] >> plan_input_location(vertex, i) & 1;
    }
}

void plan_make(nd_random *random, bool near_end, random_plan *plan)
{
    *plan = (random_plan){.near_end = near_end, .n_scopes = 1};
    stream_pool root = {.len = 0};
    for (unsigned n = 1 + below(random, 3); n > 0; n--)
        add_vertex(random, plan, 0, &root, true);
    fill_scope(random, plan, 0, &root);
    for (unsigned n = below(random, PLAN_PROBES + 1); n > 0; n--) {
        plan->probes[plan->n_probes++] = below(random, plan->n_streams);
        add_step(plan, PLAN_PROBE, 0, 0, plan->probes[plan->n_probes - 1]);
    }
    draw_graph(plan);
    find_cycles(plan);
}
