/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_ANSWER_H
#define NEREID_TOOLS_ANSWER_H

/* The answer of a graph algorithm: a value or two for each vertex. It is made, compared with the
 * plain algorithm's, and written. */

#include "tools/graph_command.h"

/* Makes room for the values of n_vertices. Errors: ND_NOMEM. */
ND_CHECKED nd_err answer_make(const graph_algorithm *algorithm, size_t n_vertices,
                              graph_answer *answer);
void answer_free(graph_answer *answer);

/* Compares the answer, of the graph's vertices in their order, with the plain algorithm's. Errors:
 * ND_FAILED for a difference, ND_NOMEM. */
ND_CHECKED nd_err answer_verify(const graph_algorithm *algorithm, const nd_graph *graph,
                                const options *chosen, const graph_answer *answer,
                                nd_message *message);

/* Writes the answer of n_vertices with these ids. Errors: as output_write. */
ND_CHECKED nd_err answer_write(const graph_algorithm *algorithm, const uint64_t *ids,
                               size_t n_vertices, const options *chosen, const graph_answer *answer,
                               nd_message *message);

#endif
