/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launching: this program starts itself, and each copy then plays a part. What the copies write
 * goes to a file, which a test compares with what it should be.
 */
#include "tests/support/cmocka.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nereid/cluster.h>
#include <nereid/worker.h>

#include "tests/scheduler/launched_parts.h"
#include "tests/support/failing_memory.h"

enum { OUTPUT_SIZE = 64 * 1024 };

/* --- The launcher's side --- */

/* Where standard input and output lead during a launch; -1: nowhere else. */
typedef struct streams {
    int in, out, err;
} streams;

static void swap(int fd, int standard, int *kept)
{
    *kept = -1;
    if (fd < 0)
        return;
    *kept = dup(standard);
    assert_true(*kept >= 0 && dup2(fd, standard) == standard);
}

static void swap_back(int standard, int kept)
{
    if (kept < 0)
        return;
    assert_int_equal(dup2(kept, standard), standard);
    (void)close(kept);
}

static int launch_with(const nd_config *config, bool has_prefixes, const streams *to,
                       const char *words, nd_message *message)
{
    char text[256], name[] = "launcher_test", part[] = "play", *rest = text;
    char *argv[8] = {name, part};
    size_t n = 2;
    int in, out, err;
    (void)snprintf(text, sizeof text, "%s", words);
    for (char *word = strtok_r(rest, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[n++] = word;
    (void)fflush(stdout);
    swap(to->in, STDIN_FILENO, &in);
    swap(to->out, STDOUT_FILENO, &out);
    swap(to->err, STDERR_FILENO, &err);
    const int status = nd_launch(config, has_prefixes, argv, message);
    swap_back(STDIN_FILENO, in);
    swap_back(STDOUT_FILENO, out);
    swap_back(STDERR_FILENO, err);
    return status;
}

static int launch(unsigned n, const char *words, nd_message *message)
{
    const streams as_they_are = {-1, -1, -1};
    *message = (nd_message){""};
    return launch_with(&(nd_config){.n_processes = n}, false, &as_they_are, words, message);
}

static int compare_lines(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Launches with output into files, of which `text` gets the lines of both, sorted. */
static int launch_and_read(const nd_config *config, bool has_prefixes, int in, const char *words,
                           char text[OUTPUT_SIZE])
{
    char bytes[OUTPUT_SIZE], *rest = bytes;
    char *lines[100];
    size_t n_lines = 0, size = 0;
    nd_message message = {""};
    const int file = memfd_create("output", MFD_CLOEXEC);
    const streams to = {in, file, file};
    assert_true(file >= 0);
    const int status = launch_with(config, has_prefixes, &to, words, &message);
    const ssize_t got = pread(file, bytes, sizeof bytes - 1, 0);
    assert_true(got >= 0);
    bytes[got] = '\0';
    (void)close(file);
    for (char *line; n_lines < 100 && (line = strsep(&rest, "\n")) != NULL; n_lines++)
        lines[n_lines] = line;
    qsort(lines, n_lines, sizeof *lines, compare_lines);
    text[0] = '\0';
    for (size_t i = 0; i < n_lines; i++)
        if (*lines[i] != '\0')
            size += (size_t)snprintf(text + size, OUTPUT_SIZE - size, "%s\n", lines[i]);
    return status;
}

/* --- Output and input --- */

static void lines_get_prefixes(void **state)
{
    (void)state;
    char text[OUTPUT_SIZE];
    assert_int_equal(launch_and_read(&(nd_config){.n_processes = 2}, true, -1, "say", text), 0);
    assert_string_equal(text, "[p0] err 0\n[p0] more\n[p0] out 0\n"
                              "[p1] err 1\n[p1] more\n[p1] out 1\n");
}

static void without_prefixes_processes_write_for_themselves(void **state)
{
    (void)state;
    char text[OUTPUT_SIZE];
    assert_int_equal(launch_and_read(&(nd_config){.n_processes = 1}, false, -1, "say", text), 0);
    assert_string_equal(text, "err 0\nmore\nout 0\n");
}

static void standard_input_is_process_zeros(void **state)
{
    (void)state;
    char text[OUTPUT_SIZE];
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "a\nb\n", 4), 4);
    (void)close(ends[1]);
    assert_int_equal(launch_and_read(&(nd_config){.n_processes = 3}, true, ends[0], "copy", text),
                     0);
    (void)close(ends[0]);
    assert_string_equal(text, "[p0] a\n[p0] b\n");
}

static void processes_learn_their_place(void **state)
{
    (void)state;
    char text[OUTPUT_SIZE];
    const nd_config config = {.n_processes = 2, .n_workers = 3, .timeout_s = 7};
    assert_int_equal(launch_and_read(&config, false, -1, "place", text), 0);
    assert_string_equal(text, "0 of 2, 3 workers, 7 s, private, there\n"
                              "1 of 2, 3 workers, 7 s, private, there\n");
}

static void each_process_has_a_group_of_its_own(void **state)
{
    (void)state;
    char text[OUTPUT_SIZE];
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(launch_and_read(&(nd_config){.n_processes = 3}, false, nothing, "group", text),
                     0);
    (void)close(nothing);
}

/* --- Failures --- */

static void the_first_failure_counts_and_ends_the_others(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(3, "exit 1 7", &message), 7);
    assert_string_equal(message.text, "process 1 ended with status 7");
    assert_int_equal(launch(1, "exit 0 77", &message), 77);
    assert_string_equal(message.text, "process 0 ended with status 77");
}

