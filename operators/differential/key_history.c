/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/key_history.h"

#include <stdlib.h>

void nd_key_history_init(nd_key_history *history)
{
    nd_vector_init(&history->found, sizeof(nd_found));
    nd_vector_init(&history->values, sizeof(nd_trace_code));
    nd_vector_init(&history->stored, sizeof(nd_edit));
    nd_vector_init(&history->fresh, sizeof(nd_edit));
}

void nd_key_history_deinit(nd_key_history *history)
{
    nd_vector_deinit(&history->found);
    nd_vector_deinit(&history->values);
    nd_vector_deinit(&history->stored);
    nd_vector_deinit(&history->fresh);
}

void nd_key_history_clear(nd_key_history *history)
{
    nd_vector_clear(&history->found);
    nd_vector_clear(&history->values);
    nd_vector_clear(&history->stored);
    nd_vector_clear(&history->fresh);
}

static nd_err add_value(nd_key_history *history, const nd_trace_cursor *cursor,
                        const nd_time *arrival)
{
    const nd_trace_list list = nd_trace_cursor_updates(cursor);
    for (uint32_t i = 0; i < list.len; i++) {
        const nd_time *const time = nd_trace_cursor_time(cursor, list.times[i]);
        nd_found *const place = nd_vector_push(&history->found);
        if (!place)
            return ND_NOMEM;
        *place = (nd_found){.value = nd_trace_cursor_value(cursor),
                            .time = arrival ? nd_time_join(time, arrival) : *time,
                            .diff = list.diffs[i],
                            .is_fresh = arrival != NULL};
    }
    return ND_OK;
}

nd_err nd_key_history_add(nd_key_history *history, nd_trace_cursor *cursor, nd_trace_code key,
                          const nd_time *arrival)
{
    if (!nd_trace_cursor_has_key(cursor) || !nd_trace_cursor_seek_key(cursor, key))
        return ND_OK;
    for (nd_trace_cursor_rewind_values(cursor); nd_trace_cursor_has_value(cursor);
         nd_trace_cursor_next_value(cursor))
        ND_TRY(add_value(history, cursor, arrival));
    return ND_OK;
}

static int compare_found(const void *a, const void *b)
{
    return nd_trace_code_compare(((const nd_found *)a)->value, ((const nd_found *)b)->value);
}

static nd_err number(nd_key_history *history, const nd_found *one)
{
    const size_t n = history->values.len;
    if (n && nd_trace_code_compare(*(nd_trace_code *)nd_vector_at(&history->values, n - 1),
                                   one->value) == 0)
        return ND_OK;
    nd_trace_code *const place = nd_vector_push(&history->values);
    if (!place)
        return ND_NOMEM;
    *place = one->value;
    return ND_OK;
}

nd_err nd_key_history_make(nd_key_history *history)
{
    nd_found *const found = history->found.items;
    if (history->found.len > 1)
        qsort(found, history->found.len, sizeof *found, compare_found);
    for (size_t i = 0; i < history->found.len; i++) {
        ND_TRY(number(history, &found[i]));
        nd_edit *const place =
            nd_vector_push(found[i].is_fresh ? &history->fresh : &history->stored);
        if (!place)
            return ND_NOMEM;
        *place = (nd_edit){(uint32_t)(history->values.len - 1), found[i].time, found[i].diff};
    }
    ND_TRY(nd_history_consolidate(history->stored.items, &history->stored.len));
    nd_history_sort(history->fresh.items, history->fresh.len);
    return ND_OK;
}
