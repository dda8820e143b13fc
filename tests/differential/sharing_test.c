/* SPDX-License-Identifier: Apache-2.0 */
/* Arranged collections that other dataflows read: at once, later, when the source is complete, and
 * when it has been compacted. */
#include "tests/support/cmocka.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/differential/changes.h"

typedef struct edge {
    uint32_t from, to;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, from), ND_FIELD(edge, to));

typedef struct degree {
    uint32_t vertex;
    uint32_t unused;
    int64_t n;
} degree;
static const nd_type degree_type =
    ND_TYPE(degree, 2, ND_FIELD(degree, vertex), ND_FIELD(degree, unused), ND_FIELD(degree, n));

typedef struct end {
    uint32_t vertex, unused, to;
} end;
static const nd_type end_type =
    ND_TYPE(end, 2, ND_FIELD(end, vertex), ND_FIELD(end, unused), ND_FIELD(end, to));

enum { EPOCHS = 6, MOST = 4 };

static const struct {
    edge edge;
    int diff;
} updates[EPOCHS][MOST] = {
    {{{2, 0}, 1}, {{1, 0}, 1}, {{1, 3}, 1}, {{4, 2}, 1}},
    {{{2, 0}, -1}, {{1, 0}, -1}},
    {{{2, 0}, 1}, {{1, 3}, -1}},
    {{{1, 0}, 1}, {{1, 3}, 1}, {{2, 0}, -1}, {{4, 2}, -1}},
    {{{2, 0}, 1}, {{4, 2}, 1}, {{1, 3}, -1}},
    {{{1, 3}, 1}, {{4, 2}, -1}},
};

/* Vertex and out-degree. */
static const char all_changes[] = "+1 (0) 1 2\n+1 (0) 2 1\n+1 (0) 4 1\n+1 (1) 1 1\n+1 (2) 2 1\n"
                                  "+1 (3) 1 2\n+1 (4) 1 1\n+1 (4) 2 1\n+1 (4) 4 1\n+1 (5) 1 2\n"
                                  "-1 (1) 1 2\n-1 (1) 2 1\n-1 (2) 1 1\n-1 (3) 2 1\n-1 (3) 4 1\n"
                                  "-1 (4) 1 2\n-1 (5) 1 1\n-1 (5) 4 1\n";

/* --- Programs --- */

typedef struct plan {
    uint64_t begin;   /* the epoch in which the reader is built */
    uint64_t forget;  /* and that up to which the source is compacted */
    bool by_rows;     /* it does not look at keys */
    bool is_skewed;   /* workers are at different epochs */
    bool is_finished; /* the source is complete when it is read */
    changes seen;
} plan;

static void feed(nd_worker *worker, nd_input *input, uint64_t epoch)
{
    nd_input_advance(input, epoch);
    for (unsigned i = 0; i < MOST; i++)
        if (updates[epoch][i].diff != 0 && i % nd_worker_peers(worker) == nd_worker_index(worker))
            nd_collection_update(input, &updates[epoch][i].edge, updates[epoch][i].diff);
}

static void widen(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const edge *const one = (const edge *)records + i;
        ((end *)out)[i] = (end){one->from, 0, one->to};
    }
}

static void count(void *user, const void *records, const int64_t *counts, size_t len,
                  nd_reduction *out)
{
    (void)user, (void)records;
    int64_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += counts[i];
    if (n != 0)
        ((edge *)nd_reduction_slot(out, 1))->to = (uint32_t)n;
}

static void narrow(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const degree *const one = (const degree *)records + i;
        ((edge *)out)[i] = (edge){one->vertex, (uint32_t)one->n};
    }
}

static nd_collection count_ends(nd_collection edges, bool by_rows)
{
    if (!by_rows)
        return nd_reduce(edges, &edge_type, count, nd_no_user);
    const nd_collection ends = nd_collection_map(edges, &end_type, widen, nd_no_user);
    return nd_collection_map(nd_count(ends, &degree_type), &edge_type, narrow, nd_no_user);
}

static nd_err read(nd_worker *worker, nd_arrangement *edges, plan *self, nd_probe **probe)
{
    nd_dataflow *const flow = nd_dataflow_new(worker, "reader");
    const nd_collection all = nd_arrangement_import(flow, edges);
    const nd_collection degrees = nd_consolidate(count_ends(all, self->by_rows));
    *probe = nd_probe_new(
        nd_collection_inspect(degrees, changes_note, (nd_user){&self->seen, NULL}).stream);
    return nd_dataflow_start(flow);
}

