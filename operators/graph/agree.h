/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_AGREE_H
#define NEREID_OPERATORS_GRAPH_AGREE_H

/* Processes read graphs by themselves, and an answer is right only if they have read the same. */

#include <nereid/dataflow.h>
#include <nereid/graph.h>

/* Has the dataflow refused unless all processes have the same graph, but for its weights. */
void graph_agree(nd_scope *scope, const nd_graph *graph);

#endif
