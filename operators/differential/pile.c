/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source is what is in order already: the joined chunks, or any other chunk. Draining takes a
 * slice of each source, range by range. Whether joining is worth while a sample tells.
 */
#include "operators/differential/pile.h"

#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/number_sort.h"
#include "operators/differential/pile_chunk.h"

enum {
    CHUNK_LEN = 1 << 17,
    RANGE_LEN = 1 << 16,   /* updates sorted together: what that takes is in the cache */
    SAMPLE_STEP = 1 << 10, /* of so many numbers one is looked at to find ranges */
    MOST_LOOSE = 1 << 21,  /* updates in chunks that are not joined, whatever cancels */
    MOST_KEPT = 1 << 13,   /* updates that buffers have room for, once they are not needed */
    FIRST_ROOM = 16
};

static size_t number_size(const nd_pile *pile) { return pile->words * sizeof(uint64_t); }

static size_t pair_size(const nd_pile *pile) { return (pile->words + 1) * sizeof(uint64_t); }

void nd_pile_init(nd_pile *pile, unsigned words)
{
    *pile = (nd_pile){.join_at = MOST_LOOSE, .words = words};
    nd_vector_init(&pile->chunks, sizeof(nd_pile_chunk));
    nd_vector_init(&pile->numbers, number_size(pile));
    nd_vector_init(&pile->diffs, sizeof(int64_t));
    nd_vector_init(&pile->scratch, pair_size(pile));
}

void nd_pile_deinit(nd_pile *pile)
{
    nd_pile_drop_chunks(&pile->chunks);
    nd_vector_deinit(&pile->numbers);
    nd_vector_deinit(&pile->diffs);
    nd_vector_deinit(&pile->scratch);
}

static void forget_large(nd_vector *buffer)
{
    if (buffer->capacity > MOST_KEPT)
        nd_vector_deinit(buffer);
    nd_vector_clear(buffer);
}

static void reset(nd_pile *pile)
{
    nd_pile_drop_chunks(&pile->chunks);
    forget_large(&pile->numbers);
    forget_large(&pile->diffs);
    forget_large(&pile->scratch);
    pile->n_joined = pile->len = 0;
    pile->join_at = MOST_LOOSE;
    pile->sum = 0;
}

/* --- What has come lately --- */

/* The numbers that have come, sorted. */
static nd_err sort_numbers(nd_pile *pile, const uint64_t **sorted)
{
    const size_t len = pile->numbers.len;
    ND_TRY(nd_vector_reserve(&pile->scratch, len * pile->words / (pile->words + 1) + 1));
    *sorted = nd_number_sort(pile->numbers.items, pile->scratch.items, len, pile->words);
    return ND_OK;
}

/* What has come, with its differences, sorted. */
static nd_err sort_pairs(nd_pile *pile, uint64_t **sorted)
{
    const size_t len = pile->numbers.len;
    ND_TRY(nd_vector_reserve(&pile->scratch, 2 * len));
    uint64_t *const pairs = pile->scratch.items, *const spare = pairs + len * (pile->words + 1);
    nd_pile_pair(pile->numbers.items, pile->diffs.items, len, pile->words, pairs);
    *sorted = nd_number_sort_pairs(pairs, spare, len, pile->words);
    return ND_OK;
}

static nd_err emit_fresh(nd_pile *pile, bool may_repeat, nd_pile_sink *sink, void *context)
{
    uint64_t *pairs;
    const uint64_t *sorted;
    const size_t len = pile->numbers.len;
    if (pile->diffs.len) {
        ND_TRY(sort_pairs(pile, &pairs));
        return nd_pile_emit_pairs(pairs, len, pile->words, sink, context);
    }
    ND_TRY(sort_numbers(pile, &sorted));
    if (may_repeat && !nd_pile_has_many_repeats(sorted, len, pile->words))
        return sink(context, sorted, NULL, len);
    return nd_pile_emit_numbers(sorted, len, pile->words, sink, context);
}

