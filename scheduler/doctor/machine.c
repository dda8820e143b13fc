/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor looks at on this machine. Limits of a container (control groups, version 2 and
 * 1) count where they are less than what the machine has: the kernel enforces them without a word.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <msgpack.h>
#include <protobuf-c/protobuf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>
#include <zmq.h>

#include "runtime/base/clock.h"
#include "runtime/base/file.h"
#include "scheduler/doctor/checkup.h"
#include "scheduler/place/private_directory.h"
#include "transport/zmq/net.h"

/* --- Libraries --- */

typedef struct version {
    unsigned long numbers[3];
} version;

static version version_of(const char *text)
{
    version found = {{0}};
    for (unsigned i = 0; i < 3 && *text >= '0' && *text <= '9'; i++) {
        char *end;
        found.numbers[i] = strtoul(text, &end, 10);
        text = *end == '.' ? end + 1 : end;
    }
    return found;
}

static bool is_older(const char *text, const char *least)
{
    const version a = version_of(text), b = version_of(least);
    for (unsigned i = 0; i < 3; i++)
        if (a.numbers[i] != b.numbers[i])
            return a.numbers[i] < b.numbers[i];
    return false;
}

static void check_version(nd_checkup *checkup, const char *name, const char *found,
                          const char *least, const char *why)
{
    if (is_older(found, least))
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "%s %s is too old (%s): install %s or later", name,
                       found, why, least);
    else
        nd_checkup_say(checkup, ND_VERDICT_OK, "%s %s", name, found);
}

static void check_libraries(nd_checkup *checkup)
{
    char text[32];
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    (void)snprintf(text, sizeof text, "%d.%d.%d", major, minor, patch);
    nd_checkup_say(checkup, ND_VERDICT_OK, "nereid %s", NEREID_VERSION);
    check_version(checkup, "libzmq", text, "4.3.4",
                  "strangers can make it write where it must not");
    check_version(checkup, "libuv", uv_version_string(), "1.44.0", "it lacks what is called");
    check_version(checkup, "protobuf-c", protobuf_c_version(), "1.4.1",
                  "what is malformed can crash it");
    check_version(checkup, "msgpack-c", msgpack_version(), "3.0.0", "it lacks what is called");
}

static void check_encryption(nd_checkup *checkup)
{
    static const char fix[] = "install a ZeroMQ library that was built with CURVE (libsodium)";
    if (zmq_has("curve"))
        nd_checkup_say(checkup, ND_VERDICT_OK, "encryption: CURVE");
    else if (checkup->plan.options.secret != NULL || nd_checkup_leaves_machine(checkup))
        nd_checkup_say(checkup, ND_VERDICT_FAIL, "encryption: libzmq has none: %s", fix);
    else
        nd_checkup_say(checkup, ND_VERDICT_WARN,
                       "encryption: libzmq has none, so runs stay on this machine: %s", fix);
}

/* --- Limits of a container --- */

/* Reads the beginning of a file; false if there is none. */
static bool read_text(const char *path, char *text, size_t size)
{
    const int fd = nd_file_open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    const ssize_t got = nd_file_read(fd, text, size - 1);
    (void)nd_file_close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static bool read_number(const char *path, uint64_t *number)
{
    char text[64];
    return read_text(path, text, sizeof text) && sscanf(text, "%" SCNu64, number) == 1;
}

/* Of processors, rounded up; 0: no limit. */
static unsigned limit_of_cores(void)
{
    char text[64];
    uint64_t quota = 0, period = 0;
    if (read_text("/sys/fs/cgroup/cpu.max", text, sizeof text)) {
        if (sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) != 2)
            return 0;
    } else if (!read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", &quota) ||
               !read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us", &period)) {
        return 0;
    }
    const uint64_t n = period != 0 ? quota / period + (quota % period != 0) : 0;
    return n < ND_MAX_WORKERS ? (unsigned)n : 0;
}

