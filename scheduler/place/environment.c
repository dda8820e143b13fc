/* SPDX-License-Identifier: Apache-2.0 */
/* Who has started this process, and which place it has.
 *
 * Open MPI is looked for before Slurm: in a Slurm job mpirun has one helper a machine started by
 * Slurm, whose SLURM_PROCID all its processes inherit. */
#include "scheduler/place/environment.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/hash.h"
#include "scheduler/place/addresses.h"
#include "scheduler/place/number.h"
#include "scheduler/place/private_directory.h"
#include "scheduler/place/slurm.h"

enum { FIRST_PORT = 20000, N_PORTS = 10000, KUBERNETES_PORT = 2100, MOST_PORT = 65535 };

/* --- Variables --- */

static const char *get(const nd_environment *environment, const char *name)
{
    const char *const value = environment->get(environment->context, name);
    return value != NULL && *value != '\0' ? value : NULL;
}

/* The first of two variables that is set. */
static const char *get_either(const nd_environment *environment, const char *one, const char *other)
{
    const char *const value = get(environment, one);
    return value != NULL ? value : get(environment, other);
}

static nd_err get_text(const nd_environment *environment, const char *name, const char **text,
                       nd_message *message)
{
    *text = get(environment, name);
    return *text != NULL ? ND_OK
                         : nd_message_set(message, ND_USAGE,
                                          "the environment lacks %s, though it says that this is "
                                          "one process of several",
                                          name);
}

static nd_err parse(const char *name, const char *text, uint64_t least, uint64_t most,
                    unsigned *number, nd_message *message)
{
    uint64_t value;
    if (!nd_number_parse(text, strlen(text), most, &value) || value < least)
        return nd_message_set(message, ND_USAGE,
                              "the environment says %s=%.100s, which is not a number from %" PRIu64
                              " to %" PRIu64,
                              name, text, least, most);
    *number = (unsigned)value;
    return ND_OK;
}

/* Reads this process's number and how many there are. */
static nd_err get_place(const nd_environment *environment, const char *process_name,
                        const char *n_name, nd_placement *placement, nd_message *message)
{
    const char *process, *n;
    ND_TRY(get_text(environment, process_name, &process, message));
    ND_TRY(get_text(environment, n_name, &n, message));
    ND_TRY(parse(n_name, n, 1, ND_MAX_PROCESSES, &placement->n_processes, message));
    return parse(process_name, process, 0, placement->n_processes - 1, &placement->process,
                 message);
}

/* --- Misspelt names --- */

/* Variables that a person may set. */
static const char *const names[] = {
    "NEREID_WORKERS", "NEREID_HOSTS",     "NEREID_PROCESS", "NEREID_SECRET", "NEREID_TIMEOUT",
    "NEREID_STALL",   "NEREID_PROCESSES", "NEREID_SERVICE", "NEREID_PORT",
};

enum { N_NAMES = sizeof names / sizeof *names };

/* Whether one of two words is the other with a letter left out. */
static bool lacks_one_letter(const char *one, size_t one_size, const char *other, size_t other_size)
{
    const char *const longer = one_size > other_size ? one : other;
    const char *const shorter = one_size > other_size ? other : one;
    const size_t size = one_size > other_size ? other_size : one_size;
    size_t same = 0;
    if (one_size + other_size != 2 * size + 1)
        return false;
    while (same < size && longer[same] == shorter[same])
        same++;
    return memcmp(longer + same + 1, shorter + same, size - same) == 0;
}

nd_err nd_environment_check_names(const nd_environment *environment, nd_message *message)
{
    for (char *const *one = environment->variables; one != NULL && *one != NULL; one++) {
        const size_t size = strcspn(*one, "=");
        for (size_t i = 0; i < N_NAMES; i++)
            if (lacks_one_letter(*one, size, names[i], strlen(names[i])))
                return nd_message_set(message, ND_USAGE,
                                      "the environment has %.*s, which means nothing: should it "
                                      "be %s?",
                                      (int)size, *one, names[i]);
    }
    return ND_OK;
}

/* --- Jobs --- */

void nd_job_from_text(const char *text, size_t size, uint64_t job[2])
{
    const XXH128_hash_t hash = XXH3_128bits(text, size);
    job[0] = hash.low64;
    job[1] = hash.high64;
}