/* Makes a chunk of what has come lately. */
static nd_err sort_fresh(nd_pile *pile)
{
    nd_pile_writer out = {.chunks = &pile->chunks, .room = pile->numbers.len, .words = pile->words};
    if (pile->numbers.len == 0)
        return ND_OK;
    nd_err err = emit_fresh(pile, true, nd_pile_write, &out);
    if (err == ND_OK)
        err = nd_pile_write_end(&out);
    if (err == ND_OK)
        pile->len += out.len;
    nd_pile_drop_chunk(&out.open);
    nd_vector_clear(&pile->numbers);
    nd_vector_clear(&pile->diffs);
    return err;
}

/* If little is left of what has come it stays there, added up, so that chunks are long. */
static nd_err take_back(nd_pile *pile)
{
    const nd_pile_chunk *const last = nd_vector_at(&pile->chunks, pile->chunks.len - 1);
    if (last->len > CHUNK_LEN / 2)
        return ND_OK;
    if (last->diffs)
        ND_TRY(nd_vector_reserve(&pile->diffs, last->len));
    memcpy(pile->numbers.items, last->numbers, last->len * number_size(pile));
    pile->numbers.len = last->len;
    if (last->diffs) {
        memcpy(pile->diffs.items, last->diffs, last->len * sizeof *last->diffs);
        pile->diffs.len = last->len;
    }
    pile->len -= last->len;
    nd_pile_drop_chunk(nd_vector_pop(&pile->chunks));
    return ND_OK;
}

/* --- Taking out --- */

/* Chunks in order, and how far they are taken. */
typedef struct source {
    nd_pile_chunk *next, *end;
    size_t at; /* in the next one */
} source;

/* A drain under way. */
typedef struct drain {
    nd_pile *pile;
    nd_vector sources, cuts; /* source, numbers */
    size_t len;              /* of the range, in the scratch, which has room for twice as many */
    bool has_diffs;          /* the range: it is of pairs, or else of numbers */
} drain;

static nd_err find_sources(drain *now)
{
    nd_pile *const pile = now->pile;
    nd_pile_chunk *const chunks = pile->chunks.items;
    size_t next = 0;
    while (next < pile->chunks.len) {
        source *const place = nd_vector_push(&now->sources);
        if (!place)
            return ND_NOMEM;
        const size_t n = next < pile->n_joined ? pile->n_joined : 1;
        *place = (source){chunks + next, chunks + next + n, 0};
        next += n;
    }
    return ND_OK;
}

/* The numbers of all chunks that are looked at. */
static nd_err list_samples(drain *now)
{
    const nd_pile *const pile = now->pile;
    const nd_pile_chunk *const chunks = pile->chunks.items;
    for (size_t i = 0; i < pile->chunks.len; i++)
        for (size_t k = SAMPLE_STEP; k < chunks[i].len; k += SAMPLE_STEP) {
            uint64_t *const place = nd_vector_push(&now->cuts);
            if (!place)
                return ND_NOMEM;
            nd_number_copy(place, chunks[i].numbers + k * pile->words, pile->words);
        }
    return ND_OK;
}

/* Finds where ranges end: numbers between which there are about RANGE_LEN updates. */
static nd_err find_cuts(drain *now)
{
    const unsigned words = now->pile->words;
    const size_t step = RANGE_LEN / SAMPLE_STEP;
    nd_vector spare;
    ND_TRY(list_samples(now));
    const size_t len = now->cuts.len;
    nd_vector_init(&spare, number_size(now->pile));
    ND_TRY(nd_vector_reserve(&spare, len));
    const uint64_t *const sorted = nd_number_sort(now->cuts.items, spare.items, len, words);
    uint64_t *cut = now->cuts.items;
    size_t n = 0;
    for (size_t i = step; i < len; i += step, cut += words, n++)
        nd_number_copy(cut, sorted + i * words, words);
    nd_vector_truncate(&now->cuts, n);
    nd_vector_deinit(&spare);
    return ND_OK;
}

