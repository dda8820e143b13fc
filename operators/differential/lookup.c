/* SPDX-License-Identifier: Apache-2.0 */
/* Times of a batch are numbers into a table that is in total order: so those until the end of an
 * epoch are the numbers below one, which is found once for a batch and epoch. */
#include "operators/differential/lookup.h"

#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"

enum { TEXT_SIZE = 1 << 16 /* of texts that are allocated together */ };

/* Where a batch stands. */
typedef struct place {
    nd_trace_cursor cursor; /* the first key that may still be sought; of no value */
    uint64_t prefix;        /* of that key: most lookups need to know no more of a batch */
    uint32_t n_seen;        /* times until the end of the epoch */
    bool is_over;           /* past the last key */
    nd_trace_found found;
} place;

/* A batch that has the key. */
typedef struct holder {
    nd_trace_cursor cursor;
    uint32_t n_seen;
} holder;

nd_err nd_lookup_init(nd_lookup *lookup, const nd_index *index)
{
    *lookup = (nd_lookup){.index = index};
    nd_vector_init(&lookup->batches, sizeof(nd_trace_batch *));
    nd_vector_init(&lookup->places, sizeof(place));
    nd_vector_init(&lookup->here, sizeof(holder));
    nd_vector_init(&lookup->records, index->type->size);
    nd_vector_init(&lookup->counts, sizeof(int64_t));
    nd_vector_init(&lookup->texts, sizeof(void *));
    lookup->head = nd_alloc_zero(1, index->type->size);
    return lookup->head ? ND_OK : ND_NOMEM;
}

void nd_lookup_deinit(nd_lookup *lookup)
{
    nd_lookup_end(lookup);
    nd_vector_deinit(&lookup->batches);
    nd_vector_deinit(&lookup->places);
    nd_vector_deinit(&lookup->here);
    nd_vector_deinit(&lookup->records);
    nd_vector_deinit(&lookup->counts);
    nd_vector_deinit(&lookup->texts);
    nd_free(lookup->head);
}

void nd_lookup_end(nd_lookup *lookup)
{
    lookup->is_found = false;
    lookup->room_size = 0;
    nd_vector_clear(&lookup->places);
    while (lookup->batches.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&lookup->batches));
    while (lookup->texts.len)
        nd_free(*(void **)nd_vector_pop(&lookup->texts));
}

/* --- Keys --- */

/* The first eight bytes as a number: of codes whose numbers differ, they have the same order. */
static inline uint64_t prefix_of(nd_trace_code code)
{
    unsigned char bytes[8] = {0};
    if (code.size >= 8)
        return nd_trace_load_8(code.bytes);
    if (code.size == 4)
        return (uint64_t)nd_trace_load_4(code.bytes) << 32;
    if (code.size)
        memcpy(bytes, code.bytes, code.size);
    return nd_trace_load_8(bytes);
}

static inline void note_key(place *one)
{
    one->is_over = !nd_trace_cursor_has_key(&one->cursor);
    one->prefix = one->is_over ? UINT64_MAX : prefix_of(nd_trace_cursor_key(&one->cursor));
}

/* --- Epochs --- */

