/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_WIRE_RECORDS_H
#define TRANSPORT_WIRE_RECORDS_H

/** @file
 * Flat records on the way: the body is the batch's records as they lie in memory, so there is
 * nothing to encode. (Every process has the same byte order; the handshake sees to it.)
 *
 *     offset              size        content
 *     0                   type->size  record 0
 *     ...
 *     (count - 1) * size  type->size  the last record, at the end of the body
 *
 * The receiving worker's thread, which owns the pool.
 */

#include <nereid/type.h>

#include "runtime/batch.h"
#include "transport/wire/head.h"

/** Copies the records of a body that belongs to its head (nd_wire_body_check) into a new batch, a
 * reference to which the caller gets. Errors: ND_PROTO (the type does not travel flat; no records;
 * not `count` of them; a truth value that is neither 0 nor 1), ND_NOMEM. */
ND_CHECKED nd_err nd_wire_flat_read(nd_pool *pool, const nd_type *type, const nd_wire_head *head,
                                    const void *body, nd_batch **batch, nd_message *message);

#endif
