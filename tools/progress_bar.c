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

/* Whether it is time to draw again. */
static bool is_due(progress_bar *bar)
{
    const double now = bar->is_shown ? clock_seconds() : 0;
    if (!bar->is_shown || now < bar->next_s)
        return false;
    bar->next_s = now + 0.1;
    bar->is_drawn = true;
    return true;
}

static void draw_share(uint64_t done, uint64_t wanted)
{
    static const char full[] = "##############################";
    static const char empty[] = "..............................";
    if (wanted == 0 || done > wanted)
        return;
    const int width = (int)((double)done / (double)wanted * BAR_WIDTH);
    const double percent = 100 * (double)done / (double)wanted;
    fprintf(stderr, "[%.*s%.*s] %3.0f%% ", width, full, BAR_WIDTH - width, empty, percent);
}

void progress_bar_draw(void *argument, uint64_t n_bytes, uint64_t n_edges)
{
    progress_bar *const bar = argument;
    if (!is_due(bar))
        return;
    fprintf(stderr, "\rreading ");
    draw_share(n_bytes, bar->n_file_bytes);
    fprintf(stderr, "%" PRIu64 " MB, %" PRIu64 " edges \033[K", n_bytes / 1000000, n_edges);
    fflush(stderr);
}

void progress_bar_draw_rounds(progress_bar *bar, uint32_t n_done, uint32_t n_wanted)
{
    if (!is_due(bar))
        return;
    fprintf(stderr, "\rcomputing ");
    draw_share(n_done, n_wanted);
    fprintf(stderr, "round %" PRIu32 " \033[K", n_done);
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
