/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_GRAPH_COMMAND_H
#define NEREID_TOOLS_GRAPH_COMMAND_H

/* What all graph algorithms of the command have in common: read the graph, run, verify, write the
 * answer and the figures. An algorithm is a table of what differs. */

#include <nereid/error.h>
#include <nereid/graph.h>

#include "tools/options.h"
#include "tools/output.h"
#include "tools/progress_bar.h"
#include "tools/statistics.h"

/* An answer: a value or two for each dense vertex, owned. */
typedef struct graph_answer {
    uint64_t *numbers[2];
    double *reals;
} graph_answer;

typedef struct graph_algorithm {
    const char *name;
    /* What the answer consists of, behind the vertex. */
    size_t n_columns;
    struct {
        const char *name;
        enum column_kind kind;
    } columns[2];

    nd_lists lists; /* of neighbours, that it needs */
    bool needs_source;
    bool has_weights; /* it looks at them; they must not be negative */

    /* Computes the answer into arrays of n_vertices; sets figures->rounds and figures->run. May be
     * slow, may fail. NULL: `follow` does it, in one epoch. */
    nd_err (*run)(const nd_graph *graph, const options *chosen, graph_answer *answer,
                  statistics *figures, progress_bar *bar, nd_message *message);
    /* The same for a graph that changes: from a collection of nd_edge_type to one of records that
     * consist of an id and the values. NULL: it cannot. */
    nd_collection (*follow)(nd_collection edges, const options *chosen, nd_stream *rounds);
    bool has_loop; /* `follow` sets *rounds, as nereid/graph.h says */
    /* The same by plain loops. */
    nd_err (*run_plainly)(const nd_graph *graph, const options *chosen, graph_answer *answer);
    /* How far two real values may differ, as a part of the expected one. Whole numbers are equal.
     */
    double tolerance;
} graph_algorithm;

/* The dense number of the --source, or UINT32_MAX, which no vertex has. */
uint32_t graph_command_find_source(const nd_graph *graph, const options *chosen);

/* Carries out a graph command. Errors: those of reading and writing, and ND_FAILED for a difference
 * to the plain answer. */
ND_CHECKED nd_err graph_command_run(const graph_algorithm *algorithm, const options *chosen,
                                    nd_message *message);

#endif
