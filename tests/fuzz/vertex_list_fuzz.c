/* SPDX-License-Identifier: Apache-2.0 */
/* Files of vertex ids, in blocks of a usual and of a tiny size. */
#include <stdlib.h>
#include <string.h>

#include "operators/graph/edge_collector.h"
#include "operators/graph/graph_loader.h"
#include "tests/graph/text_oracle.h"
#include "tests/support/fuzz.h"

enum { SMALL_BLOCK = 64, MOST_BYTES = 1 << 16 };

static nd_err load(const uint8_t *data, size_t size, size_t block_size, size_t *len,
                   nd_message *message)
{
    nd_reader *bytes;
    edge_collector collector = {.keys = NULL};
    nd_err err = nd_reader_open_memory("fuzz", data, size, &bytes, message);
    if (err == ND_OK)
        err = load_vertices(bytes, block_size, &collector, message);
    *len = collector.len;
    edge_collector_deinit(&collector);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = 0, small_len = 0;
    nd_message message = {""}, small_message = {""};
    if (size > MOST_BYTES)
        return 0;
    const nd_err err = load(data, size, MOST_BYTES * 2, &len, &message);
    if (text_oracle_begins_with_name((const char *)data, size)) /* see edge_list_fuzz.c */
        return 0;
    const nd_err small_err = load(data, size, SMALL_BLOCK, &small_len, &small_message);
    if (err != ND_OK && err != ND_INPUT)
        abort();
    if (strstr(small_message.text, "too long") == NULL &&
        (err != small_err || strcmp(message.text, small_message.text) != 0 ||
         (err == ND_OK && len != small_len)))
        abort();
    return 0;
}
