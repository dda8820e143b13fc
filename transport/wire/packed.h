/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_WIRE_PACKED_H
#define TRANSPORT_WIRE_PACKED_H

/** @file
 * Records with strings of bytes on the way: one msgpack array of all their fields, record after
 * record, in the order of the type's table. One array for all, and not one a record, is shorter and
 * quicker, and a reader of msgpack that knows the type needs no more.
 *
 *     field             msgpack
 *     truth value       true, false
 *     whole number      the shortest form that holds it, with or without sign
 *     float, double     float 32, float 64: the bits as they are
 *     string of bytes   bin 8, bin 16, bin 32
 *
 * Packing is msgpack-c's. Unpacking is not: the type says what each value must be, so one pass
 * checks and stores it, and neither depth nor a declared count can make it allocate. It takes
 * memory once or twice a batch, never more than a small multiple of the body.
 */

#include <nereid/type.h>

#include "runtime/base/vector.h"
#include "runtime/batch.h"
#include "transport/wire/head.h"

/** Replaces the contents of `body`, a vector of bytes, by the packed records of a batch whose type
 * has strings. Any thread. Errors: ND_NOMEM, ND_INVAL (more than ND_WIRE_BODY_MOST bytes, the
 * message naming the type); `body` then has no meaning, but is still the caller's. */
ND_CHECKED nd_err nd_wire_pack(const nd_batch *batch, nd_vector *body, nd_message *message);

/** Makes a batch of a body that belongs to its head (nd_wire_body_check); the caller gets a
 * reference. The pool's thread. Errors: ND_PROTO (the type does not travel packed; not exactly
 * `count` records of it, the message naming record and field), ND_NOMEM. */
ND_CHECKED nd_err nd_wire_unpack(nd_pool *pool, const nd_type *type, const nd_wire_head *head,
                                 const void *body, nd_batch **batch, nd_message *message);

#endif
