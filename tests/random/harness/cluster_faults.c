/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/cluster_faults.h"

#include <string.h>

enum { SLOWEST = 200, LONGEST_PAUSE = 300, SOON_AFTER = 12 }; /* ticks */

static bool chance(nd_random *random, unsigned percent)
{
    return nd_random_below(random, 100) < percent;
}

/* --- Planning --- */

static void plan_delays(nd_random *random, cluster_faults *faults)
{
    const bool all_take_time = chance(random, 50), some_are_slow = chance(random, 40);
    const uint64_t usual = all_take_time ? 1 + nd_random_below(random, 12) : 0;
    for (unsigned i = 0; i < faults->n_processes; i++)
        for (unsigned k = 0; k < faults->n_processes; k++)
            for (unsigned lane = 0; lane < ND_LANES; lane++)
                faults->delays[i][k][lane] =
                    some_are_slow && chance(random, 20) ? nd_random_below(random, SLOWEST) : usual;
}

/* A tick: early ones, when little has happened yet, are not rare. */
static uint64_t some_time(nd_random *random)
{
    return nd_random_below(random, UINT64_C(16) << nd_random_below(random, 8));
}

static cluster_fault *add(nd_random *random, cluster_faults *faults, fault_kind kind)
{
    cluster_fault *fault = &faults->faults[faults->n_faults++];
    const unsigned n = faults->n_processes;
    *fault = (cluster_fault){.at = some_time(random),
                             .kind = kind,
                             .from = (unsigned)nd_random_below(random, n),
                             .lane = (nd_lane_kind)nd_random_below(random, ND_LANES)};
    fault->to = (fault->from + 1 + (unsigned)nd_random_below(random, n - 1)) % n;
    return fault;
}

static void plan_harm(nd_random *random, cluster_faults *faults)
{
    static const fault_kind kinds[] = {FAULT_CRASH, FAULT_CUT, FAULT_DAMAGE, FAULT_DAMAGE};
    cluster_fault *fault = add(random, faults, kinds[nd_random_below(random, 4)]);
    fault->at_leave = chance(random, 25);
    if (fault->at_leave)
        fault->at = nd_random_below(random, SOON_AFTER);
    if (fault->kind == FAULT_DAMAGE)
        fault->damage = (nd_sim_damage)(ND_SIM_GAP + nd_random_below(random, ND_SIM_STALE));
}

void cluster_faults_plan(nd_random *random, unsigned n_processes, cluster_faults *faults)
{
    memset(faults, 0, sizeof *faults);
    faults->n_processes = n_processes;
    plan_delays(random, faults);
    while (faults->n_faults < 3 && chance(random, 30))
        add(random, faults, FAULT_PAUSE)->ticks = 1 + nd_random_below(random, LONGEST_PAUSE);
    if (chance(random, 40))
        return;
    plan_harm(random, faults);
    if (chance(random, 20))
        plan_harm(random, faults);
}

/* --- Happening --- */

void cluster_faults_begin(const cluster_faults *faults, nd_sim *sim)
{
    for (unsigned i = 0; i < faults->n_processes; i++)
        for (unsigned k = 0; k < faults->n_processes; k++)
            for (unsigned lane = 0; i != k && lane < ND_LANES; lane++)
                nd_sim_slow(sim, i, k, (nd_lane_kind)lane, faults->delays[i][k][lane]);
}

static void harm(cluster_faults *faults, const cluster_fault *fault, nd_sim *sim)
{
    faults->n_harmful++;
    faults->involved |= 1U << fault->from;
    switch (fault->kind) {
    case FAULT_CRASH:
        nd_sim_crash(sim, fault->from);
        break;
    case FAULT_CUT:
        nd_sim_cut(sim, fault->from, fault->to, fault->lane);
        faults->involved |= 1U << fault->to;
        break;
    case FAULT_DAMAGE:
        nd_sim_damage_next(sim, fault->from, fault->to, fault->lane, fault->damage);
        break;
    case FAULT_PAUSE:
        break;
    }
    faults->is_mute |= fault->kind == FAULT_CUT && fault->lane == ND_LANE_CONTROL;
}

static void note_leaves(cluster_faults *faults, const nd_sim *sim)
{
    for (unsigned i = 0; i < faults->n_processes; i++)
        if (faults->leaves_at[i] == 0 && nd_sim_has_left(sim, i))
            faults->leaves_at[i] = nd_sim_now(sim);
}

static bool is_time(const cluster_faults *faults, const cluster_fault *fault, uint64_t now)
{
    const uint64_t leaves_at = faults->leaves_at[fault->from];
    if (!fault->at_leave)
        return fault->at <= now;
    return leaves_at != 0 && leaves_at + fault->at <= now;
}

void cluster_faults_happen(cluster_faults *faults, nd_sim *sim)
{
    note_leaves(faults, sim);
    for (unsigned i = faults->n_faults; i-- > 0;) {
        const cluster_fault fault = faults->faults[i];
        if (!is_time(faults, &fault, nd_sim_now(sim)))
            continue;
        faults->faults[i] = faults->faults[--faults->n_faults];
        if (fault.kind == FAULT_PAUSE)
            nd_sim_pause(sim, fault.from, fault.ticks);
        else
            harm(faults, &fault, sim);
    }
}
