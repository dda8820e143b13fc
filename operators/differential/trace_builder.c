/* SPDX-License-Identifier: Apache-2.0 */
/* Columns grow one by one, and sealing copies them side by side into the block. A value's list
 * stands at the end of all lists until the next value comes: then it is dropped if it is the same
 * as the list before, or becomes a list. Times are numbered as they come, and anew, in total order
 * and without those that have no update, in the block. */
#include "operators/differential/trace_builder.h"

#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/number.h"

enum { MOST_KEPT = 1 << 16 /* values for which memory is kept after sealing */ };

void nd_trace_builder_init(nd_trace_builder *builder, const nd_trace_shape *shape)
{
    *builder = (nd_trace_builder){.shape = *shape};
    nd_vector_init(&builder->keys, 1);
    nd_vector_init(&builder->values, 1);
    nd_vector_init(&builder->key_starts, sizeof(uint32_t));
    nd_vector_init(&builder->value_starts, sizeof(uint32_t));
    nd_vector_init(&builder->first_values, sizeof(uint32_t));
    nd_vector_init(&builder->bits, sizeof(uint64_t));
    nd_vector_init(&builder->first_updates, sizeof(uint32_t));
    nd_vector_init(&builder->numbers, sizeof(uint32_t));
    nd_vector_init(&builder->diffs, sizeof(int64_t));
    nd_time_table_init(&builder->table);
}

void nd_trace_builder_deinit(nd_trace_builder *builder)
{
    const nd_trace_shape shape = builder->shape;
    nd_vector_deinit(&builder->keys);
    nd_vector_deinit(&builder->values);
    nd_vector_deinit(&builder->key_starts);
    nd_vector_deinit(&builder->value_starts);
    nd_vector_deinit(&builder->first_values);
    nd_vector_deinit(&builder->bits);
    nd_vector_deinit(&builder->first_updates);
    nd_vector_deinit(&builder->numbers);
    nd_vector_deinit(&builder->diffs);
    nd_time_table_deinit(&builder->table);
    nd_trace_builder_init(builder, &shape);
}

void nd_trace_builder_clear(nd_trace_builder *builder)
{
    nd_vector_clear(&builder->keys);
    nd_vector_clear(&builder->values);
    nd_vector_clear(&builder->key_starts);
    nd_vector_clear(&builder->value_starts);
    nd_vector_clear(&builder->first_values);
    nd_vector_clear(&builder->bits);
    nd_vector_clear(&builder->first_updates);
    nd_vector_clear(&builder->numbers);
    nd_vector_clear(&builder->diffs);
    nd_time_table_clear(&builder->table);
    builder->n_values = builder->n_finished = builder->open = 0;
    builder->n_updates = 0;
}

/* --- Adding --- */

/* As nd_vector_push, without a call where there is room; `size` is that of its items. */
static inline void *push(nd_vector *vector, size_t size)
{
    return vector->len < vector->capacity ? (unsigned char *)vector->items + vector->len++ * size
                                          : nd_vector_push(vector);
}

static inline nd_err push_number(nd_vector *vector, size_t number)
{
    if (number > UINT32_MAX)
        return ND_FAILED;
    uint32_t *const place = push(vector, sizeof *place);
    if (!place)
        return ND_NOMEM;
    *place = (uint32_t)number;
    return ND_OK;
}

nd_err nd_trace_builder_room(nd_vector *items, size_t more)
{
    const size_t needed = items->len + more, grown = items->capacity + items->capacity / 2;
    if (needed <= items->capacity)
        return ND_OK;
    return nd_vector_reserve(items, needed > grown ? needed : grown);
}

/* As memcpy, for codes, which mostly have one of two sizes. */
static inline void copy_code(unsigned char *to, nd_trace_code code)
{
    if (code.size == 4)
        memcpy(to, code.bytes, 4);
    else if (code.size == 8)
        memcpy(to, code.bytes, 8);
    else if (code.size)
        memcpy(to, code.bytes, code.size);
}

static inline nd_err add_code(nd_vector *bytes, nd_vector *starts, bool is_fixed,
                              nd_trace_code code)
{
    if (!is_fixed && code.size > UINT32_MAX - bytes->len)
        return ND_FAILED;
    if (bytes->capacity - bytes->len < code.size)
        ND_TRY(nd_trace_builder_room(bytes, code.size));
    if (!is_fixed)
        ND_TRY(push_number(starts, bytes->len));
    if (code.size == 0)
        return ND_OK;
    copy_code((unsigned char *)bytes->items + bytes->len, code);
    bytes->len += code.size;
    return ND_OK;
}

