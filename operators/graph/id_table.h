/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_ID_TABLE_H
#define NEREID_OPERATORS_GRAPH_ID_TABLE_H

/* A hash table from ids to indices 0, 1, 2, ... in order of first appearance. 16 to 24 bytes an id.
 */

#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

typedef struct id_table {
    uint64_t *ids; /* by index */
    uint32_t len, capacity;
    uint32_t *slots; /* index + 1, or 0; open addressing, at most half full */
    size_t n_slots;  /* a power of two, or 0 */
} id_table;

/* A zeroed table is empty. Ends with the table zeroed. */
void id_table_deinit(id_table *table);

/* Brings near what id_table_add will read for this id: its slot and, called again some time later,
 * the id found there. */
void id_table_prefetch_slot(const id_table *table, uint64_t id);
void id_table_prefetch_id(const id_table *table, uint64_t id);

/* Finds or adds an id. Errors: ND_NOMEM, ND_INPUT (no more indices). */
ND_CHECKED nd_err id_table_add(id_table *table, uint64_t id, uint32_t *index);

#endif
