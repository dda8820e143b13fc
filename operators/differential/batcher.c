/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/batcher.h"

#include "operators/differential/number.h"
#include "runtime/base/kernel.h"

enum {
    MOST_FRESH = 1 << 17, /* updates that are not sorted yet: sorting takes place in the cache */
    BLOCK_LEN = 512       /* rows that become numbers together */
};

void nd_batcher_init(nd_batcher *batcher, const nd_record_code *code, unsigned n_loops)
{
    batcher->code = code;
    for (size_t i = 0; i < ND_BATCHER_PILES; i++)
        nd_pile_init(&batcher->piles[i], nd_number_words(code->size));
    nd_updates_init(&batcher->fresh, code);
    nd_vector_init(&batcher->runs, sizeof(nd_updates));
    nd_later_init(&batcher->later, code, n_loops);
}

void nd_batcher_deinit(nd_batcher *batcher)
{
    for (size_t i = 0; i < ND_BATCHER_PILES; i++)
        nd_pile_deinit(&batcher->piles[i]);
    nd_updates_deinit(&batcher->fresh);
    while (batcher->runs.len)
        nd_updates_deinit(nd_vector_pop(&batcher->runs));
    nd_vector_deinit(&batcher->runs);
    nd_later_deinit(&batcher->later);
}

/* --- Runs --- */

/* Makes the last two runs one. */
static nd_err merge_last(nd_batcher *batcher)
{
    nd_updates merged;
    nd_updates *const b = nd_vector_at(&batcher->runs, batcher->runs.len - 1), *const a = b - 1;
    nd_updates_init(&merged, batcher->code);
    const nd_err err = nd_updates_merge(a, b, &merged);
    if (err != ND_OK) {
        nd_updates_deinit(&merged);
        return err;
    }
    nd_updates_deinit(b);
    nd_updates_deinit(a);
    (void)nd_vector_pop(&batcher->runs);
    *a = merged;
    return ND_OK;
}

static bool is_unbalanced(const nd_batcher *batcher)
{
    const size_t n = batcher->runs.len;
    if (n < 2)
        return false;
    const nd_updates *const last = nd_vector_at(&batcher->runs, n - 1);
    return 2 * nd_updates_len(last) > nd_updates_len(last - 1);
}

/* What has come lately becomes a run. */
static nd_err sort_fresh(nd_batcher *batcher)
{
    if (nd_updates_len(&batcher->fresh) == 0)
        return ND_OK;
    ND_TRY(nd_updates_consolidate(&batcher->fresh));
    nd_updates *const place = nd_vector_push(&batcher->runs);
    if (!place)
        return ND_NOMEM;
    *place = batcher->fresh;
    nd_updates_init(&batcher->fresh, batcher->code);
    while (is_unbalanced(batcher))
        ND_TRY(merge_last(batcher));
    return ND_OK;
}

static nd_err add_to_runs(nd_batcher *batcher, const nd_row *row, const unsigned char *rows,
                          size_t len)
{
    while (len != 0) {
        const size_t room = MOST_FRESH - nd_updates_len(&batcher->fresh);
        const size_t n = len < room ? len : room;
        ND_TRY(nd_updates_add_rows(&batcher->fresh, row, rows, n));
        if (nd_updates_len(&batcher->fresh) == MOST_FRESH)
            ND_TRY(sort_fresh(batcher));
        rows += n * row->type->size;
        len -= n;
    }
    return ND_OK;
}

/* --- Piles --- */

static bool has_numbers(const nd_record_code *code)
{
    return code->is_fixed && code->size > 0 && code->size <= ND_NUMBER_BYTES;
}

static bool has_time(const nd_updates *updates, const nd_time *time)
{
    uint32_t number;
    return nd_time_table_find(&updates->table, time, &number);
}

static bool is_elsewhere(const nd_batcher *batcher, const nd_time *time)
{
    const nd_updates *const runs = batcher->runs.items;
    for (size_t i = 0; i < batcher->runs.len; i++)
        if (has_time(&runs[i], time))
            return true;
    return has_time(&batcher->fresh, time) || nd_later_has(&batcher->later, time);
}

