/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting a stream into blocks of whole lines.
 *
 * A block is filled from what was left of the one before and from the reader, and cut after its
 * last line end; the rest waits in `tail`. Only when there is no line end in a full block is the
 * line shortened in place: leading blanks go, runs of blanks become one, and what stands after the
 * last column that counts (or after a comment's mark) is read past. */
#include "operators/graph/line_blocks.h"

#include <string.h>

#include <nereid/memory.h>

nd_err line_blocks_init(line_blocks *blocks, nd_reader *reader, size_t block_size)
{
    *blocks = (line_blocks){.reader = reader, .block_size = block_size, .n_columns = LINE_COLUMNS};
    blocks->tail = nd_alloc(block_size, 1);
    if (blocks->tail != NULL)
        return ND_OK;
    line_blocks_deinit(blocks);
    return ND_NOMEM;
}

void line_blocks_deinit(line_blocks *blocks)
{
    nd_reader_close(blocks->reader);
    nd_free(blocks->tail);
    *blocks = (line_blocks){0};
}

/* Reads until the buffer is full or the stream ends; promptly, what there is. */
static nd_err fill(line_blocks *blocks, char *buffer, size_t *size, nd_message *message)
{
    while (*size < blocks->block_size && !blocks->at_end) {
        size_t got = 0;
        ND_TRY(nd_reader_read(blocks->reader, buffer + *size, blocks->block_size - *size, &got,
                              message));
        blocks->n_bytes += got;
        blocks->at_end = got == 0;
        *size += got;
        if (blocks->skips_line_feed && *size > 0) {
            blocks->skips_line_feed = false;
            if (buffer[0] == '\n')
                memmove(buffer, buffer + 1, --*size);
        }
        if (blocks->is_prompt && got > 0)
            break;
    }
    return ND_OK;
}

/* The size up to and with the last line end, or zero. */
static size_t whole_lines(const char *buffer, size_t size)
{
    while (size > 0 && !is_line_end(buffer[size - 1]))
        size--;
    return size;
}

static size_t shorten_blanks(char *buffer, size_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < size; i++)
        if (!is_blank(buffer[i]) || (kept > 0 && !is_blank(buffer[kept - 1])))
            buffer[kept++] = buffer[i];
    return kept;
}

/* Where the columns that count end in a line whose blanks are shortened; `size` if they do not end
 * there. A comma with the blanks around it, or else blanks, part two columns; a comment begins
 * where a column would. */
static size_t end_of_columns(const char *line, size_t size, int n_columns)
{
    size_t i = 0;
    for (int column = 0; column < n_columns; column++) {
        if (i < size && (line[i] == '#' || line[i] == '%'))
            break;
        while (i < size && !is_blank(line[i]) && line[i] != ',')
            i++;
        if (column == n_columns - 1)
            break;
        i += i < size && is_blank(line[i]);
        i += i < size && line[i] == ',';
        i += i < size && is_blank(line[i]);
    }
    return i;
}

/* Reads past the rest of the line of which buffer[0..kept) stays, and puts what follows behind it.
 */
static nd_err drop_line_rest(line_blocks *blocks, char *buffer, size_t kept, size_t *size,
                             nd_message *message)
{
    *size = kept;
    while (!blocks->at_end) {
        ND_TRY(fill(blocks, buffer, size, message));
        for (size_t i = kept; i < *size; i++)
            if (is_line_end(buffer[i])) {
                memmove(buffer + kept, buffer + i, *size - i);
                *size -= i - kept;
                return ND_OK;
            }
        *size = kept;
    }
    return ND_OK;
}

/* Makes room in a full buffer that holds no line end. */
static nd_err shorten_line(line_blocks *blocks, char *buffer, size_t *size, bool *too_long,
                           nd_message *message)
{
    const size_t kept = shorten_blanks(buffer, *size);
    *size = kept;
    if (kept > 0 && (buffer[0] == '#' || buffer[0] == '%'))
        return drop_line_rest(blocks, buffer, 1, size, message);
    const size_t columns = end_of_columns(buffer, kept, blocks->n_columns);
    if (columns < kept && columns < blocks->block_size / 2)
        return drop_line_rest(blocks, buffer, columns, size, message);
    *too_long = kept > blocks->block_size / 2;
    return *too_long ? ND_INPUT : ND_OK;
}

/* A byte order mark at the very beginning is no part of the first line. */
static void drop_byte_order_mark(line_blocks *blocks, char *buffer, size_t *size)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    if (!blocks->at_end && *size < sizeof mark && whole_lines(buffer, *size) == 0)
        return; /* it may still become one */
    if (!blocks->has_begun && *size >= sizeof mark && memcmp(buffer, mark, sizeof mark) == 0) {
        *size -= sizeof mark;
        memmove(buffer, buffer + sizeof mark, *size);
    }
    blocks->has_begun = true;
}

nd_err line_blocks_next(line_blocks *blocks, char *buffer, line_block *block, bool *too_long,
                        nd_message *message)
{
    size_t size = blocks->tail_size;
    size_t cut = 0;
    *too_long = false;
    memcpy(buffer, blocks->tail, size);
    blocks->tail_size = 0;
    for (;;) {
        ND_TRY(fill(blocks, buffer, &size, message));
        drop_byte_order_mark(blocks, buffer, &size);
        cut = blocks->at_end ? size : whole_lines(buffer, size);
        if (cut > 0 || (size == 0 && blocks->at_end))
            break;
        if (size < blocks->block_size && !blocks->at_end)
            continue;
        ND_TRY(shorten_line(blocks, buffer, &size, too_long, message));
    }
    blocks->skips_line_feed = cut > 0 && cut == size && buffer[cut - 1] == '\r';
    blocks->tail_size = size - cut;
    memcpy(blocks->tail, buffer + cut, size - cut);
    memset(buffer + cut, '\n', LINE_BLOCK_PADDING);
    *block = (line_block){buffer, buffer + cut};
    return ND_OK;
}
