/* SPDX-License-Identifier: Apache-2.0 */
/* What a launched process does about its launcher: it dies with it, and tells it why it fails.
 *
 * The launcher may be dead before the death signal is asked for; then the signal never comes, and
 * the parent is another one already. A program may also stand behind a script, which is then its
 * parent and has the death signal itself; whether the launcher lives is seen from the pipe that
 * reports go to, which has no reader when the launcher is gone. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nereid/cluster.h>

#include "runtime/base/file.h"
#include "runtime/base/log.h"
#include "scheduler/place/number.h"

enum { PATIENCE_MS = 1000 };

static bool get_number(const char *name, uint64_t most, uint64_t *number)
{
    const char *const text = getenv(name);
    return text != NULL && nd_number_parse(text, strlen(text), most, number);
}

/* The pipe to the launcher, or -1: whoever stands between may have closed it, and the descriptor be
 * something else by now. */
static int report_pipe(void)
{
    uint64_t number = 0;
    struct stat status;
    const bool is_pipe = get_number("NEREID_REPORT", INT_MAX, &number) &&
                         fstat((int)number, &status) == 0 && S_ISFIFO(status.st_mode);
    return is_pipe ? (int)number : -1;
}

static bool is_alive(pid_t launcher)
{
    struct pollfd reports = {.fd = report_pipe()};
    if (reports.fd < 0)
        return kill(launcher, 0) == 0 || errno != ESRCH;
    return poll(&reports, 1, 0) == 0 || (reports.revents & POLLERR) == 0;
}

/* Whether standard input is a terminal that this process may read from now. In a group of its own
 * it would be stopped when it did. */
static bool has_terminal(void)
{
    return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

nd_err nd_child_begin(nd_message *message)
{
    uint64_t launcher;
    const char *const text = getenv("NEREID_LAUNCHER");
    if (text == NULL)
        return ND_OK;
    if (!get_number("NEREID_LAUNCHER", INT_MAX, &launcher) || launcher == 0)
        return nd_message_set(message, ND_USAGE,
                              "the environment says NEREID_LAUNCHER=%.100s, which is no process",
                              text);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!is_alive((pid_t)launcher))
        return nd_message_set(message, ND_CLOSED, "process %s, the launcher, is gone", text);
    if (getppid() != (pid_t)launcher)
        return ND_OK;
    (void)prctl(PR_SET_NAME, program_invocation_short_name); /* it was started as /proc/self/exe */
    if (!has_terminal())
        (void)setpgid(0, 0);
    return ND_OK;
}

/* To standard error, if it takes anything: a terminal may have been stopped (Ctrl-S), and nobody
 * read a pipe, and the status says enough to whoever waits for it. */
static void tell_people(const char *text)
{
    struct pollfd errors = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&errors, 1, PATIENCE_MS) != 0)
        nd_log(ND_LOG_ERROR, "%s", text);
}

void nd_report(int status, const char *text)
{
    char line[sizeof((nd_message *)0)->text + 16];
    struct pollfd report = {.fd = report_pipe(), .events = POLLOUT};
    const int size = snprintf(line, sizeof line, "%d %s", status, text);
    if (report.fd < 0 || poll(&report, 1, 0) != 1 || (report.revents & POLLOUT) == 0 || size < 0) {
        tell_people(text);
        return;
    }
    size_t len = (size_t)size < sizeof line ? (size_t)size : sizeof line - 1;
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n')
            line[i] = ' ';
    line[len++] = '\n'; /* one write, and short enough to be whole */
    if (nd_file_write_all(report.fd, line, len) != 0)
        tell_people(text);
}