static void a_signal_is_status_four_and_who_does_not_listen_is_killed(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(3, "die 2 9", &message), 4);
    assert_string_equal(message.text, "process 2 was ended by signal 9 (out of memory?)");
}

static void a_report_is_the_cause(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(2, "report 1 3 why\nnot", &message), 3);
    assert_string_equal(message.text, "why not");
}

static void a_report_without_a_launcher_is_a_line(void **state)
{
    (void)state;
    char text[64] = "";
    int kept;
    const int file = memfd_create("output", MFD_CLOEXEC);
    swap(file, STDERR_FILENO, &kept);
    nd_report(3, "why");
    swap_back(STDERR_FILENO, kept);
    assert_int_equal(pread(file, text, sizeof text - 1, 0), 12);
    assert_string_equal(text, "nereid: why\n");
    (void)close(file);
}

static void numbers_of_processes_are_limited(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(0, "say", &message), 2);
    assert_int_equal(launch(ND_MAX_LAUNCHED + 1, "say", &message), 2);
    assert_string_equal(message.text, "65 processes cannot be started here: 1 to 64 can");
}

/* --- Nothing is left behind --- */

/* Asserts that the process whose number is in the file is no more, and takes the file away. */
static void assert_gone(const char *path)
{
    long process = 0;
    FILE *const file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &process), 1);
    (void)fclose(file);
    assert_int_equal(unlink(path), 0);
    assert_true(process > 0 && kill((pid_t)process, 0) != 0);
}

static void what_a_failed_process_has_started_ends_too(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(2, "leave left", &message), 3);
    assert_gone("left");
}

static void what_is_left_behind_after_a_success_ends_too(void **state)
{
    (void)state;
    int is_reaper = 1;
    nd_message message;
    (void)unlink("orphan");
    assert_int_equal(launch(2, "orphan orphan", &message), 0);
    assert_gone("orphan");
    assert_int_equal(prctl(PR_GET_CHILD_SUBREAPER, &is_reaper), 0);
    assert_int_equal(is_reaper, 0);
}

static void orphans_that_end_during_a_run_do_not_gather(void **state)
{
    (void)state;
    nd_message message;
    (void)unlink("brief");
    assert_int_equal(launch(1, "brief brief", &message), 0);
    assert_gone("brief");
}

/* Who has children already cannot tell them from others' orphans. */
static void the_callers_own_children_are_left_alone(void **state)
{
    (void)state;
    int status;
    nd_message message;
    const pid_t child = fork();
    if (child == 0)
        for (;;)
            (void)pause();
    assert_int_equal(launch(2, "bind", &message), 0);
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static unsigned count_entries(const char *path)
{
    unsigned n = 0;
    DIR *const directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        n += entry->d_name[0] != '.';
    (void)closedir(directory);
    return n;
}

static void the_directory_is_taken_away_with_its_sockets(void **state)
{
    (void)state;
    nd_message message;
    char place[] = "/tmp/launcher_test_XXXXXX";
    assert_non_null(mkdtemp(place));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", place, 1), 0);
    assert_int_equal(launch(2, "bind", &message), 0);
    assert_int_equal(count_entries(place), 0);
    assert_int_equal(launch(2, "exit 0 1", &message), 1);
    assert_int_equal(count_entries(place), 0);
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
    assert_int_equal(rmdir(place), 0);
}

static void a_place_that_cannot_be_used_is_passed_by(void **state)
{
    (void)state;
    nd_message message;
    char too_long[110] = "/tmp"; /* with slashes behind, so that it is there */
    memset(too_long + 4, '/', sizeof too_long - 5);
    const char *const places[] = {"/nowhere", "relative", too_long};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(setenv("XDG_RUNTIME_DIR", places[i], 1), 0);
        assert_int_equal(launch(2, "bind", &message), 0);
    }
    assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static unsigned count_descriptors(void) { return count_entries("/proc/self/fd"); }

static void descriptors_and_signals_are_as_before(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    sigset_t before, after;
    nd_message message;
    sigemptyset(&before);
    for (int i = 0; i < 4; i++)
        sigaddset(&before, numbers[i]);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &before, NULL), 0);
    assert_int_equal(launch(2, "exit 0 7", &message), 7); /* libuv keeps some for ever */
    const unsigned n_before = count_descriptors();
    char text[OUTPUT_SIZE];
    assert_int_equal(launch_and_read(&(nd_config){.n_processes = 3}, true, -1, "say", text), 0);
    assert_int_equal(launch(3, "exit 1 7", &message), 7);
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &after), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sigismember(&after, numbers[i]), 0);
    assert_int_equal(count_descriptors(), n_before);
}

