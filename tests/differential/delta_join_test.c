/* SPDX-License-Identifier: Apache-2.0 */
/* Delta joins: half joins that together are a join of two or of three collections, some of which
 * may be the same, against nd_join; also on imported arrangements. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "runtime/base/random.h"
#include "tests/differential/changes.h"
#include "tests/support/simulated.h"

/* A fact of one of some relations. */
typedef struct fact {
    uint32_t relation, x, y;
} fact;
static const nd_type fact_type =
    ND_TYPE(fact, 1, ND_FIELD(fact, relation), ND_FIELD(fact, x), ND_FIELD(fact, y));

typedef struct edge {
    uint32_t from, to;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, from), ND_FIELD(edge, to));

/* What is known of a path a b c d: the key first; places that are not known are zero. */
typedef struct path {
    uint32_t key, a, b, c, d;
} path;
static const nd_type path_type = ND_TYPE(path, 1, ND_FIELD(path, key), ND_FIELD(path, a),
                                         ND_FIELD(path, b), ND_FIELD(path, c), ND_FIELD(path, d));

static void keep_relation(void *user, const void *records, size_t len, bool *keep)
{
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const fact *)records)[i].relation == *(uint32_t *)user;
}

static void onward(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const fact *)records)[i].x, ((const fact *)records)[i].y};
}

static void back(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const fact *)records)[i].y, ((const fact *)records)[i].x};
}

#define JOINING(name, left_type, made)                                                             \
    static void name(void *user, const void *left, const void *right, size_t len, void *out)       \
    {                                                                                              \
        (void)user;                                                                                \
        for (size_t i = 0; i < len; i++) {                                                         \
            const left_type *const l = (const left_type *)left + i;                                \
            const edge *const r = (const edge *)right + i;                                         \
            ((path *)out)[i] = made;                                                               \
        }                                                                                          \
    }

/* An edge from b or from c, and another one from there. */
JOINING(ab_bc, edge, ((path){.key = r->to, .a = l->to, .b = l->from, .c = r->to}))
JOINING(bc_ab, edge, ((path){.key = l->to, .a = r->to, .b = l->from, .c = l->to}))
JOINING(cd_bc, edge, ((path){.key = r->to, .b = r->to, .c = l->from, .d = l->to}))
JOINING(abc_d, path, ((path){.a = l->a, .b = l->b, .c = l->c, .d = r->to}))
JOINING(bcd_a, path, ((path){.a = r->to, .b = l->b, .c = l->c, .d = l->d}))

/* Relations by each of their ends. */
typedef struct ends {
    nd_collection onward, back;
} ends;

static nd_collection hop(nd_collection from, nd_collection arranged, bool is_earlier,
                         nd_join_fn *fn)
{
    return nd_half_join(from, arranged, is_earlier ? ND_HALF_JOIN_UPTO : ND_HALF_JOIN_BEFORE,
                        &path_type, fn, nd_no_user);
}

static nd_collection delta_of_two(const ends *r)
{
    return nd_collection_concat(hop(r[0].back, r[1].onward, false, ab_bc),
                                hop(r[1].onward, r[0].back, true, bc_ab));
}

static nd_collection delta_of_three(const ends *r)
{
    const nd_collection paths[] = {
        hop(hop(r[0].back, r[1].onward, false, ab_bc), r[2].onward, false, abc_d),
        hop(hop(r[1].onward, r[0].back, true, bc_ab), r[2].onward, false, abc_d),
        hop(hop(r[2].onward, r[1].back, true, cd_bc), r[0].back, true, bcd_a)};
    return nd_collection_concat_many(paths, 3);
}

static nd_collection join_two(const ends *r)
{
    return nd_join(r[0].back, r[1].onward, &path_type, ab_bc, nd_no_user);
}

static nd_collection join_three(const ends *r)
{
    return nd_join(join_two(r), r[2].onward, &path_type, abc_d, nd_no_user);
}

/* --- Random histories --- */

enum {
    MOST_WORKERS = 4,
    EPOCHS = 6,
    IMPORT_EPOCHS = 10,
    RELATIONS = 3,
    MOST_FACTS = 200,
    PLACES = 5
};

typedef struct history {
    unsigned n_workers, n_facts, n_relations; /* of which some are the same */
    uint32_t relations[RELATIONS];
    struct {
        fact fact;
        unsigned worker, epoch;
        int64_t diff;
    } facts[MOST_FACTS];
    unsigned n_fed[MOST_WORKERS];
    nd_input *inputs[MOST_WORKERS];
    changes wrong, found;
} history;

