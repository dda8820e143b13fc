/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: reading the frontier of a stream, and telling a wait that cannot end. */
#include <nereid/memory.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

static bool is_watching(const nd_probe *probe) { return probe->flow->state == ND_FLOW_RUNNING; }

bool nd_probe_behind_time(const nd_probe *probe, const nd_time *time)
{
    if (!probe || probe->flow->is_dropped || nd_flow_is_over(probe->flow))
        return false;
    return !is_watching(probe) ||
           nd_antichain_less_equal(nd_tracker_frontier(probe->flow->tracker, probe->location),
                                   time);
}

bool nd_probe_behind(const nd_probe *probe, uint64_t epoch)
{
    if (!probe || epoch == 0 || probe->flow->is_dropped || nd_flow_is_over(probe->flow))
        return false;
    if (!is_watching(probe))
        return true;
    const nd_antichain *const frontier = nd_tracker_frontier(probe->flow->tracker, probe->location);
    return frontier->len != 0 && nd_antichain_items(frontier)[0].epoch < epoch;
}

/* The least number of epochs that a path from each location to the probe adds; UINT64_MAX where
 * there is none. Rounds over all edges until nothing changes: as many as the longest shortest path,
 * on a question asked only of a worker about to wait. */
static uint64_t *delays_to(const nd_probe *probe)
{
    const nd_dataflow *const flow = probe->flow;
    uint64_t *const delay = nd_alloc(flow->n_locations, sizeof *delay);
    if (!delay)
        return NULL;
    for (uint32_t i = 0; i < flow->n_locations; i++)
        delay[i] = UINT64_MAX;
    delay[probe->location] = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = flow->edges.len; i-- > 0;) {
            const nd_arc *const edge = nd_vector_at(&flow->edges, i);
            const uint64_t add = edge->summary.add.epoch;
            if (delay[edge->to] >= UINT64_MAX - add || delay[edge->to] + add >= delay[edge->from])
                continue;
            delay[edge->from] = delay[edge->to] + add;
            changed = true;
        }
    }
    return delay;
}

/* Whether only the program can move the vertex's holds on. */
static bool is_input(const nd_vertex *vertex)
{
    return vertex->is_source && !vertex->on_activate && vertex->n_inlets == 0;
}

const nd_vertex *nd_flow_open_input(const nd_dataflow *flow)
{
    for (size_t i = 0; flow->state == ND_FLOW_RUNNING && i < flow->vertices.len; i++) {
        const nd_vertex *const vertex = *(nd_vertex **)nd_vector_at(&flow->vertices, i);
        if (is_input(vertex) && vertex->holds.len)
            return vertex;
    }
    return NULL;
}

/* Whether a hold of the vertex alone keeps an earlier epoch than `epoch` possible at the probe. */
static bool keeps_back(const nd_vertex *vertex, const uint64_t *delays, uint64_t epoch)
{
    uint64_t delay = UINT64_MAX;
    for (unsigned o = 0; o < vertex->n_outlets; o++)
        if (delays[vertex->outlets[o].location] < delay)
            delay = delays[vertex->outlets[o].location];
    const nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++)
        if (delay < epoch && holds[i].right.time.epoch < epoch - delay)
            return true;
    return false;
}

const nd_vertex *nd_probe_waits_for(const nd_probe *probe, uint64_t epoch)
{
    if (!probe || probe->flow->state != ND_FLOW_RUNNING || !nd_probe_behind(probe, epoch))
        return NULL;
    uint64_t *const delay = delays_to(probe);
    const nd_vertex *found = NULL;
    for (size_t i = 0; delay && !found && i < probe->flow->vertices.len; i++) {
        const nd_vertex *const vertex = *(nd_vertex **)nd_vector_at(&probe->flow->vertices, i);
        if (is_input(vertex) && keeps_back(vertex, delay, epoch))
            found = vertex;
    }
    nd_free(delay);
    return found;
}
