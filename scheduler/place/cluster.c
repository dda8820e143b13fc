/* SPDX-License-Identifier: Apache-2.0 */
/* A process takes its place in a cluster: the one that is planned (plan.h), with whatever has to be
 * made for it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <nereid/cluster.h>
#include <nereid/memory.h>

#include "scheduler/place/addresses.h"
#include "scheduler/place/plan.h"
#include "scheduler/place/private_directory.h"

_Static_assert(sizeof((nd_cluster *)0)->directory == ND_DIRECTORY_SIZE, "a path of a directory");

/* --- The plan --- */

/* Cores are shared by the processes of a machine. */
static void choose_workers(nd_config *config, unsigned n_here)
{
    const unsigned n_cores = uv_available_parallelism();
    if (config->n_workers == 0 && n_here > 1)
        config->n_workers = n_cores > n_here ? n_cores / n_here : 1;
    if (config->n_workers > ND_MAX_WORKERS)
        config->n_workers = ND_MAX_WORKERS;
}

static nd_err make_plan(const nd_options *given, nd_plan *plan, nd_message *message)
{
    char host[HOST_NAME_MAX + 1];
    const nd_environment environment = nd_environment_system(host);
    ND_TRY(nd_plan_take_options(plan, &environment, given, message));
    return nd_plan_find_place(plan, &environment, message);
}

/* Makes the plan and fills the cluster in, which then owns the addresses, also after a failure. */
static nd_err follow_plan(nd_cluster *cluster, const nd_options *given, nd_plan *plan,
                          nd_message *message)
{
    *plan = (nd_plan){.n_processes = 1, .needs_process = true};
    const nd_err err = make_plan(given, plan, message);
    cluster->addresses = plan->addresses;
    cluster->must_launch = plan->must_launch;
    cluster->is_placed = plan->is_placed;
    cluster->config = (nd_config){.n_workers = plan->options.n_workers,
                                  .n_processes = plan->n_processes,
                                  .process = plan->process,
                                  .addresses = (const char *const *)cluster->addresses.items,
                                  .secret = plan->options.secret,
                                  .timeout_s = plan->options.timeout_s,
                                  .stall_s = plan->options.stall_s,
                                  .job = {plan->job[0], plan->job[1]}};
    return err;
}

nd_err nd_cluster_plan(nd_cluster *cluster, const nd_options *options, nd_message *message)
{
    nd_plan plan;
    *cluster = (nd_cluster){.must_launch = false};
    return follow_plan(cluster, options, &plan, message);
}

/* --- Taking part --- */

static nd_err share_directory(nd_cluster *cluster, nd_message *message)
{
    char name[64];
    (void)snprintf(name, sizeof name, "nereid-%u-%016" PRIx64, (unsigned)geteuid(),
                   cluster->config.job[0]);
    ND_TRY(nd_private_directory_claim(name, cluster->directory, message));
    const nd_err err = nd_addresses_in_directory(&cluster->addresses, cluster->directory,
                                                 cluster->config.n_processes);
    cluster->config.addresses = (const char *const *)cluster->addresses.items;
    return err == ND_OK ? err : nd_message_set(message, err, "%s", nd_err_text(err));
}

static nd_err keep_command(nd_cluster *cluster, char **argv, nd_message *message)
{
    size_t n = 0;
    while (argv[n] != NULL)
        n++;
    cluster->command = nd_alloc(n + 1, sizeof *cluster->command);
    if (cluster->command == NULL)
        return nd_message_set(message, ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
    memcpy(cluster->command, argv, (n + 1) * sizeof *argv);
    return ND_OK;
}

nd_err nd_cluster_open(nd_cluster *cluster, char **argv, nd_message *message)
{
    nd_options given = {.hosts = NULL};
    nd_plan plan;
    *cluster = (nd_cluster){.config = {.n_processes = 1}};
    if (argv != NULL) {
        ND_TRY(keep_command(cluster, argv, message));
        ND_TRY(nd_options_take(argv, &given, message));
    }
    ND_TRY(follow_plan(cluster, &given, &plan, message));
    if (plan.placement.starter == ND_STARTED_BY_LAUNCHER)
        ND_TRY(nd_child_begin(message));
    if (plan.placement.is_shared && plan.options.hosts == NULL)
        ND_TRY(share_directory(cluster, message));
    choose_workers(&cluster->config, nd_addresses_most_on_a_host(&cluster->addresses));
    return ND_OK;
}

void nd_cluster_close(nd_cluster *cluster)
{
    nd_private_directory_leave(cluster->directory, cluster->config.process);
    nd_addresses_deinit(&cluster->addresses);
    nd_free(cluster->command);
    cluster->command = NULL;
}
