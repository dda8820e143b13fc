/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wave: both histories are walked together in the total order of times, and an edit meets those
 * of the other side that were passed before it, so that each pair meets once, when the later of the
 * two is passed.
 *
 * All that is still to come of a side is at or after its meet m. Joined with something at or after
 * m, a time t gives what the join of t and m gives. So before an edit meets the passed ones of the
 * other side, these are advanced to the meet of it and all that follow it on its own side, and what
 * has become one is added up. Histories whose edits cancel, as those of counts do, thereby stay
 * short: the work is about the number of edits and of results, where all pairs would be its square.
 *
 * With few edits on one side that does not pay, and all pairs are multiplied: the long side is one
 * that was passed before the short side's first edit.
 *
 * Invariants: in each side, n_settled <= n_passed <= next <= edits.len. One thread at a time.
 */
#include "operators/differential/join_tactic.h"

#include <string.h>

#include "operators/differential/difference.h"

/* Edits on one side below which all pairs are multiplied. */
enum { FEW = 10 };

void nd_join_tactic_init(nd_join_tactic *tactic)
{
    tactic->n_met = tactic->n_meant = 0;
    nd_vector_init(&tactic->spare, sizeof(nd_edit));
    for (unsigned i = 0; i < 2; i++) {
        nd_join_side *const side = &tactic->sides[i];
        *side = (nd_join_side){.next = 0};
        nd_vector_init(&side->edits, sizeof(nd_edit));
        nd_vector_init(&side->meets, sizeof(nd_time));
    }
}

void nd_join_tactic_deinit(nd_join_tactic *tactic)
{
    for (unsigned i = 0; i < 2; i++) {
        nd_vector_deinit(&tactic->sides[i].edits);
        nd_vector_deinit(&tactic->sides[i].meets);
    }
    nd_vector_deinit(&tactic->spare);
    tactic->n_met = tactic->n_meant = 0;
    tactic->sides[0].next = tactic->sides[1].next = 0;
}

/* Asked once a product: as nd_time_join, without a call. */
static inline nd_time join(const nd_time *a, const nd_time *b)
{
    nd_time joined = {.epoch = a->epoch > b->epoch ? a->epoch : b->epoch};
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        joined.loop[k] = a->loop[k] > b->loop[k] ? a->loop[k] : b->loop[k];
    return joined;
}

/* --- Order --- */

typedef bool precedes(const nd_edit *a, const nd_edit *b);

static bool has_lesser_value(const nd_edit *a, const nd_edit *b) { return a->value < b->value; }

static bool has_lesser_time(const nd_edit *a, const nd_edit *b)
{
    return nd_time_compare(&a->time, &b->time) < 0;
}

/* Where the edits from `begin` on, below `len`, cease to be in order. */
static inline size_t run_end(const nd_edit *edits, size_t begin, size_t len, precedes *before)
{
    size_t end = begin < len ? begin + 1 : len;
    while (end < len && !before(&edits[end], &edits[end - 1]))
        end++;
    return end;
}

/* Merges neighbouring runs by twos; returns whether there were but two. */
static inline bool merge_runs(const nd_edit *from, nd_edit *to, size_t len, precedes *before)
{
    size_t end = 0;
    bool are_two = true;
    for (size_t begin = 0; begin < len; begin = end) {
        are_two = begin == 0;
        const size_t middle = run_end(from, begin, len, before);
        end = run_end(from, middle, len, before);
        size_t a = begin, b = middle;
        for (size_t i = begin; i < end; i++) {
            const bool takes_b = a == middle || (b < end && before(&from[b], &from[a]));
            to[i] = from[takes_b ? b : a];
            b += takes_b;
            a += !takes_b;
        }
    }
    return are_two;
}

/* Sorts stably, with room for as many in `spare`. Linear if they come in few runs. */
static inline void sort(nd_edit *edits, size_t len, nd_edit *spare, precedes *before)
{
    nd_edit *from = edits, *to = spare;
    bool is_sorted = run_end(edits, 0, len, before) == len;
    while (!is_sorted) {
        is_sorted = merge_runs(from, to, len, before);
        nd_edit *const sorted = to;
        to = from;
        from = sorted;
    }
    if (from != edits)
        memcpy(edits, from, len * sizeof *edits);
}

static void sort_by_value(nd_edit *edits, size_t len, nd_edit *spare)
{
    sort(edits, len, spare, has_lesser_value);
}

static void sort_by_time(nd_edit *edits, size_t len, nd_edit *spare)
{
    sort(edits, len, spare, has_lesser_time);
}

/* --- Advancing and adding up --- */

/* Adds up a run of edits of one value, advanced, to `out`, which may be where they stand or before;
 * how many are left is added to `*kept`. */
