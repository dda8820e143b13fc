/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated process: adds its workers' frames up and tells the other processes; hands what it is
 * told to its workers. Only changes to counts are added up: what a worker says of starting and
 * ending is passed on as it is. */
#include "transport/sim_internal.h"

#include <nereid/memory.h>

nd_err nd_sim_process_begin(nd_sim_process *process, nd_publish_mode mode, uint32_t flow,
                            const nd_topology *topology, const nd_change *initial, size_t n_initial)
{
    while (process->accumulators.len <= flow) {
        nd_accumulator **const slot = nd_vector_push(&process->accumulators);
        if (!slot)
            return ND_NOMEM;
        *slot = NULL;
    }
    nd_accumulator **const known = nd_vector_at(&process->accumulators, flow);
    return *known ? ND_OK : nd_accumulator_create(topology, initial, n_initial, mode, known);
}

void nd_sim_process_deinit(nd_sim_process *process)
{
    for (size_t i = 0; i < process->accumulators.len; i++)
        nd_accumulator_destroy(*(nd_accumulator **)nd_vector_at(&process->accumulators, i));
    nd_vector_deinit(&process->accumulators);
}

static nd_err tell_others(nd_sim *sim, unsigned process, nd_frame *frame)
{
    frame->sender = sim->n_workers + process;
    frame->sequence = ++sim->processes[process].sequence;
    for (unsigned i = 0; i < sim->n_processes; i++) {
        if (i != process)
            ND_TRY(nd_sim_send(sim, sim->n_workers + process, sim->n_workers + i, frame));
    }
    return ND_OK;
}

static nd_err hand_to_workers(nd_sim *sim, unsigned process, const nd_frame *frame)
{
    for (unsigned i = 0; i < sim->n_workers; i++)
        if (nd_sim_process_of(sim, i) == process)
            ND_TRY(nd_sim_put_frame(&sim->endpoints[i].inbox, frame));
    return ND_OK;
}

nd_err nd_sim_process_take(nd_sim *sim, unsigned process, unsigned from, const nd_frame *frame)
{
    nd_sim_process *const self = &sim->processes[process];
    const bool is_own = from < sim->n_workers;
    nd_frame told = *frame;
    if (!is_own)
        ND_TRY(hand_to_workers(sim, process, frame));
    if (frame->kind != ND_FRAME_CHANGES)
        return is_own ? tell_others(sim, process, &told) : ND_OK;
    nd_accumulator *const accumulator =
        frame->flow < self->accumulators.len
            ? *(nd_accumulator **)nd_vector_at(&self->accumulators, frame->flow)
            : NULL;
    if (!accumulator)
        return ND_PROTO;
    ND_TRY(nd_accumulator_add(accumulator, frame->changes, frame->len, is_own));
    if (sim->fault == ND_SIM_OWN_STEPS && !is_own && sim->mode == ND_PUBLISH_DEMAND)
        return ND_OK;
    if (sim->fault == ND_SIM_VIEW_COVERS && sim->mode == ND_PUBLISH_DEMAND)
        nd_accumulator_set_mode(accumulator, ND_PUBLISH_BY_VIEW);
    ND_TRY(nd_accumulator_take(accumulator, &told.changes, &told.len));
    return told.len ? tell_others(sim, process, &told) : ND_OK;
}
