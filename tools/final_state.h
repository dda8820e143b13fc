/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_FINAL_STATE_H
#define NEREID_TOOLS_FINAL_STATE_H

/* What the changes of an answer add up to: one row of each vertex. */

#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

#include "tools/gather.h"

typedef struct state_row {
    uint64_t id;
    uint64_t values[CHANGE_VALUES];
} state_row;

typedef struct final_state {
    state_row *rows; /* ascending */
    size_t len;
    change *pending; /* not merged into the rows yet */
    size_t n_pending, capacity;
} final_state;

/* A zeroed state is empty. */
void final_state_deinit(final_state *state);

/* Adds changes of epochs that follow those added before. Errors: ND_NOMEM. */
ND_CHECKED nd_err final_state_add(final_state *state, const change *changes, size_t len);

/* Brings the rows up to date. Errors: ND_NOMEM. */
ND_CHECKED nd_err final_state_settle(final_state *state);

#endif
