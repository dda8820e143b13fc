/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/query_tables.h"

#include <stdlib.h>

/* --- Times --- */

size_t query_n_times(unsigned depth)
{
    size_t n = QUERY_EPOCHS;
    for (unsigned i = 0; i < depth; i++)
        n *= QUERY_ROUNDS;
    return n;
}

nd_time query_time(unsigned depth, size_t place)
{
    nd_time time = {.epoch = 0};
    for (unsigned i = depth; i > 0; i--, place /= QUERY_ROUNDS)
        time.loop[i - 1] = (uint32_t)(place % QUERY_ROUNDS);
    time.epoch = place;
    return time;
}

size_t query_place_of(unsigned depth, const nd_time *time)
{
    size_t place = (size_t)time->epoch;
    bool can_be = time->epoch < QUERY_EPOCHS;
    for (unsigned i = 0; i < ND_MAX_LOOPS; i++) {
        can_be = can_be && time->loop[i] < (i < depth ? QUERY_ROUNDS : 1);
        place = i < depth ? place * QUERY_ROUNDS + time->loop[i] : place;
    }
    return can_be ? place : query_n_times(depth);
}

/* --- Tables --- */

void query_tables_init(query_tables *tables, const query *plan)
{
    *tables = (query_tables){.plan = plan};
}

void query_tables_deinit(query_tables *tables)
{
    for (unsigned i = 0; i < QUERY_MOST; i++) {
        free(tables->histories[i].at);
        free(tables->histories[i].is_known);
    }
}

static void compute(query_tables *tables, unsigned number, const nd_time *time, table *out)
{
    static const table nothing;
    const query_node *const node = &tables->plan->nodes[number];
    if (node->op->compute_at) {
        node->op->compute_at(tables, number, time, out);
        return;
    }
    const table *const of = node->op->n_inputs > 0 ? query_table(tables, node->of, time) : &nothing;
    const table *const and =
        node->op->n_inputs > 1 ? query_table(tables, node->and, time) : &nothing;
    node->op->compute(node, of, and, out);
}

const table *query_table(query_tables *tables, unsigned node, const nd_time *time)
{
    const unsigned depth = query_depth(tables->plan, node);
    const size_t n = query_n_times(depth), place = query_place_of(depth, time);
    query_history *const history = &tables->histories[node];
    if (!history->at) {
        history->at = calloc(n, sizeof *history->at);
        history->is_known = calloc(n, sizeof *history->is_known);
    }
    if (place >= n || !history->at || !history->is_known)
        abort();
    if (!history->is_known[place])
        compute(tables, node, time, &history->at[place]);
    history->is_known[place] = true;
    return &history->at[place];
}
