/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_CACHE_LINE_H
#define RUNTIME_BASE_CACHE_LINE_H

/** @file
 * What two threads write apart from one another stands a cache line apart, or each write costs the
 * other thread a miss. An array of this many chars between them does it, wherever the struct lies.
 */

enum { ND_CACHE_LINE = 64 /* bytes, on every machine that matters here */ };

#endif
