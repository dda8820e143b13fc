/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of keys, fixed for every machine and every version: they choose workers, and a checkpoint
 * relies on them.
 *
 *   no key                 0
 *   flat, 1 to 8 bytes     nd_hash_u64 of the key as a little-endian number
 *   flat, 9 to 16 bytes    nd_hash_u64(first eight ^ nd_hash_u64(rest))
 *   flat, longer           nd_hash_bytes
 *   with nd_bytes fields   from 0, for each field: nd_hash_u64(hash so far ^ the field's number, or
 * the nd_hash_bytes of it)
 *
 * One body of the loop is compiled several times, with the widths of keys and records as constants:
 * the switch is taken once a batch. Pure; any thread.
 */
#include <nereid/type.h>

#include "runtime/base/hash.h"
#include "runtime/base/kernel.h"
#include "runtime/type_internal.h"

static bool key_is_flat(const nd_type *type)
{
    for (unsigned i = 0; i < type->nkey; i++)
        if (type->fields[i].kind == ND_KIND_BYTES)
            return false;
    return true;
}

/* The first eight of `width` bytes as a little-endian number, or all that there are. */
ND_KERNEL uint64_t load(const unsigned char *bytes, size_t width)
{
    uint64_t number = 0;
    memcpy(&number, bytes, width < sizeof number ? width : sizeof number);
    return number;
}

ND_KERNEL uint64_t hash_flat(const unsigned char *key, size_t width)
{
    if (width == 0)
        return 0;
    if (width <= 8)
        return nd_hash_u64(load(key, width));
    if (width <= 16)
        return nd_hash_u64(load(key, width) ^ nd_hash_u64(load(key + 8, width - 8)));
    return nd_hash_bytes(key, width);
}

static uint64_t hash_fields(const nd_type *type, const void *record)
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < type->nkey; i++) {
        const nd_field *field = &type->fields[i];
        if (field->kind == ND_KIND_BYTES) {
            const nd_bytes bytes = nd_field_bytes(field, record);
            hash = nd_hash_u64(hash ^ nd_hash_bytes(bytes.data, bytes.size));
        } else {
            hash = nd_hash_u64(hash ^ nd_field_unsigned(field, record));
        }
    }
    return hash;
}

uint64_t nd_type_hash(const nd_type *type, const void *record)
{
    return key_is_flat(type) ? hash_flat(record, nd_type_key_size(type))
                             : hash_fields(type, record);
}

ND_KERNEL void hash_all(const unsigned char *records, size_t len, size_t size, size_t width,
                        uint64_t *restrict hashes)
{
    for (size_t i = 0; i < len; i++)
        hashes[i] = hash_flat(records + i * size, width);
}

/* The common sizes of records, for one width of key. */
ND_KERNEL void hash_width(const unsigned char *records, size_t len, size_t size, size_t width,
                          uint64_t *restrict hashes)
{
    switch (size) {
    case 4:
        hash_all(records, len, 4, width, hashes);
        return;
    case 8:
        hash_all(records, len, 8, width, hashes);
        return;
    case 16:
        hash_all(records, len, 16, width, hashes);
        return;
    default:
        hash_all(records, len, size, width, hashes);
        return;
    }
}

static void hash_flat_batch(const unsigned char *records, size_t len, size_t size, size_t width,
                            uint64_t *restrict hashes)
{
    switch (width) {
    case 0:
        memset(hashes, 0, len * sizeof *hashes);
        return;
    case 4:
        hash_width(records, len, size, 4, hashes);
        return;
    case 8:
        hash_width(records, len, size, 8, hashes);
        return;
    case 16:
        hash_all(records, len, size, 16, hashes);
        return;
    default:
        hash_all(records, len, size, width, hashes);
        return;
    }
}

void nd_type_hash_batch(const nd_type *type, const void *records, size_t len, uint64_t *hashes)
{
    const unsigned char *first = records;
    if (key_is_flat(type)) {
        hash_flat_batch(first, len, type->size, nd_type_key_size(type), hashes);
        return;
    }
    for (size_t i = 0; i < len; i++)
        hashes[i] = hash_fields(type, first + i * type->size);
}
