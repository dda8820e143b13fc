/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_H
#define NEREID_H

/** @file
 * Nereid: timely dataflow in C. This header gathers the parts; each can be read and included alone.
 *
 * C++17 may include them too. The macros that make values (ND_TYPE, ND_FIELD, nd_no_user) are C's:
 * in C++ a type's table and an nd_user are written out.
 */

#include <nereid/batch.h>
#include <nereid/cluster.h>
#include <nereid/collection.h>
#include <nereid/dataflow.h>
#include <nereid/dbsp.h>
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
