/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_VERTEX_FILE_H
#define NEREID_OPERATORS_GRAPH_VERTEX_FILE_H

/* Which file of vertices goes with a graph file. */

#include <nereid/io.h>

/* Opens the file `named`, or else, where `path` is the edge file of an LDBC pair, the `.v` beside
 * it, if there is one: packed alike, else plain, `.gz` or `.zst`. NULL if none goes with it.
 * Errors: ND_INPUT, ND_NOMEM. */
ND_CHECKED nd_err vertex_file_open(const char *named, const char *path, nd_reader **bytes,
                                   nd_message *message);

#endif
