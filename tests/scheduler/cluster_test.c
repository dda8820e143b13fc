/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options, hosts files and the process's own environment put together.
 */
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <nereid/cluster.h>

#include "scheduler/place/private_directory.h"
#include "tests/support/failing_memory.h"

enum { MOST_WORDS = 16, TEXT_SIZE = 512 };

/* --- Options --- */

/* Arguments made from text, blanks between; "''" is an empty one. */
typedef struct arguments {
    char text[TEXT_SIZE];
    char *argv[MOST_WORDS];
} arguments;

static void split(const char *text, arguments *to)
{
    size_t n = 0;
    char *rest = to->text;
    (void)snprintf(to->text, sizeof to->text, "%s", text);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        to->argv[n++] = strcmp(word, "''") == 0 ? word + 2 : word;
    to->argv[n] = NULL;
}

static void join(char *const *argv, char text[TEXT_SIZE])
{
    size_t size = 0;
    text[0] = '\0';
    for (; *argv != NULL; argv++)
        size +=
            (size_t)snprintf(text + size, TEXT_SIZE - size, "%s%s", size != 0 ? " " : "", *argv);
}

static void options_are_taken_out(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after;
        nd_options expected;
    } cases[] = {
        {"p", "p", {0}},
        {"p a b", "p a b", {0}},
        {"p -w 3 a", "p a", {.n_workers = 3}},
        {"p a -w3 b", "p a b", {.n_workers = 3}},
        {"p -w=256", "p", {.n_workers = 256}},
        {"p -w 1 -w 2", "p", {.n_workers = 2}},
        {"p -n 4 -n64", "p", {.n_processes = 64}},
        {"p --timeout 5 --stall=7", "p", {.timeout_s = 5, .stall_s = 7}},
        {"p -words -n -w 2", NULL, {0}},
        {"p -words --timeouts -w 2", "p -words --timeouts", {.n_workers = 2}},
        {"p - -x", "p - -x", {0}},
        {"p -w 2 -- -w 3 -- a", "p -- -w 3 -- a", {.n_workers = 2}},
        {"p --", "p --", {0}},
        {"p a -p 0 b --hosts f c", "p a b c", {.hosts = "f", .has_process = true}},
        {"p -p127 --hosts=f=g", "p", {.hosts = "f=g", .process = 127, .has_process = true}},
        {"p --secret -w", "p", {.secret = "-w"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arguments given;
        char text[TEXT_SIZE];
        nd_options options = {0};
        nd_message message;
        const nd_options *const expected = &cases[i].expected;
        split(cases[i].before, &given);
        const nd_err err = nd_options_take(given.argv, &options, &message);
        assert_int_equal(err, cases[i].after != NULL ? ND_OK : ND_USAGE);
        if (err != ND_OK)
            continue;
        join(given.argv, text);
        assert_string_equal(text, cases[i].after);
        assert_int_equal(options.n_workers, expected->n_workers);
        assert_int_equal(options.n_processes, expected->n_processes);
        assert_int_equal(options.process, expected->process);
        assert_int_equal(options.has_process, expected->has_process);
        assert_int_equal(options.timeout_s, expected->timeout_s);
        assert_int_equal(options.stall_s, expected->stall_s);
        assert_string_equal(options.hosts != NULL ? options.hosts : "",
                            expected->hosts != NULL ? expected->hosts : "");
        assert_string_equal(options.secret != NULL ? options.secret : "",
                            expected->secret != NULL ? expected->secret : "");
    }
}

static void no_arguments_at_all_are_fine(void **state)
{
    (void)state;
    char *nothing[] = {NULL};
    nd_options options = {0};
    nd_message message;
    assert_int_equal(nd_options_take(nothing, &options, &message), ND_OK);
    assert_null(nothing[0]);
}

static void nonsense_is_refused_with_what_would_be_right(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"p -w", "-w needs a value: -w N"},
        {"p --hosts", "--hosts needs a value: --hosts FILE"},
        {"p -w 0", "-w takes a whole number from 1 to 256, not '0'"},
        {"p -w 257", "-w takes a whole number from 1 to 256, not '257'"},
        {"p -w -1", "-w takes a whole number from 1 to 256, not '-1'"},
        {"p -w +1", "-w takes a whole number from 1 to 256, not '+1'"},
        {"p -w ''", "-w takes a whole number from 1 to 256, not ''"},
        {"p -w2x", "-w takes a whole number from 1 to 256, not '2x'"},
        {"p -w --", "-w takes a whole number from 1 to 256, not '--'"},
        {"p -n 0", "-n takes a whole number from 1 to 64, not '0'"},
        {"p -n 65", "-n takes a whole number from 1 to 64, not '65'"},
        {"p -p 128 --hosts f", "-p takes a whole number from 0 to 127, not '128'"},
        {"p --timeout 0", "--timeout takes a whole number from 1 to 1000000, not '0'"},
        {"p --timeout=", "--timeout takes a whole number from 1 to 1000000, not ''"},
        {"p --stall 18446744073709551617",
         "--stall takes a whole number from 1 to 1000000, not '18446744073709551617'"},
        {"p --secret=", "--secret takes the name of a file, not an empty text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arguments given;
        nd_options options = {0};
        nd_message message = {""};
        split(cases[i][0], &given);
        assert_int_equal(nd_options_take(given.argv, &options, &message), ND_USAGE);
        assert_string_equal(message.text, cases[i][1]);
    }
}

