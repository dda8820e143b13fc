/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor: finds out which run is planned, as nd_cluster_open would, and has everything checked
 * that could stop it. A check that fails does not keep the others from being made, unless they
 * would be about nothing. */
#include <stdarg.h>
#include <stdio.h>

#include <nereid/cluster.h>

#include "scheduler/addresses.h"
#include "scheduler/doctor_internal.h"
#include "scheduler/environment.h"
#include "scheduler/options.h"
#include "transport/zmq/address.h"

void nd_checkup_say(nd_checkup *checkup, nd_verdict verdict, const char *format, ...)
{
    nd_message message;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    checkup->n_failed += verdict == ND_VERDICT_FAIL;
    checkup->line(checkup->context, verdict, message.text);
}

bool nd_checkup_leaves_machine(const nd_checkup *checkup)
{
    for (unsigned i = 0; i < checkup->addresses.n; i++)
        if (!nd_address_is_private(checkup->addresses.items[i]))
            return true;
    return false;
}

/* --- The planned run --- */

/* Options that were given count before those of the environment. */
static nd_options merge(const nd_options *given, nd_options others)
{
    nd_options merged = *given;
    if (merged.n_workers == 0)
        merged.n_workers = others.n_workers;
    if (merged.secret == NULL)
        merged.secret = others.secret;
    if (merged.hosts == NULL)
        merged.hosts = others.hosts;
    if (!merged.has_process && merged.hosts != NULL) {
        merged.has_process = others.has_process;
        merged.process = others.process;
    }
    return merged;
}

static void take_hosts(nd_checkup *checkup, const nd_placement *placement)
{
    nd_message message;
    const nd_options *const options = &checkup->options;
    if (nd_hosts_read(options->hosts, &checkup->addresses, &message) != ND_OK) {
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "hosts: %s", message.text);
        return;
    }
    const unsigned n = checkup->addresses.n;
    const bool has_place = placement->starter != ND_STARTED_ALONE;
    checkup->n_processes = n;
    checkup->process = options->has_process ? options->process : placement->process;
    checkup->has_process = options->has_process || has_place;
    if (checkup->has_process && checkup->process >= n) {
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "hosts: %s lists processes 0 to %u, so there is no process %u: list it, or "
                       "give another -p",
                       options->hosts, n - 1, checkup->process);
        checkup->has_process = false;
    } else if (has_place && placement->n_processes != n) {
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "hosts: %s lists %u processes, but %s has started %u: list as many",
                       options->hosts, n, placement->starter_name, placement->n_processes);
    } else {
        nd_checkup_say(checkup, ND_VERDICT_OK, "hosts: %s lists processes 0 to %u", options->hosts,
                       n - 1);
    }
}

static void take_place(nd_checkup *checkup, const nd_environment *environment,
                       nd_placement *placement)
{
    nd_message message;
    nd_err err = ND_OK;
    if (placement->starter != ND_STARTED_BY_LAUNCHER) /* its sockets are its own business */
        err = nd_placement_find_addresses(environment, placement, &checkup->addresses, &message);
    if (err != ND_OK) {
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "place: %s", message.text);
        return;
    }
    checkup->n_processes = placement->n_processes;
    checkup->process = placement->process;
    checkup->has_process = true;
    nd_checkup_say(checkup, ND_VERDICT_OK, "place: %s has started %u, of which this is process %u",
                   placement->starter_name, placement->n_processes, placement->process);
}

static void find_run(nd_checkup *checkup)
{
    char host[HOST_NAME_MAX + 1];
    nd_message message;
    nd_options others;
    nd_placement placement;
    const nd_environment environment = nd_environment_system(host);
    if (nd_options_from_environment(&environment, &others, &message) != ND_OK)
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "environment: %s", message.text);
    else
        checkup->options = merge(&checkup->options, others);
    const nd_err err = nd_placement_find(&environment, &placement, &message);
    if (err != ND_OK)
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "place: %s", message.text);
    else if (checkup->options.hosts != NULL)
        take_hosts(checkup, &placement);
    else if (placement.starter != ND_STARTED_ALONE)
        take_place(checkup, &environment, &placement);
    else if (checkup->options.n_processes > 1)
        checkup->n_processes = checkup->options.n_processes;
    checkup->n_here = checkup->addresses.n != 0 ? nd_addresses_most_on_a_host(&checkup->addresses)
                                                : checkup->n_processes;
}

unsigned nd_doctor(const nd_options *options,
                   void (*line)(void *context, nd_verdict verdict, const char *text), void *context)
{
    nd_checkup checkup = {
        .options = *options, .n_processes = 1, .n_here = 1, .line = line, .context = context};
    find_run(&checkup);
    nd_checkup_machine(&checkup);
    nd_checkup_hosts(&checkup);
    nd_addresses_deinit(&checkup.addresses);
    return checkup.n_failed;
}
