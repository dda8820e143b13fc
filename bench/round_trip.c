/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other process is forked off, which is all that so small a one needs. It ends when its socket
 * does, and with the program at the latest.
 */
#include "bench/round_trip.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nereid/memory.h>

enum { PASSES = 50000, WARM_UP = 256 };

/* Two ends of a connection over the loopback. */
static bool connect_tcp(int ends[2])
{
    const int one = 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    const int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool is_connected =
        door >= 0 && ends[0] >= 0 && bind(door, (const struct sockaddr *)&name, size) == 0 &&
        listen(door, 1) == 0 && getsockname(door, (struct sockaddr *)&name, &size) == 0 &&
        connect(ends[0], (const struct sockaddr *)&name, size) == 0;
    ends[1] = is_connected ? accept(door, NULL, NULL) : -1;
    close(door);
    for (int i = 0; i < 2 && ends[1] >= 0; i++)
        (void)setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return ends[1] >= 0;
}

static bool pass(int end, uint64_t *word)
{
    return send(end, word, sizeof *word, MSG_NOSIGNAL) == sizeof *word &&
           recv(end, word, sizeof *word, MSG_WAITALL) == sizeof *word;
}

static _Noreturn void answer(int end)
{
    uint64_t word;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (recv(end, &word, sizeof word, MSG_WAITALL) == sizeof word) {
        word++;
        if (send(end, &word, sizeof word, MSG_NOSIGNAL) != sizeof word)
            break;
    }
    _exit(EXIT_SUCCESS);
}

/* Takes the moment before each pass, and that after the last. */
static void pass_many(int end, uint64_t *moments, size_t n)
{
    uint64_t word = 0;
    bool is_well = true;
    for (size_t i = 0; i < n && is_well; i++) {
        moments[i] = bench_now_ns();
        is_well = pass(end, &word);
    }
    moments[n] = bench_now_ns();
    bench_check(is_well && word == n, "a word was lost between two processes");
}

double bench_round_trip_ns(const bench_plan *plan)
{
    int ends[2];
    const size_t n = bench_scaled(plan, PASSES) + WARM_UP;
    uint64_t *moments = bench_alloc(n + 1, sizeof *moments);
    bench_check(plan->place == BENCH_PAIR_TCP
                    ? connect_tcp(ends)
                    : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0,
                "two processes cannot be connected");
    const pid_t other = fork();
    bench_check(other >= 0, "a process cannot be started");
    if (other == 0) {
        close(ends[0]);
        answer(ends[1]);
    }
    close(ends[1]);
    pass_many(ends[0], moments, n);
    close(ends[0]);
    (void)waitpid(other, NULL, 0);
    const double mean = (double)(moments[n] - moments[WARM_UP]) / (double)(n - WARM_UP);
    const double ns =
        plan->size ? bench_percentile(moments + WARM_UP, n - WARM_UP, plan->size) : mean;
    nd_free(moments);
    return ns;
}
