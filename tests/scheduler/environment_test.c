/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environments as tables: the place that each gives, and the words for those that give none.
 */
#include "scheduler/place/environment.h"

#include <stdio.h>
#include <string.h>

#include "scheduler/launch/child_environment.h"
#include "scheduler/place/addresses.h"
#include "scheduler/place/options.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { MOST_VARIABLES = 12, MOST_SHOWN = 4 };

typedef struct variable {
    const char *name, *value;
} variable;

/* A table ends with a variable without a name. */
static const char *look_up(void *context, const char *name)
{
    for (const variable *one = context; one->name != NULL; one++)
        if (strcmp(one->name, name) == 0)
            return one->value;
    return NULL;
}

static nd_environment environment_of(variable *variables)
{
    return (nd_environment){.get = look_up, .context = variables};
}

/* The place and its addresses, in one go. */
static nd_err place(variable *variables, nd_placement *placement, nd_addresses *addresses,
                    nd_message *message)
{
    const nd_environment environment = environment_of(variables);
    ND_TRY(nd_placement_find(&environment, placement, message));
    return nd_placement_find_addresses(&environment, placement, addresses, message);
}

/* --- Places --- */

#define JOB "00112233445566778899aabbccddeeff"

#define LAUNCHED(process, n)                                                                       \
    {"NEREID_PROCESS", process}, {"NEREID_PROCESSES", n}, {"NEREID_RENDEZVOUS", "/run/d"},         \
    {                                                                                              \
        "NEREID_JOB", JOB                                                                          \
    }

#define OPEN_MPI(rank, n, here)                                                                    \
    {"OMPI_COMM_WORLD_RANK", rank}, {"OMPI_COMM_WORLD_SIZE", n},                                   \
    {                                                                                              \
        "OMPI_COMM_WORLD_LOCAL_SIZE", here                                                         \
    }

#define SLURM(rank, n)                                                                             \
    {"SLURM_PROCID", rank}, {"SLURM_NTASKS", n}, {"SLURM_JOB_ID", "7"}, { "SLURM_STEP_ID", "0" }

#define POD(name, n)                                                                               \
    {"HOSTNAME", name}, {"NEREID_PROCESSES", n}, { "NEREID_SERVICE", "peers" }

typedef struct place_case {
    const char *name;
    variable variables[MOST_VARIABLES];
    nd_starter starter;
    unsigned process, n_processes;
    bool is_shared;
    const char *addresses[MOST_SHOWN]; /* the first ones; a port P stands for any */
} place_case;

