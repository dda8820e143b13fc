/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_WATCH_LINES_H
#define SCHEDULER_WATCH_LINES_H

/** @file
 * Lines of text, one behind the other in one block. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>

#include "runtime/base/vector.h"

typedef struct nd_lines {
    nd_vector bytes; /* each line ends with a zero byte */
    size_t n;
    bool is_cut; /* memory ran out: lines are missing */
} nd_lines;

/** No lines. Allocates nothing. */
void nd_lines_init(nd_lines *lines);

/** Frees; there are no lines afterwards. */
void nd_lines_deinit(nd_lines *lines);

/** Takes all lines out; memory is kept. */
void nd_lines_clear(nd_lines *lines);

/** Adds a line of at most 511 characters; a longer one is cut. */
void nd_lines_add(nd_lines *lines, const char *format, ...) ND_PRINTF(2, 3);

/** Adds copies of all of `other`. */
void nd_lines_append(nd_lines *lines, const nd_lines *other);

/** The line behind `line`, which is one of these, or the first if that is NULL; NULL at the end.
 * Valid until a line is added. */
const char *nd_lines_next(const nd_lines *lines, const char *line);

#endif
