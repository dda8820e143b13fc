/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of records by key. Slots hold an index into the array of records, beside 32 bits of the
 * hash that spare nearly every comparison with a wrong key; collisions go to the next slot. Growing
 * takes the hashes anew, which costs less than keeping them.
 *
 * Of the hash, bits 0 up choose the slot and bits 20 to 51 are kept. The ten highest are alike for
 * all keys of a worker.
 *
 * One body of the search is compiled for each common width of the key. One worker's thread.
 */
#include "operators/timely/totals.h"

#include <string.h>

#include <nereid/memory.h>

#define KERNEL static inline __attribute__((always_inline))

enum { LEAST_CHUNK = 512, MOST_CHUNK = 64 << 10, LEAST_SLOTS = 16 };

/* Widths that are no constants. */
enum { ANY_FLAT = 0, WITH_BYTES = -1 };

struct nd_totals_chunk {
    nd_totals_chunk *next;
    size_t used, size;
    unsigned char bytes[];
};

void nd_totals_init(nd_totals *totals, const nd_type *type) { *totals = (nd_totals){.type = type}; }

static void free_chunks(nd_totals *totals)
{
    for (nd_totals_chunk *chunk = totals->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        nd_free(chunk);
    }
    totals->chunks = NULL;
}

void nd_totals_clear(nd_totals *totals)
{
    enum { SPARSE = 16 }; /* slots a record, above which clearing costs more than filling did */
    if (totals->len < totals->n_slots / SPARSE) {
        nd_totals_deinit(totals);
        return;
    }
    free_chunks(totals);
    if (totals->n_slots != 0)
        memset(totals->slots, 0, totals->n_slots * sizeof *totals->slots);
    totals->len = 0;
}

void nd_totals_deinit(nd_totals *totals)
{
    free_chunks(totals);
    nd_free(totals->records);
    nd_free(totals->slots);
    nd_totals_init(totals, totals->type);
}

/* --- Room --- */

static uint64_t slot_of(uint64_t hash, size_t index)
{
    return hash >> 20 << 32 | (uint64_t)(index + 1);
}

static void fill_slots(const nd_totals *totals, uint64_t *slots, size_t n_slots)
{
    enum { LEN = 256 };
    uint64_t hashes[LEN];
    for (size_t first = 0; first < totals->len; first += LEN) {
        const size_t left = totals->len - first, len = left < LEN ? left : LEN;
        nd_type_hash_batch(totals->type, totals->records + first * totals->type->size, len, hashes);
        for (size_t i = 0; i < len; i++) {
            size_t at = hashes[i] & (n_slots - 1);
            while (slots[at] != 0)
                at = (at + 1) & (n_slots - 1);
            slots[at] = slot_of(hashes[i], first + i);
        }
    }
}

/* Room for `len` more records. */
static nd_err reserve(nd_totals *totals, size_t len)
{
    const size_t wanted = totals->len + len;
    if (wanted >= ND_TOTALS_NEW)
        return ND_NOMEM;
    if (wanted > totals->capacity) {
        const size_t capacity = wanted > 2 * totals->capacity ? wanted : 2 * totals->capacity;
        unsigned char *records = nd_realloc(totals->records, capacity, totals->type->size);
        if (records == NULL)
            return ND_NOMEM;
        totals->records = records;
        totals->capacity = capacity;
    }
    size_t n_slots = totals->n_slots != 0 ? totals->n_slots : LEAST_SLOTS;
    while (n_slots <= 2 * wanted)
        n_slots *= 2;
    if (n_slots == totals->n_slots)
        return ND_OK;
    uint64_t *slots = nd_alloc_zero(n_slots, sizeof *slots);
    if (slots == NULL)
        return ND_NOMEM;
    fill_slots(totals, slots, n_slots);
    nd_free(totals->slots);
    totals->slots = slots;
    totals->n_slots = n_slots;
    return ND_OK;
}

