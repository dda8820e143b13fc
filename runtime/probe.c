/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: reading the frontier of a stream, and telling a wait that cannot end. */
#include <nereid/memory.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

static bool is_watching(const nd_probe *probe) { return probe->flow->state == ND_FLOW_RUNNING; }

const nd_dataflow *nd_probe_unstarted(const nd_probe *probe)
{
    return probe && probe->flow->state == ND_FLOW_BUILDING ? probe->flow : NULL;
}

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
 * there is none. Rounds over all edges until nothing changes, once a probe. */
static const uint64_t *delays_to(const nd_probe *asked)
{
    const nd_dataflow *const flow = asked->flow;
    nd_probe *const probe = *(nd_probe **)nd_vector_at(&flow->probes, asked->index);
    if (probe->delays)
        return probe->delays;
    uint64_t *const delay = nd_alloc(flow->n_locations, sizeof *delay);
    if (!delay)
        return NULL;
    probe->delays = delay;
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

const nd_vertex *nd_flow_open_input(const nd_dataflow *flow)
{
    nd_vertex *const *const inputs = flow->inputs.items;
    for (size_t i = 0; flow->state == ND_FLOW_RUNNING && i < flow->inputs.len; i++)
        if (inputs[i]->holds.len)
            return inputs[i];
    return NULL;
}

/* Whether a hold of the vertex keeps an epoch before `epoch` possible after `delay` more. */
static bool keeps_back(const nd_vertex *vertex, uint64_t delay, uint64_t epoch)
{
    const nd_hold_entry *const holds = vertex->holds.items;
    for (size_t i = 0; i < vertex->holds.len; i++)
        if (delay < epoch && holds[i].right.time.epoch < epoch - delay)
            return true;
    return false;
}

static uint64_t least_delay(const nd_vertex *vertex, const uint64_t *delays)
{
    uint64_t least = UINT64_MAX;
    for (unsigned o = 0; o < vertex->n_outlets; o++)
        if (delays[vertex->outlets[o].location] < least)
            least = delays[vertex->outlets[o].location];
    return least;
}

const nd_vertex *nd_probe_waits_for(const nd_probe *probe, uint64_t epoch)
{
    if (!probe || probe->flow->state != ND_FLOW_RUNNING)
        return NULL;
    nd_vertex *const *const inputs = probe->flow->inputs.items;
    for (size_t i = 0; i < probe->flow->inputs.len; i++) {
        if (!keeps_back(inputs[i], 0, epoch))
            continue; /* as nearly always, so that paths need not be looked at */
        const uint64_t *const delays = delays_to(probe);
        if (delays && keeps_back(inputs[i], least_delay(inputs[i], delays), epoch))
            return inputs[i];
    }
    return NULL;
}
