/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of records. The first byte chooses the type, the next two the count (least first); the
 * rest is the body. What is accepted msgpack-c reads alike, and packed again it comes back the
 * same.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz.h"
#include "tests/transport/packed_oracle.h"
#include "transport/wire/packed.h"
#include "transport/wire/records.h"

enum { PREFIX = 3, MOST_BYTES = 1 << 16 };

typedef struct line {
    nd_bytes text;
} line;

typedef struct entry {
    nd_bytes name;
    double f64;
    int64_t i64;
    uint64_t u64;
    float f32;
    int32_t i32;
    uint32_t u32;
    int16_t i16;
    int8_t i8;
    bool is_new;
    nd_bytes value;
} entry;

typedef struct point {
    uint32_t x;
    uint16_t y;
    bool is_new, is_last;
} point;

static const nd_type types[] = {
    ND_TYPE(line, 1, ND_FIELD(line, text)),
    ND_TYPE(entry, 1, ND_FIELD(entry, name), ND_FIELD(entry, f64), ND_FIELD(entry, i64),
            ND_FIELD(entry, u64), ND_FIELD(entry, f32), ND_FIELD(entry, i32), ND_FIELD(entry, u32),
            ND_FIELD(entry, i16), ND_FIELD(entry, i8), ND_FIELD(entry, is_new),
            ND_FIELD(entry, value)),
    ND_TYPE(point, 1, ND_FIELD(point, x), ND_FIELD(point, y), ND_FIELD(point, is_new),
            ND_FIELD(point, is_last)),
};
enum { TYPES = (int)(sizeof types / sizeof types[0]) };

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static void check_packed(nd_pool *pool, const nd_batch *batch, const void *body, size_t size)
{
    nd_vector packed;
    nd_batch *again;
    check(packed_oracle_reads(batch, body, size) && packed_oracle_owns_strings(batch));
    nd_vector_init(&packed, 1);
    check(nd_wire_pack(batch, &packed, NULL) == ND_OK && packed.len <= size);
    const nd_wire_head head = {.count = (uint32_t)batch->len, .length = packed.len};
    check(nd_wire_unpack(pool, batch->type, &head, packed.items, &again, NULL) == ND_OK);
    check(again->len == batch->len);
    for (size_t i = 0; i < batch->len; i++)
        check(nd_type_equal(batch->type, batch->records + i * batch->type->size,
                            again->records + i * batch->type->size));
    nd_batch_drop(again, pool);
    nd_vector_deinit(&packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nd_pool pool;
    nd_batch *batch;
    nd_message message = {""};
    if (size < PREFIX || size > MOST_BYTES)
        return 0;
    const nd_type *const type = &types[data[0] % TYPES];
    const bool is_flat = nd_type_is_flat(type);
    const nd_wire_head head = {.count = data[1] | (uint32_t)data[2] << 8, .length = size - PREFIX};
    nd_pool_init(&pool);
    const nd_err err = is_flat
                           ? nd_wire_flat_read(&pool, type, &head, data + PREFIX, &batch, &message)
                           : nd_wire_unpack(&pool, type, &head, data + PREFIX, &batch, &message);
    check(err == ND_OK || (err == ND_PROTO && message.text[0] != '\0'));
    if (err == ND_OK) {
        check(batch->len == head.count && batch->len > 0);
        if (is_flat)
            check(memcmp(batch->records, data + PREFIX, size - PREFIX) == 0);
        else
            check_packed(&pool, batch, data + PREFIX, size - PREFIX);
        nd_batch_drop(batch, &pool);
    }
    nd_pool_deinit(&pool);
    return 0;
}
