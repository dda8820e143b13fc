/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the copies of launcher_test do. They run outside of cmocka: whatever goes wrong is a status
 * that nobody expects.
 */
#include "tests/scheduler/launched_parts.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nereid/cluster.h>

static unsigned own_number(void) { return (unsigned)atoi(getenv("NEREID_PROCESS")); }

static bool is_number(const char *text) { return (unsigned)atoi(text) == own_number(); }

static _Noreturn void wait_for_ever(void)
{
    for (;;)
        (void)pause();
}

/* `exit NUMBER STATUS`: that process ends with the status, the others wait. */
static int play_exit(char **words)
{
    if (!is_number(words[0]))
        wait_for_ever();
    return atoi(words[1]);
}

/* `die NUMBER SIGNAL`: that process dies of the signal, the others wait and ignore SIGTERM. */
static int play_die(char **words)
{
    (void)signal(SIGTERM, SIG_IGN);
    if (is_number(words[0]))
        (void)raise(atoi(words[1]));
    wait_for_ever();
}

/* `report NUMBER STATUS TEXT`. */
static int play_report(char **words)
{
    if (!is_number(words[0]))
        wait_for_ever();
    nd_report(atoi(words[1]), words[2]);
    return atoi(words[1]);
}

/* `say`: lines on both outputs. */
static int play_say(char **words)
{
    (void)words;
    printf("out %u\nmore", own_number());
    fprintf(stderr, "err %u\n", own_number());
    return 0;
}

/* `copy`: standard input to standard output. */
static int play_copy(char **words)
{
    int c;
    (void)words;
    while ((c = getchar()) != EOF)
        (void)putchar(c);
    return 0;
}

/* `place`: what nd_cluster_open makes of it. */
static int play_place(char **words)
{
    nd_cluster cluster;
    nd_message message = {""};
    struct stat status;
    (void)words;
    if (nd_cluster_open(&cluster, NULL, &message) != ND_OK) {
        printf("%s\n", message.text);
        return 1;
    }
    const nd_config *const config = &cluster.config;
    const char *const directory = getenv("NEREID_RENDEZVOUS");
    const bool is_private = stat(directory, &status) == 0 && (status.st_mode & 0777) == 0700;
    printf("%u of %u, %u workers, %u s, %s, %s\n", config->process, config->n_processes,
           config->n_workers, config->timeout_s, is_private ? "private" : "open",
           strncmp(config->addresses[1] + 6, directory, strlen(directory)) == 0 ? "there" : "lost");
    nd_cluster_close(&cluster);
    return 0;
}

/* `group`: whether it leads a group of its own, and is named after its program. */
static int play_group(char **words)
{
    char name[32] = "";
    const int file = open("/proc/self/comm", O_RDONLY);
    nd_message message;
    (void)words;
    if (nd_child_begin(&message) != ND_OK || file < 0 || read(file, name, sizeof name - 1) < 0)
        return 1;
    (void)close(file);
    return getpgrp() == getpid() ? 0 : 1;
}

/* `leave FILE`: starts a process that waits for ever, writes its number into the file, and fails.
 */
static int play_leave(char **words)
{
    nd_message message;
    if (nd_child_begin(&message) != ND_OK)
        return 1;
    if (own_number() != 0)
        wait_for_ever();
    const pid_t child = fork();
    if (child == 0)
        wait_for_ever();
    FILE *const file = fopen(words[0], "w");
    if (file == NULL)
        return 1;
    fprintf(file, "%ld", (long)child);
    return fclose(file) == 0 ? 3 : 1;
}

/* Starts a process that starts another, which says who it is in the file, and ends. That one is
 * nobody's child then, and of no group of ours; it waits for ever, or, if `is_brief`, ends, too. */
static bool start_orphan(const char *path, bool is_brief)
{
    const pid_t child = fork();
    if (child == 0) {
        if (setsid() < 0 || fork() != 0)
            _exit(0);
        FILE *const file = fopen(path, "w");
        if (file == NULL || fprintf(file, "%ld", (long)getpid()) < 0 || fclose(file) != 0)
            _exit(1);
        (void)signal(SIGTERM, SIG_IGN);
        if (!is_brief)
            wait_for_ever();
        _exit(0);
    }
    return child > 0 && waitpid(child, NULL, 0) == child;
}

/* The number in the file, once it is there. */
static pid_t await_number(const char *path)
{
    long number = 0;
    while (number == 0) {
        FILE *const file = fopen(path, "r");
        if (file != NULL && fscanf(file, "%ld", &number) != 1)
            number = 0;
        if (file != NULL)
            (void)fclose(file);
        (void)poll(NULL, 0, 1);
    }
    return (pid_t)number;
}

/* `orphan FILE`: all is well, but somebody is left. */
static int play_orphan(char **words)
{
    if (own_number() == 0 && !start_orphan(words[0], false))
        return 1;
    return await_number(words[0]) > 0 ? 0 : 1;
}

/* `brief FILE`: waits until the orphan that ends by itself is not even a zombie any more. */
static int play_brief(char **words)
{
    if (!start_orphan(words[0], true))
        return 1;
    const pid_t orphan = await_number(words[0]);
    while (kill(orphan, 0) == 0)
        (void)poll(NULL, 0, 1);
    return 0;
}

/* `bind`: leaves a socket in the directory. */
static int play_bind(char **words)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)words;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%u", getenv("NEREID_RENDEZVOUS"),
                   own_number());
    return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : 1;
}

