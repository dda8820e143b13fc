/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor: finds out which run is planned (plan.h), and has everything checked that could stop
 * it. A check that fails does not keep the others from being made, unless they
 * would be about nothing. */
#include <stdarg.h>
#include <stdio.h>

#include <nereid/cluster.h>

#include "scheduler/doctor/checkup.h"
#include "scheduler/place/addresses.h"
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
    for (unsigned i = 0; i < checkup->plan.addresses.n; i++)
        if (!nd_address_is_private(checkup->plan.addresses.items[i]))
            return true;
    return false;
}

/* --- The planned run --- */

static void say_place(nd_checkup *checkup)
{
    const nd_plan *const plan = &checkup->plan;
    if (plan->options.hosts != NULL)
        nd_checkup_say(checkup, ND_VERDICT_OK, "hosts: %s lists processes 0 to %u",
                       plan->options.hosts, plan->n_processes - 1);
    else if (plan->is_placed)
        nd_checkup_say(checkup, ND_VERDICT_OK,
                       "place: %s has started %u, of which this is process %u",
                       plan->placement.starter_name, plan->n_processes, plan->process);
}

static void find_run(nd_checkup *checkup, const nd_options *options)
{
    char host[HOST_NAME_MAX + 1];
    nd_message message;
    nd_plan *const plan = &checkup->plan;
    const nd_environment environment = nd_environment_system(host);
    if (nd_plan_take_options(plan, &environment, options, &message) != ND_OK)
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "%s: %s", plan->subject, message.text);
    if (nd_plan_find_place(plan, &environment, &message) != ND_OK)
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "%s: %s", plan->subject, message.text);
    else
        say_place(checkup);
    if (plan->placement.starter == ND_STARTED_BY_LAUNCHER) /* its sockets are its own business */
        nd_addresses_deinit(&plan->addresses);
    checkup->n_here =
        plan->addresses.n != 0 ? nd_addresses_most_on_a_host(&plan->addresses) : plan->n_processes;
}

unsigned nd_doctor(const nd_options *options,
                   void (*line)(void *context, nd_verdict verdict, const char *text), void *context)
{
    nd_checkup checkup = {.line = line, .context = context};
    find_run(&checkup, options);
    nd_checkup_machine(&checkup);
    nd_checkup_hosts(&checkup);
    nd_addresses_deinit(&checkup.plan.addresses);
    return checkup.n_failed;
}
