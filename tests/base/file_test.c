/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam for files: loops over short and interrupted calls, failures as errno, no SIGPIPE.
 */
#include "runtime/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_files.h"

static const char path[] = "file";

/* Writes `text` to the file through the seam. */
static int write_file(const char *text)
{
    const int fd = nd_file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        return -1;
    const int result = nd_file_write_all(fd, text, strlen(text));
    return nd_file_close(fd) == 0 ? result : -1;
}

static void assert_file_holds(const char *expected)
{
    char text[64] = "";
    const int fd = nd_file_open(path, O_RDONLY, 0);
    assert_true(fd >= 0);
    size_t size = 0;
    ssize_t got;
    while ((got = nd_file_read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    assert_int_equal(got, 0);
    assert_int_equal(nd_file_close(fd), 0);
    assert_string_equal(text, expected);
}

static void short_and_interrupted_calls_are_continued(void **state)
{
    (void)state;
    failing_files files;
    failing_files_start(&files, SIZE_MAX, 0);
    files.largest = 3;
    files.is_interrupting = true;
    assert_int_equal(write_file("0123456789"), 0);
    assert_file_holds("0123456789");
    assert_false(failing_files_stop(&files));
    assert_true(files.n_operations > 10);
    assert_true(files.n_interrupted > 10);
}

static void nth_operation_fails_with_the_error_asked_for(void **state)
{
    (void)state;
    for (size_t allowed = 0; allowed < 3; allowed++) {
        failing_files files;
        failing_files_start(&files, allowed, ENOSPC);
        assert_int_equal(write_file("abc"), -1);
        assert_int_equal(errno, ENOSPC);
        assert_true(failing_files_stop(&files));
    }
}

static ssize_t write_nothing(void *context, int fd, const void *data, size_t size)
{
    (void)context, (void)fd, (void)data, (void)size;
    return 0;
}

static void device_that_takes_nothing_is_an_error(void **state)
{
    (void)state;
    nd_file_ops ops = *nd_file_system();
    ops.write = write_nothing;
    nd_file_use(&ops);
    const int result = nd_file_write_all(STDOUT_FILENO, "abc", 3);
    const int error = errno;
    nd_file_use(NULL);
    assert_int_equal(result, -1);
    assert_int_equal(error, EIO);
}

static void pipe_without_a_reader_is_an_error_and_no_signal(void **state)
{
    (void)state;
    sigset_t blocked, pending;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(nd_file_write_all(ends[1], "abc", 3), -1);
    assert_int_equal(errno, EPIPE);
    close(ends[1]);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
    assert_int_equal(sigismember(&blocked, SIGPIPE), 0);
}

static void opened_files_are_not_inherited(void **state)
{
    (void)state;
    const int fd = nd_file_open("/dev/null", O_RDONLY, 0);
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(nd_file_close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_and_interrupted_calls_are_continued),
        cmocka_unit_test(nth_operation_fails_with_the_error_asked_for),
        cmocka_unit_test(device_that_takes_nothing_is_an_error),
        cmocka_unit_test(pipe_without_a_reader_is_an_error_and_no_signal),
        cmocka_unit_test(opened_files_are_not_inherited),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
