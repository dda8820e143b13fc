/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments are taken from the times to be looked at in total order, and joins of a time come after
 * it, so what has been taken is never found again, and moments and pending times come out sorted.
 *
 * At a moment the histories have been stepped through all that is at or before it in *total* order.
 * Some of it is not at or before the moment, but a later moment sees it, and by then it must have
 * been advanced with the rest: what is stepped is advanced by the meet of all moments that are
 * left, for none of which this makes a difference.
 */
#include "operators/differential/reduce_tactic.h"

#include <assert.h>
#include <string.h>

#include "operators/differential/difference.h"
#include "operators/differential/reduce_chain.h"

void nd_reduce_tactic_init(nd_reduce_tactic *tactic, nd_reduce_function function, void *context)
{
    *tactic = (nd_reduce_tactic){.function = function, .context = context};
    nd_vector *const times[] = {&tactic->ground, &tactic->work, &tactic->moments, &tactic->pending,
                                &tactic->meets};
    nd_vector *const edits[] = {&tactic->inputs, &tactic->outputs, &tactic->corrections};
    nd_vector *const counts[] = {&tactic->has, &tactic->had, &tactic->changes, &tactic->spare,
                                 &tactic->output.counts};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        nd_vector_init(times[i], sizeof(nd_time));
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
        nd_vector_init(edits[i], sizeof(nd_edit));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        nd_vector_init(counts[i], sizeof(nd_tally));
}

void nd_reduce_tactic_deinit(nd_reduce_tactic *tactic)
{
    nd_vector *const vectors[] = {
        &tactic->ground,  &tactic->work,    &tactic->moments,      &tactic->pending, &tactic->meets,
        &tactic->inputs,  &tactic->outputs, &tactic->corrections,  &tactic->has,     &tactic->had,
        &tactic->changes, &tactic->spare,   &tactic->output.counts};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        nd_vector_deinit(vectors[i]);
}

void nd_reduce_fail(nd_reduce_output *output, nd_err err)
{
    if (output->err == ND_OK)
        output->err = err;
}

void nd_reduce_put(nd_reduce_output *output, uint32_t value, int64_t count)
{
    nd_tally *const place = nd_vector_push(&output->counts);
    if (place)
        *place = (nd_tally){value, count};
    else
        nd_reduce_fail(output, ND_NOMEM);
}

/* --- What there is, and what there has to be --- */

nd_err nd_reduce_call(nd_reduce_tactic *tactic)
{
    nd_reduce_output *const output = &tactic->output;
    nd_vector_clear(&output->counts);
    output->err = ND_OK;
    tactic->function(tactic->context, tactic->has.items, tactic->has.len, output);
    ND_TRY(output->err);
    return nd_tallies_consolidate(output->counts.items, &output->counts.len);
}

static nd_err add_correction(nd_reduce_tactic *tactic, const nd_time *time, uint32_t value,
                             int64_t want, int64_t had)
{
    int64_t diff;
    if (!nd_difference_minus(want, had, &diff))
        return ND_FAILED;
    if (diff == 0)
        return ND_OK;
    nd_edit *const place = nd_vector_push(&tactic->corrections);
    if (!place)
        return ND_NOMEM;
    *place = (nd_edit){value, *time, diff};
    return ND_OK;
}

nd_err nd_reduce_add_corrections(nd_reduce_tactic *tactic, const nd_time *time)
{
    const nd_tally *want = tactic->output.counts.items, *had = tactic->had.items;
    const nd_tally *const want_end = want ? want + tactic->output.counts.len : want;
    const nd_tally *const had_end = had ? had + tactic->had.len : had;
    while (want != want_end || had != had_end) {
        if (had == had_end || (want != want_end && want->value < had->value)) {
            ND_TRY(add_correction(tactic, time, want->value, want->count, 0));
            want++;
        } else if (want == want_end || had->value < want->value) {
            ND_TRY(add_correction(tactic, time, had->value, 0, had->count));
            had++;
        } else {
            ND_TRY(add_correction(tactic, time, want->value, want->count, had->count));
            want++;
            had++;
        }
    }
    return ND_OK;
}