static nd_err add_up(nd_edit *run, size_t len, nd_edit *spare, nd_edit *out, size_t *kept)
{
    sort_by_time(run, len, spare);
    for (size_t i = 0; i < len;) {
        nd_edit sum = run[i++];
        for (; i < len && nd_time_equal(&run[i].time, &sum.time); i++)
            if (!nd_difference_plus(sum.diff, run[i].diff, &sum.diff))
                return ND_FAILED;
        if (sum.diff != 0) {
            *out++ = sum;
            ++*kept;
        }
    }
    return ND_OK;
}

static void advance(nd_edit *edits, size_t len, const nd_time *meet)
{
    for (size_t i = 0; i < len; i++)
        edits[i].time = join(&edits[i].time, meet);
}

/* Adds up what is one once it is advanced to `meet`, of edits in order of values. Those that are
 * the only one of their value stay at their times: there is nothing that they could become one
 * with, and what meets them is at or after `meet`. */
static nd_err collapse(nd_edit *edits, size_t *len, const nd_time *meet, nd_edit *spare)
{
    size_t kept = 0;
    for (size_t begin = 0, end; begin < *len; begin = end) {
        end = begin + 1;
        while (end < *len && edits[end].value == edits[begin].value)
            end++;
        if (end - begin > 1) {
            advance(edits + begin, end - begin, meet);
            ND_TRY(add_up(edits + begin, end - begin, spare, edits + kept, &kept));
        } else {
            if (kept != begin)
                edits[kept] = edits[begin];
            kept++;
        }
    }
    *len = kept;
    return ND_OK;
}

/* Where among edits in order of values one of `value` goes: after those of the same. */
static size_t place_of(uint32_t value, const nd_edit *edits, size_t len)
{
    size_t begin = 0;
    while (begin < len) {
        const size_t middle = begin + (len - begin) / 2;
        if (edits[middle].value <= value)
            begin = middle + 1;
        else
            len = middle;
    }
    return begin;
}

/* Puts edits that were passed since the last time among those in order of values. */
static void place_passed(nd_join_side *side, nd_edit *spare)
{
    nd_edit *const edits = side->edits.items;
    size_t settled = side->n_settled, left = side->n_passed - settled;
    sort_by_value(edits + settled, left, spare);
    memcpy(spare, edits + settled, left * sizeof *edits);
    for (; left; left--) {
        const size_t place = place_of(spare[left - 1].value, edits, settled);
        memmove(edits + place + left, edits + place, (settled - place) * sizeof *edits);
        edits[place + left - 1] = spare[left - 1];
        settled = place;
    }
}

/* Brings a side's passed edits to what times at or after `meet` can tell apart. */
static nd_err settle(nd_join_side *side, const nd_time *meet, nd_edit *spare)
{
    if (side->n_settled == side->n_passed && nd_time_equal(meet, &side->settled_at))
        return ND_OK;
    if (side->n_settled != side->n_passed)
        place_passed(side, spare);
    ND_TRY(collapse(side->edits.items, &side->n_passed, meet, spare));
    side->n_settled = side->n_passed;
    side->settled_at = *meet;
    return ND_OK;
}

/* --- Starting --- */

static nd_err get_room(nd_vector *vector, size_t len)
{
    const size_t grown = vector->capacity + vector->capacity / 2;
    if (len <= vector->capacity)
        return ND_OK;
    return nd_vector_reserve(vector, len > grown ? len : grown);
}

static nd_err load(nd_join_side *side, nd_join_edits edits)
{
    ND_TRY(get_room(&side->edits, edits.len));
    if (edits.len)
        memcpy(side->edits.items, edits.items, edits.len * sizeof *edits.items);
    side->edits.len = edits.len;
    return ND_OK;
}

static nd_err advance_history(nd_join_side *side, const nd_time *meet, nd_edit *spare)
{
    sort_by_value(side->edits.items, side->edits.len, spare);
    advance(side->edits.items, side->edits.len, meet);
    return collapse(side->edits.items, &side->edits.len, meet, spare);
}

static nd_err prepare_wave(nd_join_side *side, nd_edit *spare)
{
    const size_t len = side->edits.len;
    ND_TRY(get_room(&side->meets, len));
    nd_edit *const edits = side->edits.items;
    nd_time *const meets = side->meets.items;
    side->meets.len = len;
    sort_by_time(edits, len, spare);
    meets[len - 1] = edits[len - 1].time;
    for (size_t i = len - 1; i-- > 0;)
        meets[i] = nd_time_meet(&edits[i].time, &meets[i + 1]);
    return ND_OK;
}

