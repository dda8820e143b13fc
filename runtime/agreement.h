/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_AGREEMENT_H
#define RUNTIME_AGREEMENT_H

/** @file
 * A dataflow runs when every worker has built the same graph. */

#include "runtime/host.h"

/** Worker `frame->worker` has started its copy of a dataflow. Errors: ND_MISMATCH when its graph is
 * another, ND_NOMEM. */
ND_CHECKED nd_err nd_start_arrived(nd_host *host, const nd_frame *frame);

/** Worker `sender` has ended after building `n_built` dataflows. Errors: ND_MISMATCH when this
 * worker has more under way. */
ND_CHECKED nd_err nd_end_arrived(nd_host *host, uint32_t n_built, unsigned sender);

/** This worker has started the dataflow: tells all others, and runs it if it is the last. Errors:
 * ND_MISMATCH, ND_NOMEM. */
ND_CHECKED nd_err nd_flow_announce(nd_dataflow *flow);

/** How many workers have started a dataflow, as far as is known here. */
unsigned nd_host_n_started(const nd_host *host, uint32_t flow);

#endif
