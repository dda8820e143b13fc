/* SPDX-License-Identifier: Apache-2.0 */
/* Starting processes on this machine, and seeing to it that they end together.
 *
 * All of it runs in a loop on the calling thread, which is where processes must be started from:
 * their death signal comes when the thread that started them ends.
 *
 * Signals are taken from a descriptor, since that tells where one comes from. What a terminal sends
 * (Ctrl-C) goes to its whole foreground group, so process 0, which stays in the launcher's group if
 * it is to read from the terminal, has it already, and must not get it twice: a second one ends a
 * program at once. All others are leaders of groups of their own, and signals go to the group: to
 * what a script has started, too.
 *
 * A run ends in steps. The first failure, or an end that is told: the others are told to end,
 * unless they have been before. Half a second later: they are killed. When all are gone, what is
 * left of their output is passed on, which takes as long as its reader wants after a success, and
 * half a second at most after a failure.
 *
 * What processes have started and left behind is the launcher's, too: it adopts it, and kills it
 * when the last of them has ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <nereid/cluster.h>
#include <nereid/memory.h>

#include "runtime/base/entropy.h"
#include "runtime/base/file.h"
#include "scheduler/launch/cause.h"
#include "scheduler/launch/child_environment.h"
#include "scheduler/launch/descendants.h"
#include "scheduler/launch/relay.h"
#include "scheduler/place/private_directory.h"

enum {
    GRACE_MS = 500,       /* between being told to end and being killed */
    SAME_SIGNAL_MS = 100, /* timeout(1) sends each signal to the launcher and to its group */
    REPORT_FD = 3,        /* in a process */
    N_STREAMS = 4,        /* that a process starts with: the standard ones and its report */
    REPORT_SIZE = 1024,
};

typedef struct launch launch;

/* A process that has been started. */
typedef struct launched {
    launch *run;
    unsigned index;
    uv_process_t process;
    bool is_running, was_told, was_killed;
    int report_fd;     /* reading end; -1: none */
    nd_inlet out, err; /* of descriptor -1 where it writes for itself */
} launched;

struct launch {
    const nd_config *config;
    bool has_prefixes;
    char *const *argv;
    char directory[ND_DIRECTORY_SIZE];
    nd_child_environment environment;
    uv_loop_t loop;
    bool has_loop;
    uv_timer_t timer;
    sigset_t blocked, mask_before;
    bool has_signals;
    int signal_fd;
    uv_poll_t signal_poll;
    uv_signal_t child_signal;
    nd_adoption adoption;
    nd_outlet out, err;
    launched *processes;
    unsigned n_running;
    int told_signal; /* the launcher was told to end by it; 0: not yet */
    uint64_t told_ms;
    bool is_ending;
    nd_cause cause;
};

/* --- Ending --- */

/* To a process and what it has started; to a process alone that has no group of its own (yet). */
static void send_signal(const launched *one, int number)
{
    if (kill(-one->process.pid, number) != 0)
        (void)kill(one->process.pid, number);
}

static void kill_all(launch *run)
{
    for (unsigned i = 0; i < run->config->n_processes; i++) {
        launched *const one = &run->processes[i];
        if (!one->is_running)
            continue;
        one->was_killed = true;
        send_signal(one, SIGKILL);
    }
}

/* Time is up: for processes to end, or for the rest of their output to be read. */
static void on_timer(uv_timer_t *timer)
{
    launch *const run = timer->data;
    if (run->n_running != 0)
        kill_all(run);
    else
        uv_stop(&run->loop);
}

/* Something has failed: nobody goes on. */
static void begin_ending(launch *run)
{
    if (run->is_ending)
        return;
    run->is_ending = true;
    for (unsigned i = 0; i < run->config->n_processes; i++) {
        launched *const one = &run->processes[i];
        if (one->is_running && !one->was_told)
            send_signal(one, SIGTERM);
        one->was_told = true;
    }
    (void)uv_timer_start(&run->timer, on_timer, GRACE_MS, 0);
}

/* --- Output --- */

/* After the last process has ended: ends the loop once all of its output has been passed on. */
static void finish_if_done(launch *run)
{
    bool is_over = nd_outlet_is_empty(&run->out) && nd_outlet_is_empty(&run->err);
    for (unsigned i = 0; i < run->config->n_processes; i++)
        is_over = is_over && nd_inlet_is_over(&run->processes[i].out) &&
                  nd_inlet_is_over(&run->processes[i].err);
    if (is_over)
        uv_stop(&run->loop);
}

