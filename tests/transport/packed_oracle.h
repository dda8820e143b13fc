/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TRANSPORT_PACKED_ORACLE_H
#define TESTS_TRANSPORT_PACKED_ORACLE_H

/** @file
 * Packed records as msgpack-c reads them.
 */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/batch.h>

/** Whether msgpack-c reads these bytes as one array of the fields of all the batch's records, with
 * the very same values. */
bool packed_oracle_reads(const nd_batch *batch, const void *bytes, size_t size);

/** Whether every nd_bytes of the batch's records points into its own block or arena. */
bool packed_oracle_owns_strings(const nd_batch *batch);

#endif
