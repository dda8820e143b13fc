/* SPDX-License-Identifier: Apache-2.0 */
/* Upserts: by hand, and at random against a table of what each key has. */
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/differential/changes.h"

typedef struct entry {
    nd_bytes name;
    int64_t value;
} entry;
static const nd_type entry_type = ND_TYPE(entry, 1, ND_FIELD(entry, name), ND_FIELD(entry, value));

static entry make(const char *name, int64_t value) { return (entry){{name, strlen(name)}, value}; }

/* --- By hand --- */

static void set(nd_input *input, const char *name, int64_t value)
{
    const entry one = make(name, value);
    nd_upsert(input, &one);
}

static void unset(nd_input *input, const char *name)
{
    const entry one = make(name, 99);
    nd_upsert_remove(input, &one);
}

/* Worker 0 says most; worker 1, if there is one, has a word in epoch 3. */
static void feed(nd_worker *worker, nd_input *input)
{
    const bool is_first = nd_worker_index(worker) == 0;
    const bool is_last = nd_worker_index(worker) + 1 == nd_worker_peers(worker);
    if (is_first) {
        set(input, "apple", 5);
        set(input, "pear", 7);
        set(input, "apple", 3); /* later in the same epoch */
        unset(input, "plum");   /* which is not there */
    }
    nd_input_advance(input, 1);
    if (is_first) {
        set(input, "apple", 3); /* no change */
        unset(input, "pear");
        set(input, "plum", 1);
        unset(input, "plum");
    }
    nd_input_advance(input, 2);
    if (is_first) {
        unset(input, "apple");
        set(input, "apple", 4);
        set(input, "pear", 8);
    }
    nd_input_advance(input, 3);
    if (is_first) {
        set(input, "fig", 9);
        set(input, "fig", 2); /* the last word of this worker */
        unset(input, "pear");
    }
    if (is_last)
        set(input, "fig", 6); /* the last word of all, or the greater one */
}

static nd_err program(nd_worker *worker, void *arg)
{
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "upsert");
    nd_collection_inspect(nd_consolidate(nd_upsert_input_new(flow, &entry_type, &input)),
                          changes_note, (nd_user){arg, NULL});
    ND_TRY(nd_dataflow_start(flow));
    feed(worker, input);
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void the_last_word_of_an_epoch_counts(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        nd_message message = {""};
        changes seen;
        changes_init(&seen);
        if (nd_execute(&(nd_config){.n_workers = n}, program, &seen, NULL, &message) != ND_OK)
            fail_msg("%s", message.text);
        changes_expect(&seen, "+1 (0) apple 3\n+1 (0) pear 7\n+1 (2) apple 4\n+1 (2) pear 8\n"
                              "+1 (3) fig 6\n-1 (1) pear 7\n-1 (2) apple 3\n-1 (3) pear 8\n");
        changes_deinit(&seen);
    }
}

/* --- At random --- */

enum { KEYS = 5, VALUES = 4, EPOCHS = 12, MOST = 3, NONE = -1 };

/* What each worker says, and what comes out of it. */
typedef struct plan {
    uint64_t seed;
    int64_t change[EPOCHS][KEYS][VALUES]; /* expected less found */
    pthread_mutex_t lock;
} plan;

static const char *const names[KEYS] = {"", "a", "ab", "b", "\1"};

static void say_some(nd_worker *worker, const plan *self, nd_input *input)
{
    nd_random random;
    nd_random_init(&random, self->seed * MOST + nd_worker_index(worker));
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        nd_input_advance(input, epoch);
        for (uint64_t n = nd_random_below(&random, 6); n > 0; n--) {
            const char *const name = names[nd_random_below(&random, KEYS)];
            const int64_t value = (int64_t)nd_random_below(&random, VALUES + 1) - 1;
            if (value == NONE)
                unset(input, name);
            else
                set(input, name, value);
        }
    }
    nd_input_close(input);
}

static void note(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    plan *const self = user;
    (void)type;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < len; i++) {
        const entry *const one = updates[i].record;
        for (unsigned k = 0; k < KEYS; k++)
            if (strlen(names[k]) == one->name.size &&
                memcmp(names[k], one->name.data, one->name.size) == 0)
                self->change[updates[i].time.epoch][k][one->value] -= updates[i].diff;
    }
    pthread_mutex_unlock(&self->lock);
}

static nd_err random_program(nd_worker *worker, void *arg)
{
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "upsert");
    nd_collection_inspect(nd_upsert_input_new(flow, &entry_type, &input), note,
                          (nd_user){arg, NULL});
    ND_TRY(nd_dataflow_start(flow));
    say_some(worker, arg, input);
    return nd_worker_run(worker);
}

