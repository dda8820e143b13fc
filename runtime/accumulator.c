/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/accumulator.h"

#include <nereid/memory.h>

#include "runtime/tracker.h"

struct nd_accumulator {
    nd_publish_mode mode;
    nd_tracker *view;     /* of all that this process knows, what it keeps back included */
    nd_change_batch kept; /* not told yet */
    nd_change_batch told; /* what the last take has lent */
};

nd_err nd_accumulator_create(const nd_topology *topology, const nd_change *initial,
                             size_t n_initial, nd_publish_mode mode, nd_accumulator **accumulator)
{
    nd_accumulator *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    made->mode = mode;
    nd_change_batch_init(&made->kept);
    nd_change_batch_init(&made->told);
    const nd_topology everything = {.n_locations = topology->n_locations,
                                    .edges = topology->edges,
                                    .n_edges = topology->n_edges,
                                    .watched = NULL};
    nd_err err = nd_tracker_create(&everything, &made->view, NULL);
    if (err == ND_OK)
        err = nd_accumulator_add(made, initial, n_initial, false);
    if (err == ND_OK)
        *accumulator = made;
    else
        nd_accumulator_destroy(made);
    return err;
}

void nd_accumulator_destroy(nd_accumulator *accumulator)
{
    if (!accumulator)
        return;
    nd_tracker_destroy(accumulator->view);
    nd_change_batch_deinit(&accumulator->kept);
    nd_change_batch_deinit(&accumulator->told);
    nd_free(accumulator);
}

nd_err nd_accumulator_add(nd_accumulator *accumulator, const nd_change *changes, size_t len,
                          bool is_own)
{
    for (size_t i = 0; i < len; i++) {
        const nd_change *const change = &changes[i];
        ND_TRY(
            nd_tracker_update(accumulator->view, change->location, &change->time, change->delta));
        if (is_own)
            ND_TRY(nd_change_batch_update(&accumulator->kept, change->location, &change->time,
                                          change->delta));
    }
    return ND_OK;
}

/* Whether telling a change could not move a frontier anywhere. */
static bool is_covered(const nd_accumulator *accumulator, const nd_change *change)
{
    if (accumulator->mode == ND_PUBLISH_BY_VIEW &&
        nd_tracker_count(accumulator->view, change->location, &change->time) > 0)
        return true;
    return change->delta > 0 ||
           nd_tracker_is_covered(accumulator->view, change->location, &change->time);
}

static bool must_tell(nd_accumulator *accumulator)
{
    nd_change_batch_compact(&accumulator->kept);
    if (accumulator->mode == ND_PUBLISH_EAGER)
        return accumulator->kept.len != 0;
    for (size_t i = 0; i < accumulator->kept.len; i++)
        if (!is_covered(accumulator, &accumulator->kept.items[i]))
            return true;
    return false;
}

nd_err nd_accumulator_take(nd_accumulator *accumulator, const nd_change **changes, size_t *len)
{
    *len = 0;
    ND_TRY(nd_tracker_propagate(accumulator->view));
    nd_tracker_changed_clear(accumulator->view);
    if (!must_tell(accumulator))
        return ND_OK;
    const nd_change_batch told = accumulator->kept;
    accumulator->kept = accumulator->told;
    accumulator->told = told;
    nd_change_batch_clear(&accumulator->kept);
    *changes = told.items;
    *len = told.len;
    return ND_OK;
}

void nd_accumulator_set_mode(nd_accumulator *accumulator, nd_publish_mode mode)
{
    accumulator->mode = mode;
}

bool nd_accumulator_is_empty(nd_accumulator *accumulator)
{
    return nd_change_batch_is_empty(&accumulator->kept) && nd_tracker_is_empty(accumulator->view);
}
