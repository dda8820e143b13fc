/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes of a row, and the program that waits for them.
 *
 *     program --- starts ---> process 0 <-- Nereid's sockets --> process 1
 *        ^                      |   ^                              ^
 *        +------ figure --------+   +------ counts (a pair) -------+
 *
 * The figure comes by process 0's standard output. Processes are in groups of their own, so that
 * Ctrl-C reaches the program alone. While they run it takes the signals that end programs from a
 * descriptor: it ends the processes, removes their sockets, and then lets itself be ended.
 */
#include "bench/pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/start.h"

enum {
    COUNTS_FD = BENCH_EXTRA_FD, /* where a process and the other tell each other their counts */
    ADDRESS_SIZE = 128,
    FIGURE_SIZE = 64,
    JOB_DIGITS = 32,
};

struct bench_pair {
    unsigned process;
    const char *addresses[2];
    uint64_t job[2];
};

/* --- One of two processes --- */

static const char hidden[] = "--process";

/* What follows it. */
enum { ARG_PROCESS = 2, ARG_PROGRAM, ARG_SIZE, ARG_TITLE, ARG_JOB, ARG_ADDRESS, ARGS = 9 };

bool bench_pair_is_one(int argc, char **argv)
{
    return (argc == ARGS || argc == 2) && strcmp(argv[1], hidden) == 0;
}

void bench_pair_configure(const bench_pair *pair, nd_config *config)
{
    config->n_processes = 2;
    config->process = pair->process;
    config->addresses = pair->addresses;
    config->job[0] = pair->job[0];
    config->job[1] = pair->job[1];
}

uint64_t bench_total(const bench_plan *plan, uint64_t own)
{
    uint64_t other = 0;
    if (!plan->pair)
        return own;
    bench_check(send(COUNTS_FD, &own, sizeof own, MSG_NOSIGNAL) == sizeof own &&
                    recv(COUNTS_FD, &other, sizeof other, MSG_WAITALL) == sizeof other,
                "the other process is gone");
    return own + other;
}

int bench_pair_main(char **argv)
{
    if (!argv[ARG_PROCESS])
        return EXIT_SUCCESS; /* as idle as a process can be */
    const pid_t program = (pid_t)strtol(argv[ARG_PROGRAM], NULL, 10);
    bench_check(bench_end_with(program), "the program is gone");
    const bench_row *row = bench_find_row(argv[ARG_TITLE]);
    bench_check(row != NULL, "no such row");
    if (row == NULL)
        return EXIT_FAILURE; /* not reached */
    bench_pair pair = {.process = (unsigned)strtoul(argv[ARG_PROCESS], NULL, 10),
                       .addresses = {argv[ARG_ADDRESS], argv[ARG_ADDRESS + 1]}};
    bench_check(sscanf(argv[ARG_JOB], "%16" SCNx64 "%16" SCNx64, &pair.job[0], &pair.job[1]) == 2,
                "no such job");
    const bench_plan plan = {.place = row->place,
                             .n_workers = row->n_workers,
                             .size = row->size,
                             .is_full = strcmp(argv[ARG_SIZE], "full") == 0,
                             .pair = &pair};
    const double ns = row->nereid(&plan);
    if (pair.process == 0)
        printf("%a\n", ns);
    return EXIT_SUCCESS;
}

/* --- Addresses --- */

/* Two of them, and the directory that holds the sockets, if any. */
typedef struct meeting {
    char directory[64];
    char addresses[2][ADDRESS_SIZE];
} meeting;

static void meet_in_directory(meeting *where)
{
    strcpy(where->directory, "/tmp/nereid-bench-XXXXXX");
    bench_check(mkdtemp(where->directory) != NULL, "a directory cannot be made in /tmp");
    for (unsigned i = 0; i < 2; i++)
        snprintf(where->addresses[i], ADDRESS_SIZE, "ipc://%s/%u", where->directory, i);
}

/* Two ports that are free now. */
static void meet_on_loopback(meeting *where)
{
    int sockets[2];
    where->directory[0] = '\0';
    for (unsigned i = 0; i < 2; i++) {
        struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof name;
        sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bench_check(sockets[i] >= 0 &&
                        bind(sockets[i], (const struct sockaddr *)&name, sizeof name) == 0 &&
                        getsockname(sockets[i], (struct sockaddr *)&name, &size) == 0,
                    "no port on the loopback");
        snprintf(where->addresses[i], ADDRESS_SIZE, "tcp://127.0.0.1:%u",
                 (unsigned)ntohs(name.sin_port));
    }
    close(sockets[0]);
    close(sockets[1]);
}

static void part(const meeting *where)
{
    if (!where->directory[0])
        return;
    for (unsigned i = 0; i < 2; i++)
        (void)unlink(where->addresses[i] + strlen("ipc://"));
    (void)rmdir(where->directory);
}

