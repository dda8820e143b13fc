/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why one pending time is enough. Let the output be wrong at some time that is not complete, after
 * a round that has put right all moments. All updates of the key stand at times c1 <= c2 <= .. of
 * the chain, so at any time t input and output are as they are at the last ci that is at or before
 * t. If ci is complete, and at or after a seed, it has been put right; if it is before all seeds,
 * nothing has changed there. So ci is a hot time that is not complete: the least one of these is at
 * or before t. And it is enough that a pending time is at or before wherever the output is wrong:
 * the round in which that one is due makes a seed of it, and joins it with all that is stored.
 * Compaction changes nothing in this, for it keeps what there is at every time that can still come.
 *
 * Tallies are in order of values, and none is zero: so the function reads them as they stand.
 */
#include "operators/differential/reduce_chain.h"

#include <string.h>

#include "operators/differential/difference.h"

/* What is left of the histories. */
typedef struct heads {
    const nd_edit *input, *batch, *output;
    const nd_edit *input_end, *batch_end, *output_end;
    const nd_time *due, *due_end; /* in total order */
} heads;

static heads begin(const nd_reduce_round *round, const nd_vector *due)
{
    heads all = {.input = round->input, .batch = round->batch, .output = round->output};
    all.input_end = round->n_input ? all.input + round->n_input : all.input;
    all.batch_end = round->n_batch ? all.batch + round->n_batch : all.batch;
    all.output_end = round->n_output ? all.output + round->n_output : all.output;
    all.due = due->items;
    all.due_end = due->len ? all.due + due->len : all.due;
    return all;
}

static const nd_edit *pass(const nd_edit *edit, const nd_edit *end, const nd_time *time)
{
    while (edit != end && nd_time_equal(&edit->time, time))
        edit++;
    return edit;
}

/* --- Moments --- */

static void offer(const nd_time **least, const nd_time *time)
{
    if (!*least || (!nd_time_equal(time, *least) && nd_time_compare(time, *least) < 0))
        *least = time;
}

/* Takes the least time; false if there is none. Whether it is a seed. */
static bool next_time(heads *all, nd_time *time, bool *is_seed)
{
    const nd_time *least = NULL;
    if (all->input != all->input_end)
        offer(&least, &all->input->time);
    if (all->output != all->output_end)
        offer(&least, &all->output->time);
    if (all->batch != all->batch_end)
        offer(&least, &all->batch->time);
    if (all->due != all->due_end)
        offer(&least, all->due);
    if (!least)
        return false;
    *time = *least;
    all->input = pass(all->input, all->input_end, time);
    all->output = pass(all->output, all->output_end, time);
    const nd_edit *const batch = pass(all->batch, all->batch_end, time);
    *is_seed = batch != all->batch;
    all->batch = batch;
    for (; all->due != all->due_end && nd_time_equal(all->due, time); all->due++)
        *is_seed = true;
    return true;
}

/* Adds a time to those in total order, unless it is there. */
static nd_err insert(nd_vector *times, const nd_time *time)
{
    size_t i = times->len;
    while (i > 0 && nd_time_compare(nd_vector_at(times, i - 1), time) > 0)
        i--;
    if (i > 0 && nd_time_equal(nd_vector_at(times, i - 1), time))
        return ND_OK;
    if (!nd_vector_push(times))
        return ND_NOMEM;
    nd_time *const place = nd_vector_at(times, i);
    memmove(place + 1, place, (times->len - 1 - i) * sizeof *place);
    *place = *time;
    return ND_OK;
}

/* Those that are due go to the tactic's `work`, the others remain pending. */
static nd_err divide_pending(nd_reduce_tactic *tactic, const nd_reduce_round *round)
{
    nd_vector_clear(&tactic->work);
    nd_vector_clear(&tactic->pending);
    for (size_t i = 0; i < round->n_pending; i++) {
        const nd_time *const time = &round->pending[i];
        const bool is_due = !nd_antichain_less_equal(round->upper, time);
        ND_TRY(insert(is_due ? &tactic->work : &tactic->pending, time));
    }
    return ND_OK;
}

nd_err nd_chain_discover(nd_reduce_tactic *tactic, const nd_reduce_round *round, bool *is_chain)
{
    nd_time time, last = {.epoch = 0};
    bool is_hot = false, is_seed, is_open = false;
    ND_TRY(divide_pending(tactic, round));
    nd_vector_clear(&tactic->moments);
    *is_chain = true;
    heads all = begin(round, &tactic->work);
    for (bool is_first = true; next_time(&all, &time, &is_seed); is_first = false, last = time) {
        *is_chain = is_first || nd_time_less_equal(&last, &time);
        is_hot |= is_seed;
        if (!*is_chain)
            return ND_OK;
        if (!is_hot || is_open)
            continue;
        is_open = nd_antichain_less_equal(round->upper, &time);
        if (is_open) {
            ND_TRY(insert(&tactic->pending, &time));
            continue;
        }
        nd_time *const place = nd_vector_push(&tactic->moments);
        if (!place)
            return ND_NOMEM;
        *place = time;
    }
    return ND_OK;
}

/* --- Tallies --- */

enum { FEW = 4 /* changes that are put in one by one */ };

