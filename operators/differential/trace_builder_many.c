/* SPDX-License-Identifier: Apache-2.0 */
/* Many updates of one time at once. The first and the last are added as any others; those between
 * them are values that are finished as they come, whose lists have one update, and cost a store a
 * column. */
#include <string.h>

#include "operators/differential/trace_builder.h"

/* One body, compiled once for each pair of sizes. */
#define KERNEL static inline __attribute__((always_inline))

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blocks are little-endian");

/* Writes the bytes of a number of `size` bytes, the highest first, and zeros. */
static inline void spread(uint64_t number, unsigned size, unsigned char bytes[8])
{
    const uint64_t reversed = __builtin_bswap64(size ? number << (64 - 8 * size) : 0);
    memcpy(bytes, &reversed, sizeof reversed);
}

/* Appends values, without lists, and their keys. The last value is finished, and there is room. */
KERNEL void append(nd_trace_builder *builder, const uint64_t *numbers, size_t len, uint64_t before,
                   const unsigned key_size, const unsigned value_size)
{
    unsigned char bytes[8];
    unsigned char *keys = (unsigned char *)builder->keys.items + builder->keys.len;
    unsigned char *values = (unsigned char *)builder->values.items + builder->values.len;
    uint32_t *first = (uint32_t *)builder->first_values.items + builder->first_values.len;
    const unsigned shift = 8 * value_size;
    for (size_t i = 0; i < len; i++) {
        spread(numbers[i], key_size + value_size, bytes);
        memcpy(values, bytes + key_size, value_size);
        memcpy(keys, bytes, key_size);
        *first = builder->n_values + (uint32_t)i;
        const bool is_new = shift == 64 ? false : numbers[i] >> shift != before >> shift;
        values += value_size;
        keys += is_new ? key_size : 0;
        first += is_new;
        before = numbers[i];
    }
    builder->values.len += len * value_size;
    builder->keys.len = (size_t)(keys - (unsigned char *)builder->keys.items);
    builder->first_values.len = (size_t)(first - (uint32_t *)builder->first_values.items);
}

static void append_any(nd_trace_builder *builder, const uint64_t *numbers, size_t len,
                       uint64_t before)
{
    const unsigned key_size = builder->shape.key_size, value_size = builder->shape.value_size;
    if (key_size == 4 && value_size == 4)
        append(builder, numbers, len, before, 4, 4);
    else if (key_size == 4 && value_size == 0)
        append(builder, numbers, len, before, 4, 0);
    else if (key_size == 8 && value_size == 0)
        append(builder, numbers, len, before, 8, 0);
    else
        append(builder, numbers, len, before, key_size, value_size);
}

/* Room for more values, each with a key. There is a place even for codes of no bytes. */
static nd_err get_room_for(nd_trace_builder *builder, size_t more)
{
    const size_t n_words = (builder->n_values + more + 63) / 64;
    if (more > UINT32_MAX - builder->n_values)
        return ND_FAILED;
    ND_TRY(nd_trace_builder_room(&builder->keys, more * builder->shape.key_size + 1));
    ND_TRY(nd_trace_builder_room(&builder->values, more * builder->shape.value_size + 1));
    ND_TRY(nd_trace_builder_room(&builder->first_values, more));
    if (n_words <= builder->bits.len)
        return ND_OK;
    const size_t n_new = n_words - builder->bits.len;
    ND_TRY(nd_trace_builder_room(&builder->bits, n_new));
    memset((uint64_t *)builder->bits.items + builder->bits.len, 0, n_new * sizeof(uint64_t));
    builder->bits.len = n_words;
    return ND_OK;
}

static nd_err push_one_number(nd_trace_builder *builder, uint64_t number, const nd_time *time,
                              int64_t diff)
{
    unsigned char bytes[8];
    const uint32_t key_size = builder->shape.key_size, value_size = builder->shape.value_size;
    spread(number, key_size + value_size, bytes);
    return nd_trace_builder_push(builder, (nd_trace_code){bytes, key_size},
                                 (nd_trace_code){bytes + key_size, value_size}, time, diff);
}

/* Gives values that are appended their lists, each of one update: its own where it is not that of
 * the value before. The list before them is of one update at the same time, too. */
static nd_err append_lists(nd_trace_builder *builder, const int64_t *diffs, size_t len)
{
    const uint32_t number = ((uint32_t *)builder->numbers.items)[builder->numbers.len - 1];
    int64_t before = ((int64_t *)builder->diffs.items)[builder->diffs.len - 1];
    if (len > UINT32_MAX - builder->numbers.len)
        return ND_FAILED;
    ND_TRY(nd_trace_builder_room(&builder->first_updates, len));
    ND_TRY(nd_trace_builder_room(&builder->numbers, len));
    ND_TRY(nd_trace_builder_room(&builder->diffs, len));
    uint64_t *const bits = builder->bits.items;
    uint32_t *const first_updates = builder->first_updates.items;
    uint32_t *const numbers = builder->numbers.items;
    int64_t *const placed = builder->diffs.items;
    size_t list = builder->first_updates.len, n = builder->numbers.len;
    for (size_t i = 0; i < len; i++) {
        const size_t value = builder->n_values + i;
        const bool is_own = diffs[i] != before;
        first_updates[list] = (uint32_t)n;
        numbers[n] = number;
        placed[n] = before = diffs[i];
        bits[value / 64] |= (uint64_t)is_own << value % 64;
        list += is_own;
        n += is_own;
    }
    builder->first_updates.len = list;
    builder->numbers.len = builder->diffs.len = n;
    builder->open = (uint32_t)n;
    return ND_OK;
}

nd_err nd_trace_builder_push_numbers(nd_trace_builder *builder, const uint64_t *numbers,
                                     const int64_t *diffs, size_t len, const nd_time *time)
{
    assert(builder->shape.key_is_fixed && builder->shape.value_is_fixed &&
           builder->shape.key_size + builder->shape.value_size <= 8);
    if (len == 0)
        return ND_OK;
    ND_TRY(push_one_number(builder, numbers[0], time, diffs ? diffs[0] : 1));
    if (len > 2) {
        const size_t n = len - 2;
        ND_TRY(nd_trace_builder_finish(builder));
        ND_TRY(get_room_for(builder, n));
        append_any(builder, numbers + 1, n, numbers[0]);
        if (diffs)
            ND_TRY(append_lists(builder, diffs + 1, n));
        builder->n_values += (uint32_t)n;
        builder->n_finished = builder->n_values;
        builder->n_updates += n;
    }
    if (len == 1)
        return ND_OK;
    return push_one_number(builder, numbers[len - 1], time, diffs ? diffs[len - 1] : 1);
}
