/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_OUTPUT_H
#define NEREID_TOOLS_OUTPUT_H

/* Writing rows, such as a vertex and its values, as text, CSV, JSON lines or msgpack. Where a row
 * goes through a callback, the callback is called for many rows at once. */

#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/io.h>

#include "tools/options.h"

enum { OUTPUT_MAX_COLUMNS = 5 };

enum column_kind { COLUMN_UNSIGNED, COLUMN_REAL, COLUMN_DIFF /* +1 or -1 */ };

/* One column: n_rows values of its kind, lent until the output is written. */
typedef struct output_column {
    const char *name;
    enum column_kind kind;
    const void *values; /* uint64_t, double or int64_t */
} output_column;

/* Rows to be written. */
typedef struct output_table {
    size_t n_columns, n_rows;
    output_column columns[OUTPUT_MAX_COLUMNS];
} output_table;

/* Writes a table to a file, which appears whole or not at all, or to standard output (NULL, or
 * `-`), formatting on n_threads threads. Errors: ND_IO, ND_NOMEM, ND_INTR. */
ND_CHECKED nd_err output_write(const output_table *rows, const char *path,
                               enum output_format format, unsigned n_threads, nd_message *message);

/* Appends rows to others, formatting on this thread. Errors: ND_NOMEM. */
ND_CHECKED nd_err output_append(const output_table *rows, enum output_format format,
                                nd_writer *writer);

/* Writes what stands before the first row, if anything does. */
void output_append_head(const output_table *rows, enum output_format format, nd_writer *writer);

#endif
