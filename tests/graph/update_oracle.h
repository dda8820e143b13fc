/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GRAPH_UPDATE_ORACLE_H
#define TESTS_GRAPH_UPDATE_ORACLE_H

/* Update files read the slow and obvious way, and edges counted by looking through all of them. */

#include <stddef.h>
#include <stdint.h>

#include <nereid/graph.h>

typedef struct text_update {
    uint64_t epoch;
    nd_edge_update update;
} text_update;

typedef struct text_updates {
    text_update *updates; /* from malloc; of epochs from 1 on; with a wrong line, those before it */
    size_t len;
    uint64_t n_epochs; /* that are complete */
    uint64_t wrong_line;
} text_updates;

/* Reads updates of a graph that is empty before, of at most some thousand lines. */
text_updates update_oracle_read(const char *text, size_t size, const nd_update_options *options);

/* Reads what `bytes` has, which it takes, `capacity` updates at a time, and says whether it is
 * what the oracle says: then NULL, else what is wrong. */
const char *update_oracle_compare(nd_reader *bytes, const nd_update_options *options,
                                  size_t capacity, const text_updates *wanted);

#endif
