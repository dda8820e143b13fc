/* SPDX-License-Identifier: Apache-2.0 */
/* Both batches and all columns of the builder are kept at hand, and written back at the end. Room
 * is made for so many values beforehand. */
#include "operators/differential/trace_copy.h"

#include <string.h>

#include "operators/differential/number.h"
#include "runtime/base/kernel.h"

enum { MOST_STORED = 4 * ND_TRACE_COPIED /* updates; a value that would have more is left */ };

/* One of the two batches. */
typedef struct reader {
    const nd_trace_batch *batch;
    const uint32_t *numbers;
    bool rises, has_any;
    uint32_t key, value, value_end;
    uint64_t key_number, value_number; /* where it stands; of no bytes: zero */
} reader;

/* The builder's columns. */
typedef struct writer {
    unsigned char *keys, *values; /* where the next one goes */
    uint32_t *first_values;       /* likewise */
    uint64_t *bits;
    uint32_t *first_updates, *numbers;
    int64_t *diffs;
    uint32_t n_values, n_lists, n_stored;
    uint32_t last; /* where the last list begins, or where the first one will */
    uint64_t n_updates, key_number;
    bool has_key; /* key_number is that of the last key */
} writer;

bool nd_trace_copy_can(const nd_trace_shape *shape)
{
    return shape->key_is_fixed && shape->value_is_fixed && shape->key_size <= 8 &&
           shape->value_size <= 8;
}

/* --- Reading --- */

ND_KERNEL uint64_t number_at(const nd_trace_column *codes, uint32_t i, const uint32_t size)
{
    uint64_t number[ND_NUMBER_WORDS] = {0};
    if (size)
        nd_number_read(codes->bytes + (size_t)i * size, size, number);
    return number[0];
}

ND_KERNEL void stand_at_value(reader *one, const uint32_t value_size)
{
    if (one->value < one->value_end)
        one->value_number = number_at(&one->batch->values, one->value, value_size);
}

ND_KERNEL void stand_at_key(reader *one, const uint32_t key_size, const uint32_t value_size)
{
    one->has_any = one->key < one->batch->keys.len;
    if (!one->has_any)
        return;
    one->key_number = number_at(&one->batch->keys, one->key, key_size);
    stand_at_value(one, value_size);
}

ND_KERNEL void go_on(reader *one, const uint32_t key_size, const uint32_t value_size)
{
    if (++one->value < one->value_end) {
        stand_at_value(one, value_size);
        return;
    }
    one->key++;
    if (one->key < one->batch->keys.len) {
        one->value = nd_trace_batch_value(one->batch, one->key);
        one->value_end = nd_trace_batch_value(one->batch, one->key + 1);
    }
    stand_at_key(one, key_size, value_size);
}

/* The one whose value is the lesser; NULL if both have the same, or none has any. */
ND_KERNEL reader *choose(reader *a, reader *b)
{
    if (!a->has_any || !b->has_any)
        return a->has_any ? a : b->has_any ? b : NULL;
    if (a->key_number != b->key_number)
        return a->key_number < b->key_number ? a : b;
    if (a->value_number != b->value_number)
        return a->value_number < b->value_number ? a : b;
    return NULL;
}

static void open_reader(reader *one, const nd_trace_source *source)
{
    const nd_trace_cursor *const cursor = &source->cursor;
    *one = (reader){.batch = cursor->batch,
                    .numbers = source->numbers,
                    .rises = source->rises,
                    .key = cursor->key,
                    .value = cursor->value,
                    .value_end = cursor->value_end};
}

static void close_reader(const reader *one, nd_trace_cursor *cursor)
{
    if (!one->has_any) {
        nd_trace_cursor_end(cursor);
        return;
    }
    cursor->key = one->key;
    cursor->value = one->value;
    cursor->value_end = one->value_end;
}

/* --- Writing --- */

static nd_err open_writer(writer *out, nd_trace_builder *builder)
{
    ND_TRY(nd_trace_builder_room_for(builder, ND_TRACE_COPIED));
    if (builder->numbers.len > UINT32_MAX - MOST_STORED)
        return ND_FAILED;
    ND_TRY(nd_trace_builder_room(&builder->first_updates, ND_TRACE_COPIED));
    ND_TRY(nd_trace_builder_room(&builder->numbers, MOST_STORED));
    ND_TRY(nd_trace_builder_room(&builder->diffs, MOST_STORED));
    const size_t n_lists = builder->first_updates.len, n_keys = builder->first_values.len;
    *out = (writer){.keys = (unsigned char *)builder->keys.items + builder->keys.len,
                    .values = (unsigned char *)builder->values.items + builder->values.len,
                    .first_values = (uint32_t *)builder->first_values.items + n_keys,
                    .bits = builder->bits.items,
                    .first_updates = builder->first_updates.items,
                    .numbers = builder->numbers.items,
                    .diffs = builder->diffs.items,
                    .n_values = builder->n_values,
                    .n_lists = (uint32_t)n_lists,
                    .n_stored = (uint32_t)builder->numbers.len,
                    .n_updates = builder->n_updates,
                    .has_key = n_keys != 0};
    out->last = n_lists ? out->first_updates[n_lists - 1] : out->n_stored;
    const nd_trace_column keys = {.bytes = builder->keys.items, .size = builder->shape.key_size};
    if (n_keys)
        out->key_number = number_at(&keys, (uint32_t)n_keys - 1, keys.size);
    return ND_OK;
}

