/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/outbox.h"

#include <string.h>

enum {
    SMALL =
        (int)ND_POOL_BLOCK / 4, /* bytes that are copied rather than sent in a full-size block */
    LARGE = 4 * (int)ND_POOL_BLOCK, /* bytes of strings that make a batch full */
};

static void fill(nd_emit *emit);

void nd_outbox_init(nd_outbox *outbox, const nd_type *type, nd_pool *pool, size_t max_len,
                    nd_scrap *scrap, const nd_outbox_owner *owner)
{
    *outbox = (nd_outbox){
        .emit = {.record_size = type->size, .type = type, .full = fill},
        .pool = pool,
        .max_len = max_len,
        .scrap = scrap,
        .n_fields = nd_type_n_fields(type),
        .has_bytes = !type->retain && !nd_type_is_flat(type),
        .has_objects = type->retain != NULL,
        .owner = owner,
    };
}

/* Room for one record, whatever its size: as many bytes as this emit believes a record has. */
static void rewind_nowhere(nd_emit *emit) { emit->next = emit->end - 1; }

void nd_outbox_init_nowhere(nd_outbox *outbox, nd_scrap *scrap)
{
    *outbox = (nd_outbox){.emit = {.record_size = 1, .full = rewind_nowhere}};
    outbox->emit.end = scrap->bytes + 1;
    rewind_nowhere(&outbox->emit);
}

static void close_emit(nd_outbox *outbox)
{
    outbox->emit.next = outbox->emit.end = outbox->end = NULL;
    outbox->emit.batch = NULL;
    outbox->emit.n_fixed = 0;
    outbox->arena_next = outbox->arena_end = NULL;
    outbox->arena_size = 0;
}

static void drop_batch(nd_outbox *outbox)
{
    nd_batch *const batch = outbox->emit.batch;
    if (!batch)
        return;
    batch->len = (size_t)(outbox->emit.next - batch->records) / outbox->emit.record_size;
    nd_batch_drop(batch, outbox->pool);
}

void nd_outbox_deinit(nd_outbox *outbox)
{
    drop_batch(outbox);
    *outbox = (nd_outbox){.scrap = NULL};
}

/* From here on records are thrown away; the owner ends the run. */
static void throw_away(nd_outbox *outbox)
{
    drop_batch(outbox);
    close_emit(outbox);
    outbox->emit.next = outbox->scrap->bytes;
    outbox->emit.end = outbox->scrap->bytes + outbox->emit.record_size;
}

static void fail(nd_outbox *outbox)
{
    throw_away(outbox);
    outbox->owner->failed(outbox);
}

static void open_emit(nd_outbox *outbox)
{
    enum { ROOM = (int)ND_POOL_BLOCK - (int)sizeof(nd_batch) };
    nd_batch *const batch = nd_batch_create(outbox->pool, outbox->emit.type, ROOM);
    if (!batch) {
        fail(outbox);
        return;
    }
    size_t len = ROOM / outbox->emit.record_size;
    if (len > outbox->max_len)
        len = outbox->max_len;
    outbox->emit.batch = batch;
    outbox->emit.next = batch->records;
    outbox->emit.end = outbox->end = batch->records + len * outbox->emit.record_size;
    if (outbox->owner->opened)
        outbox->owner->opened(outbox);
}

/* --- Strings --- */

/* Room for `size` bytes in the open batch's arena, or NULL. */
static unsigned char *arena_take(nd_outbox *outbox, size_t size)
{
    if (size > (size_t)(outbox->arena_end - outbox->arena_next)) {
        enum { ROOM = (int)ND_POOL_BLOCK - (int)sizeof(nd_block) };
        nd_block *const block = nd_pool_take(outbox->pool, size > ROOM ? size : ROOM);
        if (!block)
            return NULL;
        block->next = outbox->emit.batch->arena;
        outbox->emit.batch->arena = block;
        outbox->arena_next = nd_block_bytes(block);
        outbox->arena_end = outbox->arena_next + (size > ROOM ? size : ROOM);
    }
    unsigned char *const place = outbox->arena_next;
    outbox->arena_next += size;
    outbox->arena_size += size;
    return place;
}

/* Most strings are words, which are copied faster than memcpy is called. */
static inline void copy_string(unsigned char *to, const unsigned char *from, size_t size)
{
    if (size > 16) {
        memcpy(to, from, size);
    } else if (size >= 8) { /* two moves that may overlap */
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t i = 0; i < size; i++)
            to[i] = from[i];
    }
}

