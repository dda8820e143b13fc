/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers: a file appears whole or not at all, whatever fails on the way.
 */
#include <nereid/io.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nereid/memory.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_files.h"
#include "tests/support/failing_memory.h"

static const char path[] = "out/file";

/* An empty folder for each test. */
static int make_folder(void **state)
{
    (void)state;
    DIR *folder = opendir("out");
    if (folder == NULL)
        return mkdir("out", 0777);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    return closedir(folder);
}

static size_t count_files(void)
{
    DIR *folder = opendir("out");
    assert_non_null(folder);
    size_t n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n - 2; /* without . and .. */
}

static void put_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* NULL: there must be no such file. */
static void assert_file_holds(const char *name, const char *expected)
{
    char text[4096] = "";
    FILE *file = fopen(name, "r");
    if (expected == NULL) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void file_appears_at_commit_with_all_that_was_written(void **state)
{
    (void)state;
    nd_writer *writer;
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    nd_writer_write(writer, "abc", 3);
    nd_writer_printf(writer, " %d\n", 42);
    nd_writer_flush(writer);
    nd_writer_write(writer, "", 0);
    nd_writer_write(writer, "end", 3);
    assert_file_holds(path, NULL);
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    assert_file_holds(path, "abc 42\nend");
    assert_int_equal(count_files(), 1);
}

static void older_file_stays_until_commit_and_after_abandon(void **state)
{
    (void)state;
    put_file(path, "old");
    nd_writer *writer;
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    nd_writer_write(writer, "new", 3);
    nd_writer_flush(writer);
    assert_file_holds(path, "old");
    nd_writer_abandon(writer);
    assert_file_holds(path, "old");
    assert_int_equal(count_files(), 1);
    nd_writer_abandon(NULL);
}

static void sizes_around_the_buffer_are_written_in_order(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    unsigned char *data = nd_alloc(SIZE, 1), *read_back = nd_alloc(SIZE, 1);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(i * 7 + i / 251);
    nd_writer *writer;
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    size_t at = 0;
    for (size_t step = 1; at < SIZE; step = step * 3 + 1) {
        const size_t size = step < SIZE - at ? step : SIZE - at;
        nd_writer_write(writer, data + at, size);
        at += size;
    }
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(read_back, 1, SIZE, file), SIZE);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    assert_memory_equal(read_back, data, SIZE);
    nd_free(data);
    nd_free(read_back);
}

static void formatted_lines_add_up_and_long_ones_are_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    nd_writer *writer;
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    for (int i = 0; i < 1000; i++)
        nd_writer_printf(writer, "%s", text);
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 1000 * 1023);
}

static void mode_is_what_the_mask_leaves(void **state)
{
    (void)state;
    const mode_t before = umask(027);
    nd_writer *writer;
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    umask(before);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
}

static void name_in_the_current_folder_and_left_over_names_are_fine(void **state)
{
    (void)state;
    char left_over[64];
    snprintf(left_over, sizeof left_over, ".nereid-%ld-0.tmp", (long)getpid());
    put_file(left_over, "left over");
    nd_writer *writer, *other;
    assert_int_equal(nd_writer_open("here", &writer, NULL), ND_OK);
    assert_int_equal(nd_writer_open("there", &other, NULL), ND_OK);
    nd_writer_printf(writer, "here");
    nd_writer_printf(other, "there");
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    assert_int_equal(nd_writer_commit(other, NULL), ND_OK);
    assert_file_holds("here", "here");
    assert_file_holds("there", "there");
    assert_file_holds(left_over, "left over");
    unlink(left_over);
    unlink("here");
    unlink("there");
}

static void link_is_kept_and_the_file_behind_it_replaced(void **state)
{
    (void)state;
    put_file("out/target", "old");
    assert_int_equal(symlink("target", path), 0);
    nd_writer *writer;
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    nd_writer_printf(writer, "new");
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    assert_file_holds("out/target", "new");
    assert_int_equal(count_files(), 2);
    char text[100];
    assert_int_equal(readlink(path, text, sizeof text), 6);
}

/* A pipe stands for terminals and devices: no test names a real one, which a mistake would replace.
 */
static void pipe_is_written_in_place_and_stays(void **state)
{
    (void)state;
    char text[100];
    nd_writer *writer;
    assert_int_equal(mkfifo(path, 0666), 0);
    const int reading = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reading >= 0);
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    nd_writer_printf(writer, "through");
    assert_int_equal(nd_writer_commit(writer, NULL), ND_OK);
    assert_int_equal(read(reading, text, sizeof text), 7);
    assert_memory_equal(text, "through", 7);
    close(reading);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(count_files(), 1);
}

static void unwritable_places_are_told_when_opening(void **state)
{
    (void)state;
    nd_writer *writer = NULL;
    nd_message message;
    assert_int_equal(nd_writer_open("out/no/file", &writer, &message), ND_IO);
    assert_string_equal(message.text, "out/no/file: No such file or directory");
    assert_int_equal(nd_writer_open("out", &writer, &message), ND_IO);
    assert_string_equal(message.text, "out: Is a directory");
    assert_int_equal(nd_writer_open("", &writer, &message), ND_IO);
    assert_int_equal(nd_writer_open("out/new/", &writer, &message), ND_IO);
    assert_string_equal(message.text, "out/new/: Is a directory");
    assert_null(writer);
}

/* Runs with standard output going into `fd`, which it closes. */
static nd_err write_standard_output(int fd, nd_message *message)
{
    fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    close(fd);
    nd_writer *writer;
    nd_err err = nd_writer_open("-", &writer, message);
    if (err == ND_OK) {
        nd_writer_printf(writer, "first ");
        nd_writer_flush(writer);
        nd_writer_printf(writer, "second");
        err = nd_writer_commit(writer, message);
    }
    const int after = fcntl(STDOUT_FILENO, F_GETFD);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_true(after >= 0); /* the writer has not closed it */
    return err;
}