/* The last of the codes that were added, of which there is one. */
static inline nd_trace_code last_code(const nd_vector *bytes, const nd_vector *starts,
                                      bool is_fixed, uint32_t size)
{
    if (!is_fixed)
        size = (uint32_t)bytes->len - *(uint32_t *)nd_vector_at(starts, starts->len - 1);
    if (!size)
        return (nd_trace_code){NULL, 0};
    return (nd_trace_code){(const unsigned char *)bytes->items + (bytes->len - size), size};
}

/* As nd_trace_code_compare, without a call for codes of the common sizes. */
static inline int compare_codes(nd_trace_code a, nd_trace_code b)
{
    if (a.size == 4 && b.size == 4)
        return nd_number_compare_codes(a.bytes, b.bytes, 4);
    return nd_trace_code_compare(a, b);
}

/* Whether the last list, which is not finished, is the same as the one before it. */
static bool repeats(const nd_trace_builder *builder)
{
    const uint32_t *const numbers = builder->numbers.items;
    const int64_t *const diffs = builder->diffs.items;
    const size_t open = builder->open, len = builder->numbers.len - open;
    const size_t n_lists = builder->first_updates.len;
    if (n_lists == 0)
        return false;
    const size_t before = *(uint32_t *)nd_vector_at(&builder->first_updates, n_lists - 1);
    if (open - before != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (numbers[before + i] != numbers[open + i] || diffs[before + i] != diffs[open + i])
            return false;
    return true;
}

nd_err nd_trace_builder_finish(nd_trace_builder *builder)
{
    const uint32_t value = builder->n_finished;
    if (value == builder->n_values)
        return ND_OK;
    const size_t len = builder->numbers.len - builder->open;
    assert(len != 0);
    if (value / 64 == builder->bits.len) {
        uint64_t *const word = nd_vector_push(&builder->bits);
        if (!word)
            return ND_NOMEM;
        *word = 0;
    }
    if (repeats(builder)) {
        nd_vector_truncate(&builder->numbers, builder->open);
        nd_vector_truncate(&builder->diffs, builder->open);
    } else {
        ND_TRY(push_number(&builder->first_updates, builder->open));
        *(uint64_t *)nd_vector_at(&builder->bits, value / 64) |= UINT64_C(1) << value % 64;
        builder->open = (uint32_t)builder->numbers.len;
    }
    builder->n_updates += len;
    builder->n_finished++;
    return ND_OK;
}

nd_err nd_trace_builder_open(nd_trace_builder *builder, nd_trace_code key, nd_trace_code value)
{
    const nd_trace_shape *const shape = &builder->shape;
    int key_order = -1, value_order = -1; /* of the last to this */
    assert(!shape->key_is_fixed || key.size == shape->key_size);
    assert(!shape->value_is_fixed || value.size == shape->value_size);
    if (builder->n_values) {
        key_order = compare_codes(
            last_code(&builder->keys, &builder->key_starts, shape->key_is_fixed, shape->key_size),
            key);
        value_order = compare_codes(last_code(&builder->values, &builder->value_starts,
                                              shape->value_is_fixed, shape->value_size),
                                    value);
        assert(key_order < 0 || (key_order == 0 && value_order <= 0));
        if (key_order == 0 && value_order == 0)
            return ND_OK;
    }
    ND_TRY(nd_trace_builder_finish(builder));
    if (builder->n_values == UINT32_MAX)
        return ND_FAILED;
    if (key_order != 0) {
        ND_TRY(add_code(&builder->keys, &builder->key_starts, shape->key_is_fixed, key));
        ND_TRY(push_number(&builder->first_values, builder->n_values));
    }
    ND_TRY(add_code(&builder->values, &builder->value_starts, shape->value_is_fixed, value));
    builder->n_values++;
    return ND_OK;
}

nd_err nd_trace_builder_add(nd_trace_builder *builder, uint32_t number, int64_t diff)
{
    assert(diff != 0 && builder->n_finished < builder->n_values);
    if (builder->numbers.len == UINT32_MAX)
        return ND_FAILED;
    if (builder->numbers.len > builder->open) {
        const uint32_t last =
            *(uint32_t *)nd_vector_at(&builder->numbers, builder->numbers.len - 1);
        assert(nd_time_compare(nd_time_table_get(&builder->table, last),
                               nd_time_table_get(&builder->table, number)) < 0);
        (void)last;
    }
    int64_t *const place = push(&builder->diffs, sizeof *place);
    if (!place)
        return ND_NOMEM;
    *place = diff;
    return push_number(&builder->numbers, number);
}

nd_err nd_trace_builder_push(nd_trace_builder *builder, nd_trace_code key, nd_trace_code value,
                             const nd_time *time, int64_t diff)
{
    uint32_t number;
    ND_TRY(nd_time_table_add(&builder->table, time, &number));
    ND_TRY(nd_trace_builder_open(builder, key, value));
    return nd_trace_builder_add(builder, number, diff);
}

/* --- Sealing --- */

static int compare_numbers(const void *a, const void *b, void *table)
{
    return nd_time_compare(nd_time_table_get(table, *(const uint32_t *)a),
                           nd_time_table_get(table, *(const uint32_t *)b));
}

/* Writes the numbers of times that have updates, in total order of the times, to `used`, and to
 * `ranks`, which is zero, the place of each there. Returns how many there are. */
static uint32_t rank_times(nd_trace_builder *builder, uint32_t *used, uint32_t *ranks)
{
    const uint32_t *const numbers = builder->numbers.items;
    const uint32_t n_times = (uint32_t)nd_time_table_len(&builder->table);
    uint32_t n = 0;
    bool is_sorted = true;
    for (size_t i = 0; i < builder->numbers.len; i++)
        ranks[numbers[i]] = 1;
    for (uint32_t i = 0; i < n_times; i++)
        if (ranks[i]) {
            used[n++] = i;
            is_sorted &= n == 1 || compare_numbers(&used[n - 2], &used[n - 1], &builder->table) < 0;
        }
    if (!is_sorted)
        qsort_r(used, n, sizeof *used, compare_numbers, &builder->table);
    for (uint32_t i = 0; i < n; i++)
        ranks[used[i]] = i;
    return n;
}

/* A block in the making. */
typedef struct draft {
    nd_trace_head head;
    uint64_t places[ND_TRACE_N_COLUMNS + 1];
    unsigned char *bytes;
} draft;

/* NULL: it is left out. */
static void *place_of(const draft *made, unsigned column)
{
    const uint64_t place = made->places[column];
    return place == made->places[column + 1] ? NULL : made->bytes + place;
}

static void put_times(const nd_trace_builder *builder, const nd_antichain *const frontiers[3],
                      const uint32_t *used, const draft *made)
{
    nd_time *place = (void *)(made->bytes + made->places[ND_TRACE_TIMES]);
    for (unsigned i = 0; i < 3; i++)
        for (size_t k = 0; k < frontiers[i]->len; k++)
            *place++ = nd_antichain_items(frontiers[i])[k];
    for (uint32_t i = 0; i < made->head.n_times; i++)
        *place++ = *nd_time_table_get(&builder->table, used[i]);
}

static void put_lists(const nd_trace_builder *builder, const uint32_t *ranks, const draft *made)
{
    const uint64_t *const bits = builder->bits.items;
    const uint32_t *const numbers = builder->numbers.items;
    nd_trace_mark *const marks = place_of(made, ND_TRACE_MARKS);
    uint32_t *const placed = place_of(made, ND_TRACE_NUMBERS);
    uint64_t rank = 0;
    for (size_t i = 0; marks && i < builder->bits.len; i++) {
        marks[i] = (nd_trace_mark){bits[i], rank};
        rank += (uint64_t)__builtin_popcountll(bits[i]);
    }
    for (size_t i = 0; placed && i < builder->numbers.len; i++)
        placed[i] = ranks[numbers[i]];
}

static void put_vector(const draft *made, unsigned column, const nd_vector *items)
{
    void *const place = place_of(made, column);
    if (place && items->len)
        memcpy(place, items->items, items->len * items->item_size);
}

/* As put_vector, with one more at the end. */
static void put_firsts(const draft *made, unsigned column, const nd_vector *firsts, size_t end)
{
    uint32_t *const place = place_of(made, column);
    put_vector(made, column, firsts);
    if (place)
        place[firsts->len] = (uint32_t)end;
}

static void put_codes(const nd_trace_builder *builder, const draft *made)
{
    put_vector(made, ND_TRACE_DIFFS, &builder->diffs);
    put_firsts(made, ND_TRACE_FIRST_VALUES, &builder->first_values, builder->n_values);
    put_firsts(made, ND_TRACE_FIRST_UPDATES, &builder->first_updates, builder->numbers.len);
    put_firsts(made, ND_TRACE_KEY_STARTS, &builder->key_starts, builder->keys.len);
    put_firsts(made, ND_TRACE_VALUE_STARTS, &builder->value_starts, builder->values.len);
    put_vector(made, ND_TRACE_KEYS, &builder->keys);
    put_vector(made, ND_TRACE_VALUES, &builder->values);
}

static nd_trace_head make_head(const nd_trace_builder *builder,
                               const nd_antichain *const frontiers[3], uint32_t n_times)
{
    const nd_trace_shape *const shape = &builder->shape;
    const uint32_t n_stored = (uint32_t)builder->numbers.len;
    const bool has_diffs = !nd_trace_leaves_out_diffs(builder->diffs.items, n_stored, n_times);
    return (nd_trace_head){.magic = nd_trace_head_magic(),
                           .n_updates = builder->n_updates,
                           .key_is_fixed = shape->key_is_fixed,
                           .key_size = shape->key_is_fixed ? shape->key_size : 0,
                           .value_is_fixed = shape->value_is_fixed,
                           .value_size = shape->value_is_fixed ? shape->value_size : 0,
                           .key_bytes = shape->key_is_fixed ? 0 : (uint32_t)builder->keys.len,
                           .value_bytes = shape->value_is_fixed ? 0 : (uint32_t)builder->values.len,
                           .n_lower = (uint32_t)frontiers[0]->len,
                           .n_upper = (uint32_t)frontiers[1]->len,
                           .n_since = (uint32_t)frontiers[2]->len,
                           .n_times = n_times,
                           .n_keys = (uint32_t)builder->first_values.len,
                           .n_values = builder->n_values,
                           .n_lists = (uint32_t)builder->first_updates.len,
                           .n_stored = n_stored,
                           .n_diffs = has_diffs ? n_stored : 0};
}

/* `used` and `ranks` have room for all times; `ranks` is zero. */
static nd_err make_block(nd_trace_builder *builder, const nd_antichain *const frontiers[3],
                         uint32_t *used, uint32_t *ranks, draft *made)
{
    const uint32_t n_times = rank_times(builder, used, ranks);
    made->head = make_head(builder, frontiers, n_times);
    if (!nd_trace_head_place(&made->head, SIZE_MAX, made->places))
        return ND_NOMEM;
    made->bytes = nd_alloc(1, (size_t)made->head.size);
    if (!made->bytes)
        return ND_NOMEM;
    memcpy(made->bytes, &made->head, sizeof made->head);
    for (unsigned i = 0; i < ND_TRACE_N_COLUMNS; i++) /* the gaps, before what overwrites them */
        if (made->places[i + 1] > made->places[i])
            memset(made->bytes + made->places[i + 1] - 8, 0, 8);
    put_times(builder, frontiers, used, made);
    put_lists(builder, ranks, made);
    put_codes(builder, made);
    return ND_OK;
}

nd_err nd_trace_builder_seal(nd_trace_builder *builder, const nd_antichain *lower,
                             const nd_antichain *upper, const nd_antichain *since,
                             nd_trace_batch **batch)
{
    static const nd_antichain zero = {.len = 1};
    const nd_antichain *const frontiers[3] = {lower, upper, since ? since : &zero};
    draft made = {.bytes = NULL};
    for (unsigned i = 0; i < 3; i++)
        if (frontiers[i]->len > ND_TRACE_WIDTH_MOST)
            return ND_FAILED;
    ND_TRY(nd_trace_builder_finish(builder));
    const size_t n_times = nd_time_table_len(&builder->table);
    uint32_t *const ranks = nd_alloc_zero(2 * n_times, sizeof *ranks);
    nd_err err = ranks ? ND_OK : ND_NOMEM;
    if (err == ND_OK)
        err = make_block(builder, frontiers, ranks + n_times, ranks, &made);
    if (err == ND_OK)
        err = nd_trace_batch_create(made.bytes, batch);
    nd_free(ranks);
    if (err != ND_OK)
        nd_free(made.bytes);
    else if (builder->n_values > MOST_KEPT)
        nd_trace_builder_deinit(builder);
    else
        nd_trace_builder_clear(builder);
    return err;
}
