/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a key of a large batch is a row of cache misses, each of which says where the next one
 * will be. Foreseeing makes them step by step for many keys and batches side by side, so that they
 * wait together, and notes where the keys stand: finding out again would mean other misses, for it
 * depends on where a search begins. */
#include "operators/differential/trace_seeker.h"

#include <nereid/memory.h>

void nd_trace_seeker_init(nd_trace_seeker *seeker, const nd_trace_view *view)
{
    nd_trace_cursor_init_view(&seeker->cursor, view);
    seeker->next = seeker->n_ahead = 0;
}

void nd_trace_seeker_init_batch(nd_trace_seeker *seeker, const nd_trace_batch *batch)
{
    nd_trace_cursor_init(&seeker->cursor, batch);
    seeker->next = seeker->n_ahead = 0;
}

/* --- Seeking --- */

/* How a key of the column stands to a code; the end is behind all. */
static int compare_at(const nd_trace_column *keys, uint32_t at, nd_trace_code code)
{
    return at == keys->len ? 1 : nd_trace_code_compare(nd_trace_column_get(keys, at), code);
}

/* Passes what was foreseen of lower keys. How the next one stands to the code; below it if there is
 * none. */
static int pass_lower(nd_trace_seeker *seeker, nd_trace_code code)
{
    int order = -1;
    const nd_trace_column *const keys = &seeker->cursor.batch->keys;
    for (; seeker->next < seeker->n_ahead; seeker->next++) {
        order = compare_at(keys, seeker->ahead[seeker->next], code);
        if (order >= 0)
            break;
    }
    return order;
}

bool nd_trace_seek(nd_trace_seeker *seeker, nd_trace_code code)
{
    nd_trace_cursor *const cursor = &seeker->cursor;
    const nd_trace_column *const keys = &cursor->batch->keys;
    const int here = compare_at(keys, cursor->key, code);
    if (here >= 0)
        return here == 0;
    const int order = pass_lower(seeker, code);
    if (order < 0)
        return nd_trace_cursor_seek_key(cursor, code);
    /* The cursor's key is below the code, and this one is not, so it is behind the cursor's. */
    const uint32_t at = seeker->ahead[seeker->next];
    if (order > 0 && compare_at(keys, at - 1, code) >= 0)
        return nd_trace_cursor_seek_key(cursor, code); /* this key was not foreseen */
    nd_trace_cursor_go_to(cursor, at);
    return order == 0;
}

/* --- Foreseeing --- */

enum {
    LARGE = 1 << 10, /* keys of a batch; smaller ones are in the cache anyway */
    SPARSE = 16,     /* keys of a batch to one that is sought */
    NEAR = 16,       /* keys */
    SIGHTS = 64      /* looked at together */
};

/* A key that will be sought in a batch. */
typedef struct sight {
    const nd_trace_batch *batch;
    nd_trace_code key;
    uint32_t low, high; /* it is among these */
    uint32_t at;        /* a key, then a value, then a list; */
    bool is_there;      /* of which there is one */
    uint32_t *place;    /* is told where the key stands */
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
    *one->place = one->at;
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

static bool is_worth_it(const nd_trace_cursor *cursor, size_t n_all)
{
    const nd_trace_column *const keys = &cursor->batch->keys;
    return keys->len >= LARGE && keys->len / SPARSE > n_all && nd_trace_cursor_has_key(cursor) &&
           nd_trace_column_has_numbers(keys);
}

static sight sight_of(const nd_trace_cursor *cursor, nd_trace_code key, uint32_t *place)
{
    return (sight){.batch = cursor->batch,
                   .key = key,
                   .low = cursor->key,
                   .high = cursor->batch->keys.len,
                   .place = place};
}

bool nd_trace_seek_apart(const nd_trace_cursor *cursor, const nd_trace_code *keys, size_t n_keys,
                         size_t n_all, nd_trace_found *found)
{
    sight all[ND_TRACE_FORESEEN];
    if (!is_worth_it(cursor, n_all))
        return false;
    for (size_t i = 0; i < n_keys; i++)
        all[i] = sight_of(cursor, keys[i], &found->keys[i]);
    look_for_keys(all, n_keys);
    found->there = 0; /* to be noted before the others are looked at, who alone are left then */
    for (size_t i = 0; i < n_keys; i++)
        found->there |= (uint32_t)all[i].is_there << i;
    look_at_all(all, n_keys);
    return true;
}

/* Keeps what has not been passed yet, as much as is foreseen at a time. */
static void keep_ahead(nd_trace_seeker *seeker)
{
    uint32_t n = 0;
    for (uint32_t i = seeker->next; i < seeker->n_ahead && n < ND_TRACE_FORESEEN; i++)
        if (seeker->ahead[i] > seeker->cursor.key)
            seeker->ahead[n++] = seeker->ahead[i];
    seeker->next = 0;
    seeker->n_ahead = n;
}

/* Adds the keys that a seeker will seek to what is looked at, which has room for them. */
static size_t add_sights(nd_trace_seeker *seeker, const nd_trace_code *keys, size_t n_keys,
                         sight *all)
{
    keep_ahead(seeker);
    for (size_t i = 0; i < n_keys; i++)
        all[i] = sight_of(&seeker->cursor, keys[i], &seeker->ahead[seeker->n_ahead++]);
    return n_keys;
}

/* Where keys stand, in order: there are two runs at most, which are. */
static void sort_ahead(nd_trace_seeker *seeker)
{
    for (uint32_t i = 1; i < seeker->n_ahead; i++) {
        const uint32_t at = seeker->ahead[i];
        uint32_t k = i;
        for (; k > 0 && seeker->ahead[k - 1] > at; k--)
            seeker->ahead[k] = seeker->ahead[k - 1];
        seeker->ahead[k] = at;
    }
}

static void look(sight *all, size_t n)
{
    look_for_keys(all, n);
    look_at_all(all, n);
}

void nd_trace_foresee(nd_vector *seekers, const nd_trace_code *keys, size_t n_keys, size_t n_all)
{
    sight all[SIGHTS];
    size_t n = 0;
    if (n_keys == 0)
        return;
    for (size_t i = 0; i < seekers->len; i++) {
        nd_trace_seeker *const seeker = nd_vector_at(seekers, i);
        if (!is_worth_it(&seeker->cursor, n_all))
            continue;
        if (n + n_keys > SIGHTS) {
            look(all, n);
            n = 0;
        }
        n += add_sights(seeker, keys, n_keys, all + n);
    }
    look(all, n);
    for (size_t i = 0; i < seekers->len; i++)
        sort_ahead(nd_vector_at(seekers, i));
}

void nd_trace_foresee_from(nd_vector *seekers, const nd_trace_cursor *from)
{
    nd_trace_code keys[ND_TRACE_FORESEEN];
    const uint32_t left = from->batch->keys.len - from->key;
    const uint32_t n = left < ND_TRACE_FORESEEN ? left : ND_TRACE_FORESEEN;
    if (from->key % ND_TRACE_FORESEEN != 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        keys[i] = nd_trace_column_get(&from->batch->keys, from->key + i);
    nd_trace_foresee(seekers, keys, n, from->batch->keys.len);
}
