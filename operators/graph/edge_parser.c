/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing lines of edges.
 *
 * Nearly all lines are two numbers with one blank between: edge_parser_edges tries that first and
 * hands any other line, from its beginning, to parse_line, which knows the whole format. Both may
 * read past `end` into the padding, whose line feeds stop every scan. */
#include "operators/graph/edge_parser.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "operators/graph/line_blocks.h"
#include "operators/graph/number_text.h"

enum { SHOWN_TOKEN = 40 };

edge_parser edge_parser_make(const nd_edge_facts *facts, const char *begin, const char *end)
{
    return (edge_parser){
        .position = begin,
        .end = end,
        .weight_needed = facts->is_matrix_market && !facts->is_pattern,
        .weight_ignored = facts->is_pattern,
        .max_src = facts->is_matrix_market ? facts->n_rows : UINT64_MAX,
        .max_dst = facts->is_matrix_market ? facts->n_columns : UINT64_MAX,
    };
}

bool edge_parser_fail(edge_parser *parser, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->cause, sizeof parser->cause, format, arguments);
    va_end(arguments);
    parser->has_failed = true;
    return false;
}

bool edge_parser_fail_column(edge_parser *parser, const char *p, const char *what)
{
    char shown[SHOWN_TOKEN + 4];
    size_t n = 0;
    for (; n < SHOWN_TOKEN && !ends_column(p[n]); n++)
        shown[n] = p[n] >= ' ' && p[n] <= '~' ? p[n] : '?';
    memcpy(shown + n, n == SHOWN_TOKEN ? "..." : "", n == SHOWN_TOKEN ? 4 : 1);
    return edge_parser_fail(parser, n == 0 ? "an empty column%s is not %s" : "'%s' is not %s",
                            shown, what);
}

/* Reads the id at *p and moves behind it. */
static bool parse_id(edge_parser *parser, const char **p, uint64_t *id)
{
    const char *const after = scan_unsigned(*p, id);
    if (after == NULL || !ends_column(*after))
        return edge_parser_fail_column(
            parser, *p, "a vertex id (a whole number from 0 to 18446744073709551615)");
    *p = after;
    return true;
}

/* Moves to the next column: over blanks and at most one comma. */
static const char *next_column(const char *p, bool *had_comma)
{
    p = skip_blanks(p);
    *had_comma = *p == ',';
    return *had_comma ? skip_blanks(p + 1) : p;
}

static bool parse_weight(edge_parser *parser, const char **p, double *weight)
{
    bool had_comma;
    const char *const column = next_column(*p, &had_comma);
    *weight = 1.0;
    *p = column;
    if (parser->weight_ignored)
        return true;
    if (is_rest_empty(column))
        return parser->weight_needed || had_comma
                   ? edge_parser_fail(parser, "the weight is missing")
                   : true;
    const char *const after = scan_decimal(column, weight);
    if (after == NULL || !ends_column(*after))
        return edge_parser_fail_column(parser, column, "a weight (a finite decimal number)");
    if (parser->refuses_negative && *weight < 0)
        return edge_parser_fail(parser, "a negative weight");
    *p = after;
    return true;
}

static bool check_bounds(edge_parser *parser, const nd_edge *edge)
{
    if (parser->max_src == UINT64_MAX && parser->max_dst == UINT64_MAX)
        return true;
    if (edge->src < 1 || edge->src > parser->max_src)
        return edge_parser_fail(parser, "row %" PRIu64 " is outside 1 to %" PRIu64, edge->src,
                                parser->max_src);
    if (edge->dst < 1 || edge->dst > parser->max_dst)
        return edge_parser_fail(parser, "column %" PRIu64 " is outside 1 to %" PRIu64, edge->dst,
                                parser->max_dst);
    return true;
}

static const char *line_end(const char *p, const char *end)
{
    while (p < end && !is_line_end(*p))
        p++;
    return p;
}