/* In bytes; UINT64_MAX: none. */
static uint64_t limit_of_memory(void)
{
    uint64_t limit;
    if (read_number("/sys/fs/cgroup/memory.max", &limit) ||
        read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes", &limit))
        return limit;
    return UINT64_MAX;
}

/* --- Limits --- */

static unsigned count_workers(const nd_checkup *checkup, unsigned n_cores)
{
    const unsigned chosen = checkup->plan.options.n_workers, n_here = checkup->n_here;
    return chosen != 0 ? chosen : n_cores > n_here ? n_cores / n_here : 1;
}

static void check_cores(nd_checkup *checkup, unsigned n_cores, unsigned n_workers)
{
    const unsigned limit = limit_of_cores(), n_here = checkup->n_here;
    const unsigned n_usable = limit != 0 && limit < n_cores ? limit : n_cores;
    const unsigned share = n_usable > n_here ? n_usable / n_here : 1;
    if (n_workers * n_here <= n_usable)
        nd_checkup_say(checkup, ND_VERDICT_OK, "cores: %u, for %u x %u workers", n_usable, n_here,
                       n_workers);
    else if (n_usable < n_cores)
        nd_checkup_say(checkup, ND_VERDICT_WARN,
                       "cores: %u, but this container may only use %u: with %u x %u workers each "
                       "is stopped now and then, and all wait for it: give -w %u",
                       n_cores, n_usable, n_here, n_workers, share);
    else
        nd_checkup_say(checkup, ND_VERDICT_WARN,
                       "cores: %u, for %u x %u workers, which will wait for each other: give fewer "
                       "(-w %u)",
                       n_cores, n_here, n_workers, share);
}

static void check_files(nd_checkup *checkup)
{
    struct rlimit limit;
    const unsigned long needed = nd_net_count_files(checkup->plan.n_processes);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= needed)
        nd_checkup_say(checkup, ND_VERDICT_OK, "open files: the limit allows the %lu that may be",
                       needed);
    else
        nd_checkup_say(checkup, ND_VERDICT_FAIL,
                       "open files: %u processes need %lu each, and the limit is %llu: raise it "
                       "(ulimit -Hn, /etc/security/limits.conf, LimitNOFILE= of a unit)",
                       checkup->plan.n_processes, needed, (unsigned long long)limit.rlim_max);
}

static uint64_t available_memory(void)
{
    char text[1024];
    uint64_t kib;
    const uint64_t limit = limit_of_memory();
    const char *const found =
        read_text("/proc/meminfo", text, sizeof text) ? strstr(text, "MemAvailable:") : NULL;
    if (found == NULL || sscanf(found, "MemAvailable: %" SCNu64, &kib) != 1)
        return limit;
    return kib * 1024 < limit ? kib * 1024 : limit;
}

static void check_memory(nd_checkup *checkup, unsigned n_workers)
{
    enum { WORKER_MIB = 128 };
    const uint64_t mib = available_memory() >> 20;
    const uint64_t needed = (uint64_t)WORKER_MIB * n_workers * checkup->n_here;
    if (mib >= needed)
        nd_checkup_say(checkup, ND_VERDICT_OK, "memory: %" PRIu64 " MiB available", mib);
    else
        nd_checkup_say(checkup, ND_VERDICT_WARN,
                       "memory: %" PRIu64 " MiB available, less than %d MiB a worker, and sources "
                       "alone may have 64 MiB a worker under way: give fewer workers (-w)",
                       mib, WORKER_MIB);
}

/* Processes of one machine meet in a private directory, unless a hosts file says otherwise. */
static void check_directory(nd_checkup *checkup)
{
    char path[ND_DIRECTORY_SIZE];
    nd_message message;
    const bool is_needed = checkup->plan.options.hosts == NULL;
    if (nd_private_directory_create(path, &message) != ND_OK) {
        nd_checkup_say(checkup, is_needed ? ND_VERDICT_FAIL : ND_VERDICT_WARN, "sockets: %s",
                       message.text);
        return;
    }
    nd_private_directory_remove(path, 0);
    *strrchr(path, '/') = '\0';
    nd_checkup_say(checkup, ND_VERDICT_OK, "sockets: private directories can be made in %s", path);
}

/* Every step of a worker reads the clock. */
static void check_clock(nd_checkup *checkup)
{
    enum { ROUNDS = 10, READINGS = 1000, SLOW_NS = 500 };
    static const char source[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    uint64_t least = UINT64_MAX;
    const nd_clock *const clock = nd_clock_system();
    for (unsigned i = 0; i < ROUNDS; i++) {
        const uint64_t begin = nd_clock_now_ns(clock);
        for (unsigned k = 1; k < READINGS; k++)
            (void)nd_clock_now_ns(clock);
        const uint64_t took = (nd_clock_now_ns(clock) - begin) / READINGS;
        least = took < least ? took : least;
    }
    if (least < SLOW_NS)
        nd_checkup_say(checkup, ND_VERDICT_OK, "clock: a reading takes %" PRIu64 " ns", least);
    else
        nd_checkup_say(checkup, ND_VERDICT_WARN,
                       "clock: a reading takes %" PRIu64 " ns, which slows every step: choose a "
                       "faster source than that in %s (tsc, kvm-clock)",
                       least, source);
}

void nd_checkup_machine(nd_checkup *checkup)
{
    const unsigned n_cores = uv_available_parallelism();
    const unsigned n_workers = count_workers(checkup, n_cores);
    check_libraries(checkup);
    check_encryption(checkup);
    check_cores(checkup, n_cores, n_workers);
    check_files(checkup);
    check_memory(checkup, n_workers);
    check_directory(checkup);
    check_clock(checkup);
}
