/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_SHORTCUTS_H
#define RUNTIME_SHORTCUTS_H

/** @file
 * Which locations keep a frontier, and where the news of every location goes: the graph with what
 * nobody looks at taken out.
 *
 * A location behind which nothing is watched is left out. One that is not watched itself and leads
 * on in one way only is a *relay*: what happens there is passed on to the next location that is
 * not, along the composed summary. The others are *nodes*. Since a relay leads on in one way, there
 * are never more edges than there were, and a chain of vertices that never ask costs nothing,
 * however long it is. Immutable after init; then any thread.
 */

#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

#include "runtime/topology.h"

enum { ND_IDENTITY_SUMMARY = 0 };
#define ND_NO_NODE UINT32_MAX

/** A way to a node. */
typedef struct nd_shortcut {
    uint32_t node;    /* ND_NO_NODE: there is no way */
    uint32_t summary; /* a number into the summaries */
} nd_shortcut;

typedef struct nd_shortcuts {
    uint32_t n_nodes;
    uint32_t *locations; /* of each node; ascending */
    uint32_t *places;    /* of each node, ND_COORDINATES numbers */
    size_t *first;       /* the ways on from node v are next[first[v] .. first[v + 1]) */
    nd_shortcut *next;   /* ways from node to node */
    nd_shortcut *from; /* of each location: a node leads to itself, a relay to the node behind it */
    nd_summary *summaries; /* number ND_IDENTITY_SUMMARY is the identity */
    size_t n_summaries;
} nd_shortcuts;

/** Works out the shortcuts of a legal topology. Linear, apart from what nd_topology_places costs.
 * Errors: ND_INVAL for an illegal cycle, and then `culprits` is as that function sets it; ND_NOMEM.
 * `shortcuts` holds nothing then. */
ND_CHECKED nd_err nd_shortcuts_init(nd_shortcuts *shortcuts, const nd_topology *topology,
                                    nd_cycle *culprits);

/** Frees; zeroed shortcuts are fine. */
void nd_shortcuts_deinit(nd_shortcuts *shortcuts);

#endif