/* Adds a slice to the range. */
static nd_err gather(drain *now, const nd_pile_chunk *from, size_t begin, size_t end)
{
    const unsigned words = now->pile->words;
    nd_vector *const scratch = &now->pile->scratch;
    const size_t n = end - begin, needed = 2 * (now->len + n);
    const uint64_t *const numbers = from->numbers + begin * words;
    if (needed > scratch->capacity)
        ND_TRY(nd_vector_reserve(scratch, needed + needed / 4));
    uint64_t *const items = scratch->items;
    if (from->diffs && !now->has_diffs) {
        nd_pile_pair(items, NULL, now->len, words, items);
        now->has_diffs = true;
    }
    if (now->has_diffs)
        nd_pile_pair(numbers, from->diffs ? from->diffs + begin : NULL, n, words,
                     items + now->len * (words + 1));
    else
        memcpy(items + now->len * words, numbers, n * number_size(now->pile));
    now->len += n;
    return ND_OK;
}

/* Adds to the range what a source has below `cut`, or all if there is none. */
static nd_err take_below(drain *now, source *from, const uint64_t *cut)
{
    while (from->next != from->end) {
        nd_pile_chunk *const one = from->next;
        const size_t end = cut ? nd_pile_seek(one, from->at, cut, now->pile->words) : one->len;
        if (end != from->at)
            ND_TRY(gather(now, one, from->at, end));
        from->at = end;
        if (end != one->len)
            return ND_OK;
        nd_pile_drop_chunk(one);
        from->next++;
        from->at = 0;
    }
    return ND_OK;
}

static nd_err drain_range(drain *now, const uint64_t *cut, nd_pile_sink *sink, void *context)
{
    now->len = 0;
    now->has_diffs = false;
    for (size_t i = 0; i < now->sources.len; i++)
        ND_TRY(take_below(now, nd_vector_at(&now->sources, i), cut));
    if (now->len == 0)
        return ND_OK;
    const unsigned words = now->pile->words;
    const size_t len = now->len;
    uint64_t *const items = now->pile->scratch.items;
    if (now->has_diffs)
        return nd_pile_emit_pairs(
            nd_number_sort_pairs(items, items + len * (words + 1), len, words), len, words, sink,
            context);
    return nd_pile_emit_numbers(nd_number_sort(items, items + len * words, len, words), len, words,
                                sink, context);
}

static nd_err drain_chunks(nd_pile *pile, nd_pile_sink *sink, void *context)
{
    drain now = {.pile = pile};
    nd_vector_init(&now.sources, sizeof(source));
    nd_vector_init(&now.cuts, number_size(pile));
    nd_err err = find_sources(&now);
    if (err == ND_OK)
        err = find_cuts(&now);
    for (size_t i = 0; err == ND_OK && i <= now.cuts.len; i++)
        err =
            drain_range(&now, i < now.cuts.len ? nd_vector_at(&now.cuts, i) : NULL, sink, context);
    nd_vector_deinit(&now.sources);
    nd_vector_deinit(&now.cuts);
    return err;
}

nd_err nd_pile_drain(nd_pile *pile, nd_pile_sink *sink, void *context)
{
    nd_err err = ND_OK;
    if (pile->chunks.len == 0) {
        if (pile->numbers.len)
            err = emit_fresh(pile, false, sink, context);
    } else {
        err = sort_fresh(pile);
        if (err == ND_OK)
            err = drain_chunks(pile, sink, context);
    }
    reset(pile);
    return err;
}

/* --- Joining --- */

/* Adds all up, into chunks that follow each other. */
static nd_err join(nd_pile *pile)
{
    nd_vector chunks;
    const uint64_t sum = pile->sum;
    nd_vector_init(&chunks, sizeof(nd_pile_chunk));
    nd_pile_writer out = {.chunks = &chunks, .room = CHUNK_LEN, .words = pile->words};
    nd_err err = nd_pile_drain(pile, nd_pile_write, &out);
    if (err == ND_OK)
        err = nd_pile_write_end(&out);
    if (err != ND_OK) {
        nd_pile_drop_chunk(&out.open);
        nd_pile_drop_chunks(&chunks);
        return err;
    }
    pile->chunks = chunks;
    pile->n_joined = chunks.len;
    pile->len = out.len;
    pile->join_at = 2 * out.len + MOST_LOOSE;
    pile->sum = sum;
    return ND_OK;
}

