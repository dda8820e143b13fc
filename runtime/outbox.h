/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_OUTBOX_H
#define RUNTIME_OUTBOX_H

/** @file
 * Outboxes: where records of one time gather on their way out, behind an nd_emit.
 *
 * Records are written into a full-size block. When the outbox is flushed, a nearly empty block is
 * not sent: what is in it is copied to a block that fits, so that a queue of small batches costs
 * what it holds. Nothing is kept between flushes.
 *
 * Belongs to one worker. Memory running out, or a record written while the outbox is shut, is told
 * to the owner and turns the emit into one that throws records away.
 */

#include <nereid/time.h>

#include "runtime/batch.h"

/** Where records go that cannot be kept: room for the largest. Nobody reads it. */
typedef struct nd_scrap {
    _Alignas(16) unsigned char bytes[4096];
} nd_scrap;

_Static_assert(ND_MAX_FIELDS * sizeof(nd_bytes) <= sizeof(nd_scrap), "any record fits");

typedef struct nd_outbox nd_outbox;

/** Whose outbox it is. */
typedef struct nd_outbox_owner {
    void (*deliver)(nd_outbox *outbox, nd_batch *batch); /* a batch is ready; the reference moves */
    void (*opened)(nd_outbox *outbox); /* there is something to flush from now on; may be NULL */
    void (*failed)(nd_outbox *outbox); /* memory ran out */
    /* A record is written while the outbox is shut; the run must fail. */
    void (*written_late)(nd_outbox *outbox);
} nd_outbox_owner;

struct nd_outbox {
    nd_emit emit; /* first: an emit is its outbox */
    nd_time time; /* of what is gathered; the owner's to set */
    nd_pool *pool;
    size_t max_len;    /* records a batch, at most */
    size_t arena_size; /* bytes taken from the arena of the open batch */
    unsigned char *arena_next, *arena_end;
    unsigned char *end; /* of the open batch's room, also while the outbox is shut */
    nd_scrap *scrap;    /* for when memory has run out */
    unsigned n_fields;  /* of the type */
    bool has_bytes;     /* the type has nd_bytes fields */
    bool has_objects;   /* a record is a counted pointer */
    bool is_shut;       /* whoever writes has to ask the owner first */
    bool is_marked;     /* the owner's to set */
    const nd_outbox_owner *owner;
};

/** An empty outbox. Allocates nothing. `scrap` is lent until deinit. */
void nd_outbox_init(nd_outbox *outbox, const nd_type *type, nd_pool *pool, size_t max_len,
                    nd_scrap *scrap, const nd_outbox_owner *owner);

/** An outbox for an output that does not exist: what is written is never sent. Needs no deinit. */
void nd_outbox_init_nowhere(nd_outbox *outbox, nd_scrap *scrap);

/** Throws away what is gathered. A zeroed outbox is fine. */
void nd_outbox_deinit(nd_outbox *outbox);

/** Makes the batch's own what slots written since the last call point to. To be called when a
 * callback returns. */
void nd_outbox_settle(nd_outbox *outbox);

/** Nothing more may be written until the outbox is opened again; what is gathered stays. Costs
 * nothing a record: an emit that somebody has kept looks full. */
void nd_outbox_shut(nd_outbox *outbox);
void nd_outbox_reopen(nd_outbox *outbox);

/** Settles and delivers what is gathered, if anything. */
void nd_outbox_flush(nd_outbox *outbox);

#endif