/* --- Starting --- */

/* Two processes that have been started, and what the program sees of them. */
typedef struct couple {
    sigset_t signals, mask_before;
    int signal_fd, figure_fd;
    pid_t processes[2];
} couple;

static void start_both(couple *both, const bench_row *row, const bench_plan *plan, meeting *where)
{
    char title[ADDRESS_SIZE], process[8], program[16], job[JOB_DIGITS + 1];
    uint64_t number[2];
    int figure[2] = {-1, -1}, counts[2] = {-1, -1};
    bench_check(getrandom(number, sizeof number, 0) == sizeof number &&
                    pipe2(figure, O_CLOEXEC) == 0 &&
                    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, counts) == 0,
                "no descriptors for two processes");
    bench_write_title(row, title, sizeof title);
    snprintf(program, sizeof program, "%ld", (long)getpid());
    snprintf(job, sizeof job, "%016" PRIx64 "%016" PRIx64, number[0], number[1]);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(process, sizeof process, "%u", i);
        const char *const words[ARGS + 1] = {"nereid_bench",
                                             hidden,
                                             process,
                                             program,
                                             plan->is_full ? "full" : "tenth",
                                             title,
                                             job,
                                             where->addresses[0],
                                             where->addresses[1]};
        both->processes[i] = bench_start(words, &both->mask_before, figure[1], counts[i]);
    }
    both->figure_fd = figure[0];
    close(figure[1]);
    close(counts[0]);
    close(counts[1]);
}

/* --- Waiting --- */

/* From here on a signal that ends programs can be read. */
static void hold_signals(couple *both)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction action;
    sigemptyset(&both->signals);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&both->signals, numbers[i]);
    sigprocmask(SIG_BLOCK, &both->signals, &both->mask_before);
    both->signal_fd = signalfd(-1, &both->signals, SFD_CLOEXEC);
    bench_check(both->signal_fd >= 0, "no descriptor for signals");
}

/* Reads the figure until no process can write any more; returns the signal that came before that,
 * or 0. */
static int read_figure(const couple *both, char figure[FIGURE_SIZE])
{
    struct signalfd_siginfo signal;
    struct pollfd watched[] = {{.fd = both->figure_fd, .events = POLLIN},
                               {.fd = both->signal_fd, .events = POLLIN}};
    memset(figure, 0, FIGURE_SIZE);
    for (size_t size = 0; size < FIGURE_SIZE - 1;) {
        (void)poll(watched, 2, -1);
        if (watched[1].revents && read(both->signal_fd, &signal, sizeof signal) == sizeof signal)
            return (int)signal.ssi_signo;
        if (!watched[0].revents)
            continue;
        const ssize_t n = read(both->figure_fd, figure + size, FIGURE_SIZE - 1 - size);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    return 0;
}

static void kill_both(const couple *both)
{
    for (unsigned i = 0; i < 2; i++)
        if (both->processes[i] != 0)
            (void)kill(both->processes[i], SIGKILL);
}

double bench_pair_measure(const bench_row *row, const bench_plan *plan)
{
    couple both;
    meeting where;
    char figure[FIGURE_SIZE];
    hold_signals(&both);
    if (row->place == BENCH_PAIR_TCP)
        meet_on_loopback(&where);
    else
        meet_in_directory(&where);
    const uint64_t begin = bench_now_ns();
    start_both(&both, row, plan, &where);
    bool is_well = both.processes[0] && both.processes[1];
    const int signal = is_well ? read_figure(&both, figure) : 0;
    if (signal || !is_well)
        kill_both(&both);
    for (unsigned i = 0; i < 2; i++)
        is_well &= bench_wait(both.processes[i]);
    const uint64_t end = bench_now_ns();
    part(&where);
    close(both.signal_fd);
    close(both.figure_fd);
    if (signal)
        (void)raise(signal);
    sigprocmask(SIG_SETMASK, &both.mask_before, NULL); /* here the signal ends the program */
    bench_check(is_well, "one of two processes has failed");
    return row->place == BENCH_PAIR_WHOLE ? (double)(end - begin) : strtod(figure, NULL);
}

double bench_pair_idle_ns(const bench_plan *plan)
{
    pid_t processes[2];
    const char *const words[] = {"nereid_bench", hidden, NULL};
    (void)plan;
    const uint64_t begin = bench_now_ns();
    for (unsigned i = 0; i < 2; i++)
        processes[i] = bench_start(words, NULL, -1, -1);
    bool is_well = true;
    for (unsigned i = 0; i < 2; i++)
        is_well &= bench_wait(processes[i]);
    bench_check(is_well, "a process cannot be started");
    return (double)(bench_now_ns() - begin);
}
