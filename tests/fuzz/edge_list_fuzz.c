/* SPDX-License-Identifier: Apache-2.0 */
/* Edge lists. Whatever the bytes, they are read as the plain reader reads them; in tiny blocks, and
 * on two threads, they give the same graph or the same line to blame, unless a column is too long
 * for a block. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nereid/graph.h>

#include "operators/graph/edge_collector.h"
#include "operators/graph/graph_loader.h"
#include "tests/graph/text_oracle.h"
#include "tests/support/fuzz.h"

enum { EDGES_AT_ONCE = 16, SMALL_BLOCK = 64, MOST_BYTES = 1 << 16 };

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

static uint64_t line_of(const nd_message *message)
{
    return strtoull(message->text + strlen("fuzz:"), NULL, 10);
}

static void compare_with_plain(const char *data, size_t size, const text_edges *wanted)
{
    nd_reader *bytes;
    nd_edge_reader *reader = NULL;
    nd_message message = {""};
    nd_edge edges[EDGES_AT_ONCE];
    size_t len = 1, n = 0;
    check(nd_reader_open_memory("fuzz", data, size, &bytes, NULL) == ND_OK);
    nd_err err = nd_edge_reader_open_bytes(bytes, &reader, &message);
    while (err == ND_OK && len > 0) {
        err = nd_edge_reader_next(reader, edges, EDGES_AT_ONCE, &len, &message);
        for (size_t i = 0; i < len && err == ND_OK; i++, n++)
            check(n < wanted->len && edges[i].src == wanted->edges[n].src &&
                  edges[i].dst == wanted->edges[n].dst &&
                  edges[i].weight == wanted->edges[n].weight);
    }
    check(err == ND_OK ? wanted->wrong_line == 0 && n == wanted->len
                       : line_of(&message) == wanted->wrong_line);
    nd_edge_reader_close(reader);
}

static void load_in_small_blocks(const char *data, size_t size, const text_edges *wanted)
{
    nd_reader *bytes;
    nd_edge_facts facts;
    nd_message message = {""};
    edge_collector collectors[2] = {{.keep_weights = true}, {.keep_weights = true}};
    const load_progress progress = {NULL, NULL};
    check(nd_reader_open_memory("fuzz", data, size, &bytes, NULL) == ND_OK);
    const nd_err err =
        load_edges(bytes, SMALL_BLOCK, false, collectors, 2, progress, &facts, &message);
    const bool is_too_long = strstr(message.text, "too long") != NULL;
    check(is_too_long || (err == ND_OK) == (wanted->wrong_line == 0));
    check(is_too_long || err == ND_OK || line_of(&message) == wanted->wrong_line);
    check(err != ND_OK || collectors[0].len + collectors[1].len == wanted->len);
    edge_collector_deinit(&collectors[0]);
    edge_collector_deinit(&collectors[1]);
}

static bool is_compressed_or_matrix(const char *data, size_t size)
{
    size_t skip = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (skip < size && (data[skip] == ' ' || data[skip] == '\t'))
        skip++;
    return (size >= 2 && memcmp(data, "\x1f\x8b", 2) == 0) ||
           (size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0) ||
           (size >= 4 && ((unsigned char)data[0] & 0xf0) == 0x50 &&
            memcmp(data + 1, "\x2a\x4d\x18", 3) == 0) ||
           (size - skip >= 14 && strncasecmp(data + skip, "%%MatrixMarket", 14) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const text = (const char *)data;
    if (size > MOST_BYTES || is_compressed_or_matrix(text, size))
        return 0;
    text_edges wanted = text_oracle_read(text, size);
    compare_with_plain(text, size, &wanted);
    if (!text_oracle_begins_with_name(text,
                                      size)) /* of a long line of names a block shows too little */
        load_in_small_blocks(text, size, &wanted);
    free(wanted.edges);
    return 0;
}