/* Whether nothing has come since all was added up. */
static bool is_joined(const nd_pile *pile)
{
    return pile->numbers.len == 0 && pile->n_joined == pile->chunks.len;
}

nd_err nd_pile_has_any(nd_pile *pile, bool *has_any)
{
    if (pile->sum == 0 && !is_joined(pile))
        ND_TRY(join(pile));
    *has_any = !nd_pile_is_empty(pile);
    return ND_OK;
}

/* --- Adding --- */

static nd_err sample(const nd_pile *pile, nd_vector *pairs)
{
    const nd_pile_chunk *const chunks = pile->chunks.items;
    for (size_t i = 0; i < pile->chunks.len; i++)
        ND_TRY(nd_pile_sample(&chunks[i], pile->words, pairs));
    return ND_OK;
}

/* Whether a sample of all updates becomes much shorter when it is added up. */
static nd_err cancels(const nd_pile *pile, bool *does)
{
    nd_vector pairs, spare;
    size_t left;
    nd_vector_init(&pairs, pair_size(pile));
    nd_vector_init(&spare, pair_size(pile));
    nd_err err = sample(pile, &pairs);
    if (err == ND_OK)
        err = nd_vector_reserve(&spare, pairs.len);
    if (err == ND_OK)
        err = nd_pile_add_up(nd_number_sort_pairs(pairs.items, spare.items, pairs.len, pile->words),
                             pairs.len, pile->words, &left);
    if (err == ND_OK)
        *does = left < pairs.len / 4 * 3;
    nd_vector_deinit(&pairs);
    nd_vector_deinit(&spare);
    return err;
}

static nd_err join_if_loose(nd_pile *pile)
{
    bool does;
    if (pile->len < pile->join_at)
        return ND_OK;
    ND_TRY(cancels(pile, &does));
    if (does)
        return join(pile);
    pile->join_at = pile->len + pile->len / 2;
    return ND_OK;
}

/* Makes a chunk of what has come lately, if that is much when it is added up. */
static nd_err settle(nd_pile *pile)
{
    const size_t n = pile->chunks.len;
    ND_TRY(sort_fresh(pile));
    if (pile->chunks.len != n)
        ND_TRY(take_back(pile));
    return join_if_loose(pile);
}

/* Room for more, of which there are at most CHUNK_LEN. */
static nd_err get_room(nd_vector *items, size_t more)
{
    const size_t needed = items->len + more;
    size_t capacity = items->capacity ? items->capacity : FIRST_ROOM;
    while (capacity < needed)
        capacity *= 2;
    return nd_vector_reserve(items, capacity);
}

static nd_err add_diffs(nd_pile *pile, const int64_t *diffs, size_t len)
{
    if (!diffs && !pile->diffs.len) {
        pile->sum += len;
        return ND_OK;
    }
    ND_TRY(get_room(&pile->diffs, pile->numbers.len + len - pile->diffs.len));
    int64_t *const items = pile->diffs.items;
    while (pile->diffs.len < pile->numbers.len)
        items[pile->diffs.len++] = 1;
    for (size_t i = 0; i < len; i++) {
        const int64_t diff = diffs ? diffs[i] : 1;
        items[pile->diffs.len++] = diff;
        pile->sum += (uint64_t)diff;
    }
    return ND_OK;
}

nd_err nd_pile_add(nd_pile *pile, const uint64_t *numbers, const int64_t *diffs, size_t len)
{
    for (size_t n; len != 0; len -= n) {
        const size_t room = CHUNK_LEN - pile->numbers.len;
        n = len < room ? len : room;
        ND_TRY(get_room(&pile->numbers, n));
        ND_TRY(add_diffs(pile, diffs, n));
        memcpy((uint64_t *)pile->numbers.items + pile->numbers.len * pile->words, numbers,
               n * number_size(pile));
        pile->numbers.len += n;
        numbers += n * pile->words;
        diffs = diffs ? diffs + n : NULL;
        if (pile->numbers.len == CHUNK_LEN)
            ND_TRY(settle(pile));
    }
    return ND_OK;
}
