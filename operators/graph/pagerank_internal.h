/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_PAGERANK_INTERNAL_H
#define NEREID_OPERATORS_GRAPH_PAGERANK_INTERNAL_H

#include <nereid/graph.h>

/* The options with every default filled in; a damping of ND_NO_DAMPING becomes 0. Pure; NULL is all
 * zero. */
static inline nd_pagerank_options pagerank_defaults(const nd_pagerank_options *options)
{
    nd_pagerank_options filled =
        options != NULL ? *options : (nd_pagerank_options){.iterations = 0};
    if (filled.iterations == 0)
        filled.iterations = filled.tolerance > 0 ? 1000 : 30;
    if (filled.damping == 0)
        filled.damping = 0.85;
    else if (filled.damping < 0)
        filled.damping = 0;
    return filled;
}

#endif
