/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_STATISTICS_H
#define NEREID_TOOLS_STATISTICS_H

/* What --stats writes: one JSON object about a run. */

#include <stdint.h>

#include <nereid/error.h>
#include <nereid/worker.h>

#include "tools/epoch_times.h"
#include "tools/options.h"

typedef struct statistics {
    uint64_t vertices, edges;
    unsigned workers, processes;
    /* Seconds. run_s is from graph in memory to answer in memory; with updates the time in which
     * the answer of a complete epoch was awaited, and build_s what the graph's epoch took to get
     * complete beyond reading. */
    double read_s, build_s, run_s;
    uint64_t rounds; /* of a loop, in which something changed */
    uint64_t epochs;
    nd_run_stats run;
    const epoch_times *times; /* of epochs with updates; NULL: there are none. Lent */
} statistics;

/* Figures of a run that has not begun. */
statistics statistics_make(const options *chosen);

/* Writes the object to a file, or to standard output for `-`. Errors: ND_IO, ND_NOMEM,
 * ND_INTR. */
ND_CHECKED nd_err statistics_write(const statistics *figures, const char *path,
                                   nd_message *message);

/* Seconds since some fixed moment. */
double clock_seconds(void);

#endif