/* The pile of a time, or a free one, which becomes that; NULL if there is neither. What is not in
 * piles stays there, and what it may cancel with goes there, too. */
static nd_pile *pile_of(nd_batcher *batcher, const nd_time *time)
{
    nd_pile *free = NULL;
    for (size_t i = ND_BATCHER_PILES; i > 0; i--) {
        nd_pile *const pile = &batcher->piles[i - 1];
        if (nd_pile_is_empty(pile))
            free = pile;
        else if (nd_time_equal(&pile->time, time))
            return pile;
    }
    if (!free || is_elsewhere(batcher, time))
        return NULL;
    free->time = *time;
    return free;
}

/* Some rows as numbers, all of the first one's time. */
typedef struct block {
    uint64_t numbers[ND_NUMBER_WORDS * BLOCK_LEN];
    int64_t diffs[BLOCK_LEN];
    size_t len;
    bool are_ones; /* the differences */
} block;

/* Reads the differences of the rows that have the first one's time. How many loops there are, and
 * how large stamps, are constants where that is common. */
ND_KERNEL void read_stamps(const nd_row *row, const unsigned char *rows, size_t len,
                           const nd_time *time, unsigned n_loops, uint32_t stamp_size, block *out)
{
    const nd_row known = {
        .stamp_offset = row->stamp_offset, .stamp_size = stamp_size, .n_loops = n_loops};
    uint64_t others = 0;
    size_t i = 0;
    for (; i < len; i++, rows += row->type->size) {
        const nd_time own = nd_row_time(&known, rows);
        if (!nd_time_equal(&own, time))
            break;
        out->diffs[i] = nd_row_diff(&known, rows);
        others |= (uint64_t)out->diffs[i] ^ 1;
    }
    out->len = i;
    out->are_ones = others == 0;
}

static void read_any_stamps(const nd_row *row, const unsigned char *rows, size_t len,
                            const nd_time *time, block *out)
{
    if (row->n_loops == 0 && row->stamp_size == 16)
        read_stamps(row, rows, len, time, 0, 16, out);
    else if (row->n_loops == 1 && row->stamp_size == 24)
        read_stamps(row, rows, len, time, 1, 24, out);
    else
        read_stamps(row, rows, len, time, row->n_loops, row->stamp_size, out);
}

/* Codes side by side become numbers. Sizes are constants where that is common. */
ND_KERNEL void number_codes(const unsigned char *codes, size_t len, uint64_t *numbers, size_t size)
{
    for (size_t i = 0; i < len; i++)
        nd_number_read(codes + i * size, size, numbers + i * nd_number_words(size));
}

static void read_numbers(const nd_record_code *code, const unsigned char *rows, size_t stride,
                         block *out)
{
    unsigned char codes[ND_NUMBER_BYTES * BLOCK_LEN];
    nd_record_code_write_many(code, rows, stride, out->len, codes);
    if (code->size == 8)
        number_codes(codes, out->len, out->numbers, 8);
    else if (code->size == 4)
        number_codes(codes, out->len, out->numbers, 4);
    else if (code->size == 16)
        number_codes(codes, out->len, out->numbers, 16);
    else
        number_codes(codes, out->len, out->numbers, code->size);
}

/* How many rows come first whose times have no pile. */
static size_t count_unpiled(nd_batcher *batcher, const nd_row *row, const unsigned char *rows,
                            size_t len)
{
    size_t n = 0;
    for (; n < len; n++, rows += row->type->size) {
        const nd_time time = nd_row_time(row, rows);
        if (pile_of(batcher, &time))
            break;
    }
    return n;
}

