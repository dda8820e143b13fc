/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_PROGRESS_BAR_H
#define NEREID_TOOLS_PROGRESS_BAR_H

/* A line on standard error that says how far reading or computing has come; it is written over and
 * taken away at the end. */

#include <stdbool.h>
#include <stdint.h>

typedef struct progress_bar {
    bool is_shown;
    bool is_drawn; /* there is a line to take away */
    uint64_t
        n_file_bytes; /* the file's size; 0: not known, or not the number of bytes to be read */
    double next_s;    /* when to draw again */
} progress_bar;

/* A bar for reading the file at `path`; hidden unless standard error is a terminal or `is_forced`.
 */
progress_bar progress_bar_make(const char *path, bool is_forced, bool is_quiet);

/* Draws how much is read, at most ten times a second. As nd_graph_options.progress; `bar` is a
 * progress_bar. */
void progress_bar_draw(void *bar, uint64_t n_bytes, uint64_t n_edges);

/* Draws how many rounds are done; `n_wanted` is 0 where that is not known. */
void progress_bar_draw_rounds(progress_bar *bar, uint32_t n_done, uint32_t n_wanted);

/* Takes the line away. */
void progress_bar_clear(progress_bar *bar);

#endif