/* --- Closed descriptors --- */

static nd_err do_nothing(nd_worker *worker, void *arg)
{
    (void)worker;
    (void)arg;
    return ND_OK;
}

static int run_program(void)
{
    char name[] = "program", workers[] = "-w1";
    char *argv[] = {name, workers, NULL};
    return nd_main(2, argv, do_nothing, NULL);
}

static int run_launch(void)
{
    nd_message message;
    return launch(2, "bind", &message);
}

/* Of a process that does this without one of its standard descriptors. */
static int status_without(int descriptor, int (*act)(void))
{
    int status;
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(descriptor);
        _exit(act());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void standard_descriptors_may_be_closed(void **state)
{
    (void)state;
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        assert_int_equal(status_without(descriptor, run_program), 0);
        assert_int_equal(status_without(descriptor, run_launch), 0);
    }
}

/* --- Interruptions --- */

static void the_first_signal_is_passed_on(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(3, "told 2 5", &message), 5);
    assert_string_equal(message.text, "interrupted");
    assert_int_equal(launch(3, "told 15 5", &message), 5);
    assert_string_equal(message.text, "terminated");
    assert_int_equal(launch(2, "told 1 1", &message), 5);
    assert_string_equal(message.text, "terminated");
}

static void who_ends_well_when_told_has_ended_well(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(2, "told 15 0", &message), 0);
}

static void a_question_goes_to_who_listens_and_nobody_dies_of_it(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(2, "asked", &message), 7);
    assert_string_equal(message.text, "process 1 ended with status 7");
}

static void two_signals_at_once_are_one(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(2, "both", &message), 0);
}

static void the_second_signal_kills(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(launch(2, "deaf 2", &message), 5);
    assert_string_equal(message.text, "interrupted");
    assert_int_equal(launch(2, "deaf 15", &message), 5);
    assert_string_equal(message.text, "terminated");
}

/* Runs in the foreground of a new terminal; a copy of this program. */
static _Noreturn void launch_at_terminal(void)
{
    nd_message message;
    const int status = launch(3, "count", &message);
    printf("status %d, %s\n", status, message.text);
    (void)fflush(stdout);
    _exit(0);
}

static unsigned count_text(const char *bytes, const char *text)
{
    unsigned n = 0;
    for (const char *at = bytes; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

/* Adds to what has been read from a terminal until a text is there `n_times`. */
static void await_text(int terminal, char bytes[OUTPUT_SIZE], const char *text, unsigned n_times)
{
    size_t size = strlen(bytes);
    while (count_text(bytes, text) < n_times) {
        const ssize_t got = read(terminal, bytes + size, OUTPUT_SIZE - 1 - size);
        assert_true(got > 0);
        size += (size_t)got;
        bytes[size] = '\0';
    }
}

/* Process 0 has it from the terminal, whose foreground it shares with the launcher; the others
 * have groups of their own, and have it from the launcher. That is stopped meanwhile, or process 0
 * might take two signals for one. */
static void what_a_terminal_sends_comes_once_to_each(void **state)
{
    (void)state;
    int terminal, status;
    char text[OUTPUT_SIZE] = "";
    const pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0)
        launch_at_terminal();
    await_text(terminal, text, "ready", 3);
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(write(terminal, "\003", 1), 1);
    await_text(terminal, text, "hears", 1);
    assert_int_equal(kill(child, SIGCONT), 0);
    await_text(terminal, text, "status 5, interrupted", 1);
    assert_int_equal(count_text(text, "heard 1, follows"), 1);
    assert_int_equal(count_text(text, "heard 1, leads"), 2);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(terminal);
}

/* Floods a terminal that is not read; a copy of this program. */
static _Noreturn void flood_terminal(void)
{
    nd_message message = {""};
    const streams as_they_are = {-1, -1, -1};
    const nd_config config = {.n_processes = 2};
    const int status = launch_with(&config, true, &as_they_are, "flood_terminal", &message);
    nd_report(status, message.text);
    _exit(status);
}

/* As after Ctrl-S. Neither output nor the last word keep it from ending. */
static void a_launcher_ends_though_nobody_reads_its_terminal(void **state)
{
    (void)state;
    int terminal, status;
    const pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0)
        flood_terminal();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    (void)close(terminal);
}

