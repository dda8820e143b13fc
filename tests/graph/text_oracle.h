/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GRAPH_TEXT_ORACLE_H
#define TESTS_GRAPH_TEXT_ORACLE_H

/* Edge lists read the slow and obvious way: line by line, character by character, the C library for
 * numbers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/graph.h>

typedef struct text_edges {
    nd_edge *edges; /* from malloc */
    size_t len;
    uint64_t wrong_line; /* the first line that is wrong, from 1; 0 if none is: edges are those
                            before it */
} text_edges;

/* Reads an edge list of `size` bytes that is not a Matrix Market file. */
text_edges text_oracle_read(const char *text, size_t size);

/* Whether the first line that says something begins as a line of names does. */
bool text_oracle_begins_with_name(const char *text, size_t size);

/* Whether `text` is a finite decimal in full. */
bool text_oracle_is_decimal(const char *text);

/* Whether `text` is a whole number that fits 64 bits, in full. */
bool text_oracle_is_id(const char *text);

#endif
