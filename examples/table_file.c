/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/table_file.h"

#include <stdio.h>
#include <string.h>

/* Makes room for at least a little more. */
static nd_err grow(table_file *table, size_t *room)
{
    const size_t more = *room == 0 ? 1 << 16 : 2 * *room;
    char *const text = nd_realloc(table->text, more, 1);
    if (text == NULL)
        return nd_message_set(&table->mistake, ND_NOMEM, "%s: out of memory", table->path);
    table->text = text;
    *room = more;
    return ND_OK;
}

static nd_err read_all(table_file *table, nd_reader *reader)
{
    size_t room = 0, got = 1;
    while (got != 0) {
        if (table->size == room)
            ND_TRY(grow(table, &room));
        ND_TRY(nd_reader_read(reader, table->text + table->size, room - table->size, &got,
                              &table->mistake));
        table->size += got;
    }
    return ND_OK;
}

void table_open(table_file *table, const char *folder, const char *name, char separator)
{
    nd_reader *reader = NULL;
    *table = (table_file){.separator = separator};
    const int size = snprintf(table->path, sizeof table->path, "%s%s%s",
                              folder != NULL ? folder : "", folder != NULL ? "/" : "", name);
    if (size < 0 || (size_t)size >= sizeof table->path) {
        table_mistake(table, "the path is too long");
        return;
    }
    table->err = nd_reader_open(table->path, &reader, &table->mistake);
    if (table->err == ND_OK)
        table->err = read_all(table, reader);
    nd_reader_close(reader);
}

void table_mistake(table_file *table, const char *what)
{
    if (table->err == ND_OK)
        table->err =
            nd_message_set(&table->mistake, ND_INPUT, "%s:%zu: %s", table->path, table->line, what);
}

bool table_next(table_file *table)
{
    table->n_fields = 0;
    if (table->err != ND_OK || table->next == table->size)
        return false;
    table->line++;
    const char *at = table->text + table->next;
    const char *end = memchr(at, '\n', table->size - table->next);
    if (end == NULL)
        end = table->text + table->size;
    table->next = (size_t)(end - table->text) + (end != table->text + table->size);
    while (at != NULL && table->n_fields < TABLE_MOST_FIELDS) {
        const char *separator = memchr(at, table->separator, (size_t)(end - at));
        const char *stop = separator != NULL ? separator : end;
        table->fields[table->n_fields++] = (nd_bytes){at, (size_t)(stop - at)};
        at = separator != NULL ? separator + 1 : NULL;
    }
    return true;
}

nd_bytes table_text(table_file *table, size_t field)
{
    if (field < table->n_fields)
        return table->fields[field];
    table_mistake(table, "a field is missing");
    return (nd_bytes){"", 0};
}

bool table_is(nd_bytes text, const char *other)
{
    return text.size == strlen(other) && memcmp(text.data, other, text.size) == 0;
}

/* Digits after the point count up to `n_decimals`, and are made up if there are fewer. */
static int64_t number_of(table_file *table, nd_bytes text, unsigned n_decimals)
{
    const char *at = text.data, *const end = at + text.size;
    const bool is_negative = at < end && *at == '-';
    int64_t value = 0;
    unsigned n_digits = 0, n_after = 0;
    bool is_after = false;
    for (at += is_negative || (at < end && *at == '+'); at < end; at++) {
        if (*at == '.' && !is_after && n_decimals > 0) {
            is_after = true;
            continue;
        }
        n_after += is_after;
        if (*at < '0' || *at > '9' || ++n_digits > 16 || n_after > n_decimals)
            break;
        value = 10 * value + (*at - '0');
    }
    if (at < end || n_digits == 0) {
        table_mistake(table, "not a number");
        return 0;
    }
    for (; n_after < n_decimals; n_after++)
        value *= 10;
    return is_negative ? -value : value;
}

int64_t table_number_of(table_file *table, nd_bytes text) { return number_of(table, text, 0); }

int64_t table_number(table_file *table, size_t field)
{
    return number_of(table, table_text(table, field), 0);
}

uint32_t table_id(table_file *table, size_t field)
{
    const int64_t value = table_number(table, field);
    if (value >= 0 && value <= UINT32_MAX)
        return (uint32_t)value;
    table_mistake(table, "a number that is out of range");
    return 0;
}

int64_t table_hundredths(table_file *table, size_t field)
{
    return number_of(table, table_text(table, field), 2);
}

nd_err table_close(table_file *table, nd_worker *worker)
{
    nd_free(table->text);
    table->text = NULL;
    table->size = table->next = table->n_fields = 0;
    if (table->err == ND_OK)
        return ND_OK;
    return nd_worker_fail(worker, table->err, "%s", table->mistake.text);
}