static nd_err build(nd_worker *worker, void *arg)
{
    history *const self = arg;
    ends r[RELATIONS];
    nd_dataflow *const flow = nd_dataflow_new(worker, "delta");
    const nd_collection all =
        nd_collection_input_new(flow, &fact_type, &self->inputs[nd_worker_index(worker)]);
    for (unsigned i = 0; i < RELATIONS; i++) {
        const nd_collection own =
            nd_collection_filter(all, keep_relation, (nd_user){&self->relations[i], NULL});
        r[i] = (ends){nd_arrange(nd_collection_map(own, &edge_type, onward, nd_no_user)),
                      nd_arrange(nd_collection_map(own, &edge_type, back, nd_no_user))};
    }
    const bool is_two = self->n_relations == 2;
    const nd_collection delta = is_two ? delta_of_two(r) : delta_of_three(r);
    const nd_collection joined = is_two ? join_two(r) : join_three(r);
    nd_collection_inspect(nd_consolidate(delta), changes_note, (nd_user){&self->found, NULL});
    const nd_collection rest = nd_collection_concat(delta, nd_collection_negate(joined));
    nd_collection_inspect(nd_consolidate(rest), changes_note, (nd_user){&self->wrong, NULL});
    return nd_dataflow_start(flow);
}

static void feed_fact(history *self, unsigned worker, unsigned i)
{
    nd_input *const input = self->inputs[worker];
    if (self->facts[i].worker != worker)
        return;
    nd_input_advance(input, self->facts[i].epoch);
    nd_collection_update(input, &self->facts[i].fact, self->facts[i].diff);
}

/* Workers are at different epochs. */
static bool drive(nd_worker *worker, nd_random *random, void *arg)
{
    history *const self = arg;
    const unsigned index = nd_worker_index(worker);
    unsigned *const next = &self->n_fed[index];
    for (uint64_t n = nd_random_below(random, 20); n > 0 && *next < self->n_facts; n--)
        feed_fact(self, index, (*next)++);
    if (*next < self->n_facts)
        return true;
    nd_input_close(self->inputs[index]);
    return false;
}

static void make_history(history *self, nd_random *random, uint64_t seed)
{
    *self = (history){.n_workers = 1 + (unsigned)(seed % MOST_WORKERS),
                      .n_facts = 1 + (unsigned)nd_random_below(random, MOST_FACTS),
                      .n_relations = 2 + (unsigned)nd_random_below(random, 2)};
    changes_init(&self->wrong);
    changes_init(&self->found);
    for (unsigned i = 0; i < RELATIONS; i++)
        self->relations[i] = (uint32_t)nd_random_below(random, 2) ? i : 0;
    for (unsigned i = 0; i < self->n_facts; i++) {
        self->facts[i].fact = (fact){(uint32_t)nd_random_below(random, RELATIONS),
                                     (uint32_t)nd_random_below(random, PLACES),
                                     (uint32_t)nd_random_below(random, PLACES)};
        self->facts[i].worker = (unsigned)nd_random_below(random, self->n_workers);
        self->facts[i].epoch = i * EPOCHS / self->n_facts;
        self->facts[i].diff = (int64_t)nd_random_below(random, 5) - 2;
    }
}

static void simulate(history *self, uint64_t seed)
{
    static const size_t lens[] = {0, 1, 7};
    const nd_simulation_def def = {.n_workers = self->n_workers,
                                   .n_processes = self->n_workers == 4 ? 2 : 1,
                                   .mode = ND_PUBLISH_DEMAND,
                                   .seed = seed,
                                   .max_batch_len = lens[seed % 3],
                                   .build = build,
                                   .drive = drive,
                                   .arg = self};
    simulated_expect(&def);
}

static void delta_joins_are_joins(void **state)
{
    (void)state;
    size_t n_found = 0;
    static history self;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        nd_random random;
        nd_random_init(&random, seed);
        make_history(&self, &random, seed);
        simulate(&self, seed);
        if (self.wrong.n != 0)
            fail_msg("seed %llu: %s", (unsigned long long)seed, self.wrong.lines[0]);
        n_found += self.found.n;
        changes_deinit(&self.wrong);
        changes_deinit(&self.found);
    }
    assert_true(n_found > 5000);
}

static nd_err run_history(nd_worker *worker, void *arg)
{
    history *const self = arg;
    const unsigned index = nd_worker_index(worker);
    ND_TRY(build(worker, arg));
    for (unsigned i = 0; i < self->n_facts; i++)
        feed_fact(self, index, i);
    nd_input_close(self->inputs[index]);
    return nd_worker_run(worker);
}

