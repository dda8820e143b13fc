/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One coordinate after the other, all components at once. At coordinate k an edge is *alive* if its
 * ends are in the same component so far and it changes none of the coordinates before k. An alive
 * edge that clears k would close a cycle on which k does not grow: refused. Those that add to k are
 * set aside, for a cycle through one of them advances. The strongly connected components of the
 * rest, numbered topologically, are the places for k; edges inside one of them stay alive. What is
 * alive after the last coordinate lies on a cycle that changes nothing.
 *
 * Components come from Tarjan's algorithm ("Depth-first search and linear graph algorithms", SIAM
 * J. Comput. 1972), with an explicit path, since graphs are deep.
 */
#include "runtime/topology.h"

#include <assert.h>
#include <string.h>

#include <nereid/memory.h>

nd_err nd_fan_init(nd_fan *fan, const nd_topology *topology, bool backwards)
{
    const size_t n = topology->n_locations;
    *fan = (nd_fan){.first = nd_alloc_zero(n + 2, sizeof(size_t)),
                    .edges = nd_alloc(topology->n_edges, sizeof(size_t))};
    if (fan->first == NULL || fan->edges == NULL) {
        nd_fan_deinit(fan);
        return ND_NOMEM;
    }
    /* Counted two places further on, so that placing the edges moves each start to where it
     * belongs. */
    for (size_t i = 0; i < topology->n_edges; i++) {
        const nd_arc *edge = &topology->edges[i];
        assert(edge->from < n && edge->to < n);
        fan->first[(backwards ? edge->to : edge->from) + 2]++;
    }
    for (size_t location = 0; location < n; location++)
        fan->first[location + 2] += fan->first[location + 1];
    for (size_t i = 0; i < topology->n_edges; i++) {
        const nd_arc *edge = &topology->edges[i];
        fan->edges[fan->first[(backwards ? edge->to : edge->from) + 1]++] = i;
    }
    return ND_OK;
}

void nd_fan_deinit(nd_fan *fan)
{
    nd_free(fan->first);
    nd_free(fan->edges);
    *fan = (nd_fan){.first = NULL};
}

/* A search for components, for one coordinate after the other. */
struct search {
    const nd_topology *topology;
    nd_fan out;
    bool *alive;         /* for each edge */
    unsigned coordinate; /* edges that add to it are not followed */
    uint32_t n_found, n_stack, n_path, n_components;
    /* for each location: */
    uint32_t *index;     /* when it was found, from one; zero: not yet */
    uint32_t *low;       /* the least index known to be reachable in its component */
    uint32_t *component; /* counted in the order in which they are complete; NONE: not yet */
    size_t *next_edge;   /* the next of its edges to look at, a number into out.edges */
    uint32_t *stack;     /* locations whose component is not complete */
    uint32_t *path;      /* from the root of the search to where it is */
};

enum { N_ARRAYS = 5 };
static const uint32_t NONE = UINT32_MAX;

static void search_deinit(struct search *search)
{
    nd_fan_deinit(&search->out);
    nd_free(search->alive);
    nd_free(search->index);
    nd_free(search->next_edge);
}

static nd_err search_init(struct search *search, const nd_topology *topology)
{
    const size_t n = topology->n_locations;
    *search = (struct search){.topology = topology};
    ND_TRY(nd_fan_init(&search->out, topology, false));
    search->alive = nd_alloc(topology->n_edges, sizeof(bool));
    search->index = nd_alloc(n, N_ARRAYS * sizeof(uint32_t));
    search->next_edge = nd_alloc(n, sizeof(size_t));
    if (search->alive == NULL || search->index == NULL || search->next_edge == NULL) {
        search_deinit(search);
        return ND_NOMEM;
    }
    search->low = search->index + n;
    search->component = search->index + 2 * n;
    search->stack = search->index + 3 * n;
    search->path = search->index + 4 * n;
    memset(search->alive, true, topology->n_edges * sizeof(bool));
    return ND_OK;
}

/* --- Components --- */

static void enter(struct search *search, uint32_t location)
{
    search->index[location] = search->low[location] = ++search->n_found;
    search->next_edge[location] = search->out.first[location];
    search->stack[search->n_stack++] = location;
    search->path[search->n_path++] = location;
}

static void lower(struct search *search, uint32_t location, uint32_t index)
{
    if (index < search->low[location])
        search->low[location] = index;
}

/* Everything behind `location` has been seen: back to where the search came from. */
static void retreat(struct search *search, uint32_t location)
{
    search->n_path--;
    if (search->n_path > 0)
        lower(search, search->path[search->n_path - 1], search->low[location]);
    if (search->low[location] != search->index[location])
        return;
    uint32_t member;
    do {
        member = search->stack[--search->n_stack];
        search->component[member] = search->n_components;
    } while (member != location);
    search->n_components++;
}

static void follow(struct search *search, uint32_t location, size_t number)
{
    const nd_arc *edge = &search->topology->edges[number];
    if (!search->alive[number] || nd_summary_adds(&edge->summary, search->coordinate))
        return;
    if (search->index[edge->to] == 0)
        enter(search, edge->to);
    else if (search->component[edge->to] == NONE)
        lower(search, location, search->index[edge->to]);
}

