/* SPDX-License-Identifier: Apache-2.0 */
/* Key files. A new one is created under its own name and not renamed to it, since only creating can
 * refuse to replace what is there: keys that are overwritten are lost to every process that has not
 * read them yet. One that was cut short, by a crash or a full disk, is taken away or is no key
 * file.
 *
 * Whether a file is private is asked of the open descriptor, so that it cannot be another one by
 * the time it is read. Any thread. */
#include "transport/zmq/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "runtime/base/file.h"
#include "runtime/base/hash.h"

static const char title[] = "nereid keys 1: keep secret, give to every process with --secret\n";

enum {
    TITLE_SIZE = sizeof title - 1,
    LINE_SIZE = 2 * ND_KEY_SIZE, /* two keys, a blank and a newline */
    CHECKED_SIZE = TITLE_SIZE + ND_MAX_PROCESSES * LINE_SIZE,
    CHECK_SIZE = sizeof "check 0123456789abcdef\n" - 1,
    FILE_SIZE = CHECKED_SIZE + CHECK_SIZE,
};

void nd_keys_wipe(nd_keys *keys) { explicit_bzero(keys, sizeof *keys); }

bool nd_keys_find(const nd_keys *keys, const char *public_key, unsigned *process)
{
    for (unsigned i = 0; i < ND_MAX_PROCESSES; i++)
        if (strcmp(keys->public_keys[i], public_key) == 0) {
            *process = i;
            return true;
        }
    return false;
}

static void write_check(const char *text, char check[CHECK_SIZE + 1])
{
    (void)snprintf(check, CHECK_SIZE + 1, "check %016llx\n",
                   (unsigned long long)nd_hash_bytes(text, CHECKED_SIZE));
}

/* --- Writing --- */

static nd_err report_write(const char *path, int error, nd_message *message)
{
    char text[128];
    if (error == EEXIST)
        return nd_message_set(message, ND_IO,
                              "%s: is there already; processes may rely on it, so remove it first "
                              "or choose another name",
                              path);
    return nd_message_set(message, ND_IO, "%s: %s", path, strerror_r(error, text, sizeof text));
}

/* Returns 0 or an errno. */
static int write_file(const char *path, const char *text, size_t size)
{
    const int fd = nd_file_open(path, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return errno;
    int error = nd_file_write_all(fd, text, size) == 0 && nd_file_fsync(fd) == 0 ? 0 : errno;
    if (nd_file_close(fd) != 0 && error == 0)
        error = errno;
    if (error != 0)
        (void)nd_file_unlink(path);
    return error;
}

static bool write_keys(char text[FILE_SIZE + 1])
{
    char public_key[ND_KEY_SIZE], secret_key[ND_KEY_SIZE];
    bool is_made = true;
    memcpy(text, title, TITLE_SIZE);
    for (unsigned i = 0; i < ND_MAX_PROCESSES && is_made; i++) {
        is_made = zmq_curve_keypair(public_key, secret_key) == 0;
        (void)snprintf(text + TITLE_SIZE + i * LINE_SIZE, LINE_SIZE + 1, "%s %s\n", public_key,
                       secret_key);
    }
    write_check(text, text + CHECKED_SIZE);
    explicit_bzero(secret_key, sizeof secret_key);
    return is_made;
}

nd_err nd_keys_create(const char *path, nd_message *message)
{
    char text[FILE_SIZE + 1];
    if (!write_keys(text))
        return nd_message_set(
            message, ND_FAILED,
            "this machine's ZeroMQ library cannot encrypt (no CURVE); install one "
            "that can");
    const int error = write_file(path, text, FILE_SIZE);
    explicit_bzero(text, sizeof text);
    return error == 0 ? ND_OK : report_write(path, error, message);
}

/* --- Reading --- */

static nd_err check_privacy(const char *path, int fd, nd_message *message)
{
    struct stat status;
    char text[128];
    if (fstat(fd, &status) != 0)
        return nd_message_set(message, ND_INPUT, "%s: %s", path,
                              strerror_r(errno, text, sizeof text));
    if (!S_ISREG(status.st_mode))
        return nd_message_set(message, ND_INPUT, "%s: is not a file", path);
    if (status.st_uid != geteuid() && status.st_uid != 0)
        return nd_message_set(
            message, ND_INPUT,
            "%s: belongs to somebody else, who could know the keys; make your own "
            "with nereid keygen",
            path);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return nd_message_set(message, ND_INPUT,
                              "%s: others may read it; chmod 600 %s, or make new keys if they have",
                              path, path);
    return ND_OK;
}

/* Reads the whole file, as far as it is one byte longer than a key file at most. Returns the size,
 * or -1 with errno set. */
static ssize_t slurp(int fd, char text[FILE_SIZE + 1])
{
    size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && size < FILE_SIZE + 1) {
        got = nd_file_read(fd, text + size, FILE_SIZE + 1 - size);
        size += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? got : (ssize_t)size;
}

static bool parse_key(const char *from, char key[ND_KEY_SIZE])
{
    unsigned char bytes[32];
    memcpy(key, from, ND_KEY_SIZE - 1);
    key[ND_KEY_SIZE - 1] = '\0';
    const bool is_key = strlen(key) == ND_KEY_SIZE - 1 && zmq_z85_decode(bytes, key) != NULL;
    explicit_bzero(bytes, sizeof bytes);
    return is_key;
}

static nd_err parse(const char *path, const char *text, size_t size, nd_keys *keys,
                    nd_message *message)
{
    char check[CHECK_SIZE + 1];
    const char *const lines = text + TITLE_SIZE;
    bool is_whole = size == FILE_SIZE && memcmp(text, title, TITLE_SIZE) == 0;
    if (is_whole)
        write_check(text, check);
    is_whole = is_whole && memcmp(text + CHECKED_SIZE, check, CHECK_SIZE) == 0;
    for (unsigned i = 0; i < ND_MAX_PROCESSES && is_whole; i++)
        is_whole = parse_key(lines + i * LINE_SIZE, keys->public_keys[i]);
    if (!is_whole || !parse_key(lines + keys->process * LINE_SIZE + ND_KEY_SIZE, keys->secret_key))
        return nd_message_set(
            message, ND_INPUT,
            "%s: is not a key file, or a damaged one; nereid keygen FILE makes one", path);
    return ND_OK;
}

nd_err nd_keys_read(const char *path, unsigned process, nd_keys *keys, nd_message *message)
{
    char text[FILE_SIZE + 1];
    char reason[128];
    nd_keys found = {.process = process};
    const int fd = nd_file_open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
    nd_err err = fd >= 0 ? check_privacy(path, fd, message) : ND_INPUT;
    const ssize_t size = err == ND_OK ? slurp(fd, text) : -1;
    if (fd < 0 || (err == ND_OK && size < 0))
        err = nd_message_set(message, ND_INPUT, "%s: %s", path,
                             strerror_r(errno, reason, sizeof reason));
    if (fd >= 0)
        (void)nd_file_close(fd);
    if (err == ND_OK)
        err = parse(path, text, (size_t)size, &found, message);
    if (err == ND_OK)
        *keys = found;
    nd_keys_wipe(&found);
    explicit_bzero(text, sizeof text);
    return err;
}
