/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RANDOM_VERTEX_H
#define TESTS_RANDOM_HARNESS_RANDOM_VERTEX_H

/** @file
 * Vertices that do anything a vertex may, at random: forward, delay, ask for notifications of all
 * kinds, hold, keep batches and send them later, or nothing. They keep the rules by their own
 * reckoning, and note whatever they are given that should not be.
 */

#include "tests/random/harness/random_run.h"

/** Adds this worker's instance of a vertex to the dataflow that is being built. `inputs` stand in
 * the order of the plan; streams of the outputs are written to `out`. */
void random_vertex_new(instance *me, nd_scope *scope, const nd_pact *inputs, nd_stream *out);

/** A turn of a source: sends, moves on, ends. Only for one that holds something. */
void random_vertex_feed(instance *me);

/** Whether the source may still send. */
bool random_vertex_is_open(const instance *me);

/** Says what is wrong with an instance when nothing can happen any more: requests that were never
 * answered, holds that were never released. */
void random_vertex_check_end(const instance *me);

/** An nd_route_fn by the record's key; `user` is the random_flow. */
void random_vertex_route(void *user, const void *records, size_t len, uint64_t *hashes);

#endif