/* --- Moments --- */

static nd_err push_time(nd_vector *times, const nd_time *time)
{
    nd_time *const place = nd_vector_push(times);
    if (!place)
        return ND_NOMEM;
    *place = *time;
    return ND_OK;
}

/* Adds the distinct times of sorted edits. */
static nd_err push_times_of(nd_vector *times, const nd_edit *edits, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert(i == 0 || nd_time_compare(&edits[i - 1].time, &edits[i].time) <= 0);
        if (i == 0 || !nd_time_equal(&edits[i - 1].time, &edits[i].time))
            ND_TRY(push_time(times, &edits[i].time));
    }
    return ND_OK;
}

/* Puts a time among those to be looked at, unless it is. */
static nd_err add_work(nd_vector *work, const nd_time *time)
{
    size_t low = 0, high = work->len;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = nd_time_compare(time, nd_vector_at(work, middle));
        if (order == 0)
            return ND_OK;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!nd_vector_push(work))
        return ND_NOMEM;
    nd_time *const place = nd_vector_at(work, low);
    memmove(place + 1, place, (work->len - 1 - low) * sizeof *place);
    *place = *time;
    return ND_OK;
}

/* Adds the joins of a moment with all of `times`. */
static nd_err add_joins(nd_vector *work, const nd_time *moment, const nd_vector *times)
{
    for (size_t i = 0; i < times->len; i++) {
        const nd_time *const time = nd_vector_at(times, i);
        if (nd_time_less_equal(time, moment))
            continue;
        const nd_time join = nd_time_join(time, moment);
        ND_TRY(add_work(work, &join));
    }
    return ND_OK;
}

/* The causes are what the round is about: the times of the batch as it came, for one that an edit
 * of the past cancels may change joins all the same; and pending times, of which those that are not
 * due are found to be so when their turn comes. */
static nd_err add_causes(nd_reduce_tactic *tactic, const nd_reduce_round *round)
{
    const size_t first = tactic->ground.len;
    ND_TRY(push_times_of(&tactic->ground, round->batch, round->n_batch));
    /* Backwards, each is put at the end. */
    for (size_t i = tactic->ground.len; i > first; i--)
        ND_TRY(add_work(&tactic->work, nd_vector_at(&tactic->ground, i - 1)));
    for (size_t i = round->n_pending; i > 0; i--) {
        const nd_time *const time = &round->pending[i - 1];
        ND_TRY(add_work(&tactic->work, time));
        if (!nd_antichain_less_equal(round->upper, time))
            ND_TRY(push_time(&tactic->ground, time));
    }
    return ND_OK;
}

nd_err nd_reduce_discover(nd_reduce_tactic *tactic, const nd_reduce_round *round)
{
    nd_vector_clear(&tactic->ground);
    nd_vector_clear(&tactic->work);
    nd_vector_clear(&tactic->moments);
    nd_vector_clear(&tactic->pending);
    ND_TRY(push_times_of(&tactic->ground, round->input, round->n_input));
    ND_TRY(push_times_of(&tactic->ground, round->output, round->n_output));
    ND_TRY(add_causes(tactic, round));
    while (tactic->work.len) {
        const nd_time time = *(nd_time *)nd_vector_pop(&tactic->work);
        if (nd_antichain_less_equal(round->upper, &time)) {
            ND_TRY(push_time(&tactic->pending, &time));
            continue;
        }
        ND_TRY(add_joins(&tactic->work, &time, &tactic->ground));
        ND_TRY(add_joins(&tactic->work, &time, &tactic->moments));
        ND_TRY(push_time(&tactic->moments, &time));
    }
    return ND_OK;
}

/* --- Corrections --- */

/* What is left of a history. */
typedef struct cursor {
    const nd_edit *edits;
    size_t next, len;
} cursor;

/* Takes what is at or before `time` in total order. */
static nd_err step(cursor *from, const nd_time *time, nd_vector *stepped)
{
    for (; from->next < from->len; from->next++) {
        const nd_edit *const edit = &from->edits[from->next];
        if (nd_time_compare(&edit->time, time) > 0)
            break;
        nd_edit *const place = nd_vector_push(stepped);
        if (!place)
            return ND_NOMEM;
        *place = *edit;
    }
    return ND_OK;
}

