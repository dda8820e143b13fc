/* SPDX-License-Identifier: Apache-2.0 */
/* A graph that changes for ever and stays equally large: what is kept of it must, too. Live bytes
 * are counted underneath everything. Usage: steady_test [EPOCHS] */
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <nereid.h>
#include <nereid/memory.h>

#include "runtime/base/random.h"

enum { VERTICES = 60, EDGES = 150, WINDOW = 500 /* epochs, of which the most counts */ };

static uint64_t n_epochs = 20000;

/* --- Counting --- */

static _Atomic int64_t n_live;

static void *counted(void *place)
{
    if (place)
        atomic_fetch_add(&n_live, (int64_t)malloc_usable_size(place));
    return place;
}

static void uncount(void *place)
{
    if (place)
        atomic_fetch_sub(&n_live, (int64_t)malloc_usable_size(place));
}

static void *count_alloc(void *context, size_t size)
{
    (void)context;
    return counted(malloc(size));
}

static void *count_realloc(void *context, void *place, size_t size)
{
    (void)context;
    const int64_t before = place ? (int64_t)malloc_usable_size(place) : 0;
    void *const moved = realloc(place, size);
    if (moved)
        atomic_fetch_add(&n_live, (int64_t)malloc_usable_size(moved) - before);
    return moved;
}

static void count_free(void *context, void *place)
{
    (void)context;
    uncount(place);
    free(place);
}

/* --- The query --- */

typedef struct edge {
    uint32_t from, to;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, from), ND_FIELD(edge, to));

typedef struct wide {
    uint32_t a, b;
    int64_t n;
} wide;
static const nd_type pair_type = ND_TYPE(edge, 2, ND_FIELD(edge, from), ND_FIELD(edge, to));
static const nd_type wide_type =
    ND_TYPE(wide, 2, ND_FIELD(wide, a), ND_FIELD(wide, b), ND_FIELD(wide, n));

static void one_further(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)right)[i].to, ((const edge *)left)[i].to + 1};
}

static void ends(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)left)[i].to, ((const edge *)right)[i].to};
}

static void narrow(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const wide *const one = (const wide *)records + i;
        ((edge *)out)[i] = (edge){one->a, (uint32_t)one->n};
    }
}

static void soon(void *user, const void *records, size_t len, uint64_t *from, uint64_t *to)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        from[i] = 0;
        to[i] = n_epochs / 2 + ((const edge *)records)[i].to * 100;
    }
}

struct map {
    nd_collection edges, start;
};

static nd_collection shortest(nd_scope *loop, nd_collection distances, void *arg)
{
    const struct map *const map = arg;
    const nd_collection edges = nd_collection_enter(loop, map->edges);
    const nd_collection start = nd_collection_enter(loop, map->start);
    const nd_collection next = nd_join(distances, edges, &edge_type, one_further, nd_no_user);
    return nd_min(nd_collection_concat(next, start));
}

/* All of it in one, so that one probe watches it. */
static nd_probe *build(nd_collection edges, nd_collection start, nd_collection homes)
{
    struct map map = {edges, start};
    const nd_collection two_away = nd_join(edges, edges, &pair_type, ends, nd_no_user);
    const nd_collection all[] = {
        nd_iterate(start, shortest, &map),
        nd_distinct(edges),
        nd_max(edges),
        nd_least(edges, 2),
        nd_antijoin(edges, start),
        nd_temporal_filter(edges, soon, nd_no_user),
        nd_collection_map(nd_count(two_away, &wide_type), &edge_type, narrow, nd_no_user),
        homes,
    };
    const nd_collection said = nd_collection_concat_many(all, sizeof all / sizeof *all);
    return nd_probe_new(nd_consolidate(said).stream);
}

/* --- The run --- */

typedef struct watch {
    unsigned n_workers;
    int64_t early, late; /* the most live bytes in a window near the beginning, and in the last */
} watch;

static edge random_edge(nd_random *random)
{
    return (edge){(uint32_t)nd_random_below(random, VERTICES),
                  (uint32_t)nd_random_below(random, VERTICES)};
}

static void note(watch *self, uint64_t epoch)
{
    const uint64_t first = n_epochs / 5;
    const int64_t live = atomic_load(&n_live);
    if (epoch >= first && epoch < first + WINDOW && live > self->early)
        self->early = live;
    if (epoch + WINDOW >= n_epochs && live > self->late)
        self->late = live;
}

/* Each worker changes edges of its own: one comes, the oldest goes. And somebody moves. */
static nd_err change(nd_worker *worker, watch *self, nd_input *input, nd_input *moves,
                     const nd_probe *probe)
{
    nd_random in, out;
    nd_random_init(&in, nd_worker_index(worker) + 1);
    nd_random_init(&out, nd_worker_index(worker) + 1);
    for (unsigned i = 0; i < EDGES; i++) {
        const edge one = random_edge(&in);
        nd_collection_insert(input, &one);
    }
    for (uint64_t epoch = 1; epoch <= n_epochs; epoch++) {
        const edge comes = random_edge(&in), goes = random_edge(&out);
        nd_input_advance(input, epoch);
        nd_collection_insert(input, &comes);
        nd_collection_remove(input, &goes);
        nd_input_advance(moves, epoch);
        nd_upsert(moves, &comes);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch));
        if (nd_worker_index(worker) == 0)
            note(self, epoch);
    }
    return ND_OK;
}

static nd_err program(nd_worker *worker, void *arg)
{
    watch *const self = arg;
    nd_input *input, *start, *moves;
    nd_dataflow *const flow = nd_dataflow_new(worker, "steady");
    const nd_collection edges = nd_arrange(nd_collection_input_new(flow, &edge_type, &input));
    const nd_collection places = nd_collection_input_new(flow, &edge_type, &start);
    const nd_collection homes = nd_upsert_input_new(flow, &edge_type, &moves);
    nd_probe *const probe = build(edges, places, homes);
    ND_TRY(nd_dataflow_start(flow));
    if (nd_worker_index(worker) == 0)
        nd_collection_insert(start, &(edge){0, 0});
    nd_input_close(start);
    ND_TRY(change(worker, self, input, moves, probe));
    nd_input_close(input);
    nd_input_close(moves);
    return nd_worker_run(worker);
}

static void run(unsigned n_workers)
{
    watch self = {.n_workers = n_workers};
    nd_message message = {""};
    const nd_config config = {.n_workers = n_workers};
    if (nd_execute(&config, program, &self, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    print_message("%u workers: %" PRId64 " KB early, %" PRId64 " KB late\n", n_workers,
                  self.early / 1024, self.late / 1024);
    assert_true(self.early > 0);
    assert_true(self.late <= self.early + self.early / 4);
}

static void memory_does_not_grow(void **state)
{
    (void)state;
    run(1);
    run(2);
}

int main(int argc, char **argv)
{
    const nd_memory_ops ops = {count_alloc, count_realloc, count_free, NULL};
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_does_not_grow)};
    if (argc > 1)
        n_epochs = strtoull(argv[1], NULL, 10);
    nd_memory_use(&ops);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
