/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_LOG_H
#define RUNTIME_BASE_LOG_H

/** @file
 * Lines for a person, on standard error, each beginning `nereid: `. A line is one write(2), so that
 * lines of several threads and processes do not mix. Any thread, no locks.
 */

#include <stdbool.h>

#include <nereid/error.h>

typedef enum nd_log_level {
    ND_LOG_ERROR, /* why the program ends, or will */
    ND_LOG_NOTE,  /* what a person may want to know; silent under nd_log_quiet */
} nd_log_level;

/** Writes one line; a newline is added, newlines inside become spaces, and what exceeds 1,023 bytes
 * is cut. errno is kept. A standard error that cannot be written is not a failure. */
void nd_log(nd_log_level level, const char *format, ...) ND_PRINTF(2, 3);

/** Whether notes are left out (`--quiet`); errors always appear. */
void nd_log_quiet(bool quiet);

#endif
