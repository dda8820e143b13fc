/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/plan_builder.h"

void plan_builder_step(plan_builder *builder, const plan_step *step)
{
    nd_stream *stream = &builder->streams[step->stream];
    switch (step->kind) {
    case PLAN_LOOP:
        builder->scopes[step->scope] = nd_loop_new(builder->scopes[step->of], "loop");
        break;
    case PLAN_VERTEX: /* the caller's */
        break;
    case PLAN_ENTER:
        *stream = nd_enter(builder->scopes[step->scope], builder->streams[step->of]);
        break;
    case PLAN_LEAVE:
        *stream = nd_leave(builder->streams[step->of]);
        break;
    case PLAN_BACK:
        *stream = nd_feedback_new(builder->scopes[step->scope], builder->type,
                                  &builder->feedbacks[step->of]);
        break;
    case PLAN_CONNECT:
        nd_feedback_connect(builder->feedbacks[step->of], *stream);
        break;
    case PLAN_PROBE:
        builder->probes[builder->n_probes++] = nd_probe_new(*stream);
        break;
    }
}
