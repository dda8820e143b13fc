/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between changes side by side and columns. The four columns of loop counters are named one by one
 * in the message, so a small table makes an array of them.
 */
#include "transport/wire/progress.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "transport/wire/progress.pb-c.h"

static const Nereid__Progress__Kind packed_kinds[] = {
    [ND_FRAME_START] = NEREID__PROGRESS__KIND__START,
    [ND_FRAME_CHANGES] = NEREID__PROGRESS__KIND__CHANGES,
    [ND_FRAME_DROP] = NEREID__PROGRESS__KIND__DROP,
    [ND_FRAME_END] = NEREID__PROGRESS__KIND__END,
};
enum { N_KINDS = (int)(sizeof packed_kinds / sizeof packed_kinds[0]) };

/* --- Packing --- */

static uint32_t *pack_locations(const nd_frame *frame, nd_wire_arena *scratch)
{
    uint32_t *const column = nd_wire_arena_take(scratch, frame->len, sizeof *column);
    for (size_t i = 0; column && i < frame->len; i++)
        column[i] = frame->changes[i].location;
    return column;
}

static int64_t *pack_deltas(const nd_frame *frame, nd_wire_arena *scratch)
{
    int64_t *const column = nd_wire_arena_take(scratch, frame->len, sizeof *column);
    for (size_t i = 0; column && i < frame->len; i++)
        column[i] = frame->changes[i].delta;
    return column;
}

/* Sets `*n` to the column's length, which is zero when it has only zeros. */
static uint64_t *pack_epochs(const nd_frame *frame, nd_wire_arena *scratch, size_t *n)
{
    uint64_t *const column = nd_wire_arena_take(scratch, frame->len, sizeof *column);
    uint64_t any = 0;
    for (size_t i = 0; column && i < frame->len; i++)
        any |= column[i] = frame->changes[i].time.epoch;
    *n = any ? frame->len : 0;
    return column;
}

static uint32_t *pack_loops(const nd_frame *frame, unsigned loop, nd_wire_arena *scratch, size_t *n)
{
    uint32_t *const column = nd_wire_arena_take(scratch, frame->len, sizeof *column);
    uint32_t any = 0;
    for (size_t i = 0; column && i < frame->len; i++)
        any |= column[i] = frame->changes[i].time.loop[loop];
    *n = any ? frame->len : 0;
    return column;
}

static nd_err pack_columns(const nd_frame *frame, nd_wire_arena *scratch, Nereid__Progress *packed)
{
    packed->n_location = packed->n_delta = frame->len;
    packed->location = pack_locations(frame, scratch);
    packed->delta = pack_deltas(frame, scratch);
    packed->epoch = pack_epochs(frame, scratch, &packed->n_epoch);
    packed->loop0 = pack_loops(frame, 0, scratch, &packed->n_loop0);
    packed->loop1 = pack_loops(frame, 1, scratch, &packed->n_loop1);
    packed->loop2 = pack_loops(frame, 2, scratch, &packed->n_loop2);
    packed->loop3 = pack_loops(frame, 3, scratch, &packed->n_loop3);
    return scratch->err;
}

static nd_err write_message(const Nereid__Progress *packed, nd_vector *body, nd_message *message)
{
    const size_t size = nereid__progress__get_packed_size(packed);
    if (size > ND_WIRE_BODY_MOST)
        return nd_message_set(message, ND_INVAL, "a frame of progress of %zu bytes", size);
    ND_TRY(nd_vector_reserve(body, size));
    body->len = nereid__progress__pack(packed, body->items);
    assert(body->len == size);
    return ND_OK;
}

nd_err nd_wire_progress_pack(const nd_frame *frame, nd_vector *body, nd_message *message)
{
    assert((unsigned)frame->kind < N_KINDS && body->item_size == 1);
    if (frame->len > ND_WIRE_CHANGES_MOST)
        return nd_message_set(message, ND_INVAL,
                              "%zu changes of progress at once; there may be %d: hold or notify at "
                              "fewer times",
                              frame->len, ND_WIRE_CHANGES_MOST);
    nd_wire_arena scratch;
    Nereid__Progress packed = NEREID__PROGRESS__INIT;
    nd_wire_arena_init(&scratch, ND_WIRE_ARENA_MOST);
    packed.kind = packed_kinds[frame->kind];
    packed.worker = frame->worker;
    packed.fingerprint = frame->fingerprint;
    nd_err err = frame->len ? pack_columns(frame, &scratch, &packed) : ND_OK;
    if (err == ND_OK)
        err = write_message(&packed, body, message);
    nd_wire_arena_deinit(&scratch);
    return err;
}