static place_case places[] = {
    {"nothing", {{NULL, NULL}}, ND_STARTED_ALONE, 0, 1, false, {NULL}},
    {"empty variables",
     {{"SLURM_PROCID", ""}, {"NEREID_RENDEZVOUS", ""}},
     ND_STARTED_ALONE,
     0,
     1,
     false,
     {NULL}},
    {"launched",
     {LAUNCHED("1", "3")},
     ND_STARTED_BY_LAUNCHER,
     1,
     3,
     false,
     {"ipc:///run/d/0", "ipc:///run/d/1", "ipc:///run/d/2"}},
    {"launched alone",
     {LAUNCHED("0", "1")},
     ND_STARTED_BY_LAUNCHER,
     0,
     1,
     false,
     {"ipc:///run/d/0"}},
    {"launched inside Slurm",
     {SLURM("0", "9"), LAUNCHED("1", "2")},
     ND_STARTED_BY_LAUNCHER,
     1,
     2,
     false,
     {"ipc:///run/d/0"}},
    {"one machine of Open MPI's",
     {OPEN_MPI("2", "4", "4")},
     ND_STARTED_BY_OPEN_MPI,
     2,
     4,
     true,
     {NULL}},
    {"Open MPI's only one", {OPEN_MPI("0", "1", "1")}, ND_STARTED_ALONE, 0, 1, false, {NULL}},
    {"Open MPI inside Slurm",
     {SLURM("0", "1"), OPEN_MPI("1", "2", "2")},
     ND_STARTED_BY_OPEN_MPI,
     1,
     2,
     true,
     {NULL}},
    {"one machine of Slurm's",
     {SLURM("3", "4"), {"SLURM_JOB_NODELIST", "n1"}},
     ND_STARTED_BY_SLURM,
     3,
     4,
     true,
     {NULL}},
    {"the machine that has all tasks",
     {SLURM("1", "2"), {"SLURM_JOB_NODELIST", "n[1-2]"}, {"SLURM_STEP_TASKS_PER_NODE", "2,0"}},
     ND_STARTED_BY_SLURM,
     1,
     2,
     true,
     {NULL}},
    {"Slurm's only one",
     {SLURM("0", "1"), {"SLURM_JOB_NODELIST", "n1"}},
     ND_STARTED_ALONE,
     0,
     1,
     false,
     {NULL}},
    {"a batch script",
     {{"SLURM_PROCID", "0"},
      {"SLURM_NTASKS", "4"},
      {"SLURM_JOB_NODELIST", "n[1-4]"},
      {"ENVIRONMENT", "BATCH"}},
     ND_STARTED_ALONE,
     0,
     1,
     false,
     {NULL}},
    {"a step of a batch script",
     {SLURM("1", "2"), {"SLURM_JOB_NODELIST", "n[1-2]"}, {"ENVIRONMENT", "BATCH"}},
     ND_STARTED_BY_SLURM,
     1,
     2,
     false,
     {"tcp://n1:P+0", "tcp://n2:P+0"}},
    {"machines of Slurm's, two tasks each",
     {SLURM("3", "4"), {"SLURM_JOB_NODELIST", "n[01-02]"}, {"SLURM_TASKS_PER_NODE", "2(x2)"}},
     ND_STARTED_BY_SLURM,
     3,
     4,
     false,
     {"tcp://n01:P+0", "tcp://n01:P+1", "tcp://n02:P+0", "tcp://n02:P+1"}},
    {"a step counts before its job",
     {SLURM("1", "8"),
      {"SLURM_STEP_NUM_TASKS", "2"},
      {"SLURM_JOB_NODELIST", "n[1-8]"},
      {"SLURM_STEP_NODELIST", "n[3,5]"},
      {"SLURM_STEP_TASKS_PER_NODE", "1(x2)"},
      {"SLURM_TASKS_PER_NODE", "1(x8)"}},
     ND_STARTED_BY_SLURM,
     1,
     2,
     false,
     {"tcp://n3:P+0", "tcp://n5:P+0"}},
    {"machine by machine, as Slurm says",
     {SLURM("2", "3"),
      {"SLURM_JOB_NODELIST", "n[1-2]"},
      {"SLURM_TASKS_PER_NODE", "2,1"},
      {"SLURM_NODEID", "1"}},
     ND_STARTED_BY_SLURM,
     2,
     3,
     false,
     {"tcp://n1:P+0", "tcp://n1:P+1", "tcp://n2:P+0"}},
    {"a stateful set",
     {POD("web-2", "3")},
     ND_STARTED_BY_KUBERNETES,
     2,
     3,
     false,
     {"tcp://web-0.peers:2100", "tcp://web-1.peers:2100", "tcp://web-2.peers:2100"}},
    {"its name and port",
     {POD("my-set-10.peers.svc", "11"), {"NEREID_PORT", "99"}},
     ND_STARTED_BY_KUBERNETES,
     10,
     11,
     false,
     {"tcp://my-set-0.peers:99"}},
    {"a pod alone", {POD("web-0", "1")}, ND_STARTED_ALONE, 0, 1, false, {NULL}},
};

/* Whether an address is as expected; `*port` is the P of this list, 0 before it is known. */
static bool fits(const char *address, const char *expected, unsigned *port)
{
    unsigned found, offset;
    const char *const variable_port = strstr(expected, ":P+");
    if (variable_port == NULL)
        return strcmp(address, expected) == 0;
    const size_t size = (size_t)(variable_port - expected);
    if (strncmp(address, expected, size) != 0 || sscanf(address + size, ":%u", &found) != 1 ||
        sscanf(variable_port, ":P+%u", &offset) != 1)
        return false;
    if (*port == 0)
        *port = found - offset;
    return *port >= 20000 && *port + offset < 30000 && found == *port + offset;
}

