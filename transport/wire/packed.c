/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing writes without looking for room value by value: before a record and behind a string there
 * is always room for the longest form of a record's numbers.
 *
 * Unpacking never reads past the body: a value is first seen to lie inside it. Strings are copied
 * behind the records, or into a block of their own when both do not fit a pooled one. Their sizes
 * add up to no more than what the shortest form of all else leaves of the body, which bounds that
 * room beforehand.
 */
#include "transport/wire/packed.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include <msgpack/pack.h>

#include "runtime/type_internal.h"

enum {
    LONGEST = 9, /* bytes of the longest number, and of the longest head of a string or array */
    LEAST_ROOM = 4096 /* bytes that a body first gets */
};

static bool travels_packed(const nd_type *type) { return !type->retain && !nd_type_is_flat(type); }

/* --- Packing --- */

typedef struct packing {
    nd_vector *body;
    unsigned char *next, *end;
    size_t
        spare; /* room that every string leaves behind it: for the rest of a record, and a next */
} packing;

static int append(void *data, const char *bytes, size_t size)
{
    packing *const to = data;
    memcpy(to->next, bytes, size);
    to->next += size;
    return 0;
}

static nd_err make_room(packing *to, size_t size)
{
    if (size <= (size_t)(to->end - to->next))
        return ND_OK;
    const size_t used = to->body->capacity - (size_t)(to->end - to->next);
    const size_t twice = 2 * to->body->capacity;
    ND_TRY(nd_vector_reserve(to->body, twice > used + size ? twice : used + size));
    to->next = (unsigned char *)to->body->items + used;
    to->end = (unsigned char *)to->body->items + to->body->capacity;
    return ND_OK;
}

static nd_err pack_string(msgpack_packer *packer, packing *to, nd_bytes bytes)
{
    if (bytes.size > ND_WIRE_BODY_MOST)
        return ND_INVAL;
    ND_TRY(make_room(to, bytes.size + to->spare));
    msgpack_pack_bin(packer, bytes.size);
    if (bytes.size)
        append(to, bytes.data, bytes.size);
    return ND_OK;
}

static void pack_float(msgpack_packer *packer, const nd_field *field, const unsigned char *record)
{
    float narrow;
    double wide;
    if (field->size == sizeof narrow) {
        memcpy(&narrow, nd_field_at(field, record), sizeof narrow);
        msgpack_pack_float(packer, narrow);
    } else {
        memcpy(&wide, nd_field_at(field, record), sizeof wide);
        msgpack_pack_double(packer, wide);
    }
}

static nd_err pack_field(msgpack_packer *packer, packing *to, const nd_field *field,
                         const unsigned char *record)
{
    switch ((nd_kind)field->kind) {
    case ND_KIND_BOOL:
        if (nd_field_unsigned(field, record))
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        break;
    case ND_KIND_SIGNED:
        msgpack_pack_int64(packer, nd_field_signed(field, record));
        break;
    case ND_KIND_UNSIGNED:
        msgpack_pack_uint64(packer, nd_field_unsigned(field, record));
        break;
    case ND_KIND_FLOAT:
        pack_float(packer, field, record);
        break;
    case ND_KIND_BYTES:
        return pack_string(packer, to, nd_field_bytes(field, record));
    case ND_KIND_NONE:
        break;
    }
    return ND_OK;
}

static nd_err pack_records(const nd_batch *batch, packing *to, unsigned n_fields)
{
    msgpack_packer packer = {.data = to, .callback = append};
    const nd_field *const fields = batch->type->fields;
    const unsigned char *record = batch->records;
    ND_TRY(make_room(to, to->spare));
    msgpack_pack_array(&packer, batch->len * n_fields);
    for (size_t i = 0; i < batch->len; i++, record += batch->type->size) {
        for (const nd_field *field = fields; field < fields + n_fields; field++)
            ND_TRY(pack_field(&packer, to, field, record));
        to->body->len = (size_t)(to->next - (unsigned char *)to->body->items);
        if (to->body->len > ND_WIRE_BODY_MOST)
            return ND_INVAL;
    }
    return ND_OK;
}

nd_err nd_wire_pack(const nd_batch *batch, nd_vector *body, nd_message *message)
{
    const unsigned n_fields = nd_type_n_fields(batch->type);
    assert(travels_packed(batch->type) && body->item_size == 1);
    ND_TRY(nd_vector_reserve(body, LEAST_ROOM));
    packing to = {.body = body,
                  .next = body->items,
                  .end = (unsigned char *)body->items + body->capacity,
                  .spare = (2 * (size_t)n_fields + 1) * LONGEST};
    const nd_err err = pack_records(batch, &to, n_fields);
    if (err == ND_INVAL)
        return nd_message_set(message, ND_INVAL,
                              "records of type '%s' that take more than %d MiB in one batch: send "
                              "shorter strings",
                              batch->type->name, ND_WIRE_BODY_MOST >> 20);
    return err;
}

