/* SPDX-License-Identifier: Apache-2.0 */
/* nd_main: a program's options, its run, its exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/worker.h>

/* What later versions take; refused by name, so that no program comes to use them for itself. */
static const char *const reserved[] = {"-n", "-p", "--hosts", "--secret", "--timeout", "--stall"};

static nd_err parse_workers(const char *text, nd_config *config, nd_message *message)
{
    char *end;
    errno = 0;
    const unsigned long n = text ? strtoul(text, &end, 10) : 0;
    if (!text || *text < '0' || *text > '9' || *end || errno || n < 1 || n > ND_MAX_WORKERS)
        return nd_message_set(message, ND_USAGE, "-w takes a number of workers, 1 to %d",
                              ND_MAX_WORKERS);
    config->n_workers = (unsigned)n;
    return ND_OK;
}

/* Takes the options out of argv, which ends with NULL. */
static nd_err take_options(char **argv, nd_config *config, nd_message *message)
{
    char **kept = argv + 1, **next = argv[0] ? argv + 1 : argv;
    for (; *next && strcmp(*next, "--") != 0; next++) {
        for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
            if (strcmp(*next, reserved[i]) == 0)
                return nd_message_set(message, ND_USAGE,
                                      "option %s is not available in this version", *next);
        if (strcmp(*next, "-w") != 0) {
            *kept++ = *next;
            continue;
        }
        ND_TRY(parse_workers(next[1], config, message));
        next++;
    }
    if (*next)
        next++; /* the "--" */
    while (*next)
        *kept++ = *next++;
    *kept = NULL;
    return ND_OK;
}

int nd_main(int argc, char **argv, nd_program *program, void *arg)
{
    nd_config config = {.n_workers = 0};
    nd_message message;
    nd_err err = argc > 0 ? take_options(argv, &config, &message) : ND_OK;
    if (err == ND_OK)
        err = nd_execute(&config, program, arg, NULL, &message);
    if (err == ND_OK && (fflush(stdout) != 0 || ferror(stdout)))
        err = nd_message_set(&message, ND_IO, "standard output: %s", nd_err_text(ND_IO));
    if (err != ND_OK)
        fprintf(stderr, "nereid: %s\n", message.text);
    return nd_err_status(err);
}