static void each_environment_gives_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        place_case *const one = &places[i];
        unsigned port = 0;
        nd_placement placement;
        nd_addresses found = {.items = NULL};
        nd_message message = {""};
        if (place(one->variables, &placement, &found, &message) != ND_OK)
            fail_msg("%s: %s", one->name, message.text);
        if (placement.starter != one->starter || placement.process != one->process ||
            placement.n_processes != one->n_processes || placement.is_shared != one->is_shared ||
            found.n != (one->addresses[0] != NULL ? one->n_processes : 0))
            fail_msg("%s: process %u of %u, started by %s, with %u addresses", one->name,
                     placement.process, placement.n_processes, placement.starter_name, found.n);
        for (unsigned k = 0; k < MOST_SHOWN && one->addresses[k] != NULL; k++)
            if (!fits(found.items[k], one->addresses[k], &port))
                fail_msg("%s: %s is not %s", one->name, found.items[k], one->addresses[k]);
        nd_addresses_deinit(&found);
    }
}

typedef struct wrong_case {
    variable variables[MOST_VARIABLES];
    const char *expected; /* in the message */
} wrong_case;

static wrong_case wrongs[] = {
    {{LAUNCHED("3", "3")}, "NEREID_PROCESS=3, which is not a number from 0 to 2"},
    {{LAUNCHED("-1", "3")}, "NEREID_PROCESS=-1"},
    {{LAUNCHED("x", "3")}, "NEREID_PROCESS=x"},
    {{LAUNCHED("0", "0")}, "NEREID_PROCESSES=0"},
    {{LAUNCHED("0", "129")}, "NEREID_PROCESSES=129, which is not a number from 1 to 128"},
    {{{"NEREID_RENDEZVOUS", "/d"}}, "lacks NEREID_PROCESS"},
    {{{"NEREID_RENDEZVOUS", "/d"}, {"NEREID_PROCESS", "0"}, {"NEREID_PROCESSES", "2"}},
     "lacks NEREID_JOB"},
    {{{"NEREID_RENDEZVOUS", "d"}, LAUNCHED("0", "2")}, "NEREID_RENDEZVOUS=d"},
    {{{"NEREID_RENDEZVOUS",
       "/1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
       "90123456789012345"},
      LAUNCHED("0", "2")},
     "at most 103 bytes"},
    {{{"NEREID_JOB", "12"}, LAUNCHED("0", "2")}, "NEREID_JOB=12"},
    {{{"NEREID_JOB", JOB "0"}, LAUNCHED("0", "2")}, "not 32 hexadecimal digits"},
    {{{"NEREID_JOB", "0x112233445566778899aabbccddeeff"}, LAUNCHED("0", "2")}, "NEREID_JOB=0x"},
    {{{"OMPI_COMM_WORLD_RANK", "0"}}, "lacks OMPI_COMM_WORLD_SIZE"},
    {{OPEN_MPI("4", "4", "4")}, "OMPI_COMM_WORLD_RANK=4"},
    {{OPEN_MPI("0", "4", "x")}, "OMPI_COMM_WORLD_LOCAL_SIZE=x"},
    {{OPEN_MPI("0", "4", "2")}, "add --hosts FILE"},
    {{SLURM("0", "x")}, "SLURM_NTASKS=x"},
    {{SLURM("0", "2"), {"SLURM_STEP_NUM_TASKS", "y"}}, "SLURM_STEP_NUM_TASKS=y"},
    {{SLURM("0", "2")}, "lacks SLURM_JOB_NODELIST"},
    {{SLURM("0", "2"), {"SLURM_JOB_NODELIST", "n["}}, "list of machines is not understood: 'n['"},
    {{SLURM("0", "2"), {"SLURM_JOB_NODELIST", "n1,n2"}, {"SLURM_TASKS_PER_NODE", "3"}},
     "list of tasks is not understood: '3'"},
    {{SLURM("0", "2"), {"SLURM_JOB_NODELIST", "n1,n2"}, {"SLURM_NODEID", "1"}},
     "--distribution=block"},
    {{SLURM("0", "2"), {"SLURM_JOB_NODELIST", "n1,n2"}, {"SLURM_NODEID", "a"}}, "SLURM_NODEID=a"},
    {{POD("web", "2")}, "the host's name, web, does not end in -0 to -1"},
    {{POD("-1", "2")}, "the host's name"},
    {{POD("web-2", "2")}, "the host's name"},
    {{POD("web-", "2")}, "the host's name"},
    {{POD("web-0x", "2")}, "the host's name"},
    {{{"NEREID_PROCESSES", "2"}, {"NEREID_SERVICE", "s"}}, "lacks HOSTNAME"},
    {{POD("web-0", "2"), {"NEREID_PORT", "0"}}, "NEREID_PORT=0"},
    {{{"NEREID_SERVICE", "a b"}, POD("web-0", "2")}, "NEREID_SERVICE=a b"},
};

