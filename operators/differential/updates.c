/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting: numbers of updates in order of the first eight bytes of their codes, by radix; then runs
 * of equal ones in order of the rest, and of their times, by comparing. */
#include "operators/differential/updates.h"

#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"

void nd_updates_init(nd_updates *updates, const nd_record_code *code)
{
    updates->code = code;
    nd_vector_init(&updates->codes, 1);
    nd_vector_init(&updates->ends, sizeof(size_t));
    nd_vector_init(&updates->times, sizeof(uint32_t));
    nd_vector_init(&updates->diffs, sizeof(int64_t));
    nd_time_table_init(&updates->table);
}

void nd_updates_deinit(nd_updates *updates)
{
    nd_vector_deinit(&updates->codes);
    nd_vector_deinit(&updates->ends);
    nd_vector_deinit(&updates->times);
    nd_vector_deinit(&updates->diffs);
    nd_time_table_deinit(&updates->table);
}

void nd_updates_clear(nd_updates *updates)
{
    nd_vector_clear(&updates->codes);
    nd_vector_clear(&updates->ends);
    nd_vector_clear(&updates->times);
    nd_vector_clear(&updates->diffs);
    nd_time_table_clear(&updates->table);
}

/* --- Adding --- */

/* Room for more items, grown by half at least. */
static nd_err get_room(nd_vector *vector, size_t more)
{
    const size_t needed = vector->len + more, grown = vector->capacity + vector->capacity / 2;
    if (needed <= vector->capacity)
        return ND_OK;
    return nd_vector_reserve(vector, needed > grown ? needed : grown);
}

static nd_err get_room_for(nd_updates *updates, size_t n_codes, size_t code_bytes)
{
    ND_TRY(get_room(&updates->codes, code_bytes));
    if (!updates->code->is_fixed)
        ND_TRY(get_room(&updates->ends, n_codes));
    ND_TRY(get_room(&updates->times, n_codes));
    return get_room(&updates->diffs, n_codes);
}

static void add_stamp(nd_updates *updates, uint32_t time, int64_t diff)
{
    ((uint32_t *)updates->times.items)[updates->times.len++] = time;
    ((int64_t *)updates->diffs.items)[updates->diffs.len++] = diff;
}

static nd_err add_codes(nd_updates *updates, const unsigned char *rows, size_t stride, size_t len)
{
    const nd_record_code *const code = updates->code;
    if (code->is_fixed) {
        ND_TRY(get_room_for(updates, len, len * code->size));
        unsigned char *const place = (unsigned char *)updates->codes.items + updates->codes.len;
        nd_record_code_write_many(code, rows, stride, len, place);
        updates->codes.len += len * code->size;
        return ND_OK;
    }
    for (size_t i = 0; i < len; i++) {
        const unsigned char *const row = rows + i * stride;
        ND_TRY(get_room_for(updates, len - i, nd_record_code_size(code, row)));
        unsigned char *const place = (unsigned char *)updates->codes.items + updates->codes.len;
        updates->codes.len += nd_record_code_write(code, row, place);
        ((size_t *)updates->ends.items)[updates->ends.len++] = updates->codes.len;
    }
    return ND_OK;
}

nd_err nd_updates_add_rows(nd_updates *updates, const nd_row *row, const void *rows, size_t len)
{
    const unsigned char *place = rows;
    ND_TRY(add_codes(updates, place, row->type->size, len));
    for (size_t i = 0; i < len; i++, place += row->type->size) {
        uint32_t number;
        const nd_time time = nd_row_time(row, place);
        ND_TRY(nd_time_table_add(&updates->table, &time, &number));
        add_stamp(updates, number, nd_row_diff(row, place));
    }
    return ND_OK;
}

/* Room has been made. */
static void copy_code(nd_updates *updates, const nd_updates *from, size_t i)
{
    size_t size;
    const unsigned char *const code = nd_updates_code(from, i, &size);
    if (size)
        memcpy((unsigned char *)updates->codes.items + updates->codes.len, code, size);
    updates->codes.len += size;
    if (!updates->code->is_fixed)
        ((size_t *)updates->ends.items)[updates->ends.len++] = updates->codes.len;
}

nd_err nd_updates_add_from(nd_updates *updates, const nd_updates *from, size_t i,
                           const nd_time *time)
{
    size_t size;
    uint32_t number;
    (void)nd_updates_code(from, i, &size);
    ND_TRY(get_room_for(updates, 1, size));
    ND_TRY(nd_time_table_add(&updates->table, time, &number));
    copy_code(updates, from, i);
    add_stamp(updates, number, nd_updates_diff(from, i));
    return ND_OK;
}

/* --- Order --- */