static void resume_inlets(launch *run)
{
    const bool is_last = run->n_running == 0;
    for (unsigned i = 0; i < run->config->n_processes; i++) {
        nd_inlet_resume(&run->processes[i].out, is_last);
        nd_inlet_resume(&run->processes[i].err, is_last);
    }
    if (is_last)
        finish_if_done(run);
}

/* Standard output that cannot be written is a failure; there is nobody to tell about standard
 * error. */
static void on_moved(nd_outlet *outlet, void *context)
{
    launch *const run = context;
    char text[128];
    if (outlet == &run->out && outlet->error != 0) {
        nd_cause_note(&run->cause, ND_CAUSE_OWN, nd_err_status(ND_IO), "standard output: %s",
                      strerror_r(outlet->error, text, sizeof text));
        begin_ending(run);
        return; /* the rest is thrown away when they have ended */
    }
    resume_inlets(run);
}

/* --- Signals --- */

static void pass_on(launch *run, const struct signalfd_siginfo *info)
{
    const bool is_from_terminal = info->ssi_code > 0; /* the kernel's, to the whole group */
    for (unsigned i = 0; i < run->config->n_processes; i++) {
        launched *const one = &run->processes[i];
        const bool has_it = is_from_terminal && getpgid(one->process.pid) == getpgrp();
        if (one->is_running && !has_it)
            send_signal(one, (int)info->ssi_signo);
        one->was_told = true;
    }
}

/* One process asks all others what they wait for. Whoever does not catch the signal would die of
 * it: a script, behind which a program stands that does, or a program whose run has not begun. */
static void ask_why(launch *run)
{
    for (unsigned i = 0; i < run->config->n_processes; i++) {
        const launched *const one = &run->processes[i];
        const pid_t listener =
            one->is_running ? nd_descendant_that_catches(one->process.pid, SIGUSR1) : 0;
        if (listener != 0) {
            (void)kill(listener, SIGUSR1);
            return;
        }
    }
}

static void take_signal(launch *run, const struct signalfd_siginfo *info)
{
    if (info->ssi_signo == SIGUSR1) {
        ask_why(run);
        return;
    }
    uv_update_time(&run->loop);
    const bool is_first = run->told_signal == 0;
    if (!is_first && uv_now(&run->loop) - run->told_ms < SAME_SIGNAL_MS)
        return;
    if (is_first) {
        run->told_signal = (int)info->ssi_signo;
        run->told_ms = uv_now(&run->loop);
        nd_cause_note_interruption(&run->cause, run->told_signal);
    }
    if (run->n_running == 0) { /* and nobody reads what they have written */
        if (run->cause.rank == ND_CAUSE_NONE)
            nd_cause_note(&run->cause, ND_CAUSE_INTERRUPTED, nd_err_status(ND_INTR), "interrupted");
        uv_stop(&run->loop);
    } else if (!is_first) {
        kill_all(run);
    } else if (!run->is_ending) {
        pass_on(run, info);
    }
}

