/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor is three numbers: moving it is arithmetic, and seeking is the column's. */
#include "operators/differential/trace_cursor.h"

void nd_trace_cursor_go_to(nd_trace_cursor *cursor, uint32_t key)
{
    const nd_trace_batch *const batch = cursor->batch;
    const bool is_there = key < batch->keys.len;
    cursor->key = key;
    cursor->value = is_there ? nd_trace_batch_value(batch, key) : 0;
    cursor->value_end = is_there ? nd_trace_batch_value(batch, key + 1) : 0;
}

void nd_trace_cursor_init(nd_trace_cursor *cursor, const nd_trace_batch *batch)
{
    cursor->batch = batch;
    cursor->times = batch->times.items;
    nd_trace_cursor_go_to(cursor, 0);
}

void nd_trace_cursor_init_view(nd_trace_cursor *cursor, const nd_trace_view *view)
{
    nd_trace_cursor_init(cursor, view->batch);
    cursor->times = nd_trace_view_times(view);
}

void nd_trace_cursor_next_key(nd_trace_cursor *cursor)
{
    nd_trace_cursor_go_to(cursor, cursor->key + 1);
}

void nd_trace_cursor_end(nd_trace_cursor *cursor)
{
    nd_trace_cursor_go_to(cursor, cursor->batch->keys.len);
}

bool nd_trace_cursor_seek_key(nd_trace_cursor *cursor, nd_trace_code code)
{
    const nd_trace_column *const keys = &cursor->batch->keys;
    const uint32_t key = nd_trace_column_seek(keys, cursor->key, keys->len, code);
    if (key != cursor->key)
        nd_trace_cursor_go_to(cursor, key);
    return key < keys->len && nd_trace_code_compare(nd_trace_column_get(keys, key), code) == 0;
}

void nd_trace_cursor_rewind_values(nd_trace_cursor *cursor)
{
    nd_trace_cursor_go_to(cursor, cursor->key);
}

bool nd_trace_cursor_seek_value(nd_trace_cursor *cursor, nd_trace_code code)
{
    const nd_trace_column *const values = &cursor->batch->values;
    cursor->value = nd_trace_column_seek(values, cursor->value, cursor->value_end, code);
    return nd_trace_cursor_has_value(cursor) &&
           nd_trace_code_compare(nd_trace_cursor_value(cursor), code) == 0;
}