/* --- Output that nobody takes --- */

static void output_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    nd_message message = {""};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[0]);
    const streams closed = {-1, ends[1], -1};
    const nd_config config = {.n_processes = 2};
    assert_int_equal(launch_with(&config, true, &closed, "flood", &message), 1);
    assert_string_equal(message.text, "standard output: Broken pipe");
    (void)close(ends[1]);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const streams to_full = {-1, full, -1};
    assert_int_equal(launch_with(&config, true, &to_full, "say", &message), 1);
    assert_string_equal(message.text, "standard output: No space left on device");
    (void)close(full);
}

/* Whoever has standard output does not read it, and a process fails all the same. The copies are
 * told by a pipe with a name when the launch is under way: opening it waits for both sides. */
static void a_failure_is_told_though_nobody_reads_the_output(void **state)
{
    (void)state;
    nd_message message = {""};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(mkfifo("go", 0600), 0);
    const pid_t helper = fork();
    assert_true(helper >= 0);
    if (helper == 0) { /* says go when the pipe is full */
        struct pollfd output = {.fd = ends[1], .events = POLLOUT};
        while (poll(&output, 1, 1) != 0)
            continue;
        const int fifo = open("go", O_WRONLY);
        _exit(fifo < 0);
    }
    const streams unread = {-1, ends[1], -1};
    const nd_config config = {.n_processes = 2};
    assert_int_equal(launch_with(&config, true, &unread, "flood_and_fail go", &message), 3);
    assert_string_equal(message.text, "process 1 ended with status 3");
    assert_int_equal(waitpid(helper, NULL, 0), helper);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(unlink("go"), 0);
}

/* --- Memory --- */

static nd_err attempt(void *arg)
{
    (void)arg;
    nd_message message = {""};
    const int status = launch(1, "exit 0 0", &message);
    if (status == 0)
        return ND_OK;
    assert_string_equal(message.text, "out of memory");
    return ND_NOMEM;
}

static void memory_that_fails_is_told(void **state)
{
    (void)state;
    assert_in_range(failing_memory_sweep(attempt, NULL), 4, 20);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "play") == 0)
        return launched_play(argv + 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_get_prefixes),
        cmocka_unit_test(without_prefixes_processes_write_for_themselves),
        cmocka_unit_test(standard_input_is_process_zeros),
        cmocka_unit_test(processes_learn_their_place),
        cmocka_unit_test(each_process_has_a_group_of_its_own),
        cmocka_unit_test(the_first_failure_counts_and_ends_the_others),
        cmocka_unit_test(a_signal_is_status_four_and_who_does_not_listen_is_killed),
        cmocka_unit_test(a_report_is_the_cause),
        cmocka_unit_test(a_report_without_a_launcher_is_a_line),
        cmocka_unit_test(numbers_of_processes_are_limited),
        cmocka_unit_test(what_a_failed_process_has_started_ends_too),
        cmocka_unit_test(what_is_left_behind_after_a_success_ends_too),
        cmocka_unit_test(orphans_that_end_during_a_run_do_not_gather),
        cmocka_unit_test(the_callers_own_children_are_left_alone),
        cmocka_unit_test(the_directory_is_taken_away_with_its_sockets),
        cmocka_unit_test(a_place_that_cannot_be_used_is_passed_by),
        cmocka_unit_test(descriptors_and_signals_are_as_before),
        cmocka_unit_test(standard_descriptors_may_be_closed),
        cmocka_unit_test(the_first_signal_is_passed_on),
        cmocka_unit_test(who_ends_well_when_told_has_ended_well),
        cmocka_unit_test(a_question_goes_to_who_listens_and_nobody_dies_of_it),
        cmocka_unit_test(two_signals_at_once_are_one),
        cmocka_unit_test(the_second_signal_kills),
        cmocka_unit_test(what_a_terminal_sends_comes_once_to_each),
        cmocka_unit_test(a_launcher_ends_though_nobody_reads_its_terminal),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(a_failure_is_told_though_nobody_reads_the_output),
        cmocka_unit_test(memory_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
