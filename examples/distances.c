/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distances that stay up to date: how many roads lead from place 0 to each other place, while roads
 * are built and closed.
 *
 *     distances [-w WORKERS]        prints `DIFFERENCE (epoch) place roads` for each change
 *
 * A query over collections, in a loop: who is reached in some number of steps is at the places one
 * road further in one step more; the least number counts. Only what a change of the roads changes
 * is computed again.
 */
#include <nereid.h>

typedef struct {
    uint32_t from, to;
} road;
static const nd_type road_type = ND_TYPE(road, 1, ND_FIELD(road, from), ND_FIELD(road, to));

typedef struct {
    uint32_t place, roads;
} distance;
static const nd_type distance_type =
    ND_TYPE(distance, 1, ND_FIELD(distance, place), ND_FIELD(distance, roads));

/* Of a place that is reached, and a road that begins there: where it leads. */
static void one_further(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const distance *reached = left;
    const road *roads = right;
    for (size_t i = 0; i < len; i++)
        ((distance *)out)[i] = (distance){roads[i].to, reached[i].roads + 1};
}

/* The collections that the loop brings in. */
struct map {
    nd_collection roads, start;
};

static nd_collection shortest(nd_scope *loop, nd_collection distances, void *arg)
{
    const struct map *map = arg;
    nd_collection roads = nd_collection_enter(loop, map->roads);
    nd_collection start = nd_collection_enter(loop, map->start);
    nd_collection next = nd_join(distances, roads, &distance_type, one_further, nd_no_user);
    return nd_min(nd_collection_concat(next, start)); /* the least of each place */
}

static nd_err program(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *roads, *start;
    nd_dataflow *flow = nd_dataflow_new(worker, "distances");
    struct map map = {nd_collection_input_new(flow, &road_type, &roads),
                      nd_collection_input_new(flow, &distance_type, &start)};
    nd_collection distances = nd_iterate(map.start, shortest, &map);
    nd_collection_inspect(nd_consolidate(distances), nd_collection_print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));

    if (nd_worker_index(worker) == 0) {
        nd_collection_insert(start, &(distance){0, 0});
        for (uint32_t i = 0; i < 10; i++)
            nd_collection_insert(roads, &(road){i, i + 1});
        nd_input_advance(roads, 1);
        nd_collection_insert(roads, &(road){0, 7}); /* a shortcut */
        nd_input_advance(roads, 2);
        nd_collection_remove(roads, &(road){2, 3}); /* closed: some are no longer reached */
        nd_input_advance(roads, 3);
        nd_collection_insert(roads, &(road){8, 3}); /* from behind */
    }
    nd_input_close(start);
    nd_input_close(roads);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, NULL); }
