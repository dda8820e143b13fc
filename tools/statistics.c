/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the figures of a run. */
#include "tools/statistics.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>

#include <nereid/io.h>

#include "tools/signals.h"

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint64_t peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

statistics statistics_make(const options *chosen)
{
    return (statistics){
        .workers = chosen->n_workers,
        .processes = options_is_alone(chosen) ? 1 : chosen->cluster.n_processes,
        .epochs = 1,
    };
}

static void write_times(const epoch_times *times, nd_writer *writer)
{
    nd_writer_printf(writer, ",\"epoch_ms\":{\"p50\":%.6f,\"p95\":%.6f,",
                     1e3 * epoch_times_share(times, 0.50), 1e3 * epoch_times_share(times, 0.95));
    nd_writer_printf(writer, "\"p99\":%.6f,\"max\":%.6f}", 1e3 * epoch_times_share(times, 0.99),
                     1e3 * epoch_times_share(times, 1));
}

nd_err statistics_write(const statistics *figures, const char *path, nd_message *message)
{
    nd_writer *writer;
    signals_defer(path);
    ND_TRY(nd_writer_open(path, &writer, message));
    nd_writer_printf(
        writer, "{\"vertices\":%" PRIu64 ",\"edges\":%" PRIu64 ",\"workers\":%u,\"processes\":%u,",
        figures->vertices, figures->edges, figures->workers, figures->processes);
    nd_writer_printf(writer, "\"read_s\":%.6f,\"build_s\":%.6f,\"run_s\":%.6f,", figures->read_s,
                     figures->build_s, figures->run_s);
    nd_writer_printf(writer, "\"rounds\":%" PRIu64 ",\"epochs\":%" PRIu64 ",", figures->rounds,
                     figures->epochs);
    nd_writer_printf(writer,
                     "\"batches\":%" PRIu64 ",\"records\":%" PRIu64 ",\"data_bytes\":%" PRIu64 ",",
                     figures->run.n_batches, figures->run.n_records, figures->run.data_bytes);
    nd_writer_printf(writer, "\"progress_frames\":%" PRIu64 ",\"progress_bytes\":%" PRIu64 ",",
                     figures->run.progress_frames, figures->run.progress_bytes);
    nd_writer_printf(writer, "\"peak_rss_bytes\":%" PRIu64,
                     figures->processes > 1 ? figures->run.peak_rss_bytes : peak_memory());
    if (figures->times != NULL)
        write_times(figures->times, writer);
    nd_writer_write(writer, "}\n", 2);
    if (!signals_came())
        return nd_writer_commit(writer, message);
    nd_writer_abandon(writer);
    return ND_INTR;
}
