/* SPDX-License-Identifier: Apache-2.0 */
/* The plain reader of updates: a line is a word and what a line of an edge list is. */
#include "tests/graph/update_oracle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/graph/text_oracle.h"

enum { MOST_CAPACITY = 64 };

/* The state of a read: the edges that are there, as often as they are. */
typedef struct reading {
    const nd_update_options *options;
    text_updates all;
    nd_edge *there;
    size_t n_there;
    bool has_lines;
} reading;

static bool is_blank_char(char c) { return c == ' ' || c == '\t'; }

static bool says_nothing(const char *p) { return *p == '\0' || *p == '#' || *p == '%'; }

static char *skip(char *p)
{
    while (is_blank_char(*p))
        p++;
    return p;
}

static void give(reading *at, nd_edge edge, int64_t diff)
{
    at->all.updates[at->all.len++] = (text_update){at->all.n_epochs + 1, {edge, diff}};
    if (at->options->direction != ND_UNDIRECTED || edge.src == edge.dst)
        return;
    at->all.updates[at->all.len++] =
        (text_update){at->all.n_epochs + 1, {{edge.dst, edge.src, edge.weight}, diff}};
}

static bool change(reading *at, nd_edge edge, bool comes)
{
    if (!at->options->keep_weights)
        edge.weight = 1;
    if (at->options->direction == ND_UNDIRECTED && edge.dst < edge.src)
        edge = (nd_edge){edge.dst, edge.src, edge.weight};
    size_t i = 0;
    while (i < at->n_there && memcmp(&at->there[i], &edge, sizeof edge) != 0)
        i++;
    if (!comes && i == at->n_there)
        return false;
    if (comes)
        at->there[at->n_there++] = edge;
    else
        at->there[i] = at->there[--at->n_there];
    give(at, edge, comes ? 1 : -1);
    return true;
}

/* Whether the line is right. */
static bool read_line(reading *at, char *line)
{
    char *p = skip(line), *rest = p;
    if (says_nothing(p))
        return true;
    while (*rest != '\0' && !is_blank_char(*rest) && *rest != ',')
        rest++;
    const size_t len = (size_t)(rest - p);
    rest = skip(rest);
    if (len == 6 && memcmp(p, "commit", 6) == 0) {
        at->has_lines = false;
        at->all.n_epochs++;
        return says_nothing(rest);
    }
    if (len != 1 || (*p != '+' && *p != '-'))
        return false;
    rest = skip(rest + (*rest == ','));
    if (*rest < '0' || *rest > '9')
        return false;
    const text_edges found = text_oracle_read(rest, strlen(rest));
    const bool is_edge = found.len == 1 && found.wrong_line == 0;
    const nd_edge edge = is_edge ? found.edges[0] : (nd_edge){0, 0, 0};
    free(found.edges);
    at->has_lines = true;
    return is_edge && !(at->options->no_negative_weights && edge.weight < 0) &&
           change(at, edge, *p == '+');
}

text_updates update_oracle_read(const char *text, size_t size, const nd_update_options *options)
{
    reading at = {.options = options};
    char *const line = malloc(size + 1);
    uint64_t number = 0;
    size_t i = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    at.all.updates = malloc((size + 1) * sizeof *at.all.updates);
    at.there = malloc((size + 1) * sizeof *at.there);
    while (i < size && at.all.wrong_line == 0) {
        size_t n = 0;
        for (; i < size && text[i] != '\n' && text[i] != '\r'; i++)
            line[n++] = text[i] == '\0' ? '?' : text[i];
        line[n] = '\0';
        i += i + 1 < size && text[i] == '\r' && text[i + 1] == '\n' ? 2 : 1;
        number++;
        const uint64_t n_epochs = at.all.n_epochs;
        if (!read_line(&at, line)) {
            at.all.wrong_line = number;
            at.all.n_epochs = n_epochs;
        }
    }
    at.all.n_epochs += at.has_lines && at.all.wrong_line == 0;
    free(line);
    free(at.there);
    return at.all;
}

static uint64_t line_of(const nd_message *message)
{
    const char *const colon = strchr(message->text, ':');
    return colon != NULL ? strtoull(colon + 1, NULL, 10) : 0;
}

static bool is_same(const nd_edge_update *a, const nd_edge_update *b)
{
    return a->edge.src == b->edge.src && a->edge.dst == b->edge.dst &&
           a->edge.weight == b->edge.weight && a->diff == b->diff;
}

static const char *compare(nd_update_reader *reader, size_t capacity, const text_updates *wanted)
{
    nd_edge_update updates[MOST_CAPACITY];
    nd_message message = {""};
    uint64_t n_epochs = 0;
    size_t n = 0, len = 1;
    bool ends_epoch = false;
    nd_err err = ND_OK;
    while (err == ND_OK && (len > 0 || ends_epoch)) {
        err = nd_update_reader_next(reader, updates, capacity, &len, &ends_epoch, &message);
        for (size_t i = 0; i < len && err == ND_OK; i++, n++)
            if (n >= wanted->len || wanted->updates[n].epoch != n_epochs + 1 ||
                !is_same(&wanted->updates[n].update, &updates[i]))
                return "another update";
        n_epochs += err == ND_OK && ends_epoch;
    }
    if (n_epochs != wanted->n_epochs)
        return "another number of epochs";
    if (err != ND_OK)
        return line_of(&message) == wanted->wrong_line ? NULL : "another wrong line";
    return wanted->wrong_line != 0 ? "no wrong line" : n != wanted->len ? "too few updates" : NULL;
}

const char *update_oracle_compare(nd_reader *bytes, const nd_update_options *options,
                                  size_t capacity, const text_updates *wanted)
{
    nd_update_reader *reader;
    if (nd_update_reader_open_bytes(bytes, options, &reader) != ND_OK)
        return "it cannot be opened";
    const char *const difference = compare(reader, capacity, wanted);
    nd_update_reader_close(reader);
    return difference;
}
