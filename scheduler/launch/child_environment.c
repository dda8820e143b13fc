/* SPDX-License-Identifier: Apache-2.0 */
/* Environments of launched processes: the own one, without what another launcher may have left in
 * it, and with what this one says. */
#include "scheduler/launch/child_environment.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>

/* Variables that tell a place: another launcher's are not handed on. */
static const char *const place_names[] = {
    "NEREID_PROCESS",  "NEREID_PROCESSES", "NEREID_RENDEZVOUS", "NEREID_JOB",
    "NEREID_LAUNCHER", "NEREID_REPORT",    "NEREID_HOSTS",
};

enum { N_PLACE_NAMES = sizeof place_names / sizeof *place_names, MOST_TOLD = 10, LINE_SIZE = 64 };

static bool is_of(const char *line, const char *name)
{
    const size_t size = strlen(name);
    return strncmp(line, name, size) == 0 && line[size] == '=';
}

/* Whether a variable of the own environment is left out: it tells another place, or is one of the
 * `n_told` that are told anew. */
static bool is_dropped(const char *line, char *const *told, size_t n_told)
{
    for (size_t i = 0; i < N_PLACE_NAMES; i++)
        if (is_of(line, place_names[i]))
            return true;
    for (size_t i = 0; i < n_told; i++)
        if (strncmp(line, told[i], (size_t)(strchr(told[i], '=') - told[i]) + 1) == 0)
            return true;
    return false;
}

/* Where the next variable goes, and how many bytes are left for it. */
typedef struct cursor {
    char **item;
    char *text;
    size_t room;
} cursor;

static void ND_PRINTF(2, 3) tell(cursor *at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int size = vsnprintf(at->text, at->room, format, arguments);
    va_end(arguments);
    *at->item++ = at->text;
    at->text += size + 1;
    at->room -= (size_t)size + 1;
}

static void tell_number(cursor *at, const char *name, unsigned number)
{
    if (number != 0)
        tell(at, "%s=%u", name, number);
}

static void tell_all(cursor *at, nd_child_environment *child, const nd_launch_terms *terms)
{
    const nd_config *const config = terms->config;
    *at->item++ = child->process;
    tell(at, "NEREID_PROCESSES=%u", config->n_processes);
    tell(at, "NEREID_RENDEZVOUS=%s", terms->directory);
    tell(at, "NEREID_JOB=%016" PRIx64 "%016" PRIx64, terms->job[0], terms->job[1]);
    tell(at, "NEREID_LAUNCHER=%ld", (long)terms->launcher);
    tell(at, "NEREID_REPORT=%d", terms->report);
    tell_number(at, "NEREID_WORKERS", config->n_workers);
    tell_number(at, "NEREID_TIMEOUT", config->timeout_s);
    tell_number(at, "NEREID_STALL", config->stall_s);
    if (config->secret != NULL)
        tell(at, "NEREID_SECRET=%s", config->secret);
}

nd_err nd_child_environment_init(nd_child_environment *child, char *const *own,
                                 const nd_launch_terms *terms)
{
    size_t n_own = 0;
    const char *const secret = terms->config->secret != NULL ? terms->config->secret : "";
    const size_t size = MOST_TOLD * LINE_SIZE + strlen(terms->directory) + strlen(secret);
    while (own[n_own] != NULL)
        n_own++;
    *child = (nd_child_environment){.items = nd_alloc(MOST_TOLD + n_own + 1, sizeof(char *)),
                                    .texts = nd_alloc(size, 1)};
    if (child->items == NULL || child->texts == NULL) {
        nd_child_environment_deinit(child);
        return ND_NOMEM;
    }
    nd_child_environment_set_process(child, 0);
    cursor at = {child->items, child->texts, size};
    tell_all(&at, child, terms);
    const size_t n_told = (size_t)(at.item - child->items);
    for (; *own != NULL; own++)
        if (!is_dropped(*own, child->items, n_told))
            *at.item++ = *own;
    *at.item = NULL;
    return ND_OK;
}

void nd_child_environment_set_process(nd_child_environment *child, unsigned process)
{
    (void)snprintf(child->process, sizeof child->process, "NEREID_PROCESS=%u", process);
}

void nd_child_environment_deinit(nd_child_environment *child)
{
    nd_free(child->items);
    nd_free(child->texts);
    *child = (nd_child_environment){.items = NULL};
}
