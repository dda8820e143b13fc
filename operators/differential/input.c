/* SPDX-License-Identifier: Apache-2.0 */
/* A collection's input is an input of rows, whose time is the input's epoch. */
#include "operators/differential/row.h"

#include <nereid/stream.h>

#include "operators/timely/operator_internal.h"

enum { ROOM = 8192 /* bytes of rows that are sent at once */ };

nd_collection nd_collection_input_new(nd_dataflow *flow, const nd_type *type, nd_input **input)
{
    const nd_row row = nd_row_make(nd_root(flow), type);
    const nd_collection made = {.stream = nd_input_new(flow, row.type, input), .type = type};
    if (input)
        nd_input_keep_for(*input, "nd_collection_insert and its like");
    return made;
}

static void send(nd_input *input, const nd_row *as, const void *records, size_t len, int64_t last)
{
    unsigned char rows[ROOM];
    const nd_row row = *as;
    const nd_time time = {.epoch = nd_input_epoch(input)};
    const size_t size = row.type->size, most = ROOM / size;
    const unsigned char *record = records;
    while (len != 0) {
        const size_t n = len < most ? len : most;
        for (size_t i = 0; i < n; i++, record += row.record_size) {
            nd_row_clear(&row, rows + i * size);
            memcpy(rows + i * size, record, row.record_size);
            nd_row_stamp(&row, rows + i * size, &time, last);
        }
        nd_input_send_rows(input, rows, n);
        len -= n;
    }
}

void nd_collection_update_many(nd_input *input, const void *records, size_t len, int64_t diff)
{
    nd_row row;
    if (!input || len == 0 || diff == 0)
        return;
    if (nd_row_of_input(nd_input_type(input), ND_ROW_DIFFERENCE, &row))
        send(input, &row, records, len, diff);
    else
        nd_input_fail(input, "it takes no changes: it is one for nd_input_send, or for nd_upsert");
}

void nd_input_say(nd_input *input, const void *record, int64_t word)
{
    nd_row row;
    if (nd_row_of_input(nd_input_type(input), ND_ROW_WORD, &row))
        send(input, &row, record, 1, word);
    else
        nd_input_fail(input, "it is not made to be told what a key has (nd_upsert_input_new)");
}

void nd_collection_update(nd_input *input, const void *record, int64_t diff)
{
    nd_collection_update_many(input, record, 1, diff);
}

void nd_collection_insert(nd_input *input, const void *record)
{
    nd_collection_update_many(input, record, 1, 1);
}

void nd_collection_remove(nd_input *input, const void *record)
{
    nd_collection_update_many(input, record, 1, -1);
}