/* --- Unpacking --- */

typedef struct unpacking {
    const unsigned char *next, *end;     /* what is still to be read */
    unsigned char *string, *strings_end; /* room for strings */
} unpacking;

/* The next `size` bytes of the body, or NULL at its end. */
static inline const unsigned char *take(unpacking *from, size_t size)
{
    if (size > (size_t)(from->end - from->next))
        return NULL;
    const unsigned char *const at = from->next;
    from->next += size;
    return at;
}

/* Reads the 2^`log_width` bytes of a number, most significant first. */
static inline bool take_number(unpacking *from, unsigned log_width, uint64_t *number)
{
    const unsigned width = 1U << log_width;
    const unsigned char *const at = take(from, width);
    if (!at)
        return false;
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | at[i];
    *number = value;
    return true;
}

static inline void store(unsigned char *to, uint64_t bits, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (unsigned char)(bits >> 8 * i);
}

/* A whole number as 64 bits of two's complement, and whether it is below zero. */
static bool take_integer(unpacking *from, uint64_t *bits, bool *is_negative)
{
    enum { UNSIGNED_8 = 0xcc, SIGNED_8 = 0xd0, SIGNED_64 = 0xd3, NEGATIVE = 0xe0 };
    const unsigned char *const first = take(from, 1);
    *is_negative = false;
    if (!first)
        return false;
    if (*first < 0x80) {
        *bits = *first;
        return true;
    }
    if (*first >= NEGATIVE) {
        *is_negative = true;
        *bits = *first | ~UINT64_C(0xff);
        return true;
    }
    if (*first < UNSIGNED_8 || *first > SIGNED_64 || !take_number(from, *first & 3U, bits))
        return false;
    if (*first >= SIGNED_8) {
        const uint64_t sign = UINT64_C(1) << ((8U << (*first & 3U)) - 1);
        *is_negative = *bits & sign;
        *bits = (*bits ^ sign) - sign;
    }
    return true;
}

static bool unpack_unsigned(unpacking *from, const nd_field *field, unsigned char *place)
{
    uint64_t bits;
    bool is_negative;
    if (!take_integer(from, &bits, &is_negative) || is_negative)
        return false;
    if (field->size < 8 && bits >> 8 * field->size)
        return false;
    store(place, bits, field->size);
    return true;
}

static bool unpack_signed(unpacking *from, const nd_field *field, unsigned char *place)
{
    uint64_t bits;
    bool is_negative;
    if (!take_integer(from, &bits, &is_negative))
        return false;
    /* Of a number that fits, all bits above the value's are like its sign. */
    if ((is_negative ? ~bits : bits) >> (8 * field->size - 1))
        return false;
    store(place, bits, field->size);
    return true;
}

static bool unpack_bool(unpacking *from, unsigned char *place)
{
    enum { FALSE = 0xc2, TRUE = 0xc3 };
    const unsigned char *const first = take(from, 1);
    if (!first || (*first != FALSE && *first != TRUE))
        return false;
    *place = *first == TRUE;
    return true;
}

static bool unpack_float(unpacking *from, const nd_field *field, unsigned char *place)
{
    enum { FLOAT_32 = 0xca, FLOAT_64 = 0xcb };
    const bool is_wide = field->size == sizeof(double);
    const unsigned char *const first = take(from, 1);
    uint64_t bits;
    if (!first || *first != (is_wide ? FLOAT_64 : FLOAT_32) ||
        !take_number(from, is_wide ? 3 : 2, &bits))
        return false;
    store(place, bits, field->size);
    return true;
}

static bool unpack_string(unpacking *from, unsigned char *place)
{
    enum { BIN_8 = 0xc4, BIN_32 = 0xc6 };
    const unsigned char *const first = take(from, 1);
    uint64_t size;
    if (!first || *first < BIN_8 || *first > BIN_32 ||
        !take_number(from, (unsigned)*first - BIN_8, &size))
        return false;
    const unsigned char *const bytes = take(from, (size_t)size);
    if (!bytes || size > (size_t)(from->strings_end - from->string))
        return false;
    const nd_bytes string = {.data = from->string, .size = (size_t)size};
    memcpy(from->string, bytes, (size_t)size);
    memcpy(place, &string, sizeof string);
    from->string += size;
    return true;
}

