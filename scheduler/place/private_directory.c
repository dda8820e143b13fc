/* SPDX-License-Identifier: Apache-2.0 */
/* Directories for sockets. A name in /tmp may have been taken by somebody who wants to listen: what
 * is there is believed only if it is a directory itself, not a link to one, and this user's own. */
#include "scheduler/place/private_directory.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N_PLACES = 3 };

static void list_places(const char *places[N_PLACES])
{
    places[0] = getenv("XDG_RUNTIME_DIR");
    places[1] = getenv("TMPDIR");
    places[2] = "/tmp";
}

/* Composes PLACE/NAME; false if the place is none or the path too long for a socket in it. */
static bool compose(const char *place, const char *name, char path[ND_DIRECTORY_SIZE])
{
    if (place == NULL || place[0] != '/')
        return false;
    const int size = snprintf(path, ND_DIRECTORY_SIZE, "%s/%s", place, name);
    return size > 0 && size < ND_DIRECTORY_SIZE;
}

static nd_err refuse(char path[ND_DIRECTORY_SIZE], const char *place, int error,
                     nd_message *message)
{
    char text[128];
    path[0] = '\0';
    return nd_message_set(message, ND_FAILED,
                          "no directory for sockets can be made in %s: %s; "
                          "set TMPDIR to a place with a short path that can be written",
                          place, strerror_r(error, text, sizeof text));
}

nd_err nd_private_directory_create(char path[ND_DIRECTORY_SIZE], nd_message *message)
{
    const char *places[N_PLACES];
    int error = ENAMETOOLONG;
    list_places(places);
    for (int i = 0; i < N_PLACES; i++) {
        if (!compose(places[i], "nereid-XXXXXX", path))
            continue;
        if (mkdtemp(path) != NULL)
            return ND_OK;
        error = errno;
    }
    return refuse(path, places[N_PLACES - 1], error, message);
}

/* Whether a new directory could be made in `place`, or one of that name be there. */
static bool is_usable(const char *place)
{
    struct stat status;
    return stat(place, &status) == 0 && S_ISDIR(status.st_mode) && access(place, W_OK | X_OK) == 0;
}

static bool is_private(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO)) == S_IRWXU;
}

nd_err nd_private_directory_claim(const char *name, char path[ND_DIRECTORY_SIZE],
                                  nd_message *message)
{
    const char *places[N_PLACES];
    list_places(places);
    for (int i = 0; i < N_PLACES; i++) {
        /* Judged by what is alike for every process of this user: all come to the same place. */
        if (!compose(places[i], name, path) || !is_usable(places[i]))
            continue;
        if (mkdir(path, S_IRWXU) != 0 && errno != EEXIST)
            return refuse(path, places[i], errno, message);
        if (is_private(path))
            return ND_OK;
        (void)nd_message_set(message, ND_FAILED,
                             "%s is not this user's own directory of mode 0700; remove it", path);
        path[0] = '\0';
        return ND_FAILED;
    }
    return refuse(path, places[N_PLACES - 1], ENOENT, message);
}

/* Whether there is no such socket any more. */
static bool remove_socket(const char *path, unsigned process)
{
    char name[ND_DIRECTORY_SIZE + 16];
    (void)snprintf(name, sizeof name, "%s/%u", path, process);
    return remove(name) == 0 || errno == ENOENT;
}

void nd_private_directory_remove(const char *path, unsigned n_processes)
{
    if (path[0] == '\0')
        return;
    for (unsigned i = 0; i < n_processes; i++)
        if (!remove_socket(path, i))
            return;
    (void)rmdir(path);
}

void nd_private_directory_leave(const char *path, unsigned process)
{
    if (path[0] != '\0' && remove_socket(path, process))
        (void)rmdir(path);
}
