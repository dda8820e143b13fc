/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relayed lines: what comes out, whoever reads it and however slowly.
 */
#include "scheduler/launch/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <nereid/memory.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { N_INLETS = 2, LONGEST_LINE = 64 * 1024 };

/* An outlet and its inlets, as a launcher has them. */
typedef struct relay {
    uv_loop_t loop;
    nd_outlet outlet;
    nd_inlet inlets[N_INLETS];
    int writers[N_INLETS]; /* the other ends, non-blocking */
    unsigned n_moved;
} relay;

static void on_moved(nd_outlet *outlet, void *context)
{
    relay *const all = context;
    assert_ptr_equal(outlet, &all->outlet);
    all->n_moved++;
    for (int i = 0; i < N_INLETS; i++)
        nd_inlet_resume(&all->inlets[i], false);
}

static void start(relay *all, int fd)
{
    memset(all, 0, sizeof *all);
    assert_int_equal(uv_loop_init(&all->loop), 0);
    assert_int_equal(nd_outlet_init(&all->outlet, &all->loop, fd, on_moved, all), ND_OK);
    for (int i = 0; i < N_INLETS; i++) {
        int ends[2];
        char prefix[16];
        (void)snprintf(prefix, sizeof prefix, "[p%d] ", i);
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        all->writers[i] = ends[1];
        assert_int_equal(nd_inlet_open(&all->inlets[i], &all->loop, ends[0], prefix, &all->outlet),
                         ND_OK);
    }
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    uv_close(handle, NULL);
}

static void stop(relay *all)
{
    for (int i = 0; i < N_INLETS; i++)
        (void)close(all->writers[i]);
    uv_walk(&all->loop, close_handle, NULL);
    (void)uv_run(&all->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&all->loop), 0);
    for (int i = 0; i < N_INLETS; i++)
        nd_inlet_deinit(&all->inlets[i]);
    nd_outlet_deinit(&all->outlet);
}

/* Runs what can run now. */
static void turn(relay *all)
{
    for (int i = 0; i < 100; i++)
        (void)uv_run(&all->loop, UV_RUN_NOWAIT);
}

static void say(relay *all, int inlet, const char *text)
{
    assert_int_equal(write(all->writers[inlet], text, strlen(text)), (ssize_t)strlen(text));
    turn(all);
}

static void end_inlets(relay *all)
{
    for (int i = 0; i < N_INLETS; i++) {
        (void)close(all->writers[i]);
        all->writers[i] = -1;
    }
    turn(all);
    for (int i = 0; i < N_INLETS; i++)
        assert_true(nd_inlet_is_over(&all->inlets[i]));
}

static int open_file(void)
{
    const int fd = memfd_create("output", 0);
    assert_true(fd >= 0);
    return fd;
}

/* Asserts that a file holds just this, and closes it. */
static void assert_file(int fd, const char *expected)
{
    char text[1024];
    const ssize_t size = pread(fd, text, sizeof text - 1, 0);
    assert_true(size >= 0);
    text[size] = '\0';
    assert_string_equal(text, expected);
    (void)close(fd);
}

/* --- Lines --- */

static void lines_get_their_prefix_and_are_never_mixed(void **state)
{
    (void)state;
    relay all;
    const int file = open_file();
    start(&all, file);
    say(&all, 0, "one\ntwo\nthr");
    say(&all, 1, "uno\n\ndos");
    say(&all, 0, "ee");
    say(&all, 1, " y tres\n");
    say(&all, 0, "\nfour");
    end_inlets(&all);
    stop(&all);
    assert_file(file, "[p0] one\n[p0] two\n[p1] uno\n[p1] \n[p1] dos y tres\n[p0] three\n"
                      "[p0] four\n");
}

static void zero_bytes_are_bytes(void **state)
{
    (void)state;
    relay all;
    char text[32];
    const int file = open_file();
    start(&all, file);
    assert_int_equal(write(all.writers[0], "a\0b\n", 4), 4);
    end_inlets(&all);
    stop(&all);
    assert_int_equal(pread(file, text, sizeof text, 0), 9);
    assert_memory_equal(text, "[p0] a\0b\n", 9);
    (void)close(file);
}

