/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_KEYS_H
#define OPERATORS_DIFFERENTIAL_KEYS_H

/** @file
 * The keys of a collection.
 */

#include <nereid/collection.h>

/** Whether the first `n_key` fields of two types are of the same kinds and widths: keys are
 * compared as codes, so they must be alike. */
bool nd_has_same_key(const nd_type *a, const nd_type *b, unsigned n_key);

/** The key of each record, as often as the record is there: records of the key's fields alone. */
nd_collection nd_keys_of(nd_collection collection);

#endif
