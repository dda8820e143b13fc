/* SPDX-License-Identifier: Apache-2.0 */
/* Answers. A difference to the plain algorithm's names the first vertex that has one. */
#include "tools/answer.h"

#include <inttypes.h>
#include <math.h>

#include <nereid/memory.h>

void answer_free(graph_answer *answer)
{
    nd_free(answer->numbers[0]);
    nd_free(answer->numbers[1]);
    nd_free(answer->reals);
    *answer = (graph_answer){.reals = NULL};
}

nd_err answer_make(const graph_algorithm *algorithm, size_t n_vertices, graph_answer *answer)
{
    bool is_made = true;
    *answer = (graph_answer){.reals = NULL};
    for (size_t c = 0; c < algorithm->n_columns; c++)
        if (algorithm->columns[c].kind == COLUMN_REAL)
            is_made = (answer->reals = nd_alloc(n_vertices, sizeof(double))) != NULL && is_made;
        else
            is_made =
                (answer->numbers[c] = nd_alloc(n_vertices, sizeof(uint64_t))) != NULL && is_made;
    if (!is_made)
        answer_free(answer);
    return is_made ? ND_OK : ND_NOMEM;
}

/* --- Verifying --- */

static bool is_close(double value, double expected, double tolerance)
{
    return value == expected || fabs(value - expected) <= tolerance * fabs(expected);
}

static nd_err compare(const graph_algorithm *algorithm, const nd_graph *graph,
                      const graph_answer *answer, const graph_answer *plain, nd_message *message)
{
    const uint64_t *const ids = nd_graph_ids(graph);
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    for (size_t c = 0; c < algorithm->n_columns; c++)
        for (uint32_t v = 0; v < n; v++)
            if (algorithm->columns[c].kind == COLUMN_UNSIGNED) {
                if (answer->numbers[c][v] != plain->numbers[c][v])
                    return nd_message_set(message, ND_FAILED,
                                          "--verify: vertex %" PRIu64 " has %s %" PRIu64
                                          ", the plain algorithm says %" PRIu64
                                          "; please report this",
                                          ids[v], algorithm->columns[c].name, answer->numbers[c][v],
                                          plain->numbers[c][v]);
            } else if (!is_close(answer->reals[v], plain->reals[v], algorithm->tolerance)) {
                return nd_message_set(
                    message, ND_FAILED,
                    "--verify: vertex %" PRIu64
                    " has %s %.17g, the plain algorithm says %.17g; please report this",
                    ids[v], algorithm->columns[c].name, answer->reals[v], plain->reals[v]);
            }
    return ND_OK;
}

nd_err answer_verify(const graph_algorithm *algorithm, const nd_graph *graph, const options *chosen,
                     const graph_answer *answer, nd_message *message)
{
    graph_answer plain;
    ND_TRY(answer_make(algorithm, nd_graph_get_counts(graph)->n_vertices, &plain));
    nd_err err = algorithm->run_plainly(graph, chosen, &plain);
    if (err == ND_OK)
        err = compare(algorithm, graph, answer, &plain, message);
    answer_free(&plain);
    return err;
}

nd_err answer_write(const graph_algorithm *algorithm, const uint64_t *ids, size_t n_vertices,
                    const options *chosen, const graph_answer *answer, nd_message *message)
{
    output_table rows = {
        .n_columns = 1 + algorithm->n_columns,
        .n_rows = n_vertices,
        .columns = {{"vertex", COLUMN_UNSIGNED, ids}},
    };
    for (size_t c = 0; c < algorithm->n_columns; c++) {
        const enum column_kind kind = algorithm->columns[c].kind;
        const void *const values =
            kind == COLUMN_REAL ? (const void *)answer->reals : answer->numbers[c];
        rows.columns[c + 1] = (output_column){algorithm->columns[c].name, kind, values};
    }
    return output_write(&rows, chosen->output, chosen->format, chosen->n_workers, message);
}
