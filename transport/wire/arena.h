/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_WIRE_ARENA_H
#define TRANSPORT_WIRE_ARENA_H

/** @file
 * Where messages are unpacked: memory that is handed out piece by piece, never more than a limit,
 * and taken back all at once. A frame can then make its decoder take no more than the limit,
 * whatever it says. One thread at a time.
 */

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include <nereid/error.h>

typedef struct nd_wire_chunk nd_wire_chunk;

/* `allocator` and `err` are for reading. Stays where it was initialised. */
typedef struct nd_wire_arena {
    ProtobufCAllocator allocator; /* for protobuf-c; its free does nothing */
    nd_err err;           /* why an allocation since the last reset failed: ND_NOMEM, or ND_PROTO
                             when it would pass the limit */
    nd_wire_chunk *chunk; /* the newest, from which is handed out; NULL: none yet */
    unsigned char *next, *end;
    size_t first_size;  /* bytes of the chunk that will be the first */
    size_t size, limit; /* bytes of all chunks, and how many there may be */
} nd_wire_arena;

enum { ND_WIRE_ARENA_MOST = 64 << 20 }; /* a limit within which every lawful frame is unpacked */

/** An empty arena, which never holds more than `limit` bytes. Allocates nothing. */
void nd_wire_arena_init(nd_wire_arena *arena, size_t limit);

/** Frees everything; a reset arena without memory is left. */
void nd_wire_arena_deinit(nd_wire_arena *arena);

/** Takes back all that was handed out. Some memory is kept for the next frame. */
void nd_wire_arena_reset(nd_wire_arena *arena);

/** `n * size` bytes, not initialised, aligned for any type, valid until the reset; or NULL, `err`
 * saying why. Never NULL for nothing. */
void *nd_wire_arena_take(nd_wire_arena *arena, size_t n, size_t size);

#endif