static void ND_PRINTF(2, 3) name_job(nd_placement *placement, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    nd_job_from_text(text, strlen(text), placement->job);
}

static nd_err parse_job(const char *text, uint64_t job[2], nd_message *message)
{
    const size_t n_digits = strspn(text, "0123456789abcdef");
    if (n_digits != 32 || text[n_digits] != '\0' ||
        sscanf(text, "%16" SCNx64 "%16" SCNx64, &job[0], &job[1]) != 2)
        return nd_message_set(message, ND_USAGE,
                              "the environment says NEREID_JOB=%.100s, which is not 32 "
                              "hexadecimal digits",
                              text);
    return ND_OK;
}

/* --- Who has started it --- */

static nd_err find_launcher(const nd_environment *environment, nd_placement *placement,
                            nd_message *message)
{
    const char *job;
    placement->starter = ND_STARTED_BY_LAUNCHER;
    placement->starter_name = "the launcher";
    ND_TRY(get_place(environment, "NEREID_PROCESS", "NEREID_PROCESSES", placement, message));
    ND_TRY(get_text(environment, "NEREID_JOB", &job, message));
    placement->directory = get(environment, "NEREID_RENDEZVOUS");
    if (placement->directory[0] != '/' || strlen(placement->directory) >= ND_DIRECTORY_SIZE)
        return nd_message_set(message, ND_USAGE,
                              "the environment says NEREID_RENDEZVOUS=%.100s, which is not an "
                              "absolute path of at most %d bytes",
                              placement->directory, ND_DIRECTORY_SIZE - 1);
    return parse_job(job, placement->job, message);
}

