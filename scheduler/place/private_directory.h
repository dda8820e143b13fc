/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_PRIVATE_DIRECTORY_H
#define SCHEDULER_PLACE_PRIVATE_DIRECTORY_H

/** @file
 * A directory for ipc sockets that only this user may enter: of mode 0700, and this user's own. So
 * nobody else can join, whatever the rights of the sockets are. It stands in $XDG_RUNTIME_DIR, or
 * else in $TMPDIR or /tmp.
 */

#include <nereid/error.h>

/** Bytes of its path with the end: sockets' names are limited to 107 bytes, of which four are left
 * for a slash and a process's number. */
enum { ND_DIRECTORY_SIZE = 104 };

/** Makes a new one. Errors: ND_FAILED, and `path` is empty. */
ND_CHECKED nd_err nd_private_directory_create(char path[ND_DIRECTORY_SIZE], nd_message *message);

/** The one of this name, made by whoever asks first. Processes of this machine that are given the
 * same name find the same directory. `name` is short and has no slash. Errors: ND_FAILED, and
 * `path` is empty: none can be made, or one is there that is somebody else's. */
ND_CHECKED nd_err nd_private_directory_claim(const char *name, char path[ND_DIRECTORY_SIZE],
                                             nd_message *message);

/** Takes away the sockets in it, of processes 0 to `n_processes` - 1, and then the directory
 * itself; an empty path is fine. */
void nd_private_directory_remove(const char *path, unsigned n_processes);

/** Takes away the socket of one process, and the directory if nothing else is in it. */
void nd_private_directory_leave(const char *path, unsigned process);

#endif