/* --- Unpacking --- */

typedef struct loop_column {
    size_t len;
    const uint32_t *values;
} loop_column;

static bool has_length(size_t len, size_t wanted, bool may_be_missing)
{
    return len == wanted || (may_be_missing && len == 0);
}

static nd_err check_columns(const nd_wire_head *head, const Nereid__Progress *packed,
                            const loop_column loops[ND_MAX_LOOPS], nd_message *message)
{
    bool is_right = has_length(packed->n_location, head->count, false) &&
                    has_length(packed->n_delta, head->count, false) &&
                    has_length(packed->n_epoch, head->count, true);
    for (unsigned i = 0; i < ND_MAX_LOOPS; i++)
        is_right = is_right && has_length(loops[i].len, head->count, true);
    if (!is_right)
        return nd_message_set(message, ND_PROTO,
                              "a frame of progress whose columns do not have %" PRIu32 " changes",
                              head->count);
    return ND_OK;
}

static void unpack_columns(const Nereid__Progress *packed, const loop_column loops[ND_MAX_LOOPS],
                           nd_change *changes, size_t len)
{
    memset(changes, 0, len * sizeof *changes);
    for (size_t i = 0; i < len; i++) {
        changes[i].location = packed->location[i];
        changes[i].delta = packed->delta[i];
    }
    for (size_t i = 0; i < packed->n_epoch; i++)
        changes[i].time.epoch = packed->epoch[i];
    for (unsigned loop = 0; loop < ND_MAX_LOOPS; loop++)
        for (size_t i = 0; i < loops[loop].len; i++)
            changes[i].time.loop[loop] = loops[loop].values[i];
}

/* The error of an arena that had no room. */
static nd_err no_room(const nd_wire_arena *arena, nd_message *message)
{
    if (arena->err == ND_NOMEM)
        return ND_NOMEM;
    return nd_message_set(message, ND_PROTO, "a frame of progress that takes more than %zu bytes",
                          arena->limit);
}

/* N_KINDS when there is no such kind. */
static unsigned find_kind(Nereid__Progress__Kind packed)
{
    unsigned kind = 0;
    while (kind < N_KINDS && packed_kinds[kind] != packed)
        kind++;
    return kind;
}

static nd_err check_kind(const Nereid__Progress *packed, unsigned kind, size_t count,
                         nd_message *message)
{
    if (kind == N_KINDS)
        return nd_message_set(message, ND_PROTO, "a frame of progress of the unknown kind %d",
                              (int)packed->kind);
    if (kind != ND_FRAME_CHANGES && kind != ND_FRAME_START && count)
        return nd_message_set(message, ND_PROTO,
                              "a frame of progress with changes, whose kind %d has none",
                              (int)packed->kind);
    return ND_OK;
}

nd_err nd_wire_progress_unpack(const nd_wire_head *head, const void *body, nd_wire_arena *arena,
                               nd_frame *frame, nd_message *message)
{
    nd_change *changes = NULL;
    if (head->count > ND_WIRE_CHANGES_MOST)
        return nd_message_set(message, ND_PROTO, "a frame of progress with %" PRIu32 " changes",
                              head->count);
    const Nereid__Progress *const packed =
        nereid__progress__unpack(&arena->allocator, (size_t)head->length, body);
    if (!packed)
        return arena->err != ND_OK
                   ? no_room(arena, message)
                   : nd_message_set(message, ND_PROTO, "a malformed frame of progress");
    const loop_column loops[ND_MAX_LOOPS] = {{packed->n_loop0, packed->loop0},
                                             {packed->n_loop1, packed->loop1},
                                             {packed->n_loop2, packed->loop2},
                                             {packed->n_loop3, packed->loop3}};
    ND_TRY(check_columns(head, packed, loops, message));
    const unsigned kind = find_kind(packed->kind);
    ND_TRY(check_kind(packed, kind, head->count, message));
    if (head->count) {
        changes = nd_wire_arena_take(arena, head->count, sizeof *changes);
        if (!changes)
            return no_room(arena, message);
        unpack_columns(packed, loops, changes, head->count);
    }
    *frame = (nd_frame){.flow = head->flow,
                        .sender = head->process,
                        .sequence = head->sequence,
                        .kind = (nd_frame_kind)kind,
                        .worker = packed->worker,
                        .fingerprint = packed->fingerprint,
                        .changes = changes,
                        .len = head->count};
    return ND_OK;
}
