/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_EXPLAIN_H
#define RUNTIME_EXPLAIN_H

/** @file
 * Why a dataflow waits, as far as one worker can tell: a reading of its state that changes nothing.
 *
 * Most of what is under way follows from something else that is. What does not are the *roots*:
 * pointstamps with a positive count that no other one could result in. Everything waits for them,
 * and for nothing else. The tracker knows how many of each there are, but not whose; so each worker
 * says which of them are its own, its *holdings*.
 *
 * On the worker's thread, between callbacks. What the dataflow is asked for is borrowed from it and
 * good until its next step.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/vertex.h>

#include "runtime/base/vector.h"
#include "runtime/change_batch.h"
#include "runtime/host.h"
#include "runtime/topology.h"
#include "runtime/tracker.h"

typedef struct nd_wait_root {
    uint32_t location;
    nd_time time;
    int64_t count;  /* as this worker's tracker has it: over all workers */
    int64_t n_here; /* what this worker holds of these itself */
} nd_wait_root;

typedef enum nd_holding_kind {
    ND_HOLDING_BATCHES,      /* wait at an input */
    ND_HOLDING_NOTIFICATION, /* was asked for and is not delivered */
    ND_HOLDING_HOLD,         /* of nd_hold, of a source, or an open input */
} nd_holding_kind;

/** Something of this worker that is a root, or several of them: of a vertex with several outputs.
 */
typedef struct nd_holding {
    nd_holding_kind kind;
    const nd_vertex *vertex;
    unsigned port; /* BATCHES: the input */
    nd_time time;  /* of the batches; else that of the right to act */
    nd_time due;   /* NOTIFICATION: the earliest, if there are several with this right */
    bool is_due;   /* NOTIFICATION: nothing can come any more that it would have to wait for */
    size_t n;      /* batches, notifications or holds */
    size_t root;   /* the first of them: an index */
} nd_holding;

typedef struct nd_explanation {
    const nd_dataflow *flow;
    nd_vector roots;     /* nd_wait_root, by location, then in total order of times */
    nd_vector holdings;  /* nd_holding, by vertex */
    nd_change_batch own; /* all that this worker holds, roots or not; compacted */
    /* What one root alone brings about, for the questions below. */
    nd_tracker *single;
    nd_fan into; /* edges by where they end */
    size_t root; /* the one; SIZE_MAX: none yet */
} nd_explanation;

/** Explains a dataflow that runs. As dear as starting it. Errors: ND_NOMEM, and there is nothing to
 * deinit. */
ND_CHECKED nd_err nd_explanation_init(nd_explanation *explanation, const nd_dataflow *flow);

/** Frees; a zeroed one is fine. */
void nd_explanation_deinit(nd_explanation *explanation);

/** Sets `*first` to a time at or before `time` at which the root alone could let something come to
 * the location, and `*reaches` to whether there is one. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_explanation_reach(nd_explanation *explanation, size_t root, uint32_t location,
                                       const nd_time *time, bool *reaches, nd_time *first);

/** Appends to `vertices` (of const nd_vertex *) those on a way from the root to the location, whose
 * time is one that nd_explanation_reach has found; the last comes first, none twice in a row.
 * Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_explanation_path(nd_explanation *explanation, size_t root, uint32_t location,
                                      const nd_time *time, nd_vector *vertices);

/* explain_text.c */

enum { ND_EXPLAIN_TEXT = 448 }; /* bytes of a line, with its end; longer ones are cut */

/** What the worker holds, and how that ends. */
void nd_holding_text(nd_explanation *explanation, const nd_holding *holding,
                     char text[ND_EXPLAIN_TEXT]);

/** `n` of a root, without saying whose. */
void nd_wait_root_text(const nd_dataflow *flow, const nd_wait_root *root, int64_t n,
                       char text[ND_EXPLAIN_TEXT]);

/** Appends to `text` by way of which vertices the first root gets to a location at or before `time`
 * that can; nothing if none can. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_way_text(nd_explanation *explanation, uint32_t location, const nd_time *time,
                              char text[ND_EXPLAIN_TEXT]);

/** Says of a dataflow that does not run why that is, and returns false; true if it does run. */
bool nd_flow_state_text(const nd_dataflow *flow, char text[ND_EXPLAIN_TEXT]);

/** The vertex whose stream the probe watches, the location to ask about, and its dataflow. */
const nd_vertex *nd_probe_target(const nd_probe *probe, uint32_t *location);
const nd_dataflow *nd_probe_flow(const nd_probe *probe);

/** The dataflows of the worker, by number; NULL behind the last. */
const nd_dataflow *nd_host_flow(const nd_host *host, size_t index);

/** How many dataflows other workers have started that this one has not begun. */
size_t nd_host_n_missing(const nd_host *host);

#endif