static uint32_t count_seen(const nd_trace_batch *batch, uint64_t upto)
{
    uint32_t low = 0, high = batch->times.len;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (batch->times.items[middle].epoch <= upto)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void see(nd_lookup *lookup, uint64_t upto)
{
    place *const places = lookup->places.items;
    for (size_t i = 0; i < lookup->places.len; i++)
        places[i].n_seen = count_seen(places[i].cursor.batch, upto);
    lookup->upto = upto;
}

nd_err nd_lookup_begin(nd_lookup *lookup, size_t n_keys)
{
    nd_lookup_end(lookup);
    lookup->n_keys = n_keys;
    ND_TRY(nd_trace_batches(lookup->index->trace, NULL, &lookup->batches));
    for (size_t i = 0; i < lookup->batches.len; i++) {
        place *const one = nd_vector_push(&lookup->places);
        if (!one)
            return ND_NOMEM;
        nd_trace_cursor_init(&one->cursor, *(nd_trace_batch **)nd_vector_at(&lookup->batches, i));
        note_key(one);
    }
    see(lookup, lookup->upto);
    return ND_OK;
}

/* --- Texts --- */

nd_err nd_lookup_get_room(nd_lookup *lookup, size_t size)
{
    if (lookup->room_size >= size)
        return ND_OK;
    void **const text = nd_vector_push(&lookup->texts);
    if (!text)
        return ND_NOMEM;
    lookup->room_size = size > TEXT_SIZE ? size : TEXT_SIZE;
    *text = lookup->room = nd_alloc(lookup->room_size, 1);
    if (*text)
        return ND_OK;
    lookup->room_size = 0;
    return ND_NOMEM;
}

/* Reads a part of a record whose texts stay. */
static nd_err read_part(nd_lookup *lookup, const nd_record_code *code, nd_trace_code from,
                        void *record)
{
    if (!code->is_fixed)
        ND_TRY(nd_lookup_get_room(lookup, from.size));
    const size_t used = nd_record_code_read(code, from.bytes, from.size, record, lookup->room);
    if (used) {
        lookup->room += used;
        lookup->room_size -= used;
    }
    return ND_OK;
}

/* --- Finding --- */

/* How often the value is there that a cursor stands at. */
static inline nd_err add_up(const nd_trace_cursor *cursor, uint32_t n_seen, int64_t *count)
{
    const nd_trace_list list = nd_trace_cursor_updates(cursor);
    for (uint32_t i = 0; i < list.len && list.times[i] < n_seen; i++)
        if (!nd_difference_plus(*count, list.diffs[i], count))
            return ND_FAILED;
    return ND_OK;
}

static nd_err add_record(nd_lookup *lookup, nd_trace_code value, int64_t count)
{
    if (count == 0)
        return ND_OK;
    int64_t *const number = nd_vector_push(&lookup->counts);
    unsigned char *const record = number ? nd_vector_push(&lookup->records) : NULL;
    if (!record)
        return ND_NOMEM;
    *number = count;
    memcpy(record, lookup->head, lookup->index->type->size);
    return read_part(lookup, &lookup->index->value, value, record);
}

/* Takes out the first `n` records that are there zero times. */
static void drop_absent(nd_lookup *lookup, size_t n)
{
    const size_t size = lookup->index->type->size;
    unsigned char *const records = lookup->records.items;
    int64_t *const counts = lookup->counts.items;
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (counts[i] == 0)
            continue;
        counts[left] = counts[i];
        memmove(records + left++ * size, records + i * size, size);
    }
    lookup->records.len = lookup->counts.len = left;
}

/* Values of one size are read together. */
static nd_err read_side_by_side(nd_lookup *lookup, const holder *from)
{
    nd_trace_cursor at = from->cursor;
    const size_t size = lookup->index->type->size, n = at.value_end - at.value;
    bool are_there = true;
    ND_TRY(nd_vector_reserve(&lookup->records, n));
    ND_TRY(nd_vector_reserve(&lookup->counts, n));
    unsigned char *const records = lookup->records.items;
    int64_t *const counts = lookup->counts.items;
    const unsigned char *const codes = nd_trace_cursor_value(&at).bytes;
    for (size_t i = 0; i < n; i++, nd_trace_cursor_next_value(&at)) {
        memcpy(records + i * size, lookup->head, size);
        counts[i] = 0;
        ND_TRY(add_up(&at, from->n_seen, &counts[i]));
        are_there &= counts[i] != 0;
    }
    nd_record_code_read_many(&lookup->index->value, codes, n, records, size);
    lookup->records.len = lookup->counts.len = n;
    if (!are_there)
        drop_absent(lookup, n);
    return ND_OK;
}

static nd_err read_one(nd_lookup *lookup, const holder *from)
{
    nd_trace_cursor at = from->cursor;
    if (lookup->index->value.is_fixed)
        return read_side_by_side(lookup, from);
    for (; nd_trace_cursor_has_value(&at); nd_trace_cursor_next_value(&at)) {
        int64_t count = 0;
        ND_TRY(add_up(&at, from->n_seen, &count));
        ND_TRY(add_record(lookup, nd_trace_cursor_value(&at), count));
    }
    return ND_OK;
}

/* The least value that a cursor stands at; false if all are past their last. */
static bool find_least(const nd_vector *here, nd_trace_code *least)
{
    bool has_any = false;
    const holder *const all = here->items;
    for (size_t i = 0; i < here->len; i++) {
        if (!nd_trace_cursor_has_value(&all[i].cursor))
            continue;
        const nd_trace_code value = nd_trace_cursor_value(&all[i].cursor);
        if (!has_any || nd_trace_code_compare(value, *least) < 0)
            *least = value;
        has_any = true;
    }
    return has_any;
}

