/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files: made once, private, and believed only if they are whole.
 */
#include "transport/zmq/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nereid/cluster.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_files.h"

static const char path[] = "some_keys";
enum { TEXT_SIZE = 16 * 1024 };

static void create(void)
{
    nd_message message = {""};
    if (nd_keys_create(path, &message) != ND_OK)
        fail_msg("%s", message.text);
}

static size_t read_text(char text[TEXT_SIZE])
{
    FILE *const file = fopen(path, "r");
    assert_non_null(file);
    const size_t size = fread(text, 1, TEXT_SIZE, file);
    assert_int_equal(fclose(file), 0);
    return size;
}

static void write_text(const char *text, size_t size)
{
    (void)unlink(path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    (void)close(fd);
}

static void assert_refused(const char *expected)
{
    nd_keys keys = {.public_keys = {"kept"}, .secret_key = "kept"};
    nd_message message = {""};
    assert_int_equal(nd_keys_read(path, 2, &keys, &message), ND_INPUT);
    if (strstr(message.text, expected) == NULL)
        fail_msg("'%s' is not in '%s'", expected, message.text);
    assert_string_equal(keys.public_keys[0], "kept");
    assert_string_equal(keys.secret_key, "kept");
}

static void keys_are_read_as_they_were_made(void **state)
{
    (void)state;
    nd_keys keys, again;
    nd_message message = {""};
    char text[TEXT_SIZE];
    struct stat status;
    create();
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(nd_keys_read(path, 2, &keys, &message), ND_OK);
    assert_int_equal(strlen(keys.public_keys[2]), 40);
    assert_int_equal(strlen(keys.secret_key), 40);
    text[read_text(text)] = '\0';
    assert_non_null(strstr(text, keys.public_keys[2]));
    assert_non_null(strstr(text, keys.secret_key));
    assert_int_equal(unlink(path), 0);
    create();
    assert_int_equal(nd_keys_read(path, 2, &again, &message), ND_OK);
    assert_string_not_equal(keys.public_keys[2], again.public_keys[2]);
    assert_string_not_equal(keys.secret_key, again.secret_key);
    nd_keys_wipe(&keys);
    assert_string_equal(keys.secret_key, "");
    assert_int_equal(unlink(path), 0);
}

static void an_existing_file_is_never_replaced(void **state)
{
    (void)state;
    nd_message message = {""};
    char text[TEXT_SIZE];
    write_text("old", 3);
    assert_int_equal(nd_keys_create(path, &message), ND_IO);
    assert_non_null(strstr(message.text, "some_keys: is there already"));
    assert_int_equal(read_text(text), 3);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(nd_keys_create(path, &message), ND_IO);
    assert_int_not_equal(access("nowhere", F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static void a_file_that_others_may_read_is_refused_with_the_fix(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0777};
    nd_keys keys;
    nd_message message = {""};
    create();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_refused("some_keys: others may read it; chmod 600 some_keys");
    }
    assert_int_equal(chmod(path, 0400), 0);
    assert_int_equal(nd_keys_read(path, 2, &keys, &message), ND_OK);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 12345), 0);
        assert_refused("belongs to somebody else");
    }
    assert_int_equal(unlink(path), 0);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_refused("some_keys: No such file");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused("is not a file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* and nobody waits for a writer */
    assert_refused("is not a file");
    assert_int_equal(unlink(path), 0);
}

/* Prefixes, a longer file, and files with a byte changed. */
static void every_damage_is_noticed(void **state)
{
    (void)state;
    char text[TEXT_SIZE], damaged[TEXT_SIZE];
    create();
    const size_t size = read_text(text);
    for (size_t i = 0; i < size; i += 7) {
        write_text(text, i);
        assert_refused(i == 0 ? "is not a key file" : "some_keys: ");
    }
    memcpy(damaged, text, size);
    damaged[size] = '\n';
    write_text(damaged, size + 1);
    assert_refused("is not a key file");
    for (size_t i = 0; i < size; i += 7) {
        static const unsigned char changes[] = {0x01, 0x02, 0x80, 0xff};
        for (size_t k = 0; k < sizeof changes; k++) {
            memcpy(damaged, text, size);
            damaged[i] = (char)((unsigned char)damaged[i] ^ changes[k]);
            write_text(damaged, size);
            assert_refused("some_keys: ");
        }
        memcpy(damaged, text, size);
        damaged[i] = '\0';
        write_text(damaged, size);
        assert_refused("some_keys: ");
    }
    assert_int_equal(unlink(path), 0);
}

static void a_file_that_cannot_be_written_whole_is_taken_away(void **state)
{
    (void)state;
    for (size_t allowed = 0;; allowed++) {
        failing_files files;
        nd_message message = {""};
        failing_files_start(&files, allowed, ENOSPC);
        files.refuses_once = true;
        files.largest = 50;
        const nd_err err = nd_keys_create(path, &message);
        const bool was_refused = failing_files_stop(&files);
        if (!was_refused) {
            assert_int_equal(err, ND_OK);
            assert_true(allowed >= 5);
            break;
        }
        assert_int_equal(err, ND_IO);
        assert_string_equal(message.text, "some_keys: No space left on device");
        assert_int_not_equal(access(path, F_OK), 0);
    }
    assert_int_equal(unlink(path), 0);
}

static void reading_that_fails_is_told(void **state)
{
    (void)state;
    create();
    for (size_t allowed = 0; allowed < 2; allowed++) {
        failing_files files;
        failing_files_start(&files, allowed, EIO);
        assert_refused("some_keys: Input/output error");
        assert_true(failing_files_stop(&files));
    }
    failing_files files;
    nd_keys keys;
    failing_files_start(&files, SIZE_MAX, EIO);
    files.largest = 7;
    files.is_interrupting = true;
    assert_int_equal(nd_keys_read(path, 2, &keys, NULL), ND_OK);
    assert_false(failing_files_stop(&files));
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_read_as_they_were_made),
        cmocka_unit_test(an_existing_file_is_never_replaced),
        cmocka_unit_test(a_file_that_others_may_read_is_refused_with_the_fix),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(every_damage_is_noticed),
        cmocka_unit_test(a_file_that_cannot_be_written_whole_is_taken_away),
        cmocka_unit_test(reading_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
