/* SPDX-License-Identifier: Apache-2.0 */
/* Roots and holdings.
 *
 * A second tracker over the same graph, of which every location is watched, is given the counts and
 * says which of them something else would imply anyway: the others are the roots. A third one is
 * given a single root, and says what that alone could bring about; the way back from there, against
 * the edges, is a path.
 *
 * Invariant: the dataflow and its own tracker are only read. */
#include "runtime/explain.h"

#include "runtime/graph_internal.h"

/* --- Trackers --- */

static nd_topology topology_of(const nd_dataflow *flow)
{
    return (nd_topology){.n_locations = flow->n_locations,
                         .edges = flow->edges.items,
                         .n_edges = flow->edges.len,
                         .watched = NULL};
}

/* The graph is legal: it has been started. */
static nd_err make_tracker(const nd_dataflow *flow, nd_tracker **tracker)
{
    const nd_topology topology = topology_of(flow);
    return nd_tracker_create(&topology, tracker, NULL);
}

static nd_err copy_counts(const nd_dataflow *flow, nd_tracker *all)
{
    for (uint32_t location = 0; location < flow->n_locations; location++) {
        size_t len;
        const nd_time_count *const counts = nd_tracker_counts(flow->tracker, location, &len);
        for (size_t i = 0; i < len; i++)
            ND_TRY(nd_tracker_update(all, location, &counts[i].time, counts[i].count));
    }
    return nd_tracker_propagate(all);
}

/* --- What this worker holds --- */

static nd_err note_right(nd_explanation *explanation, const nd_vertex *vertex,
                         const nd_right *right)
{
    nd_time time;
    for (unsigned o = 0; o < vertex->n_outlets; o++)
        if (nd_vertex_right_least(vertex, right, o, &time))
            ND_TRY(
                nd_change_batch_update(&explanation->own, vertex->outlets[o].location, &time, 1));
    return ND_OK;
}

static nd_err note_list(nd_explanation *explanation, const nd_vertex *vertex,
                        const nd_pending_list *list)
{
    for (size_t i = list->head; i < nd_pending_list_end(list); i++) {
        const nd_pending *const pending = nd_pending_list_at(list, i);
        if (pending->has_right)
            ND_TRY(note_right(explanation, vertex, &pending->right));
    }
    return ND_OK;
}

static nd_err note_vertex(nd_explanation *explanation, const nd_vertex *vertex)
{
    for (size_t i = 0; i < nd_fifo_len(&vertex->queue); i++) {
        const nd_queued *const queued = nd_fifo_at(&vertex->queue, i);
        ND_TRY(nd_change_batch_update(&explanation->own, vertex->inlets[queued->port].location,
                                      &queued->time, 1));
    }
    ND_TRY(note_list(explanation, vertex, &vertex->pending));
    ND_TRY(note_list(explanation, vertex, &vertex->due));
    const nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++)
        ND_TRY(note_right(explanation, vertex, &holds[i].right));
    return ND_OK;
}

static nd_err note_all(nd_explanation *explanation)
{
    for (size_t i = 0; i < explanation->flow->vertices.len; i++)
        ND_TRY(note_vertex(explanation, nd_flow_vertex(explanation->flow, i)));
    nd_change_batch_compact(&explanation->own);
    return ND_OK;
}

/* --- Roots --- */

static int compare(uint32_t location, const nd_time *time, uint32_t other,
                   const nd_time *other_time)
{
    if (location != other)
        return location < other ? -1 : 1;
    return nd_time_compare(time, other_time);
}