/* A file in the directory, of this process's number, says that it is ready. */
static void say_ready(void)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%u", getenv("NEREID_RENDEZVOUS"), own_number());
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void await_all(void)
{
    char path[128];
    const int n = atoi(getenv("NEREID_PROCESSES"));
    for (int i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "%s/%d", getenv("NEREID_RENDEZVOUS"), i);
        while (access(path, F_OK) != 0)
            (void)poll(NULL, 0, 1);
    }
}

/* `told SIGNAL STATUS`: process 0 sends it to the launcher once all are ready; they end with the
 * status when it comes to them. */
static int play_told(char **words)
{
    int number = atoi(words[0]), got;
    sigset_t one;
    nd_message message;
    sigemptyset(&one);
    sigaddset(&one, number);
    (void)sigprocmask(SIG_BLOCK, &one, NULL);
    if (nd_child_begin(&message) != ND_OK)
        return 1;
    say_ready();
    if (own_number() == 0) {
        await_all();
        (void)kill(getppid(), number);
    }
    (void)sigwait(&one, &got);
    return atoi(words[1]);
}

/* `both`: as `told`, but process 0 sends the launcher two signals, which it finds together. */
static int play_both(char **words)
{
    int got;
    sigset_t both;
    nd_message message;
    const pid_t launcher = getppid();
    (void)words;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &both, NULL);
    if (nd_child_begin(&message) != ND_OK)
        return 1;
    say_ready();
    await_all();
    if (own_number() == 0) {
        (void)kill(launcher, SIGSTOP);
        (void)kill(launcher, SIGINT);
        (void)kill(launcher, SIGTERM);
        (void)kill(launcher, SIGCONT);
    }
    return sigwait(&both, &got);
}

/* `deaf SIGNAL`: process 0 sends it to the launcher again and again; none of them listens. */
static int play_deaf(char **words)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    say_ready();
    await_all();
    while (own_number() == 0) {
        (void)kill(getppid(), atoi(words[0]));
        (void)poll(NULL, 0, 20);
    }
    wait_for_ever();
}

/* Written by the handler of `asked`. */
static volatile sig_atomic_t is_asked;

static void note_question(int number)
{
    (void)number;
    is_asked = 1;
}

/* `asked`: process 1 sends the launcher SIGUSR1 until a child of its own, the only one that would
 * not die of it, has been asked. */
static int play_asked(char **words)
{
    int status;
    (void)words;
    if (own_number() != 1)
        wait_for_ever();
    const pid_t launcher = getppid(), child = fork();
    if (child == 0) {
        (void)signal(SIGUSR1, note_question);
        while (is_asked == 0) {
            (void)kill(launcher, SIGUSR1);
            (void)poll(NULL, 0, 1);
        }
        _exit(7);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void write_line(const char *line)
{
    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        _exit(98);
}

/* Counts signals; written by the handler. */
static volatile sig_atomic_t n_heard;

static void hear(int number)
{
    (void)number;
    n_heard = n_heard + 1;
}

/* `count`: waits for SIGINT, then for the last process to have heard it too, which the launcher
 * tells after the others; and says how often it has heard it, and whether it leads a group. */
static int play_count(char **words)
{
    nd_message message;
    (void)words;
    if (signal(SIGINT, hear) == SIG_ERR || nd_child_begin(&message) != ND_OK)
        return 1;
    write_line("ready\n");
    while (n_heard == 0)
        (void)poll(NULL, 0, 1);
    write_line("hears\n");
    say_ready();
    await_all();
    printf("heard %d, %s\n", (int)n_heard, getpgrp() == getpid() ? "leads" : "follows");
    return 5;
}

/* `flood`: writes until it fails. */
static int play_flood(char **words)
{
    (void)words;
    while (puts("and on it goes") >= 0)
        continue;
    return 9;
}

/* `flood_and_fail`: process 1 fails once process 0, which has to be killed then, has filled what
 * there is to fill. */
static int play_flood_and_fail(char **words)
{
    (void)signal(SIGTERM, SIG_IGN);
    if (own_number() == 0)
        return play_flood(words);
    const int fifo = open(words[0], O_RDONLY); /* waits for the test to say so */
    (void)close(fifo);
    return 3;
}

/* `flood_terminal`: process 0 writes until nothing is taken any more, and fails then. */
static int play_flood_terminal(char **words)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    (void)words;
    if (own_number() != 0)
        wait_for_ever();
    while (poll(&output, 1, 300) != 0)
        write_line("y\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\ny\n");
    return 3;
}

int launched_play(char **words)
{
    static const struct {
        const char *name;
        int (*play)(char **words);
    } parts[] = {
        {"exit", play_exit},
        {"die", play_die},
        {"report", play_report},
        {"say", play_say},
        {"copy", play_copy},
        {"place", play_place},
        {"orphan", play_orphan},
        {"brief", play_brief},
        {"asked", play_asked},
        {"flood_terminal", play_flood_terminal},
        {"group", play_group},
        {"leave", play_leave},
        {"bind", play_bind},
        {"count", play_count},
        {"told", play_told},
        {"both", play_both},
        {"deaf", play_deaf},
        {"flood", play_flood},
        {"flood_and_fail", play_flood_and_fail},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, words[0]) == 0)
            return parts[i].play(words + 1);
    return 99;
}