static nd_err find_open_mpi(const nd_environment *environment, nd_placement *placement,
                            nd_message *message)
{
    unsigned n_here = 0;
    const char *const job = get_either(environment, "PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid");
    const char *const here = get(environment, "OMPI_COMM_WORLD_LOCAL_SIZE");
    placement->starter = ND_STARTED_BY_OPEN_MPI;
    placement->starter_name = "Open MPI";
    ND_TRY(
        get_place(environment, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", placement, message));
    if (here != NULL)
        ND_TRY(parse("OMPI_COMM_WORLD_LOCAL_SIZE", here, 1, ND_MAX_PROCESSES, &n_here, message));
    placement->is_shared = n_here == placement->n_processes;
    name_job(placement, "Open MPI %s %u", job != NULL ? job : "", placement->n_processes);
    return ND_OK;
}

static const char *slurm_size_name(const nd_environment *environment)
{
    return get(environment, "SLURM_STEP_NUM_TASKS") != NULL ? "SLURM_STEP_NUM_TASKS"
                                                            : "SLURM_NTASKS";
}

/* A batch script itself has the variables of a job too, but nothing else has been started. */
static bool is_slurm_task(const nd_environment *environment)
{
    const char *const kind = get(environment, "ENVIRONMENT");
    const bool is_batch = kind != NULL && strcmp(kind, "BATCH") == 0;
    return get(environment, "SLURM_PROCID") != NULL &&
           get(environment, slurm_size_name(environment)) != NULL &&
           (!is_batch || get_either(environment, "SLURM_STEP_ID", "SLURM_STEPID") != NULL);
}

static nd_err find_slurm(const nd_environment *environment, nd_placement *placement,
                         nd_message *message)
{
    const char *const job = get_either(environment, "SLURM_JOB_ID", "SLURM_JOBID");
    const char *const step = get_either(environment, "SLURM_STEP_ID", "SLURM_STEPID");
    placement->starter = ND_STARTED_BY_SLURM;
    placement->starter_name = "Slurm";
    name_job(placement, "Slurm %s.%s", job != NULL ? job : "", step != NULL ? step : "");
    return get_place(environment, "SLURM_PROCID", slurm_size_name(environment), placement, message);
}

/* The length of NAME in a stateful set's host name, NAME-ORDINAL; 0 if it is none. Kubernetes may
 * append a domain. */
static size_t stateful_name_size(const char *host, uint64_t *ordinal)
{
    const size_t size = strcspn(host, ".");
    const char *const dash = memrchr(host, '-', size);
    if (dash == NULL || dash == host ||
        !nd_number_parse(dash + 1, size - (size_t)(dash - host) - 1, UINT_MAX, ordinal) ||
        !nd_is_host_name(host, (size_t)(dash - host)))
        return 0;
    return (size_t)(dash - host);
}

static nd_err find_kubernetes(const nd_environment *environment, nd_placement *placement,
                              nd_message *message)
{
    uint64_t ordinal = 0;
    const char *host, *n = get(environment, "NEREID_PROCESSES");
    placement->starter = ND_STARTED_BY_KUBERNETES;
    placement->starter_name = "Kubernetes";
    ND_TRY(get_text(environment, "HOSTNAME", &host, message));
    ND_TRY(parse("NEREID_PROCESSES", n, 1, ND_MAX_PROCESSES, &placement->n_processes, message));
    const size_t size = stateful_name_size(host, &ordinal);
    if (size == 0 || ordinal >= placement->n_processes)
        return nd_message_set(message, ND_USAGE,
                              "the host's name, %.100s, does not end in -0 to -%u, as that of a "
                              "stateful set of NEREID_PROCESSES=%u would",
                              host, placement->n_processes - 1, placement->n_processes);
    placement->process = (unsigned)ordinal;
    name_job(placement, "Kubernetes %.*s.%s %u", (int)size, host,
             get(environment, "NEREID_SERVICE"), placement->n_processes);
    return ND_OK;
}

static nd_err find(const nd_environment *environment, nd_placement *placement, nd_message *message)
{
    if (get(environment, "NEREID_RENDEZVOUS") != NULL)
        return find_launcher(environment, placement, message);
    if (get(environment, "OMPI_COMM_WORLD_RANK") != NULL)
        return find_open_mpi(environment, placement, message);
    if (is_slurm_task(environment))
        return find_slurm(environment, placement, message);
    if (get(environment, "NEREID_PROCESSES") != NULL && get(environment, "NEREID_SERVICE") != NULL)
        return find_kubernetes(environment, placement, message);
    return ND_OK;
}

nd_err nd_placement_find(const nd_environment *environment, nd_placement *placement,
                         nd_message *message)
{
    nd_placement found = {.starter_name = "nobody", .n_processes = 1};
    ND_TRY(find(environment, &found, message));
    if (found.n_processes == 1 && found.starter != ND_STARTED_BY_LAUNCHER)
        found = (nd_placement){.starter_name = "nobody", .n_processes = 1};
    *placement = found;
    return ND_OK;
}

/* --- Addresses --- */

static nd_err no_memory(nd_err err, nd_message *message)
{
    return err == ND_NOMEM ? nd_message_set(message, err, "%s", nd_err_text(err)) : err;
}

/* Tasks are numbered machine by machine, which Slurm does unless it was told otherwise. */
static nd_err check_slurm_order(const nd_environment *environment, const nd_slurm_node *nodes,
                                unsigned process, nd_message *message)
{
    unsigned node = 0, told = 0;
    const char *const text = get(environment, "SLURM_NODEID");
    for (; process >= nodes[node].n_tasks; node++)
        process -= nodes[node].n_tasks;
    if (text == NULL)
        return ND_OK;
    ND_TRY(parse("SLURM_NODEID", text, 0, UINT_MAX, &told, message));
    return told == node ? ND_OK
                        : nd_message_set(message, ND_USAGE,
                                         "Slurm has not numbered the tasks machine by machine: add "
                                         "--distribution=block to srun");
}

/* Ports are the job's, not the step's: what is found out in one step, by the doctor or by whoever
 * opens a firewall, is true for the next. */
static unsigned first_slurm_port(const nd_environment *environment)
{
    nd_placement all_steps = {.n_processes = 1};
    const char *const job = get_either(environment, "SLURM_JOB_ID", "SLURM_JOBID");
    name_job(&all_steps, "Slurm %s", job != NULL ? job : "");
    return FIRST_PORT + (unsigned)(all_steps.job[0] % (N_PORTS - ND_MAX_PROCESSES));
}

static nd_err add_slurm_nodes(const nd_slurm_node *nodes, unsigned n_nodes, unsigned base,
                              nd_addresses *addresses)
{
    nd_addresses_deinit(addresses);
    for (unsigned i = 0; i < n_nodes; i++)
        for (unsigned k = 0; k < nodes[i].n_tasks; k++)
            ND_TRY(nd_addresses_add(addresses, "tcp://%s:%u", nodes[i].name, base + k));
    return ND_OK;
}

static nd_err find_slurm_addresses(const nd_environment *environment, nd_placement *placement,
                                   nd_addresses *addresses, nd_message *message)
{
    unsigned n_nodes;
    nd_slurm_node nodes[ND_MAX_PROCESSES];
    const char *const step_list = get(environment, "SLURM_STEP_NODELIST");
    const char *list = step_list, *tasks = get(environment, "SLURM_STEP_TASKS_PER_NODE");
    if (list == NULL)
        ND_TRY(get_text(environment, "SLURM_JOB_NODELIST", &list, message));
    if (tasks == NULL)
        tasks = get(environment, "SLURM_TASKS_PER_NODE");
    ND_TRY(nd_slurm_parse_nodes(list, nodes, &n_nodes, message));
    ND_TRY(nd_slurm_parse_tasks(tasks, nodes, n_nodes, placement->n_processes, message));
    ND_TRY(check_slurm_order(environment, nodes, placement->process, message));
    placement->is_shared = nodes[0].n_tasks == placement->n_processes;
    if (placement->is_shared)
        return ND_OK;
    return no_memory(add_slurm_nodes(nodes, n_nodes, first_slurm_port(environment), addresses),
                     message);
}

static nd_err add_stateful_set(const char *host, const char *service, unsigned port, unsigned n,
                               nd_addresses *addresses)
{
    uint64_t ordinal;
    const int size = (int)stateful_name_size(host, &ordinal);
    nd_addresses_deinit(addresses);
    for (unsigned i = 0; i < n; i++)
        ND_TRY(nd_addresses_add(addresses, "tcp://%.*s-%u.%s:%u", size, host, i, service, port));
    return ND_OK;
}

static nd_err find_kubernetes_addresses(const nd_environment *environment,
                                        const nd_placement *placement, nd_addresses *addresses,
                                        nd_message *message)
{
    unsigned port = KUBERNETES_PORT;
    const char *const text = get(environment, "NEREID_PORT");
    const char *const service = get(environment, "NEREID_SERVICE");
    if (text != NULL)
        ND_TRY(parse("NEREID_PORT", text, 1, MOST_PORT, &port, message));
    if (!nd_is_host_name(service, strlen(service)))
        return nd_message_set(message, ND_USAGE,
                              "the environment says NEREID_SERVICE=%.100s, which is not a name",
                              service);
    return no_memory(add_stateful_set(get(environment, "HOSTNAME"), service, port,
                                      placement->n_processes, addresses),
                     message);
}

nd_err nd_placement_find_addresses(const nd_environment *environment, nd_placement *placement,
                                   nd_addresses *addresses, nd_message *message)
{
    switch (placement->starter) {
    case ND_STARTED_ALONE:
        break;
    case ND_STARTED_BY_LAUNCHER:
        return no_memory(
            nd_addresses_in_directory(addresses, placement->directory, placement->n_processes),
            message);
    case ND_STARTED_BY_SLURM:
        return find_slurm_addresses(environment, placement, addresses, message);
    case ND_STARTED_BY_OPEN_MPI:
        if (placement->is_shared)
            break;
        return nd_message_set(
            message, ND_USAGE,
            "Open MPI has started processes on several machines and does not "
            "say which: list a host:port for each in a file and add --hosts FILE");
    case ND_STARTED_BY_KUBERNETES:
        return find_kubernetes_addresses(environment, placement, addresses, message);
    }
    return ND_OK;
}

/* --- The process's own environment --- */

/* A pod's name is its host's name, whatever shell has or has not exported it. */
static const char *get_own(void *context, const char *name)
{
    const char *const value = getenv(name);
    char *const host = context;
    if (value != NULL || strcmp(name, "HOSTNAME") != 0)
        return value;
    return gethostname(host, HOST_NAME_MAX + 1) == 0 ? host : NULL;
}

nd_environment nd_environment_system(char host[HOST_NAME_MAX + 1])
{
    return (nd_environment){.get = get_own, .context = host, .variables = environ};
}
