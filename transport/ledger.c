/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/ledger.h"

nd_err nd_ledger_init(nd_ledger *ledger, nd_publish_mode mode)
{
    ledger->mode = mode;
    nd_vector_init(&ledger->accumulators, sizeof(nd_accumulator *));
    return uv_mutex_init(&ledger->lock) == 0 ? ND_OK : ND_NOMEM;
}

static nd_accumulator **slot_of(nd_ledger *ledger, uint32_t flow)
{
    return flow < ledger->accumulators.len ? nd_vector_at(&ledger->accumulators, flow) : NULL;
}

void nd_ledger_deinit(nd_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->accumulators.len; i++)
        nd_accumulator_destroy(*slot_of(ledger, i));
    nd_vector_deinit(&ledger->accumulators);
    uv_mutex_destroy(&ledger->lock);
}

static nd_err begin(nd_ledger *ledger, const nd_flow_plan *plan)
{
    while (ledger->accumulators.len <= plan->flow) {
        nd_accumulator **const slot = nd_vector_push(&ledger->accumulators);
        if (!slot)
            return ND_NOMEM;
        *slot = NULL;
    }
    nd_accumulator **const slot = slot_of(ledger, plan->flow);
    return *slot ? ND_OK
                 : nd_accumulator_create(plan->topology, plan->initial, plan->n_initial,
                                         ledger->mode, slot);
}

nd_err nd_ledger_begin(nd_ledger *ledger, const nd_flow_plan *plan)
{
    uv_mutex_lock(&ledger->lock);
    const nd_err err = begin(ledger, plan);
    uv_mutex_unlock(&ledger->lock);
    return err;
}

nd_accumulator *nd_ledger_find(nd_ledger *ledger, uint32_t flow)
{
    uv_mutex_lock(&ledger->lock);
    nd_accumulator **const slot = slot_of(ledger, flow);
    nd_accumulator *const found = slot ? *slot : NULL;
    uv_mutex_unlock(&ledger->lock);
    return found;
}

bool nd_ledger_is_empty(nd_ledger *ledger)
{
    for (uint32_t i = 0;; i++) {
        uv_mutex_lock(&ledger->lock);
        const bool is_known = i < ledger->accumulators.len;
        nd_accumulator *const accumulator = is_known ? *slot_of(ledger, i) : NULL;
        uv_mutex_unlock(&ledger->lock);
        if (!is_known)
            return true;
        if (accumulator && !nd_accumulator_is_empty(accumulator))
            return false;
    }
}
