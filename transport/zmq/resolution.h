/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_RESOLUTION_H
#define TRANSPORT_ZMQ_RESOLUTION_H

/** @file
 * From a host's name to numbers. ZeroMQ would ask a name server in the thread that makes the
 * connection, which blocks: on all connections nothing moves, and their peers take them for dead.
 * So it is given numbers only, and who asks is libuv, in a thread of its own.
 *
 * A name may stand for several addresses, of which some lead nowhere; and for others later, or for
 * none yet. Belongs to the loop's thread.
 */

#include <stdbool.h>
#include <uv.h>

#include <nereid/error.h>

enum { ND_RESOLUTION_MOST = 4 /* addresses of a name that are tried */, ND_NUMERIC_SIZE = 320 };

typedef struct nd_resolution {
    const char *address;                               /* lent */
    char numeric[ND_RESOLUTION_MOST][ND_NUMERIC_SIZE]; /* what ZeroMQ connects to */
    unsigned n_numeric;                                /* zero: not known */
    unsigned next;                                     /* the one to be tried */
    const char *trouble; /* why it is not known, or NULL; lent for good */
    bool is_asking;
    uint64_t asked_ms; /* by the loop's clock */
    uv_getaddrinfo_t request;
} nd_resolution;

/** Begins to find out; asks nobody for what is a number, or a path. The address is lent. Errors:
 * ND_USAGE for what is no address. */
ND_CHECKED nd_err nd_resolution_begin(nd_resolution *resolution, uv_loop_t *loop,
                                      const char *address);

/** What to connect to; NULL if that is not known yet, and then it is asked again now and then. */
const char *nd_resolution_get(nd_resolution *resolution, uv_loop_t *loop);

/** That address led nowhere: the next one is tried. */
void nd_resolution_failed(nd_resolution *resolution);

/** Gives up asking; before the loop is closed. */
void nd_resolution_end(nd_resolution *resolution);

#endif