static nd_err read_merged(nd_lookup *lookup)
{
    nd_trace_code value;
    holder *const all = lookup->here.items;
    while (find_least(&lookup->here, &value)) {
        int64_t count = 0;
        for (size_t i = 0; i < lookup->here.len; i++) {
            nd_trace_cursor *const at = &all[i].cursor;
            if (!nd_trace_cursor_has_value(at) ||
                nd_trace_code_compare(nd_trace_cursor_value(at), value) != 0)
                continue;
            ND_TRY(add_up(at, all[i].n_seen, &count));
            nd_trace_cursor_next_value(at);
        }
        ND_TRY(add_record(lookup, value, count));
    }
    return ND_OK;
}

/* --- Seeking --- */

/* Moves over keys one by one, of which most are in no batch but the largest. */
static void seek_nearby(place *one, const nd_trace_code *keys, const uint64_t *prefixes, size_t n)
{
    const nd_trace_column *const own = &one->cursor.batch->keys;
    one->found.there = 0;
    for (size_t i = 0; i < n && !one->is_over; i++) {
        if (one->prefix > prefixes[i])
            continue;
        one->cursor.key = nd_trace_column_seek(own, one->cursor.key, own->len, keys[i]);
        note_key(one);
        if (one->prefix != prefixes[i] || one->is_over ||
            nd_trace_code_compare(nd_trace_cursor_key(&one->cursor), keys[i]) != 0)
            continue;
        one->found.keys[i] = one->cursor.key;
        one->found.there |= UINT32_C(1) << i;
    }
}

void nd_lookup_seek(nd_lookup *lookup, const nd_trace_code *keys, size_t n_keys)
{
    uint64_t prefixes[ND_TRACE_FORESEEN];
    place *const places = lookup->places.items;
    for (size_t i = 0; i < n_keys; i++) {
        lookup->keys[i] = keys[i];
        prefixes[i] = prefix_of(keys[i]);
    }
    lookup->there = 0;
    for (size_t i = 0; i < lookup->places.len; i++) {
        place *const one = &places[i];
        if (one->is_over || one->prefix > prefixes[n_keys - 1]) {
            one->found.there = 0;
        } else if (nd_trace_seek_apart(&one->cursor, keys, n_keys, lookup->n_keys, &one->found)) {
            one->cursor.key = one->found.keys[n_keys - 1];
            note_key(one);
        } else {
            seek_nearby(one, keys, prefixes, n_keys);
        }
        lookup->there |= one->found.there;
    }
}

/* Lists the batches that have the key, and had any of it until the end of the epoch. */
static nd_err list_holders(nd_lookup *lookup, size_t i)
{
    const place *const places = lookup->places.items;
    nd_vector_clear(&lookup->here);
    for (size_t k = 0; k < lookup->places.len; k++) {
        if (!(places[k].found.there >> i & 1) || places[k].n_seen == 0)
            continue;
        holder *const one = nd_vector_push(&lookup->here);
        if (!one)
            return ND_NOMEM;
        *one = (holder){places[k].cursor, places[k].n_seen};
        one->cursor.key = places[k].found.keys[i];
        nd_trace_cursor_rewind_values(&one->cursor);
    }
    return ND_OK;
}

nd_err nd_lookup_find(nd_lookup *lookup, size_t i, uint64_t upto)
{
    const nd_trace_code key = lookup->keys[i];
    if (lookup->upto != upto)
        see(lookup, upto);
    else if (lookup->is_found && nd_trace_code_compare(lookup->key, key) == 0)
        return ND_OK;
    nd_vector_clear(&lookup->records);
    nd_vector_clear(&lookup->counts);
    lookup->is_found = lookup->there >> i & 1;
    if (!lookup->is_found)
        return ND_OK;
    lookup->key = key;
    ND_TRY(list_holders(lookup, i));
    if (lookup->here.len == 0)
        return ND_OK;
    ND_TRY(read_part(lookup, &lookup->index->key, key, lookup->head));
    return lookup->here.len == 1 ? read_one(lookup, lookup->here.items) : read_merged(lookup);
}
