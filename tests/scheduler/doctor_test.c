/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doctor from inside: limits of a container that is made up, and memory that runs out. What a
 * user sees of it is tested by the command (tests/tools/doctor_test).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nereid/cluster.h>

#include "runtime/base/file.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* --- What it says --- */

typedef struct notes {
    unsigned n_lines, n_failed;
    nd_verdict verdict; /* of the line that begins with `subject` */
    const char *subject;
    char text[512];
} notes;

static void note(void *context, nd_verdict verdict, const char *text)
{
    notes *const taken = context;
    taken->n_lines++;
    taken->n_failed += verdict == ND_VERDICT_FAIL;
    assert_null(strchr(text, '\n'));
    if (taken->subject == NULL || strncmp(text, taken->subject, strlen(taken->subject)) != 0)
        return;
    taken->verdict = verdict;
    snprintf(taken->text, sizeof taken->text, "%s", text);
}

static void expect(const nd_options *options, const char *subject, nd_verdict verdict,
                   const char *part)
{
    notes taken = {.subject = subject};
    assert_int_equal(nd_doctor(options, note, &taken), taken.n_failed);
    if (taken.text[0] == '\0' || taken.verdict != verdict || strstr(taken.text, part) == NULL)
        fail_msg("%s: verdict %d and '%s' instead of %d and '%s'", subject, (int)taken.verdict,
                 taken.text, (int)verdict, part);
}

/* --- A container --- */

typedef struct made_up {
    const char *path, *text;
} made_up;

static const made_up *container; /* ended by one without a path; what it lacks is not there */

static int open_made_up(void *context, const char *path, int flags, mode_t mode)
{
    (void)context;
    const bool is_of_groups = strncmp(path, "/sys/fs/cgroup/", 15) == 0;
    for (const made_up *one = container; one->path != NULL; one++) {
        int ends[2];
        if (strcmp(path, one->path) != 0)
            continue;
        assert_int_equal(pipe(ends), 0);
        (void)!write(ends[1], one->text, strlen(one->text));
        close(ends[1]);
        return ends[0];
    }
    return is_of_groups ? -1 : nd_file_system()->open(nd_file_system()->context, path, flags, mode);
}

static void expect_in(const made_up *files, const nd_options *options, const char *subject,
                      nd_verdict verdict, const char *part)
{
    nd_file_ops ops = *nd_file_system();
    container = files;
    ops.open = open_made_up;
    nd_file_use(&ops);
    expect(options, subject, verdict, part);
    nd_file_use(NULL);
}

static void limits_of_a_container_count(void **state)
{
    (void)state;
    const nd_options one = {.n_workers = 1}, many = {.n_workers = 200};
    const made_up none[] = {{NULL, NULL}};
    const made_up open[] = {{"/sys/fs/cgroup/cpu.max", "max 100000\n"},
                            {"/sys/fs/cgroup/memory.max", "max\n"},
                            {NULL, NULL}};
    const made_up tight[] = {{"/sys/fs/cgroup/cpu.max", "50000 100000\n"},
                             {"/sys/fs/cgroup/memory.max", "67108864\n"},
                             {NULL, NULL}};
    const made_up former[] = {{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"},
                              {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
                              {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n"},
                              {NULL, NULL}};
    const made_up unlimited[] = {
        {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
        {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
        {NULL, NULL}};
    const made_up *const wide[] = {none, open, unlimited}, *const narrow[] = {tight, former};
    for (unsigned i = 0; i < 3; i++) {
        expect_in(wide[i], &one, "cores:", ND_VERDICT_OK, "1 x 1 workers");
        expect_in(wide[i], &one, "memory:", ND_VERDICT_OK, "MiB available");
        expect_in(wide[i], &many, "cores:", ND_VERDICT_WARN, "1 x 200 workers");
    }
    for (unsigned i = 0; i < 2; i++) {
        expect_in(narrow[i], &one, "cores:", ND_VERDICT_OK, "cores: 1, for 1 x 1 workers");
        expect_in(narrow[i], &many, "cores:", ND_VERDICT_WARN, "-w 1");
        expect_in(narrow[i], &one, "memory:", ND_VERDICT_WARN, "memory: 64 MiB");
    }
}

/* --- No memory --- */

static void write_hosts(char path[32])
{
    strcpy(path, "hosts.XXXXXX");
    const int fd = mkstemp(path);
    static const char text[] = "127.0.0.1:1\n127.0.0.1:2\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
}

static void without_memory_a_check_fails_and_nothing_is_left(void **state)
{
    (void)state;
    char path[32];
    bool was_refused = true;
    write_hosts(path);
    const nd_options options = {.hosts = path, .n_workers = 1};
    for (size_t allowed = 0; was_refused; allowed++) {
        failing_memory memory;
        notes taken = {.n_lines = 0};
        failing_memory_start(&memory, allowed);
        const unsigned n_failed = nd_doctor(&options, note, &taken);
        was_refused = failing_memory_stop(&memory);
        assert_int_equal(n_failed, was_refused ? 1 : 0);
        assert_true(taken.n_lines > 5);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_a_container_count),
        cmocka_unit_test(without_memory_a_check_fails_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