static nd_err change_one(nd_vector *tallies, const nd_tally *change)
{
    size_t low = 0, high = tallies->len;
    nd_tally *const items = tallies->items;
    if (high && items[high - 1].value < change->value)
        low = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (items[middle].value < change->value)
            low = middle + 1;
        else
            high = middle;
    }
    const bool is_there = low < tallies->len && items[low].value == change->value;
    if (!is_there) {
        if (!nd_vector_push(tallies))
            return ND_NOMEM;
        nd_tally *const place = nd_vector_at(tallies, low);
        memmove(place + 1, place, (tallies->len - 1 - low) * sizeof *place);
        *place = *change;
    } else if (!nd_difference_plus(items[low].count, change->count, &items[low].count))
        return ND_FAILED;
    else if (items[low].count == 0) {
        memmove(&items[low], &items[low + 1], (tallies->len - 1 - low) * sizeof *items);
        (void)nd_vector_pop(tallies);
    }
    return ND_OK;
}

/* Adds the changes in one pass. */
static nd_err merge(nd_vector *tallies, const nd_vector *changes, nd_vector *spare)
{
    const nd_tally *a = tallies->items, *b = changes->items;
    const nd_tally *const a_end = a + tallies->len, *const b_end = b + changes->len;
    nd_vector_clear(spare);
    ND_TRY(nd_vector_reserve(spare, tallies->len + changes->len));
    for (nd_tally *out = spare->items; a != a_end || b != b_end;) {
        nd_tally one;
        if (b == b_end || (a != a_end && a->value < b->value))
            one = *a++;
        else if (a == a_end || b->value < a->value)
            one = *b++;
        else {
            one = *a++;
            if (!nd_difference_plus(one.count, b++->count, &one.count))
                return ND_FAILED;
        }
        if (one.count != 0)
            out[spare->len++] = one;
    }
    const nd_vector old = *tallies;
    *tallies = *spare;
    *spare = old;
    return ND_OK;
}

/* Adds changes to tallies. Both are consolidated. */
static nd_err change(nd_vector *tallies, nd_vector *changes, nd_vector *spare)
{
    if (tallies->len == 0) {
        const nd_vector empty = *tallies;
        *tallies = *changes;
        *changes = empty;
        return ND_OK;
    }
    if (changes->len > FEW)
        return merge(tallies, changes, spare);
    for (size_t i = 0; i < changes->len; i++)
        ND_TRY(change_one(tallies, nd_vector_at(changes, i)));
    return ND_OK;
}

/* Takes all edits up to `time`; whether there were any. */
static nd_err step(nd_reduce_tactic *tactic, const nd_edit **edit, const nd_edit *end,
                   const nd_time *time, nd_vector *tallies, bool *has_stepped)
{
    nd_vector *const changes = &tactic->changes;
    nd_vector_clear(changes);
    for (; *edit != end && nd_time_less_equal(&(*edit)->time, time); ++*edit) {
        nd_tally *const place = nd_vector_push(changes);
        if (!place)
            return ND_NOMEM;
        *place = (nd_tally){(*edit)->value, (*edit)->diff};
    }
    if (changes->len == 0)
        return ND_OK;
    *has_stepped = true;
    ND_TRY(nd_tallies_consolidate(changes->items, &changes->len));
    return change(tallies, changes, &tactic->spare);
}

/* --- Corrections --- */

/* The output is what the function has said. */
static void swap_output(nd_reduce_tactic *tactic)
{
    const nd_vector had = tactic->had;
    tactic->had = tactic->output.counts;
    tactic->output.counts = had;
}

static nd_err correct_at(nd_reduce_tactic *tactic, const nd_time *time)
{
    if (tactic->has.len == 0 && tactic->had.len == 0)
        return ND_OK;
    ND_TRY(nd_reduce_call(tactic));
    ND_TRY(nd_reduce_add_corrections(tactic, time));
    swap_output(tactic);
    return ND_OK;
}

/* What the output was, from what the input was. */
static nd_err recall(nd_reduce_tactic *tactic)
{
    if (tactic->has.len == 0)
        return ND_OK;
    ND_TRY(nd_reduce_call(tactic));
    swap_output(tactic);
    return ND_OK;
}

nd_err nd_chain_correct(nd_reduce_tactic *tactic, const nd_reduce_round *round)
{
    heads all = begin(round, &tactic->work);
    nd_vector_clear(&tactic->has);
    nd_vector_clear(&tactic->had);
    nd_vector_clear(&tactic->corrections);
    for (size_t i = 0; i < tactic->moments.len; i++) {
        const nd_time *const time = nd_vector_at(&tactic->moments, i);
        bool is_changed = i == 0;
        ND_TRY(step(tactic, &all.input, all.input_end, time, &tactic->has, &is_changed));
        if (i == 0 && round->is_output_unknown)
            ND_TRY(recall(tactic));
        ND_TRY(step(tactic, &all.batch, all.batch_end, time, &tactic->has, &is_changed));
        ND_TRY(step(tactic, &all.output, all.output_end, time, &tactic->had, &is_changed));
        if (is_changed)
            ND_TRY(correct_at(tactic, time));
    }
    return ND_OK;
}

static void swap(nd_vector *a, nd_vector *b)
{
    const nd_vector was = *a;
    *a = *b;
    *b = was;
}

nd_err nd_reduce_tally(nd_reduce_tactic *tactic, nd_key_tally *tally, const nd_time *moment,
                       bool is_output_known, nd_reduce_result *result)
{
    nd_vector_clear(&tactic->corrections);
    swap(&tactic->had, &tally->had);
    if (!is_output_known) {
        swap(&tactic->has, &tally->was);
        ND_TRY(recall(tactic));
    }
    swap(&tactic->has, &tally->has);
    ND_TRY(correct_at(tactic, moment));
    *result = (nd_reduce_result){.corrections = tactic->corrections.items,
                                 .n_corrections = tactic->corrections.len,
                                 .pending = nd_antichain_items(&tally->later),
                                 .n_pending = tally->later.len};
    return ND_OK;
}
