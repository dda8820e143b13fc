/* SPDX-License-Identifier: Apache-2.0 */
/* The query of examples/triangles.c against counting all triples, and on an observed graph whose
 * number of triangles is known, from the folder that the environment's NEREID_DATA names. */
#include "tests/support/cmocka.h"

#include <pthread.h>
#include <stdlib.h>

#include "runtime/base/random.h"

int example_main(int argc, char **argv);
#define main example_main
#include "examples/triangles.c"
#undef main

enum { EPOCHS = 8, PLACES = 9, CHANGES = 40 };

/* A multigraph that changes, and the triangles that it has in each epoch. */
typedef struct run {
    int64_t changes[EPOCHS][PLACES][PLACES];
    int64_t found[EPOCHS][PLACES][PLACES][PLACES]; /* changes */
    pthread_mutex_t lock;
} run;

static void note(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    run *const self = user;
    (void)type;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < len; i++) {
        const triangle *const one = updates[i].record;
        self->found[updates[i].time.epoch][one->a][one->b][one->c] += updates[i].diff;
    }
    pthread_mutex_unlock(&self->lock);
}

static void feed(const run *self, nd_worker *worker, nd_input *input)
{
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        nd_input_advance(input, epoch);
        for (uint32_t i = 0; i < PLACES * PLACES; i++)
            if (i % nd_worker_peers(worker) == nd_worker_index(worker))
                nd_collection_update(input, &(road){i / PLACES, i % PLACES},
                                     self->changes[epoch][i / PLACES][i % PLACES]);
    }
}

static nd_err run_it(nd_worker *worker, void *arg)
{
    run *const self = arg;
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "triangles");
    const nd_collection roads = nd_collection_input_new(flow, &road_type, &input);
    nd_collection_inspect(find_triangles(roads), note, (nd_user){self, NULL});
    ND_TRY(nd_dataflow_start(flow));
    feed(self, worker, input);
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void expect_all_triples(run *self)
{
    int64_t roads[PLACES][PLACES] = {{0}}, found[PLACES][PLACES][PLACES] = {{{0}}};
    for (unsigned epoch = 0; epoch < EPOCHS; epoch++) {
        for (unsigned i = 0; i < PLACES * PLACES; i++)
            roads[i / PLACES][i % PLACES] += self->changes[epoch][i / PLACES][i % PLACES];
        for (unsigned i = 0; i < PLACES * PLACES * PLACES; i++) {
            const unsigned a = i / PLACES / PLACES, b = i / PLACES % PLACES, c = i % PLACES;
            found[a][b][c] += self->found[epoch][a][b][c];
            assert_int_equal(found[a][b][c], roads[a][b] * roads[b][c] * roads[a][c]);
        }
    }
}

static void play(run *self, unsigned n_workers)
{
    nd_message message = {""};
    pthread_mutex_init(&self->lock, NULL);
    if (nd_execute(&(nd_config){.n_workers = n_workers}, run_it, self, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    pthread_mutex_destroy(&self->lock);
}

static void three_roads_are_one_triangle(void **state)
{
    (void)state;
    static run self;
    self = (run){.found = {{{{0}}}}};
    self.changes[0][0][1] = self.changes[0][0][2] = self.changes[0][1][2] = 1;
    play(&self, 1);
    assert_int_equal(self.found[0][0][1][2], 1);
    expect_all_triples(&self);
}

/* Roads come once more, or one of them goes. */
static void triangles_are_those_among_all_triples(void **state)
{
    (void)state;
    static run self;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        nd_random random;
        int64_t roads[PLACES][PLACES] = {{0}};
        nd_random_init(&random, seed);
        self = (run){.found = {{{{0}}}}};
        for (unsigned epoch = 0; epoch < EPOCHS; epoch++)
            for (uint64_t i = nd_random_below(&random, CHANGES); i > 0; i--) {
                const uint64_t a = nd_random_below(&random, PLACES),
                               b = nd_random_below(&random, PLACES);
                const int64_t diff = roads[a][b] > 0 && nd_random_below(&random, 2) ? -1 : 1;
                roads[a][b] += diff;
                self.changes[epoch][a][b] += diff;
            }
        play(&self, 1 + (unsigned)(seed % 4));
        expect_all_triples(&self);
    }
}

/* --- An observed graph --- */

static void add_up(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    int64_t *const sum = user;
    (void)type;
    for (size_t i = 0; i < len; i++)
        *sum += updates[i].diff;
}

/* Each edge leads to the greater end: so each triangle is there once. */
static nd_err read_edges(nd_input *input, const char *path, nd_message *message)
{
    nd_edge read[1024];
    size_t len = 0;
    nd_edge_reader *reader;
    ND_TRY(nd_edge_reader_open(path, &reader, message));
    nd_err err;
    while ((err = nd_edge_reader_next(reader, read, 1024, &len, message)) == ND_OK && len != 0)
        for (size_t i = 0; i < len; i++) {
            const uint32_t u = (uint32_t)read[i].src, v = (uint32_t)read[i].dst;
            nd_collection_insert(input, &(road){u < v ? u : v, u < v ? v : u});
        }
    nd_edge_reader_close(reader);
    return err;
}

static nd_err run_observed(nd_worker *worker, void *arg)
{
    int64_t *const sum = arg;
    char path[1024];
    nd_input *input;
    nd_message message = {""};
    nd_dataflow *const flow = nd_dataflow_new(worker, "triangles");
    const nd_collection roads = nd_collection_input_new(flow, &road_type, &input);
    nd_collection_inspect(find_triangles(roads), add_up, (nd_user){sum, NULL});
    ND_TRY(nd_dataflow_start(flow));
    snprintf(path, sizeof path, "%s/facebook-combined/graph.e.gz", getenv("NEREID_DATA"));
    const nd_err err = read_edges(input, path, &message);
    nd_input_close(input);
    return err == ND_OK ? nd_worker_run(worker) : nd_worker_fail(worker, err, "%s", message.text);
}

static void facebook_combined_has_its_triangles(void **state)
{
    (void)state;
    int64_t sum = 0;
    nd_message message = {""};
    if (getenv("NEREID_DATA") == NULL) {
        print_message("facebook-combined: the environment does not name NEREID_DATA\n");
        skip();
    }
    if (nd_execute(&(nd_config){.n_workers = 1}, run_observed, &sum, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    assert_int_equal(sum, 1612010); /* its expected/summary.json */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_roads_are_one_triangle),
        cmocka_unit_test(triangles_are_those_among_all_triples),
        cmocka_unit_test(facebook_combined_has_its_triangles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
