/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three passes: backwards from what is watched, to see which locations matter; over the locations,
 * to tell nodes from relays; along each chain of relays, composing its summaries from its end. A
 * cycle of relays has no way out, so nothing on it matters and it has gone in the first pass.
 *
 * A path whose composed summary no time survives is no path.
 */
#include "runtime/shortcuts.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <nereid/memory.h>

#include "runtime/base/vector.h"

/* What is needed on the way only. */
struct builder {
    const nd_topology *topology;
    nd_fan out;
    bool *matters;       /* for each location: something watched can be reached */
    uint32_t *stack;     /* room for every location */
    nd_vector summaries; /* nd_summary */
    nd_shortcuts *shortcuts;
};

/* What `from` says of a location that is known to be a relay, until its shortcut is known. */
static const uint32_t UNRESOLVED = ND_NO_NODE - 1;

/* --- What matters --- */

static void mark(struct builder *builder, uint32_t location, uint32_t *n_stack)
{
    if (builder->matters[location])
        return;
    builder->matters[location] = true;
    builder->stack[(*n_stack)++] = location;
}

static nd_err find_what_matters(struct builder *builder)
{
    const nd_topology *topology = builder->topology;
    nd_fan in;
    ND_TRY(nd_fan_init(&in, topology, true));
    uint32_t n_stack = 0;
    for (uint32_t location = 0; location < topology->n_locations; location++) {
        if (topology->watched == NULL || topology->watched[location])
            mark(builder, location, &n_stack);
    }
    while (n_stack > 0) {
        const uint32_t here = builder->stack[--n_stack];
        for (size_t i = in.first[here]; i < in.first[here + 1]; i++)
            mark(builder, topology->edges[in.edges[i]].from, &n_stack);
    }
    nd_fan_deinit(&in);
    return ND_OK;
}

/* --- Nodes and relays --- */

/* The only edge by which a relay leads on. */
static const nd_arc *only_edge(const struct builder *builder, uint32_t relay)
{
    const size_t *number = &builder->out.edges[builder->out.first[relay]];
    while (!builder->matters[builder->topology->edges[*number].to])
        number++;
    return &builder->topology->edges[*number];
}

static bool is_relay(const struct builder *builder, uint32_t location)
{
    const nd_topology *topology = builder->topology;
    if (topology->watched == NULL || topology->watched[location])
        return false;
    size_t n_ways = 0;
    for (size_t i = builder->out.first[location]; i < builder->out.first[location + 1]; i++)
        n_ways += builder->matters[topology->edges[builder->out.edges[i]].to];
    return n_ways == 1;
}

static void classify(struct builder *builder)
{
    nd_shortcuts *shortcuts = builder->shortcuts;
    for (uint32_t location = 0; location < builder->topology->n_locations; location++) {
        nd_shortcut shortcut = {ND_NO_NODE, ND_IDENTITY_SUMMARY};
        if (builder->matters[location] && is_relay(builder, location))
            shortcut.node = UNRESOLVED;
        else if (builder->matters[location])
            shortcut.node = shortcuts->n_nodes++;
        shortcuts->from[location] = shortcut;
    }
}

/* --- Routes --- */

/* `step`, and then the shortcut of where it leads. */
static nd_err prepend(struct builder *builder, const nd_arc *step, nd_shortcut *result)
{
    const nd_shortcut rest = builder->shortcuts->from[step->to];
    const nd_shortcut nowhere = {ND_NO_NODE, ND_IDENTITY_SUMMARY};
    *result = rest;
    if (rest.node == ND_NO_NODE || nd_summary_is_identity(&step->summary))
        return ND_OK;
    nd_summary composed;
    if (!nd_summary_compose(&step->summary, nd_vector_at(&builder->summaries, rest.summary),
                            &composed)) {
        *result = nowhere;
        return ND_OK;
    }
    nd_summary *slot = nd_vector_push(&builder->summaries);
    if (slot == NULL)
        return ND_NOMEM;
    *slot = composed;
    result->summary = (uint32_t)(builder->summaries.len - 1);
    return ND_OK;
}

/* Finds the shortcut of a relay and of all relays on the way. */
static nd_err resolve(struct builder *builder, uint32_t relay)
{
    nd_shortcut *from = builder->shortcuts->from;
    uint32_t n_chain = 0;
    for (uint32_t here = relay; from[here].node == UNRESOLVED; here = only_edge(builder, here)->to)
        builder->stack[n_chain++] = here;
    while (n_chain > 0) {
        const uint32_t here = builder->stack[--n_chain];
        ND_TRY(prepend(builder, only_edge(builder, here), &from[here]));
    }
    return ND_OK;
}

static nd_err resolve_all(struct builder *builder)
{
    for (uint32_t location = 0; location < builder->topology->n_locations; location++) {
        if (builder->shortcuts->from[location].node == UNRESOLVED)
            ND_TRY(resolve(builder, location));
    }
    return ND_OK;
}

