/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_ENTROPY_H
#define RUNTIME_BASE_ENTROPY_H

/** @file
 * Bytes that nobody can guess, for what must be unlike everything else: names of runs and of
 * processes. Not for choices, which come from a seed (random.h). */

#include <stddef.h>

#include <nereid/error.h>

/** Fills `size` bytes from the system. Errors: ND_INVAL when it gives none (errno says why). Any
 * thread. */
ND_CHECKED nd_err nd_entropy_fill(void *bytes, size_t size);

#endif