static void delta_joins_are_joins_on_threads(void **state)
{
    (void)state;
    static history self;
    for (uint64_t seed = 100; seed < 108; seed++) {
        nd_random random;
        nd_message message = {""};
        nd_random_init(&random, seed);
        make_history(&self, &random, seed);
        if (nd_execute(&(nd_config){.n_workers = self.n_workers}, run_history, &self, NULL,
                       &message) != ND_OK)
            fail_msg("%s", message.text);
        if (self.wrong.n != 0)
            fail_msg("seed %llu: %s", (unsigned long long)seed, self.wrong.lines[0]);
        changes_deinit(&self.wrong);
        changes_deinit(&self.found);
    }
}

/* --- Imported arrangements --- */

typedef struct import_run {
    uint64_t begin, forget;
    changes wrong, found;
} import_run;

static void turn_round(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)records)[i].to, ((const edge *)records)[i].from};
}

static void same(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    memcpy(out, records, len * sizeof(edge));
}

static nd_collection copy_of(nd_collection edges)
{
    return nd_collection_map(edges, &edge_type, same, nd_no_user);
}

/* What two arrangements had before they were compacted may come at two times: so they are two
 * relations. */
static nd_err read_shared(nd_worker *worker, nd_arrangement *back_shared,
                          nd_arrangement *onward_shared, import_run *self)
{
    nd_dataflow *const flow = nd_dataflow_new(worker, "reader");
    const nd_collection by_from = nd_arrangement_import(flow, onward_shared);
    const nd_collection by_to =
        nd_arrange(nd_collection_map(by_from, &edge_type, turn_round, nd_no_user));
    const ends r[RELATIONS] = {
        {.back = nd_arrangement_import(flow, back_shared)}, {by_from, by_to}, {.onward = by_from}};
    const ends anew[RELATIONS] = {
        {.back = copy_of(r[0].back)}, {.onward = copy_of(by_from)}, {.onward = copy_of(by_from)}};
    const nd_collection delta = delta_of_three(r);
    nd_collection_inspect(nd_consolidate(delta), changes_note, (nd_user){&self->found, NULL});
    const nd_collection rest = nd_collection_concat(delta, nd_collection_negate(join_three(anew)));
    nd_collection_inspect(nd_consolidate(rest), changes_note, (nd_user){&self->wrong, NULL});
    return nd_dataflow_start(flow);
}

static nd_err feed_epochs(nd_worker *worker, import_run *self, nd_input *input,
                          nd_arrangement **shared, const nd_probe *probe)
{
    for (uint64_t epoch = 0; epoch < IMPORT_EPOCHS; epoch++) {
        if (epoch == self->begin)
            ND_TRY(read_shared(worker, shared[0], shared[1], self));
        for (uint32_t i = 0; i < PLACES; i++) {
            const fact one = {0, i, (i * i + (uint32_t)epoch) % PLACES};
            nd_collection_update(input, &one, epoch % 3 == 2 ? -1 : 1);
        }
        nd_input_advance(input, epoch + 1);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch + 1));
        for (unsigned i = 0; i < 2 && epoch + 1 == self->forget; i++)
            nd_arrangement_advance(shared[i], epoch);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static nd_err run_import(nd_worker *worker, void *arg)
{
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "source");
    const nd_collection facts = nd_collection_input_new(flow, &fact_type, &input);
    const nd_collection by_end[] = {
        nd_arrange(nd_collection_map(facts, &edge_type, back, nd_no_user)),
        nd_arrange(nd_collection_map(facts, &edge_type, onward, nd_no_user))};
    nd_arrangement *shared[] = {nd_arrangement_create(by_end[0]), nd_arrangement_create(by_end[1])};
    nd_probe *const probe = nd_probe_new(by_end[1].batches);
    nd_err err = nd_dataflow_start(flow);
    if (err == ND_OK)
        err = feed_epochs(worker, arg, input, shared, probe);
    nd_arrangement_destroy(shared[0]);
    nd_arrangement_destroy(shared[1]);
    return err;
}

static void imported_arrangements_are_probed(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++)
        for (uint64_t begin = 0; begin < IMPORT_EPOCHS; begin += 2)
            for (uint64_t forget = 1; forget <= IMPORT_EPOCHS; forget += 3) {
                nd_message message = {""};
                import_run self = {.begin = begin, .forget = forget};
                changes_init(&self.wrong);
                changes_init(&self.found);
                if (nd_execute(&(nd_config){.n_workers = n}, run_import, &self, NULL, &message) !=
                    ND_OK)
                    fail_msg("%s", message.text);
                if (self.wrong.n != 0)
                    fail_msg("begun at %u: %s", (unsigned)begin, self.wrong.lines[0]);
                assert_true(self.found.n > 10);
                changes_deinit(&self.wrong);
                changes_deinit(&self.found);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delta_joins_are_joins),
        cmocka_unit_test(delta_joins_are_joins_on_threads),
        cmocka_unit_test(imported_arrangements_are_probed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
