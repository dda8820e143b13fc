/* SPDX-License-Identifier: Apache-2.0 */
/* Distances and strongly connected components of graphs whose edges come and go at random, at every
 * epoch against plain searches. The second is a loop in a loop, so its times have three
 * coordinates. Usage: graphs_test [SEEDS] */
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <nereid.h>

#include "runtime/base/random.h"

#define NONE UINT32_MAX

static uint64_t n_seeds = 1;

typedef struct edge {
    uint32_t from, to;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, from), ND_FIELD(edge, to));

/* --- Queries --- */

struct map {
    nd_collection edges, start;
};

static void one_further(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)right)[i].to, ((const edge *)left)[i].to + 1};
}

static nd_collection shortest(nd_scope *loop, nd_collection distances, void *arg)
{
    const struct map *const map = arg;
    const nd_collection next = nd_join(distances, nd_collection_enter(loop, map->edges), &edge_type,
                                       one_further, nd_no_user);
    return nd_min(nd_collection_concat(next, nd_collection_enter(loop, map->start)));
}

static void at_start(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const edge *)records)[i].from == 0;
}

static void zero(void *user, const void *records, size_t len, void *out)
{
    (void)user, (void)records;
    memset(out, 0, len * sizeof(edge));
}

/* From vertex 0, which is there while an edge leaves it: (vertex, distance). */
static nd_collection distances(nd_collection edges)
{
    const nd_collection begun = nd_collection_filter(edges, at_start, nd_no_user);
    const nd_collection start = nd_distinct(nd_collection_map(begun, &edge_type, zero, nd_no_user));
    struct map map = {nd_arrange(edges), start};
    return nd_iterate(start, shortest, &map);
}

static void turn(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)records)[i].to, ((const edge *)records)[i].from};
}

static void to_itself(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)records)[i].to, ((const edge *)records)[i].to};
}

static void pass_label(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)right)[i].to, ((const edge *)left)[i].to};
}

static nd_collection spread(nd_scope *loop, nd_collection labels, void *arg)
{
    const struct map *const map = arg;
    const nd_collection next =
        nd_join(labels, nd_collection_enter(loop, map->edges), &edge_type, pass_label, nd_no_user);
    return nd_min(nd_collection_concat(next, nd_collection_enter(loop, map->start)));
}

/* An edge by its end, with the label of its beginning, and later that of its end. */
typedef struct labelled {
    uint32_t to, from, of_from, of_to;
} labelled;
static const nd_type labelled_type =
    ND_TYPE(labelled, 1, ND_FIELD(labelled, to), ND_FIELD(labelled, from),
            ND_FIELD(labelled, of_from), ND_FIELD(labelled, of_to));

static void label_from(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const edge *const one = (const edge *)left + i, *const label = (const edge *)right + i;
        ((labelled *)out)[i] = (labelled){one->to, one->from, label->to, 0};
    }
}

static void label_to(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        ((labelled *)out)[i] = ((const labelled *)left)[i];
        ((labelled *)out)[i].of_to = ((const edge *)right)[i].to;
    }
}

static void alike(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const labelled *)records)[i].of_from == ((const labelled *)records)[i].of_to;
}

static void turned(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const labelled *const one = (const labelled *)records + i;
        ((edge *)out)[i] = (edge){one->to, one->from};
    }
}

/* The edges whose ends are reached, along `cycle`, from the same least vertex; turned round. */
static nd_collection trim(nd_collection cycle, nd_collection edges)
{
    const nd_collection ends =
        nd_distinct(nd_collection_map(edges, &edge_type, to_itself, nd_no_user));
    struct map map = {nd_arrange(cycle), ends};
    const nd_collection labels = nd_arrange(nd_iterate(ends, spread, &map));
    const nd_collection once = nd_join(edges, labels, &labelled_type, label_from, nd_no_user);
    const nd_collection twice = nd_join(once, labels, &labelled_type, label_to, nd_no_user);
    return nd_collection_map(nd_collection_filter(twice, alike, nd_no_user), &edge_type, turned,
                             nd_no_user);
}

static nd_collection trim_both(nd_scope *loop, nd_collection inside, void *arg)
{
    const nd_collection edges = nd_collection_enter(loop, *(const nd_collection *)arg);
    const nd_collection back = nd_collection_map(edges, &edge_type, turn, nd_no_user);
    return nd_consolidate(trim(trim(inside, edges), back));
}

/* The edges inside of components. */
static nd_collection inner_edges(nd_collection edges)
{
    nd_collection all = nd_arrange(edges);
    return nd_iterate(all, trim_both, &all);
}

/* --- Plain searches --- */

typedef struct graph {
    uint32_t n;
    uint8_t *n_edges; /* from * n + to */
} graph;

static void search(const graph *of, uint32_t from, bool is_backward, uint32_t *steps)
{
    uint32_t *const queue = calloc(of->n, sizeof *queue);
    uint32_t head = 0, tail = 0;
    for (uint32_t v = 0; v < of->n; v++)
        steps[v] = NONE;
    steps[from] = 0;
    queue[tail++] = from;
    while (head < tail) {
        const uint32_t at = queue[head++];
        for (uint32_t v = 0; v < of->n; v++) {
            const bool is_linked =
                of->n_edges[is_backward ? (size_t)v * of->n + at : (size_t)at * of->n + v] != 0;
            if (!is_linked || steps[v] != NONE)
                continue;
            steps[v] = steps[at] + 1;
            queue[tail++] = v;
        }
    }
    free(queue);
}

