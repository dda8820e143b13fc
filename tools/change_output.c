/* SPDX-License-Identifier: Apache-2.0 */
/* Changes as rows. To standard output each call has a writer of its own, for only a writer that
 * ends says whether all has gone out: when nobody reads any more, the run is over. */
#include "tools/change_output.h"

#include <string.h>

enum { ROWS_AT_ONCE = 512 };

/* Changes, column by column. */
typedef struct change_rows {
    uint64_t epochs[ROWS_AT_ONCE], ids[ROWS_AT_ONCE];
    uint64_t values[CHANGE_VALUES][ROWS_AT_ONCE];
    double reals[ROWS_AT_ONCE];
    int64_t diffs[ROWS_AT_ONCE];
} change_rows;

static output_table make_table(const graph_algorithm *algorithm, const change_rows *rows,
                               size_t n_rows)
{
    output_table table = {.n_columns = 3 + algorithm->n_columns,
                          .n_rows = n_rows,
                          .columns = {{"epoch", COLUMN_UNSIGNED, rows->epochs},
                                      {"vertex", COLUMN_UNSIGNED, rows->ids}}};
    for (size_t c = 0; c < algorithm->n_columns; c++) {
        const enum column_kind kind = algorithm->columns[c].kind;
        const void *const values =
            kind == COLUMN_REAL ? (const void *)rows->reals : rows->values[c];
        table.columns[2 + c] = (output_column){algorithm->columns[c].name, kind, values};
    }
    table.columns[2 + algorithm->n_columns] = (output_column){"diff", COLUMN_DIFF, rows->diffs};
    return table;
}

static nd_err append_rows(const change_output *out, const change *changes, size_t len,
                          nd_writer *writer)
{
    change_rows rows;
    for (size_t i = 0; i < len; i++) {
        rows.epochs[i] = changes[i].epoch;
        rows.ids[i] = changes[i].id;
        rows.diffs[i] = changes[i].diff;
        for (size_t c = 0; c < CHANGE_VALUES; c++)
            rows.values[c][i] = changes[i].values[c];
        memcpy(&rows.reals[i], &changes[i].values[0], sizeof rows.reals[i]);
    }
    const output_table table = make_table(out->algorithm, &rows, len);
    return output_append(&table, out->format, writer);
}

static nd_err append(const change_output *out, const change *changes, size_t len, nd_writer *writer)
{
    while (len > 0) {
        const size_t n = len < ROWS_AT_ONCE ? len : ROWS_AT_ONCE;
        ND_TRY(append_rows(out, changes, n, writer));
        changes += n;
        len -= n;
    }
    return ND_OK;
}

nd_err change_output_open(change_output *out, const graph_algorithm *algorithm,
                          const options *chosen, nd_message *message)
{
    *out = (change_output){
        .algorithm = algorithm,
        .format = chosen->format,
        .is_file = chosen->output != NULL && strcmp(chosen->output, "-") != 0,
    };
    return out->is_file ? nd_writer_open(chosen->output, &out->file, message) : ND_OK;
}

static void append_head(change_output *out, nd_writer *writer)
{
    static const change_rows none;
    const output_table head = make_table(out->algorithm, &none, 0);
    output_append_head(&head, out->format, writer);
    out->has_head = true;
}

nd_err change_output_write(change_output *out, const change *changes, size_t len,
                           nd_message *message)
{
    nd_writer *writer = out->file;
    if (len == 0 && out->has_head)
        return ND_OK;
    if (!out->is_file)
        ND_TRY(nd_writer_open(NULL, &writer, message));
    if (!out->has_head)
        append_head(out, writer);
    const nd_err err = append(out, changes, len, writer);
    if (out->is_file)
        return err;
    if (err == ND_OK)
        return nd_writer_commit(writer, message);
    nd_writer_abandon(writer);
    return err;
}

nd_err change_output_commit(change_output *out, nd_message *message)
{
    nd_writer *const file = out->file;
    out->file = NULL;
    return out->is_file ? nd_writer_commit(file, message) : ND_OK;
}

void change_output_abandon(change_output *out)
{
    nd_writer_abandon(out->file);
    out->file = NULL;
}