static int64_t count_own(const nd_change_batch *own, uint32_t location, const nd_time *time)
{
    size_t low = 0, high = own->len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const nd_change *const change = &own->items[middle];
        const int order = compare(change->location, &change->time, location, time);
        if (order == 0)
            return change->delta;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static nd_err find_roots_at(nd_explanation *explanation, const nd_tracker *all, uint32_t location)
{
    size_t len;
    const nd_time_count *const counts = nd_tracker_counts(all, location, &len);
    for (size_t i = 0; i < len; i++) {
        const nd_time *const time = &counts[i].time;
        if (counts[i].count <= 0 || nd_tracker_is_covered(all, location, time))
            continue;
        nd_wait_root *const root = nd_vector_push(&explanation->roots);
        if (!root)
            return ND_NOMEM;
        *root = (nd_wait_root){.location = location,
                               .time = *time,
                               .count = counts[i].count,
                               .n_here = count_own(&explanation->own, location, time)};
    }
    return ND_OK;
}

static nd_err find_roots(nd_explanation *explanation)
{
    nd_tracker *all;
    ND_TRY(make_tracker(explanation->flow, &all));
    nd_err err = copy_counts(explanation->flow, all);
    for (uint32_t i = 0; i < explanation->flow->n_locations && err == ND_OK; i++)
        err = find_roots_at(explanation, all, i);
    nd_tracker_destroy(all);
    return err;
}

/* The index of the root, or SIZE_MAX. */
static size_t root_at(const nd_explanation *explanation, uint32_t location, const nd_time *time)
{
    const nd_wait_root *const roots = explanation->roots.items;
    size_t low = 0, high = explanation->roots.len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare(roots[middle].location, &roots[middle].time, location, time);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return SIZE_MAX;
}

/* --- Holdings --- */

/* The first root that the right is counted in, or SIZE_MAX. */
static size_t root_of_right(const nd_explanation *explanation, const nd_vertex *vertex,
                            const nd_right *right)
{
    nd_time time;
    size_t root = SIZE_MAX;
    for (unsigned o = 0; o < vertex->n_outlets && root == SIZE_MAX; o++)
        if (nd_vertex_right_least(vertex, right, o, &time))
            root = root_at(explanation, vertex->outlets[o].location, &time);
    return root;
}

static bool is_alike(const nd_holding *a, const nd_holding *b)
{
    return a->vertex == b->vertex && a->kind == b->kind && a->port == b->port &&
           a->is_due == b->is_due && nd_time_equal(&a->time, &b->time);
}

/* Adds one, or counts it with others that differ in nothing that matters. */
static nd_err hold(nd_explanation *explanation, const nd_holding *holding)
{
    if (holding->root == SIZE_MAX)
        return ND_OK;
    for (size_t i = explanation->holdings.len; i-- > 0;) {
        nd_holding *const before = nd_vector_at(&explanation->holdings, i);
        if (before->vertex != holding->vertex)
            break;
        if (!is_alike(before, holding))
            continue;
        before->n++;
        return ND_OK;
    }
    nd_holding *const slot = nd_vector_push(&explanation->holdings);
    if (!slot)
        return ND_NOMEM;
    *slot = *holding;
    slot->n = 1;
    return ND_OK;
}

static nd_err hold_list(nd_explanation *explanation, const nd_vertex *vertex,
                        const nd_pending_list *list)
{
    for (size_t i = list->head; i < nd_pending_list_end(list); i++) {
        const nd_pending *const pending = nd_pending_list_at(list, i);
        if (!pending->has_right)
            continue;
        const nd_holding holding = {.kind = ND_HOLDING_NOTIFICATION,
                                    .vertex = vertex,
                                    .time = pending->right.time,
                                    .due = pending->due,
                                    .is_due = nd_vertex_is_past(vertex, &pending->due),
                                    .root = root_of_right(explanation, vertex, &pending->right)};
        ND_TRY(hold(explanation, &holding));
    }
    return ND_OK;
}

static nd_err hold_queue(nd_explanation *explanation, const nd_vertex *vertex)
{
    for (size_t i = 0; i < nd_fifo_len(&vertex->queue); i++) {
        const nd_queued *const queued = nd_fifo_at(&vertex->queue, i);
        const uint32_t location = vertex->inlets[queued->port].location;
        const nd_holding holding = {.kind = ND_HOLDING_BATCHES,
                                    .vertex = vertex,
                                    .port = queued->port,
                                    .time = queued->time,
                                    .root = root_at(explanation, location, &queued->time)};
        ND_TRY(hold(explanation, &holding));
    }
    return ND_OK;
}

static nd_err hold_holds(nd_explanation *explanation, const nd_vertex *vertex)
{
    const nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++) {
        const nd_holding holding = {.kind = ND_HOLDING_HOLD,
                                    .vertex = vertex,
                                    .time = holds[i].right.time,
                                    .root = root_of_right(explanation, vertex, &holds[i].right)};
        ND_TRY(hold(explanation, &holding));
    }
    return ND_OK;
}

static nd_err find_holdings(nd_explanation *explanation)
{
    for (size_t i = 0; i < explanation->flow->vertices.len; i++) {
        const nd_vertex *const vertex = nd_flow_vertex(explanation->flow, i);
        ND_TRY(hold_queue(explanation, vertex));
        ND_TRY(hold_list(explanation, vertex, &vertex->due));
        ND_TRY(hold_list(explanation, vertex, &vertex->pending));
        ND_TRY(hold_holds(explanation, vertex));
    }
    return ND_OK;
}