/* Adds some rows at the beginning of `rows`; `*n` is how many. */
static nd_err add_some(nd_batcher *batcher, const nd_row *row, const unsigned char *rows,
                       size_t len, size_t *n)
{
    block some;
    const nd_time time = nd_row_time(row, rows);
    nd_pile *const pile = pile_of(batcher, &time);
    if (!pile) {
        *n = count_unpiled(batcher, row, rows, len);
        return add_to_runs(batcher, row, rows, *n);
    }
    read_any_stamps(row, rows, len < BLOCK_LEN ? len : BLOCK_LEN, &time, &some);
    read_numbers(batcher->code, rows, row->type->size, &some);
    *n = some.len;
    return nd_pile_add(pile, some.numbers, some.are_ones ? NULL : some.diffs, *n);
}

nd_err nd_batcher_add(nd_batcher *batcher, const nd_row *row, const void *rows, size_t len)
{
    const unsigned char *place = rows;
    if (!has_numbers(batcher->code))
        return add_to_runs(batcher, row, place, len);
    for (size_t n; len != 0; len -= n, place += n * row->type->size)
        ND_TRY(add_some(batcher, row, place, len, &n));
    return ND_OK;
}

nd_err nd_batcher_add_code(nd_batcher *batcher, const unsigned char *code, size_t size,
                           const nd_time *time, int64_t diff)
{
    nd_pile *const pile = has_numbers(batcher->code) ? pile_of(batcher, time) : NULL;
    if (pile) {
        uint64_t number[ND_NUMBER_WORDS];
        nd_number_read(code, size, number);
        return nd_pile_add(pile, number, &diff, 1);
    }
    ND_TRY(nd_updates_add(&batcher->fresh, code, size, time, diff));
    return nd_updates_len(&batcher->fresh) >= MOST_FRESH ? sort_fresh(batcher) : ND_OK;
}

/* --- Sealing --- */

/* What is complete, to `done`; the rest waits by time. */
static nd_err divide(nd_batcher *batcher, const nd_updates *all, const nd_antichain *frontier,
                     nd_updates *done)
{
    for (size_t i = 0; i < nd_updates_len(all); i++) {
        size_t size;
        const nd_time *const time = nd_updates_time(all, i);
        const unsigned char *const code = nd_updates_code(all, i, &size);
        const int64_t diff = nd_updates_diff(all, i);
        ND_TRY(nd_antichain_less_equal(frontier, time)
                   ? nd_later_add(&batcher->later, code, size, time, diff)
                   : nd_updates_add(done, code, size, time, diff));
    }
    return ND_OK;
}

/* Mostly all times are complete. */
static bool is_all_complete(const nd_updates *all, const nd_antichain *frontier)
{
    for (uint32_t i = 0; i < nd_time_table_len(&all->table); i++)
        if (nd_antichain_less_equal(frontier, nd_time_table_get(&all->table, i)))
            return false;
    return true;
}

/* What is complete of what is not in piles, to `done`, consolidated. */
static nd_err seal_runs(nd_batcher *batcher, const nd_antichain *frontier, nd_updates *done)
{
    ND_TRY(sort_fresh(batcher));
    while (batcher->runs.len > 1)
        ND_TRY(merge_last(batcher));
    if (batcher->runs.len) {
        nd_updates *const all = nd_vector_at(&batcher->runs, 0);
        if (is_all_complete(all, frontier)) {
            nd_updates_deinit(done);
            *done = *all;
        } else {
            ND_TRY(divide(batcher, all, frontier, done));
            nd_updates_deinit(all);
        }
        (void)nd_vector_pop(&batcher->runs);
    }
    if (!nd_later_has_complete(&batcher->later, frontier))
        return ND_OK;
    ND_TRY(nd_later_take(&batcher->later, frontier, done));
    return nd_updates_consolidate(done);
}

static bool is_complete(const nd_pile *pile, const nd_antichain *frontier)
{
    return !nd_pile_is_empty(pile) && !nd_antichain_less_equal(frontier, &pile->time);
}

