/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_REACH_H
#define TRANSPORT_ZMQ_REACH_H

/** @file
 * Trying addresses before a run: whether this process could listen at its own, and how far a
 * connection to the others' gets.
 */

#include <netdb.h>
#include <stdbool.h>

#include <nereid/error.h>

/** How far a connection gets. */
typedef enum nd_reach {
    ND_REACH_ANSWERS,  /* a ZeroMQ socket listens there */
    ND_REACH_STRANGER, /* something else does */
    ND_REACH_MUTE,     /* something does that says nothing */
    ND_REACH_REFUSED,  /* the machine is there, and nobody listens */
    ND_REACH_SILENT,   /* no answer of the machine in time */
    ND_REACH_NO_WAY,   /* the system knows no way there: `reason` */
    ND_REACH_NO_NAME,  /* nobody knows the name: `reason` */
    ND_REACH_NO_NAMES, /* the name server says nothing in time */
} nd_reach;

enum { ND_REACH_SECONDS = 2 }; /* that a machine has for its answer */

typedef struct nd_reached {
    nd_reach what;
    char numeric[NI_MAXHOST + 16]; /* where a connection goes, as "tcp://1.2.3.4:5"; or empty */
    char reason[128];
    bool has_keys; /* what answers encrypts */
} nd_reached;

/** Tries `n` tcp addresses at the same time: resolves names as connections do, connects, and hears
 * what greets there. A process of a run that listens does not mind. Returns after eight seconds at
 * the latest. Any thread. Errors: ND_INVAL for what is no tcp address; ND_NOMEM. */
ND_CHECKED nd_err nd_reach_all(const char *const *addresses, unsigned n, nd_reached *found);

/** Binds for a moment to a tcp address, as a run does. Writes what was bound to, without names,
 * into `numeric` (`size` bytes). May ask a name server, and so block. Any thread. Errors: ND_USAGE
 * for what is no such address, or a name that nobody knows; ND_CLOSED where a run could not listen.
 * The message has the cause. */
ND_CHECKED nd_err nd_reach_bind(const char *address, char *numeric, size_t size,
                                nd_message *message);

#endif
