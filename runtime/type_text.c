/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as text. Pure but for the writer.
 */
#include <nereid/type.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/type_internal.h"

static size_t signed_text(int64_t value, char *text)
{
    if (value >= 0)
        return nd_u64_text((uint64_t)value, text);
    *text = '-';
    return 1 + nd_u64_text(-(uint64_t)value, text + 1);
}

/* As nd_double_text, with the few digits that a float needs. */
static size_t float_text(float value, char *text)
{
    if (!isfinite(value))
        return nd_double_text((double)value, text);
    int size = 0;
    for (int digits = 6; digits <= 9; digits++) {
        size = snprintf(text, ND_DOUBLE_TEXT_SIZE, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    return (size_t)size;
}

static bool needs_quotes(nd_bytes bytes)
{
    const char *text = bytes.data;
    for (size_t i = 0; i < bytes.size; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\r' || text[i] == '\n')
            return true;
    return false;
}

static void write_quoted(nd_bytes bytes, nd_writer *writer)
{
    const char *text = bytes.data;
    size_t begin = 0;
    nd_writer_write(writer, "\"", 1);
    for (size_t i = 0; i < bytes.size; i++)
        if (text[i] == '"') {
            nd_writer_write(writer, text + begin, i + 1 - begin);
            begin = i; /* the quote again, with what follows */
        }
    nd_writer_write(writer, text + begin, bytes.size - begin);
    nd_writer_write(writer, "\"", 1);
}

static void write_bytes(nd_bytes bytes, char separator, nd_writer *writer)
{
    if (separator == ',' && needs_quotes(bytes))
        write_quoted(bytes, writer);
    else if (bytes.size != 0)
        nd_writer_write(writer, bytes.data, bytes.size);
}

static size_t number_text(const nd_field *field, const void *record, char *text)
{
    switch ((nd_kind)field->kind) {
    case ND_KIND_SIGNED:
        return signed_text(nd_field_signed(field, record), text);
    case ND_KIND_FLOAT:
        if (field->size == sizeof(float))
            return float_text((float)nd_field_float(field, record), text);
        return nd_double_text(nd_field_float(field, record), text);
    case ND_KIND_BOOL:
    case ND_KIND_UNSIGNED:
    case ND_KIND_BYTES:
    case ND_KIND_NONE:
        break;
    }
    return nd_u64_text(nd_field_unsigned(field, record), text);
}

void nd_type_write(const nd_type *type, const void *record, char separator, nd_writer *writer)
{
    char text[ND_DOUBLE_TEXT_SIZE];
    for (unsigned i = 0; i < ND_MAX_FIELDS && type->fields[i].kind != ND_KIND_NONE; i++) {
        const nd_field *field = &type->fields[i];
        if (i != 0)
            nd_writer_write(writer, &separator, 1);
        if (field->kind == ND_KIND_BYTES)
            write_bytes(nd_field_bytes(field, record), separator, writer);
        else
            nd_writer_write(writer, text, number_text(field, record, text));
    }
}
