/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two kinds of run. A wild one changes counts anywhere, below zero too for a while. A lawful one
 * only does what vertices may: what is retired somewhere turns into what it could result in; there
 * no frontier may ever move back.
 */
#include "tests/runtime/tracker_random.h"

#include <inttypes.h>
#include <stdlib.h>

#include <nereid/memory.h>

#include "runtime/tracker.h"
#include "tests/runtime/closure.h"
#include "tests/runtime/random_graph.h"

enum { N_FRAMES = 20, ENDLESS = 100000 };

typedef struct visit {
    uint32_t location;
    nd_time time;
} visit;

struct run {
    nd_random random;
    nd_message *why;
    closure_graph graph;
    nd_arc edges[CLOSURE_EDGES];
    bool watched[CLOSURE_LOCATIONS];
    bool lawful;
    bool near_end; /* times near overflow */
    nd_tracker *tracker;
    closure_counts counts;
    closure_frontiers expected, before;
    visit *visits; /* of the propagation at hand */
    size_t n_visits, visits_capacity;
};

static bool wrong(struct run *run, uint32_t location, const char *what)
{
    nd_message_set(run->why, ND_FAILED, "location %u: %s", location, what);
    return false;
}

static bool note_visit(void *context, uint32_t location, const nd_time *time)
{
    struct run *run = context;
    if (run->n_visits == run->visits_capacity) {
        run->visits_capacity = 2 * run->visits_capacity + 64;
        run->visits = realloc(run->visits, run->visits_capacity * sizeof(visit));
        if (run->visits == NULL)
            abort();
    }
    run->visits[run->n_visits++] = (visit){location, *time};
    return run->n_visits < ENDLESS;
}

static int order_visits(const void *a, const void *b)
{
    const visit *first = a;
    const visit *second = b;
    if (first->location != second->location)
        return first->location < second->location ? -1 : 1;
    return closure_order(&first->time, &second->time);
}

/* --- What is expected of a propagation --- */

static bool check_visits(struct run *run)
{
    if (run->n_visits > 1)
        qsort(run->visits, run->n_visits, sizeof(visit), order_visits);
    for (size_t i = 1; i < run->n_visits; i++) {
        if (order_visits(&run->visits[i - 1], &run->visits[i]) == 0)
            return wrong(run, run->visits[i].location, "one time was worked on twice");
    }
    return true;
}

static bool check_frontiers(struct run *run)
{
    for (uint32_t i = 0; i < run->graph.n_locations; i++) {
        if (!run->watched[i])
            continue;
        const nd_antichain *frontier = nd_tracker_frontier(run->tracker, i);
        if (!nd_antichain_validate(frontier))
            return wrong(run, i, "the frontier is no antichain");
        if (!closure_same(&run->expected.at[i], nd_antichain_items(frontier), frontier->len))
            return wrong(run, i, "the frontier is not that of the closure");
    }
    return true;
}

/* In a lawful run each time of a frontier is at or after one of the frontier before. */
static bool check_advance(struct run *run, uint32_t location)
{
    const struct closure_set *now = &run->expected.at[location];
    for (size_t i = 0; i < now->len; i++) {
        if (!closure_reaches(&run->before.at[location], &now->times[i]))
            return wrong(run, location, "the frontier moved back");
    }
    return true;
}

static bool check_news(struct run *run)
{
    const uint32_t *changed;
    const size_t n_changed = nd_tracker_changed(run->tracker, &changed);
    unsigned told[CLOSURE_LOCATIONS] = {0};
    for (size_t i = 0; i < n_changed; i++)
        told[changed[i]]++;
    for (uint32_t i = 0; i < run->graph.n_locations; i++) {
        const struct closure_set *now = &run->expected.at[i];
        const bool same = closure_same(&run->before.at[i], now->times, now->len);
        if (told[i] != (run->watched[i] && !same))
            return wrong(run, i, "the news is not what changed");
        if (run->lawful && !check_advance(run, i))
            return false;
    }
    nd_tracker_changed_clear(run->tracker);
    if (nd_tracker_changed(run->tracker, &changed) != 0)
        return wrong(run, 0, "news stays after it was cleared");
    return true;
}

