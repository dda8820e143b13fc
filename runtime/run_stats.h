/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_RUN_STATS_H
#define RUNTIME_RUN_STATS_H

/** @file
 * Adding up what workers and processes have done. */

#include <nereid/worker.h>

static inline void nd_run_stats_add(nd_run_stats *sum, const nd_run_stats *more)
{
    sum->n_batches += more->n_batches;
    sum->n_records += more->n_records;
    sum->data_bytes += more->data_bytes;
    sum->progress_frames += more->progress_frames;
    sum->progress_bytes += more->progress_bytes;
    sum->peak_rss_bytes += more->peak_rss_bytes;
}

#endif