static nd_err step_to(nd_worker *worker, const nd_probe *source, const nd_probe *reader,
                      uint64_t epoch)
{
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, source, epoch));
    return reader ? nd_worker_step_while(worker, nd_probe_behind, reader, epoch) : ND_OK;
}

static nd_err drive(nd_worker *worker, plan *self, nd_input *input, nd_arrangement *edges,
                    const nd_probe *source)
{
    nd_probe *reader = NULL;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        if (epoch == self->begin)
            ND_TRY(read(worker, edges, self, &reader));
        feed(worker, input, epoch);
        nd_input_advance(input, epoch + 1);
        if (!self->is_skewed)
            ND_TRY(step_to(worker, source, reader, epoch + 1));
        if (epoch + 1 == self->forget)
            nd_arrangement_advance(edges, epoch);
    }
    nd_input_close(input);
    if (self->is_finished) {
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, source, EPOCHS + 1));
        ND_TRY(read(worker, edges, self, &reader));
    }
    return nd_worker_run(worker);
}

static nd_err program(nd_worker *worker, void *arg)
{
    plan *const self = arg;
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "source");
    const nd_collection edges = nd_arrange(nd_collection_input_new(flow, &edge_type, &input));
    nd_probe *const probe = nd_probe_new(edges.batches);
    nd_arrangement *const shared = nd_arrangement_create(edges);
    nd_err err = nd_dataflow_start(flow);
    if (err == ND_OK)
        err = drive(worker, self, input, shared, probe);
    nd_arrangement_destroy(shared);
    return err;
}

static void expect(plan self, const char *expected)
{
    for (unsigned n = 1; n <= 4; n++)
        for (unsigned by_rows = 0; by_rows < 2; by_rows++) {
            nd_message message = {""};
            self.by_rows = by_rows != 0;
            changes_init(&self.seen);
            if (nd_execute(&(nd_config){.n_workers = n}, program, &self, NULL, &message) != ND_OK)
                fail_msg("%u workers: %s", n, message.text);
            changes_expect(&self.seen, expected);
            changes_deinit(&self.seen);
        }
}

/* --- Tests --- */

static void a_reader_that_is_there_from_the_start_sees_every_change(void **state)
{
    (void)state;
    expect((plan){.begin = 0, .forget = EPOCHS + 1}, all_changes);
}

static void a_reader_that_comes_later_sees_what_was(void **state)
{
    (void)state;
    for (uint64_t begin = 1; begin < EPOCHS; begin++)
        expect((plan){.begin = begin, .forget = EPOCHS + 1}, all_changes);
}

static void a_reader_that_comes_when_all_is_done_sees_what_was(void **state)
{
    (void)state;
    expect((plan){.begin = EPOCHS + 1, .forget = EPOCHS + 1, .is_finished = true}, all_changes);
}

static void workers_may_be_at_different_epochs(void **state)
{
    (void)state;
    for (uint64_t begin = 0; begin < EPOCHS; begin++)
        expect((plan){.begin = begin, .forget = EPOCHS + 1, .is_skewed = true}, all_changes);
}

/* --- Two that were compacted unlike --- */

typedef struct unlike {
    changes seen;    /* of the imported ones */
    changes differs; /* from their copies, arranged anew */
} unlike;

static void pair_up(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){((const edge *)left)[i].to, ((const edge *)right)[i].to};
}

static void same(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    memcpy(out, records, len * sizeof(edge));
}

static nd_collection copy(nd_collection of)
{
    return nd_collection_map(of, &edge_type, same, nd_no_user);
}

static nd_err join_imported(nd_worker *worker, nd_arrangement *a, nd_arrangement *b, unlike *self)
{
    nd_dataflow *const flow = nd_dataflow_new(worker, "reader");
    const nd_collection left = nd_arrangement_import(flow, a),
                        right = nd_arrangement_import(flow, b);
    const nd_collection pairs =
        nd_consolidate(nd_join(left, right, &edge_type, pair_up, nd_no_user));
    const nd_collection anew = nd_join(copy(left), copy(right), &edge_type, pair_up, nd_no_user);
    nd_collection_inspect(pairs, changes_note, (nd_user){&self->seen, NULL});
    nd_collection_inspect(nd_consolidate(nd_collection_concat(pairs, nd_collection_negate(anew))),
                          changes_note, (nd_user){&self->differs, NULL});
    return nd_dataflow_start(flow);
}