static bool check_counts(struct run *run)
{
    size_t n_counts = 0;
    for (uint32_t i = 0; i < run->graph.n_locations; i++) {
        size_t len;
        const nd_time_count *items = nd_tracker_counts(run->tracker, i, &len);
        for (size_t j = 0; j < len; j++) {
            if (items[j].count != closure_count_of(&run->counts, i, &items[j].time) ||
                items[j].count != nd_tracker_count(run->tracker, i, &items[j].time))
                return wrong(run, i, "a count is not what was added up");
        }
        n_counts += len;
    }
    if (n_counts != run->counts.len || nd_tracker_is_empty(run->tracker) != (run->counts.len == 0))
        return wrong(run, 0, "the number of counts is wrong");
    return true;
}

/* One pointstamp that is counted, or any: would it still be implied if its count were zero? */
static bool check_cover(struct run *run)
{
    uint32_t location = (uint32_t)nd_random_below(&run->random, run->graph.n_locations);
    nd_time time = random_graph_time(&run->random, run->graph.n_loops[location], 6, run->near_end);
    if (run->counts.len > 0 && nd_random_below(&run->random, 4) != 0) {
        const size_t i = nd_random_below(&run->random, run->counts.len);
        location = run->counts.items[i].location;
        time = run->counts.items[i].time;
    }
    if (!run->watched[location])
        return true;
    const int64_t count = closure_count_of(&run->counts, location, &time);
    closure_update(&run->counts, location, &time, -count);
    closure_frontiers without = {.at = {{.len = 0}}};
    closure_find(&run->graph, &run->counts, &without);
    const bool covered = closure_reaches(&without.at[location], &time);
    closure_frontiers_free(&without);
    closure_update(&run->counts, location, &time, count);
    if (nd_tracker_is_covered(run->tracker, location, &time) != covered)
        return wrong(run, location, "cover is not what else could result in the time");
    return true;
}

static bool propagate_and_check(struct run *run)
{
    run->n_visits = 0;
    if (nd_tracker_propagate(run->tracker) != ND_OK)
        return check_visits(run) && wrong(run, 0, "propagation does not end");
    const closure_frontiers before = run->before;
    run->before = run->expected;
    run->expected = before;
    closure_find(&run->graph, &run->counts, &run->expected);
    return check_visits(run) && check_frontiers(run) && check_news(run) && check_counts(run) &&
           check_cover(run);
}

/* --- Frames --- */

static bool change(struct run *run, uint32_t location, const nd_time *time, int64_t delta)
{
    closure_update(&run->counts, location, time, delta);
    if (nd_tracker_update(run->tracker, location, time, delta) != ND_OK)
        return wrong(run, location, "an update failed");
    return true;
}

/* Something new anywhere, below zero too. */
static bool change_anywhere(struct run *run)
{
    const uint32_t location = (uint32_t)nd_random_below(&run->random, run->graph.n_locations);
    const nd_time time =
        random_graph_time(&run->random, run->graph.n_loops[location], 6, run->near_end);
    const int64_t deltas[] = {1, 1, 1, 1, 2, -1};
    return change(run, location, &time, deltas[nd_random_below(&run->random, 6)]);
}

/* Takes back something that is counted, all of it or a part. */
static bool take_back(struct run *run)
{
    const size_t i = nd_random_below(&run->random, run->counts.len);
    const struct closure_count some = run->counts.items[i];
    const int64_t one = some.count > 0 ? 1 : -1;
    const bool all = nd_random_below(&run->random, 2) == 0;
    return change(run, some.location, &some.time, all ? -some.count : -one);
}

static bool wild_frame(struct run *run)
{
    for (uint64_t n = 1 + nd_random_below(&run->random, 4); n > 0; n--) {
        const bool back = run->counts.len > 0 && nd_random_below(&run->random, 2) == 0;
        if (!(back ? take_back(run) : change_anywhere(run)))
            return false;
    }
    return true;
}

/* One step of a vertex: some pointstamp is retired, and what it turned into appears where its edges
 * lead, at times not before those that they give, or stays where it was but later. */