static void find_components(struct search *search)
{
    const uint32_t n = search->topology->n_locations;
    search->n_found = search->n_stack = search->n_path = search->n_components = 0;
    memset(search->index, 0, n * sizeof(uint32_t));
    memset(search->component, 0xff, n * sizeof(uint32_t));
    for (uint32_t root = 0; root < n; root++) {
        if (search->index[root] == 0)
            enter(search, root);
        while (search->n_path > 0) {
            const uint32_t here = search->path[search->n_path - 1];
            if (search->next_edge[here] < search->out.first[here + 1])
                follow(search, here, search->out.edges[search->next_edge[here]++]);
            else
                retreat(search, here);
        }
    }
}

/* --- Coordinates --- */

/* The number of an alive edge that clears the coordinate, or n_edges. */
static size_t find_clearing(const struct search *search)
{
    const nd_topology *topology = search->topology;
    size_t i = 0;
    while (
        i < topology->n_edges &&
        !(search->alive[i] && nd_summary_clears(&topology->edges[i].summary, search->coordinate)))
        i++;
    return i;
}

/* Components are complete in the opposite of topological order. */
static void write_places(const struct search *search, uint32_t *places)
{
    for (size_t i = 0; i < search->topology->n_locations; i++)
        places[i * ND_COORDINATES + search->coordinate] =
            search->n_components - 1 - search->component[i];
}

/* Keeps alive the edges inside components, apart from those set aside; returns the number of one of
 * them, or n_edges. */
static size_t keep_inside(struct search *search)
{
    const nd_topology *topology = search->topology;
    size_t left = topology->n_edges;
    for (size_t i = 0; i < topology->n_edges; i++) {
        const nd_arc *edge = &topology->edges[i];
        search->alive[i] = search->alive[i] &&
                           !nd_summary_adds(&edge->summary, search->coordinate) &&
                           search->component[edge->from] == search->component[edge->to];
        if (search->alive[i])
            left = i;
    }
    return left;
}

/* The number of an edge that lies on an illegal cycle of alive edges, or n_edges. */
static size_t find_places(struct search *search, uint32_t *places)
{
    const size_t n_edges = search->topology->n_edges;
    size_t left = n_edges;
    for (unsigned k = 0; k < ND_COORDINATES && (k == 0 || left < n_edges); k++) {
        search->coordinate = k;
        const size_t clearing = find_clearing(search);
        if (clearing < n_edges)
            return clearing;
        find_components(search);
        if (places != NULL)
            write_places(search, places);
        left = keep_inside(search);
    }
    return left;
}

/* --- The culprits --- */

/* Writes the way that `came_from` (by location, one more than the location before) tells, from
 * `first` to `last`. */
static nd_err write_cycle(const uint32_t *came_from, uint32_t first, uint32_t last, nd_cycle *cycle)
{
    size_t len = 1;
    for (uint32_t here = last; here != first; here = came_from[here] - 1)
        len++;
    uint32_t *locations = nd_alloc(len, sizeof(uint32_t));
    if (locations == NULL)
        return ND_NOMEM;
    uint32_t here = last;
    for (size_t i = len; i-- > 0; here = came_from[here] - 1)
        locations[i] = here;
    *cycle = (nd_cycle){locations, len};
    return ND_OK;
}

/* A shortest way along alive edges from the end of edge `bad` back to its beginning. */
static nd_err find_cycle(struct search *search, const nd_arc *bad, nd_cycle *culprits)
{
    uint32_t *came_from = search->index;
    uint32_t *queue = search->stack;
    memset(came_from, 0, search->topology->n_locations * sizeof(uint32_t));
    uint32_t head = 0;
    uint32_t tail = 0;
    queue[tail++] = bad->to;
    came_from[bad->to] = bad->to + 1;
    while (came_from[bad->from] == 0) {
        assert(head < tail);
        const uint32_t here = queue[head++];
        for (size_t i = search->out.first[here]; i < search->out.first[here + 1]; i++) {
            const uint32_t to = search->topology->edges[search->out.edges[i]].to;
            if (!search->alive[search->out.edges[i]] || came_from[to] != 0)
                continue;
            came_from[to] = here + 1;
            queue[tail++] = to;
        }
    }
    return write_cycle(came_from, bad->to, bad->from, culprits);
}

nd_err nd_topology_places(const nd_topology *topology, uint32_t *places, nd_cycle *culprits)
{
    struct search search;
    if (places != NULL)
        memset(places, 0, (size_t)topology->n_locations * ND_COORDINATES * sizeof(uint32_t));
    ND_TRY(search_init(&search, topology));
    const size_t bad = find_places(&search, places);
    nd_err err = ND_OK;
    if (bad < topology->n_edges) {
        err = ND_INVAL;
        if (culprits != NULL && find_cycle(&search, &topology->edges[bad], culprits) != ND_OK)
            err = ND_NOMEM;
    }
    search_deinit(&search);
    return err;
}
