/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record types: what can be read off the table of fields. Checking it once lets everything else
 * trust it: fields lie side by side, so that flat records and keys can be compared and hashed as
 * plain bytes.
 *
 * Pure; any thread.
 */
#include <nereid/type.h>

#include <math.h>

#include "runtime/type_internal.h"

static bool is_object(const nd_type *type) { return type->retain != NULL; }

static bool is_same_field(const nd_field *a, const nd_field *b)
{
    return strcmp(a->name, b->name) == 0 && a->offset == b->offset && a->size == b->size &&
           a->kind == b->kind;
}

bool nd_type_is_same(const nd_type *a, const nd_type *b)
{
    if (a == b)
        return true;
    if (strcmp(a->name, b->name) != 0 || a->size != b->size || a->nkey != b->nkey ||
        a->retain != b->retain || a->release != b->release)
        return false;
    const unsigned n = nd_type_n_fields(a);
    bool is_same = n == nd_type_n_fields(b);
    for (unsigned i = 0; is_same && i < n; i++)
        is_same = is_same_field(&a->fields[i], &b->fields[i]);
    return is_same;
}

unsigned nd_type_n_fields(const nd_type *type)
{
    unsigned n = 0;
    while (n < ND_MAX_FIELDS && type->fields[n].kind != ND_KIND_NONE)
        n++;
    return n;
}

bool nd_type_is_flat(const nd_type *type)
{
    for (unsigned i = 0; i < ND_MAX_FIELDS && type->fields[i].kind != ND_KIND_NONE; i++)
        if (type->fields[i].kind == ND_KIND_BYTES)
            return false;
    return !is_object(type);
}

size_t nd_type_key_size(const nd_type *type)
{
    if (type->nkey == 0)
        return 0;
    const nd_field *last = &type->fields[type->nkey - 1];
    return (size_t)last->offset + last->size;
}

/* --- Checking --- */

static bool is_power_of_two(unsigned size) { return size != 0 && (size & (size - 1)) == 0; }

static bool size_is_possible(const nd_field *field)
{
    switch ((nd_kind)field->kind) {
    case ND_KIND_BOOL:
        return field->size == sizeof(bool);
    case ND_KIND_SIGNED:
    case ND_KIND_UNSIGNED:
        return field->size <= 8 && is_power_of_two(field->size);
    case ND_KIND_FLOAT:
        return field->size == sizeof(float) || field->size == sizeof(double);
    case ND_KIND_BYTES:
        return field->size == sizeof(nd_bytes);
    case ND_KIND_NONE:
        break;
    }
    return false;
}

static nd_err check_object(const nd_type *type, nd_message *message)
{
    if (type->retain == NULL || type->release == NULL)
        return nd_message_set(message, ND_INVAL,
                              "type '%s': an object needs both retain and release", type->name);
    if (type->size != sizeof(void *))
        return nd_message_set(message, ND_INVAL,
                              "type '%s': an object is one pointer of %zu bytes, not of %u",
                              type->name, sizeof(void *), type->size);
    if (type->nkey != 0 || nd_type_n_fields(type) != 0)
        return nd_message_set(message, ND_INVAL, "type '%s': an object has no fields and no key",
                              type->name);
    return ND_OK;
}

static nd_err padding_found(const nd_type *type, size_t offset, size_t end, const char *place,
                            const char *field_name, nd_message *message)
{
    const char *quote = *field_name != '\0' ? "'" : "";
    return nd_message_set(message, ND_INVAL,
                          "type '%s': %zu bytes of padding at offset %zu, %s%s%s%s; name it as a "
                          "field or reorder the struct",
                          type->name, end - offset, offset, place, quote, field_name, quote);
}

