/* SPDX-License-Identifier: Apache-2.0 */
/* Options by one table. A letter takes its value from the same argument only if that is a number:
 * a program may have a `-words` of its own. */
#include "scheduler/place/options.h"

#include <stddef.h>
#include <string.h>

#include "scheduler/place/number.h"

typedef struct option {
    const char *name, *value_name;
    const char *variable; /* NULL: none stands for it */
    size_t offset;        /* into nd_options */
    unsigned least, most; /* of numbers; most 0: a text */
} option;

static const option table[] = {
    {"-w", "N", "NEREID_WORKERS", offsetof(nd_options, n_workers), 1, ND_MAX_WORKERS},
    {"-n", "N", NULL, offsetof(nd_options, n_processes), 1, ND_MAX_LAUNCHED},
    {"-p", "INDEX", "NEREID_PROCESS", offsetof(nd_options, process), 0, ND_MAX_PROCESSES - 1},
    {"--hosts", "FILE", "NEREID_HOSTS", offsetof(nd_options, hosts), 0, 0},
    {"--secret", "FILE", "NEREID_SECRET", offsetof(nd_options, secret), 0, 0},
    {"--timeout", "S", "NEREID_TIMEOUT", offsetof(nd_options, timeout_s), 1, ND_MOST_SECONDS},
    {"--stall", "S", "NEREID_STALL", offsetof(nd_options, stall_s), 1, ND_MOST_SECONDS},
};

enum { N_OPTIONS = sizeof table / sizeof *table };

/* Stores the value of an option that messages call `name`. */
static nd_err store(nd_options *options, const option *which, const char *name, const char *text,
                    nd_message *message)
{
    uint64_t value;
    char *const place = (char *)options + which->offset;
    if (which->most == 0) {
        if (*text == '\0')
            return nd_message_set(message, ND_USAGE,
                                  "%s takes the name of a file, not an empty text", name);
        memcpy(place, &text, sizeof text);
        return ND_OK;
    }
    if (!nd_number_parse(text, strlen(text), which->most, &value) || value < which->least)
        return nd_message_set(message, ND_USAGE, "%s takes a whole number from %u to %u, not '%s'",
                              name, which->least, which->most, text);
    const unsigned number = (unsigned)value;
    memcpy(place, &number, sizeof number);
    options->has_process |= which->offset == offsetof(nd_options, process);
    return ND_OK;
}

nd_err nd_options_from_environment(const nd_environment *environment, nd_options *options,
                                   nd_message *message)
{
    nd_options found = {.hosts = NULL};
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const char *const variable = table[i].variable;
        const char *const text =
            variable != NULL ? environment->get(environment->context, variable) : NULL;
        if (text != NULL && *text != '\0')
            ND_TRY(store(&found, &table[i], variable, text, message));
    }
    *options = found;
    return ND_OK;
}

/* Finds the option that an argument names, and its value if that is part of the argument:
 * `--name=value`, `-w=2`, `-w2`. */
static const option *find(const char *argument, const char **value)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const size_t size = strlen(table[i].name);
        const char *const rest = argument + size;
        const bool is_letter = table[i].name[1] != '-';
        if (strncmp(table[i].name, argument, size) != 0)
            continue;
        if (*rest == '\0' || *rest == '=' || (is_letter && *rest >= '0' && *rest <= '9')) {
            *value = *rest == '\0' ? NULL : rest + (*rest == '=');
            return &table[i];
        }
    }
    return NULL;
}

nd_err nd_options_take(char **argv, nd_options *options, nd_message *message)
{
    char **next = *argv != NULL ? argv + 1 : argv, **kept = next;
    for (; *next != NULL && strcmp(*next, "--") != 0; next++) {
        const char *value;
        const option *const which = find(*next, &value);
        if (which == NULL) {
            *kept++ = *next;
            continue;
        }
        if (value == NULL && (value = *++next) == NULL)
            return nd_message_set(message, ND_USAGE, "%s needs a value: %s %s", which->name,
                                  which->name, which->value_name);
        ND_TRY(store(options, which, which->name, value, message));
    }
    while (*next != NULL)
        *kept++ = *next++;
    *kept = NULL;
    return ND_OK;
}
