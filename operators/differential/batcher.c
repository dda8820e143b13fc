/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/batcher.h"

#include <nereid/memory.h>

enum {
    MOST_FRESH =
        1 << 17 /* updates that are not sorted yet: what sorting them takes is in the cache */
};

void nd_batcher_init(nd_batcher *batcher, const nd_record_code *code)
{
    batcher->code = code;
    nd_updates_init(&batcher->fresh, code);
    nd_vector_init(&batcher->runs, sizeof(nd_updates));
}

void nd_batcher_deinit(nd_batcher *batcher)
{
    nd_updates_deinit(&batcher->fresh);
    while (batcher->runs.len)
        nd_updates_deinit(nd_vector_pop(&batcher->runs));
    nd_vector_deinit(&batcher->runs);
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

nd_err nd_batcher_add(nd_batcher *batcher, const nd_row *row, const void *rows, size_t len)
{
    const unsigned char *place = rows;
    while (len != 0) {
        const size_t room = MOST_FRESH - nd_updates_len(&batcher->fresh);
        const size_t n = len < room ? len : room;
        ND_TRY(nd_updates_add_rows(&batcher->fresh, row, place, n));
        if (nd_updates_len(&batcher->fresh) == MOST_FRESH)
            ND_TRY(sort_fresh(batcher));
        place += n * row->type->size;
        len -= n;
    }
    return ND_OK;
}

nd_err nd_batcher_add_code(nd_batcher *batcher, const unsigned char *code, size_t size,
                           const nd_time *time, int64_t diff)
{
    ND_TRY(nd_updates_add(&batcher->fresh, code, size, time, diff));
    return nd_updates_len(&batcher->fresh) >= MOST_FRESH ? sort_fresh(batcher) : ND_OK;
}

/* --- Sealing --- */

static nd_err divide(const nd_updates *all, const nd_antichain *frontier, nd_updates *done,
                     nd_updates *kept, nd_antichain *left)
{
    for (size_t i = 0; i < nd_updates_len(all); i++) {
        const nd_time *const time = nd_updates_time(all, i);
        const bool is_open = nd_antichain_less_equal(frontier, time);
        ND_TRY(nd_updates_add_from(is_open ? kept : done, all, i, time));
        if (is_open)
            ND_TRY(nd_antichain_insert(left, time));
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

nd_err nd_batcher_seal(nd_batcher *batcher, const nd_antichain *frontier, nd_updates *done,
                       nd_antichain *left)
{
    nd_updates kept;
    ND_TRY(sort_fresh(batcher));
    while (batcher->runs.len > 1)
        ND_TRY(merge_last(batcher));
    if (batcher->runs.len == 0)
        return ND_OK;
    nd_updates *const all = nd_vector_at(&batcher->runs, 0);
    if (is_all_complete(all, frontier)) {
        nd_updates_deinit(done);
        *done = *(nd_updates *)nd_vector_pop(&batcher->runs);
        return ND_OK;
    }
    nd_updates_init(&kept, batcher->code);
    const nd_err err = divide(all, frontier, done, &kept, left);
    if (err != ND_OK) {
        nd_updates_deinit(&kept);
        return err;
    }
    nd_updates_deinit(all);
    *all = kept;
    if (nd_updates_len(&kept) == 0) {
        nd_updates_deinit(&kept);
        (void)nd_vector_pop(&batcher->runs);
    }
    return ND_OK;
}
