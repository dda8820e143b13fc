/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/watch/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void nd_lines_init(nd_lines *lines)
{
    *lines = (nd_lines){.n = 0};
    nd_vector_init(&lines->bytes, 1);
}

void nd_lines_deinit(nd_lines *lines)
{
    nd_vector_deinit(&lines->bytes);
    lines->n = 0;
}

void nd_lines_clear(nd_lines *lines)
{
    nd_vector_clear(&lines->bytes);
    lines->n = 0;
    lines->is_cut = false;
}

static void add_text(nd_lines *lines, const char *text)
{
    const size_t size = strlen(text) + 1, used = lines->bytes.len;
    if (nd_vector_reserve(&lines->bytes, used + size) != ND_OK) {
        lines->is_cut = true;
        return;
    }
    memcpy((char *)lines->bytes.items + used, text, size);
    lines->bytes.len = used + size;
    lines->n++;
}

void nd_lines_add(nd_lines *lines, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add_text(lines, text);
}

void nd_lines_append(nd_lines *lines, const nd_lines *other)
{
    for (const char *line = NULL; (line = nd_lines_next(other, line));)
        add_text(lines, line);
    lines->is_cut |= other->is_cut;
}

const char *nd_lines_next(const nd_lines *lines, const char *line)
{
    const char *const first = lines->bytes.items;
    const char *const next = line ? line + strlen(line) + 1 : first;
    return next == NULL || next == first + lines->bytes.len ? NULL : next;
}