/* --- Life --- */

nd_err nd_explanation_init(nd_explanation *explanation, const nd_dataflow *flow)
{
    *explanation = (nd_explanation){.flow = flow, .root = SIZE_MAX};
    nd_vector_init(&explanation->roots, sizeof(nd_wait_root));
    nd_vector_init(&explanation->holdings, sizeof(nd_holding));
    nd_change_batch_init(&explanation->own);
    const nd_topology topology = topology_of(flow);
    nd_err err = note_all(explanation);
    if (err == ND_OK)
        err = find_roots(explanation);
    if (err == ND_OK)
        err = find_holdings(explanation);
    if (err == ND_OK)
        err = make_tracker(flow, &explanation->single);
    if (err == ND_OK)
        err = nd_fan_init(&explanation->into, &topology, true);
    if (err != ND_OK)
        nd_explanation_deinit(explanation);
    return err;
}

void nd_explanation_deinit(nd_explanation *explanation)
{
    nd_vector_deinit(&explanation->roots);
    nd_vector_deinit(&explanation->holdings);
    nd_change_batch_deinit(&explanation->own);
    nd_tracker_destroy(explanation->single);
    nd_fan_deinit(&explanation->into);
    explanation->single = NULL;
}

/* --- What one root brings about --- */

static nd_err select_root(nd_explanation *explanation, size_t index)
{
    nd_tracker *const single = explanation->single;
    if (explanation->root == index)
        return ND_OK;
    if (explanation->root != SIZE_MAX) {
        const nd_wait_root *const before = nd_vector_at(&explanation->roots, explanation->root);
        ND_TRY(nd_tracker_update(single, before->location, &before->time, -1));
    }
    const nd_wait_root *const root = nd_vector_at(&explanation->roots, index);
    explanation->root = index;
    ND_TRY(nd_tracker_update(single, root->location, &root->time, 1));
    return nd_tracker_propagate(single);
}

nd_err nd_explanation_reach(nd_explanation *explanation, size_t root, uint32_t location,
                            const nd_time *time, bool *reaches, nd_time *first)
{
    ND_TRY(select_root(explanation, root));
    const nd_time *const below =
        nd_antichain_below(nd_tracker_frontier(explanation->single, location), time);
    *reaches = below != NULL;
    if (below)
        *first = *below;
    return ND_OK;
}

/* Goes back over one edge: from where could `*time` have come to `*location`? */
static bool go_back(const nd_explanation *explanation, uint32_t *location, nd_time *time)
{
    const nd_fan *const into = &explanation->into;
    for (size_t i = into->first[*location]; i < into->first[*location + 1]; i++) {
        const nd_arc *const edge = nd_vector_at(&explanation->flow->edges, into->edges[i]);
        const nd_antichain *const there = nd_tracker_frontier(explanation->single, edge->from);
        const nd_time *const times = nd_antichain_items(there);
        for (size_t k = 0; k < there->len; k++) {
            nd_time arrives;
            if (!nd_summary_apply(&edge->summary, &times[k], &arrives) ||
                !nd_time_equal(&arrives, time))
                continue;
            *location = edge->from;
            *time = times[k];
            return true;
        }
    }
    return false;
}

static nd_err pass(const nd_explanation *explanation, uint32_t location, nd_vector *vertices)
{
    const nd_vertex *const vertex = nd_flow_vertex_at(explanation->flow, location);
    const nd_vertex *const *const passed = vertices->items;
    if (!vertex || (vertices->len && passed[vertices->len - 1] == vertex))
        return ND_OK;
    const nd_vertex **const slot = nd_vector_push(vertices);
    if (!slot)
        return ND_NOMEM;
    *slot = vertex;
    return ND_OK;
}

/* Ends at the root, since path order grows along every edge. */
nd_err nd_explanation_path(nd_explanation *explanation, size_t root, uint32_t location,
                           const nd_time *time, nd_vector *vertices)
{
    ND_TRY(select_root(explanation, root));
    const nd_wait_root *const from = nd_vector_at(&explanation->roots, root);
    nd_time now = *time;
    ND_TRY(pass(explanation, location, vertices));
    while ((location != from->location || !nd_time_equal(&now, &from->time)) &&
           go_back(explanation, &location, &now))
        ND_TRY(pass(explanation, location, vertices));
    return ND_OK;
}