/* Adds one at (v, distance), or at each edge inside of a component. */
static void expect_distances(const graph *of, int64_t *table)
{
    uint32_t *const steps = calloc(of->n, sizeof *steps);
    bool has_start = false;
    for (uint32_t v = 0; v < of->n; v++)
        has_start |= of->n_edges[v] != 0;
    search(of, 0, false, steps);
    for (uint32_t v = 0; has_start && v < of->n; v++)
        if (steps[v] != NONE)
            table[(size_t)v * of->n + steps[v]] += 1;
    free(steps);
}

static void expect_inner_edges(const graph *of, int64_t *table)
{
    uint32_t *const to = calloc(of->n, sizeof *to), *const from = calloc(of->n, sizeof *from);
    for (uint32_t v = 0; v < of->n; v++) {
        search(of, v, false, to);
        search(of, v, true, from);
        for (uint32_t w = 0; w < of->n; w++)
            if (to[w] != NONE && from[w] != NONE)
                table[(size_t)v * of->n + w] += of->n_edges[(size_t)v * of->n + w];
    }
    free(to);
    free(from);
}

/* --- Runs --- */

typedef struct plan {
    nd_collection (*query)(nd_collection edges);
    void (*expect)(const graph *of, int64_t *table);
    uint32_t n_vertices, n_edges, n_rounds;
    uint64_t seed;
    pthread_mutex_t lock;
    int64_t *found; /* by epoch and record */
} plan;

static size_t table_size(const plan *self) { return (size_t)self->n_vertices * self->n_vertices; }

static edge random_edge(const plan *self, nd_random *random)
{
    return (edge){(uint32_t)nd_random_below(random, self->n_vertices),
                  (uint32_t)nd_random_below(random, self->n_vertices)};
}

static void note(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    plan *const self = user;
    (void)type;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < len; i++) {
        const edge *const one = updates[i].record;
        self->found[updates[i].time.epoch * table_size(self) +
                    (size_t)one->from * self->n_vertices + one->to] += updates[i].diff;
    }
    pthread_mutex_unlock(&self->lock);
}

/* One edge comes and the oldest goes in each epoch; workers do not wait for each other. */
static nd_err program(nd_worker *worker, void *arg)
{
    plan *const self = arg;
    nd_random in, out;
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "graphs");
    const nd_collection edges = nd_collection_input_new(flow, &edge_type, &input);
    nd_collection_inspect(self->query(edges), note, (nd_user){self, NULL});
    ND_TRY(nd_dataflow_start(flow));
    nd_random_init(&in, self->seed);
    nd_random_init(&out, self->seed);
    for (uint32_t i = 0; i < self->n_edges + self->n_rounds; i++) {
        const uint32_t epoch = i < self->n_edges ? 0 : i - self->n_edges + 1;
        const edge comes = random_edge(self, &in);
        const edge goes = epoch ? random_edge(self, &out) : comes;
        nd_input_advance(input, epoch);
        if (i % nd_worker_peers(worker) != nd_worker_index(worker))
            continue;
        nd_collection_insert(input, &comes);
        if (epoch)
            nd_collection_remove(input, &goes);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void compare(plan *self)
{
    nd_random in, out;
    const size_t size = table_size(self);
    graph of = {.n = self->n_vertices, .n_edges = calloc(size, 1)};
    int64_t *const sum = calloc(size, sizeof *sum), *const wanted = calloc(size, sizeof *wanted);
    nd_random_init(&in, self->seed);
    nd_random_init(&out, self->seed);
    for (uint32_t i = 0; i < self->n_edges + self->n_rounds; i++) {
        const uint32_t epoch = i < self->n_edges ? 0 : i - self->n_edges + 1;
        const edge comes = random_edge(self, &in);
        of.n_edges[(size_t)comes.from * of.n + comes.to]++;
        if (epoch) {
            const edge goes = random_edge(self, &out);
            of.n_edges[(size_t)goes.from * of.n + goes.to]--;
        }
        if (i + 1 < self->n_edges)
            continue;
        memset(wanted, 0, size * sizeof *wanted);
        self->expect(&of, wanted);
        for (size_t k = 0; k < size; k++) {
            sum[k] += self->found[epoch * size + k];
            if (sum[k] != wanted[k])
                fail_msg("seed %" PRIu64 ", epoch %u: (%zu, %zu) is there %" PRId64
                         " times instead of %" PRId64,
                         self->seed, epoch, k / of.n, k % of.n, sum[k], wanted[k]);
        }
    }
    free(sum);
    free(wanted);
    free(of.n_edges);
}

static void run(const plan *like, unsigned n_workers, uint64_t seed)
{
    plan self = *like;
    nd_message message = {""};
    self.seed = seed;
    self.found = calloc((self.n_rounds + 1) * table_size(&self), sizeof *self.found);
    pthread_mutex_init(&self.lock, NULL);
    const nd_config config = {.n_workers = n_workers};
    if (nd_execute(&config, program, &self, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    compare(&self);
    pthread_mutex_destroy(&self.lock);
    free(self.found);
}

static void run_all(nd_collection (*query)(nd_collection), void (*expect)(const graph *, int64_t *))
{
    const plan small = {query, expect, 10, 20, 1000, 0, .found = NULL},
               sparse = {query, expect, 100, 200, 10, 0, .found = NULL},
               dense = {query, expect, 100, 2000, 1, 0, .found = NULL};
    for (uint64_t seed = 1; seed <= n_seeds; seed++) {
        run(&small, 1 + (unsigned)seed % 3, seed);
        run(&sparse, 3, seed);
        run(&dense, 3, seed);
    }
}

static void distances_follow_the_graph(void **state)
{
    (void)state;
    run_all(distances, expect_distances);
}

static void components_follow_the_graph(void **state)
{
    (void)state;
    run_all(inner_edges, expect_inner_edges);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        n_seeds = strtoull(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_follow_the_graph),
        cmocka_unit_test(components_follow_the_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