/* Checks field `i`, which should begin at byte `offset`. */
static nd_err check_field(const nd_type *type, unsigned i, size_t offset, nd_message *message)
{
    const nd_field *field = &type->fields[i];
    if (field->name == NULL)
        return nd_message_set(message, ND_INVAL, "type '%s': field %u has no name", type->name, i);
    if (!size_is_possible(field))
        return nd_message_set(message, ND_INVAL,
                              "type '%s': field '%s' of kind %u cannot have %u bytes", type->name,
                              field->name, field->kind, field->size);
    if (field->offset < offset)
        return nd_message_set(
            message, ND_INVAL,
            "type '%s': field '%s' at offset %u lies before the end of field '%s'; "
            "list the fields in the order of the struct",
            type->name, field->name, field->offset, type->fields[i - 1].name);
    if (field->offset > offset && i == 0)
        return padding_found(type, offset, field->offset, "before field ", field->name, message);
    if (field->offset > offset)
        return padding_found(type, offset, field->offset, "after field ", type->fields[i - 1].name,
                             message);
    if (offset + field->size > type->size)
        return nd_message_set(message, ND_INVAL,
                              "type '%s': field '%s' ends at byte %zu of a record of %u bytes",
                              type->name, field->name, offset + field->size, type->size);
    return ND_OK;
}

nd_err nd_type_check(const nd_type *type, nd_message *message)
{
    if (type == NULL || type->name == NULL)
        return nd_message_set(message, ND_INVAL, "a record type without a name");
    if (type->retain != NULL || type->release != NULL)
        return check_object(type, message);
    const unsigned n_fields = nd_type_n_fields(type);
    if (n_fields == 0)
        return nd_message_set(message, ND_INVAL, "type '%s': no fields", type->name);
    if (type->nkey > n_fields)
        return nd_message_set(message, ND_INVAL, "type '%s': a key of %u fields where there are %u",
                              type->name, type->nkey, n_fields);
    size_t offset = 0;
    for (unsigned i = 0; i < n_fields; i++) {
        ND_TRY(check_field(type, i, offset, message));
        offset += type->fields[i].size;
    }
    if (offset != type->size)
        return padding_found(type, offset, type->size, "after the last field", "", message);
    return ND_OK;
}

/* --- Equality and order --- */

static bool bytes_equal(nd_bytes a, nd_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool field_equal(const nd_field *field, const void *a, const void *b)
{
    if (field->kind == ND_KIND_BYTES)
        return bytes_equal(nd_field_bytes(field, a), nd_field_bytes(field, b));
    return memcmp(nd_field_at(field, a), nd_field_at(field, b), field->size) == 0;
}

static bool fields_equal(const nd_type *type, unsigned n, const void *a, const void *b)
{
    for (unsigned i = 0; i < n; i++)
        if (!field_equal(&type->fields[i], a, b))
            return false;
    return true;
}

bool nd_type_key_equal(const nd_type *type, const void *a, const void *b)
{
    return fields_equal(type, type->nkey, a, b);
}

bool nd_type_equal(const nd_type *type, const void *a, const void *b)
{
    if (nd_type_is_flat(type) || is_object(type))
        return memcmp(a, b, type->size) == 0;
    return fields_equal(type, nd_type_n_fields(type), a, b);
}

static int compare_bytes(nd_bytes a, nd_bytes b)
{
    const size_t size = a.size < b.size ? a.size : b.size;
    const int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* A NaN can come out of a program's arithmetic: it stands after all numbers, so that the order
 * stays one. */
static int compare_floats(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
    return (a > b) - (a < b);
}

static int compare_field(const nd_field *field, const void *a, const void *b)
{
    switch ((nd_kind)field->kind) {
    case ND_KIND_SIGNED: {
        const int64_t x = nd_field_signed(field, a), y = nd_field_signed(field, b);
        return (x > y) - (x < y);
    }
    case ND_KIND_FLOAT:
        return compare_floats(nd_field_float(field, a), nd_field_float(field, b));
    case ND_KIND_BYTES:
        return compare_bytes(nd_field_bytes(field, a), nd_field_bytes(field, b));
    case ND_KIND_BOOL:
    case ND_KIND_UNSIGNED:
    case ND_KIND_NONE:
        break;
    }
    const uint64_t x = nd_field_unsigned(field, a), y = nd_field_unsigned(field, b);
    return (x > y) - (x < y);
}

int nd_type_compare(const nd_type *type, const void *a, const void *b)
{
    if (is_object(type))
        return memcmp(a, b, type->size);
    for (unsigned i = 0; i < ND_MAX_FIELDS && type->fields[i].kind != ND_KIND_NONE; i++) {
        const int order = compare_field(&type->fields[i], a, b);
        if (order != 0)
            return order;
    }
    return 0;
}
