/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor is three numbers: moving it is arithmetic, and seeking is the column's.
 *
 * Reading a key of a large batch is a row of cache misses, each of which says where the next one
 * will be. Foreseeing makes them step by step for many keys and batches side by side, so that they
 * wait together. */
#include "operators/differential/trace_cursor.h"

#include "runtime/base/prefetch.h"

static void stand_at(nd_trace_cursor *cursor, uint32_t key)
{
    const nd_trace_batch *const batch = cursor->batch;
    const bool is_there = key < batch->keys.len;
    cursor->key = key;
    cursor->value = is_there ? nd_trace_batch_value(batch, key) : 0;
    cursor->value_end = is_there ? nd_trace_batch_value(batch, key + 1) : 0;
}

void nd_trace_cursor_init(nd_trace_cursor *cursor, const nd_trace_batch *batch)
{
    cursor->batch = batch;
    cursor->times = batch->times.items;
    stand_at(cursor, 0);
}

void nd_trace_cursor_init_view(nd_trace_cursor *cursor, const nd_trace_view *view)
{
    nd_trace_cursor_init(cursor, view->batch);
    cursor->times = nd_trace_view_times(view);
}

void nd_trace_cursor_next_key(nd_trace_cursor *cursor) { stand_at(cursor, cursor->key + 1); }

void nd_trace_cursor_end(nd_trace_cursor *cursor) { stand_at(cursor, cursor->batch->keys.len); }

bool nd_trace_cursor_seek_key(nd_trace_cursor *cursor, nd_trace_code code)
{
    const nd_trace_column *const keys = &cursor->batch->keys;
    const uint32_t key = nd_trace_column_seek(keys, cursor->key, keys->len, code);
    if (key != cursor->key)
        stand_at(cursor, key);
    return key < keys->len && nd_trace_code_compare(nd_trace_column_get(keys, key), code) == 0;
}

void nd_trace_cursor_rewind_values(nd_trace_cursor *cursor) { stand_at(cursor, cursor->key); }

bool nd_trace_cursor_seek_value(nd_trace_cursor *cursor, nd_trace_code code)
{
    const nd_trace_column *const values = &cursor->batch->values;
    cursor->value = nd_trace_column_seek(values, cursor->value, cursor->value_end, code);
    return nd_trace_cursor_has_value(cursor) &&
           nd_trace_code_compare(nd_trace_cursor_value(cursor), code) == 0;
}

/* --- Foreseeing --- */

enum {
    LARGE = 1 << 10, /* keys of a batch; smaller ones are in the cache anyway */
    SPARSE = 16,     /* keys of a batch to one that is sought */
    NEAR = 16,       /* keys */
    SIGHTS = 64
};

/* A key that will be sought in a batch. */
typedef struct sight {
    const nd_trace_batch *batch;
    nd_trace_code key;
    uint32_t low, high; /* it is among these */
    uint32_t at;        /* a key, then a value, then a list; */
    bool is_there;      /* of which there is one */
} sight;

static void look_at_first_value(const sight *one)
{
    if (one->batch->first_values)
        nd_prefetch(&one->batch->first_values[one->at]);
}

static void look_at_key(sight *one)
{
    const nd_trace_column *const keys = &one->batch->keys;
    one->at = nd_trace_column_guess(keys, one->low, one->high, one->key);
    nd_prefetch(keys->bytes + (size_t)one->at * keys->size);
    look_at_first_value(one);
}

/* By what is known where it was looked at. */
static void narrow(sight *one)
{
    if (nd_trace_code_compare(nd_trace_column_get(&one->batch->keys, one->at), one->key) < 0)
        one->low = one->at;
    else
        one->high = one->at + 1;
}

static void look_nearer(sight *one)
{
    narrow(one);
    look_at_key(one);
}

/* Mostly it is near. */
static void find(sight *one)
{
    const nd_trace_column *const keys = &one->batch->keys;
    narrow(one);
    if (one->high - one->low > NEAR && one->low != one->at &&
        nd_trace_code_compare(nd_trace_column_get(keys, one->at - NEAR), one->key) < 0)
        one->low = one->at - NEAR;
    one->at = nd_trace_column_seek(keys, one->low, one->high, one->key);
    one->is_there = one->at < one->high &&
                    nd_trace_code_compare(nd_trace_column_get(keys, one->at), one->key) == 0;
    look_at_first_value(one);
}

