/* SPDX-License-Identifier: Apache-2.0 */
/* Many updates of one time at once. The first and the last are added as any others; those between
 * them are values that are finished as they come, whose lists have one update, and cost a store a
 * column. */
#include <string.h>

#include "operators/differential/number.h"
#include "operators/differential/trace_builder.h"
#include "runtime/base/kernel.h"

/* The parts of a number that are a key and a value, and how many bytes of each are written, which
 * is a constant: its size where that is one, or else more, over which the next ones are written. */
typedef struct division {
    unsigned words, key_size, value_size;
    unsigned key_room, value_room;
} division;

/* The bits of word `word` that are the key's. */
static inline uint64_t key_bits(const division *by, unsigned word)
{
    const unsigned begin = 8 * word, end = begin + 8, size = by->key_size;
    if (size >= end)
        return UINT64_MAX;
    return size <= begin ? 0 : UINT64_MAX << 8 * (end - size);
}

/* Appends values, without lists, and their keys. The last value is finished, and there is room.
 * What is appended stands behind the first of `numbers`, which is there already. */
ND_KERNEL void append(nd_trace_builder *builder, const uint64_t *numbers, size_t len,
                      const division by)
{
    unsigned char bytes[2 * ND_NUMBER_BYTES] = {0};
    unsigned char *keys = (unsigned char *)builder->keys.items + builder->keys.len;
    unsigned char *values = (unsigned char *)builder->values.items + builder->values.len;
    uint32_t *first = (uint32_t *)builder->first_values.items + builder->first_values.len;
    const uint64_t high = key_bits(&by, 0), low = key_bits(&by, 1);
    for (size_t i = 0; i < len; i++) {
        const uint64_t *const before = numbers;
        numbers += by.words;
        nd_number_write(numbers, by.words, bytes);
        memcpy(values, bytes + by.key_size, by.value_room);
        memcpy(keys, bytes, by.key_room);
        *first = builder->n_values + (uint32_t)i;
        const uint64_t differing = ((numbers[0] ^ before[0]) & high) |
                                   (by.words == 2 ? (numbers[1] ^ before[1]) & low : 0);
        const bool is_new = differing != 0;
        values += by.value_size;
        keys += is_new ? by.key_size : 0;
        first += is_new;
    }
    builder->values.len += len * by.value_size;
    builder->keys.len = (size_t)(keys - (unsigned char *)builder->keys.items);
    builder->first_values.len = (size_t)(first - (uint32_t *)builder->first_values.items);
}

/* Of two constant sizes. */
ND_KERNEL void append_sizes(nd_trace_builder *builder, const uint64_t *numbers, size_t len,
                            const unsigned key_size, const unsigned value_size)
{
    const unsigned words = key_size + value_size > 8 ? 2 : 1;
    append(builder, numbers, len, (division){words, key_size, value_size, key_size, value_size});
}

static void append_any(nd_trace_builder *builder, const uint64_t *numbers, size_t len)
{
    const unsigned key_size = builder->shape.key_size, value_size = builder->shape.value_size;
    if (key_size == 4 && value_size == 4)
        append_sizes(builder, numbers, len, 4, 4);
    else if (key_size == 4 && value_size == 0)
        append_sizes(builder, numbers, len, 4, 0);
    else if (key_size == 8 && value_size == 0)
        append_sizes(builder, numbers, len, 8, 0);
    else if (key_size == 8 && value_size == 8)
        append_sizes(builder, numbers, len, 8, 8);
    else if (key_size == 8 && value_size == 4)
        append_sizes(builder, numbers, len, 8, 4);
    else if (key_size + value_size <= 8)
        append(builder, numbers, len, (division){1, key_size, value_size, 8, 8});
    else
        append(builder, numbers, len,
               (division){2, key_size, value_size, ND_NUMBER_BYTES, ND_NUMBER_BYTES});
}

nd_err nd_trace_builder_room_for(nd_trace_builder *builder, size_t more)
{
    const size_t n_words = (builder->n_values + more + 63) / 64;
    const nd_trace_shape *const shape = &builder->shape;
    if (more > UINT32_MAX - builder->n_values)
        return ND_FAILED;
    ND_TRY(nd_trace_builder_room(&builder->keys, more * shape->key_size + ND_NUMBER_BYTES));
    ND_TRY(nd_trace_builder_room(&builder->values, more * shape->value_size + ND_NUMBER_BYTES));
    ND_TRY(nd_trace_builder_room(&builder->first_values, more));
    if (n_words <= builder->bits.len)
        return ND_OK;
    const size_t n_new = n_words - builder->bits.len;
    ND_TRY(nd_trace_builder_room(&builder->bits, n_new));
    memset((uint64_t *)builder->bits.items + builder->bits.len, 0, n_new * sizeof(uint64_t));
    builder->bits.len = n_words;
    return ND_OK;
}

static nd_err push_one_number(nd_trace_builder *builder, const uint64_t *number,
                              const nd_time *time, int64_t diff)
{
    unsigned char bytes[ND_NUMBER_BYTES];
    const uint32_t key_size = builder->shape.key_size, value_size = builder->shape.value_size;
    nd_number_write(number, nd_number_words(key_size + value_size), bytes);
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
    const uint32_t size = builder->shape.key_size + builder->shape.value_size;
    assert(builder->shape.key_is_fixed && builder->shape.value_is_fixed && size != 0 &&
           size <= ND_NUMBER_BYTES);
    if (len == 0)
        return ND_OK;
    ND_TRY(push_one_number(builder, numbers, time, diffs ? diffs[0] : 1));
    assert(builder->numbers.len - builder->open == 1); /* the next ones may share it */
    if (len > 2) {
        const size_t n = len - 2;
        ND_TRY(nd_trace_builder_finish(builder));
        ND_TRY(nd_trace_builder_room_for(builder, n));
        append_any(builder, numbers, n);
        if (diffs)
            ND_TRY(append_lists(builder, diffs + 1, n));
        builder->n_values += (uint32_t)n;
        builder->n_finished = builder->n_values;
        builder->n_updates += n;
    }
    if (len == 1)
        return ND_OK;
    return push_one_number(builder, numbers + (len - 1) * nd_number_words(size), time,
                           diffs ? diffs[len - 1] : 1);
}