static nd_err advance(nd_vector *stepped, const nd_time *meet)
{
    nd_edit *const edits = stepped->items;
    for (size_t i = 0; i < stepped->len; i++)
        edits[i].time = nd_time_join(&edits[i].time, meet);
    return nd_history_consolidate(edits, &stepped->len);
}

/* What has been corrected is given out, too. */
static nd_err add_outputs(nd_vector *outputs, const nd_vector *corrections, size_t from)
{
    for (size_t i = from; i < corrections->len; i++) {
        nd_edit *const place = nd_vector_push(outputs);
        if (!place)
            return ND_NOMEM;
        *place = *(nd_edit *)nd_vector_at(corrections, i);
    }
    return ND_OK;
}

static nd_err correct_at(nd_reduce_tactic *tactic, const nd_time *time)
{
    const nd_vector *const inputs = &tactic->inputs;
    nd_vector *const outputs = &tactic->outputs;
    const size_t n_corrected = tactic->corrections.len;
    ND_TRY(nd_history_accumulate(inputs->items, inputs->len, time, &tactic->has));
    ND_TRY(nd_history_accumulate(outputs->items, outputs->len, time, &tactic->had));
    if (tactic->has.len == 0 && tactic->had.len == 0)
        return ND_OK;
    ND_TRY(nd_reduce_call(tactic));
    ND_TRY(nd_reduce_add_corrections(tactic, time));
    return add_outputs(outputs, &tactic->corrections, n_corrected);
}

static nd_err meet_from_last(nd_reduce_tactic *tactic)
{
    const size_t n = tactic->moments.len;
    ND_TRY(nd_vector_reserve(&tactic->meets, n));
    tactic->meets.len = n;
    const nd_time *const moments = tactic->moments.items;
    nd_time *const meets = tactic->meets.items;
    for (size_t i = n; i > 0; i--)
        meets[i - 1] = i == n ? moments[i - 1] : nd_time_meet(&moments[i - 1], &meets[i]);
    return ND_OK;
}

nd_err nd_reduce_correct(nd_reduce_tactic *tactic, const nd_reduce_round *round)
{
    cursor input = {round->input, 0, round->n_input};
    cursor batch = {round->batch, 0, round->n_batch};
    cursor output = {round->output, 0, round->n_output};
    nd_vector_clear(&tactic->inputs);
    nd_vector_clear(&tactic->outputs);
    nd_vector_clear(&tactic->corrections);
    ND_TRY(meet_from_last(tactic));
    for (size_t i = 0; i < tactic->moments.len; i++) {
        const nd_time *const time = nd_vector_at(&tactic->moments, i);
        const nd_time *const meet = nd_vector_at(&tactic->meets, i);
        ND_TRY(step(&input, time, &tactic->inputs));
        ND_TRY(step(&batch, time, &tactic->inputs));
        ND_TRY(step(&output, time, &tactic->outputs));
        ND_TRY(advance(&tactic->inputs, meet));
        ND_TRY(advance(&tactic->outputs, meet));
        ND_TRY(correct_at(tactic, time));
    }
    return ND_OK;
}

nd_err nd_reduce_key(nd_reduce_tactic *tactic, const nd_reduce_round *round,
                     nd_reduce_result *result)
{
    bool is_chain = false;
    if (!tactic->is_plain)
        ND_TRY(nd_chain_discover(tactic, round, &is_chain));
    assert(is_chain || !round->is_output_unknown);
    if (is_chain)
        ND_TRY(nd_chain_correct(tactic, round));
    else {
        ND_TRY(nd_reduce_discover(tactic, round));
        ND_TRY(nd_reduce_correct(tactic, round));
    }
    *result = (nd_reduce_result){.corrections = tactic->corrections.items,
                                 .n_corrections = tactic->corrections.len,
                                 .pending = tactic->pending.items,
                                 .n_pending = tactic->pending.len};
    return ND_OK;
}