static void look_at_value(sight *one)
{
    const nd_trace_column *const values = &one->batch->values;
    one->at = nd_trace_batch_value(one->batch, one->at);
    if (!values->starts)
        nd_prefetch(values->bytes + (size_t)one->at * values->size);
    if (one->batch->marks)
        nd_prefetch(&one->batch->marks[one->at / 64]);
}

static void look_at_list(sight *one)
{
    one->at = nd_trace_batch_list(one->batch, one->at);
    if (one->batch->first_updates)
        nd_prefetch(&one->batch->first_updates[one->at]);
}

static void look_at_updates(const sight *one)
{
    const nd_trace_list list = nd_trace_batch_updates(one->batch, one->at);
    nd_prefetch(list.times);
    nd_prefetch(list.diffs);
}

static void look_for_keys(sight *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        look_at_key(&all[i]);
    for (size_t i = 0; i < n; i++)
        look_nearer(&all[i]);
    for (size_t i = 0; i < n; i++)
        find(&all[i]);
}

/* Of keys that have been found. */
static void look_at_all(sight *all, size_t n)
{
    size_t n_there = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].is_there)
            all[n_there++] = all[i];
    for (size_t i = 0; i < n_there; i++)
        look_at_value(&all[i]);
    for (size_t i = 0; i < n_there; i++)
        look_at_list(&all[i]);
    for (size_t i = 0; i < n_there; i++)
        look_at_updates(&all[i]);
}

static void look(sight *all, size_t n)
{
    look_for_keys(all, n);
    look_at_all(all, n);
}

static bool is_worth_it(const nd_trace_cursor *cursor, size_t n_all)
{
    const nd_trace_column *const keys = &cursor->batch->keys;
    return keys->len >= LARGE && keys->len / SPARSE > n_all && nd_trace_cursor_has_key(cursor) &&
           nd_trace_column_has_numbers(keys);
}

static sight sight_of(const nd_trace_cursor *cursor, nd_trace_code key)
{
    return (sight){
        .batch = cursor->batch, .key = key, .low = cursor->key, .high = cursor->batch->keys.len};
}

bool nd_trace_seek_apart(const nd_trace_cursor *cursor, const nd_trace_code *keys, size_t n_keys,
                         size_t n_all, nd_trace_found *found)
{
    sight all[ND_TRACE_FORESEEN];
    if (!is_worth_it(cursor, n_all))
        return false;
    for (size_t i = 0; i < n_keys; i++)
        all[i] = sight_of(cursor, keys[i]);
    look_for_keys(all, n_keys);
    found->there = 0;
    for (size_t i = 0; i < n_keys; i++) {
        found->keys[i] = all[i].at;
        found->there |= (uint32_t)all[i].is_there << i;
    }
    look_at_all(all, n_keys);
    return true;
}

void nd_trace_foresee(const nd_vector *cursors, const nd_trace_code *keys, size_t n_keys,
                      size_t n_all)
{
    sight all[SIGHTS];
    size_t n = 0;
    for (size_t i = 0; i < cursors->len; i++) {
        const nd_trace_cursor *const cursor = nd_vector_at(cursors, i);
        if (!is_worth_it(cursor, n_all))
            continue;
        for (size_t k = 0; k < n_keys; k++) {
            if (n == SIGHTS) {
                look(all, n);
                n = 0;
            }
            all[n++] = sight_of(cursor, keys[k]);
        }
    }
    look(all, n);
}

void nd_trace_foresee_from(const nd_vector *cursors, const nd_trace_cursor *from)
{
    nd_trace_code keys[ND_TRACE_FORESEEN];
    const uint32_t left = from->batch->keys.len - from->key;
    const uint32_t n = left < ND_TRACE_FORESEEN ? left : ND_TRACE_FORESEEN;
    if (from->key % ND_TRACE_FORESEEN != 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        keys[i] = nd_trace_column_get(&from->batch->keys, from->key + i);
    nd_trace_foresee(cursors, keys, n, from->batch->keys.len);
}
