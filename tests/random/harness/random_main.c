/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child makes runs one after the other and tells each result through a pipe; when it dies before
 * its last run, the run it was in has failed, and another child goes on behind it.
 */
#include "tests/random/harness/random_main.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct suite_options {
    uint64_t seed, n_runs;
    const char *mutant; /* NULL: none */
    bool lists_mutants, ends_at_first;
} suite_options;

/* What a child says of a run. Shorter than what a pipe takes at once. */
typedef struct run_verdict {
    bool held;
    uint64_t marks;
    nd_message why;
} run_verdict;

typedef struct run_tally {
    uint64_t n_passed, n_failed, first_failed;
    uint64_t n_marked[RANDOM_MARKS]; /* runs, by mark */
} run_tally;

/* --- Options --- */

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static bool is_mutant(const random_suite *suite, const char *name)
{
    for (size_t i = 0; name != NULL && suite->mutant_name(i) != NULL; i++)
        if (strcmp(suite->mutant_name(i), name) == 0)
            return true;
    return false;
}

/* The length of the first of names with blanks between. */
static size_t first_length(const char *names) { return strcspn(names, " "); }

static const char *behind_first(const char *names)
{
    names += first_length(names);
    return *names == ' ' ? names + 1 : names;
}

static bool is_built_mutant(const random_suite *suite, const char *name)
{
    const char *names = suite->built_mutants != NULL && name != NULL ? suite->built_mutants : "";
    for (; *names != '\0'; names = behind_first(names))
        if (strlen(name) == first_length(names) && memcmp(names, name, strlen(name)) == 0)
            return true;
    return false;
}

static void list_mutants(const random_suite *suite)
{
    const char *names = suite->built_mutants != NULL ? suite->built_mutants : "";
    for (size_t i = 0; suite->mutant_name(i) != NULL; i++)
        puts(suite->mutant_name(i));
    for (; *names != '\0'; names = behind_first(names))
        printf("%.*s\n", (int)first_length(names), names);
}

static bool parse_option(const random_suite *suite, char **argv, suite_options *options)
{
    if (strcmp(argv[0], "--seed") == 0)
        return parse_number(argv[1], &options->seed);
    if (strcmp(argv[0], "--runs") == 0)
        return parse_number(argv[1], &options->n_runs);
    if (strcmp(argv[0], "--mutant") == 0) {
        options->mutant = argv[1];
        return is_mutant(suite, argv[1]) || is_built_mutant(suite, argv[1]);
    }
    return false;
}

static bool parse(const random_suite *suite, char **argv, suite_options *options)
{
    for (char **next = argv + 1; *next != NULL; next++) {
        if (strcmp(*next, "--mutants") == 0)
            options->lists_mutants = true;
        else if (strcmp(*next, "--first") == 0)
            options->ends_at_first = true;
        else if (parse_option(suite, next, options))
            next++;
        else
            return false;
    }
    return true;
}

/* --- Runs --- */

static _Noreturn void be_child(const random_suite *suite, const suite_options *options,
                               uint64_t first, int to_parent)
{
    for (uint64_t i = first; i < options->n_runs; i++) {
        run_verdict verdict;
        memset(&verdict, 0, sizeof verdict);
        verdict.held = suite->run(options->seed + i, options->mutant, &verdict.why);
        verdict.marks = suite->marks != NULL ? suite->marks() : 0;
        if (write(to_parent, &verdict, sizeof verdict) != sizeof verdict)
            _exit(2);
        if (!verdict.held && options->ends_at_first)
            break;
    }
    _exit(0);
}

static void report(const random_suite *suite, const suite_options *options, uint64_t run,
                   const char *why)
{
    const uint64_t seed = options->seed + run;
    printf("seed %" PRIu64 ": %s\n", seed, why);
    printf("replay: ./dev random %s --seed %" PRIu64 " --runs 1%s%s\n", suite->name, seed,
           options->mutant != NULL ? " --mutant " : "",
           options->mutant != NULL ? options->mutant : "");
    fflush(stdout);
}

