/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RANDOM_MAIN_H
#define TESTS_RANDOM_HARNESS_RANDOM_MAIN_H

/** @file
 * The command of a random suite: `--seed S --runs N [--mutant NAME] [--mutants] [--first]`.
 *
 * Run number k has the seed S + k, so each failure is replayed by its seed and one run. Runs are
 * made in a child process: one that crashes is a failure like any other, and the next run follows.
 * With --first nothing follows the first failure.
 *
 * A suite may have *marks*: what must come about now and then, or the suite would prove less than
 * it seems to. Over RANDOM_MARKED_RUNS runs and more, without a mutant, each must.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

enum { RANDOM_MARKED_RUNS = 500, RANDOM_MARKS = 64 };

typedef struct random_suite {
    const char *name;
    /** Makes one run; with a mutant (else NULL), one with that fault planted. Returns whether all
     * held; else `why` says what did not. Depends on nothing but its arguments. */
    bool (*run)(uint64_t seed, const char *mutant, nd_message *why);
    /** The name of mutant number `index`; NULL behind the last. */
    const char *(*mutant_name)(size_t index);
    /** The names of other mutants, with blanks between: of each there is a program of its own
     * beside this one, called as this one, a dot, and the name, which is run in its place. NULL:
     * none. */
    const char *built_mutants;
    /** What came about in the last run, a bit for each of mark_name. NULL: there are no marks. */
    uint64_t (*marks)(void);
    /** What a mark stands for; NULL behind the last, which is no later than the 64th. */
    const char *(*mark_name)(size_t index);
} random_suite;

/** Runs the suite as the options say, prints a line for each failure with the command that replays
 * it, and `N passed, M failed` last. Returns the exit status: 0 only without failures; 2 for wrong
 * options. */
int random_main(int argc, char **argv, const random_suite *suite);

#endif
