/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_ARRANGEMENT_H
#define OPERATORS_DIFFERENTIAL_ARRANGEMENT_H

/** @file
 * An arranged collection as other dataflows see it.
 */

#include "operators/differential/index.h"

/** The collection of an index, which is the root scope's, in another dataflow, from epoch `since`
 * on: a reader of the trace holds it. */
nd_collection nd_index_import(nd_dataflow *flow, nd_index *index, uint64_t since);

/** Where snapshots of an index are published. NULL without memory. */
nd_publisher *nd_index_publish(const nd_index *index);

/** The updates of a stream of batches as rows. Nothing is made while nobody reads them. */
nd_stream nd_rows_of_batches(nd_collection arranged);

#endif