/* The edges from nodes to nodes, in the order of the nodes. */
static nd_err connect(struct builder *builder)
{
    const nd_topology *topology = builder->topology;
    nd_shortcuts *shortcuts = builder->shortcuts;
    size_t n_next = 0;
    for (uint32_t node = 0; node < shortcuts->n_nodes; node++) {
        const uint32_t here = shortcuts->locations[node];
        shortcuts->first[node] = n_next;
        for (size_t i = builder->out.first[here]; i < builder->out.first[here + 1]; i++) {
            ND_TRY(prepend(builder, &topology->edges[builder->out.edges[i]],
                           &shortcuts->next[n_next]));
            n_next += shortcuts->next[n_next].node != ND_NO_NODE;
        }
    }
    shortcuts->first[shortcuts->n_nodes] = n_next;
    return ND_OK;
}

/* Numbers the nodes, each leading to itself, and keeps their places. */
static nd_err place_nodes(struct builder *builder, const uint32_t *places)
{
    nd_shortcuts *shortcuts = builder->shortcuts;
    shortcuts->locations = nd_alloc(shortcuts->n_nodes, sizeof(uint32_t));
    shortcuts->places = nd_alloc(shortcuts->n_nodes, ND_COORDINATES * sizeof(uint32_t));
    shortcuts->first = nd_alloc((size_t)shortcuts->n_nodes + 1, sizeof(size_t));
    shortcuts->next = nd_alloc(builder->topology->n_edges, sizeof(nd_shortcut));
    if (shortcuts->locations == NULL || shortcuts->places == NULL || shortcuts->first == NULL ||
        shortcuts->next == NULL)
        return ND_NOMEM;
    for (uint32_t location = 0; location < builder->topology->n_locations; location++) {
        const uint32_t node = shortcuts->from[location].node;
        if (node >= shortcuts->n_nodes)
            continue;
        shortcuts->locations[node] = location;
        memcpy(&shortcuts->places[(size_t)node * ND_COORDINATES],
               &places[(size_t)location * ND_COORDINATES], ND_COORDINATES * sizeof(uint32_t));
    }
    return ND_OK;
}

static nd_err builder_init(struct builder *builder, const nd_topology *topology,
                           nd_shortcuts *shortcuts)
{
    const size_t n = topology->n_locations;
    assert(n < UNRESOLVED);
    *builder = (struct builder){.topology = topology, .shortcuts = shortcuts};
    nd_vector_init(&builder->summaries, sizeof(nd_summary));
    builder->matters = nd_alloc_zero(n, sizeof(bool));
    builder->stack = nd_alloc(n, sizeof(uint32_t));
    shortcuts->from = nd_alloc(n, sizeof(nd_shortcut));
    nd_summary *identity = nd_vector_push(&builder->summaries);
    if (builder->matters == NULL || builder->stack == NULL || shortcuts->from == NULL ||
        identity == NULL)
        return ND_NOMEM;
    *identity = nd_summary_identity();
    return nd_fan_init(&builder->out, topology, false);
}

static void builder_deinit(struct builder *builder)
{
    nd_fan_deinit(&builder->out);
    nd_vector_deinit(&builder->summaries);
    nd_free(builder->matters);
    nd_free(builder->stack);
}

static nd_err build(struct builder *builder, const uint32_t *places)
{
    ND_TRY(find_what_matters(builder));
    classify(builder);
    ND_TRY(place_nodes(builder, places));
    ND_TRY(resolve_all(builder));
    ND_TRY(connect(builder));
    builder->shortcuts->n_summaries = builder->summaries.len;
    builder->shortcuts->summaries = nd_vector_take(&builder->summaries);
    return ND_OK;
}

nd_err nd_shortcuts_init(nd_shortcuts *shortcuts, const nd_topology *topology, nd_cycle *culprits)
{
    *shortcuts = (nd_shortcuts){.n_nodes = 0};
    uint32_t *places = nd_alloc(topology->n_locations, ND_COORDINATES * sizeof(uint32_t));
    if (places == NULL)
        return ND_NOMEM;
    struct builder builder;
    nd_err err = nd_topology_places(topology, places, culprits);
    if (err == ND_OK) {
        err = builder_init(&builder, topology, shortcuts);
        if (err == ND_OK)
            err = build(&builder, places);
        builder_deinit(&builder);
    }
    if (err != ND_OK)
        nd_shortcuts_deinit(shortcuts);
    nd_free(places);
    return err;
}

void nd_shortcuts_deinit(nd_shortcuts *shortcuts)
{
    nd_free(shortcuts->locations);
    nd_free(shortcuts->places);
    nd_free(shortcuts->first);
    nd_free(shortcuts->next);
    nd_free(shortcuts->from);
    nd_free(shortcuts->summaries);
    *shortcuts = (nd_shortcuts){.n_nodes = 0};
}
