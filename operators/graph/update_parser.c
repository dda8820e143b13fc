/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing lines of updates. Every scan is stopped by a line end: the line's, or the padding's. */
#include "operators/graph/update_parser.h"

#include <string.h>

#include "operators/graph/line_blocks.h"

/* The edge behind the sign, which the caller has seen at the parser's position. */
static enum update_kind parse_edge(edge_parser *parser, nd_edge *edge)
{
    const enum update_kind kind = *parser->position == '+' ? UPDATE_ADD : UPDATE_REMOVE;
    const char *p = skip_blanks(parser->position + 1);
    if (*p == ',')
        p = skip_blanks(p + 1);
    if (is_rest_empty(p)) {
        edge_parser_fail(parser, "an edge needs two vertex ids");
        return UPDATE_NONE;
    }
    parser->position = p;
    return edge_parser_edges(parser, edge, 1) == 1 ? kind : UPDATE_NONE;
}

static enum update_kind parse_commit(edge_parser *parser)
{
    const char *const rest = skip_blanks(parser->position + strlen("commit"));
    if (!is_rest_empty(rest)) {
        edge_parser_fail_column(parser, rest, "the end of the line: a commit stands alone");
        return UPDATE_NONE;
    }
    edge_parser_skip_line(parser);
    return UPDATE_COMMIT;
}

static bool is_word(const char *p, const char *word)
{
    while (*word != '\0' && *p == *word)
        p++, word++;
    return *word == '\0' && ends_column(*p);
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
    edge_parser_fail_column(parser, p, "an update: '+ src dst', '- src dst' or 'commit'");
    return UPDATE_NONE;
}
