/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_H
#define NEREID_H

/** @file
 * Nereid: timely dataflow in C. This header gathers the parts; each can be read and included alone.
 */

#include <nereid/batch.h>
#include <nereid/dataflow.h>
#include <nereid/error.h>
#include <nereid/graph.h>
#include <nereid/io.h>
#include <nereid/memory.h>
#include <nereid/stream.h>
#include <nereid/time.h>
#include <nereid/type.h>
#include <nereid/vertex.h>
#include <nereid/worker.h>

#endif
