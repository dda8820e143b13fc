/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aggregate against sorting and adding up.
 */
#include "tests/operators/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

static void add(void *user, void *total, const void *record)
{
    (void)user;
    ((pair *)total)->value += ((const pair *)record)->value;
}

/* --- Sums --- */

static nd_stream sum_stage(nd_stream in) { return nd_aggregate(in, add, nd_no_user); }

static int by_time_and_key(const void *a, const void *b)
{
    const row *const x = a, *const y = b;
    const int order = nd_time_compare(&x->time, &y->time);
    return order != 0 ? order : (x->key > y->key) - (x->key < y->key);
}

/* Adds up equal times and keys in place; returns how many rows are left. */
static size_t add_up(row *rows, size_t len)
{
    size_t n = 0;
    if (len != 0)
        qsort(rows, len, sizeof *rows, by_time_and_key);
    for (size_t i = 0; i < len; i++)
        if (n != 0 && by_time_and_key(&rows[n - 1], &rows[i]) == 0)
            rows[n - 1].value += rows[i].value;
        else
            rows[n++] = rows[i];
    return n;
}

/* As they came: in order of the key on each worker, time by time. */
static void assert_keys_ascend(const gather *out)
{
    int64_t last[GATHER_WORKERS] = {0};
    nd_time at[GATHER_WORKERS];
    memset(at, 0xff, sizeof at);
    for (size_t k = 0; k < out->len; k++) {
        const row *const seen = &out->rows[k];
        if (nd_time_equal(&at[seen->worker], &seen->time))
            assert_true(last[seen->worker] < seen->key);
        last[seen->worker] = seen->key;
        at[seen->worker] = seen->time;
    }
}

static void assert_sums(size_t len, uint64_t n_epochs, uint64_t n_keys)
{
    row *rows = feed_random(len, len, n_epochs, n_keys),
        *expected = feed_random(len, len, n_epochs, n_keys);
    const size_t n = add_up(expected, len);
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        gather out;
        gather_stage(&out, worker_counts[i], sum_stage, (feed){rows, len});
        assert_keys_ascend(&out);
        gather_assert(&out, expected, n);
        gather_deinit(&out);
    }
    free(expected);
    free(rows);
}

static void sums_are_those_of_plain_addition(void **state)
{
    (void)state;
    assert_sums(1, 1, 1);
    assert_sums(20000, 1, 50);
    assert_sums(20000, 40, 3000);
    assert_sums(20000, 2000, 20);
    assert_sums(30000, 3, 1000000);
}

static void even_and_odd_add_up_to_twenty_and_twenty_five(void **state)
{
    (void)state;
    row rows[10], expected[] = {{.key = 0, .value = 20}, {.key = 1, .value = 25}};
    for (int64_t i = 0; i < 10; i++)
        rows[i] = (row){.key = i % 2, .value = i};
    assert_stage(sum_stage, (feed){rows, 10}, expected, 2);
}

/* --- No key --- */

typedef struct {
    int64_t count, sum;
} statistic;
static const nd_type statistic_type =
    ND_TYPE(statistic, 0, ND_FIELD(statistic, count), ND_FIELD(statistic, sum));

static void add_statistic(void *user, void *total, const void *record)
{
    (void)user;
    statistic *const to = total;
    const statistic *const from = record;
    *to = (statistic){to->count + from->count, to->sum + from->sum};
}

static void see_statistic(void *user, const nd_type *type, const nd_time *time, const void *records,
                          size_t len)
{
    (void)type;
    const gather_point *point = user;
    const statistic *seen = records;
    for (size_t i = 0; i < len; i++)
        gather_add(point->all, &(row){*time, seen[i].count, seen[i].sum, point->worker});
}

static nd_err run_statistic(nd_worker *worker, void *arg)
{
    gather *out = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "statistic");
    nd_input *input;
    nd_stream in = nd_input_new(flow, &statistic_type, &input);
    nd_inspect(nd_aggregate(in, add_statistic, nd_no_user), see_statistic,
               (nd_user){&out->points[nd_worker_index(worker)], NULL});
    ND_TRY(nd_dataflow_start(flow));
    for (int64_t i = 0; i < 10; i++)
        if (i % nd_worker_peers(worker) == nd_worker_index(worker))
            nd_input_send(input, &(statistic){1, i});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void without_a_key_everything_meets(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        gather out;
        gather_init(&out);
        run(worker_counts[i], run_statistic, &out);
        row expected[] = {{.key = 10, .value = 45}};
        gather_assert(&out, expected, 1);
        gather_deinit(&out);
    }
}

/* --- Strings --- */

typedef struct {
    nd_bytes word;
    int64_t most;
} best;
static const nd_type best_type = ND_TYPE(best, 1, ND_FIELD(best, word), ND_FIELD(best, most));

/* Keys become words of many lengths. */
static void name_keys(void *user, const void *records, size_t len, nd_emit *out)
{
    (void)user;
    const pair *in = records;
    for (size_t i = 0; i < len; i++) {
        char name[64];
        const int size = snprintf(name, sizeof name, "%.*s%lld", (int)(in[i].key % 17 + 17),
                                  "abcdefghijklmnopqrstuvwxyzabcdefghij", (long long)in[i].key);
        nd_emit_copy(out, &(best){{name, (size_t)size}, in[i].value},
                     1); /* copies the name at once */
    }
}

