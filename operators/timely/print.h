/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_TIMELY_PRINT_H
#define OPERATORS_TIMELY_PRINT_H

/** @file
 * Printing records on standard output, whole lines at a time.
 */

#include <nereid/stream.h>

/** Prints a line a record: the time with `n_loops` counters, then the fields. Workers that print at
 * the same time take turns, a batch each, and what the program printed with stdio before comes
 * before. Errors: ND_IO and ND_NOMEM, with a message. Any thread. */
ND_CHECKED nd_err nd_print_records(const nd_type *type, const nd_time *time, unsigned n_loops,
                                   const void *records, size_t len, nd_message *message);

#endif
