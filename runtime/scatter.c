/* SPDX-License-Identifier: Apache-2.0 */
/* Two loops, compiled for each common record size: the size is a constant in every instance, so
 * that copying a record is a move or two. Hashes are made a chunk at a time, into a small array
 * that stays in the cache. */
#include "runtime/scatter.h"

#include <string.h>

#include "runtime/base/kernel.h"
#include "runtime/route.h"

enum {
    CHUNK = 512,
    FEW = 32, /* records that are not worth a block in every box */
};

ND_KERNEL void place_among_many(nd_exchange_box *boxes, unsigned n_workers,
                                const unsigned char *records, size_t len, const uint64_t *hashes,
                                size_t size)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned worker = nd_hash_worker(hashes[i], n_workers);
        nd_emit *const emit = &boxes[worker].outbox.emit;
        if (emit->next == emit->end)
            emit->full(emit);
        memcpy(emit->next, records + i * size, size);
        emit->next += size;
    }
}

/* No branch depends on a key, and both places stay in registers: a quarter faster. */
ND_KERNEL void place_among_two(nd_exchange_box *boxes, const unsigned char *records, size_t len,
                               const uint64_t *hashes, size_t size)
{
    nd_emit *const emits[] = {&boxes[0].outbox.emit, &boxes[1].outbox.emit};
    while (len) {
        size_t n = len; /* that fit, whichever worker they choose */
        uintptr_t next[2];
        for (unsigned i = 0; i < 2; i++) {
            size_t room;
            next[i] = (uintptr_t)nd_emit_room(emits[i], &room);
            n = room < n ? room : n;
        }
        for (size_t i = 0; i < n; i++) {
            /* all ones, or none */
            const uintptr_t second = -(uintptr_t)(hashes[i] >> ND_HASH_HALF);
            const uintptr_t to = next[0] ^ ((next[0] ^ next[1]) & second);
            memcpy((void *)to, records + i * size, size);
            next[0] += size & ~second;
            next[1] += size & second;
        }
        for (unsigned i = 0; i < 2; i++)
            emits[i]->next = (unsigned char *)next[i];
        records += n * size;
        hashes += n;
        len -= n;
    }
}

ND_KERNEL void place(nd_exchange_box *boxes, unsigned n_workers, const unsigned char *records,
                     size_t len, const uint64_t *hashes, size_t size)
{
    if (n_workers == 2 && len >= FEW)
        place_among_two(boxes, records, len, hashes, size);
    else
        place_among_many(boxes, n_workers, records, len, hashes, size);
}

static void place_flat(nd_exchange_box *boxes, unsigned n_workers, const unsigned char *records,
                       size_t len, const uint64_t *hashes, size_t size)
{
    switch (size) {
    case 4:
        place(boxes, n_workers, records, len, hashes, 4);
        return;
    case 8:
        place(boxes, n_workers, records, len, hashes, 8);
        return;
    case 12:
        place(boxes, n_workers, records, len, hashes, 12);
        return;
    case 16:
        place(boxes, n_workers, records, len, hashes, 16);
        return;
    case 24:
        place(boxes, n_workers, records, len, hashes, 24);
        return;
    case 32:
        place(boxes, n_workers, records, len, hashes, 32);
        return;
    case 64:
        place(boxes, n_workers, records, len, hashes, 64);
        return;
    default:
        place(boxes, n_workers, records, len, hashes, size);
        return;
    }
}

/* Records with strings: each is copied together with what it points to. */
static void place_strings(nd_exchange_box *boxes, unsigned n_workers, const unsigned char *records,
                          size_t len, const uint64_t *hashes, size_t size)
{
    for (size_t i = 0; i < len; i++)
        nd_emit_copy(&boxes[nd_hash_worker(hashes[i], n_workers)].outbox.emit, records + i * size,
                     1);
}

void nd_scatter(const nd_batch *batch, nd_route_fn *route, void *user, nd_exchange_box *boxes,
                unsigned n_workers)
{
    const size_t size = batch->type->size;
    const bool has_bytes = boxes[0].outbox.has_bytes;
    uint64_t hashes[CHUNK];
    for (size_t done = 0; done < batch->len; done += CHUNK) {
        const unsigned char *const records = batch->records + done * size;
        const size_t len = batch->len - done < CHUNK ? batch->len - done : CHUNK;
        if (route)
            route(user, records, len, hashes);
        else
            nd_type_hash_batch(batch->type, records, len, hashes);
        (has_bytes ? place_strings : place_flat)(boxes, n_workers, records, len, hashes, size);
    }
}
