/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_HOSTS_H
#define SCHEDULER_PLACE_HOSTS_H

/** @file
 * The text of a hosts file.
 */

#include <stddef.h>

#include <nereid/cluster.h>

/** As nd_hosts_read, of the `size` bytes at `text`; messages call the file `name`. */
ND_CHECKED nd_err nd_hosts_parse(const char *name, const char *text, size_t size,
                                 nd_addresses *addresses, nd_message *message);

#endif
