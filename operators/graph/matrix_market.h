/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_MATRIX_MARKET_H
#define NEREID_OPERATORS_GRAPH_MATRIX_MARKET_H

/* The header of a Matrix Market coordinate file: its first line, and the line of sizes after the
 * comments. Pure functions of text that ends with a line end; the results are NULL or the cause of
 * a failure, a constant text. */

#include <stdbool.h>

#include <nereid/graph.h>

/* Whether the text begins as such a file does. */
bool matrix_market_begins(const char *text, const char *end);

/* Reads `%%MatrixMarket matrix coordinate FIELD SYMMETRY`. */
const char *matrix_market_banner(const char *text, const char *end, nd_edge_facts *facts);

/* Reads `rows columns entries`. */
const char *matrix_market_sizes(const char *text, const char *end, nd_edge_facts *facts);

#endif