/* The natural way to write a maximum; the record's key is in a batch that will be gone. */
static void keep_greater(void *user, void *total, const void *record)
{
    (void)user;
    if (((const best *)record)->most > ((const best *)total)->most)
        *(best *)total = *(const best *)record;
}

/* Words become keys again. */
static size_t read_names(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const best *in = records;
    for (size_t i = 0; i < len; i++) {
        char digits[32] = "";
        size_t at = 0;
        const char *text = in[i].word.data;
        while (at < in[i].word.size && text[at] >= 'a')
            at++;
        memcpy(digits, text + at, in[i].word.size - at);
        ((pair *)out)[i] = (pair){atoll(digits), in[i].most};
    }
    return len;
}

static nd_stream best_stage(nd_stream in)
{
    const nd_stream words = nd_flat_map(in, &best_type, name_keys, nd_no_user);
    return nd_map(nd_aggregate(words, keep_greater, nd_no_user), &pair_type, read_names,
                  nd_no_user);
}

static size_t take_most(row *rows, size_t len)
{
    size_t n = 0;
    qsort(rows, len, sizeof *rows, by_time_and_key);
    for (size_t i = 0; i < len; i++)
        if (n == 0 || by_time_and_key(&rows[n - 1], &rows[i]) != 0)
            rows[n++] = rows[i];
        else if (rows[n - 1].value < rows[i].value)
            rows[n - 1].value = rows[i].value;
    return n;
}

static void a_maximum_by_word_keeps_its_words(void **state)
{
    (void)state;
    enum { LEN = 10000 };
    row *rows = feed_random(11, LEN, 9, 900), *expected = feed_random(11, LEN, 9, 900);
    const size_t n = take_most(expected, LEN);
    assert_stage(best_stage, (feed){rows, LEN}, expected, n);
    free(expected);
    free(rows);
}

/* --- Mistakes, memory --- */

typedef struct {
    int64_t key;
    nd_bytes text;
} described;
static const nd_type described_type =
    ND_TYPE(described, 1, ND_FIELD(described, key), ND_FIELD(described, text));

static nd_err aggregate_strings(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "wrong");
    nd_input *input;
    nd_aggregate(nd_input_new(flow, &described_type, &input), add, nd_no_user);
    return nd_dataflow_start(flow);
}

static nd_err aggregate_without_function(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "wrong");
    nd_input *input;
    nd_aggregate(nd_input_new(flow, &pair_type, &input), NULL, nd_no_user);
    return nd_dataflow_start(flow);
}

static void what_cannot_be_added_is_refused(void **state)
{
    (void)state;
    run_fails(1, aggregate_strings, NULL, ND_INVAL, "aggregate: its records must be plain");
    run_fails(1, aggregate_without_function, NULL, ND_INVAL, "aggregate: it needs a function");
}

static nd_err end_early(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "early");
    nd_input *input;
    nd_aggregate(nd_input_new(flow, &pair_type, &input), add, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));
    for (int64_t i = 0; i < 1000; i++) {
        nd_input_send(input, &(pair){i, i});
        ND_TRY(nd_worker_step(worker, 4));
        nd_input_advance(input, (uint64_t)i + 1);
    }
    return nd_worker_fail(worker, ND_FAILED, "enough");
}

static void open_times_are_freed_when_the_run_ends_early(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_start(&memory, SIZE_MAX);
    run_fails(1, end_early, NULL, ND_FAILED, "enough");
    assert_false(failing_memory_stop(&memory));
}

typedef struct {
    size_t n_live; /* blocks after the first epochs */
    failing_memory memory;
} steady;

static nd_err run_steady(nd_worker *worker, void *arg)
{
    steady *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "steady");
    nd_input *input;
    nd_probe *probe =
        nd_probe_new(nd_aggregate(nd_input_new(flow, &pair_type, &input), add, nd_no_user));
    ND_TRY(nd_dataflow_start(flow));
    for (uint64_t epoch = 0; epoch < 2000; epoch++) {
        for (int64_t i = 0; i < 100; i++)
            nd_input_send(input, &(pair){i, 1});
        nd_input_advance(input, epoch + 1);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, epoch + 1));
        if (epoch == 100)
            c->n_live = atomic_load(&c->memory.n_live);
    }
    CHECK(worker, atomic_load(&c->memory.n_live) <= c->n_live);
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void steady_epochs_need_no_more_memory(void **state)
{
    (void)state;
    steady c;
    failing_memory_start(&c.memory, SIZE_MAX);
    run(1, run_steady, &c);
    assert_false(failing_memory_stop(&c.memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_plain_addition),
        cmocka_unit_test(even_and_odd_add_up_to_twenty_and_twenty_five),
        cmocka_unit_test(without_a_key_everything_meets),
        cmocka_unit_test(a_maximum_by_word_keeps_its_words),
        cmocka_unit_test(what_cannot_be_added_is_refused),
        cmocka_unit_test(open_times_are_freed_when_the_run_ends_early),
        cmocka_unit_test(steady_epochs_need_no_more_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
