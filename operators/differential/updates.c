/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting: numbers of updates in order of the first eight bytes of their codes, by radix; then runs
 * of equal ones in order of the rest, and of their times, by comparing. */
#include "operators/differential/updates.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"
#include "operators/differential/number.h"
#include "operators/differential/number_sort.h"

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

static inline void add_stamp(nd_updates *updates, uint32_t time, int64_t diff)
{
    ((uint32_t *)updates->times.items)[updates->times.len++] = time;
    ((int64_t *)updates->diffs.items)[updates->diffs.len++] = diff;
}

static nd_err add_codes(nd_updates *updates, const unsigned char *rows, size_t stride, size_t len)
{
    const nd_record_code *const code = updates->code;
    if (code->is_fixed) {
        ND_TRY(get_room_for(updates, len, len * code->size + 1)); /* a code may be empty */
        unsigned char *const place = (unsigned char *)updates->codes.items + updates->codes.len;
        nd_record_code_write_many(code, rows, stride, len, place);
        updates->codes.len += len * code->size;
        return ND_OK;
    }
    for (size_t i = 0; i < len; i++) {
        const unsigned char *const row = rows + i * stride;
        ND_TRY(get_room_for(updates, len - i, nd_record_code_size(code, row) + 1));
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
static inline void append(nd_updates *updates, const unsigned char *code, size_t size,
                          uint32_t time, int64_t diff)
{
    if (size)
        memcpy((unsigned char *)updates->codes.items + updates->codes.len, code, size);
    updates->codes.len += size;
    if (!updates->code->is_fixed)
        ((size_t *)updates->ends.items)[updates->ends.len++] = updates->codes.len;
    add_stamp(updates, time, diff);
}

nd_err nd_updates_add(nd_updates *updates, const unsigned char *code, size_t size,
                      const nd_time *time, int64_t diff)
{
    uint32_t number;
    ND_TRY(get_room_for(updates, 1, size));
    ND_TRY(nd_time_table_add(&updates->table, time, &number));
    append(updates, code, size, number, diff);
    return ND_OK;
}

nd_err nd_updates_add_from(nd_updates *updates, const nd_updates *from, size_t i,
                           const nd_time *time)
{
    size_t size;
    const unsigned char *const code = nd_updates_code(from, i, &size);
    return nd_updates_add(updates, code, size, time, nd_updates_diff(from, i));
}

nd_err nd_updates_add_numbers(nd_updates *updates, const uint64_t *numbers, const int64_t *diffs,
                              size_t len, const nd_time *time)
{
    uint32_t number;
    const uint32_t size = updates->code->size;
    const unsigned words = nd_number_words(size);
    assert(updates->code->is_fixed && size <= ND_NUMBER_BYTES);
    ND_TRY(get_room_for(updates, len, len * size + ND_NUMBER_BYTES)); /* zeros behind the last */
    ND_TRY(nd_time_table_add(&updates->table, time, &number));
    unsigned char *place = (unsigned char *)updates->codes.items + updates->codes.len;
    for (size_t i = 0; i < len; i++, place += size, numbers += words) {
        nd_number_write(numbers, words, place);
        add_stamp(updates, number, diffs ? diffs[i] : 1);
    }
    updates->codes.len += len * size;
    return ND_OK;
}

/* --- Renumbering --- */

/* From the numbers of times in one table to those in another, which gets those that are used. */
typedef struct renumbering {
    const nd_time_table *from;
    nd_time_table *to;
    uint32_t *numbers; /* UINT32_MAX: not used yet */
} renumbering;

static nd_err renumbering_init(renumbering *map, const nd_time_table *from, nd_time_table *to)
{
    const size_t n = nd_time_table_len(from);
    *map = (renumbering){from, to, nd_alloc(n, sizeof *map->numbers)};
    if (!map->numbers)
        return ND_NOMEM;
    for (size_t i = 0; i < n; i++)
        map->numbers[i] = UINT32_MAX;
    return ND_OK;
}

static inline nd_err renumber(const renumbering *map, uint32_t number, uint32_t *renumbered)
{
    if (map->numbers[number] == UINT32_MAX)
        ND_TRY(nd_time_table_add(map->to, nd_time_table_get(map->from, number),
                                 &map->numbers[number]));
    *renumbered = map->numbers[number];
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

/* An update: the beginning of its code as a number, and where it stands. A pair (number_sort.h). */
typedef struct entry {
    uint64_t number, carried;
} entry;

static uint64_t prefix_of(const nd_updates *updates, size_t i)
{
    size_t size;
    uint64_t prefix = 0;
    const unsigned char *const code = nd_updates_code(updates, i, &size);
    if (size >= 8)
        return nd_number_load_8(code);
    for (size_t k = 0; k < 8; k++)
        prefix = prefix << 8 | (k < size ? code[k] : 0);
    return prefix;
}

static int compare_entries(const void *a, const void *b, void *updates)
{
    return compare_updates(updates, ((const entry *)a)->carried, updates,
                           ((const entry *)b)->carried);
}

/* Runs of one prefix, which come in the order in which they were added: often that is theirs. */
static void sort_runs(nd_updates *updates, entry *entries, size_t len)
{
    for (size_t begin = 0, end; begin < len; begin = end) {
        bool is_sorted = true;
        for (end = begin + 1; end < len && entries[end].number == entries[begin].number; end++)
            is_sorted &= compare_entries(&entries[end - 1], &entries[end], updates) <= 0;
        if (!is_sorted)
            qsort_r(entries + begin, end - begin, sizeof *entries, compare_entries, updates);
    }
}

/* --- Consolidating --- */

static nd_err gather(const nd_updates *updates, const entry *order, size_t len,
                     const renumbering *map, nd_updates *out)
{
    ND_TRY(get_room_for(out, len, updates->codes.len));
    for (size_t begin = 0, end; begin < len; begin = end) {
        size_t size;
        uint32_t number;
        const size_t first = order[begin].carried;
        int64_t diff = nd_updates_diff(updates, first);
        for (end = begin + 1; end < len && order[end].number == order[begin].number &&
                              compare_updates(updates, first, updates, order[end].carried) == 0;
             end++)
            if (!nd_difference_plus(diff, nd_updates_diff(updates, order[end].carried), &diff))
                return ND_FAILED;
        if (diff == 0)
            continue;
        ND_TRY(renumber(map, *(uint32_t *)nd_vector_at(&updates->times, first), &number));
        const unsigned char *const code = nd_updates_code(updates, first, &size);
        append(out, code, size, number, diff);
    }
    return ND_OK;
}

static nd_err consolidate(nd_updates *updates, entry *entries, nd_updates *out)
{
    renumbering map;
    const size_t len = nd_updates_len(updates);
    for (size_t i = 0; i < len; i++)
        entries[i] = (entry){prefix_of(updates, i), i};
    entry *const order =
        (entry *)nd_number_sort_pairs((uint64_t *)entries, (uint64_t *)(entries + len), len, 1);
    sort_runs(updates, order, len);
    nd_err err = renumbering_init(&map, &updates->table, &out->table);
    if (err == ND_OK)
        err = gather(updates, order, len, &map, out);
    nd_free(map.numbers);
    return err;
}

nd_err nd_updates_consolidate(nd_updates *updates)
{
    const size_t len = nd_updates_len(updates);
    if (len == 0)
        return ND_OK;
    nd_updates out;
    nd_updates_init(&out, updates->code);
    entry *const entries = nd_alloc(2 * len, sizeof *entries);
    const nd_err err = entries ? consolidate(updates, entries, &out) : ND_NOMEM;
    nd_free(entries);
    if (err == ND_OK) {
        const nd_updates sorted = out;
        out = *updates;
        *updates = sorted;
    }
    nd_updates_deinit(&out);
    return err;
}

/* --- Merging --- */

/* One of two that are merged, and how far it is taken. */
typedef struct side {
    const nd_updates *updates;
    renumbering map;
    size_t next, len;
} side;

static inline nd_err take(nd_updates *out, side *from, size_t size)
{
    uint32_t number;
    const size_t i = from->next++;
    const nd_updates *const updates = from->updates;
    ND_TRY(renumber(&from->map, ((const uint32_t *)updates->times.items)[i], &number));
    const int64_t diff = ((const int64_t *)updates->diffs.items)[i];
    if (size) {
        append(out, (const unsigned char *)updates->codes.items + i * size, size, number, diff);
        return ND_OK;
    }
    const unsigned char *const code = nd_updates_code(updates, i, &size);
    append(out, code, size, number, diff);
    return ND_OK;
}

/* Both have an update of one code and time. */
static inline nd_err take_both(nd_updates *out, side *a, side *b, size_t size)
{
    int64_t diff;
    if (!nd_difference_plus(nd_updates_diff(a->updates, a->next),
                            nd_updates_diff(b->updates, b->next), &diff))
        return ND_FAILED;
    b->next++;
    if (diff == 0) {
        a->next++;
        return ND_OK;
    }
    ND_TRY(take(out, a, size));
    ((int64_t *)out->diffs.items)[out->diffs.len - 1] = diff;
    return ND_OK;
}

/* The order of what comes next; `size` is that of all codes, or zero. */
static inline int compare_next(const side *a, const side *b, size_t size)
{
    if (!size)
        return compare_updates(a->updates, a->next, b->updates, b->next);
    const int order = nd_number_compare_codes(
        (const unsigned char *)a->updates->codes.items + a->next * size,
        (const unsigned char *)b->updates->codes.items + b->next * size, size);
    return order ? order
                 : nd_time_compare(nd_updates_time(a->updates, a->next),
                                   nd_updates_time(b->updates, b->next));
}

static inline nd_err merge(nd_updates *out, side *a, side *b, size_t size)
{
    while (a->next < a->len && b->next < b->len) {
        const int order = compare_next(a, b, size);
        if (order == 0)
            ND_TRY(take_both(out, a, b, size));
        else
            ND_TRY(take(out, order < 0 ? a : b, size));
    }
    side *const rest = a->next < a->len ? a : b;
    while (rest->next < rest->len)
        ND_TRY(take(out, rest, size));
    return ND_OK;
}

static nd_err merge_any(nd_updates *out, side *a, side *b)
{
    switch (out->code->is_fixed ? out->code->size : 0) {
    case 4:
        return merge(out, a, b, 4);
    case 8:
        return merge(out, a, b, 8);
    case 12:
        return merge(out, a, b, 12);
    case 16:
        return merge(out, a, b, 16);
    default:
        return merge(out, a, b, 0);
    }
}

nd_err nd_updates_merge(const nd_updates *a, const nd_updates *b, nd_updates *out)
{
    side left = {.updates = a, .len = nd_updates_len(a)};
    side right = {.updates = b, .len = nd_updates_len(b)};
    nd_err err = get_room_for(out, left.len + right.len, a->codes.len + b->codes.len);
    if (err == ND_OK)
        err = renumbering_init(&left.map, &a->table, &out->table);
    if (err == ND_OK)
        err = renumbering_init(&right.map, &b->table, &out->table);
    if (err == ND_OK)
        err = merge_any(out, &left, &right);
    nd_free(left.map.numbers);
    nd_free(right.map.numbers);
    return err;
}
