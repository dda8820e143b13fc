/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_ADDRESSES_H
#define SCHEDULER_PLACE_ADDRESSES_H

/** @file
 * Lists of addresses as they are built, and what can be told from one.
 */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/cluster.h>

/** Appends a formatted address. Errors: ND_NOMEM. The list has fewer than ND_MAX_PROCESSES. */
ND_CHECKED nd_err nd_addresses_add(nd_addresses *addresses, const char *format, ...)
    ND_PRINTF(2, 3);

/** Replaces the list by `n` ipc addresses in `directory`: DIRECTORY/0, DIRECTORY/1, ... Errors:
 * ND_NOMEM, and the list is empty. */
ND_CHECKED nd_err nd_addresses_in_directory(nd_addresses *addresses, const char *directory,
                                            unsigned n);

/** How many processes the machine with the most of them has, as far as names tell; ipc addresses
 * are all on one. Alike in every process, which the number of cores divided by it therefore is
 * where machines are alike. Quadratic. */
unsigned nd_addresses_most_on_a_host(const nd_addresses *addresses);
unsigned nd_most_on_a_host(const char *const *addresses, unsigned n);

/** Whether `size` characters can be a host's name or IPv4 address. Pure. */
bool nd_is_host_name(const char *text, size_t size);

#endif
