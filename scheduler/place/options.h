/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_OPTIONS_H
#define SCHEDULER_PLACE_OPTIONS_H

/** @file
 * Variables that stand for options: see nd_cluster_open in nereid/cluster.h.
 */

#include "scheduler/place/environment.h"

enum { ND_MOST_SECONDS = 1000000 };

/** Reads variables; each option is set or not given. Pure. Errors: ND_USAGE. */
ND_CHECKED nd_err nd_options_from_environment(const nd_environment *environment,
                                              nd_options *options, nd_message *message);

#endif