static void nonsense_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        nd_placement placement;
        nd_addresses found = {.items = NULL};
        nd_message message = {""};
        assert_int_equal(place(wrongs[i].variables, &placement, &found, &message), ND_USAGE);
        if (strstr(message.text, wrongs[i].expected) == NULL)
            fail_msg("'%s' is not in '%s'", wrongs[i].expected, message.text);
        assert_int_equal(found.n, 0);
    }
}

/* --- Jobs --- */

static void job_of(variable *variables, uint64_t job[2])
{
    nd_placement placement;
    nd_message message = {""};
    const nd_environment environment = environment_of(variables);
    if (nd_placement_find(&environment, &placement, &message) != ND_OK)
        fail_msg("%s", message.text);
    memcpy(job, placement.job, sizeof placement.job);
}

static void a_launchers_job_is_its_own(void **state)
{
    (void)state;
    uint64_t job[2];
    variable variables[] = {LAUNCHED("1", "3"), {NULL, NULL}};
    job_of(variables, job);
    assert_int_equal(job[0], UINT64_C(0x0011223344556677));
    assert_int_equal(job[1], UINT64_C(0x8899aabbccddeeff));
}

/* Ranks of a job have its name; another job has another. */
static void ranks_agree_on_the_job_and_jobs_differ(void **state)
{
    (void)state;
    static variable same[][2][MOST_VARIABLES] = {
        {{OPEN_MPI("0", "4", "4"), {"PMIX_NAMESPACE", "x.1"}},
         {OPEN_MPI("3", "4", "4"), {"PMIX_NAMESPACE", "x.1"}}},
        {{OPEN_MPI("0", "4", "4"), {"OMPI_MCA_ess_base_jobid", "77"}},
         {OPEN_MPI("3", "4", "4"), {"OMPI_MCA_ess_base_jobid", "77"}}},
        {{SLURM("0", "2")}, {SLURM("1", "2")}},
        {{POD("web-0", "2")}, {POD("web-1", "2")}},
    };
    static variable others[][MOST_VARIABLES] = {
        {OPEN_MPI("0", "4", "4"), {"PMIX_NAMESPACE", "x.2"}},
        {{"SLURM_STEP_ID", "1"}, SLURM("0", "2")},
        {{"SLURM_JOB_ID", "8"}, SLURM("0", "2")},
        {POD("other-0", "2")},
        {{"NEREID_SERVICE", "others"}, POD("web-0", "2")},
    };
    enum { N_SAME = sizeof same / sizeof *same, N_OTHERS = sizeof others / sizeof *others };
    uint64_t jobs[N_SAME + N_OTHERS][2], job[2];
    for (size_t i = 0; i < N_SAME; i++) {
        job_of(same[i][0], jobs[i]);
        job_of(same[i][1], job);
        assert_memory_equal(jobs[i], job, sizeof job);
    }
    for (size_t i = 0; i < N_OTHERS; i++)
        job_of(others[i], jobs[N_SAME + i]);
    for (size_t i = 0; i < N_SAME + N_OTHERS; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(jobs[i][0] != jobs[k][0] && jobs[i][1] != jobs[k][1]);
}

static void addresses_of(variable *variables, nd_addresses *found)
{
    nd_placement placement;
    nd_message message = {""};
    if (place(variables, &placement, found, &message) != ND_OK)
        fail_msg("%s", message.text);
}

/* What one step of a job finds out about ports (the doctor) is true for the next. */
static void steps_of_a_slurm_job_use_the_same_ports_and_jobs_others(void **state)
{
    (void)state;
    variable steps[][MOST_VARIABLES] = {
        {{"SLURM_STEP_ID", "0"}, SLURM("0", "2"), {"SLURM_JOB_NODELIST", "n[1-2]"}},
        {{"SLURM_STEP_ID", "1"}, SLURM("1", "2"), {"SLURM_JOB_NODELIST", "n[1-2]"}},
        {{"SLURM_JOB_ID", "8"}, SLURM("0", "2"), {"SLURM_JOB_NODELIST", "n[1-2]"}},
    };
    nd_addresses found[3] = {{.items = NULL}};
    for (unsigned i = 0; i < 3; i++)
        addresses_of(steps[i], &found[i]);
    assert_string_equal(found[0].items[1], found[1].items[1]);
    assert_string_not_equal(found[0].items[1], found[2].items[1]);
    for (unsigned i = 0; i < 3; i++)
        nd_addresses_deinit(&found[i]);
}

/* --- Options in the environment --- */

static void variables_stand_for_options(void **state)
{
    (void)state;
    nd_options options;
    nd_message message = {""};
    variable variables[] = {{"NEREID_WORKERS", "3"},
                            {"NEREID_HOSTS", "h"},
                            {"NEREID_PROCESS", "2"},
                            {"NEREID_SECRET", "s"},
                            {"NEREID_TIMEOUT", "5"},
                            {"NEREID_STALL", "6"},
                            {NULL, NULL}};
    nd_environment environment = environment_of(variables);
    assert_int_equal(nd_options_from_environment(&environment, &options, &message), ND_OK);
    assert_int_equal(options.n_workers, 3);
    assert_string_equal(options.hosts, "h");
    assert_true(options.has_process);
    assert_int_equal(options.process, 2);
    assert_string_equal(options.secret, "s");
    assert_int_equal(options.timeout_s, 5);
    assert_int_equal(options.stall_s, 6);
    assert_int_equal(options.n_processes, 0);
    variables[1].value = ""; /* as if it was not there */
    assert_int_equal(nd_options_from_environment(&environment, &options, &message), ND_OK);
    assert_null(options.hosts);
    variables[0].value = "257";
    assert_int_equal(nd_options_from_environment(&environment, &options, &message), ND_USAGE);
    assert_string_equal(message.text,
                        "NEREID_WORKERS takes a whole number from 1 to 256, not '257'");
}

static void a_letter_too_many_or_too_few_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *meant;
    } cases[] = {
        {"NEREID_HOST=h", "NEREID_HOSTS"},
        {"NEREID_HOSTSS=", "NEREID_HOSTS"},
        {"EREID_STALL=1", "NEREID_STALL"},
        {"NEREIDPORT", "NEREID_PORT"},
        {"NEREID_PORT_=1", "NEREID_PORT"},
        {"NEREID_HOSTS=h", NULL},
        {"NEREID_SERVICE_HOST=10.0.0.1", NULL},
        {"NEREID_DATA=/data", NULL},
        {"NEREID_PROCESS=1", NULL},
        {"=", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        char *variables[] = {text, NULL};
        nd_message message = {""};
        const nd_environment environment = {.variables = variables};
        (void)snprintf(text, sizeof text, "%s", cases[i].variable);
        const nd_err err = nd_environment_check_names(&environment, &message);
        assert_int_equal(err, cases[i].meant != NULL ? ND_USAGE : ND_OK);
        if (err != ND_OK && strstr(message.text, cases[i].meant) == NULL)
            fail_msg("%s is not in '%s'", cases[i].meant, message.text);
    }
}

