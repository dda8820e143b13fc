/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only changes of frontiers travel. A location has its counts; a node (runtime/shortcuts.h) also
 * has its *implications*, the times that could arrive there, as a multiset: one for each item of
 * the frontier of its own counts, of the counts of every relay that leads to it, and of the
 * implications of every node that does, each as the way there changes it. That holds whenever the
 * worklist is empty; while it is not, the implications together with the worklist do so.
 *
 * The worklist is in path order. What is pushed comes after what it follows from, so a time at a
 * node is worked on when all that could change it is known: once a propagation, and propagation
 * ends. One thread at a time.
 */
#include "runtime/tracker.h"

#include <assert.h>

#include <nereid/memory.h>

#include "runtime/shortcuts.h"
#include "runtime/worklist.h"

struct node {
    nd_mutable_antichain implications;
    bool watched;
    bool changed; /* is in the list of changed locations */
};

struct nd_tracker {
    uint32_t n_locations;
    nd_shortcuts shortcuts;
    struct node *nodes;
    nd_mutable_antichain **counts; /* of each location; NULL until there was one */
    size_t n_counts;               /* counts that are not zero, over all locations */
    nd_worklist worklist;
    nd_frontier_news news; /* of the update at hand */
    uint32_t *changed;     /* room for every node's location */
    size_t n_changed;
    bool (*visit)(void *context, uint32_t location, const nd_time *time);
    void *visit_context;
};

/* --- Life --- */

static nd_err prepare(nd_tracker *tracker, const nd_topology *topology, nd_cycle *culprits)
{
    ND_TRY(nd_shortcuts_init(&tracker->shortcuts, topology, culprits));
    const uint32_t n_nodes = tracker->shortcuts.n_nodes;
    tracker->n_locations = topology->n_locations;
    tracker->counts = nd_alloc_zero(tracker->n_locations, sizeof(*tracker->counts));
    tracker->nodes = nd_alloc_zero(n_nodes, sizeof(*tracker->nodes));
    tracker->changed = nd_alloc(n_nodes, sizeof(*tracker->changed));
    if (tracker->counts == NULL || tracker->nodes == NULL || tracker->changed == NULL)
        return ND_NOMEM;
    for (uint32_t i = 0; i < n_nodes; i++)
        tracker->nodes[i].watched =
            topology->watched == NULL || topology->watched[tracker->shortcuts.locations[i]];
    nd_worklist_init(&tracker->worklist, tracker->shortcuts.places);
    return ND_OK;
}

nd_err nd_tracker_create(const nd_topology *topology, nd_tracker **tracker, nd_cycle *culprits)
{
    nd_tracker *created = nd_alloc_zero(1, sizeof(*created));
    const nd_err err = created != NULL ? prepare(created, topology, culprits) : ND_NOMEM;
    if (err == ND_OK)
        *tracker = created;
    else
        nd_tracker_destroy(created);
    return err;
}

void nd_tracker_destroy(nd_tracker *tracker)
{
    if (tracker == NULL)
        return;
    for (uint32_t i = 0; tracker->counts != NULL && i < tracker->n_locations; i++) {
        if (tracker->counts[i] != NULL)
            nd_mutable_antichain_deinit(tracker->counts[i]);
        nd_free(tracker->counts[i]);
    }
    for (uint32_t i = 0; tracker->nodes != NULL && i < tracker->shortcuts.n_nodes; i++)
        nd_mutable_antichain_deinit(&tracker->nodes[i].implications);
    nd_free(tracker->counts);
    nd_free(tracker->nodes);
    nd_free(tracker->changed);
    nd_frontier_news_deinit(&tracker->news);
    nd_worklist_deinit(&tracker->worklist);
    nd_shortcuts_deinit(&tracker->shortcuts);
    nd_free(tracker);
}

/* --- Propagation --- */

/* Sends one change of a frontier on along one route. */
static nd_err push(nd_tracker *tracker, nd_shortcut route, const struct nd_frontier_change *change)
{
    nd_work *work = nd_worklist_slot(&tracker->worklist);
    if (work == NULL)
        return ND_NOMEM;
    if (route.summary == ND_IDENTITY_SUMMARY)
        work->time = change->time;
    else if (!nd_summary_apply(&tracker->shortcuts.summaries[route.summary], &change->time,
                               &work->time))
        return ND_OK;
    work->node = route.node;
    work->delta = change->delta;
    nd_worklist_push(&tracker->worklist);
    return ND_OK;
}

static nd_err push_news(nd_tracker *tracker, nd_shortcut route)
{
    for (size_t i = 0; i < tracker->news.len; i++)
        ND_TRY(push(tracker, route, &tracker->news.items[i]));
    return ND_OK;
}