/* Lines of all lengths around the longest, each byte telling where it was. */
static void a_line_that_is_too_long_is_broken_and_nothing_is_lost(void **state)
{
    (void)state;
    static char line[3 * LONGEST_LINE], found[4 * LONGEST_LINE];
    static const size_t sizes[] = {LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1,
                                   2 * LONGEST_LINE + 5000};
    for (size_t i = 0; i < sizeof line; i++)
        line[i] = (char)('a' + i % 23);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        relay all;
        const int file = open_file();
        start(&all, file);
        for (size_t done = 0; done < sizes[k]; turn(&all)) {
            const size_t rest = sizes[k] - done;
            const ssize_t n = write(all.writers[0], line + done, rest < 5000 ? rest : 5000);
            assert_true(n > 0);
            done += (size_t)n;
        }
        end_inlets(&all);
        stop(&all);
        const ssize_t size = pread(file, found, sizeof found, 0);
        size_t n_bytes = 0;
        for (const char *at = found; at < found + size;) {
            const char *const end = memchr(at, '\n', (size_t)(found + size - at));
            assert_non_null(end);
            assert_memory_equal(at, "[p0] ", 5);
            const size_t here = (size_t)(end - at) - 5;
            assert_in_range(here, 1, LONGEST_LINE);
            assert_memory_equal(at + 5, line + n_bytes, here);
            n_bytes += here;
            at = end + 1;
        }
        assert_int_equal(n_bytes, sizes[k]);
        (void)close(file);
    }
}

/* --- Readers --- */

/* Writes numbered lines as long as the pipe takes them; returns how many there are now. */
static unsigned fill(relay *all, unsigned n_lines)
{
    char text[16];
    for (unsigned failures = 0; failures < 3;) {
        const int size = snprintf(text, sizeof text, "%u\n", n_lines);
        if (write(all->writers[0], text, (size_t)size) == size) {
            n_lines++;
            failures = 0;
        } else {
            assert_int_equal(errno, EAGAIN);
            failures++;
            turn(all);
        }
    }
    return n_lines;
}

/* Reads all that comes through an output pipe, and asserts that it is those lines. */
static void drain(relay *all, int fd, unsigned n_lines)
{
    static char found[4 * 1024 * 1024];
    char line[32];
    size_t size = 0, at = 0;
    ssize_t got;
    do {
        turn(all);
        got = read(fd, found + size, sizeof found - size);
        size += got > 0 ? (size_t)got : 0;
    } while (got > 0 || !nd_outlet_is_empty(&all->outlet));
    for (unsigned i = 0; i < n_lines; i++) {
        const int len = snprintf(line, sizeof line, "[p0] %u\n", i);
        assert_true(at + (size_t)len <= size);
        assert_memory_equal(found + at, line, (size_t)len);
        at += (size_t)len;
    }
    assert_int_equal(at, size);
}

static void who_does_not_read_makes_writers_wait_and_nobody_else(void **state)
{
    (void)state;
    relay all;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    start(&all, ends[1]);
    const unsigned n_lines = fill(&all, 0);
    assert_in_range(n_lines, 1000, 100000);
    assert_int_equal(fill(&all, n_lines), n_lines); /* it stays so */
    assert_false(nd_outlet_is_empty(&all.outlet));
    assert_int_equal(all.n_moved, 0);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0); /* others share it */
    say(&all, 1, "");
    drain(&all, ends[0], n_lines);
    assert_true(all.n_moved > 0);
    end_inlets(&all);
    stop(&all);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Writes short lines, many at once, as long as the pipe takes them; returns how many are whole. */
static size_t fill_with_short_lines(relay *all)
{
    char lines[5000];
    size_t size = 0;
    for (size_t i = 0; i < sizeof lines; i++)
        lines[i] = i % 2 == 0 ? 'y' : '\n';
    for (unsigned failures = 0; failures < 3; turn(all)) {
        const ssize_t taken = write(all->writers[0], lines + size % 2, sizeof lines - size % 2);
        size += taken > 0 ? (size_t)taken : 0;
        failures = taken > 0 ? 0 : failures + 1;
    }
    return size / 2;
}

/* As after Ctrl-S. A terminal says that it can be written, and takes less than a pipe would; a
 * write that waited for it to take the rest would do so for ever, and the alarm end this program.
 */
