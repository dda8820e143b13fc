/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_PLAN_BUILDER_H
#define TESTS_RANDOM_HARNESS_PLAN_BUILDER_H

/** @file
 * One worker's copy of a planned dataflow, while it is built: the plan's steps as calls of the
 * library. What vertices are is the caller's affair.
 */

#include <nereid/dataflow.h>

#include "tests/random/harness/random_plan.h"

/** Begins with the root scope and the type of all streams. */
typedef struct plan_builder {
    const nd_type *type;
    nd_scope *scopes[PLAN_SCOPES];
    nd_stream streams[PLAN_STREAMS];
    nd_feedback *feedbacks[PLAN_FEEDBACKS];
    nd_probe *probes[PLAN_PROBES];
    unsigned n_probes;
} plan_builder;

/** Takes a step other than PLAN_VERTEX; the caller takes those, and writes their streams. */
void plan_builder_step(plan_builder *builder, const plan_step *step);

#endif