/* The same words, in the same order, into a table. */
static void expect_changes(plan *self, unsigned n_workers)
{
    int64_t had[KEYS];
    nd_random random[MOST];
    for (unsigned k = 0; k < KEYS; k++)
        had[k] = NONE;
    for (unsigned w = 0; w < n_workers; w++)
        nd_random_init(&random[w], self->seed * MOST + w);
    for (unsigned epoch = 0; epoch < EPOCHS; epoch++) {
        int64_t best[KEYS];
        bool is_told[KEYS] = {false};
        for (unsigned w = 0; w < n_workers; w++) {
            int64_t last[KEYS];
            bool has_said[KEYS] = {false};
            for (uint64_t n = nd_random_below(&random[w], 6); n > 0; n--) {
                const uint64_t k = nd_random_below(&random[w], KEYS);
                last[k] = (int64_t)nd_random_below(&random[w], VALUES + 1) - 1;
                has_said[k] = true;
            }
            for (unsigned k = 0; k < KEYS; k++)
                if (has_said[k]) {
                    best[k] = is_told[k] && best[k] > last[k] ? best[k] : last[k];
                    is_told[k] = true;
                }
        }
        for (unsigned k = 0; k < KEYS; k++) {
            if (!is_told[k] || best[k] == had[k])
                continue;
            if (had[k] != NONE)
                self->change[epoch][k][had[k]]--;
            if (best[k] != NONE)
                self->change[epoch][k][best[k]]++;
            had[k] = best[k];
        }
    }
}

static void changes_are_those_of_a_table(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        const unsigned n_workers = 1 + (unsigned)seed % MOST;
        nd_message message = {""};
        plan self = {.seed = seed};
        pthread_mutex_init(&self.lock, NULL);
        const nd_config config = {.n_workers = n_workers};
        if (nd_execute(&config, random_program, &self, NULL, &message) != ND_OK)
            fail_msg("%s", message.text);
        expect_changes(&self, n_workers);
        for (unsigned epoch = 0; epoch < EPOCHS; epoch++)
            for (unsigned k = 0; k < KEYS; k++)
                for (unsigned v = 0; v < VALUES; v++)
                    if (self.change[epoch][k][v] != 0)
                        fail_msg("seed %" PRIu64 ", epoch %u, key %u, value %u: %+" PRId64, seed,
                                 epoch, k, v, self.change[epoch][k][v]);
        pthread_mutex_destroy(&self.lock);
    }
}

/* --- The wrong input --- */

static nd_err confuse(nd_worker *worker, void *arg)
{
    nd_input *input;
    const bool tells = *(const bool *)arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "confused");
    const nd_collection all = tells ? nd_collection_input_new(flow, &entry_type, &input)
                                    : nd_upsert_input_new(flow, &entry_type, &input);
    (void)nd_collection_probe_new(all);
    ND_TRY(nd_dataflow_start(flow));
    const entry one = make("plum", 1);
    if (tells)
        nd_upsert(input, &one);
    else
        nd_collection_insert(input, &one);
    nd_input_close(input);
    return nd_worker_run(worker);
}

static nd_err send_plainly(nd_worker *worker, void *arg)
{
    nd_input *input;
    nd_dataflow *const flow = nd_dataflow_new(worker, "confused");
    if (*(const bool *)arg)
        (void)nd_collection_input_new(flow, &entry_type, &input);
    else
        (void)nd_upsert_input_new(flow, &entry_type, &input);
    ND_TRY(nd_dataflow_start(flow));
    const entry one = make("plum", 1);
    nd_input_send(input, &one);
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void the_wrong_input_refuses(void **state)
{
    (void)state;
    const nd_config config = {.n_workers = 1};
    nd_message message = {""};
    bool tells = true;
    assert_int_equal(nd_execute(&config, confuse, &tells, NULL, &message), ND_FAILED);
    assert_non_null(strstr(message.text, "nd_upsert_input_new"));
    tells = false;
    assert_int_equal(nd_execute(&config, confuse, &tells, NULL, &message), ND_FAILED);
    assert_non_null(strstr(message.text, "takes no changes"));
    assert_int_equal(nd_execute(&config, send_plainly, &tells, NULL, &message), ND_FAILED);
    assert_non_null(strstr(message.text, "call nd_upsert"));
    tells = true;
    assert_int_equal(nd_execute(&config, send_plainly, &tells, NULL, &message), ND_FAILED);
    assert_non_null(strstr(message.text, "call nd_collection_insert"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_word_of_an_epoch_counts),
        cmocka_unit_test(changes_are_those_of_a_table),
        cmocka_unit_test(the_wrong_input_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