/* Moves behind the line end at p; the last line of a file may end without one. */
static void end_line(edge_parser *parser, const char *p)
{
    parser->n_lines++;
    parser->position = p < parser->end ? after_line_end(p, parser->end) : p;
}

void edge_parser_skip_line(edge_parser *parser)
{
    end_line(parser, line_end(parser->position, parser->end));
}

void edge_parser_skip_blanks(edge_parser *parser)
{
    while (parser->position < parser->end && is_blank(*parser->position))
        parser->position++;
}

bool edge_parser_skip_empty(edge_parser *parser)
{
    while (parser->position < parser->end) {
        const char *const p = skip_blanks(parser->position);
        if (!is_rest_empty(p))
            return true;
        edge_parser_skip_line(parser);
    }
    return false;
}

/* Parses the line at position, which is not empty. */
static bool parse_line(edge_parser *parser, nd_edge *edge)
{
    bool had_comma;
    const char *p = skip_blanks(parser->position);
    if (!parse_id(parser, &p, &edge->src))
        return false;
    p = next_column(p, &had_comma);
    if (is_rest_empty(p))
        return edge_parser_fail(parser, "an edge needs two vertex ids");
    if (!parse_id(parser, &p, &edge->dst) || !parse_weight(parser, &p, &edge->weight) ||
        !check_bounds(parser, edge))
        return false;
    end_line(parser, line_end(p, parser->end));
    return true;
}

/* `src dst` and the end of the line, nothing else: where it ends, or NULL. */
static inline const char *scan_plain_line(const char *p, nd_edge *edge)
{
    if (!is_digit(*p))
        return NULL;
    p = scan_unsigned(p, &edge->src);
    if (p == NULL || !(is_blank(*p) || *p == ',') || !is_digit(p[1]))
        return NULL;
    p = scan_unsigned(p + 1, &edge->dst);
    return p != NULL && *p == '\n' ? p + 1 : NULL;
}

/* Parses plain lines as long as they come. */
static size_t parse_plain_lines(edge_parser *parser, nd_edge *edges, size_t capacity)
{
    const char *position = parser->position;
    size_t len = 0;
    while (len < capacity) {
        const char *const next = scan_plain_line(position, &edges[len]);
        if (next == NULL || next > parser->end)
            break;
        edges[len++].weight = 1.0;
        position = next;
    }
    parser->position = position;
    parser->n_lines += len;
    return len;
}

size_t edge_parser_edges(edge_parser *parser, nd_edge *edges, size_t capacity)
{
    const bool may_be_plain = !parser->weight_needed && parser->max_src == UINT64_MAX;
    size_t len = 0;
    while (len < capacity) {
        if (may_be_plain)
            len += parse_plain_lines(parser, edges + len, capacity - len);
        if (len == capacity || !edge_parser_skip_empty(parser) || !parse_line(parser, &edges[len]))
            break;
        len++;
    }
    return len;
}

size_t edge_parser_vertices(edge_parser *parser, uint64_t *ids, size_t capacity)
{
    size_t len = 0;
    while (len < capacity && edge_parser_skip_empty(parser)) {
        const char *p = skip_blanks(parser->position);
        if (!parse_id(parser, &p, &ids[len]))
            break;
        p = skip_blanks(p);
        if (!is_rest_empty(p)) {
            edge_parser_fail_column(parser, p,
                                    "the end of the line: a vertex file has one id a line");
            break;
        }
        end_line(parser, line_end(p, parser->end));
        len++;
    }
    return len;
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '"' || c == '\'' ||
           (c & 0x80) != 0;
}

void edge_parser_skip_names(edge_parser *parser)
{
    const char *const first = skip_blanks(parser->position);
    const char *const end = line_end(first, parser->end);
    const char *const comma = memchr(first, ',', (size_t)(end - first));
    if (comma != NULL && is_name_start(*first) && is_name_start(*skip_blanks(comma + 1)))
        end_line(parser, end);
}
