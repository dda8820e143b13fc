/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_KEYS_H
#define TRANSPORT_ZMQ_KEYS_H

/** @file
 * The keys of a cluster: a CURVE key pair for each process that there may be, all in one file that
 * only their user may read (nd_keys_create, nereid/cluster.h, makes it).
 *
 * Each process proves with its own secret key who it is, at both ends of every connection, and
 * admits the public keys in the file and no other. Whoever has the file can be any member; what it
 * cannot do is to speak as one process over another's connection.
 *
 * The file is text: a line that says what it is; for process 0, 1, ... its public and its secret
 * key in Z85 (ZeroMQ RFC 32), forty characters each; "check " and the XXH3-64 of all before.
 */

#include <stdbool.h>

#include <nereid/cluster.h>
#include <nereid/error.h>

enum { ND_KEY_SIZE = 41 }; /* with the end of the text */

typedef struct nd_keys {
    char public_keys[ND_MAX_PROCESSES][ND_KEY_SIZE];
    char secret_key[ND_KEY_SIZE]; /* of this process; the others' are not kept */
    unsigned process;
} nd_keys;

/** Reads what process `process` needs from the file at `path`. Errors: ND_INPUT, with the path and
 * the fix, for a file that others may read or that is not this user's (or root's), that is no key
 * file or a damaged one, or that cannot be read. */
ND_CHECKED nd_err nd_keys_read(const char *path, unsigned process, nd_keys *keys,
                               nd_message *message);

/** Whose public key that is, in Z85; false if nobody's. */
bool nd_keys_find(const nd_keys *keys, const char *public_key, unsigned *process);

/** Forgets them: overwrites the memory. */
void nd_keys_wipe(nd_keys *keys);

#endif
