/* SPDX-License-Identifier: Apache-2.0 */
/* Equal times of a value are added up as its batches are read, where they are neighbours; often
 * nothing is left to be sorted then. */
#include "operators/differential/key_history.h"

#include "operators/differential/advance.h"
#include "operators/differential/difference.h"
#include "operators/differential/key_merge.h"

void nd_key_history_init(nd_key_history *history)
{
    nd_vector_init(&history->found, sizeof(nd_found));
    nd_vector_init(&history->values, sizeof(nd_trace_code));
    nd_vector_init(&history->stored, sizeof(nd_edit));
    nd_vector_init(&history->fresh, sizeof(nd_edit));
    nd_vector_init(&history->output, sizeof(nd_edit));
}

void nd_key_history_deinit(nd_key_history *history)
{
    nd_vector_deinit(&history->found);
    nd_vector_deinit(&history->values);
    nd_vector_deinit(&history->stored);
    nd_vector_deinit(&history->fresh);
    nd_vector_deinit(&history->output);
}

void nd_key_history_clear(nd_key_history *history)
{
    nd_vector_clear(&history->found);
    nd_vector_clear(&history->values);
    nd_vector_clear(&history->stored);
    nd_vector_clear(&history->fresh);
    nd_vector_clear(&history->output);
}

/* --- Adding --- */

/* Adds what a cursor has that is at the key. */
static nd_err add(nd_key_history *history, nd_trace_cursor *cursor, nd_key_part part,
                  const nd_time *arrival)
{
    nd_trace_cursor_rewind_values(cursor);
    nd_found *const place = nd_vector_push(&history->found);
    if (!place)
        return ND_NOMEM;
    *place = (nd_found){.cursor = *cursor, .value = nd_trace_cursor_value(cursor), .part = part};
    if (arrival)
        place->arrival = *arrival;
    return ND_OK;
}

static nd_err add_sought(nd_key_history *history, nd_trace_seeker *seeker, nd_trace_code key,
                         nd_key_part part)
{
    if (!nd_trace_seek(seeker, key))
        return ND_OK;
    ND_TRY(add(history, &seeker->cursor, part, NULL));
    nd_trace_cursor_next_key(&seeker->cursor);
    return ND_OK;
}

nd_err nd_key_history_add_stored(nd_key_history *history, nd_trace_seeker *seeker,
                                 nd_trace_code key)
{
    return add_sought(history, seeker, key, ND_KEY_STORED);
}

nd_err nd_key_history_add_output(nd_key_history *history, nd_trace_seeker *seeker,
                                 nd_trace_code key)
{
    return add_sought(history, seeker, key, ND_KEY_OUTPUT);
}

nd_err nd_key_history_add_fresh(nd_key_history *history, nd_trace_cursor *cursor, nd_trace_code key,
                                const nd_time *arrival)
{
    if (!nd_trace_cursor_has_key(cursor) ||
        nd_trace_code_compare(nd_trace_cursor_key(cursor), key) != 0)
        return ND_OK;
    return add(history, cursor, ND_KEY_FRESH, arrival);
}

void nd_key_history_rewind(nd_key_history *history)
{
    nd_found *const found = history->found.items;
    nd_vector_clear(&history->values);
    for (size_t i = 0; i < history->found.len; i++) {
        nd_trace_cursor_rewind_values(&found[i].cursor);
        found[i].value = nd_trace_cursor_value(&found[i].cursor);
    }
}

/* --- Making --- */

/* Adds an edit behind those of lower values. */
static nd_err add_edit(nd_vector *edits, const nd_edit *edit)
{
    nd_edit *const last = edits->len ? nd_vector_at(edits, edits->len - 1) : NULL;
    if (last && last->value == edit->value && nd_time_equal(&last->time, &edit->time)) {
        if (!nd_difference_plus(last->diff, edit->diff, &last->diff))
            return ND_FAILED;
        if (last->diff == 0)
            (void)nd_vector_pop(edits);
        return ND_OK;
    }
    nd_edit *const place = nd_vector_push(edits);
    if (!place)
        return ND_NOMEM;
    *place = *edit;
    return ND_OK;
}

/* What is fresh keeps every time, also one whose updates cancel: it is a cause. */
static nd_err take_fresh(nd_key_history *history, const nd_found *one, uint32_t value)
{
    const nd_trace_list list = nd_trace_cursor_updates(&one->cursor);
    for (uint32_t i = 0; i < list.len; i++) {
        const nd_time *const time = nd_trace_cursor_time(&one->cursor, list.times[i]);
        nd_edit *const place = nd_vector_push(&history->fresh);
        if (!place)
            return ND_NOMEM;
        *place = (nd_edit){value, *time, list.diffs[i]};
        if (!nd_time_less_equal(&one->arrival, time))
            place->time = nd_time_join(time, &one->arrival);
    }
    return ND_OK;
}

/* Mostly `since` is one time, and either is before the other. */
static void advance(nd_time *time, const nd_antichain *since)
{
    const nd_time *const one = nd_antichain_items(since);
    if (since->len == 1 && nd_time_less_equal(one, time))
        return;
    *time = since->len == 1 && nd_time_less_equal(time, one) ? *one : nd_time_advance(time, since);
}

static nd_err take_stored(nd_vector *edits, const nd_found *one, uint32_t value,
                          const nd_antichain *since)
{
    const nd_trace_list list = nd_trace_cursor_updates(&one->cursor);
    for (uint32_t i = 0; i < list.len; i++) {
        nd_edit edit = {value, *nd_trace_cursor_time(&one->cursor, list.times[i]), list.diffs[i]};
        if (since)
            advance(&edit.time, since);
        ND_TRY(add_edit(edits, &edit));
    }
    return ND_OK;
}

static nd_err take(nd_key_history *history, const nd_found *one, uint32_t value,
                   const nd_antichain *since)
{
    if (one->part == ND_KEY_FRESH)
        return take_fresh(history, one, value);
    return take_stored(one->part == ND_KEY_STORED ? &history->stored : &history->output, one, value,
                       since);
}

nd_err nd_key_history_make_since(nd_key_history *history, const nd_antichain *since)
{
    for (nd_key_merge merge = nd_key_merge_of(history); merge.n != 0;) {
        uint32_t number;
        ND_TRY(nd_key_merge_next(&merge, history, &number));
        for (nd_found *one; (one = nd_key_merge_find(&merge)); nd_key_merge_pass(&merge, one))
            ND_TRY(take(history, one, number, since));
    }
    ND_TRY(nd_history_consolidate(history->stored.items, &history->stored.len));
    ND_TRY(nd_history_consolidate(history->output.items, &history->output.len));
    nd_history_sort(history->fresh.items, history->fresh.len);
    return ND_OK;
}

nd_err nd_key_history_make(nd_key_history *history)
{
    return nd_key_history_make_since(history, NULL);
}