enum { FED = 12, LATER = 8 };

/* One is compacted up to nearly the present, the other hardly. */
static nd_err feed_both(nd_worker *worker, nd_input **inputs, nd_arrangement **shared,
                        const nd_probe *probe, unlike *self)
{
    for (uint32_t epoch = 0; epoch < FED; epoch++) {
        for (unsigned i = 0; i < 2; i++) {
            nd_input_advance(inputs[i], epoch);
            nd_collection_insert(inputs[i], &(edge){1, 10 * i + epoch % 3});
            nd_collection_insert(inputs[i], &(edge){epoch % 2, 100 + epoch});
        }
        nd_input_advance(inputs[0], epoch + 1);
        nd_input_advance(inputs[1], epoch + 1);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch + 1));
        nd_arrangement_advance(shared[0], epoch);
        nd_arrangement_advance(shared[1], epoch / 4);
        if (epoch == LATER)
            ND_TRY(join_imported(worker, shared[0], shared[1], self));
    }
    nd_input_close(inputs[0]);
    nd_input_close(inputs[1]);
    return nd_worker_run(worker);
}

static nd_err unlike_program(nd_worker *worker, void *arg)
{
    nd_input *inputs[2];
    nd_arrangement *shared[2];
    nd_collection all[2];
    nd_dataflow *const flow = nd_dataflow_new(worker, "source");
    for (unsigned i = 0; i < 2; i++) {
        all[i] = nd_arrange(nd_collection_input_new(flow, &edge_type, &inputs[i]));
        shared[i] = nd_arrangement_create(all[i]);
    }
    nd_probe *const probe =
        nd_probe_new(nd_consolidate(nd_collection_concat(all[0], all[1])).stream);
    nd_err err = nd_dataflow_start(flow);
    if (err == ND_OK)
        err = feed_both(worker, inputs, shared, probe, arg);
    nd_arrangement_destroy(shared[0]);
    nd_arrangement_destroy(shared[1]);
    return err;
}

