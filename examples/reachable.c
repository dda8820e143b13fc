/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who can be reached from whom, while roads come and go: the transitive closure of a relation.
 *
 *     reachable [-w WORKERS]        prints `DIFFERENCE (epoch) path|FROM|TO` for each change
 *
 *     path(x, z) :- road(x, z).
 *     path(x, z) :- path(x, y), road(y, z).
 *
 * What the rules say is one round of a loop: paths with one road more, and the roads. A pair that
 * is found in many ways is there once (nd_distinct), which also ends the loop where roads form a
 * ring. A path is gone when the last way to find it is; also one that would hold itself up, round a
 * ring that nobody can enter any more.
 */
#include "examples/view.h"

typedef struct {
    uint32_t from, to;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, from), ND_FIELD(pair, to));

static void turn_round(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const pair *pairs = records;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){pairs[i].to, pairs[i].from};
}

/* Of a path, which stands here as (to, from), and a road that begins where it ends: the longer
 * path. */
static void lengthen(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const pair *paths = left, *roads = right;
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = (pair){paths[i].to, roads[i].to};
}

static nd_collection one_road_more(nd_scope *loop, nd_collection paths, void *arg)
{
    const nd_collection *all_roads = arg;
    nd_collection roads = nd_collection_enter(loop, *all_roads);
    nd_collection by_end = nd_collection_map(paths, &pair_type, turn_round, nd_no_user);
    nd_collection longer = nd_join(by_end, roads, &pair_type, lengthen, nd_no_user);
    return nd_distinct(nd_collection_concat(longer, roads));
}

static nd_err program(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *input;
    views all = {.n = 0};
    nd_dataflow *flow = nd_dataflow_new(worker, "reachable");
    nd_collection roads = nd_arrange(nd_collection_input_new(flow, &pair_type, &input));
    nd_collection paths = nd_iterate(roads, one_road_more, &roads);
    view_print(&all, paths, "path");
    ND_TRY(nd_dataflow_start(flow));

    if (nd_worker_index(worker) == 0) {
        for (uint32_t i = 0; i < 5; i++) /* a way in, and a ring of four */
            nd_collection_insert(input, &(pair){i, i < 4 ? i + 1 : 1});
        nd_input_advance(input, 1);
        nd_collection_insert(input, &(pair){4, 5}); /* a way out */
        nd_input_advance(input, 2);
        nd_collection_insert(input, &(pair){0, 5}); /* another to the same place: no new path ... */
        nd_input_advance(input, 3);
        nd_collection_remove(input, &(pair){0, 1}); /* ... but one that is left when this goes */
        nd_input_advance(input, 4);
        nd_collection_remove(input, &(pair){2, 3}); /* the ring breaks */
        nd_input_advance(input, 5);
        nd_collection_insert(input, &(pair){5, 0}); /* everywhere and back */
        nd_collection_insert(input, &(pair){0, 1});
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, NULL); }