static bool settle_record(nd_outbox *outbox, unsigned char *record)
{
    const nd_field *const fields = outbox->emit.type->fields;
    for (const nd_field *field = fields; field < fields + outbox->n_fields; field++) {
        if (field->kind != ND_KIND_BYTES)
            continue;
        nd_bytes bytes;
        memcpy(&bytes, record + field->offset, sizeof bytes);
        unsigned char *copy = record; /* any place of the batch's will do for no bytes */
        if (bytes.size) {
            copy = arena_take(outbox, bytes.size);
            if (!copy)
                return false;
            copy_string(copy, bytes.data, bytes.size);
        }
        bytes.data = copy;
        memcpy(record + field->offset, &bytes, sizeof bytes);
    }
    return true;
}

void nd_outbox_settle(nd_outbox *outbox)
{
    nd_emit *const emit = &outbox->emit;
    if (!outbox->has_bytes || !emit->batch)
        return;
    unsigned char *record = emit->batch->records + emit->n_fixed * emit->record_size;
    for (; record < emit->next; record += emit->record_size, emit->n_fixed++)
        if (!settle_record(outbox, record)) {
            fail(outbox);
            return;
        }
}

void nd_outbox_shut(nd_outbox *outbox)
{
    outbox->is_shut = true;
    outbox->emit.end = outbox->emit.next;
}

void nd_outbox_reopen(nd_outbox *outbox)
{
    outbox->is_shut = false;
    if (outbox->emit.batch)
        outbox->emit.end = outbox->end;
}

/* --- Leaving --- */

/* A copy's strings stand behind its records, in the order the fields name them. */
static void move_strings(nd_batch *copy, unsigned n_fields)
{
    const nd_field *const fields = copy->type->fields;
    unsigned char *place = copy->records + copy->len * copy->type->size;
    for (size_t i = 0; i < copy->len; i++)
        for (const nd_field *field = fields; field < fields + n_fields; field++) {
            if (field->kind != ND_KIND_BYTES)
                continue;
            unsigned char *const at = copy->records + i * copy->type->size + field->offset;
            nd_bytes bytes;
            memcpy(&bytes, at, sizeof bytes);
            memcpy(place, bytes.data, bytes.size);
            bytes.data = place;
            place += bytes.size;
            memcpy(at, &bytes, sizeof bytes);
        }
}

/* The open batch as it should travel: itself, or a copy of the size it needs. NULL without memory.
 */
static nd_batch *finish(nd_outbox *outbox)
{
    nd_batch *const batch = outbox->emit.batch;
    const size_t size = (size_t)(outbox->emit.next - batch->records);
    batch->len = size / outbox->emit.record_size;
    if (size + outbox->arena_size > SMALL)
        return batch;
    nd_batch *const copy =
        nd_batch_create(outbox->pool, outbox->emit.type, size + outbox->arena_size);
    if (!copy)
        return NULL;
    memcpy(copy->records, batch->records, size);
    copy->len = batch->len;
    if (outbox->has_bytes)
        move_strings(copy, outbox->n_fields);
    batch->len = 0; /* what records refer to is the copy's now */
    nd_batch_drop(batch, outbox->pool);
    return copy;
}

void nd_outbox_flush(nd_outbox *outbox)
{
    nd_outbox_settle(outbox);
    nd_emit *const emit = &outbox->emit;
    if (!emit->batch) {
        close_emit(outbox);
        return;
    }
    nd_batch *batch = emit->batch;
    if (emit->next == batch->records) {
        batch->len = 0;
        nd_batch_drop(batch, outbox->pool);
        batch = NULL;
    } else {
        batch = finish(outbox);
        if (!batch) {
            fail(outbox);
            close_emit(outbox);
            return;
        }
    }
    close_emit(outbox);
    if (batch)
        outbox->owner->deliver(outbox, batch);
}

static void fill(nd_emit *emit)
{
    nd_outbox *const outbox = (nd_outbox *)emit;
    if (outbox->is_shut) {
        throw_away(outbox);
        outbox->owner->written_late(outbox);
        return;
    }
    if (emit->batch)
        nd_outbox_flush(outbox);
    open_emit(outbox);
}

void nd_emit_copy(nd_emit *out, const void *records, size_t len)
{
    nd_outbox *const outbox = (nd_outbox *)out;
    const unsigned char *from = records;
    while (len) {
        size_t room;
        unsigned char *const to = nd_emit_room(out, &room);
        const size_t n = room < len ? room : len;
        memcpy(to, from, n * out->record_size);
        if (outbox->has_objects && out->batch)
            for (size_t i = 0; i < n; i++)
                out->type->retain(((void **)(void *)to)[i]);
        nd_emit_wrote(out, n);
        from += n * out->record_size;
        len -= n;
    }
    nd_outbox_settle(outbox);
    if (outbox->arena_size > LARGE)
        nd_outbox_flush(outbox);
}
