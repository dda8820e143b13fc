/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queries of the suite `differential` on threads, and on two processes: every worker feeds its
 * share at a pace of its own, with pauses, and at every time all must hold what computing anew
 * makes of it.
 *
 * Arguments: the first seed, and how many.
 */
#include "tests/support/cmocka.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/random/harness/collection_run.h"

typedef struct seeds {
    uint64_t first, n;
} seeds;

typedef struct threads_run {
    collection_run *run;
    uint64_t seed;
} threads_run;

/* --- The program of a worker --- */

static void pause_a_little(nd_random *random)
{
    for (uint64_t n = nd_random_below(random, 8) ? 0 : nd_random_below(random, 20); n > 0; n--)
        sched_yield();
}

static nd_err drive(nd_worker *worker, const threads_run *self)
{
    nd_random random;
    nd_random_init(&random, self->seed * RUN_WORKERS + nd_worker_index(worker));
    ND_TRY(collection_run_build(worker, self->run));
    while (collection_run_turn(worker, &random, self->run)) {
        pause_a_little(&random);
        ND_TRY(nd_worker_step(worker, 1 + (unsigned)nd_random_below(&random, 30)));
    }
    return nd_worker_run(worker);
}

static nd_err program(nd_worker *worker, void *arg)
{
    const threads_run *const self = arg;
    const nd_err err = drive(worker, self);
    collection_run_abandon(self->run, nd_worker_index(worker));
    return err;
}

static threads_run make(uint64_t seed, unsigned n_workers)
{
    nd_random random;
    nd_random_init(&random, seed);
    return (threads_run){collection_run_create(n_workers, NULL, &random), seed};
}

static void check(const threads_run *self)
{
    nd_message why = {""};
    if (!collection_run_check(self->run, &why)) {
        collection_run_print(self->run);
        fail_msg("seed %" PRIu64 ", %u workers: %s", self->seed, self->run->n_workers, why.text);
    }
    collection_run_destroy(self->run);
}

static void queries_are_right_on_any_number_of_threads(void **state)
{
    const seeds *const which = *state;
    for (uint64_t seed = which->first; seed < which->first + which->n; seed++) {
        nd_message why = {""};
        const unsigned n_workers = 2 + (unsigned)(seed % (RUN_WORKERS - 1));
        threads_run self = make(seed, n_workers);
        if (nd_execute(&(nd_config){.n_workers = n_workers}, program, &self, NULL, &why) != ND_OK)
            fail_msg("seed %" PRIu64 ", %u workers: %s", seed, n_workers, why.text);
        check(&self);
    }
}

/* --- Two processes --- */

enum { PROCESSES = 2, OWN_WORKERS = RUN_WORKERS / PROCESSES, NAME_SIZE = 64 };

static void write_name(char *name, uint64_t job, uint64_t seed, unsigned process)
{
    snprintf(name, NAME_SIZE, "ipc://%" PRIu64 ".%" PRIu64 ".%u", job, seed, process);
}

static nd_err run_process(threads_run *self, unsigned process, uint64_t job, nd_message *why)
{
    char names[PROCESSES][NAME_SIZE];
    const char *addresses[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        write_name(names[i], job, self->seed, i);
        addresses[i] = names[i];
    }
    const nd_config config = {.n_workers = OWN_WORKERS,
                              .n_processes = PROCESSES,
                              .process = process,
                              .addresses = addresses,
                              .job = {job, self->seed}};
    return nd_execute(&config, program, self, NULL, why);
}

/* Writes, or reads, all of it. */
static bool pass(int file, void *bytes, size_t size, bool is_read)
{
    for (size_t done = 0; done < size;) {
        unsigned char *const at = (unsigned char *)bytes + done;
        const ssize_t n = is_read ? read(file, at, size - done) : write(file, at, size - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* The second process: tells the first what its workers have seen. */
static _Noreturn void be_second(threads_run *self, uint64_t job, int to_first)
{
    nd_message why = {""};
    bool is_told = run_process(self, 1, job, &why) == ND_OK;
    for (unsigned i = OWN_WORKERS; is_told && i < RUN_WORKERS; i++) {
        collection_place *const place = &self->run->places[i];
        is_told = pass(to_first, &place->n_seen, sizeof place->n_seen, false) &&
                  pass(to_first, &place->since, sizeof place->since, false) &&
                  pass(to_first, &place->is_refused, sizeof place->is_refused, false) &&
                  pass(to_first, place->seen, place->n_seen * sizeof *place->seen, false);
    }
    _exit(!is_told);
}

static bool hear(threads_run *self, int from_second)
{
    bool is_heard = true;
    for (unsigned i = OWN_WORKERS; is_heard && i < RUN_WORKERS; i++) {
        collection_place *const place = &self->run->places[i];
        is_heard = pass(from_second, &place->n_seen, sizeof place->n_seen, true) &&
                   pass(from_second, &place->since, sizeof place->since, true) &&
                   pass(from_second, &place->is_refused, sizeof place->is_refused, true);
        place->seen = is_heard ? malloc((place->n_seen + 1) * sizeof *place->seen) : NULL;
        is_heard = place->seen &&
                   pass(from_second, place->seen, place->n_seen * sizeof *place->seen, true);
    }
    return is_heard;
}

static void run_both(threads_run *self)
{
    int ends[2], status = 0;
    nd_message why = {""};
    const uint64_t job = (uint64_t)getpid();
    assert_int_equal(pipe(ends), 0);
    const pid_t second = fork();
    assert_true(second >= 0);
    if (second == 0) {
        close(ends[0]);
        be_second(self, job, ends[1]);
    }
    close(ends[1]);
    const nd_err err = run_process(self, 0, job, &why);
    const bool is_heard = err == ND_OK && hear(self, ends[0]);
    close(ends[0]);
    assert_int_equal(waitpid(second, &status, 0), second);
    for (unsigned i = 0; i < PROCESSES; i++) {
        char name[NAME_SIZE];
        write_name(name, job, self->seed, i);
        (void)unlink(name + strlen("ipc://"));
    }
    if (!is_heard || status != 0)
        fail_msg("seed %" PRIu64 ", two processes: %s (status %d)", self->seed, why.text, status);
}

static void queries_are_right_on_two_processes(void **state)
{
    const seeds *const which = *state;
    for (uint64_t seed = which->first; seed < which->first + which->n / 10; seed++) {
        threads_run self = make(seed, RUN_WORKERS);
        run_both(&self);
        check(&self);
    }
}

int main(int argc, char **argv)
{
    seeds which = {.first = 1, .n = 60};
    if (argc > 1)
        which.first = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        which.n = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(queries_are_right_on_any_number_of_threads, &which),
        cmocka_unit_test_prestate(queries_are_right_on_two_processes, &which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