static void close_writer(const writer *out, nd_trace_builder *builder)
{
    builder->keys.len = (size_t)(out->keys - (unsigned char *)builder->keys.items);
    builder->values.len = (size_t)(out->values - (unsigned char *)builder->values.items);
    builder->first_values.len =
        (size_t)(out->first_values - (uint32_t *)builder->first_values.items);
    builder->bits.len = (out->n_values + (size_t)63) / 64;
    builder->first_updates.len = out->n_lists;
    builder->numbers.len = builder->diffs.len = builder->open = out->n_stored;
    builder->n_values = builder->n_finished = out->n_values;
    builder->n_updates = out->n_updates;
}

/* Whether the last list, of which there is one, is the one behind it. */
ND_KERNEL bool is_last_list(const writer *out, uint32_t len)
{
    const uint32_t last = out->last, fresh = out->n_stored;
    if (fresh - last != len)
        return false;
    for (uint32_t i = 0; i < len; i++)
        if (out->numbers[last + i] != out->numbers[fresh + i] ||
            out->diffs[last + i] != out->diffs[fresh + i])
            return false;
    return true;
}

/* Writes a value's updates: as a list, unless that is the same as the last one. */
ND_KERNEL void put_list(writer *out, nd_trace_list list, const uint32_t *numbers)
{
    for (uint32_t i = 0; i < list.len; i++) {
        out->numbers[out->n_stored + i] = numbers[list.times[i]];
        out->diffs[out->n_stored + i] = list.diffs[i];
    }
    if (out->n_lists && is_last_list(out, list.len))
        return;
    out->last = out->n_stored;
    out->first_updates[out->n_lists++] = out->last;
    out->bits[out->n_values / 64] |= UINT64_C(1) << out->n_values % 64;
    out->n_stored += list.len;
}

ND_KERNEL void put_code(unsigned char **place, uint64_t number, const uint32_t size)
{
    const uint64_t bytes = __builtin_bswap64(number);
    memcpy(*place, &bytes, size);
    *place += size;
}

ND_KERNEL void put(writer *out, const reader *from, nd_trace_list list, const uint32_t key_size,
                   const uint32_t value_size)
{
    if (!out->has_key || out->key_number != from->key_number) {
        put_code(&out->keys, from->key_number, key_size);
        *out->first_values++ = out->n_values;
        out->key_number = from->key_number;
        out->has_key = true;
    }
    put_code(&out->values, from->value_number, value_size);
    put_list(out, list, from->numbers);
    out->n_values++;
    out->n_updates += list.len;
}

/* --- Copying --- */

ND_KERNEL void copy(writer *out, reader *a, reader *b, uint64_t fuel, const uint32_t key_size,
                    const uint32_t value_size)
{
    const uint32_t stored_end = out->n_stored + MOST_STORED;
    const uint64_t updates_end = out->n_updates + fuel;
    reader *from;
    stand_at_key(a, key_size, value_size);
    stand_at_key(b, key_size, value_size);
    for (unsigned n = 0; n < ND_TRACE_COPIED && (from = choose(a, b)) != NULL; n++) {
        const nd_trace_list list =
            nd_trace_batch_updates(from->batch, nd_trace_batch_list(from->batch, from->value));
        if ((list.len > 1 && !from->rises) || list.len > stored_end - out->n_stored ||
            list.len > updates_end - out->n_updates)
            break;
        put(out, from, list, key_size, value_size);
        go_on(from, key_size, value_size);
    }
}

static void copy_any(writer *out, reader *a, reader *b, uint64_t fuel, const nd_trace_shape *shape)
{
    const uint32_t key_size = shape->key_size, value_size = shape->value_size;
    if (key_size == 4 && value_size == 4)
        copy(out, a, b, fuel, 4, 4);
    else if (key_size == 4 && value_size == 8)
        copy(out, a, b, fuel, 4, 8);
    else if (key_size == 4 && value_size == 0)
        copy(out, a, b, fuel, 4, 0);
    else if (key_size == 8 && value_size == 8)
        copy(out, a, b, fuel, 8, 8);
    else if (key_size == 8 && value_size == 0)
        copy(out, a, b, fuel, 8, 0);
    else
        copy(out, a, b, fuel, key_size, value_size);
}

nd_err nd_trace_copy_apart(nd_trace_builder *builder, nd_trace_source sources[2], uint64_t *fuel)
{
    writer out;
    reader a, b;
    ND_TRY(nd_trace_builder_finish(builder));
    ND_TRY(open_writer(&out, builder));
    open_reader(&a, &sources[0]);
    open_reader(&b, &sources[1]);
    copy_any(&out, &a, &b, *fuel, &builder->shape);
    *fuel -= out.n_updates - builder->n_updates;
    close_writer(&out, builder);
    close_reader(&a, &sources[0].cursor);
    close_reader(&b, &sources[1].cursor);
    return ND_OK;
}