/* --- What a launcher writes --- */

/* The value of a variable, which must be there once. */
static const char *value_in(char *const *items, const char *name)
{
    const char *value = NULL;
    const size_t size = strlen(name);
    for (; *items != NULL; items++)
        if (strncmp(*items, name, size) == 0 && (*items)[size] == '=') {
            assert_null(value);
            value = *items + size + 1;
        }
    return value;
}

static void a_child_is_told_its_place_and_nobody_elses(void **state)
{
    (void)state;
    char path[] = "PATH=/bin", process[] = "NEREID_PROCESS=9", hosts[] = "NEREID_HOSTS=h",
         workers[] = "NEREID_WORKERS=9", stall[] = "NEREID_STALL=9", job[] = "NEREID_JOB=0",
         like[] = "NEREID_PROCESSOR=x", bare[] = "BARE";
    char *own[] = {path, process, hosts, workers, stall, job, like, bare, NULL};
    const nd_config config = {.n_processes = 12, .n_workers = 2, .timeout_s = 5, .secret = "k=y"};
    const nd_launch_terms terms = {.config = &config,
                                   .job = {1, UINT64_C(0xabcdef0000000000)},
                                   .directory = "/run/d",
                                   .launcher = 4711,
                                   .report = 3};
    nd_child_environment child;
    assert_int_equal(nd_child_environment_init(&child, own, &terms), ND_OK);
    nd_child_environment_set_process(&child, 11);
    assert_string_equal(value_in(child.items, "NEREID_PROCESS"), "11");
    assert_string_equal(value_in(child.items, "NEREID_PROCESSES"), "12");
    assert_string_equal(value_in(child.items, "NEREID_RENDEZVOUS"), "/run/d");
    assert_string_equal(value_in(child.items, "NEREID_JOB"), "0000000000000001abcdef0000000000");
    assert_string_equal(value_in(child.items, "NEREID_LAUNCHER"), "4711");
    assert_string_equal(value_in(child.items, "NEREID_REPORT"), "3");
    assert_string_equal(value_in(child.items, "NEREID_WORKERS"), "2");
    assert_string_equal(value_in(child.items, "NEREID_TIMEOUT"), "5");
    assert_string_equal(value_in(child.items, "NEREID_SECRET"), "k=y");
    assert_string_equal(value_in(child.items, "NEREID_STALL"), "9");
    assert_string_equal(value_in(child.items, "NEREID_PROCESSOR"), "x");
    assert_string_equal(value_in(child.items, "PATH"), "/bin");
    assert_null(value_in(child.items, "NEREID_HOSTS"));
    nd_child_environment_deinit(&child);
}

