/* SPDX-License-Identifier: Apache-2.0 */
/* The output formats. Rows are formatted in runs of fixed length, each into memory of its own;
 * threads take turns by run number, and the runs are written in order, so the bytes do not depend
 * on the number of threads. */
#include "tools/output.h"

#include <math.h>
#include <msgpack.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <nereid/io.h>
#include <nereid/memory.h>
#include <nereid/type.h>

#include "tools/signals.h"
#include "tools/unsigned_text.h"

enum { RUN_ROWS = 2048, CELL_SIZE = 64 /* name, quotation marks, number */, MAX_THREADS = 16 };

/* --- One row --- */

static uint64_t unsigned_at(const output_column *column, size_t row)
{
    return ((const uint64_t *)column->values)[row];
}

static double real_at(const output_column *column, size_t row)
{
    return ((const double *)column->values)[row];
}

static int64_t diff_at(const output_column *column, size_t row)
{
    return ((const int64_t *)column->values)[row];
}

/* A number, with a sign in front of a difference that is positive if `has_plus`. */
static char *value_text(const output_column *column, size_t row, bool has_plus, char *text)
{
    switch (column->kind) {
    case COLUMN_UNSIGNED:
        return unsigned_text(unsigned_at(column, row), text);
    case COLUMN_REAL:
        return text + nd_double_text(real_at(column, row), text);
    case COLUMN_DIFF:
        break;
    }
    const bool is_less = diff_at(column, row) < 0;
    return stpcpy(text, is_less ? "-1" : has_plus ? "+1" : "1");
}

static char *separated_row(const output_table *rows, size_t row, char separator, char *text)
{
    for (size_t c = 0; c < rows->n_columns; c++) {
        text = value_text(&rows->columns[c], row, true, text);
        *text++ = c + 1 < rows->n_columns ? separator : '\n';
    }
    return text;
}

/* JSON has no infinities: they are texts; and no sign in front of what is positive. */
static char *json_row(const output_table *rows, size_t row, char *text)
{
    for (size_t c = 0; c < rows->n_columns; c++) {
        const output_column *const column = &rows->columns[c];
        const bool is_quoted = column->kind == COLUMN_REAL && !isfinite(real_at(column, row));
        text = stpcpy(stpcpy(stpcpy(text, c == 0 ? "{\"" : ",\""), column->name), "\":");
        if (is_quoted)
            *text++ = '"';
        text = value_text(column, row, false, text);
        if (is_quoted)
            *text++ = '"';
    }
    return stpcpy(text, "}\n");
}

/* msgpack-c's sink: `data` is the place to write to. */
static int append_packed(void *data, const char *bytes, size_t size)
{
    char **const text = data;
    memcpy(*text, bytes, size);
    *text += size;
    return 0;
}

static char *packed_row(const output_table *rows, size_t row, char *text)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, &text, append_packed);
    msgpack_pack_array(&packer, rows->n_columns);
    for (size_t c = 0; c < rows->n_columns; c++)
        switch (rows->columns[c].kind) {
        case COLUMN_UNSIGNED:
            msgpack_pack_uint64(&packer, unsigned_at(&rows->columns[c], row));
            break;
        case COLUMN_REAL:
            msgpack_pack_double(&packer, real_at(&rows->columns[c], row));
            break;
        case COLUMN_DIFF:
            msgpack_pack_int64(&packer, diff_at(&rows->columns[c], row));
            break;
        }
    return text;
}

/* Formats rows begin to end - 1; returns the place after the last character. */
static char *format_rows(const output_table *rows, enum output_format format, size_t begin,
                         size_t end, char *text)
{
    for (size_t row = begin; row < end; row++)
        if (format == FORMAT_MSGPACK)
            text = packed_row(rows, row, text);
        else if (format == FORMAT_JSONL)
            text = json_row(rows, row, text);
        else
            text = separated_row(rows, row, format == FORMAT_CSV ? ',' : ' ', text);
    return text;
}

/* --- All rows --- */

typedef struct output {
    const output_table *rows;
    enum output_format format;
    nd_writer *writer;
    size_t n_runs;
    pthread_mutex_t lock; /* guards all below, and the writer */
    pthread_cond_t moved; /* n_written or has_stopped has changed */
    size_t n_taken, n_written;
    bool has_stopped; /* a signal came, or memory ran out: nothing more is written */
    bool lacks_memory;
} output;

