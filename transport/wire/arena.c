/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of chunks, each as big as all before it together, so that a frame of any size takes few;
 * the limit counts whole chunks. After a reset there is one chunk, kept, or of the size that all
 * had together, so that frames of a usual size soon take no memory at all.
 */
#include "transport/wire/arena.h"

#include <stdalign.h>

#include <nereid/memory.h>

enum { LEAST_CHUNK = 4096, MOST_KEPT = 1 << 20, ALIGNMENT = alignof(max_align_t) };

struct nd_wire_chunk {
    alignas(max_align_t) nd_wire_chunk *older;
    size_t size; /* with this head */
};

static void *take_for_protobuf(void *arena, size_t size)
{
    return nd_wire_arena_take(arena, 1, size);
}

static void free_nothing(void *arena, void *place)
{
    (void)arena;
    (void)place;
}

void nd_wire_arena_init(nd_wire_arena *arena, size_t limit)
{
    *arena = (nd_wire_arena){
        .allocator = {.alloc = take_for_protobuf, .free = free_nothing, .allocator_data = arena},
        .limit = limit};
}

static void rewind_chunk(nd_wire_arena *arena)
{
    arena->next = (unsigned char *)(arena->chunk + 1);
    arena->end = (unsigned char *)arena->chunk + arena->chunk->size;
}

void nd_wire_arena_deinit(nd_wire_arena *arena)
{
    for (nd_wire_chunk *chunk = arena->chunk, *older; chunk; chunk = older) {
        older = chunk->older;
        nd_free(chunk);
    }
    nd_wire_arena_init(arena, arena->limit);
}

void nd_wire_arena_reset(nd_wire_arena *arena)
{
    const size_t size = arena->size;
    arena->err = ND_OK;
    if (!arena->chunk)
        return;
    if (!arena->chunk->older && size <= MOST_KEPT) {
        rewind_chunk(arena);
        return;
    }
    nd_wire_arena_deinit(arena);
    arena->first_size = size < MOST_KEPT ? size : MOST_KEPT;
}

/* Opens a chunk with room for `size` bytes. */
static nd_err add_chunk(nd_wire_arena *arena, size_t size)
{
    const size_t left = arena->limit - arena->size;
    if (size > left || sizeof(nd_wire_chunk) > left - size)
        return ND_PROTO;
    size_t whole = sizeof(nd_wire_chunk) + size;
    const size_t usual = arena->chunk ? arena->size : arena->first_size;
    if (whole < usual)
        whole = usual;
    if (whole > left)
        whole = left;
    nd_wire_chunk *const chunk = nd_alloc(1, whole);
    if (!chunk)
        return ND_NOMEM;
    *chunk = (nd_wire_chunk){.older = arena->chunk, .size = whole};
    arena->chunk = chunk;
    arena->size += whole;
    rewind_chunk(arena);
    return ND_OK;
}

void *nd_wire_arena_take(nd_wire_arena *arena, size_t n, size_t size)
{
    if (size && n > arena->limit / size) {
        arena->err = ND_PROTO;
        return NULL;
    }
    /* No more than the limit plus one unit; the limit is far below the greatest size. */
    const size_t rounded = (n * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->chunk || rounded > (size_t)(arena->end - arena->next)) {
        const nd_err err = add_chunk(arena, rounded);
        if (err != ND_OK) {
            arena->err = err;
            return NULL;
        }
    }
    void *const place = arena->next;
    arena->next += rounded;
    return place;
}
