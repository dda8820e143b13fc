/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_BATCH_H
#define NEREID_BATCH_H

/** @file
 * Batches: records of one type with one time, the unit in which data moves; and emits, through
 * which they are filled.
 *
 * A batch is reference counted, and nobody changes it after it was sent. The batch a callback is
 * given is lent until the callback returns; nd_batch_take keeps it longer.
 */

#include <stddef.h>

#include <nereid/type.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef struct nd_batch nd_batch;

/** The records, side by side; borrowed from the batch. */
const void *nd_batch_records(const nd_batch *batch);

/** How many records there are; never zero in a batch that a callback is given. */
size_t nd_batch_len(const nd_batch *batch);

const nd_type *nd_batch_type(const nd_batch *batch);

/** Keeps a lent batch: the caller owns a reference, to give back with nd_batch_release before the
 * vertex's deinit returns. Any thread. */
nd_batch *nd_batch_take(nd_batch *batch);

/** Gives a reference back; NULL is fine. Any thread. */
void nd_batch_release(nd_batch *batch);

/** Where records are written on their way out: a cursor into the batch that is being filled. The
 * fields are private to the functions below. Belongs to the runtime; valid until the callback
 * returns. */
typedef struct nd_emit {
    unsigned char *next; /* where the next record goes */
    unsigned char *end;  /* no room from here on */
    size_t record_size;
    nd_batch *batch; /* being filled, or NULL */
    const nd_type *type;
    void (*full)(struct nd_emit *emit); /* makes room; afterwards next < end */
    size_t n_fixed;                     /* records whose nd_bytes are the batch's own already */
} nd_emit;

/** A place for one more record, uninitialised, to be filled before the next call. What nd_bytes
 * fields written here point to must live until the callback returns, or, of records that the
 * program writes between steps, until the next step: only then is it copied. A slot of an object
 * type takes over the writer's reference. Never NULL: when memory runs out the run fails, and the
 * slot is one that is thrown away. */
static inline void *nd_emit_slot(nd_emit *out)
{
    if (out->next == out->end)
        out->full(out);
    void *const slot = out->next;
    out->next += out->record_size;
    return slot;
}

/** Room for several records: sets `*len` to how many fit (at least one) and returns where the first
 * goes. The caller then says how many it wrote with nd_emit_wrote. */
static inline void *nd_emit_room(nd_emit *out, size_t *len)
{
    if (out->next == out->end)
        out->full(out);
    *len = (size_t)(out->end - out->next) / out->record_size;
    return out->next;
}

static inline void nd_emit_wrote(nd_emit *out, size_t len) { out->next += len * out->record_size; }

/** Copies `len` records. */
void nd_emit_copy(nd_emit *out, const void *records, size_t len);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
