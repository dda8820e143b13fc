/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/mailbox.h"

#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

#include <nereid/memory.h>

struct nd_mailbox {
    _Atomic unsigned refs; /* the owner's, and one an activator */
    uv_mutex_t lock;
    nd_activator *first;         /* under lock; each has one reference more while it is here */
    void (*wake)(void *context); /* under lock; NULL once closed */
    void *context;
};

struct nd_activator {
    _Atomic unsigned refs;
    nd_mailbox *mailbox;
    nd_vertex *vertex;  /* the owner's thread only; NULL once the vertex is gone */
    nd_activator *next; /* under the mailbox's lock, as is `queued` */
    bool queued;
};

nd_mailbox *nd_mailbox_create(void (*wake)(void *context), void *context)
{
    nd_mailbox *const mailbox = nd_alloc_zero(1, sizeof *mailbox);
    if (!mailbox)
        return NULL;
    if (uv_mutex_init(&mailbox->lock) != 0) {
        nd_free(mailbox);
        return NULL;
    }
    atomic_init(&mailbox->refs, 1);
    mailbox->wake = wake;
    mailbox->context = context;
    return mailbox;
}

static void release_mailbox(nd_mailbox *mailbox)
{
    if (atomic_fetch_sub_explicit(&mailbox->refs, 1, memory_order_acq_rel) != 1)
        return;
    uv_mutex_destroy(&mailbox->lock);
    nd_free(mailbox);
}

void nd_mailbox_close(nd_mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->lock);
    mailbox->wake = NULL;
    uv_mutex_unlock(&mailbox->lock);
    nd_mailbox_drain(mailbox, NULL, NULL);
    release_mailbox(mailbox);
}

/* Takes the whole list at once, so that this ends whatever other threads do. An activator counts as
 * queued, and so stays as it is, until its turn comes. */
void nd_mailbox_drain(nd_mailbox *mailbox, void (*each)(void *context, nd_vertex *vertex),
                      void *context)
{
    uv_mutex_lock(&mailbox->lock);
    nd_activator *activator = mailbox->first;
    mailbox->first = NULL;
    uv_mutex_unlock(&mailbox->lock);
    while (activator) {
        nd_activator *const next = activator->next;
        uv_mutex_lock(&mailbox->lock);
        activator->queued = false;
        uv_mutex_unlock(&mailbox->lock);
        if (each && activator->vertex)
            each(context, activator->vertex);
        nd_activator_release(activator);
        activator = next;
    }
}

nd_activator *nd_activator_create(nd_mailbox *mailbox, nd_vertex *vertex)
{
    nd_activator *const activator = nd_alloc_zero(1, sizeof *activator);
    if (!activator)
        return NULL;
    atomic_init(&activator->refs, 1);
    atomic_fetch_add_explicit(&mailbox->refs, 1, memory_order_relaxed);
    activator->mailbox = mailbox;
    activator->vertex = vertex;
    return activator;
}

nd_activator *nd_activator_retain(nd_activator *activator)
{
    atomic_fetch_add_explicit(&activator->refs, 1, memory_order_relaxed);
    return activator;
}

void nd_activator_release(nd_activator *activator)
{
    if (!activator || atomic_fetch_sub_explicit(&activator->refs, 1, memory_order_acq_rel) != 1)
        return;
    release_mailbox(activator->mailbox);
    nd_free(activator);
}

void nd_activator_detach(nd_activator *activator)
{
    activator->vertex = NULL;
    nd_activator_release(activator);
}

void nd_activate(nd_activator *activator)
{
    nd_mailbox *const mailbox = activator->mailbox;
    uv_mutex_lock(&mailbox->lock);
    if (mailbox->wake && !activator->queued) {
        activator->queued = true;
        activator->next = mailbox->first;
        mailbox->first = nd_activator_retain(activator);
        mailbox->wake(mailbox->context);
    }
    uv_mutex_unlock(&mailbox->lock);
}
