/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/held.h"

#include "operators/differential/linear.h"

void nd_held_deinit(nd_held *held) { nd_antichain_deinit(&held->times); }

/* The new ones are held before the old ones are let go. */
void nd_held_replace(nd_held *held, nd_vertex *vertex, nd_antichain *left)
{
    const nd_time *const wanted = nd_antichain_items(left);
    const nd_time *const old = nd_antichain_items(&held->times);
    for (size_t i = 0; i < left->len; i++)
        nd_hold(vertex, &wanted[i]);
    for (size_t i = 0; i < held->times.len; i++)
        nd_release(vertex, &old[i]);
    nd_antichain_deinit(&held->times);
    held->times = *left;
    nd_antichain_init(left);
}

nd_err nd_held_add(nd_held *held, nd_vertex *vertex, const nd_time *time)
{
    nd_antichain wanted;
    if (nd_antichain_less_equal(&held->times, time))
        return ND_OK;
    nd_antichain_init(&wanted);
    nd_err err = nd_antichain_insert(&wanted, time);
    for (size_t i = 0; err == ND_OK && i < held->times.len; i++)
        err = nd_antichain_insert(&wanted, &nd_antichain_items(&held->times)[i]);
    if (err == ND_OK)
        nd_held_replace(held, vertex, &wanted);
    nd_antichain_deinit(&wanted);
    return err;
}

bool nd_held_has_complete(const nd_held *held, const nd_antichain *frontier)
{
    const nd_time *const times = nd_antichain_items(&held->times);
    for (size_t i = 0; i < held->times.len; i++)
        if (!nd_antichain_less_equal(frontier, &times[i]))
            return true;
    return false;
}

nd_err nd_frontier_read(nd_vertex *vertex, unsigned port, nd_antichain *frontier)
{
    const nd_time *times;
    const size_t n = nd_vertex_frontier(vertex, port, &times);
    for (size_t i = 0; i < n; i++)
        ND_TRY(nd_antichain_insert(frontier, &times[i]));
    return ND_OK;
}

void nd_held_round(nd_held *held, nd_vertex *vertex, nd_round_fn *round, nd_moved_fn *moved)
{
    nd_antichain frontier, left;
    nd_antichain_init(&frontier);
    nd_antichain_init(&left);
    nd_err err = nd_frontier_read(vertex, 0, &frontier);
    if (err == ND_OK && nd_held_has_complete(held, &frontier)) {
        err = round(vertex, &frontier, &left);
        if (err == ND_OK)
            nd_held_replace(held, vertex, &left);
    }
    if (err == ND_OK && moved)
        err = moved(vertex, &frontier);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    nd_antichain_deinit(&left);
    nd_antichain_deinit(&frontier);
}
