/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_PLAINLY_H
#define OPERATORS_DIFFERENTIAL_PLAINLY_H

/** @file
 * Operators that have a faster way where times are totally ordered, or form a chain, made without
 * it: what they are tested against.
 */

#include <nereid/collection.h>

nd_collection nd_count_plainly(nd_collection collection, const nd_type *type);
nd_collection nd_sum_plainly(nd_collection collection, const nd_type *type);
nd_collection nd_distinct_plainly(nd_collection collection);
nd_collection nd_min_plainly(nd_collection collection);
nd_collection nd_max_plainly(nd_collection collection);

#endif
