/* SPDX-License-Identifier: Apache-2.0 */
/* The plain reader that others are compared with. */
#include "tests/graph/text_oracle.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t count_digits(const char *text) { return strspn(text, "0123456789"); }

bool text_oracle_is_id(const char *text)
{
    if (*text == '\0' || count_digits(text) != strlen(text))
        return false;
    errno = 0;
    (void)strtoull(text, NULL, 10);
    return errno == 0;
}

bool text_oracle_is_decimal(const char *text)
{
    const char *p = text + (*text == '+' || *text == '-');
    size_t n_digits = count_digits(p);
    p += n_digits;
    if (*p == '.') {
        p++;
        n_digits += count_digits(p);
        p += count_digits(p);
    }
    if (n_digits == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        if (count_digits(p) == 0)
            return false;
        p += count_digits(p);
    }
    return *p == '\0' && isfinite(strtod(text, NULL));
}

/* A line taken apart: up to four columns, each ended by zero. */
typedef struct columns {
    size_t n;
    char *text[4];
    bool comma_before[4];
} columns;

static bool is_blank_char(char c) { return c == ' ' || c == '\t'; }

static columns split(char *line)
{
    columns found = {0, {NULL}, {false}};
    char *p = line;
    bool comma = false;
    while (is_blank_char(*p))
        p++;
    for (;;) {
        if (*p == '\0' || *p == '#' || *p == '%') {
            if (comma && found.n < 4) { /* a comma with nothing behind it */
                found.comma_before[found.n] = true;
                found.text[found.n++] = NULL;
            }
            return found;
        }
        char *const begin = p;
        while (*p != '\0' && !is_blank_char(*p) && *p != ',')
            p++;
        if (found.n == 4)
            return found;
        found.comma_before[found.n] = comma;
        found.text[found.n++] = begin;
        char *const end = p;
        while (is_blank_char(*p))
            p++;
        comma = *p == ',';
        p += comma;
        while (is_blank_char(*p))
            p++;
        const bool at_end = *p == '\0' || *p == '#' || *p == '%';
        *end = '\0';
        if (at_end) {
            if (comma && found.n < 4) {
                found.comma_before[found.n] = true;
                found.text[found.n++] = NULL;
            }
            return found;
        }
    }
}

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_' || c == '"' || c == '\'' || (c & 0x80) != 0;
}

/* Reads one line; -1 is wrong, 0 says nothing, 1 is an edge. */
static int read_line(char *line, bool is_first, nd_edge *edge)
{
    while (is_blank_char(*line))
        line++;
    if (*line == '\0' || *line == '#' || *line == '%')
        return 0;
    const char *comma = strchr(line, ',');
    if (is_first && comma != NULL && starts_name(*line)) {
        comma++;
        while (is_blank_char(*comma))
            comma++;
        if (starts_name(*comma))
            return 0;
    }
    const columns found = split(line);
    if (found.n < 2 || found.text[0] == NULL || found.text[1] == NULL)
        return -1;
    if (!text_oracle_is_id(found.text[0]) || !text_oracle_is_id(found.text[1]))
        return -1;
    *edge = (nd_edge){strtoull(found.text[0], NULL, 10), strtoull(found.text[1], NULL, 10), 1.0};
    if (found.n == 2)
        return 1;
    if (found.text[2] == NULL || !text_oracle_is_decimal(found.text[2]))
        return -1;
    edge->weight = strtod(found.text[2], NULL) + 0.0;
    return 1;
}

bool text_oracle_begins_with_name(const char *text, size_t size)
{
    size_t i = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < size) {
        while (i < size && strchr(" \t\n\r", text[i]) != NULL && text[i] != '\0')
            i++;
        if (i == size || (text[i] != '#' && text[i] != '%'))
            break;
        while (i < size && text[i] != '\n' && text[i] != '\r')
            i++;
    }
    return i < size && starts_name(text[i]);
}

text_edges text_oracle_read(const char *text, size_t size)
{
    text_edges all = {malloc((size / 4 + 1) * sizeof(nd_edge)), 0, 0};
    char *const line = malloc(size + 1);
    uint64_t number = 0;
    bool is_first = true;
    size_t i = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < size && all.wrong_line == 0) {
        size_t n = 0;
        nd_edge edge;
        while (i < size && text[i] != '\n' && text[i] != '\r') {
            line[n++] = text[i] == '\0' ? '?' : text[i];
            i++;
        }
        line[n] = '\0';
        i += i + 1 < size && text[i] == '\r' && text[i + 1] == '\n' ? 2 : 1;
        number++;
        const bool says_something =
            line[strspn(line, " \t")] != '\0' && strchr("#%", line[strspn(line, " \t")]) == NULL;
        const int kind = read_line(line, is_first, &edge);
        is_first = is_first && !says_something;
        if (kind < 0)
            all.wrong_line = number;
        if (kind > 0)
            all.edges[all.len++] = edge;
    }
    free(line);
    return all;
}