static const char *look_up_child(void *context, const char *name)
{
    return value_in(((nd_child_environment *)context)->items, name);
}

static void what_a_launcher_writes_a_process_reads(void **state)
{
    (void)state;
    char *own[] = {NULL};
    const nd_config config = {.n_processes = ND_MAX_LAUNCHED};
    const nd_launch_terms terms = {
        .config = &config, .job = {UINT64_MAX, 5}, .directory = "/d", .launcher = 1, .report = 3};
    nd_child_environment child;
    nd_placement placement;
    nd_message message = {""};
    const nd_environment environment = {.get = look_up_child, .context = &child};
    assert_int_equal(nd_child_environment_init(&child, own, &terms), ND_OK);
    for (unsigned i = 0; i < config.n_processes; i++) {
        nd_child_environment_set_process(&child, i);
        assert_int_equal(nd_placement_find(&environment, &placement, &message), ND_OK);
        assert_int_equal(placement.starter, ND_STARTED_BY_LAUNCHER);
        assert_int_equal(placement.process, i);
        assert_int_equal(placement.n_processes, config.n_processes);
        assert_memory_equal(placement.job, terms.job, sizeof terms.job);
        assert_string_equal(placement.directory, "/d");
    }
    nd_child_environment_deinit(&child);
}

/* --- Memory --- */

static nd_err attempt(void *arg)
{
    char *own[] = {NULL};
    const nd_config config = {.n_processes = 2};
    const nd_launch_terms terms = {.config = &config, .directory = "/d"};
    nd_child_environment child;
    nd_placement placement;
    nd_addresses found = {.items = NULL};
    nd_message message = {""};
    nd_err err = nd_child_environment_init(&child, own, &terms);
    if (err == ND_OK) {
        err = place(arg, &placement, &found, &message);
        assert_true(err == ND_OK || message.text[0] != '\0');
    }
    nd_addresses_deinit(&found);
    nd_child_environment_deinit(&child);
    return err;
}

static void memory_that_fails_is_told(void **state)
{
    (void)state;
    variable launched[] = {LAUNCHED("1", "3"), {NULL, NULL}};
    variable slurm[] = {SLURM("1", "3"), {"SLURM_JOB_NODELIST", "n[1-3]"}, {NULL, NULL}};
    variable pod[] = {POD("web-0", "3"), {NULL, NULL}};
    assert_in_range(failing_memory_sweep(attempt, launched), 6, 20);
    assert_in_range(failing_memory_sweep(attempt, slurm), 6, 20);
    assert_in_range(failing_memory_sweep(attempt, pod), 6, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_environment_gives_its_place),
        cmocka_unit_test(nonsense_is_refused_by_name),
        cmocka_unit_test(a_launchers_job_is_its_own),
        cmocka_unit_test(ranks_agree_on_the_job_and_jobs_differ),
        cmocka_unit_test(steps_of_a_slurm_job_use_the_same_ports_and_jobs_others),
        cmocka_unit_test(variables_stand_for_options),
        cmocka_unit_test(a_letter_too_many_or_too_few_is_noticed),
        cmocka_unit_test(a_child_is_told_its_place_and_nobody_elses),
        cmocka_unit_test(what_a_launcher_writes_a_process_reads),
        cmocka_unit_test(memory_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
