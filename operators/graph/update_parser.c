/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing lines of updates. Every scan is stopped by a line end: the line's, or the padding's. */
#include "operators/graph/update_parser.h"

#include <stdio.h>
#include <string.h>

#include "operators/graph/line_blocks.h"

enum { SHOWN_WORD = 40 };

static bool ends_word(char c) { return is_blank(c) || c == ',' || is_line_end(c); }

static bool ends_line(char c) { return is_line_end(c) || c == '#' || c == '%'; }

/* Says that the word at `p` is not what was expected; as much of it as fits, printable. */
static enum update_kind fail_at(edge_parser *parser, const char *p, const char *what)
{
    char shown[SHOWN_WORD + 4];
    size_t n = 0;
    if (*p == ',')
        shown[n++] = ',';
    for (; n < SHOWN_WORD && !ends_word(p[n]); n++)
        shown[n] = p[n] >= ' ' && p[n] <= '~' ? p[n] : '?';
    memcpy(shown + n, n == SHOWN_WORD ? "..." : "", n == SHOWN_WORD ? 4 : 1);
    snprintf(parser->cause, sizeof parser->cause, "'%s' is not %s", shown, what);
    parser->has_failed = true;
    return UPDATE_NONE;
}

static enum update_kind fail_line(edge_parser *parser, const char *cause)
{
    snprintf(parser->cause, sizeof parser->cause, "%s", cause);
    parser->has_failed = true;
    return UPDATE_NONE;
}

static const char *skip_blanks(const char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

/* The edge behind the sign, which the caller has seen at the parser's position. */
static enum update_kind parse_edge(edge_parser *parser, nd_edge *edge)
{
    const enum update_kind kind = *parser->position == '+' ? UPDATE_ADD : UPDATE_REMOVE;
    const char *p = skip_blanks(parser->position + 1);
    if (*p == ',')
        p = skip_blanks(p + 1);
    if (ends_line(*p))
        return fail_line(parser, "an edge needs two vertex ids");
    parser->position = p;
    return edge_parser_edges(parser, edge, 1) == 1 ? kind : UPDATE_NONE;
}

static enum update_kind parse_commit(edge_parser *parser)
{
    const char *const rest = skip_blanks(parser->position + strlen("commit"));
    if (!ends_line(*rest))
        return fail_at(parser, rest, "the end of the line: a commit stands alone");
    edge_parser_skip_line(parser);
    return UPDATE_COMMIT;
}

static bool is_word(const char *p, const char *word)
{
    while (*word != '\0' && *p == *word)
        p++, word++;
    return *word == '\0' && ends_word(*p);
}

enum update_kind update_parser_next(edge_parser *parser, nd_edge *edge)
{
    if (parser->has_failed || !edge_parser_skip_empty(parser))
        return UPDATE_NONE;
    edge_parser_skip_blanks(parser);
    const char *const p = parser->position;
    if (is_word(p, "+") || is_word(p, "-"))
        return parse_edge(parser, edge);
    if (is_word(p, "commit"))
        return parse_commit(parser);
    return fail_at(parser, p, "an update: '+ src dst', '- src dst' or 'commit'");
}
