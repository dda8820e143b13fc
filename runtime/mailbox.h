/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_MAILBOX_H
#define RUNTIME_MAILBOX_H

/** @file
 * Activations from any thread: a counted list that outlives its worker, so that nd_activate is
 * harmless when the vertex, the worker or the whole run is gone.
 *
 * Shared. One lock guards the list, the wake function and every activator's `queued`; it covers
 * nothing else.
 */

#include <stdbool.h>

#include <nereid/error.h>
#include <nereid/vertex.h>

typedef struct nd_mailbox nd_mailbox;

/** A mailbox whose owner is woken by `wake(context)`, called from any thread without the lock's
 * being awaited for long. NULL without memory. The caller owns a reference. */
nd_mailbox *nd_mailbox_create(void (*wake)(void *context), void *context);

/** The owner is going: nobody will be woken any more. Gives the owner's reference back. */
void nd_mailbox_close(nd_mailbox *mailbox);

/** Takes everybody who was activated since the last call: calls `each(context, vertex)` for those
 * that are still there. The owner's thread. */
void nd_mailbox_drain(nd_mailbox *mailbox, void (*each)(void *context, nd_vertex *vertex),
                      void *context);

/** An activator of `vertex`, with one reference for the vertex itself. NULL without memory. The
 * owner's thread. */
nd_activator *nd_activator_create(nd_mailbox *mailbox, nd_vertex *vertex);

/** Another reference. */
nd_activator *nd_activator_retain(nd_activator *activator);

/** The vertex is gone: from now on activating does nothing. Gives the vertex's reference back. The
 * owner's thread. */
void nd_activator_detach(nd_activator *activator);

#endif