/* Takes the next run that nobody has. Locked. */
static bool take_run(output *out, size_t *run)
{
    *run = out->n_taken;
    if (out->has_stopped || out->n_taken == out->n_runs)
        return false;
    out->n_taken++;
    return true;
}

/* Waits until all runs before this one are written, and writes it. Runs are taken in order, so
 * whoever has the first one not yet written never waits. Locked. */
static void write_in_turn(output *out, size_t run, const char *text, size_t size)
{
    while (out->n_written != run && !out->has_stopped)
        pthread_cond_wait(&out->moved, &out->lock);
    out->has_stopped = out->has_stopped || signals_came();
    if (!out->has_stopped)
        nd_writer_write(out->writer, text, size);
    out->n_written = run + 1;
    pthread_cond_broadcast(&out->moved);
}

/* Formats and writes runs until none is left. `text` has room for one. Locked, but not while it
 * formats. */
static void take_runs(output *out, char *text)
{
    size_t run;
    while (take_run(out, &run)) {
        pthread_mutex_unlock(&out->lock);
        const size_t begin = run * RUN_ROWS, rest = out->rows->n_rows - begin;
        const char *const end = format_rows(out->rows, out->format, begin,
                                            begin + (rest < RUN_ROWS ? rest : RUN_ROWS), text);
        pthread_mutex_lock(&out->lock);
        write_in_turn(out, run, text, (size_t)(end - text));
    }
}

static void *format_runs(void *argument)
{
    output *const out = argument;
    char *const text = nd_alloc(RUN_ROWS * out->rows->n_columns, CELL_SIZE);
    pthread_mutex_lock(&out->lock);
    if (text != NULL) {
        take_runs(out, text);
    } else {
        out->lacks_memory = out->has_stopped = true;
        pthread_cond_broadcast(&out->moved);
    }
    pthread_mutex_unlock(&out->lock);
    nd_free(text);
    return NULL;
}

/* Formats on n_threads threads, or as many as there are to be had. */
static void write_runs(output *out, unsigned n_threads)
{
    pthread_t threads[MAX_THREADS];
    unsigned n_started = 0;
    while (n_started + 1 < n_threads && n_started < MAX_THREADS &&
           pthread_create(&threads[n_started], NULL, format_runs, out) == 0)
        n_started++;
    format_runs(out);
    for (unsigned i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
}

void output_append_head(const output_table *rows, enum output_format format, nd_writer *writer)
{
    if (format != FORMAT_CSV)
        return;
    for (size_t c = 0; c < rows->n_columns; c++)
        nd_writer_printf(writer, "%s%s", c > 0 ? "," : "", rows->columns[c].name);
    nd_writer_write(writer, "\n", 1);
}

nd_err output_append(const output_table *rows, enum output_format format, nd_writer *writer)
{
    const size_t most = rows->n_rows < RUN_ROWS ? rows->n_rows : RUN_ROWS;
    char *const text = nd_alloc(most * rows->n_columns, CELL_SIZE);
    if (text == NULL)
        return ND_NOMEM;
    for (size_t begin = 0; begin < rows->n_rows; begin += most) {
        const size_t rest = rows->n_rows - begin, len = rest < most ? rest : most;
        const char *const end = format_rows(rows, format, begin, begin + len, text);
        nd_writer_write(writer, text, (size_t)(end - text));
    }
    nd_free(text);
    return ND_OK;
}

nd_err output_write(const output_table *rows, const char *path, enum output_format format,
                    unsigned n_threads, nd_message *message)
{
    output out = {
        .rows = rows, .format = format, .n_runs = (rows->n_rows + RUN_ROWS - 1) / RUN_ROWS};
    signals_defer(path);
    ND_TRY(nd_writer_open(path, &out.writer, message));
    pthread_mutex_init(&out.lock, NULL);
    pthread_cond_init(&out.moved, NULL);
    output_append_head(rows, format, out.writer);
    write_runs(&out, out.n_runs < n_threads ? (unsigned)out.n_runs : n_threads);
    pthread_cond_destroy(&out.moved);
    pthread_mutex_destroy(&out.lock);
    if (!out.has_stopped && !signals_came())
        return nd_writer_commit(out.writer, message);
    nd_writer_abandon(out.writer);
    return out.lacks_memory ? ND_NOMEM : ND_INTR;
}
