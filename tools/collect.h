/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_COLLECT_H
#define NEREID_TOOLS_COLLECT_H

/* Where the records of an answer come together. */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/dataflow.h>

/* Sees records of the stream, some at a time, which follow each other in it. */
typedef void collect_fn(void *user, const void *records, size_t len);

/* Has `fn(user, ...)` see every record of a stream: on the worker that made it, where there is one
 * process, and so by several threads at once; else on worker 0, in process 0. */
void collect(nd_stream stream, bool is_alone, collect_fn *fn, void *user);

#endif
