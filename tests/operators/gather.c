/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gathering of rows under one lock. The oracle's side, sorting and comparing, is for the test's
 * thread when no worker runs.
 */
#include "tests/operators/gather.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"

const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

const unsigned worker_counts[N_WORKER_COUNTS] = {1, 2, 5};

void gather_init(gather *all)
{
    memset(all, 0, sizeof *all);
    assert_int_equal(pthread_mutex_init(&all->lock, NULL), 0);
    for (unsigned i = 0; i < GATHER_WORKERS; i++)
        all->points[i] = (gather_point){all, i};
}

void gather_deinit(gather *all)
{
    free(all->rows);
    (void)pthread_mutex_destroy(&all->lock);
}

void gather_clear(gather *all) { all->len = all->n_calls = 0; }

static void push(gather *all, const row *seen)
{
    if (all->len == all->capacity) {
        all->capacity = all->capacity != 0 ? 2 * all->capacity : 1024;
        all->rows = realloc(all->rows, all->capacity * sizeof *all->rows);
        if (all->rows == NULL)
            abort();
    }
    all->rows[all->len++] = *seen;
}

void gather_add(gather *all, const row *seen)
{
    (void)pthread_mutex_lock(&all->lock);
    push(all, seen);
    (void)pthread_mutex_unlock(&all->lock);
}

void gather_pairs(void *user, const nd_type *type, const nd_time *time, const void *records,
                  size_t len)
{
    (void)type;
    const gather_point *point = user;
    const pair *pairs = records;
    (void)pthread_mutex_lock(&point->all->lock);
    point->all->n_calls++;
    for (size_t i = 0; i < len; i++)
        push(point->all, &(row){*time, pairs[i].key, pairs[i].value, point->worker});
    (void)pthread_mutex_unlock(&point->all->lock);
}

nd_stream gather_stream(gather *all, nd_worker *worker, nd_stream stream)
{
    return nd_inspect(stream, gather_pairs, (nd_user){&all->points[nd_worker_index(worker)], NULL});
}

static int compare_rows(const void *a, const void *b)
{
    const row *const x = a, *const y = b;
    const int by_time = nd_time_compare(&x->time, &y->time);
    if (by_time != 0)
        return by_time;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->worker > y->worker) - (x->worker < y->worker);
}

void gather_sort(gather *all)
{
    if (all->len != 0)
        qsort(all->rows, all->len, sizeof *all->rows, compare_rows);
}

void gather_assert(gather *all, row *expected, size_t len)
{
    char text[ND_TIME_TEXT_SIZE];
    gather_sort(all);
    if (len != 0)
        qsort(expected, len, sizeof *expected, compare_rows);
    assert_int_equal(all->len, len);
    for (size_t i = 0; i < len; i++) {
        const row *const x = &all->rows[i], *const y = &expected[i];
        if (!nd_time_equal(&x->time, &y->time) || x->key != y->key || x->value != y->value)
            fail_msg("row %zu: %s %lld %lld is not the expected %lld %lld", i,
                     nd_time_text(&x->time, ND_MAX_LOOPS, text), (long long)x->key,
                     (long long)x->value, (long long)y->key, (long long)y->value);
    }
}

row *feed_random(uint64_t seed, size_t len, uint64_t n_epochs, uint64_t n_keys)
{
    nd_random random;
    nd_random_init(&random, seed);
    row *rows = calloc(len + 1, sizeof *rows);
    if (rows == NULL)
        abort();
    for (size_t i = 0; i < len; i++) {
        rows[i].time.epoch = i * n_epochs / len;
        rows[i].key = (int64_t)nd_random_below(&random, n_keys) - (int64_t)(n_keys / 2);
        rows[i].value = (int64_t)nd_random_below(&random, 1000);
    }
    return rows;
}

nd_err feed_all(nd_worker *worker, nd_input *input, feed rows)
{
    const unsigned peers = nd_worker_peers(worker), index = nd_worker_index(worker);
    for (size_t i = 0; i < rows.len; i++) {
        nd_input_advance(input, rows.rows[i].time.epoch);
        if (i % peers == index)
            nd_input_send(input, &(pair){rows.rows[i].key, rows.rows[i].value});
        if (i % 64 == index)
            ND_TRY(nd_worker_step(worker, 8));
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

typedef struct {
    gather *all;
    stage_fn *stage;
    feed in;
} staged;

static nd_err run_stage(nd_worker *worker, void *arg)
{
    const staged *c = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "stage");
    nd_input *input;
    gather_stream(c->all, worker, c->stage(nd_input_new(flow, &pair_type, &input)));
    ND_TRY(nd_dataflow_start(flow));
    return feed_all(worker, input, c->in);
}

void gather_stage(gather *all, unsigned n_workers, stage_fn *stage, feed in)
{
    gather_init(all);
    run(n_workers, run_stage, &(staged){all, stage, in});
}

void assert_stage(stage_fn *stage, feed in, row *expected, size_t len)
{
    for (size_t i = 0; i < N_WORKER_COUNTS; i++) {
        gather out;
        gather_stage(&out, worker_counts[i], stage, in);
        gather_assert(&out, expected, len);
        gather_deinit(&out);
    }
}

void run(unsigned n_workers, nd_program *program, void *arg)
{
    nd_message message = {""};
    const nd_err err =
        nd_execute(&(nd_config){.n_workers = n_workers}, program, arg, NULL, &message);
    if (err != ND_OK)
        fail_msg("%u workers: %s: %s", n_workers, nd_err_text(err), message.text);
}

void run_fails(unsigned n_workers, nd_program *program, void *arg, nd_err err, const char *text)
{
    nd_message message = {""};
    assert_int_equal(nd_execute(&(nd_config){.n_workers = n_workers}, program, arg, NULL, &message),
                     err);
    if (strstr(message.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
}
