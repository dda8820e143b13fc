/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_LINE_BLOCKS_H
#define NEREID_OPERATORS_GRAPH_LINE_BLOCKS_H

/* A stream of bytes cut into blocks of whole lines.
 *
 * A line ends with a line feed, a carriage return, or both. Blocks have a fixed size, so memory
 * does not grow with the length of a line: of a line longer than a block only the first n_columns
 * columns are kept, runs of blanks shortened to one. Whoever calls owns the blocks; several threads
 * may parse theirs at once as long as one at a time calls line_blocks_next. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/io.h>

enum {
    LINE_BLOCK_SIZE = 1 << 20,
    LINE_BLOCK_PADDING = 16, /* readable bytes after the end of a block; the first is a line feed */
    LINE_COLUMNS = 3         /* of an edge that count */
};

typedef struct line_blocks {
    nd_reader *reader; /* owned */
    size_t block_size;
    int n_columns;  /* that count; LINE_COLUMNS unless changed */
    bool is_prompt; /* a block ends with the last line that has come, be it ever so small; else it
                       is filled first */
    char *tail;     /* the begun line after the last block */
    size_t tail_size;
    bool at_end;
    bool has_begun;       /* the first bytes, which may be a byte order mark, are read */
    bool skips_line_feed; /* the last block ended with a carriage return: a line feed that follows
                             belongs to it */
    uint64_t n_bytes;     /* read so far */
} line_blocks;

/* A block: whole lines from begin to end. begin == end is the end of the stream. */
typedef struct line_block {
    char *begin, *end;
} line_block;

/* Takes `reader`, also on failure. */
ND_CHECKED nd_err line_blocks_init(line_blocks *blocks, nd_reader *reader, size_t block_size);
void line_blocks_deinit(line_blocks *blocks);

/* Fills `buffer` (block_size + LINE_BLOCK_PADDING bytes) with the next lines. ND_INPUT with
 * `*too_long` set: a column of the first line of this block does not fit into half a block; the
 * message is the caller's to write, for it knows the line. */
ND_CHECKED nd_err line_blocks_next(line_blocks *blocks, char *buffer, line_block *block,
                                   bool *too_long, nd_message *message);

static inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

static inline bool is_line_end(char c) { return c == '\n' || c == '\r'; }

static inline bool ends_column(char c) { return is_blank(c) || c == ',' || is_line_end(c); }

static inline const char *skip_blanks(const char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

/* Whether nothing of value stands from p to the line's end. */
static inline bool is_rest_empty(const char *p)
{
    return is_line_end(*p) || *p == '#' || *p == '%';
}

/* Steps over one line end at `p`, which is one; `\r\n` is one. */
static inline const char *after_line_end(const char *p, const char *end)
{
    return p + (*p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1);
}

#endif
