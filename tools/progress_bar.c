/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar. A share is only shown for plain files: how much a compressed one will give is
 * not known. */
#include "tools/progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/statistics.h"

enum { BAR_WIDTH = 30 };

static bool is_compressed_name(const char *path)
{
    const char *const dot = strrchr(path, '.');
    return dot != NULL && (strcmp(dot, ".gz") == 0 || strcmp(dot, ".zst") == 0);
}

progress_bar progress_bar_make(const char *path, bool is_forced, bool is_quiet)
{
    struct stat status;
    progress_bar bar = {.is_shown = !is_quiet && (is_forced || isatty(STDERR_FILENO))};
    if (bar.is_shown && !is_compressed_name(path) && stat(path, &status) == 0 &&
        S_ISREG(status.st_mode))
        bar.n_file_bytes = (uint64_t)status.st_size;
    return bar;
}

void progress_bar_draw(void *argument, uint64_t n_bytes, uint64_t n_edges)
{
    static const char full[] = "##############################",
                      empty[] = "..............................";
    progress_bar *const bar = argument;
    const double now = bar->is_shown ? clock_seconds() : 0;
    if (!bar->is_shown || now < bar->next_s)
        return;
    bar->next_s = now + 0.1;
    bar->is_drawn = true;
    fprintf(stderr, "\rreading ");
    if (bar->n_file_bytes > 0 && n_bytes <= bar->n_file_bytes) {
        const int width = (int)(n_bytes * BAR_WIDTH / bar->n_file_bytes);
        fprintf(stderr, "[%.*s%.*s] %3u%% ", width, full, BAR_WIDTH - width, empty,
                (unsigned)(n_bytes * 100 / bar->n_file_bytes));
    }
    fprintf(stderr, "%" PRIu64 " MB, %" PRIu64 " edges \033[K", n_bytes / 1000000, n_edges);
    fflush(stderr);
}

void progress_bar_clear(progress_bar *bar)
{
    if (!bar->is_drawn)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
    bar->is_drawn = false;
}