/* The times of what waits, and of piles that are not complete, and in which something is left. */
static nd_err list_left(nd_batcher *batcher, const nd_antichain *frontier, nd_antichain *left)
{
    for (size_t i = 0; i < ND_BATCHER_PILES; i++) {
        bool has_any;
        nd_pile *const pile = &batcher->piles[i];
        if (is_complete(pile, frontier))
            continue;
        ND_TRY(nd_pile_has_any(pile, &has_any));
        if (has_any)
            ND_TRY(nd_antichain_insert(left, &pile->time));
    }
    return nd_later_list(&batcher->later, left);
}

/* Where what a pile has goes. */
typedef struct target {
    nd_updates *updates;
    nd_trace_builder *builder;
    const nd_time *time;
} target;

static nd_err list_some(void *context, const uint64_t *numbers, const int64_t *diffs, size_t len)
{
    const target *const to = context;
    return nd_updates_add_numbers(to->updates, numbers, diffs, len, to->time);
}

static nd_err build_some(void *context, const uint64_t *numbers, const int64_t *diffs, size_t len)
{
    const target *const to = context;
    return nd_trace_builder_push_numbers(to->builder, numbers, diffs, len, to->time);
}

/* Appends what is complete in piles, consolidated, to `done`, which is empty. */
static nd_err drain_piles(nd_batcher *batcher, const nd_antichain *frontier, nd_updates *done)
{
    size_t n = 0;
    for (size_t i = 0; i < ND_BATCHER_PILES; i++) {
        nd_pile *const pile = &batcher->piles[i];
        if (!is_complete(pile, frontier))
            continue;
        const nd_time time = pile->time;
        ND_TRY(nd_pile_drain(pile, list_some, &(target){.updates = done, .time = &time}));
        n++;
    }
    return n > 1 ? nd_updates_consolidate(done) : ND_OK;
}

/* Adds `more`, consolidated, to `done`, consolidated too. */
static nd_err join(nd_updates *done, nd_updates *more)
{
    nd_updates merged;
    nd_err err = ND_OK;
    if (nd_updates_len(more) == 0)
        return ND_OK;
    nd_updates_init(&merged, done->code);
    if (nd_updates_len(done) != 0)
        err = nd_updates_merge(done, more, &merged);
    nd_updates *const both = nd_updates_len(done) ? &merged : more;
    if (err == ND_OK) {
        const nd_updates sum = *both;
        *both = *done;
        *done = sum;
    }
    nd_updates_deinit(&merged);
    return err;
}

nd_err nd_batcher_seal(nd_batcher *batcher, const nd_antichain *frontier, nd_updates *done,
                       nd_antichain *left)
{
    nd_updates small;
    ND_TRY(seal_runs(batcher, frontier, done));
    ND_TRY(list_left(batcher, frontier, left));
    nd_updates_init(&small, batcher->code);
    nd_err err = drain_piles(batcher, frontier, &small);
    if (err == ND_OK)
        err = join(done, &small);
    nd_updates_deinit(&small);
    return err;
}

/* --- Building --- */

bool nd_batcher_can_build(const nd_batcher *batcher, const nd_antichain *frontier)
{
    size_t n = 0;
    for (size_t i = 0; i < ND_BATCHER_PILES; i++)
        n += is_complete(&batcher->piles[i], frontier);
    return n == 1 && batcher->runs.len == 0 && nd_updates_len(&batcher->fresh) == 0 &&
           !nd_later_has_complete(&batcher->later, frontier);
}

nd_err nd_batcher_build(nd_batcher *batcher, const nd_antichain *frontier,
                        nd_trace_builder *builder, nd_antichain *left)
{
    ND_TRY(list_left(batcher, frontier, left));
    for (size_t i = 0; i < ND_BATCHER_PILES; i++) {
        nd_pile *const pile = &batcher->piles[i];
        const nd_time time = pile->time;
        if (is_complete(pile, frontier))
            ND_TRY(nd_pile_drain(pile, build_some, &(target){.builder = builder, .time = &time}));
    }
    return ND_OK;
}
