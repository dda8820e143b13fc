/* SPDX-License-Identifier: Apache-2.0 */
/* Times of a batch are numbers into a table that is in total order: so those until the end of an
 * epoch are the numbers below one, which is found once for a batch and epoch. */
#include "operators/differential/lookup.h"

#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"

enum { TEXT_SIZE = 1 << 16 /* of texts that are allocated together */ };

typedef struct place {
    nd_trace_cursor cursor; /* the first, for nd_trace_foresee */
    uint64_t prefix; /* of the key it stands at: most lookups need to know no more of a batch */
    uint32_t n_seen; /* times until the end of the epoch */
    bool is_over;    /* past the last key */
} place;

nd_err nd_lookup_init(nd_lookup *lookup, const nd_index *index)
{
    *lookup = (nd_lookup){.index = index};
    nd_vector_init(&lookup->batches, sizeof(nd_trace_batch *));
    nd_vector_init(&lookup->places, sizeof(place));
    nd_vector_init(&lookup->here, sizeof(place));
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

void nd_lookup_foresee(const nd_lookup *lookup, const nd_trace_code *keys, size_t n_keys)
{
    nd_trace_foresee(&lookup->places, keys, n_keys, lookup->n_keys);
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

static nd_err read_one(nd_lookup *lookup, place *from)
{
    nd_trace_cursor at = from->cursor;
    for (nd_trace_cursor_rewind_values(&at); nd_trace_cursor_has_value(&at);
         nd_trace_cursor_next_value(&at)) {
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
    const place *const all = here->items;
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
    place *const all = lookup->here.items;
    for (size_t i = 0; i < lookup->here.len; i++)
        nd_trace_cursor_rewind_values(&all[i].cursor);
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

/* Moves to the key; whether the batch has it, and had any of it until the end of the epoch. The
 * cursor does not stand at a value then: most keys of most batches are only passed. */
static inline bool move_to(place *one, nd_trace_code key, uint64_t prefix)
{
    if (one->prefix > prefix || one->is_over || one->n_seen == 0)
        return false;
    const nd_trace_column *const keys = &one->cursor.batch->keys;
    one->cursor.key = nd_trace_column_seek(keys, one->cursor.key, keys->len, key);
    note_key(one);
    return !one->is_over && nd_trace_code_compare(nd_trace_cursor_key(&one->cursor), key) == 0;
}

static nd_err seek(nd_lookup *lookup, nd_trace_code key)
{
    const uint64_t prefix = prefix_of(key);
    place *const places = lookup->places.items;
    nd_vector_clear(&lookup->here);
    for (size_t i = 0; i < lookup->places.len; i++) {
        if (!move_to(&places[i], key, prefix))
            continue;
        place *const one = nd_vector_push(&lookup->here);
        if (!one)
            return ND_NOMEM;
        *one = places[i];
    }
    return ND_OK;
}

nd_err nd_lookup_find(nd_lookup *lookup, nd_trace_code key, uint64_t upto)
{
    if (lookup->upto != upto)
        see(lookup, upto);
    else if (lookup->is_found && nd_trace_code_compare(lookup->key, key) == 0)
        return ND_OK;
    nd_vector_clear(&lookup->records);
    nd_vector_clear(&lookup->counts);
    lookup->key = key;
    lookup->is_found = true;
    ND_TRY(seek(lookup, key));
    if (lookup->here.len == 0)
        return ND_OK;
    ND_TRY(read_part(lookup, &lookup->index->key, key, lookup->head));
    return lookup->here.len == 1 ? read_one(lookup, lookup->here.items) : read_merged(lookup);
}
