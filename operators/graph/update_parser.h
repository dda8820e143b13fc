/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_UPDATE_PARSER_H
#define NEREID_OPERATORS_GRAPH_UPDATE_PARSER_H

/* From the text of whole lines to changes of a graph: `+ src dst [weight]`, `- src dst [weight]`,
 * and `commit`. What stands behind the sign is parsed as a line of an edge list. */

#include "operators/graph/edge_parser.h"

enum update_kind {
    UPDATE_NONE, /* the end of the block, or has_failed */
    UPDATE_ADD,
    UPDATE_REMOVE,
    UPDATE_COMMIT,
};

enum { UPDATE_COLUMNS = 4 };

/* Parses the next line that says something; n_lines counts it and those before it. With has_failed
 * it is line n_lines + 1 that is wrong. */
enum update_kind update_parser_next(edge_parser *parser, nd_edge *edge);

#endif
