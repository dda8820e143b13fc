/* SPDX-License-Identifier: Apache-2.0 */
/* The last state of an answer: its values without the vertices, compared with the plain answer of
 * the graph that is there then, and written as any other answer. */
#include "tools/last_state.h"

#include <string.h>

#include <nereid/memory.h>

#include "tools/answer.h"

void last_state_copy(const graph_algorithm *algorithm, const final_state *state,
                     graph_answer *answer)
{
    for (size_t i = 0; i < state->len; i++)
        for (size_t c = 0; c < algorithm->n_columns; c++)
            if (algorithm->columns[c].kind == COLUMN_REAL)
                memcpy(&answer->reals[i], &state->rows[i].values[c], sizeof(double));
            else
                answer->numbers[c][i] = state->rows[i].values[c];
}

/* The vertices of the state, apart from their values. */
static nd_err make_ids(const final_state *state, uint64_t **ids)
{
    *ids = nd_alloc(state->len, sizeof **ids);
    for (size_t i = 0; *ids != NULL && i < state->len; i++)
        (*ids)[i] = state->rows[i].id;
    return *ids != NULL ? ND_OK : ND_NOMEM;
}

static nd_err verify(const graph_algorithm *algorithm, const options *chosen,
                     const final_state *state, const nd_update_reader *reader, const uint64_t *ids,
                     const graph_answer *answer, nd_message *message)
{
    nd_graph *graph;
    ND_TRY(nd_update_reader_build(reader, algorithm->lists, &graph, message));
    const size_t n = nd_graph_get_counts(graph)->n_vertices;
    nd_err err = ND_OK;
    if (n != state->len || (n > 0 && memcmp(ids, nd_graph_ids(graph), n * sizeof *ids) != 0))
        err = nd_message_set(message, ND_FAILED,
                             "--verify: the answer has other vertices than the graph; please "
                             "report this");
    if (err == ND_OK)
        err = answer_verify(algorithm, graph, chosen, answer, message);
    nd_graph_destroy(graph);
    return err;
}

nd_err last_state_conclude(const graph_algorithm *algorithm, const options *chosen,
                           const final_state *state, const nd_update_reader *reader,
                           nd_message *message)
{
    graph_answer answer;
    uint64_t *ids;
    ND_TRY(make_ids(state, &ids));
    nd_err err = answer_make(algorithm, state->len, &answer);
    if (err == ND_OK) {
        last_state_copy(algorithm, state, &answer);
        if (chosen->verify)
            err = verify(algorithm, chosen, state, reader, ids, &answer, message);
        if (err == ND_OK && chosen->final)
            err = answer_write(algorithm, ids, state->len, chosen, &answer, message);
        answer_free(&answer);
    }
    nd_free(ids);
    return err;
}
