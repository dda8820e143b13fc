/* SPDX-License-Identifier: Apache-2.0 */
/* Plans. What contradicts itself is refused here, before anybody waits for anybody. Messages name
 * the variable where a value comes from the environment: that is where it has to be mended. */
#include "scheduler/place/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scheduler/place/options.h"

/* --- Options --- */

static void fill_in(nd_options *options, const nd_options *others)
{
    if (options->n_workers == 0)
        options->n_workers = others->n_workers;
    if (options->timeout_s == 0)
        options->timeout_s = others->timeout_s;
    if (options->stall_s == 0)
        options->stall_s = others->stall_s;
    if (options->secret == NULL)
        options->secret = others->secret;
    if (options->hosts == NULL)
        options->hosts = others->hosts;
    if (!options->has_process) {
        options->has_process = others->has_process;
        options->process = others->process;
    }
}

nd_err nd_plan_take_options(nd_plan *plan, const nd_environment *environment,
                            const nd_options *given, nd_message *message)
{
    nd_options others;
    plan->subject = "environment";
    plan->options = *given;
    plan->hosts_name = given->hosts != NULL ? "--hosts" : "NEREID_HOSTS";
    plan->process_name = given->has_process ? "-p" : "NEREID_PROCESS";
    ND_TRY(nd_environment_check_names(environment, message));
    ND_TRY(nd_options_from_environment(environment, &others, message));
    fill_in(&plan->options, &others);
    return ND_OK;
}

/* --- Contradictions --- */

/* A number without a list of hosts: of no use, unless it is a variable that somebody who has
 * started this process has set. */
static nd_err check_number(nd_plan *plan, nd_message *message)
{
    nd_options *const options = &plan->options;
    if (!options->has_process || options->hosts != NULL)
        return ND_OK;
    if (strcmp(plan->process_name, "-p") == 0 || plan->placement.starter == ND_STARTED_ALONE)
        return nd_message_set(message, ND_USAGE,
                              "%s %u goes with --hosts FILE, which lists the processes",
                              plan->process_name, options->process);
    options->has_process = false;
    return ND_OK;
}

static nd_err check(nd_plan *plan, nd_message *message)
{
    const nd_options *const options = &plan->options;
    const nd_placement *const placement = &plan->placement;
    ND_TRY(check_number(plan, message));
    if (options->n_processes != 0 && options->hosts != NULL)
        return nd_message_set(message, ND_USAGE,
                              "-n starts processes on this machine, %s joins those in a file: "
                              "leave one of them out",
                              plan->hosts_name);
    if (options->n_processes != 0 && placement->starter != ND_STARTED_ALONE &&
        options->n_processes != placement->n_processes)
        return nd_message_set(
            message, ND_USAGE, "-n %u: %s has started %u processes already; leave -n out",
            options->n_processes, placement->starter_name, placement->n_processes);
    if (options->hosts != NULL && placement->starter == ND_STARTED_BY_LAUNCHER)
        return nd_message_set(message, ND_USAGE,
                              "the launcher has started %u processes here: leave %s out",
                              placement->n_processes, plan->hosts_name);
    if (options->hosts != NULL && plan->needs_process && !options->has_process &&
        placement->starter == ND_STARTED_ALONE)
        return nd_message_set(message, ND_USAGE,
                              "%s needs -p INDEX: which process of the file this one is",
                              plan->hosts_name);
    return ND_OK;
}

/* --- A hosts file: processes that are started one by one --- */

static void name_hosts_job(nd_plan *plan)
{
    uint64_t *const job = plan->job;
    for (unsigned i = 0; i < plan->addresses.n; i++) {
        char text[600];
        const int size = snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64 " %s", job[0],
                                  job[1], plan->addresses.items[i]);
        nd_job_from_text(text, (size_t)size, job);
    }
}

static nd_err join_hosts(nd_plan *plan, nd_message *message)
{
    const nd_options *const options = &plan->options;
    const nd_placement *const placement = &plan->placement;
    const bool has_place = placement->starter != ND_STARTED_ALONE;
    plan->subject = "hosts";
    ND_TRY(nd_hosts_read(options->hosts, &plan->addresses, message));
    plan->is_placed = true;
    plan->n_processes = plan->addresses.n;
    name_hosts_job(plan);
    if (has_place && placement->n_processes != plan->n_processes)
        return nd_message_set(
            message, ND_USAGE, "%s has started %u processes, but %s lists %u: list as many",
            placement->starter_name, placement->n_processes, options->hosts, plan->n_processes);
    if (options->has_process && options->process >= plan->n_processes)
        return nd_message_set(
            message, ND_USAGE, "%s %u: %s lists processes 0 to %u: list it, or give another",
            plan->process_name, options->process, options->hosts, plan->n_processes - 1);
    plan->process = options->has_process ? options->process : placement->process;
    plan->has_process = options->has_process || has_place;
    return ND_OK;
}

/* --- A place given by whoever has started the program --- */

static nd_err take_place(nd_plan *plan, const nd_environment *environment, nd_message *message)
{
    nd_placement *const placement = &plan->placement;
    ND_TRY(nd_placement_find_addresses(environment, placement, &plan->addresses, message));
    plan->is_placed = true;
    plan->process = placement->process;
    plan->n_processes = placement->n_processes;
    plan->has_process = true;
    memcpy(plan->job, placement->job, sizeof placement->job);
    return ND_OK;
}

nd_err nd_plan_find_place(nd_plan *plan, const nd_environment *environment, nd_message *message)
{
    plan->subject = "place";
    plan->n_processes = 1;
    ND_TRY(nd_placement_find(environment, &plan->placement, message));
    ND_TRY(check(plan, message));
    if (plan->options.hosts != NULL)
        return join_hosts(plan, message);
    if (plan->placement.starter != ND_STARTED_ALONE)
        return take_place(plan, environment, message);
    plan->has_process = true;
    plan->must_launch = plan->options.n_processes > 1;
    if (plan->must_launch)
        plan->n_processes = plan->options.n_processes;
    return ND_OK;
}
