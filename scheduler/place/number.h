/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_NUMBER_H
#define SCHEDULER_PLACE_NUMBER_H

/** @file
 * Whole numbers in options, in the environment and in files: digits and nothing else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Reads the `size` characters at `text` as a number from 0 to `most`; false, and nothing is
 * changed, if they are none. Pure. */
bool nd_number_parse(const char *text, size_t size, uint64_t most, uint64_t *number);

#endif