static bool unpack_field(unpacking *from, const nd_field *field, unsigned char *place)
{
    switch ((nd_kind)field->kind) {
    case ND_KIND_BOOL:
        return unpack_bool(from, place);
    case ND_KIND_SIGNED:
        return unpack_signed(from, field, place);
    case ND_KIND_UNSIGNED:
        return unpack_unsigned(from, field, place);
    case ND_KIND_FLOAT:
        return unpack_float(from, field, place);
    case ND_KIND_BYTES:
        return unpack_string(from, place);
    case ND_KIND_NONE:
        break;
    }
    return false;
}

static nd_err unpack_records(unpacking *from, const nd_batch *batch, size_t len,
                             nd_message *message)
{
    const nd_type *const type = batch->type;
    const nd_field *const end = type->fields + nd_type_n_fields(type);
    unsigned char *record = batch->records;
    for (size_t i = 0; i < len; i++, record += type->size)
        for (const nd_field *field = type->fields; field < end; field++)
            if (!unpack_field(from, field, record + field->offset))
                return nd_message_set(message, ND_PROTO,
                                      "packed records of type '%s': no '%s' in record %zu of %zu",
                                      type->name, field->name, i, len);
    if (from->next != from->end)
        return nd_message_set(message, ND_PROTO,
                              "packed records of type '%s' with %td bytes too many", type->name,
                              from->end - from->next);
    return ND_OK;
}

/* Reads the head of the array, which must have `n_values` values. */
static bool take_array(unpacking *from, uint64_t n_values)
{
    enum { ARRAY = 0x90, ARRAY_16 = 0xdc, ARRAY_32 = 0xdd };
    const unsigned char *const first = take(from, 1);
    uint64_t n;
    if (!first)
        return false;
    if ((*first & 0xf0) == ARRAY)
        n = *first & 0xfU;
    else if ((*first != ARRAY_16 && *first != ARRAY_32) ||
             !take_number(from, *first == ARRAY_16 ? 1 : 2, &n))
        return false;
    return n == n_values;
}

/* Least bytes of a packed record: a value has one, a string two. */
static size_t least_record(const nd_type *type)
{
    size_t size = 0;
    for (unsigned i = 0; i < nd_type_n_fields(type); i++)
        size += type->fields[i].kind == ND_KIND_BYTES ? 2 : 1;
    return size;
}

/* A batch with room for `size` bytes of records and `strings_size` of strings; NULL without memory.
 */
static nd_batch *make_batch(nd_pool *pool, const nd_type *type, size_t size, size_t strings_size,
                            unpacking *from)
{
    const bool is_one_block = size + strings_size <= ND_POOL_BLOCK - sizeof(nd_batch);
    nd_batch *const batch = nd_batch_create(pool, type, size + (is_one_block ? strings_size : 0));
    if (!batch)
        return NULL;
    from->string = batch->records + size;
    if (!is_one_block) {
        batch->arena = nd_pool_take(pool, strings_size);
        if (!batch->arena) {
            nd_batch_drop(batch, pool);
            return NULL;
        }
        batch->arena->next = NULL;
        from->string = nd_block_bytes(batch->arena);
    }
    from->strings_end = from->string + strings_size;
    return batch;
}

nd_err nd_wire_unpack(nd_pool *pool, const nd_type *type, const nd_wire_head *head,
                      const void *body, nd_batch **batch, nd_message *message)
{
    unpacking from = {.next = body, .end = (const unsigned char *)body + head->length};
    const uint64_t n_values = (uint64_t)head->count * nd_type_n_fields(type);
    const uint64_t least = (uint64_t)head->count * least_record(type);
    if (!travels_packed(type))
        return nd_message_set(message, ND_PROTO, "packed records for a channel of type '%s'",
                              type->name);
    if (head->count == 0 || !take_array(&from, n_values) ||
        (uint64_t)(from.end - from.next) < least)
        return nd_message_set(message, ND_PROTO,
                              "%" PRIu64 " bytes that are not %" PRIu32
                              " packed records of type '%s'",
                              head->length, head->count, type->name);
    const size_t strings_size = (size_t)(from.end - from.next) - (size_t)least;
    nd_batch *const made =
        make_batch(pool, type, (size_t)head->count * type->size, strings_size, &from);
    if (!made)
        return ND_NOMEM;
    const nd_err err = unpack_records(&from, made, head->count, message);
    if (err != ND_OK) {
        nd_batch_drop(made, pool);
        return err;
    }
    made->len = head->count;
    *batch = made;
    return ND_OK;
}
