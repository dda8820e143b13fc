/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_NUMBERING_H
#define NEREID_OPERATORS_GRAPH_NUMBERING_H

/* Dense numbers for ids: 0, 1, 2, ... in ascending order of the ids that the collectors hold. */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/error.h>

#include "operators/graph/edge_collector.h"

typedef struct numbering {
    uint64_t *ids; /* by dense number, ascending */
    uint32_t n_vertices;

    /* One of three ways from what stands in a collector's keys to dense numbers. */
    enum { NUMBERED_BY_OFFSET, NUMBERED_BY_RANK, NUMBERED_BY_TABLE } way;
    uint64_t *bits;    /* by rank: a bit an id that exists, */
    uint32_t *before;  /*   and for each word how many there are before it */
    uint32_t **dense;  /* by table: for each collector, the dense number of each index */
    unsigned n_tables; /*   of them */
} numbering;

/* Numbers what the collectors hold, with a thread a collector; may move their keys from ids to
 * indices. Errors: ND_NOMEM, ND_INPUT (too many vertices). deinit is to be called in any case. */
ND_CHECKED nd_err numbering_init(numbering *numbers, edge_collector *collectors,
                                 unsigned n_collectors);
void numbering_deinit(numbering *numbers);

/* How edges become keys. */
enum key_form { KEY_SRC_DST, KEY_DST_SRC, KEY_LESSER_GREATER };

/* Makes a collector's keys into keys of dense numbers. */
void numbering_apply(const numbering *numbers, edge_collector *collector, unsigned index,
                     enum key_form form);

#endif
