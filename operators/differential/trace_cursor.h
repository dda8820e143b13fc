/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_CURSOR_H
#define OPERATORS_DIFFERENTIAL_TRACE_CURSOR_H

/** @file
 * Reading a batch: forward over its keys, of a key over its values, of a value over its updates.
 *
 * A cursor stands at a key or past the last, and at a value of that key or past its last. It is
 * plain data: a copy is a second cursor. One thread at a time; a batch has any number of cursors.
 */

#include "operators/differential/trace_view.h"

typedef struct nd_trace_cursor {
    const nd_trace_batch *batch; /* lent: held by whoever has the cursor */
    const nd_time *times;        /* likewise, by number */
    uint32_t key;
    uint32_t value, value_end; /* both zero past the last key */
} nd_trace_cursor;

/** Stands at the first key and its first value. Times are the batch's own. */
void nd_trace_cursor_init(nd_trace_cursor *cursor, const nd_trace_batch *batch);
/** As nd_trace_cursor_init, with times as they stand in the view, which is lent like the batch. */
void nd_trace_cursor_init_view(nd_trace_cursor *cursor, const nd_trace_view *view);

static inline bool nd_trace_cursor_has_key(const nd_trace_cursor *cursor)
{
    return cursor->key < cursor->batch->keys.len;
}

/** The key it stands at. */
static inline nd_trace_code nd_trace_cursor_key(const nd_trace_cursor *cursor)
{
    return nd_trace_column_get(&cursor->batch->keys, cursor->key);
}

/** To the first value of the next key; there is a key. */
void nd_trace_cursor_next_key(nd_trace_cursor *cursor);
/** To the first value of key number `key`; the number of keys is past the last. */
void nd_trace_cursor_go_to(nd_trace_cursor *cursor, uint32_t key);
/** Past the last key. */
void nd_trace_cursor_end(nd_trace_cursor *cursor);

/** To the first value of the first key, from this one on, that is not below `code`; if that is this
 * one, the value stays. Whether the key is `code`. Logarithmic in the number of keys passed. */
bool nd_trace_cursor_seek_key(nd_trace_cursor *cursor, nd_trace_code code);

/** Back to the first value of the key. */
void nd_trace_cursor_rewind_values(nd_trace_cursor *cursor);

static inline bool nd_trace_cursor_has_value(const nd_trace_cursor *cursor)
{
    return cursor->value < cursor->value_end;
}

/** The value it stands at. */
static inline nd_trace_code nd_trace_cursor_value(const nd_trace_cursor *cursor)
{
    return nd_trace_column_get(&cursor->batch->values, cursor->value);
}

/** To the key's next value; there is a value. */
static inline void nd_trace_cursor_next_value(nd_trace_cursor *cursor) { cursor->value++; }

/** To the first value of the key, from this one on, that is not below `code`. Whether it is `code`.
 * Logarithmic in the number of values passed. */
bool nd_trace_cursor_seek_value(nd_trace_cursor *cursor, nd_trace_code code);

/** The updates of the value it stands at. The batch's own times rise in total order; those that
 * they have become may be the same, or fall. Constant time. */
static inline nd_trace_list nd_trace_cursor_updates(const nd_trace_cursor *cursor)
{
    return nd_trace_batch_updates(cursor->batch, nd_trace_batch_list(cursor->batch, cursor->value));
}

/** A time by its number. */
static inline const nd_time *nd_trace_cursor_time(const nd_trace_cursor *cursor, uint32_t number)
{
    return &cursor->times[number];
}

#endif