/* --- Clusters --- */

/* Sets variables, NAME=VALUE with blanks between, after all that could matter are gone. */
static void set_environment(const char *text)
{
    static const char *const names[] = {"NEREID_PROCESS",
                                        "NEREID_PROCESSES",
                                        "NEREID_RENDEZVOUS",
                                        "NEREID_JOB",
                                        "NEREID_HOSTS",
                                        "NEREID_HOST",
                                        "NEREID_DATA",
                                        "NEREID_WORKERS",
                                        "NEREID_TIMEOUT",
                                        "NEREID_STALL",
                                        "NEREID_SECRET",
                                        "NEREID_SERVICE",
                                        "OMPI_COMM_WORLD_RANK",
                                        "OMPI_COMM_WORLD_SIZE",
                                        "SLURM_PROCID",
                                        "NEREID_LAUNCHER",
                                        "NEREID_REPORT",
                                        "HOSTNAME",
                                        "OMPI_COMM_WORLD_LOCAL_SIZE",
                                        "PMIX_NAMESPACE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(unsetenv(names[i]), 0);
    arguments given;
    split(text, &given);
    for (char **word = given.argv; *word != NULL; word++) {
        char *const equals = strchr(*word, '=');
        *equals = '\0';
        assert_int_equal(setenv(*word, equals + 1, 1), 0);
    }
}

static void write_hosts(const char *text)
{
    FILE *const file = fopen("cluster_hosts", "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static nd_err open_cluster(const char *environment, const char *words, nd_cluster *cluster,
                           arguments *given, nd_message *message)
{
    *message = (nd_message){""};
    set_environment(environment);
    split(words, given);
    return nd_cluster_open(cluster, given->argv, message);
}

#define LAUNCHED                                                                                   \
    "NEREID_PROCESS=1 NEREID_PROCESSES=2 NEREID_RENDEZVOUS=/d"                                     \
    " NEREID_JOB=00112233445566778899aabbccddeeff"
#define OPEN_MPI(rank, n, here)                                                                    \
    "OMPI_COMM_WORLD_RANK=" rank " OMPI_COMM_WORLD_SIZE=" n " OMPI_COMM_WORLD_LOCAL_SIZE=" here    \
    " PMIX_NAMESPACE=cluster_test"

static void options_and_environment_make_a_cluster(void **state)
{
    (void)state;
    const unsigned n_cores = uv_available_parallelism();
    static const struct {
        const char *environment, *words;
        unsigned process, n_processes, n_workers,
            n_sharing; /* if n_workers is 0 and others share */
        bool must_launch;
        const char *address; /* the last one */
    } cases[] = {
        {"", "p", 0, 1, 0, 0, false, NULL},
        {"", "p -w 3", 0, 1, 3, 0, false, NULL},
        {"NEREID_WORKERS=5", "p", 0, 1, 5, 0, false, NULL},
        {"NEREID_DATA=anything", "p", 0, 1, 0, 0, false, NULL},
        {"NEREID_WORKERS=5", "p -w 3", 0, 1, 3, 0, false, NULL},
        {"", "p -n 1", 0, 1, 0, 0, false, NULL},
        {"", "p -n 4 -w 2", 0, 4, 2, 0, true, NULL},
        {LAUNCHED, "p", 1, 2, 0, 2, false, "ipc:///d/1"},
        {LAUNCHED, "p -n 2", 1, 2, 0, 2, false, "ipc:///d/1"},
        {LAUNCHED, "p -w 9", 1, 2, 9, 0, false, "ipc:///d/1"},
        {"", "p --hosts cluster_hosts -p 2", 2, 3, 0, 2, false, "tcp://b:1"},
        {"NEREID_HOSTS=cluster_hosts NEREID_PROCESS=2", "p", 2, 3, 0, 2, false, "tcp://b:1"},
        {"NEREID_HOSTS=nowhere NEREID_PROCESS=0", "p -p 1 --hosts cluster_hosts", 1, 3, 0, 2, false,
         "tcp://b:1"},
        {"NEREID_HOSTS=cluster_hosts", "p -p 1", 1, 3, 0, 2, false, "tcp://b:1"},
        {"NEREID_PROCESS=1", "p --hosts cluster_hosts", 1, 3, 0, 2, false, "tcp://b:1"},
        {OPEN_MPI("1", "3", "1"), "p --hosts cluster_hosts", 1, 3, 0, 2, false, "tcp://b:1"},
        {OPEN_MPI("1", "3", "1"), "p --hosts cluster_hosts -p 2", 2, 3, 0, 2, false, "tcp://b:1"},
    };
    write_hosts("a:1\na:2\nb:1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nd_cluster cluster;
        arguments given;
        nd_message message;
        const nd_config *const config = &cluster.config;
        if (open_cluster(cases[i].environment, cases[i].words, &cluster, &given, &message) != ND_OK)
            fail_msg("%s %s: %s", cases[i].environment, cases[i].words, message.text);
        unsigned n_workers = cases[i].n_workers;
        if (cases[i].n_sharing != 0)
            n_workers = n_cores > cases[i].n_sharing ? n_cores / cases[i].n_sharing : 1;
        assert_int_equal(config->process, cases[i].process);
        assert_int_equal(config->n_processes, cases[i].n_processes);
        assert_int_equal(config->n_workers, n_workers);
        assert_int_equal(cluster.must_launch, cases[i].must_launch);
        assert_int_equal(config->addresses != NULL, cases[i].address != NULL);
        if (cases[i].address != NULL) {
            assert_string_equal(config->addresses[config->n_processes - 1], cases[i].address);
            assert_true((config->job[0] | config->job[1]) != 0);
        }
        char command[TEXT_SIZE];
        join(cluster.command, command);
        assert_string_equal(command, cases[i].words);
        assert_string_equal(given.argv[0], "p");
        assert_null(given.argv[1]);
        nd_cluster_close(&cluster);
    }
    assert_int_equal(unlink("cluster_hosts"), 0);
}

static void other_settings_are_handed_on(void **state)
{
    (void)state;
    nd_cluster cluster;
    arguments given;
    nd_message message;
    assert_int_equal(open_cluster("NEREID_TIMEOUT=8 NEREID_STALL=9 NEREID_SECRET=s",
                                  "p --timeout 7 -- -n 3", &cluster, &given, &message),
                     ND_OK);
    assert_int_equal(cluster.config.timeout_s, 7);
    assert_int_equal(cluster.config.stall_s, 9);
    assert_string_equal(cluster.config.secret, "s");
    assert_string_equal(given.argv[1], "--");
    nd_cluster_close(&cluster);
    assert_int_equal(nd_cluster_open(&cluster, NULL, &message), ND_OK);
    assert_int_equal(cluster.config.timeout_s, 8);
    assert_null(cluster.command);
    nd_cluster_close(&cluster);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *environment, *words, *expected;
        nd_err err;
    } cases[] = {
        {"", "p --hosts cluster_hosts", "--hosts needs -p INDEX", ND_USAGE},
        {"NEREID_HOSTS=cluster_hosts", "p", "NEREID_HOSTS needs -p INDEX", ND_USAGE},
        {"", "p -p 1", "-p 1 goes with --hosts FILE, which lists the processes", ND_USAGE},
        {"NEREID_PROCESS=1", "p", "NEREID_PROCESS 1 goes with --hosts FILE", ND_USAGE},
        {LAUNCHED, "p -p 1", "-p 1 goes with --hosts FILE", ND_USAGE},
        {"NEREID_HOSTS=cluster_hosts NEREID_PROCESS=3", "p",
         "NEREID_PROCESS 3: cluster_hosts lists processes 0 to 2", ND_USAGE},
        {"", "p -n 2 --hosts f -p 0",
         "-n starts processes on this machine, --hosts joins those in a file: leave one of them "
         "out",
         ND_USAGE},
        {"", "p --hosts cluster_hosts -p 3", "-p 3: cluster_hosts lists processes 0 to 2",
         ND_USAGE},
        {"", "p --hosts nowhere -p 0", "nowhere: ", ND_INPUT},
        {"NEREID_HOSTS=nowhere", "p -n 2",
         "-n starts processes on this machine, NEREID_HOSTS joins those in a file", ND_USAGE},
        {LAUNCHED " NEREID_HOSTS=cluster_hosts", "p", "leave NEREID_HOSTS out", ND_USAGE},
        {LAUNCHED, "p -n 3", "-n 3: the launcher has started 2 processes already", ND_USAGE},
        {LAUNCHED, "p --hosts cluster_hosts -p 1", "leave --hosts out", ND_USAGE},
        {OPEN_MPI("1", "2", "2"), "p -n 4", "-n 4: Open MPI has started 2 processes", ND_USAGE},
        {OPEN_MPI("1", "2", "2"), "p --hosts cluster_hosts",
         "Open MPI has started 2 processes, but cluster_hosts lists 3", ND_USAGE},
        {OPEN_MPI("1", "2", "1"), "p", "add --hosts FILE", ND_USAGE},
        {"NEREID_HOST=h", "p", "has NEREID_HOST, which means nothing: should it be NEREID_HOSTS?",
         ND_USAGE},
        {"NEREID_WORKERS=x", "p", "NEREID_WORKERS takes a whole number", ND_USAGE},
        {LAUNCHED " NEREID_LAUNCHER=x", "p", "NEREID_LAUNCHER=x", ND_USAGE},
        /* A process id that cannot be. */
        {LAUNCHED " NEREID_LAUNCHER=2147483647", "p", "the launcher, is gone", ND_CLOSED},
    };
    write_hosts("a:1\na:2\nb:1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nd_cluster cluster;
        arguments given;
        nd_message message;
        const nd_err err =
            open_cluster(cases[i].environment, cases[i].words, &cluster, &given, &message);
        assert_int_equal(err, cases[i].err);
        if (strstr(message.text, cases[i].expected) == NULL)
            fail_msg("'%s' is not in '%s'", cases[i].expected, message.text);
        nd_cluster_close(&cluster);
    }
    assert_int_equal(unlink("cluster_hosts"), 0);
}

static void the_same_hosts_are_the_same_job(void **state)
{
    (void)state;
    uint64_t jobs[4][2];
    static const char *const hosts[] = {"a:1\nb:1\n", "# the same\na:1\nb:1\n", "b:1\na:1\n",
                                        "a:1\nb:1\nc:1\n"};
    for (size_t i = 0; i < 4; i++) {
        nd_cluster cluster;
        arguments given;
        nd_message message;
        char words[64];
        write_hosts(hosts[i]);
        (void)snprintf(words, sizeof words, "p --hosts cluster_hosts -p %u", (unsigned)i % 2);
        assert_int_equal(open_cluster("", words, &cluster, &given, &message), ND_OK);
        memcpy(jobs[i], cluster.config.job, sizeof jobs[i]);
        nd_cluster_close(&cluster);
    }
    assert_int_equal(unlink("cluster_hosts"), 0);
    assert_memory_equal(jobs[0], jobs[1], sizeof jobs[0]);
    assert_memory_not_equal(jobs[0], jobs[2], sizeof jobs[0]);
    assert_memory_not_equal(jobs[0], jobs[3], sizeof jobs[0]);
    assert_memory_not_equal(jobs[2], jobs[3], sizeof jobs[0]);
}

/* --- Plans --- */

static void a_plan_is_the_same_without_taking_part(void **state)
{
    (void)state;
    static const struct {
        const char *environment;
        nd_options options;
        unsigned process, n_processes;
        bool is_placed, must_launch;
    } cases[] = {
        {"", {0}, 0, 1, false, false},
        {"", {.n_processes = 1}, 0, 1, false, false},
        {"", {.n_processes = 3}, 0, 3, false, true},
        {"", {.hosts = "cluster_hosts", .process = 2, .has_process = true}, 2, 3, true, false},
        {"NEREID_HOSTS=cluster_hosts NEREID_PROCESS=1", {0}, 1, 3, true, false},
        {"NEREID_HOSTS=cluster_hosts", {.process = 2, .has_process = true}, 2, 3, true, false},
        {OPEN_MPI("1", "2", "2"), {0}, 1, 2, true, false},
        {OPEN_MPI("0", "1", "1"), {0}, 0, 1, false, false},
        /* Whether this launcher lives is not asked. */
        {LAUNCHED " NEREID_LAUNCHER=2147483647", {.n_processes = 2}, 1, 2, true, false},
    };
    char place[] = "/tmp/cluster_test_XXXXXX";
    assert_non_null(mkdtemp(place));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", place, 1), 0);
    write_hosts("a:1\na:2\nb:1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nd_cluster cluster;
        nd_message message = {""};
        set_environment(cases[i].environment);
        if (nd_cluster_plan(&cluster, &cases[i].options, &message) != ND_OK)
            fail_msg("%s: %s", cases[i].environment, message.text);
        assert_int_equal(cluster.config.process, cases[i].process);
        assert_int_equal(cluster.config.n_processes, cases[i].n_processes);
        assert_int_equal(cluster.is_placed, cases[i].is_placed);
        assert_int_equal(cluster.must_launch, cases[i].must_launch);
        nd_cluster_close(&cluster);
    }
    assert_int_equal(unlink("cluster_hosts"), 0);
    assert_int_equal(rmdir(place), 0); /* nothing was made in it */
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

/* --- Directories that processes share --- */

static void processes_on_one_machine_share_a_directory(void **state)
{
    (void)state;
    nd_cluster clusters[2];
    arguments given;
    nd_message message;
    struct stat status;
    char place[] = "/tmp/cluster_test_XXXXXX";
    assert_non_null(mkdtemp(place));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", place, 1), 0);
    assert_int_equal(open_cluster(OPEN_MPI("0", "2", "2"), "p", &clusters[0], &given, &message),
                     ND_OK);
    assert_int_equal(open_cluster(OPEN_MPI("1", "2", "2"), "p", &clusters[1], &given, &message),
                     ND_OK);
    const char *const directory = clusters[0].directory;
    assert_string_equal(directory, clusters[1].directory);
    assert_memory_equal(directory, place, strlen(place));
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    for (unsigned i = 0; i < 2; i++)
        assert_string_equal(clusters[0].config.addresses[i], clusters[1].config.addresses[i]);
    assert_memory_equal(clusters[0].config.addresses[1] + 6, directory, strlen(directory));
    nd_cluster_close(&clusters[0]);
    nd_cluster_close(&clusters[1]);
    assert_int_equal(rmdir(place), 0); /* theirs is gone */
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static void touch(const char *folder, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
}

static void what_others_could_enter_is_not_used(void **state)
{
    (void)state;
    char path[ND_DIRECTORY_SIZE], other[64], target[64];
    nd_message message;
    char place[] = "/tmp/cluster_test_XXXXXX";
    assert_non_null(mkdtemp(place));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", place, 1), 0);
    (void)snprintf(other, sizeof other, "%s/d", place);
    (void)snprintf(target, sizeof target, "%s/t", place);

    assert_int_equal(mkdir(other, 0755), 0); /* open */
    assert_int_equal(chmod(other, 0755), 0);
    assert_int_equal(nd_private_directory_claim("d", path, &message), ND_FAILED);
    assert_string_equal(path, "");
    assert_non_null(strstr(message.text, other));
    assert_int_equal(chmod(other, 0700), 0);
    assert_int_equal(nd_private_directory_claim("d", path, &message), ND_OK);
    assert_string_equal(path, other);
    touch(other, "0"); /* what is left of a socket goes, another's stays */
    touch(other, "1");
    nd_private_directory_leave(path, 0);
    assert_int_equal(access(other, F_OK), 0);
    nd_private_directory_leave(path, 1);
    assert_int_not_equal(access(other, F_OK), 0);

    assert_int_equal(mkdir(target, 0700), 0); /* elsewhere */
    assert_int_equal(symlink(target, other), 0);
    assert_int_equal(nd_private_directory_claim("d", path, &message), ND_FAILED);
    assert_int_equal(unlink(other), 0);
    const int file = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0700); /* no directory */
    assert_true(file >= 0);
    (void)close(file);
    assert_int_equal(nd_private_directory_claim("d", path, &message), ND_FAILED);
    assert_int_equal(unlink(other), 0);
    if (geteuid() == 0) { /* somebody else's */
        assert_int_equal(mkdir(other, 0700), 0);
        assert_int_equal(chown(other, 12345, 12345), 0);
        assert_int_equal(nd_private_directory_claim("d", path, &message), ND_FAILED);
        assert_int_equal(rmdir(other), 0);
    }
    assert_int_equal(rmdir(target), 0);
    assert_int_equal(rmdir(place), 0);
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

/* --- Memory --- */

static nd_err attempt(void *arg)
{
    nd_cluster cluster;
    arguments given;
    nd_message message = {""};
    split(arg, &given);
    const nd_err err = nd_cluster_open(&cluster, given.argv, &message);
    assert_true(err == ND_OK || message.text[0] != '\0');
    nd_cluster_close(&cluster);
    return err;
}

static void memory_that_fails_is_told(void **state)
{
    (void)state;
    char none[] = "p", hosts[] = "p --hosts cluster_hosts -p 0";
    set_environment(LAUNCHED);
    assert_in_range(failing_memory_sweep(attempt, none), 3, 20);
    set_environment(OPEN_MPI("0", "2", "2"));
    assert_in_range(failing_memory_sweep(attempt, none), 3, 20);
    write_hosts("a:1\na:2\nb:1\n");
    set_environment("");
    assert_in_range(failing_memory_sweep(attempt, hosts), 3, 30);
    assert_int_equal(unlink("cluster_hosts"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_out),
        cmocka_unit_test(no_arguments_at_all_are_fine),
        cmocka_unit_test(nonsense_is_refused_with_what_would_be_right),
        cmocka_unit_test(options_and_environment_make_a_cluster),
        cmocka_unit_test(other_settings_are_handed_on),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(the_same_hosts_are_the_same_job),
        cmocka_unit_test(a_plan_is_the_same_without_taking_part),
        cmocka_unit_test(processes_on_one_machine_share_a_directory),
        cmocka_unit_test(what_others_could_enter_is_not_used),
        cmocka_unit_test(memory_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