static void standard_output_is_written_and_left_open(void **state)
{
    (void)state;
    int ends[2];
    char text[100];
    nd_message message;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write_standard_output(ends[1], &message), ND_OK);
    assert_int_equal(read(ends[0], text, sizeof text), 12);
    assert_memory_equal(text, "first second", 12);
    close(ends[0]);
}

static void full_device_is_told_at_commit(void **state)
{
    (void)state;
    nd_message message;
    const int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        skip();
    assert_int_equal(write_standard_output(full, &message), ND_IO);
    assert_string_equal(message.text, "standard output: No space left on device");
}

static void reader_that_went_away_is_an_error_and_no_signal(void **state)
{
    (void)state;
    int ends[2];
    nd_message message;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write_standard_output(ends[1], &message), ND_IO);
    assert_string_equal(message.text, "standard output: Broken pipe");
}

/* Replaces the file, with two writes on the way. */
static nd_err replace_file(void *arg)
{
    (void)arg;
    nd_writer *writer;
    nd_message message = {""};
    nd_err err = nd_writer_open(path, &writer, &message);
    if (err == ND_OK) {
        nd_writer_printf(writer, "new ");
        nd_writer_flush(writer);
        nd_writer_printf(writer, "text");
        err = nd_writer_commit(writer, &message);
    }
    if (err != ND_OK)
        assert_memory_equal(message.text, "out/file: ", 10);
    return err;
}

/* Each operation in turn is refused, alone and with all after it. An unlink that is refused too
 * leaves a temporary file, for which nothing can be done; a link that cannot be resolved is
 * replaced. */
static void every_failing_operation_leaves_the_old_file_or_the_new(void **state)
{
    for (int once = 0; once < 2; once++) {
        bool was_refused = true;
        for (size_t allowed = 0; was_refused; allowed++) {
            assert_int_equal(make_folder(state), 0);
            put_file(path, "old");
            failing_files files;
            failing_files_start(&files, allowed, ENOSPC);
            files.refuses_once = once;
            files.largest = 2;
            const nd_err err = replace_file(NULL);
            was_refused = failing_files_stop(&files);
            if (!was_refused)
                assert_int_equal(err, ND_OK);
            assert_true(err == ND_OK || err == ND_IO);
            assert_file_holds(path, err == ND_OK ? "new text" : "old");
            if (once)
                assert_int_equal(count_files(), 1);
            else if (was_refused)
                assert_int_equal(err, ND_IO);
        }
    }
}

/* What happened to the file, one letter an operation. */
static int note_fsync(void *context, int fd)
{
    (void)fd;
    strcat(context, "s");
    return 0;
}

static int note_close(void *context, int fd)
{
    strcat(context, "c");
    return close(fd);
}

static int note_rename(void *context, const char *from, const char *to)
{
    strcat(context, "r");
    return rename(from, to);
}

static void file_is_synced_and_closed_before_it_is_renamed(void **state)
{
    (void)state;
    char happened[16] = "";
    nd_file_ops ops = *nd_file_system();
    ops.fsync = note_fsync;
    ops.close = note_close;
    ops.rename = note_rename;
    ops.context = happened;
    nd_file_use(&ops);
    const nd_err err = replace_file(NULL);
    nd_file_use(NULL);
    assert_int_equal(err, ND_OK);
    assert_string_equal(happened, "scr");
}

static void first_failure_is_the_one_that_is_told(void **state)
{
    (void)state;
    nd_writer *writer;
    nd_message message;
    failing_files files;
    assert_int_equal(nd_writer_open(path, &writer, NULL), ND_OK);
    failing_files_start(&files, 0, ENOSPC);
    files.n_open = 1; /* the writer's, from before */
    nd_writer_printf(writer, "lost");
    nd_writer_flush(writer);
    assert_int_equal(files.n_operations, 1);
    files.error = EIO;
    nd_writer_printf(writer, "lost too");
    nd_writer_flush(writer);
    assert_int_equal(files.n_operations, 1); /* nothing is written after a failure */
    files.refuses_once = true;
    assert_int_equal(nd_writer_commit(writer, &message), ND_IO);
    assert_string_equal(message.text, "out/file: No space left on device");
    assert_true(failing_files_stop(&files));
    assert_int_equal(count_files(), 0);
}

static void every_failing_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(replace_file, NULL) >= 4);
    assert_int_equal(count_files(), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, make_folder)
    const struct CMUnitTest tests[] = {
        TEST(file_appears_at_commit_with_all_that_was_written),
        TEST(older_file_stays_until_commit_and_after_abandon),
        TEST(sizes_around_the_buffer_are_written_in_order),
        TEST(formatted_lines_add_up_and_long_ones_are_cut),
        TEST(mode_is_what_the_mask_leaves),
        TEST(name_in_the_current_folder_and_left_over_names_are_fine),
        TEST(link_is_kept_and_the_file_behind_it_replaced),
        TEST(pipe_is_written_in_place_and_stays),
        TEST(unwritable_places_are_told_when_opening),
        TEST(standard_output_is_written_and_left_open),
        TEST(full_device_is_told_at_commit),
        TEST(reader_that_went_away_is_an_error_and_no_signal),
        TEST(every_failing_operation_leaves_the_old_file_or_the_new),
        TEST(file_is_synced_and_closed_before_it_is_renamed),
        TEST(first_failure_is_the_one_that_is_told),
        TEST(every_failing_allocation_leaves_nothing_behind),
    };
#undef TEST
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
