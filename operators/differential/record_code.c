/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes of records: each field becomes bytes that order as the field does and that say where they
 * end, and a code is these side by side.
 *
 * A number is written from its highest byte down after turning over some of its bits: for each kind
 * a set of bits that are always turned, and a set that are turned where the highest bit is set. The
 * second set never contains the highest bit, so reading undoes both in reverse order, and no kind
 * needs a branch.
 *
 * Text that another field follows ends with 00 01, and its zero bytes are written 00 FF. Where one
 * text goes on and another ends, the former has a byte above 00, or 00 FF, against 00 01: the
 * shorter text stands first, whatever follows it. No escaped text is the beginning of another.
 *
 * Many records at once are converted column by column, a column being one field or two neighbours
 * of one width. So a part of one number or of two alike is converted in one pass; others in several
 * over a block of records that stays in the cache.
 *
 * Pure; any thread.
 */
#include "operators/differential/record_code.h"

#include <assert.h>
#include <string.h>

#include "runtime/base/kernel.h"

enum { TEXT_ENDS = 0x01, ZERO_STAYS = 0xff }; /* what follows a byte 00 of an escaped text */

enum { BLOCK_LEN = 1024 }; /* records whose columns are converted one after the other */

/* The part's fields, and where they end. */
static const nd_field *first_field(const nd_record_code *code)
{
    return code->type->fields + code->first;
}

static const nd_field *end_field(const nd_record_code *code)
{
    return first_field(code) + code->n_fields;
}

