/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_FOLLOW_H
#define NEREID_TOOLS_FOLLOW_H

/* Algorithms as queries over a graph that changes. */

#include "tools/graph_command.h"

/* The answer for a graph in memory: one epoch of changes. Errors: as nd_execute. */
ND_CHECKED nd_err follow_graph(const graph_algorithm *algorithm, const nd_graph *graph,
                               const options *chosen, graph_answer *answer, statistics *figures,
                               nd_message *message);

/* Carries out a graph command with --updates. Errors: those of reading and writing, and ND_FAILED
 * for a difference to the plain answer. */
ND_CHECKED nd_err follow_updates(const graph_algorithm *algorithm, const options *chosen,
                                 nd_message *message);

#endif
