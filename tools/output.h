/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_OUTPUT_H
#define NEREID_TOOLS_OUTPUT_H

/* Writing rows, a vertex and its values, as text, CSV, JSON lines or msgpack. Where a row goes
 * through a callback, the callback is called for many rows at once. */

#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

#include "tools/options.h"

enum { OUTPUT_MAX_COLUMNS = 3 };

enum column_kind { COLUMN_UNSIGNED, COLUMN_REAL };

/* One column: n_rows values of its kind, lent until the output is written. */
typedef struct output_column {
    const char *name;
    enum column_kind kind;
    const void *values; /* uint64_t or double */
} output_column;

/* Rows to be written: the first column is the vertex. */
typedef struct output_table {
    size_t n_columns, n_rows;
    output_column columns[OUTPUT_MAX_COLUMNS];
} output_table;

/* Writes a table to a file, which appears whole or not at all, or to standard output (NULL, or
 * `-`), formatting on n_threads threads. Errors: ND_IO, ND_NOMEM, ND_INTR. */
ND_CHECKED nd_err output_write(const output_table *rows, const char *path,
                               enum output_format format, unsigned n_threads, nd_message *message);

#endif
