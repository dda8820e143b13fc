/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_DBSP_H
#define NEREID_DBSP_H

/** @file
 * Streams of Z-sets (Budiu and others, DBSP, VLDB 2023).
 *
 * A Z-set is a table of records with weights, which may be negative. A stream has one for each tick
 * of a clock. Here a tick is an epoch, and the Z-set of an epoch is the updates of that epoch: so
 * the stream of a collection is that of its *changes*, and
 *
 *     a collection      read as a stream, is the derivative D of what it holds;
 *     a stream          read as a collection, holds its integral I.
 *
 * Both readings cost nothing: they are the same nd_collection. That is why the operators of
 * nereid/collection.h are the incremental ones. An operator Q on tables, lifted to streams tick by
 * tick, has the incremental form D(Q(I(s))), and that is
 *
 *     for linear operators (map, filter, flat_map, negate, concat) the operator itself;
 *     for joins nd_join, which adds a change of one side joined with what the other was before, and
 *         the other way round, and both changes joined with each other;
 *     for a chain of operators the chain of their incremental forms, for a loop the loop of its
 *         body's (nd_variable_new, nd_iterate);
 *     for nd_distinct, nd_reduce and all others what they do here: they look at what has changed.
 *
 * The functions below are those that the incremental ones are made of and proved with. They do what
 * their definitions say, tick by tick, and cost as much: use them to state what a circuit means,
 * and to test that a faster one means the same.
 */

#include <stddef.h>
#include <stdint.h>

#include <nereid/collection.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** z^-1: what the stream was a tick ago; nothing at tick zero. In the root scope. In a circle of
 * operators nd_variable_new of the root scope is the delay: a circle must have one. */
nd_collection nd_dbsp_delay(nd_collection stream);

/** D: at each tick what it is less what it was a tick ago. */
nd_collection nd_dbsp_differentiate(nd_collection stream);

/** I: at each tick the sum of all up to it, for ticks 0 to n_ticks - 1. Each tick costs what the
 * sum holds then, in time and, until they are sent, in memory: ticks that become complete at once,
 * as when the inputs close, are sent together. In the root scope. */
nd_collection nd_dbsp_integrate(nd_collection stream, uint64_t n_ticks);

/** A part of a Z-set: `len` records side by side, in order, and their weights, which are not zero.
 */
typedef struct nd_zset {
    const void *records;
    const int64_t *weights;
    size_t len;
} nd_zset;

/** Where a function writes a Z-set. */
typedef struct nd_zset_out nd_zset_out;

/** A place for a record, zeroed, with its weight. Records may be equal: they add up. Valid until
 * the next call. */
void *nd_zset_slot(nd_zset_out *out, int64_t weight);

/** Makes the output of one key, at one tick, from what each of `n` inputs has of it then: one of
 * them at least is not empty. */
typedef void nd_dbsp_fn(void *user, const nd_zset *inputs, size_t n, nd_zset_out *out);

/** A function of Z-sets, lifted to streams: at each tick, for each key (the types' leading fields,
 * which are alike in all inputs), what `fn` makes of the inputs of that tick alone. At most
 * ND_MAX_PORTS inputs. Exchanges by key. */
nd_collection nd_dbsp_lift(const nd_collection *streams, size_t n, const nd_type *type,
                           nd_dbsp_fn *fn, nd_user user);

/** delta_0: a value into a nested clock, the rounds of `loop`: the value in the first round,
 * nothing in all others. Read as a collection, which is its integral, it is there in every round.
 */
static inline nd_collection nd_dbsp_delta0(nd_scope *loop, nd_collection stream)
{
    return nd_collection_enter(loop, stream);
}

/** Elimination: out of the nested clock, what all rounds add up to. The rounds are over when
 * nothing comes any more. */
static inline nd_collection nd_dbsp_eliminate(nd_collection stream)
{
    return nd_collection_leave(stream);
}

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
