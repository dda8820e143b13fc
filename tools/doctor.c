/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid doctor`: what would stop a run, and the fix. */
#include <stdio.h>
#include <string.h>

#include <nereid/cluster.h>

#include "tools/command.h"

static void print(void *context, nd_verdict verdict, const char *text)
{
    static const char *const words[] = {
        [ND_VERDICT_OK] = "ok  ", [ND_VERDICT_WARN] = "warn", [ND_VERDICT_FAIL] = "FAIL"};
    (void)context;
    printf("%s %s\n", words[verdict], text);
    (void)fflush(stdout); /* as results come: the last ones may take a while */
}

static nd_err start(char **argv, int *status, nd_message *message)
{
    nd_options chosen = {.n_workers = 0};
    (void)status;
    for (char **word = argv + 1; *word != NULL; word++)
        if (strcmp(*word, "--help") == 0)
            return help_print_command(&doctor_command, message);
    ND_TRY(nd_options_take(argv, &chosen, message));
    if (argv[1] != NULL)
        return nd_message_set(message, ND_USAGE,
                              "doctor: '%s' is one word too many; --help shows what there may be",
                              argv[1]);
    const unsigned n_failed = nd_doctor(&chosen, print, NULL);
    if (ferror(stdout) || fflush(stdout) != 0)
        return nd_message_set(message, ND_IO, "standard output: cannot be written");
    return n_failed == 0 ? ND_OK
                         : nd_message_set(message, ND_FAILED,
                                          "%u of the checks failed: the lines that begin with FAIL "
                                          "say what to do",
                                          n_failed);
}

const command doctor_command = {
    .name = "doctor",
    .bit = COMMAND_DOCTOR,
    .operand = "",
    .summary = "say what would stop a run, and what to do about it",
    .details =
        "Checks versions, encryption, cores, limits, keys and hosts, one line each: ok, warn, or "
        "FAIL with the fix.\n"
        "Give it the options of the run. With --hosts it tries to connect to every process, with "
        "-p it also tries to\n"
        "listen where this one will; in a Slurm job or a pod it knows by itself. Ends with 0 if "
        "nothing failed, with 1\n"
        "if something did. It may be used while a run goes on.",
    .start = start,
};
