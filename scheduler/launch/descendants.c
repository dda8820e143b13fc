/* SPDX-License-Identifier: Apache-2.0 */
/* Descendants. The system tells the children of a process in /proc, where it was built to; where
 * not, nobody is found, and who is adopted is not killed.
 *
 * A process whose parent ends is given to the nearest ancestor that has asked for it
 * (PR_SET_CHILD_SUBREAPER). Whoever is killed here leaves children of his own, which come here in
 * their turn: so it goes round until there are none. */
#include "scheduler/launch/descendants.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/base/file.h"

enum { TEXT_SIZE = 4096, MOST = 64, MOST_ROUNDS = 500 /* of a millisecond */ };

/* Reads the beginning of a file into `text`, which ends with a zero byte. */
static void read_text(const char *path, char text[TEXT_SIZE])
{
    size_t size = 0;
    ssize_t got = 1;
    const int file = nd_file_open(path, O_RDONLY, 0);
    while (file >= 0 && got > 0 && size < TEXT_SIZE - 1) {
        got = nd_file_read(file, text + size, TEXT_SIZE - 1 - size);
        size += got > 0 ? (size_t)got : 0;
    }
    text[size] = '\0';
    if (file >= 0)
        (void)close(file);
}

/* Writes at most `room` children of a process, of its first thread; returns how many. */
static size_t list_children(pid_t process, pid_t *children, size_t room)
{
    char path[64], text[TEXT_SIZE], *rest;
    size_t n = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)process, (long)process);
    read_text(path, text);
    for (const char *word = text; n < room; word = rest) {
        const long child = strtol(word, &rest, 10);
        if (child <= 0)
            break;
        children[n++] = (pid_t)child;
    }
    return n;
}

static bool is_caught(pid_t process, int number)
{
    char path[64], text[TEXT_SIZE];
    uint64_t caught = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)process);
    read_text(path, text);
    const char *const line = strstr(text, "\nSigCgt:");
    return line != NULL && sscanf(line, "\nSigCgt: %" SCNx64, &caught) == 1 &&
           (caught >> (number - 1) & 1) != 0;
}

pid_t nd_descendant_that_catches(pid_t process, int number)
{
    pid_t found[MOST] = {process};
    size_t n = 1;
    for (size_t i = 0; i < n; i++) {
        if (is_caught(found[i], number))
            return found[i];
        n += list_children(found[i], found + n, MOST - n);
    }
    return 0;
}

void nd_adoption_begin(nd_adoption *adoption)
{
    int before = 0;
    siginfo_t none;
    const bool is_childless =
        waitid(P_ALL, 0, &none, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
    *adoption =
        (nd_adoption){.is_on = is_childless && prctl(PR_GET_CHILD_SUBREAPER, &before) == 0 &&
                               prctl(PR_SET_CHILD_SUBREAPER, 1) == 0};
    adoption->was_on = before != 0;
}

bool nd_adoption_reap(const nd_adoption *adoption, bool (*is_own)(void *context, pid_t process),
                      void *context)
{
    siginfo_t ended = {.si_pid = 0};
    if (!adoption->is_on || waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0)
        return false;
    return ended.si_pid > 0 && !is_own(context, ended.si_pid) &&
           waitpid(ended.si_pid, NULL, WNOHANG) > 0;
}

/* Whether somebody is left who can be found. */
static bool kill_children(void)
{
    pid_t children[MOST];
    const size_t n = list_children(getpid(), children, MOST);
    for (size_t i = 0; i < n; i++)
        (void)kill(children[i], SIGKILL);
    return n != 0;
}

void nd_adoption_end(nd_adoption *adoption)
{
    for (unsigned i = 0; adoption->is_on && i < MOST_ROUNDS && kill_children(); i++) {
        (void)poll(NULL, 0, 1);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    }
    if (adoption->is_on)
        (void)prctl(PR_SET_CHILD_SUBREAPER, adoption->was_on ? 1 : 0);
    adoption->is_on = false;
}
