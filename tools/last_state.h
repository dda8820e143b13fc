/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_LAST_STATE_H
#define NEREID_TOOLS_LAST_STATE_H

/* The last state of an answer that changes, as an answer. */

#include "tools/final_state.h"
#include "tools/graph_command.h"

/* Copies the values of a settled state into an answer, which has room for them. */
void last_state_copy(const graph_algorithm *algorithm, const final_state *state,
                     graph_answer *answer);

/* Verifies and prints a settled state, as far as that was asked for; `reader` has read what it
 * comes of. Errors: as answer_verify and answer_write. */
ND_CHECKED nd_err last_state_conclude(const graph_algorithm *algorithm, const options *chosen,
                                      const final_state *state, const nd_update_reader *reader,
                                      nd_message *message);

#endif