static void count(const random_suite *suite, const suite_options *options, run_tally *tally,
                  const char *failure)
{
    const uint64_t run = tally->n_passed + tally->n_failed;
    if (failure == NULL) {
        tally->n_passed++;
        return;
    }
    if (tally->n_failed++ == 0)
        tally->first_failed = options->seed + run;
    report(suite, options, run, failure);
}

static bool read_verdict(int from_child, run_verdict *verdict)
{
    size_t have = 0;
    while (have < sizeof *verdict) {
        const ssize_t n = read(from_child, (char *)verdict + have, sizeof *verdict - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return true;
}

static bool is_over(const suite_options *options, const run_tally *tally)
{
    return tally->n_passed + tally->n_failed == options->n_runs ||
           (options->ends_at_first && tally->n_failed != 0);
}

/* Makes runs from the next one on in a child, until it ends; false when there can be no child. */
static bool watch_child(const random_suite *suite, const suite_options *options, run_tally *tally)
{
    const uint64_t first = tally->n_passed + tally->n_failed;
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    const pid_t child = fork();
    if (child < 0)
        return false;
    if (child == 0) {
        close(ends[0]);
        be_child(suite, options, first, ends[1]);
    }
    close(ends[1]);
    run_verdict verdict;
    while (read_verdict(ends[0], &verdict)) {
        count(suite, options, tally, verdict.held ? NULL : verdict.why.text);
        for (unsigned i = 0; i < RANDOM_MARKS; i++)
            tally->n_marked[i] += verdict.marks >> i & 1;
    }
    close(ends[0]);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!is_over(options, tally)) {
        char why[64];
        snprintf(why, sizeof why, "it crashed (%s %d)",
                 WIFSIGNALED(status) ? "signal" : "exit status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        count(suite, options, tally, why);
    }
    return true;
}

/* Says how often each mark was reached; one that never was is a failure, where it can be one. */
static void report_marks(const random_suite *suite, const suite_options *options, run_tally *tally)
{
    if (suite->mark_name == NULL || options->mutant != NULL || options->n_runs < RANDOM_MARKED_RUNS)
        return;
    for (size_t i = 0; suite->mark_name(i) != NULL; i++) {
        printf("reached in %" PRIu64 " runs: %s\n", tally->n_marked[i], suite->mark_name(i));
        if (tally->n_marked[i] != 0)
            continue;
        tally->n_failed++;
        printf("replay: ./dev random %s --seed %" PRIu64 " --runs %" PRIu64 "\n", suite->name,
               options->seed, options->n_runs);
    }
}

/* Goes on as the program of a mutant, unless it is that already. False: there is none. */
static bool become_mutant(const char *mutant, char **argv)
{
    char path[4096];
    const ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    const size_t size = strlen(mutant);
    if (len < 0 || (size_t)len + size + 2 > sizeof path)
        return false;
    path[len] = '\0';
    if ((size_t)len > size && path[(size_t)len - size - 1] == '.' &&
        strcmp(path + (size_t)len - size, mutant) == 0)
        return true;
    snprintf(path + len, sizeof path - (size_t)len, ".%s", mutant);
    execv(path, argv);
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

int random_main(int argc, char **argv, const random_suite *suite)
{
    suite_options options = {.seed = 1, .n_runs = 100};
    if (argc < 1 || !parse(suite, argv, &options)) {
        fprintf(stderr,
                "usage: random_%s [--seed S] [--runs N] [--mutant NAME] [--mutants] [--first]\n",
                suite->name);
        return 2;
    }
    if (options.lists_mutants) {
        list_mutants(suite);
        return 0;
    }
    if (is_built_mutant(suite, options.mutant) && !become_mutant(options.mutant, argv))
        return 2;
    run_tally tally = {.n_passed = 0};
    while (!is_over(&options, &tally)) {
        fflush(stdout);
        if (!watch_child(suite, &options, &tally)) {
            fprintf(stderr, "random_%s: no child process: %s\n", suite->name, strerror(errno));
            return 2;
        }
    }
    if (options.mutant != NULL && tally.n_failed != 0)
        printf("mutant %s: first caught by seed %" PRIu64 "\n", options.mutant, tally.first_failed);
    report_marks(suite, &options, &tally);
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", tally.n_passed, tally.n_failed);
    return tally.n_failed != 0;
}
