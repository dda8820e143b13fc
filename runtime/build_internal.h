/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BUILD_INTERNAL_H
#define RUNTIME_BUILD_INTERNAL_H

/** @file
 * What building streams and building vertices share. */

#include "runtime/graph_internal.h"

/** Whether something may still be added; after the start it is a mistake. */
bool nd_flow_may_build(nd_dataflow *flow);

/** A zeroed object of the dataflow, on `list`, which frees it; NULL is a mistake. */
void *nd_flow_own(nd_dataflow *flow, nd_vector *list, size_t size);

/** What a stream of `scope` refers to; NULL is a mistake. */
nd_origin *nd_scope_new_origin(nd_scope *scope, const nd_type *type, nd_step step);

#endif
