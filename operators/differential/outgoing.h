/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_OUTGOING_H
#define OPERATORS_DIFFERENTIAL_OUTGOING_H

/** @file
 * Updates on their way out of a vertex that has kept them: from codes to rows, each under a time
 * that is held. What rows point into lasts until the next are sent.
 */

#include "operators/differential/held.h"
#include "operators/differential/updates.h"

typedef struct nd_outgoing {
    nd_row row;
    nd_record_code code; /* of whole records */
    nd_updates updates;  /* to be sent; kept afterwards, until they are cleared */
    nd_vector spare;     /* bytes */
} nd_outgoing;

/** For rows of `row` whose records are of `type`, the first `n_key` fields of which are the key. It
 * stays where it is. */
void nd_outgoing_init(nd_outgoing *outgoing, const nd_row *row, const nd_type *type,
                      unsigned n_key);
void nd_outgoing_deinit(nd_outgoing *outgoing);

/** Sends all updates, on output 0. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_outgoing_send(nd_outgoing *outgoing, nd_vertex *vertex, const nd_held *held);

/** The code of whole records of which the first `n_key` fields are the key: that of the key,
 * closed, and behind it that of the rest. */
void nd_whole_code_init(nd_record_code *code, const nd_type *type, unsigned n_key);

#endif