nd_err nd_tracker_update(nd_tracker *tracker, uint32_t location, const nd_time *time, int64_t delta)
{
    if (location >= tracker->n_locations)
        return ND_PROTO;
    nd_mutable_antichain *counts = tracker->counts[location];
    if (counts == NULL) {
        counts = nd_alloc_zero(1, sizeof(*counts));
        if (counts == NULL)
            return ND_NOMEM;
        tracker->counts[location] = counts;
    }
    tracker->n_counts -= counts->len;
    tracker->news.len = 0;
    const nd_err err = nd_mutable_antichain_update(counts, time, delta, &tracker->news);
    tracker->n_counts += counts->len;
    const nd_shortcut route = tracker->shortcuts.from[location];
    return err != ND_OK || route.node == ND_NO_NODE ? err : push_news(tracker, route);
}

static void note_change(nd_tracker *tracker, uint32_t number)
{
    struct node *node = &tracker->nodes[number];
    if (!node->watched || node->changed)
        return;
    node->changed = true;
    tracker->changed[tracker->n_changed++] = tracker->shortcuts.locations[number];
}

static nd_err work_on(nd_tracker *tracker, const nd_work *work)
{
    const nd_shortcuts *shortcuts = &tracker->shortcuts;
    if (tracker->visit != NULL &&
        !tracker->visit(tracker->visit_context, shortcuts->locations[work->node], &work->time))
        return ND_FAILED;
    tracker->news.len = 0;
    ND_TRY(nd_mutable_antichain_update(&tracker->nodes[work->node].implications, &work->time,
                                       work->delta, &tracker->news));
    if (tracker->news.len == 0)
        return ND_OK;
    note_change(tracker, work->node);
    for (size_t i = shortcuts->first[work->node]; i < shortcuts->first[work->node + 1]; i++)
        ND_TRY(push_news(tracker, shortcuts->next[i]));
    return ND_OK;
}

nd_err nd_tracker_propagate(nd_tracker *tracker)
{
    nd_work work;
    while (nd_worklist_pop(&tracker->worklist, &work))
        ND_TRY(work_on(tracker, &work));
    return ND_OK;
}

/* --- Answers --- */

/* The node that `location` is. Relays have no implications to ask for. */
static const struct node *node_at(const nd_tracker *tracker, uint32_t location)
{
    assert(location < tracker->n_locations);
    const uint32_t number = tracker->shortcuts.from[location].node;
    assert(number != ND_NO_NODE && tracker->shortcuts.locations[number] == location);
    return &tracker->nodes[number];
}

const nd_antichain *nd_tracker_frontier(const nd_tracker *tracker, uint32_t location)
{
    return &node_at(tracker, location)->implications.frontier;
}

size_t nd_tracker_changed(const nd_tracker *tracker, const uint32_t **locations)
{
    *locations = tracker->changed;
    return tracker->n_changed;
}

void nd_tracker_changed_clear(nd_tracker *tracker)
{
    for (size_t i = 0; i < tracker->n_changed; i++)
        tracker->nodes[tracker->shortcuts.from[tracker->changed[i]].node].changed = false;
    tracker->n_changed = 0;
}

bool nd_tracker_is_empty(const nd_tracker *tracker) { return tracker->n_counts == 0; }

const nd_time_count *nd_tracker_counts(const nd_tracker *tracker, uint32_t location, size_t *len)
{
    assert(location < tracker->n_locations);
    const nd_mutable_antichain *counts = tracker->counts[location];
    *len = counts != NULL ? counts->len : 0;
    return counts != NULL ? nd_mutable_antichain_items(counts) : NULL;
}

int64_t nd_tracker_count(const nd_tracker *tracker, uint32_t location, const nd_time *time)
{
    assert(location < tracker->n_locations);
    const nd_mutable_antichain *counts = tracker->counts[location];
    return counts != NULL ? nd_mutable_antichain_count(counts, time) : 0;
}

bool nd_tracker_is_covered(const nd_tracker *tracker, uint32_t location, const nd_time *time)
{
    const nd_mutable_antichain *implications = &node_at(tracker, location)->implications;
    const nd_time *below = nd_antichain_below(&implications->frontier, time);
    if (below == NULL || !nd_time_equal(below, time))
        return below != NULL;
    /* Cycles advance, so what arrives here at `time` does not come from its own count but directly.
     */
    const nd_mutable_antichain *counts = tracker->counts[location];
    const int64_t own = counts != NULL && nd_antichain_contains(&counts->frontier, time);
    return nd_mutable_antichain_count(implications, time) > own;
}

size_t nd_tracker_n_entries(const nd_tracker *tracker)
{
    size_t n = tracker->n_counts;
    for (uint32_t i = 0; i < tracker->shortcuts.n_nodes; i++)
        n += tracker->nodes[i].implications.len;
    return n;
}

void nd_tracker_trace(nd_tracker *tracker,
                      bool (*visit)(void *context, uint32_t location, const nd_time *time),
                      void *context)
{
    tracker->visit = visit;
    tracker->visit_context = context;
}