static int compare_codes(const nd_updates *a, size_t i, const nd_updates *b, size_t k)
{
    size_t a_size, b_size;
    const unsigned char *const a_code = nd_updates_code(a, i, &a_size);
    const unsigned char *const b_code = nd_updates_code(b, k, &b_size);
    const size_t common = a_size < b_size ? a_size : b_size;
    const int order = common ? memcmp(a_code, b_code, common) : 0;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_updates(const nd_updates *a, size_t i, const nd_updates *b, size_t k)
{
    const int order = compare_codes(a, i, b, k);
    return order ? order : nd_time_compare(nd_updates_time(a, i), nd_updates_time(b, k));
}

/* An update by its number, and the beginning of its code as a number. */
typedef struct entry {
    uint64_t prefix;
    size_t index;
} entry;

static uint64_t prefix_of(const nd_updates *updates, size_t i)
{
    size_t size;
    uint64_t prefix = 0;
    const unsigned char *const code = nd_updates_code(updates, i, &size);
    for (size_t k = 0; k < 8; k++)
        prefix = prefix << 8 | (k < size ? code[k] : 0);
    return prefix;
}

static bool needs_pass(const size_t *counts, size_t len)
{
    for (unsigned d = 0; d < 256; d++)
        if (counts[d])
            return counts[d] != len;
    return false;
}

/* Sorts by prefixes, stably; returns which of the two arrays has the result. */
static entry *sort_by_prefix(entry *from, entry *to, size_t len)
{
    size_t counts[8][256] = {{0}};
    for (size_t i = 0; i < len; i++)
        for (unsigned byte = 0; byte < 8; byte++)
            counts[byte][from[i].prefix >> (8 * byte) & 255]++;
    for (unsigned byte = 0; byte < 8; byte++) {
        size_t place = 0;
        if (!needs_pass(counts[byte], len))
            continue;
        for (unsigned d = 0; d < 256; d++) {
            const size_t count = counts[byte][d];
            counts[byte][d] = place;
            place += count;
        }
        for (size_t i = 0; i < len; i++)
            to[counts[byte][from[i].prefix >> (8 * byte) & 255]++] = from[i];
        entry *const done = to;
        to = from;
        from = done;
    }
    return from;
}

static int compare_entries(const void *a, const void *b, void *updates)
{
    return compare_updates(updates, ((const entry *)a)->index, updates, ((const entry *)b)->index);
}

/* Runs of one prefix, which come in the order in which they were added: often that is theirs. */
static void sort_runs(nd_updates *updates, entry *entries, size_t len)
{
    for (size_t begin = 0, end; begin < len; begin = end) {
        bool is_sorted = true;
        for (end = begin + 1; end < len && entries[end].prefix == entries[begin].prefix; end++)
            is_sorted &= compare_entries(&entries[end - 1], &entries[end], updates) <= 0;
        if (!is_sorted)
            qsort_r(entries + begin, end - begin, sizeof *entries, compare_entries, updates);
    }
}

/* --- Consolidating --- */

/* Appends what updates of one code and time add up to. */
typedef struct sum {
    const nd_updates *from; /* the first of them; NULL: none yet */
    size_t index;
    int64_t diff;
} sum;

static nd_err put_sum(nd_updates *out, const sum *done)
{
    if (!done->from || done->diff == 0)
        return ND_OK;
    ND_TRY(nd_updates_add_from(out, done->from, done->index,
                               nd_updates_time(done->from, done->index)));
    *(int64_t *)nd_vector_at(&out->diffs, out->diffs.len - 1) = done->diff;
    return ND_OK;
}

static nd_err add_up(nd_updates *out, sum *running, const nd_updates *from, size_t i)
{
    const int64_t diff = nd_updates_diff(from, i);
    if (running->from && compare_updates(running->from, running->index, from, i) == 0)
        return nd_difference_plus(running->diff, diff, &running->diff) ? ND_OK : ND_FAILED;
    ND_TRY(put_sum(out, running));
    *running = (sum){from, i, diff};
    return ND_OK;
}

static nd_err gather(const nd_updates *updates, const entry *order, size_t len, nd_updates *out)
{
    sum running = {.from = NULL};
    for (size_t i = 0; i < len; i++)
        ND_TRY(add_up(out, &running, updates, order[i].index));
    return put_sum(out, &running);
}

nd_err nd_updates_consolidate(nd_updates *updates)
{
    const size_t len = nd_updates_len(updates);
    if (len == 0)
        return ND_OK;
    nd_updates out;
    nd_updates_init(&out, updates->code);
    entry *const entries = nd_alloc(2 * len, sizeof *entries);
    nd_err err = entries ? ND_OK : ND_NOMEM;
    if (err == ND_OK) {
        for (size_t i = 0; i < len; i++)
            entries[i] = (entry){prefix_of(updates, i), i};
        entry *const order = sort_by_prefix(entries, entries + len, len);
        sort_runs(updates, order, len);
        err = gather(updates, order, len, &out);
    }
    nd_free(entries);
    if (err == ND_OK) {
        const nd_updates sorted = out;
        out = *updates;
        *updates = sorted;
    }
    nd_updates_deinit(&out);
    return err;
}

nd_err nd_updates_merge(const nd_updates *a, const nd_updates *b, nd_updates *out)
{
    const size_t a_len = nd_updates_len(a), b_len = nd_updates_len(b);
    sum running = {.from = NULL};
    for (size_t i = 0, k = 0; i < a_len || k < b_len;) {
        const bool takes_a = k == b_len || (i < a_len && compare_updates(a, i, b, k) <= 0);
        ND_TRY(takes_a ? add_up(out, &running, a, i) : add_up(out, &running, b, k));
        i += takes_a;
        k += !takes_a;
    }
    return put_sum(out, &running);
}