static void a_terminal_that_nobody_reads_makes_writers_wait_and_nobody_else(void **state)
{
    (void)state;
    static char found[4 * 1024 * 1024];
    relay all;
    int master, terminal;
    size_t size = 0;
    assert_int_equal(openpty(&master, &terminal, NULL, NULL, NULL), 0);
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    start(&all, terminal);
    (void)alarm(20);
    const size_t expected = fill_with_short_lines(&all) * strlen("[p0] y\r\n");
    assert_false(nd_outlet_is_empty(&all.outlet));
    assert_int_equal(fcntl(terminal, F_GETFL) & O_NONBLOCK, 0); /* others share it */
    while (size < expected) {
        const ssize_t got = read(master, found + size, sizeof found - size);
        size += got > 0 ? (size_t)got : 0;
        turn(&all);
    }
    (void)alarm(0);
    assert_int_equal(size, expected);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(found[i], "[p0] y\r\n"[i % 8]);
    stop(&all);
    assert_int_not_equal(fcntl(terminal, F_GETFL), -1); /* it is not the relay's to close */
    (void)close(terminal);
    (void)close(master);
}

static void assert_fails_once(int fd, int error)
{
    relay all;
    start(&all, fd);
    say(&all, 0, "one\n");
    assert_int_equal(all.outlet.error, error);
    assert_int_equal(all.n_moved, 1);
    say(&all, 0, "two\n");
    say(&all, 1, "uno\n");
    assert_true(nd_outlet_is_empty(&all.outlet));
    end_inlets(&all);
    assert_int_equal(all.n_moved, 1);
    stop(&all);
}

static void an_outlet_that_fails_says_so_once_and_swallows_the_rest(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[0]);
    assert_fails_once(ends[1], EPIPE);
    (void)close(ends[1]);
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_fails_once(full, ENOSPC);
    (void)close(full);
}

static void a_reader_that_goes_away_is_noticed_while_it_is_waited_for(void **state)
{
    (void)state;
    relay all;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    start(&all, ends[1]);
    (void)fill(&all, 0);
    (void)close(ends[0]);
    turn(&all);
    assert_int_equal(all.outlet.error, EPIPE);
    assert_true(nd_outlet_is_empty(&all.outlet));
    end_inlets(&all);
    stop(&all);
    (void)close(ends[1]);
}

/* --- The end --- */

static void the_last_lines_are_read_though_somebody_holds_the_pipe_open(void **state)
{
    (void)state;
    relay all;
    const int file = open_file();
    start(&all, file);
    assert_int_equal(write(all.writers[0], "one\ntwo", 7), 7);
    for (int i = 0; i < N_INLETS; i++) {
        nd_inlet_resume(&all.inlets[i], true);
        assert_true(nd_inlet_is_over(&all.inlets[i]));
    }
    stop(&all);
    assert_file(file, "[p0] one\n[p0] two\n");
}

static nd_err attempt(void *arg)
{
    uv_loop_t loop;
    nd_outlet outlet;
    nd_inlet inlet = {.fd = -1};
    int ends[2];
    (void)arg;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    nd_err err = nd_outlet_init(&outlet, &loop, ends[1], on_moved, NULL);
    const bool has_outlet = err == ND_OK;
    if (has_outlet)
        err = nd_inlet_open(&inlet, &loop, dup(ends[0]), "", &outlet);
    uv_walk(&loop, close_handle, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    nd_inlet_deinit(&inlet);
    if (has_outlet)
        nd_outlet_deinit(&outlet);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return err;
}

static void memory_that_fails_is_told(void **state)
{
    (void)state;
    assert_int_equal(failing_memory_sweep(attempt, NULL), 2);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_get_their_prefix_and_are_never_mixed),
        cmocka_unit_test(zero_bytes_are_bytes),
        cmocka_unit_test(a_line_that_is_too_long_is_broken_and_nothing_is_lost),
        cmocka_unit_test(who_does_not_read_makes_writers_wait_and_nobody_else),
        cmocka_unit_test(a_terminal_that_nobody_reads_makes_writers_wait_and_nobody_else),
        cmocka_unit_test(an_outlet_that_fails_says_so_once_and_swallows_the_rest),
        cmocka_unit_test(a_reader_that_goes_away_is_noticed_while_it_is_waited_for),
        cmocka_unit_test(the_last_lines_are_read_though_somebody_holds_the_pipe_open),
        cmocka_unit_test(memory_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