/* All of the longer side is as if passed. */
static void prepare_pairs(nd_join_side *a, nd_join_side *b)
{
    nd_join_side *const longer = a->edits.len > b->edits.len ? a : b;
    longer->next = longer->n_passed = longer->edits.len;
}

static nd_err prepare(nd_join_tactic *tactic, nd_join_edits left, nd_join_edits right,
                      nd_join_input accumulated, const nd_time *meet)
{
    nd_join_side *const a = &tactic->sides[0], *const b = &tactic->sides[1];
    ND_TRY(get_room(&tactic->spare, left.len > right.len ? left.len : right.len));
    ND_TRY(load(a, left));
    ND_TRY(load(b, right));
    nd_edit *const spare = tactic->spare.items;
    ND_TRY(advance_history(accumulated == ND_JOIN_LEFT ? a : b, meet, spare));
    tactic->is_wave = a->edits.len >= FEW && b->edits.len >= FEW;
    if (tactic->is_wave) {
        ND_TRY(prepare_wave(a, spare));
        return prepare_wave(b, spare);
    }
    prepare_pairs(a, b);
    return ND_OK;
}

nd_err nd_join_tactic_start(nd_join_tactic *tactic, nd_join_edits left, nd_join_edits right,
                            nd_join_input accumulated, const nd_time *meet)
{
    tactic->n_met = tactic->n_meant = 0;
    for (unsigned i = 0; i < 2; i++) {
        nd_join_side *const side = &tactic->sides[i];
        side->next = side->n_passed = side->n_settled = 0;
    }
    const nd_err err = prepare(tactic, left, right, accumulated, meet);
    if (err != ND_OK)
        tactic->sides[0].edits.len = tactic->sides[1].edits.len = 0;
    return err;
}

/* --- Running --- */

static bool is_over(const nd_join_side *side) { return side->next == side->edits.len; }

static bool is_finished_with(const nd_join_tactic *tactic)
{
    return tactic->n_met == tactic->n_meant && is_over(&tactic->sides[0]) &&
           is_over(&tactic->sides[1]);
}

/* The side whose next edit is the earlier one. */
static unsigned choose_side(const nd_join_side *sides)
{
    if (is_over(&sides[0]) || is_over(&sides[1]))
        return is_over(&sides[0]);
    const nd_edit *const left = nd_vector_at(&sides[0].edits, sides[0].next);
    const nd_edit *const right = nd_vector_at(&sides[1].edits, sides[1].next);
    return has_lesser_time(right, left);
}

/* Passes the next edit: it is to meet what the other side has passed. */
static nd_err pass_next(nd_join_tactic *tactic)
{
    const unsigned driving = choose_side(tactic->sides);
    nd_join_side *const side = &tactic->sides[driving], *const other = &tactic->sides[!driving];
    if (tactic->is_wave)
        ND_TRY(settle(other, nd_vector_at(&side->meets, side->next), tactic->spare.items));
    nd_edit *const edits = side->edits.items;
    tactic->driving = driving;
    tactic->driver = edits[side->next++];
    edits[side->n_passed++] = tactic->driver;
    tactic->n_met = 0;
    tactic->n_meant = other->n_passed;
    return ND_OK;
}

/* Writes the products of an edit with others. */
static bool multiply(const nd_edit *edit, bool is_left, const nd_edit *others, size_t len,
                     nd_join_result *results)
{
    for (size_t i = 0; i < len; i++) {
        results[i].left = is_left ? edit->value : others[i].value;
        results[i].right = is_left ? others[i].value : edit->value;
        results[i].time = join(&edit->time, &others[i].time);
        if (!nd_difference_times(edit->diff, others[i].diff, &results[i].diff))
            return false;
    }
    return true;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

nd_err nd_join_tactic_run(nd_join_tactic *tactic, size_t *fuel, nd_join_emit *emit, void *context,
                          bool *is_finished)
{
    size_t n = 0; /* results that wait */
    while (*fuel && !is_finished_with(tactic)) {
        if (tactic->n_met == tactic->n_meant) {
            ND_TRY(pass_next(tactic));
            --*fuel;
            continue;
        }
        const nd_edit *const others = tactic->sides[!tactic->driving].edits.items;
        const size_t len =
            least(tactic->n_meant - tactic->n_met, least(*fuel, ND_JOIN_RESULTS - n));
        if (!multiply(&tactic->driver, tactic->driving == 0, others + tactic->n_met, len,
                      tactic->results + n))
            return ND_FAILED;
        tactic->n_met += len;
        *fuel -= len;
        n += len;
        if (n == ND_JOIN_RESULTS) {
            ND_TRY(emit(context, tactic->results, n));
            n = 0;
        }
    }
    if (n)
        ND_TRY(emit(context, tactic->results, n));
    *is_finished = is_finished_with(tactic);
    return ND_OK;
}