static bool lawful_frame(struct run *run)
{
    if (run->counts.len == 0)
        return true;
    const struct closure_count some =
        run->counts.items[nd_random_below(&run->random, run->counts.len)];
    for (size_t i = 0; i < run->graph.n_edges; i++) {
        nd_time time;
        if (run->edges[i].from != some.location || nd_random_below(&run->random, 3) == 0 ||
            !nd_summary_apply(&run->edges[i].summary, &some.time, &time))
            continue;
        time.epoch += !run->near_end && nd_random_below(&run->random, 8) == 0;
        if (!change(run, run->edges[i].to, &time, 1))
            return false;
    }
    if (!run->near_end && nd_random_below(&run->random, 4) == 0) {
        nd_time later = some.time;
        later.epoch += 1 + nd_random_below(&run->random, 2);
        if (!change(run, some.location, &later, 1))
            return false;
    }
    return change(run, some.location, &some.time, -1);
}

/* What a lawful run starts from. */
static bool seed_counts(struct run *run)
{
    for (uint64_t n = 1 + nd_random_below(&run->random, 5); n > 0; n--) {
        const uint32_t location = (uint32_t)nd_random_below(&run->random, run->graph.n_locations);
        const nd_time time =
            random_graph_time(&run->random, run->graph.n_loops[location], 6, run->near_end);
        if (!change(run, location, &time, 1 + (int64_t)nd_random_below(&run->random, 2)))
            return false;
    }
    const bool lawful = run->lawful;
    run->lawful = false; /* the first frontiers come from nothing */
    const bool held = propagate_and_check(run);
    run->lawful = lawful;
    return held;
}

static bool drain(struct run *run)
{
    while (run->counts.len > 0) {
        for (uint64_t n = 1 + nd_random_below(&run->random, 4); n > 0 && run->counts.len > 0; n--) {
            if (!take_back(run))
                return false;
        }
        if (!propagate_and_check(run))
            return false;
    }
    if (nd_tracker_n_entries(run->tracker) != 0)
        return wrong(run, 0, "something is left when all counts are zero");
    return true;
}

/* --- Runs --- */

static bool play(struct run *run)
{
    if (run->lawful && !seed_counts(run))
        return false;
    for (unsigned i = 0; i < N_FRAMES; i++) {
        if (!(run->lawful ? lawful_frame(run) : wild_frame(run)) || !propagate_and_check(run))
            return false;
    }
    /* Taking back negative counts moves frontiers back, and so may taking back in no order. */
    run->lawful = false;
    return drain(run);
}

static void shape(struct run *run, nd_topology *topology)
{
    if (nd_random_below(&run->random, 3) == 0)
        random_graph_any(&run->random, &run->graph);
    else
        random_graph_nested(&run->random, &run->graph);
    closure_edges(&run->graph, run->edges);
    *topology = (nd_topology){run->graph.n_locations, run->edges, run->graph.n_edges, NULL};
    const uint64_t one_in[] = {1, 1, 2, 8};
    const uint64_t n = one_in[nd_random_below(&run->random, 4)];
    for (uint32_t i = 0; i < run->graph.n_locations; i++)
        run->watched[i] = nd_random_below(&run->random, n) == 0;
    if (n > 1)
        topology->watched = run->watched;
    run->lawful = nd_random_below(&run->random, 2) == 0;
    run->near_end = nd_random_below(&run->random, 4) == 0;
}

/* Whether an illegal graph is refused with a cycle that is at fault. */
static bool check_refusal(struct run *run, nd_err err, const nd_cycle *culprits)
{
    if (err != ND_INVAL)
        return wrong(run, 0, "a cycle that does not advance was accepted");
    const bool culprit = closure_is_culprit(&run->graph, culprits);
    nd_free(culprits->locations);
    return culprit || wrong(run, 0, "the cycle named is not at fault");
}

static bool build_and_play(struct run *run)
{
    nd_topology topology;
    shape(run, &topology);
    nd_cycle culprits = {NULL, 0};
    const nd_err err = nd_tracker_create(&topology, &run->tracker, &culprits);
    if (!closure_is_legal(&run->graph))
        return check_refusal(run, err, &culprits);
    if (err != ND_OK)
        return wrong(run, 0, "a legal graph was refused");
    nd_tracker_trace(run->tracker, note_visit, run);
    return play(run);
}

bool tracker_random_run(uint64_t seed, nd_message *why)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        abort();
    run->why = why;
    nd_random_init(&run->random, seed);
    const bool held = build_and_play(run);
    nd_tracker_destroy(run->tracker);
    closure_counts_free(&run->counts);
    closure_frontiers_free(&run->expected);
    closure_frontiers_free(&run->before);
    free(run->visits);
    free(run);
    return held;
}
