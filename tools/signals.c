/* SPDX-License-Identifier: Apache-2.0 */
/* Signals. The flags are this program's only mutable globals: a handler can reach nothing else.
 */
#include "tools/signals.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nereid/error.h>

enum { PATIENCE_MS = 1000 };

static atomic_bool deferred; /* written by the main thread, read by the handler on any thread */
static atomic_bool came;     /* written by the handler, read by the main thread */

static atomic_bool passed_on; /* by the handler, to itself or to that of a run */

/* A run (nd_execute) ends by a SIGINT that it gets itself, but does not know SIGHUP; so that is
 * passed on as the other. If no run is there the SIGINT comes back here, where nothing is left to
 * do. */
static bool is_put_off(int signal_number)
{
    if (!atomic_load(&deferred))
        return false;
    if (signal_number == SIGINT && atomic_exchange(&passed_on, false))
        return true;
    if (atomic_exchange(&came, true))
        return false;
    if (signal_number == SIGHUP) {
        atomic_store(&passed_on, true);
        (void)kill(getpid(), SIGINT);
    }
    return true;
}

/* Says so, unless nobody reads it: a terminal may have been stopped. */
static void handle(int signal_number)
{
    static const char line[] = "nereid: interrupted\n";
    struct pollfd errors = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (is_put_off(signal_number))
        return;
    if (poll(&errors, 1, PATIENCE_MS) != 0)
        (void)!write(STDERR_FILENO, line, sizeof line - 1);
    _exit(nd_err_status(ND_INTR));
}

/* The same without the line, which is the launcher's to say. */
static void handle_silently(int signal_number)
{
    if (!is_put_off(signal_number))
        _exit(nd_err_status(ND_INTR));
}

void signals_watch(void)
{
    const bool is_launched = getenv("NEREID_LAUNCHER") != NULL;
    struct sigaction action = {.sa_handler = is_launched ? handle_silently : handle,
                               .sa_flags = SA_RESTART},
                     before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
}

void signals_release(void)
{
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGUSR1, SIG_DFL);
}

void signals_defer(const char *path)
{
    atomic_store(&deferred, path != NULL && strcmp(path, "-") != 0);
}

bool signals_came(void) { return atomic_load(&came); }