static unsigned char *take_bytes(nd_totals *totals, size_t size)
{
    nd_totals_chunk *chunk = totals->chunks;
    if (chunk == NULL || size > chunk->size - chunk->used) {
        size_t room = chunk != NULL ? 2 * chunk->size : LEAST_CHUNK;
        room = room < MOST_CHUNK ? room : MOST_CHUNK;
        room = room > size ? room : size;
        if (room > SIZE_MAX - sizeof *chunk)
            return NULL;
        chunk = nd_alloc(1, sizeof *chunk + room);
        if (chunk == NULL)
            return NULL;
        *chunk = (nd_totals_chunk){.next = totals->chunks, .size = room};
        totals->chunks = chunk;
    }
    unsigned char *const place = chunk->bytes + chunk->used;
    chunk->used += size;
    return place;
}

/* Makes what the key of a record points to the table's own. */
static nd_err own_key(nd_totals *totals, unsigned char *record)
{
    for (unsigned i = 0; i < totals->type->nkey; i++) {
        const nd_field *field = &totals->type->fields[i];
        if (field->kind != ND_KIND_BYTES)
            continue;
        nd_bytes bytes;
        memcpy(&bytes, record + field->offset, sizeof bytes);
        unsigned char *copy = take_bytes(totals, bytes.size);
        if (copy == NULL)
            return ND_NOMEM;
        if (bytes.size != 0)
            memcpy(copy, bytes.data, bytes.size);
        bytes.data = copy;
        memcpy(record + field->offset, &bytes, sizeof bytes);
    }
    return ND_OK;
}

/* --- Search --- */

KERNEL bool is_same_key(const nd_type *type, const void *a, const void *b, int width)
{
    if (width == WITH_BYTES)
        return nd_type_key_equal(type, a, b);
    return memcmp(a, b, width == ANY_FLAT ? nd_type_key_size(type) : (size_t)width) == 0;
}

/* Finds or adds each record's key; there is room for all of them. */
KERNEL nd_err find_all(nd_totals *totals, const unsigned char *records, const uint64_t *hashes,
                       size_t len, uint32_t *places, int width)
{
    const nd_type *const type = totals->type;
    const size_t size = type->size, mask = totals->n_slots - 1;
    uint64_t *const slots = totals->slots;
    unsigned char *const totals_records = totals->records;
    for (size_t i = 0; i < len; i++) {
        const unsigned char *const record = records + i * size;
        const uint64_t kept = hashes[i] >> 20 << 32;
        size_t at = hashes[i] & mask;
        for (uint64_t slot; (slot = slots[at]) != 0; at = (at + 1) & mask) {
            const size_t index = (uint32_t)slot - 1;
            if ((slot ^ kept) >> 32 == 0 &&
                is_same_key(type, totals_records + index * size, record, width)) {
                places[i] = (uint32_t)index;
                break;
            }
        }
        if (slots[at] != 0)
            continue;
        unsigned char *const place = totals_records + totals->len * size;
        memcpy(place, record, size);
        if (width == WITH_BYTES && own_key(totals, place) != ND_OK)
            return ND_NOMEM;
        slots[at] = slot_of(hashes[i], totals->len);
        places[i] = (uint32_t)totals->len++ | ND_TOTALS_NEW;
    }
    return ND_OK;
}

nd_err nd_totals_find(nd_totals *totals, const void *records, const uint64_t *hashes, size_t len,
                      uint32_t *places)
{
    ND_TRY(reserve(totals, len));
    if (!nd_type_is_flat(totals->type))
        return find_all(totals, records, hashes, len, places, WITH_BYTES);
    switch (nd_type_key_size(totals->type)) {
    case 4:
        return find_all(totals, records, hashes, len, places, 4);
    case 8:
        return find_all(totals, records, hashes, len, places, 8);
    case 16:
        return find_all(totals, records, hashes, len, places, 16);
    default:
        return find_all(totals, records, hashes, len, places, ANY_FLAT);
    }
}
