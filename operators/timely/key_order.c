/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order of keys: from each key, a number of 64 bits is made that orders as the key does, as far as
 * it goes. The numbers are sorted by radix, from the lowest byte up, leaving out bytes in which all
 * agree; keys that do not fit in 64 bits are compared in full where their numbers are equal. Few
 * records are compared at once.
 *
 * Pure; any thread.
 */
#include "operators/timely/key_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

enum { FEW = 48 }; /* records for which comparing beats counting bytes */

typedef struct entry {
    uint64_t number;
    uint64_t index;
} entry;

typedef struct context {
    const nd_type *type;
    const unsigned char *records;
} context;

/* --- The number of a key --- */

/* A field's number, in as many bits as it has, that orders as the field does. */
static uint64_t field_number(const nd_field *field, const unsigned char *record)
{
    uint64_t bits = 0;
    memcpy(&bits, record + field->offset, field->size);
    const unsigned width = 8U * field->size;
    const uint64_t sign = UINT64_C(1) << (width - 1), all = sign | (sign - 1);
    if (field->kind == ND_KIND_SIGNED)
        return bits ^ sign;
    if (field->kind == ND_KIND_FLOAT)
        return (bits & sign) != 0 ? ~bits & all : bits | sign;
    return bits;
}

/* The first bytes of a string, as many as fill `width` bits. */
static uint64_t bytes_number(const nd_field *field, const unsigned char *record, unsigned width)
{
    nd_bytes bytes;
    memcpy(&bytes, record + field->offset, sizeof bytes);
    const unsigned char *text = bytes.data;
    uint64_t number = 0;
    for (size_t i = 0; i < width / 8; i++)
        number = number << 8 | (i < bytes.size ? text[i] : 0);
    return number << width % 8;
}

static uint64_t key_number(const nd_type *type, const unsigned char *record)
{
    uint64_t number = 0;
    unsigned left = 64; /* bits that are not used yet */
    for (unsigned i = 0; i < type->nkey && left != 0; i++) {
        const nd_field *field = &type->fields[i];
        if (field->kind == ND_KIND_BYTES)
            return number | bytes_number(field, record, left);
        const unsigned width = 8U * field->size;
        const uint64_t part = field_number(field, record);
        if (width > left)
            return number | part >> (width - left);
        left -= width;
        number |= part << left;
    }
    return number;
}

/* Whether different keys always have different numbers. */
static bool number_is_whole_key(const nd_type *type)
{
    for (unsigned i = 0; i < type->nkey; i++)
        if (type->fields[i].kind == ND_KIND_BYTES)
            return false;
    return nd_type_key_size(type) <= sizeof(uint64_t);
}

/* --- Sorting --- */

static int compare_entries(const void *a, const void *b, void *argument)
{
    const entry *const x = a, *const y = b;
    const context *const shared = argument;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return nd_type_compare(shared->type, shared->records + x->index * shared->type->size,
                           shared->records + y->index * shared->type->size);
}

/* One stable pass by the byte at `shift`; `starts` are the places where each value's entries begin.
 */
static void scatter(const entry *from, entry *to, size_t len, unsigned shift, size_t *starts)
{
    for (size_t i = 0; i < len; i++)
        to[starts[from[i].number >> shift & 0xff]++] = from[i];
}

/* Turns counts into starts; false if all entries have one value. */
static bool counts_to_starts(size_t *counts, size_t len)
{
    size_t start = 0;
    for (unsigned value = 0; value < 256; value++) {
        const size_t count = counts[value];
        if (count == len)
            return false;
        counts[value] = start;
        start += count;
    }
    return true;
}

/* Sorts by number; returns whichever of the two arrays the result is in. */
static entry *radix_sort(entry *entries, entry *spare, size_t len)
{
    size_t counts[8][256] = {{0}};
    for (size_t i = 0; i < len; i++)
        for (unsigned byte = 0; byte < 8; byte++)
            counts[byte][entries[i].number >> (8 * byte) & 0xff]++;
    for (unsigned byte = 0; byte < 8; byte++) {
        if (!counts_to_starts(counts[byte], len))
            continue;
        scatter(entries, spare, len, 8 * byte, counts[byte]);
        entry *const sorted = spare;
        spare = entries;
        entries = sorted;
    }
    return entries;
}

/* Orders entries of equal numbers by their whole keys. */
static void sort_runs(entry *entries, size_t len, context *shared)
{
    for (size_t begin = 0, end; begin < len; begin = end) {
        for (end = begin + 1; end < len && entries[end].number == entries[begin].number; end++)
            ;
        if (end - begin > 1)
            qsort_r(entries + begin, end - begin, sizeof *entries, compare_entries, shared);
    }
}

nd_err nd_key_order(const nd_type *type, const void *records, size_t len, uint32_t *order)
{
    entry few[FEW];
    entry *const block = len <= FEW ? few : nd_alloc(len, 2 * sizeof *block);
    if (block == NULL)
        return ND_NOMEM;
    context shared = {type, records};
    for (size_t i = 0; i < len; i++)
        block[i] = (entry){key_number(type, shared.records + i * type->size), i};
    entry *sorted = block;
    if (len <= FEW) {
        qsort_r(block, len, sizeof *block, compare_entries, &shared);
    } else {
        sorted = radix_sort(block, block + len, len);
        if (!number_is_whole_key(type))
            sort_runs(sorted, len, &shared);
    }
    for (size_t i = 0; i < len; i++)
        order[i] = (uint32_t)sorted[i].index;
    if (block != few)
        nd_free(block);
    return ND_OK;
}
