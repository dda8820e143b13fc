/* SPDX-License-Identifier: Apache-2.0 */
/* Every operator that keeps something, with each allocation of a run failing in turn: the run ends
 * with ND_NOMEM, or as if nothing had been, and nothing is left behind. */
#include "tests/support/cmocka.h"

#include <nereid.h>
#include <nereid/dbsp.h>

#include "tests/support/failing_memory.h"
#include "tests/support/simulated.h"

typedef struct entry {
    nd_bytes name;
    int64_t value;
} entry;
static const nd_type entry_type = ND_TYPE(entry, 1, ND_FIELD(entry, name), ND_FIELD(entry, value));

typedef struct size {
    uint64_t size;
    int64_t value;
} size;
static const nd_type size_type = ND_TYPE(size, 1, ND_FIELD(size, size), ND_FIELD(size, value));

typedef nd_collection query_fn(nd_collection input);

/* Where a query's input comes from. */
typedef enum source { FROM_INPUT, FROM_UPSERTS, FROM_IMPORT } source;

typedef struct run {
    query_fn *query;
    source source;
    nd_input *input;
} run;

/* --- Queries --- */

static nd_collection count(nd_collection input) { return nd_count(input, &entry_type); }

static nd_collection sum(nd_collection input) { return nd_sum(input, &entry_type); }

static void keep_first(void *user, const void *records, const int64_t *counts, size_t len,
                       nd_reduction *out)
{
    (void)user, (void)len;
    entry *const made = nd_reduction_slot(out, counts[0]);
    made->value = ((const entry *)records)->value;
}

static nd_collection reduce(nd_collection input)
{
    return nd_reduce(input, &entry_type, keep_first, nd_no_user);
}

/* At times of which joins are pending. */
static nd_collection round_of(nd_scope *loop, nd_collection collection, void *arg)
{
    (void)loop, (void)arg;
    return nd_max(nd_collection_concat(collection, nd_collection_negate(nd_min(collection))));
}

static nd_collection iterate(nd_collection input)
{
    return nd_iterate_at_most(input, round_of, NULL, 4, ND_AT_LIMIT_RETURN);
}

static nd_collection integrate(nd_collection input) { return nd_dbsp_integrate(input, 3); }

static void add_weights(void *user, const nd_zset *inputs, size_t n, nd_zset_out *out)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < inputs[i].len; k++)
            *(entry *)nd_zset_slot(out, 1) = ((const entry *)inputs[i].records)[k];
}

static nd_collection lift(nd_collection input)
{
    return nd_dbsp_lift((nd_collection[]){input, input}, 2, &entry_type, add_weights, nd_no_user);
}

static void join_values(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        ((entry *)out)[i] = ((const entry *)left)[i];
        ((entry *)out)[i].value += ((const entry *)right)[i].value;
    }
}

static nd_collection join(nd_collection input)
{
    return nd_join(input, nd_distinct(input), &entry_type, join_values, nd_no_user);
}

static void measure(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((size *)out)[i] =
            (size){((const entry *)records)[i].name.size, ((const entry *)records)[i].value};
}

static void join_sizes(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((size *)out)[i] = (size){((const size *)left)[i].size,
                                  ((const size *)left)[i].value + ((const size *)right)[i].value};
}

/* Of records of a fixed size. */
static nd_collection join_fixed(nd_collection input)
{
    const nd_collection sizes = nd_collection_map(input, &size_type, measure, nd_no_user);
    return nd_join(sizes, sizes, &size_type, join_sizes, nd_no_user);
}

static nd_collection half_join(nd_collection input)
{
    return nd_half_join(input, nd_distinct(input), ND_HALF_JOIN_UPTO, &entry_type, join_values,
                        nd_no_user);
}

static nd_collection itself(nd_collection input) { return input; }

/* --- A run --- */

static void ignore(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    (void)user, (void)type, (void)updates, (void)len;
}