static void what_is_joined_of_two_is_as_late_as_the_later_one(void **state)
{
    (void)state;
    unlike self;
    nd_message message = {""};
    changes_init(&self.seen);
    changes_init(&self.differs);
    if (nd_execute(&(nd_config){.n_workers = 1}, unlike_program, &self, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    assert_true(self.seen.n > 0);
    changes_expect(&self.differs, "");
    changes_deinit(&self.seen);
    changes_deinit(&self.differs);
}

/* --- Dropping one of the two --- */

typedef struct dropping {
    bool drops_source;
    plan plan;
} dropping;

static nd_err drop_one(nd_worker *worker, void *arg)
{
    dropping *const self = arg;
    nd_input *input;
    nd_dataflow *const source = nd_dataflow_new(worker, "source");
    const nd_collection edges = nd_arrange(nd_collection_input_new(source, &edge_type, &input));
    nd_probe *const probe = nd_collection_probe_new(edges);
    nd_arrangement *const shared = nd_arrangement_create(edges);
    ND_TRY(nd_dataflow_start(source));
    nd_dataflow *const reader = nd_dataflow_new(worker, "reader");
    const nd_collection all = nd_arrangement_import(reader, shared);
    nd_collection_inspect(nd_consolidate(count_ends(all, false)), changes_note,
                          (nd_user){&self->plan.seen, NULL});
    nd_err err = nd_dataflow_start(reader);
    nd_arrangement_destroy(shared); /* the reader reads on */
    for (uint64_t epoch = 0; err == ND_OK && epoch < EPOCHS; epoch++) {
        feed(worker, input, epoch);
        nd_input_advance(input, epoch + 1);
        if (epoch == EPOCHS / 2)
            nd_dataflow_drop(self->drops_source ? source : reader);
        else if (epoch < EPOCHS / 2 || !self->drops_source)
            err = nd_worker_step_while(worker, nd_probe_behind, probe, epoch + 1);
    }
    nd_input_close(input);
    return err == ND_OK ? nd_worker_run(worker) : err;
}

static void a_reader_may_be_dropped(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        dropping self = {.drops_source = false};
        nd_message message = {""};
        changes_init(&self.plan.seen);
        if (nd_execute(&(nd_config){.n_workers = n}, drop_one, &self, NULL, &message) != ND_OK)
            fail_msg("%s", message.text);
        changes_deinit(&self.plan.seen);
    }
}

static void whose_source_is_dropped_fails(void **state)
{
    (void)state;
    dropping self = {.drops_source = true};
    nd_message message = {""};
    changes_init(&self.plan.seen);
    assert_int_equal(nd_execute(&(nd_config){.n_workers = 1}, drop_one, &self, NULL, &message),
                     ND_FAILED);
    assert_non_null(strstr(message.text, "was dropped"));
    changes_deinit(&self.plan.seen);
}

/* --- Snapshots --- */

enum { STEADY = 300 };

/* A thread reads while the worker goes on: in epoch e vertex 1 has edges to e and e + 1. */
typedef struct watch {
    nd_publisher *publisher;
    _Atomic bool is_over;
    uint64_t n_read;
    bool is_wrong;
} watch;

static void add_end(void *user, const void *record, int64_t count)
{
    const edge *const one = record;
    if (one->from == 1)
        *(int64_t *)user += count * one->to;
}

static void look(watch *self, const nd_snapshot *snapshot)
{
    const uint64_t open = nd_snapshot_end(snapshot);
    const uint64_t epoch = (open < STEADY ? open : STEADY) - 1;
    int64_t sum = 0, all = 0;
    if (open == 0 || !nd_snapshot_covers(snapshot, epoch))
        return;
    const nd_err got = nd_snapshot_get(snapshot, &(edge){1, 0}, epoch, add_end, &sum);
    const nd_err scanned = nd_snapshot_scan(snapshot, epoch, add_end, &all);
    self->is_wrong |=
        got != ND_OK || scanned != ND_OK || sum != all || sum != 2 * (int64_t)epoch + 1;
    self->is_wrong |=
        open < STEADY && nd_snapshot_get(snapshot, &(edge){1, 0}, open, add_end, &sum) != ND_INVAL;
    self->n_read++;
}

static void *keep_looking(void *arg)
{
    watch *const self = arg;
    bool is_last = false;
    do {
        is_last = atomic_load(&self->is_over);
        nd_snapshot *const snapshot = nd_publisher_take(self->publisher);
        look(self, snapshot);
        nd_snapshot_release(snapshot);
    } while (!is_last);
    return NULL;
}

static nd_err feed_steadily(nd_worker *worker, nd_input *input, nd_arrangement *shared,
                            const nd_probe *probe)
{
    nd_collection_insert(input, &(edge){1, 0});
    nd_collection_insert(input, &(edge){1, 1});
    for (uint32_t epoch = 1; epoch < STEADY; epoch++) {
        nd_input_advance(input, epoch);
        nd_collection_remove(input, &(edge){1, epoch - 1});
        nd_collection_insert(input, &(edge){1, epoch + 1});
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch));
        nd_arrangement_advance(shared, epoch - 1);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static nd_err publish(nd_worker *worker, void *arg)
{
    watch *const self = arg;
    pthread_t thread;
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "source");
    const nd_collection edges = nd_arrange(nd_collection_input_new(flow, &edge_type, &input));
    nd_probe *const probe = nd_probe_new(edges.batches);
    nd_arrangement *const shared = nd_arrangement_create(edges);
    self->publisher = nd_arrangement_publish(shared);
    pthread_create(&thread, NULL, keep_looking, self);
    nd_err err = nd_dataflow_start(flow);
    if (err == ND_OK)
        err = feed_steadily(worker, input, shared, probe);
    atomic_store(&self->is_over, true);
    pthread_join(thread, NULL);
    nd_publisher_release(self->publisher);
    nd_arrangement_destroy(shared);
    return err;
}

static void any_thread_reads_what_was_published(void **state)
{
    (void)state;
    watch self = {.n_read = 0};
    nd_message message = {""};
    if (nd_execute(&(nd_config){.n_workers = 1}, publish, &self, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    assert_true(self.n_read > 0);
    assert_false(self.is_wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_that_is_there_from_the_start_sees_every_change),
        cmocka_unit_test(a_reader_that_comes_later_sees_what_was),
        cmocka_unit_test(a_reader_that_comes_when_all_is_done_sees_what_was),
        cmocka_unit_test(workers_may_be_at_different_epochs),
        cmocka_unit_test(what_is_joined_of_two_is_as_late_as_the_later_one),
        cmocka_unit_test(a_reader_may_be_dropped),
        cmocka_unit_test(whose_source_is_dropped_fails),
        cmocka_unit_test(any_thread_reads_what_was_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