/* Whether a text stands as it is, to the end of the code. */
static bool is_raw(const nd_record_code *code, const nd_field *field)
{
    return field->kind == ND_KIND_BYTES && field + 1 == end_field(code) && !code->is_closed;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

/* --- Numbers --- */

/* The bits of a number that are turned over in its code. */
typedef struct turned_bits {
    uint64_t always;
    uint64_t if_high; /* where the number's highest bit is set; without that bit */
} turned_bits;

static turned_bits turned_bits_of(const nd_field *field)
{
    const uint64_t high = UINT64_C(1) << (8U * field->size - 1);
    if (field->kind == ND_KIND_SIGNED)
        return (turned_bits){high, 0};
    if (field->kind == ND_KIND_FLOAT)
        return (turned_bits){high, high - 1};
    return (turned_bits){0, 0};
}

static inline uint64_t turn_if_high(uint64_t number, turned_bits turned, unsigned width)
{
    return number ^ ((UINT64_C(0) - (number >> (8 * width - 1))) & turned.if_high);
}

/* Compilers know these shifts for the one instruction that they are; not so loops over bytes. */
static inline uint64_t reverse_bytes(uint64_t number, unsigned width)
{
    const uint64_t bytes = UINT64_C(0x00ff00ff00ff00ff), pairs = UINT64_C(0x0000ffff0000ffff);
    number = (number >> 8 & bytes) | (number & bytes) << 8;
    number = (number >> 16 & pairs) | (number & pairs) << 16;
    number = number >> 32 | number << 32;
    return number >> (64 - 8 * width);
}

static inline uint64_t load(const unsigned char *from, unsigned width)
{
    uint64_t number = 0;
    memcpy(&number, from, width);
    return number;
}

ND_KERNEL void write_number(const unsigned char *from, unsigned char *to, turned_bits turned,
                            const unsigned width)
{
    const uint64_t number = turn_if_high(load(from, width), turned, width) ^ turned.always;
    const uint64_t reversed = reverse_bytes(number, width);
    memcpy(to, &reversed, width);
}

ND_KERNEL void read_number(const unsigned char *from, unsigned char *to, turned_bits turned,
                           const unsigned width)
{
    const uint64_t reversed = reverse_bytes(load(from, width), width) ^ turned.always;
    const uint64_t number = turn_if_high(reversed, turned, width);
    memcpy(to, &number, width);
}

static void write_number_field(const nd_field *field, const unsigned char *from, unsigned char *to)
{
    const turned_bits turned = turned_bits_of(field);
    switch (field->size) {
    case 1:
        write_number(from, to, turned, 1);
        break;
    case 2:
        write_number(from, to, turned, 2);
        break;
    case 4:
        write_number(from, to, turned, 4);
        break;
    default:
        write_number(from, to, turned, 8);
    }
}

static void read_number_field(const nd_field *field, const unsigned char *from, unsigned char *to)
{
    const turned_bits turned = turned_bits_of(field);
    switch (field->size) {
    case 1:
        read_number(from, to, turned, 1);
        break;
    case 2:
        read_number(from, to, turned, 2);
        break;
    case 4:
        read_number(from, to, turned, 4);
        break;
    default:
        read_number(from, to, turned, 8);
    }
}

/* --- Columns --- */

/* One field of many records, or two neighbours of one width. */
typedef struct field_column {
    unsigned width;
    unsigned n_fields; /* one or two */
    bool has_floats;
    turned_bits turned[2];
    size_t from_stride, to_stride;
} field_column;

/* The column that begins with `field`, of the `n_fields` from there on. */
static field_column column_at(const nd_field *field, unsigned n_fields)
{
    field_column column = {.width = field->size, .n_fields = 1, .turned = {turned_bits_of(field)}};
    if (n_fields > 1 && field->size >= 4 && field[1].size == field->size) {
        column.n_fields = 2;
        column.turned[1] = turned_bits_of(field + 1);
    }
    column.has_floats = (column.turned[0].if_high | column.turned[1].if_high) != 0;
    return column;
}

ND_KERNEL void write_numbers(const field_column *column, const unsigned char *restrict from,
                             size_t len, unsigned char *restrict to, const unsigned width,
                             const unsigned n_fields)
{
    const turned_bits first = column->turned[0], second = column->turned[1];
    const size_t from_stride = column->from_stride, to_stride = column->to_stride;
    for (; len != 0; len--, from += from_stride, to += to_stride) {
        write_number(from, to, first, width);
        if (n_fields == 2)
            write_number(from + width, to + width, second, width);
    }
}

ND_KERNEL void read_numbers(const field_column *column, const unsigned char *restrict from,
                            size_t len, unsigned char *restrict to, const unsigned width,
                            const unsigned n_fields)
{
    const turned_bits first = column->turned[0], second = column->turned[1];
    const size_t from_stride = column->from_stride, to_stride = column->to_stride;
    for (; len != 0; len--, from += from_stride, to += to_stride) {
        read_number(from, to, first, width);
        if (n_fields == 2)
            read_number(from + width, to + width, second, width);
    }
}

/* Two integers of four bytes are one of eight whose halves are the other way round: in memory the
 * first field is the low half, and it orders first. */
static inline uint64_t swap_halves(uint64_t number) { return number >> 32 | number << 32; }

static void write_halves(const field_column *column, const unsigned char *restrict from, size_t len,
                         unsigned char *restrict to)
{
    const uint64_t turned = column->turned[0].always << 32 | column->turned[1].always;
    for (; len != 0; len--, from += column->from_stride, to += column->to_stride) {
        const uint64_t number = swap_halves(load(from, 8)) ^ turned;
        const uint64_t reversed = reverse_bytes(number, 8);
        memcpy(to, &reversed, 8);
    }
}

static void read_halves(const field_column *column, const unsigned char *restrict from, size_t len,
                        unsigned char *restrict to)
{
    const uint64_t turned = column->turned[0].always << 32 | column->turned[1].always;
    for (; len != 0; len--, from += column->from_stride, to += column->to_stride) {
        const uint64_t number = swap_halves(reverse_bytes(load(from, 8), 8) ^ turned);
        memcpy(to, &number, 8);
    }
}

static void write_column(const field_column *column, const unsigned char *from, size_t len,
                         unsigned char *to)
{
    const bool is_pair = column->n_fields == 2;
    if (column->width == 1)
        write_numbers(column, from, len, to, 1, 1);
    else if (column->width == 2)
        write_numbers(column, from, len, to, 2, 1);
    else if (column->width == 4 && !is_pair)
        write_numbers(column, from, len, to, 4, 1);
    else if (column->width == 4 && column->has_floats)
        write_numbers(column, from, len, to, 4, 2);
    else if (column->width == 4)
        write_halves(column, from, len, to);
    else if (is_pair)
        write_numbers(column, from, len, to, 8, 2);
    else
        write_numbers(column, from, len, to, 8, 1);
}

static void read_column(const field_column *column, const unsigned char *from, size_t len,
                        unsigned char *to)
{
    const bool is_pair = column->n_fields == 2;
    if (column->width == 1)
        read_numbers(column, from, len, to, 1, 1);
    else if (column->width == 2)
        read_numbers(column, from, len, to, 2, 1);
    else if (column->width == 4 && !is_pair)
        read_numbers(column, from, len, to, 4, 1);
    else if (column->width == 4 && column->has_floats)
        read_numbers(column, from, len, to, 4, 2);
    else if (column->width == 4)
        read_halves(column, from, len, to);
    else if (is_pair)
        read_numbers(column, from, len, to, 8, 2);
    else
        read_numbers(column, from, len, to, 8, 1);
}

static void write_block(const nd_record_code *code, const unsigned char *records, size_t stride,
                        size_t len, unsigned char *out)
{
    const nd_field *field = first_field(code);
    for (unsigned left = code->n_fields; left != 0;) {
        field_column column = column_at(field, left);
        column.from_stride = stride;
        column.to_stride = code->size;
        write_column(&column, records + field->offset, len, out);
        out += (size_t)column.n_fields * column.width;
        field += column.n_fields;
        left -= column.n_fields;
    }
}

static void read_block(const nd_record_code *code, const unsigned char *bytes, size_t len,
                       unsigned char *records, size_t stride)
{
    const nd_field *field = first_field(code);
    for (unsigned left = code->n_fields; left != 0;) {
        field_column column = column_at(field, left);
        column.from_stride = code->size;
        column.to_stride = stride;
        read_column(&column, bytes, len, records + field->offset);
        bytes += (size_t)column.n_fields * column.width;
        field += column.n_fields;
        left -= column.n_fields;
    }
}

/* --- Text --- */

static nd_bytes text_of(const nd_field *field, const unsigned char *record)
{
    nd_bytes text;
    memcpy(&text, record + field->offset, sizeof text);
    return text;
}

static size_t escaped_size(nd_bytes text)
{
    const unsigned char *const bytes = text.data;
    size_t size = text.size + 2;
    for (size_t i = 0; i < text.size; i++)
        size += bytes[i] == 0;
    return size;
}

/* Writes a text's escaped form; returns its end. */
static unsigned char *escape(nd_bytes text, unsigned char *out)
{
    const unsigned char *from = text.data;
    size_t left = text.size;
    while (left != 0) {
        unsigned char *const past_zero = memccpy(out, from, 0, left);
        const size_t size = past_zero != NULL ? (size_t)(past_zero - out) : left;
        from += size;
        out += size;
        left -= size;
        if (past_zero != NULL)
            *out++ = ZERO_STAYS;
    }
    *out++ = 0;
    *out++ = TEXT_ENDS;
    return out;
}

/* Bytes of the escaped text at the beginning of `bytes`, its end included, and of the text itself;
 * zero if it has no end. */
static size_t find_end(const unsigned char *bytes, size_t size, size_t *text_size)
{
    size_t n_escapes = 0;
    for (size_t at = 0; at < size; n_escapes++) {
        const unsigned char *const zero = memchr(bytes + at, 0, size - at);
        if (zero == NULL || zero + 1 == bytes + size)
            return 0;
        at = (size_t)(zero - bytes) + 2;
        if (zero[1] == TEXT_ENDS) {
            *text_size = at - 2 - n_escapes;
            return at;
        }
        if (zero[1] != ZERO_STAYS)
            return 0;
    }
    return 0;
}

/* Writes the first `size` bytes of the text whose escaped form is `from`. */
static void unescape(const unsigned char *from, unsigned char *out, size_t size)
{
    while (size != 0) {
        unsigned char *const past_zero = memccpy(out, from, 0, size);
        if (past_zero == NULL)
            return;
        from += past_zero - out + 1;
        size -= (size_t)(past_zero - out);
        out = past_zero;
    }
}

/* --- One record --- */

void nd_record_code_init(nd_record_code *code, const nd_type *type, unsigned first,
                         unsigned n_fields)
{
    assert(first + n_fields <= nd_type_n_fields(type));
    *code = (nd_record_code){.type = type, .first = first, .n_fields = n_fields, .is_fixed = true};
    for (unsigned i = first; i < first + n_fields; i++)
        if (type->fields[i].kind == ND_KIND_BYTES)
            code->is_fixed = false;
        else
            code->size += type->fields[i].size;
}

void nd_record_code_init_closed(nd_record_code *code, const nd_type *type, unsigned first,
                                unsigned n_fields)
{
    nd_record_code_init(code, type, first, n_fields);
    code->is_closed = true;
}

size_t nd_record_code_size(const nd_record_code *code, const void *record)
{
    size_t size = code->size;
    if (code->is_fixed)
        return size;
    const nd_field *const end = end_field(code);
    for (const nd_field *field = first_field(code); field != end; field++) {
        if (field->kind != ND_KIND_BYTES)
            continue;
        const nd_bytes text = text_of(field, record);
        size += is_raw(code, field) ? text.size : escaped_size(text);
    }
    return size;
}

/* Writes a text as it is; returns its end. */
static unsigned char *copy(nd_bytes text, unsigned char *out)
{
    if (text.size == 0)
        return out;
    memcpy(out, text.data, text.size);
    return out + text.size;
}

size_t nd_record_code_write(const nd_record_code *code, const void *record, unsigned char *out)
{
    const unsigned char *const bytes = record;
    unsigned char *to = out;
    const nd_field *const end = end_field(code);
    for (const nd_field *field = first_field(code); field != end; field++) {
        if (field->kind != ND_KIND_BYTES) {
            write_number_field(field, bytes + field->offset, to);
            to += field->size;
        } else {
            const nd_bytes text = text_of(field, bytes);
            to = is_raw(code, field) ? copy(text, to) : escape(text, to);
        }
    }
    return (size_t)(to - out);
}

/* Bytes that `field`, which is not raw, takes at the beginning of `bytes`; zero if these are not
 * its code. */
static size_t valid_size(const nd_field *field, const unsigned char *bytes, size_t size)
{
    size_t text_size;
    if (field->kind == ND_KIND_BYTES)
        return find_end(bytes, size, &text_size);
    if (size < field->size || (field->kind == ND_KIND_BOOL && *bytes > 1))
        return 0;
    return field->size;
}

size_t nd_record_code_prefix(const nd_record_code *code, const unsigned char *bytes, size_t size)
{
    size_t used = 0;
    const nd_field *const end = end_field(code);
    if (code->is_fixed)
        return code->size <= size ? code->size : SIZE_MAX;
    for (const nd_field *field = first_field(code); field != end; field++) {
        if (is_raw(code, field))
            return size;
        const size_t field_size = valid_size(field, bytes + used, size - used);
        if (field_size == 0)
            return SIZE_MAX;
        used += field_size;
    }
    return used;
}

bool nd_record_code_is_valid(const nd_record_code *code, const unsigned char *bytes, size_t size)
{
    const nd_field *const end = end_field(code);
    for (const nd_field *field = first_field(code); field != end; field++) {
        if (is_raw(code, field))
            return true;
        const size_t field_size = valid_size(field, bytes, size);
        if (field_size == 0)
            return false;
        bytes += field_size;
        size -= field_size;
    }
    return size == 0;
}

/* Reads the escaped text at the beginning of `bytes`; returns the size of its code. If the text is
 * not there as it was, it is written to `spare`, and its size added to `used`. */
static size_t read_escaped(const unsigned char *bytes, size_t size, nd_bytes *text,
                           unsigned char *spare, size_t *used)
{
    const size_t code_size = find_end(bytes, size, &text->size);
    assert(code_size != 0);
    text->data = bytes;
    if (text->size + 2 != code_size) {
        text->data = spare + *used;
        unescape(bytes, spare + *used, text->size);
        *used += text->size;
    }
    return code_size;
}

size_t nd_record_code_read(const nd_record_code *code, const unsigned char *bytes, size_t size,
                           void *record, unsigned char *spare)
{
    size_t used = 0;
    const nd_field *const end = end_field(code);
    for (const nd_field *field = first_field(code); field != end; field++) {
        unsigned char *const place = (unsigned char *)record + field->offset;
        nd_bytes text = {bytes, size};
        size_t field_size = field->size;
        if (is_raw(code, field)) {
            memcpy(place, &text, sizeof text);
            return used;
        }
        if (field->kind == ND_KIND_BYTES) {
            field_size = read_escaped(bytes, size, &text, spare, &used);
            memcpy(place, &text, sizeof text);
        } else {
            assert(size >= field_size);
            read_number_field(field, bytes, place);
        }
        bytes += field_size;
        size -= field_size;
    }
    assert(size == 0);
    return used;
}

/* --- Many records --- */

void nd_record_code_write_many(const nd_record_code *code, const void *records, size_t stride,
                               size_t len, unsigned char *out)
{
    assert(code->is_fixed);
    if (code->size == 0)
        return;
    const unsigned char *from = records;
    for (size_t block_len; len != 0; len -= block_len) {
        block_len = len < BLOCK_LEN ? len : BLOCK_LEN;
        write_block(code, from, stride, block_len, out);
        from += block_len * stride;
        out += block_len * code->size;
    }
}

void nd_record_code_read_many(const nd_record_code *code, const unsigned char *bytes, size_t len,
                              void *records, size_t stride)
{
    assert(code->is_fixed);
    if (code->size == 0)
        return;
    unsigned char *to = records;
    for (size_t block_len; len != 0; len -= block_len) {
        block_len = len < BLOCK_LEN ? len : BLOCK_LEN;
        read_block(code, bytes, block_len, to, stride);
        bytes += block_len * code->size;
        to += block_len * stride;
    }
}
