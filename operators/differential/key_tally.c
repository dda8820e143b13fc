/* SPDX-License-Identifier: Apache-2.0 */
/* Why it is enough that a pending time is among the minimal ones: let the output be wrong at some
 * time t, after it has been put right at the moment m. Then t is at or after m, or nothing would
 * have changed there; and some update of the key at s <= t is not at or before m, or input and
 * output would be at t what they are at m. So the join of s and m is at or before t, and so is a
 * minimal one, p. The round in which p is due makes a seed of it, and joins it with all that is
 * stored. (What was wrong before, and is no fault of this round, has pending times of its own.)
 *
 * Times are taken as they stand in the batches, also where those of others have been advanced by a
 * frontier that the moment is at or after: advancing moves no time that is at or before the moment
 * to where it is not, or the other way, and changes no join with it. */
#include "operators/differential/key_tally.h"

#include "operators/differential/difference.h"
#include "operators/differential/key_merge.h"

void nd_key_tally_init(nd_key_tally *tally)
{
    nd_vector_init(&tally->was, sizeof(nd_tally));
    nd_vector_init(&tally->has, sizeof(nd_tally));
    nd_vector_init(&tally->had, sizeof(nd_tally));
    nd_antichain_init(&tally->later);
}

void nd_key_tally_deinit(nd_key_tally *tally)
{
    nd_vector_deinit(&tally->was);
    nd_vector_deinit(&tally->has);
    nd_vector_deinit(&tally->had);
    nd_antichain_deinit(&tally->later);
}

void nd_key_tally_clear(nd_key_tally *tally)
{
    nd_vector_clear(&tally->was);
    nd_vector_clear(&tally->has);
    nd_vector_clear(&tally->had);
    nd_antichain_deinit(&tally->later);
}

/* --- The moment --- */

/* Whether a time is the only one so far. */
static bool is_only(const nd_time *time, nd_time *only, bool *has_any)
{
    if (!*has_any)
        *only = *time;
    *has_any = true;
    return nd_time_equal(time, only);
}

/* Of a fresh update. */
static bool has_come_at(const nd_found *one, const nd_time *time, nd_time *only, bool *has_any)
{
    if (nd_time_less_equal(&one->arrival, time))
        return is_only(time, only, has_any);
    const nd_time later = nd_time_join(time, &one->arrival);
    return is_only(&later, only, has_any);
}

static bool have_come_at(const nd_found *one, nd_time *only, bool *has_any)
{
    nd_trace_cursor cursor = one->cursor;
    if (cursor.batch->times.len == 1)
        return has_come_at(one, nd_trace_cursor_time(&cursor, 0), only, has_any);
    for (; nd_trace_cursor_has_value(&cursor); nd_trace_cursor_next_value(&cursor)) {
        const nd_trace_list list = nd_trace_cursor_updates(&cursor);
        for (uint32_t i = 0; i < list.len; i++)
            if (!has_come_at(one, nd_trace_cursor_time(&cursor, list.times[i]), only, has_any))
                return false;
    }
    return true;
}

bool nd_key_tally_moment(const nd_key_history *history, const nd_time *due, size_t n_due,
                         nd_time *moment)
{
    bool has_any = false;
    const nd_found *const found = history->found.items;
    for (size_t i = 0; i < n_due; i++)
        if (!is_only(&due[i], moment, &has_any))
            return false;
    for (size_t i = 0; i < history->found.len; i++)
        if (found[i].part == ND_KEY_FRESH && !have_come_at(&found[i], moment, &has_any))
            return false;
    return has_any;
}

/* --- Adding up --- */

/* How a key is added up. */
typedef struct adding {
    nd_key_tally *tally;
    const nd_time *moment;
    const nd_antichain *upper;
    bool is_enough;
    int64_t sums[ND_KEY_OUTPUT + 1]; /* of a value, by part */
} adding;

/* Mostly there is one that is before it. */
static nd_err note_later(adding *self, const nd_time *time)
{
    nd_antichain *const later = &self->tally->later;
    const nd_time join = nd_time_join(time, self->moment);
    if (nd_antichain_less_equal(later, &join))
        return ND_OK;
    self->is_enough = nd_antichain_less_equal(self->upper, &join);
    return self->is_enough ? nd_antichain_insert(later, &join) : ND_OK;
}

/* What is fresh is at the moment, all of it. */
static nd_err add_list(adding *self, const nd_found *one)
{
    const nd_trace_list list = nd_trace_cursor_updates(&one->cursor);
    int64_t sum = self->sums[one->part];
    for (uint32_t i = 0; i < list.len && self->is_enough; i++) {
        const nd_time *const time = nd_trace_cursor_time(&one->cursor, list.times[i]);
        if (!nd_time_less_equal(time, self->moment))
            ND_TRY(note_later(self, time));
        else if (!nd_difference_plus(sum, list.diffs[i], &sum))
            return ND_FAILED;
    }
    self->sums[one->part] = sum;
    return ND_OK;
}

static nd_err put(nd_vector *counts, uint32_t value, int64_t count)
{
    if (count == 0)
        return ND_OK;
    nd_tally *const place = nd_vector_push(counts);
    if (!place)
        return ND_NOMEM;
    *place = (nd_tally){value, count};
    return ND_OK;
}

static nd_err put_sums(const adding *self, uint32_t value)
{
    nd_key_tally *const tally = self->tally;
    const int64_t was = self->sums[ND_KEY_STORED];
    int64_t has;
    if (!nd_difference_plus(was, self->sums[ND_KEY_FRESH], &has))
        return ND_FAILED;
    ND_TRY(put(&tally->was, value, was));
    ND_TRY(put(&tally->has, value, has));
    return put(&tally->had, value, self->sums[ND_KEY_OUTPUT]);
}

/* Adds up the least value that is left. */
static nd_err add_value(adding *self, nd_key_merge *merge, nd_key_history *history)
{
    uint32_t number;
    ND_TRY(nd_key_merge_next(merge, history, &number));
    for (size_t i = 0; i <= ND_KEY_OUTPUT; i++)
        self->sums[i] = 0;
    for (nd_found *one; (one = nd_key_merge_find(merge)); nd_key_merge_pass(merge, one))
        ND_TRY(add_list(self, one));
    return put_sums(self, number);
}

nd_err nd_key_tally_add(nd_key_tally *tally, nd_key_history *history, const nd_time *moment,
                        const nd_antichain *upper, bool *is_enough)
{
    nd_key_merge merge = nd_key_merge_of(history);
    adding self = {.tally = tally, .moment = moment, .upper = upper};
    self.is_enough = !nd_antichain_less_equal(upper, moment);
    while (self.is_enough && merge.n != 0)
        ND_TRY(add_value(&self, &merge, history));
    *is_enough = self.is_enough;
    if (!self.is_enough)
        nd_key_history_rewind(history);
    return ND_OK;
}
