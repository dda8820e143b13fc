/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLES_VIEW_H
#define EXAMPLES_VIEW_H

#include <nereid.h>

/** Views that are printed, and how far each of them has come. Zero is none. */
typedef struct views {
    nd_probe *probes[8];
    size_t n;
} views;

/** Prints each change of a collection on standard output, in the fewest lines; if they cannot be
 * written, the run fails:
 *
 *     DIFFERENCE (EPOCH) NAME|FIELD|...
 *
 * `name` must last as long as the dataflow. */
void view_print(views *all, nd_collection collection, const char *name);

/** Steps until all views have been printed up to `epoch`, which is not meant. */
ND_CHECKED nd_err views_wait(const views *all, nd_worker *worker, uint64_t epoch);

#endif
