/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting with posix_spawn: the process has a memory of its own from the beginning, whatever this
 * one has used. The main thread's.
 */
#include "bench/start.h"

#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t bench_start(const char *const words[], const sigset_t *mask, int out, int extra)
{
    extern char **environ;
    char *const *const argv = (char *const *)(uintptr_t)words; /* which nobody writes to */
    pid_t started = 0;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | (mask ? POSIX_SPAWN_SETSIGMASK : 0));
    if (mask)
        posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawn_file_actions_init(&actions);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (extra >= 0)
        posix_spawn_file_actions_adddup2(&actions, extra, BENCH_EXTRA_FD);
    if (posix_spawn(&started, "/proc/self/exe", &actions, &attributes, argv, environ) != 0)
        started = 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return started;
}

bool bench_end_with(pid_t program)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == program;
}

bool bench_wait(pid_t process)
{
    int status = -1;
    return process != 0 && waitpid(process, &status, 0) == process && WIFEXITED(status) &&
           WEXITSTATUS(status) == EXIT_SUCCESS;
}