static void read_signals(launch *run)
{
    struct signalfd_siginfo info;
    while (read(run->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        take_signal(run, &info);
}

static void on_signal(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    read_signals(poll->data);
}

/* --- Ends of processes --- */

/* Reads what a process has written into its report: the last line, since a script may go on after a
 * failure of something it has called. `report` is empty if there is none. */
static void read_report(const launched *one, char report[REPORT_SIZE])
{
    char bytes[REPORT_SIZE];
    size_t size = 0;
    ssize_t got;
    report[0] = '\0';
    while ((got = nd_file_read(one->report_fd, bytes + size, sizeof bytes - size)) > 0) {
        size += (size_t)got;
        const char *const newline = memrchr(bytes, '\n', size);
        if (newline != NULL) {
            const size_t end = (size_t)(newline - bytes);
            const char *const before = memrchr(bytes, '\n', end);
            const size_t begin = before != NULL ? (size_t)(before - bytes) + 1 : 0;
            memcpy(report, bytes + begin, end - begin);
            report[end - begin] = '\0';
            size -= end + 1;
            memmove(bytes, newline + 1, size);
        } else if (size == sizeof bytes) {
            size = 0; /* that was no report */
        }
    }
}

static void on_exit(uv_process_t *process, int64_t status, int number)
{
    char report[REPORT_SIZE];
    launched *const one = process->data;
    launch *const run = one->run;
    read_signals(run); /* what it has died of, if the terminal has sent it to both */
    read_report(one, report);
    one->is_running = false;
    run->n_running--;
    const nd_ending ending = {.process = one->index,
                              .status = (int)status,
                              .signal = number,
                              .report = report,
                              .was_told = one->was_told,
                              .was_killed = one->was_killed};
    if (nd_cause_note_ending(&run->cause, &ending)) {
        (void)kill(-process->pid, SIGKILL); /* what it has left behind, if anything */
        begin_ending(run);
    }
    if (run->n_running != 0)
        return;
    nd_adoption_end(&run->adoption);
    if (run->is_ending)
        (void)uv_timer_start(&run->timer, on_timer, GRACE_MS, 0);
    resume_inlets(run);
}

static bool is_own(void *context, pid_t process)
{
    const launch *const run = context;
    for (unsigned i = 0; i < run->config->n_processes; i++)
        if (run->processes[i].is_running && run->processes[i].process.pid == process)
            return true;
    return false;
}

static void on_child(uv_signal_t *handle, int number)
{
    launch *const run = handle->data;
    (void)number;
    while (nd_adoption_reap(&run->adoption, is_own, run))
        continue;
}

/* --- Starting --- */

static bool open_pipe(int ends[2])
{
    ends[0] = ends[1] = -1;
    return pipe2(ends, O_CLOEXEC) == 0;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* The pipes of a process that is being started; the reading ends have passed to `launched`. */
typedef struct writing_ends {
    int report, out, err;
} writing_ends;

static nd_err watch_output(launched *one, nd_inlet *inlet, nd_outlet *outlet, int *writing)
{
    int ends[2];
    char prefix[16];
    if (!open_pipe(ends))
        return ND_FAILED;
    *writing = ends[1];
    (void)snprintf(prefix, sizeof prefix, "[p%u] ", one->index);
    return nd_inlet_open(inlet, &one->run->loop, ends[0], prefix, outlet);
}

static nd_err watch(launched *one, writing_ends *ends)
{
    launch *const run = one->run;
    int report[2];
    if (!open_pipe(report))
        return ND_FAILED;
    ends->report = report[1];
    one->report_fd = report[0];
    (void)fcntl(report[0], F_SETFL, O_NONBLOCK);
    if (!run->has_prefixes)
        return ND_OK;
    ND_TRY(watch_output(one, &one->out, &run->out, &ends->out));
    return watch_output(one, &one->err, &run->err, &ends->err);
}

/* Returns 0 or libuv's error. */
static int spawn(launched *one, const writing_ends *ends)
{
    launch *const run = one->run;
    uv_stdio_container_t streams[N_STREAMS] = {
        [STDIN_FILENO] = {.flags = one->index == 0 ? UV_INHERIT_FD : UV_IGNORE},
        [STDOUT_FILENO] = {.flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO},
        [STDERR_FILENO] = {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
        [REPORT_FD] = {.flags = UV_INHERIT_FD, .data.fd = ends->report},
    };
    if (run->has_prefixes) {
        streams[STDOUT_FILENO].data.fd = ends->out;
        streams[STDERR_FILENO].data.fd = ends->err;
    }
    nd_child_environment_set_process(&run->environment, one->index);
    const uv_process_options_t options = {
        .exit_cb = on_exit,
        .file = "/proc/self/exe", /* this program, even if its file has been replaced meanwhile */
        .args = (char **)(uintptr_t)run->argv, /* libuv does not change it */
        .env = run->environment.items,
        .stdio_count = N_STREAMS,
        .stdio = streams,
    };
    one->process.data = one;
    return uv_spawn(&run->loop, &one->process, &options);
}

static void start_process(launch *run, unsigned index)
{
    launched *const one = &run->processes[index];
    writing_ends ends = {-1, -1, -1};
    one->run = run;
    one->index = index;
    const nd_err err = watch(one, &ends);
    if (err != ND_OK) {
        nd_cause_note(&run->cause, ND_CAUSE_OWN, nd_err_status(ND_FAILED),
                      "process %u cannot be started: %s", index,
                      err == ND_NOMEM ? nd_err_text(err) : "no more descriptors; see ulimit -n");
        begin_ending(run);
    } else {
        const int error = spawn(one, &ends);
        one->is_running = error == 0;
        run->n_running += error == 0;
        if (error != 0) {
            nd_cause_note(&run->cause, ND_CAUSE_OWN, nd_err_status(ND_FAILED),
                          "process %u cannot be started: %s", index, uv_strerror(error));
            begin_ending(run);
        }
    }
    close_if_open(ends.report);
    close_if_open(ends.out);
    close_if_open(ends.err);
}

/* --- The whole --- */

static nd_err watch_signals(launch *run)
{
    struct sigaction hangup;
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGUSR1);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* nohup */
        sigaddset(&watched, SIGHUP);
    run->blocked = watched;
    sigaddset(&run->blocked, SIGPIPE);
    run->has_signals = pthread_sigmask(SIG_BLOCK, &run->blocked, &run->mask_before) == 0;
    run->signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signal_fd < 0 || uv_poll_init(&run->loop, &run->signal_poll, run->signal_fd) != 0)
        return ND_FAILED;
    run->signal_poll.data = run;
    return uv_poll_start(&run->signal_poll, UV_READABLE, on_signal) == 0 ? ND_OK : ND_FAILED;
}

/* Gives signals back as they were; those that came meanwhile have had their effect. */
static void release_signals(launch *run)
{
    const struct timespec at_once = {0};
    if (!run->has_signals)
        return;
    while (sigtimedwait(&run->blocked, NULL, &at_once) > 0)
        continue;
    (void)pthread_sigmask(SIG_SETMASK, &run->mask_before, NULL);
    close_if_open(run->signal_fd);
}

static nd_err watch_children(launch *run)
{
    nd_adoption_begin(&run->adoption);
    run->child_signal.data = run;
    return uv_signal_init(&run->loop, &run->child_signal) == 0 &&
                   uv_signal_start(&run->child_signal, on_child, SIGCHLD) == 0
               ? ND_OK
               : ND_FAILED;
}

static nd_err make_environment(launch *run)
{
    nd_launch_terms terms = {.config = run->config,
                             .directory = run->directory,
                             .launcher = getpid(),
                             .report = REPORT_FD};
    ND_TRY(nd_entropy_fill(terms.job, sizeof terms.job));
    return nd_child_environment_init(&run->environment, environ, &terms);
}

static nd_err init_launch(launch *run, nd_message *message)
{
    run->processes = nd_alloc_zero(run->config->n_processes, sizeof *run->processes);
    if (run->processes == NULL)
        return ND_NOMEM;
    for (unsigned i = 0; i < run->config->n_processes; i++)
        run->processes[i] = (launched){.report_fd = -1, .out = {.fd = -1}, .err = {.fd = -1}};
    if (uv_loop_init(&run->loop) != 0)
        return ND_NOMEM;
    run->has_loop = true;
    (void)uv_timer_init(&run->loop, &run->timer);
    run->timer.data = run;
    ND_TRY(watch_signals(run));
    ND_TRY(watch_children(run));
    ND_TRY(nd_outlet_init(&run->out, &run->loop, STDOUT_FILENO, on_moved, run));
    ND_TRY(nd_outlet_init(&run->err, &run->loop, STDERR_FILENO, on_moved, run));
    ND_TRY(nd_private_directory_create(run->directory, message));
    return make_environment(run);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void deinit_launch(launch *run)
{
    if (run->has_loop) {
        uv_walk(&run->loop, close_handle, NULL);
        uv_run(&run->loop, UV_RUN_DEFAULT);
        uv_loop_close(&run->loop);
    }
    for (unsigned i = 0; run->processes != NULL && i < run->config->n_processes; i++) {
        close_if_open(run->processes[i].report_fd);
        nd_inlet_deinit(&run->processes[i].out);
        nd_inlet_deinit(&run->processes[i].err);
    }
    nd_outlet_deinit(&run->out);
    nd_outlet_deinit(&run->err);
    nd_child_environment_deinit(&run->environment);
    nd_private_directory_remove(run->directory, run->config->n_processes);
    nd_free(run->processes);
    nd_adoption_end(&run->adoption);
    release_signals(run);
}

int nd_launch(const nd_config *config, bool has_prefixes, char *const argv[], nd_message *message)
{
    const unsigned n = config->n_processes;
    launch run = {.config = config, .has_prefixes = has_prefixes, .argv = argv, .signal_fd = -1};
    if (n < 1 || n > ND_MAX_LAUNCHED)
        return nd_err_status(nd_message_set(message, ND_USAGE,
                                            "%u processes cannot be started here: 1 to %d can", n,
                                            ND_MAX_LAUNCHED));
    nd_message why = {""};
    nd_descriptors_occupy();
    const nd_err err = init_launch(&run, &why);
    if (err != ND_OK)
        nd_cause_note(&run.cause, ND_CAUSE_OWN, nd_err_status(err), "%s",
                      why.text[0] != '\0' ? why.text : nd_err_text(err));
    for (unsigned i = 0; i < n && run.cause.rank == ND_CAUSE_NONE; i++)
        start_process(&run, i);
    if (run.n_running != 0)
        uv_run(&run.loop, UV_RUN_DEFAULT);
    deinit_launch(&run);
    if (run.cause.rank != ND_CAUSE_NONE)
        (void)nd_message_set(message, ND_FAILED, "%s", run.cause.message.text);
    return run.cause.status;
}
