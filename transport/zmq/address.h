/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_ADDRESS_H
#define TRANSPORT_ZMQ_ADDRESS_H

/** @file
 * Addresses of processes: "tcp://host:port", where an IPv6 address stands in brackets, or
 * "ipc://path". */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/error.h>

/** The parts of a tcp address; an IPv6 address stands without its brackets. */
typedef struct nd_address_parts {
    char host[256], port[8];
} nd_address_parts;

/** Takes a tcp address apart; false, and `parts` is undefined, for anything else. Pure. */
bool nd_address_split(const char *address, nd_address_parts *parts);

/** Whether nobody beyond this machine can reach it: a path, or an address that is loopback in
 * whatever way it is written. A name other than localhost is not, wherever it leads. Pure. */
bool nd_address_is_private(const char *address);

/** Writes what ZeroMQ can bind to, which takes no host names, into `numeric` of `size` bytes. May
 * ask a name server, and so block. Errors: ND_USAGE, the message saying why, for what is no
 * address, or a name that nobody knows. */
ND_CHECKED nd_err nd_address_to_bind(const char *address, char *numeric, size_t size,
                                     nd_message *message);

#endif