/* Another dataflow arranges. */
static nd_err build_import(nd_worker *worker, run *self)
{
    nd_dataflow *const arranging = nd_dataflow_new(worker, "arranging");
    nd_dataflow *const reading = nd_dataflow_new(worker, "reading");
    nd_arrangement *const shared = nd_arrangement_create(
        nd_arrange(nd_collection_input_new(arranging, &entry_type, &self->input)));
    nd_collection_inspect(self->query(nd_arrangement_import(reading, shared)), ignore, nd_no_user);
    nd_arrangement_destroy(shared);
    ND_TRY(nd_dataflow_start(arranging));
    return nd_dataflow_start(reading);
}

static nd_err build(nd_worker *worker, void *arg)
{
    run *const self = arg;
    if (self->source == FROM_IMPORT)
        return build_import(worker, self);
    nd_dataflow *const flow = nd_dataflow_new(worker, "kept");
    const nd_collection input = self->source == FROM_UPSERTS
                                    ? nd_upsert_input_new(flow, &entry_type, &self->input)
                                    : nd_collection_input_new(flow, &entry_type, &self->input);
    nd_collection_inspect(self->query(input), ignore, nd_no_user);
    return nd_dataflow_start(flow);
}

static bool drive(nd_worker *worker, nd_random *random, void *arg)
{
    (void)worker, (void)random;
    const run *const self = arg;
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        nd_input_advance(self->input, epoch);
        for (int64_t i = 0; i < 6; i++) {
            const entry one = {{i % 2 ? "one" : "the other", i % 2 ? 3 : 9}, i - (int64_t)epoch};
            if (self->source == FROM_UPSERTS)
                nd_upsert(self->input, &one);
            else
                nd_collection_update(self->input, &one, i == 0 && epoch == 1 ? -1 : 1);
        }
    }
    nd_input_close(self->input);
    return false;
}

static nd_err attempt(void *arg)
{
    const nd_simulation_def def = {
        .n_workers = 1, .seed = 1, .build = build, .drive = drive, .arg = arg};
    return simulated_run(&def, NULL);
}

static void expect_clean_ends(query_fn *query, source from)
{
    run self = {.query = query, .source = from};
    assert_true(failing_memory_sweep_runs(attempt, &self) > 50);
}

static void totals_end_cleanly(void **state)
{
    (void)state;
    expect_clean_ends(count, FROM_INPUT);
    expect_clean_ends(sum, FROM_INPUT);
    expect_clean_ends(nd_distinct, FROM_INPUT);
}

static void reductions_end_cleanly(void **state)
{
    (void)state;
    expect_clean_ends(reduce, FROM_INPUT);
    expect_clean_ends(nd_max, FROM_INPUT);
    expect_clean_ends(iterate, FROM_INPUT);
}

static void upserts_end_cleanly(void **state)
{
    (void)state;
    expect_clean_ends(itself, FROM_UPSERTS);
}

static void joins_end_cleanly(void **state)
{
    (void)state;
    expect_clean_ends(join, FROM_INPUT);
    expect_clean_ends(join_fixed, FROM_INPUT);
    expect_clean_ends(half_join, FROM_INPUT);
}

static void imports_end_cleanly(void **state)
{
    (void)state;
    expect_clean_ends(itself, FROM_IMPORT);
    expect_clean_ends(reduce, FROM_IMPORT);
    expect_clean_ends(join, FROM_IMPORT);
    expect_clean_ends(half_join, FROM_IMPORT);
}

static void what_waits_ends_cleanly(void **state)
{
    (void)state;
    expect_clean_ends(nd_consolidate, FROM_INPUT);
    expect_clean_ends(integrate, FROM_INPUT);
    expect_clean_ends(lift, FROM_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_end_cleanly),  cmocka_unit_test(reductions_end_cleanly),
        cmocka_unit_test(upserts_end_cleanly), cmocka_unit_test(joins_end_cleanly),
        cmocka_unit_test(imports_end_cleanly), cmocka_unit_test(what_waits_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
