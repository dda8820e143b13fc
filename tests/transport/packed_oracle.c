/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/transport/packed_oracle.h"

#include <string.h>

#include <msgpack.h>

#include "runtime/batch.h"

static bool is_integer(const msgpack_object *value, const nd_field *field, const void *place)
{
    uint64_t bits = 0;
    memcpy(&bits, place, field->size);
    if (field->kind == ND_KIND_SIGNED && field->size < 8 && bits >> (8 * field->size - 1))
        bits |= UINT64_MAX << 8 * field->size;
    const bool is_negative = field->kind == ND_KIND_SIGNED && bits >> 63;
    return value->type ==
               (is_negative ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER) &&
           value->via.u64 == bits;
}

static bool is_float(const msgpack_object *value, const nd_field *field, const void *place)
{
    double wide;
    float narrow;
    if (field->size == sizeof wide) {
        memcpy(&wide, place, sizeof wide);
        return value->type == MSGPACK_OBJECT_FLOAT64 &&
               memcmp(&value->via.f64, &wide, sizeof wide) == 0;
    }
    memcpy(&narrow, place, sizeof narrow);
    wide = (double)narrow;
    return value->type == MSGPACK_OBJECT_FLOAT32 &&
           (memcmp(&value->via.f64, &wide, sizeof wide) == 0 || narrow != narrow);
}

static bool is_value(const msgpack_object *value, const nd_field *field, const unsigned char *place)
{
    nd_bytes bytes;
    switch ((nd_kind)field->kind) {
    case ND_KIND_BOOL:
        return value->type == MSGPACK_OBJECT_BOOLEAN && value->via.boolean == (*place != 0);
    case ND_KIND_SIGNED:
    case ND_KIND_UNSIGNED:
        return is_integer(value, field, place);
    case ND_KIND_FLOAT:
        return is_float(value, field, place);
    case ND_KIND_BYTES:
        memcpy(&bytes, place, sizeof bytes);
        return value->type == MSGPACK_OBJECT_BIN && value->via.bin.size == bytes.size &&
               (bytes.size == 0 || memcmp(value->via.bin.ptr, bytes.data, bytes.size) == 0);
    case ND_KIND_NONE:
        break;
    }
    return false;
}

static bool are_records(const msgpack_object *array, const nd_batch *batch)
{
    const unsigned n_fields = nd_type_n_fields(batch->type);
    if (array->type != MSGPACK_OBJECT_ARRAY || array->via.array.size != batch->len * n_fields)
        return false;
    const msgpack_object *value = array->via.array.ptr;
    for (size_t i = 0; i < batch->len; i++)
        for (unsigned f = 0; f < n_fields; f++, value++) {
            const nd_field *const field = &batch->type->fields[f];
            if (!is_value(value, field, batch->records + i * batch->type->size + field->offset))
                return false;
        }
    return true;
}

bool packed_oracle_reads(const nd_batch *batch, const void *bytes, size_t size)
{
    msgpack_unpacked unpacked;
    size_t offset = 0;
    msgpack_unpacked_init(&unpacked);
    const bool is_read =
        msgpack_unpack_next(&unpacked, bytes, size, &offset) == MSGPACK_UNPACK_SUCCESS &&
        offset == size && are_records(&unpacked.data, batch);
    msgpack_unpacked_destroy(&unpacked);
    return is_read;
}

static bool holds(const nd_block *block, const nd_bytes *bytes)
{
    const uintptr_t begin = (uintptr_t)(block + 1), at = (uintptr_t)bytes->data;
    return at >= begin && at + bytes->size <= begin + block->size;
}

bool packed_oracle_owns_strings(const nd_batch *batch)
{
    for (size_t i = 0; i < batch->len; i++)
        for (unsigned f = 0; f < nd_type_n_fields(batch->type); f++) {
            const nd_field *const field = &batch->type->fields[f];
            nd_bytes bytes;
            if (field->kind != ND_KIND_BYTES)
                continue;
            memcpy(&bytes, batch->records + i * batch->type->size + field->offset, sizeof bytes);
            bool is_own = holds(&batch->block, &bytes);
            for (const nd_block *block = batch->arena; block; block = block->next)
                is_own = is_own || holds(block, &bytes);
            if (!is_own)
                return false;
        }
    return true;
}
