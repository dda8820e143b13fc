/* SPDX-License-Identifier: Apache-2.0 */
/* Which process of which cluster this is: options, hosts file and environment put together. What
 * contradicts is refused here, before anybody waits for anybody. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <nereid/cluster.h>
#include <nereid/memory.h>

#include "scheduler/addresses.h"
#include "scheduler/environment.h"
#include "scheduler/options.h"
#include "scheduler/private_directory.h"

_Static_assert(sizeof((nd_cluster *)0)->directory == ND_DIRECTORY_SIZE, "a path of a directory");

/* --- -n: processes to be started here --- */

static nd_err plan_launch(nd_cluster *cluster, const nd_options *options,
                          const nd_placement *placement, nd_message *message)
{
    if (placement->n_processes == 1 && placement->starter == ND_STARTED_ALONE) {
        cluster->config.n_processes = options->n_processes;
        cluster->must_launch = options->n_processes > 1;
    } else if (placement->n_processes != options->n_processes) {
        return nd_message_set(
            message, ND_USAGE, "-n %u: %s has started %u processes already; leave -n out",
            options->n_processes, placement->starter_name, placement->n_processes);
    }
    return ND_OK;
}

/* --- --hosts: processes started one by one --- */

static void name_hosts_job(nd_cluster *cluster)
{
    uint64_t *const job = cluster->config.job;
    for (unsigned i = 0; i < cluster->addresses.n; i++) {
        char text[600];
        const int size = snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64 " %s", job[0],
                                  job[1], cluster->addresses.items[i]);
        nd_job_from_text(text, (size_t)size, job);
    }
}

static nd_err join_hosts(nd_cluster *cluster, const nd_options *options,
                         const nd_placement *placement, nd_message *message)
{
    nd_config *const config = &cluster->config;
    const bool has_place = placement->starter != ND_STARTED_ALONE;
    if (placement->starter == ND_STARTED_BY_LAUNCHER)
        return nd_message_set(message, ND_USAGE,
                              "the launcher has started %u processes here: leave --hosts out",
                              placement->n_processes);
    if (!options->has_process && !has_place)
        return nd_message_set(message, ND_USAGE,
                              "--hosts needs -p INDEX: which process of the file this one is");
    ND_TRY(nd_hosts_read(options->hosts, &cluster->addresses, message));
    const unsigned process = options->has_process ? options->process : placement->process;
    config->n_processes = cluster->addresses.n;
    config->process = process;
    if (process >= config->n_processes)
        return nd_message_set(message, ND_USAGE, "-p %u: %s lists processes 0 to %u", process,
                              options->hosts, config->n_processes - 1);
    if (has_place && placement->n_processes != config->n_processes)
        return nd_message_set(message, ND_USAGE, "%s has started %u processes, but %s lists %u",
                              placement->starter_name, placement->n_processes, options->hosts,
                              config->n_processes);
    name_hosts_job(cluster);
    return ND_OK;
}

/* --- A place given by whoever has started the program --- */

static nd_err share_directory(nd_cluster *cluster, nd_message *message)
{
    char name[64];
    (void)snprintf(name, sizeof name, "nereid-%u-%016" PRIx64, (unsigned)geteuid(),
                   cluster->config.job[0]);
    ND_TRY(nd_private_directory_claim(name, cluster->directory, message));
    const nd_err err = nd_addresses_in_directory(&cluster->addresses, cluster->directory,
                                                 cluster->config.n_processes);
    return err == ND_OK ? err : nd_message_set(message, err, "%s", nd_err_text(err));
}

static nd_err take_place(nd_cluster *cluster, const nd_environment *environment,
                         nd_placement *placement, nd_message *message)
{
    if (placement->starter == ND_STARTED_BY_LAUNCHER)
        ND_TRY(nd_child_begin(message));
    ND_TRY(nd_placement_find_addresses(environment, placement, &cluster->addresses, message));
    cluster->config.process = placement->process;
    cluster->config.n_processes = placement->n_processes;
    memcpy(cluster->config.job, placement->job, sizeof placement->job);
    return placement->is_shared ? share_directory(cluster, message) : ND_OK;
}

/* --- The whole --- */

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

/* Cores are shared by the processes of a machine. */
static void choose_workers(nd_config *config, const nd_addresses *addresses)
{
    const unsigned n_cores = uv_available_parallelism();
    const unsigned n_here = nd_addresses_most_on_a_host(addresses);
    if (config->n_workers == 0 && n_here > 1)
        config->n_workers = n_cores > n_here ? n_cores / n_here : 1;
    if (config->n_workers > ND_MAX_WORKERS)
        config->n_workers = ND_MAX_WORKERS;
}

static nd_err find_place(nd_cluster *cluster, const nd_environment *environment,
                         const nd_options *options, nd_message *message)
{
    nd_placement placement;
    ND_TRY(nd_placement_find(environment, &placement, message));
    if (options->n_processes != 0)
        ND_TRY(plan_launch(cluster, options, &placement, message));
    if (options->hosts != NULL)
        return join_hosts(cluster, options, &placement, message);
    return placement.starter != ND_STARTED_ALONE
               ? take_place(cluster, environment, &placement, message)
               : ND_OK;
}

nd_err nd_cluster_open(nd_cluster *cluster, char **argv, nd_message *message)
{
    char host[HOST_NAME_MAX + 1];
    nd_options options;
    const nd_environment environment = nd_environment_system(host);
    *cluster = (nd_cluster){.config = {.n_processes = 1}};
    ND_TRY(nd_options_from_environment(&environment, &options, message));
    if (argv != NULL) {
        ND_TRY(keep_command(cluster, argv, message));
        ND_TRY(nd_options_take(argv, &options, message));
    }
    cluster->config.n_workers = options.n_workers;
    cluster->config.timeout_s = options.timeout_s;
    cluster->config.stall_s = options.stall_s;
    cluster->config.secret = options.secret;
    ND_TRY(find_place(cluster, &environment, &options, message));
    choose_workers(&cluster->config, &cluster->addresses);
    cluster->config.addresses = (const char *const *)cluster->addresses.items;
    return ND_OK;
}

void nd_cluster_close(nd_cluster *cluster)
{
    nd_private_directory_leave(cluster->directory, cluster->config.process);
    nd_addresses_deinit(&cluster->addresses);
    nd_free(cluster->command);
    cluster->command = NULL;
}
