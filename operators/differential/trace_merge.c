/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor in each batch; where there is one batch, the other cursor stands at the end of it. The
 * least value that either stands at is entered, its updates are
 * gathered, the earlier first, and it is left: what adds up to something goes to the builder. Where
 * nothing can be added up, values are copied, many at a time (trace_copy.h).
 *
 * Each distinct time is advanced once, at the beginning, and all the times there then are, of both
 * batches, are numbered in total order. From there on only numbers are compared.
 *
 * What a merge has done after n updates does not depend on where it was interrupted: all that it
 * knows stands in the struct. */
#include "operators/differential/trace_merge.h"

#include <stdlib.h>

#include <nereid/memory.h>

#include "operators/differential/advance.h"
#include "operators/differential/difference.h"
#include "operators/differential/trace_builder.h"
#include "operators/differential/trace_copy.h"

enum { MOST_STEPS = 64 /* values that are entered before copying is tried again */ };

/* One of the two. */
typedef struct side {
    nd_trace_batch *batch; /* NULL: there is no second */
    bool has_value;        /* whether it stands at the value that is being read */
    nd_trace_list left;    /* updates of that value that were not read */
} side;

typedef struct sum {
    uint32_t number;
    int64_t diff;
} sum;

struct nd_trace_merge {
    side sides[2];
    nd_trace_source sources[2]; /* of the sides */
    uint32_t *numbers;          /* of both: their times, advanced, in the builder's table */
    bool can_copy;
    unsigned n_steps, n_left; /* values to enter before copying is tried, and of those left */
    bool is_inside;           /* a value, whose updates are being gathered */
    bool is_sorted;           /* whether sums are */
    nd_vector sums;           /* sum: of what was gathered; neighbours have different numbers */
    nd_antichain since;       /* of the result */
    nd_trace_builder builder;
};

/* --- Beginning --- */

static unsigned n_sides(const nd_trace_merge *merge) { return merge->sides[1].batch ? 2 : 1; }

/* What was asked for may be before what the batches have been advanced to already. */
static nd_err join_sinces(nd_trace_merge *merge, const nd_antichain *since)
{
    ND_TRY(nd_antichain_set(&merge->since, nd_antichain_items(since), since->len));
    for (unsigned s = 0; s < n_sides(merge); s++) {
        const nd_trace_times own = merge->sides[s].batch->since;
        ND_TRY(nd_frontier_join(&merge->since, own.items, own.len));
    }
    return ND_OK;
}

static int compare_times(const void *a, const void *b) { return nd_time_compare(a, b); }

/* Writes the advanced times of both to `advanced`; `sorted` has as much room. */
static nd_err number_times(nd_trace_merge *merge, nd_time *advanced, nd_time *sorted)
{
    nd_time_table *const table = &merge->builder.table;
    uint32_t number;
    size_t n = 0;
    for (unsigned s = 0; s < n_sides(merge); s++) {
        const nd_trace_times times = merge->sides[s].batch->times;
        for (uint32_t i = 0; i < times.len; i++, n++)
            advanced[n] = sorted[n] = nd_time_advance(&times.items[i], &merge->since);
    }
    qsort(sorted, n, sizeof *sorted, compare_times);
    for (size_t i = 0; i < n; i++)
        ND_TRY(nd_time_table_add(table, &sorted[i], &number));
    for (size_t i = 0; i < n; i++)
        ND_TRY(nd_time_table_add(table, &advanced[i], &merge->numbers[i]));
    return ND_OK;
}

static bool rise(const uint32_t *numbers, uint32_t len)
{
    for (uint32_t i = 1; i < len; i++)
        if (numbers[i] <= numbers[i - 1])
            return false;
    return true;
}

static nd_err prepare_times(nd_trace_merge *merge)
{
    const size_t a_len = merge->sides[0].batch->times.len;
    const nd_trace_batch *const second = merge->sides[1].batch;
    const size_t len = a_len + (second ? second->times.len : 0);
    nd_time *const times = nd_alloc(2 * len, sizeof *times);
    merge->numbers = nd_alloc(len, sizeof *merge->numbers);
    nd_err err = times && merge->numbers ? ND_OK : ND_NOMEM;
    if (err == ND_OK)
        err = number_times(merge, times, times + len);
    nd_free(times);
    if (err != ND_OK)
        return err;
    merge->sources[0].numbers = merge->numbers;
    merge->sources[1].numbers = merge->numbers + a_len;
    merge->sources[0].rises = rise(merge->numbers, (uint32_t)a_len);
    merge->sources[1].rises = rise(merge->numbers + a_len, (uint32_t)(len - a_len));
    return ND_OK;
}

static bool abut(const nd_trace_batch *a, const nd_trace_batch *b)
{
    bool are_same = a->upper.len == b->lower.len;
    for (uint32_t i = 0; are_same && i < a->upper.len; i++)
        are_same = nd_time_equal(&a->upper.items[i], &b->lower.items[i]);
    return are_same;
}

static bool have_one_shape(const nd_trace_shape *a, const nd_trace_shape *b)
{
    return a->key_is_fixed == b->key_is_fixed && a->key_size == b->key_size &&
           a->value_is_fixed == b->value_is_fixed && a->value_size == b->value_size;
}

nd_err nd_trace_merge_begin(nd_trace_batch *a, nd_trace_batch *b, const nd_antichain *since,
                            nd_trace_merge **merge)
{
    assert(!b || (have_one_shape(&a->shape, &b->shape) && abut(a, b)));
    nd_trace_merge *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    made->is_sorted = true;
    made->sides[0].batch = nd_trace_batch_retain(a);
    made->sides[1].batch = b ? nd_trace_batch_retain(b) : NULL;
    nd_trace_cursor_init(&made->sources[0].cursor, a);
    nd_trace_cursor_init(&made->sources[1].cursor, b ? b : a);
    if (!b)
        nd_trace_cursor_end(&made->sources[1].cursor);
    made->can_copy = nd_trace_copy_can(&a->shape);
    nd_vector_init(&made->sums, sizeof(sum));
    nd_antichain_init(&made->since);
    nd_trace_builder_init(&made->builder, &a->shape);
    nd_err err = join_sinces(made, since);
    if (err == ND_OK)
        err = prepare_times(made);
    if (err == ND_OK)
        *merge = made;
    else
        nd_trace_merge_destroy(made);
    return err;
}

void nd_trace_merge_destroy(nd_trace_merge *merge)
{
    if (!merge)
        return;
    nd_trace_batch_release(merge->sides[0].batch);
    nd_trace_batch_release(merge->sides[1].batch);
    nd_free(merge->numbers);
    nd_vector_deinit(&merge->sums);
    nd_antichain_deinit(&merge->since);
    nd_trace_builder_deinit(&merge->builder);
    nd_free(merge);
}

/* --- Working --- */

/* Which has the lesser code, or both have it: writes who is there. Returns whether anybody is. */
static bool choose(const bool has[2], nd_trace_code a, nd_trace_code b, bool chosen[2])
{
    const int order = has[0] && has[1] ? nd_trace_code_compare(a, b) : has[1] - has[0];
    chosen[0] = has[0] && order <= 0;
    chosen[1] = has[1] && order >= 0;
    return has[0] || has[1];
}

static nd_trace_code no_code(void) { return (nd_trace_code){NULL, 0}; }

/* Goes to the least key and value that either stands at. False: there is none. */
static bool enter_value(nd_trace_merge *merge)
{
    const nd_trace_cursor *const a = &merge->sources[0].cursor, *const b =
                                                                    &merge->sources[1].cursor;
    const bool has[2] = {nd_trace_cursor_has_key(a), nd_trace_cursor_has_key(b)};
    bool at_key[2], chosen[2];
    if (!choose(has, has[0] ? nd_trace_cursor_key(a) : no_code(),
                has[1] ? nd_trace_cursor_key(b) : no_code(), at_key))
        return false;
    (void)choose(at_key, at_key[0] ? nd_trace_cursor_value(a) : no_code(),
                 at_key[1] ? nd_trace_cursor_value(b) : no_code(), chosen);
    for (unsigned s = 0; s < 2; s++) {
        side *const one = &merge->sides[s];
        one->has_value = chosen[s];
        one->left = chosen[s] ? nd_trace_cursor_updates(&merge->sources[s].cursor)
                              : (nd_trace_list){.len = 0};
    }
    merge->is_inside = true;
    return true;
}

static nd_err add_to_sums(nd_trace_merge *merge, uint32_t number, int64_t diff)
{
    nd_vector *const sums = &merge->sums;
    sum *const last = sums->len ? nd_vector_at(sums, sums->len - 1) : NULL;
    if (last && last->number == number)
        return nd_difference_plus(last->diff, diff, &last->diff) ? ND_OK : ND_FAILED;
    merge->is_sorted &= !last || last->number < number;
    sum *const place = nd_vector_push(sums);
    if (!place)
        return ND_NOMEM;
    *place = (sum){number, diff};
    return ND_OK;
}

static nd_err gather_one(nd_trace_merge *merge)
{
    side *const a = &merge->sides[0], *const b = &merge->sides[1];
    const uint32_t *const a_numbers = merge->sources[0].numbers, *const b_numbers =
                                                                     merge->sources[1].numbers;
    const bool is_a = b->left.len == 0 ||
                      (a->left.len != 0 && a_numbers[*a->left.times] <= b_numbers[*b->left.times]);
    side *const from = is_a ? a : b;
    assert(from->left.len != 0);
    const uint32_t number = (is_a ? a_numbers : b_numbers)[*from->left.times++];
    from->left.len--;
    return add_to_sums(merge, number, *from->left.diffs++);
}

/* Ties by difference, so that which sums are too large does not depend on how qsort does it. */
static int compare_sums(const void *a, const void *b)
{
    const sum *const x = a, *const y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->diff > y->diff) - (x->diff < y->diff);
}

/* Brings sums into order, one a number. */
static nd_err sort_sums(nd_trace_merge *merge)
{
    sum *const sums = merge->sums.items;
    size_t n = 0;
    if (merge->is_sorted)
        return ND_OK;
    qsort(sums, merge->sums.len, sizeof *sums, compare_sums);
    for (size_t i = 0; i < merge->sums.len; i++) {
        if (n == 0 || sums[n - 1].number != sums[i].number)
            sums[n++] = sums[i];
        else if (!nd_difference_plus(sums[n - 1].diff, sums[i].diff, &sums[n - 1].diff))
            return ND_FAILED;
    }
    nd_vector_truncate(&merge->sums, n);
    return ND_OK;
}

static nd_err write_sums(nd_trace_merge *merge)
{
    const nd_trace_cursor *const cursor = &merge->sources[merge->sides[0].has_value ? 0 : 1].cursor;
    const sum *const sums = merge->sums.items;
    bool is_open = false;
    for (size_t i = 0; i < merge->sums.len; i++) {
        if (sums[i].diff == 0)
            continue;
        if (!is_open)
            ND_TRY(nd_trace_builder_open(&merge->builder, nd_trace_cursor_key(cursor),
                                         nd_trace_cursor_value(cursor)));
        is_open = true;
        ND_TRY(nd_trace_builder_add(&merge->builder, sums[i].number, sums[i].diff));
    }
    return ND_OK;
}

static void leave_value(nd_trace_merge *merge)
{
    for (unsigned s = 0; s < 2; s++) {
        nd_trace_cursor *const cursor = &merge->sources[s].cursor;
        if (!merge->sides[s].has_value)
            continue;
        nd_trace_cursor_next_value(cursor);
        if (!nd_trace_cursor_has_value(cursor))
            nd_trace_cursor_next_key(cursor);
    }
    nd_vector_clear(&merge->sums);
    merge->is_sorted = true;
    merge->is_inside = false;
}

/* Copies what can be. Where that is nothing, again and again, it is tried less and less often. */
static nd_err copy(nd_trace_merge *merge, uint64_t *fuel)
{
    if (merge->n_left != 0 || !merge->can_copy) {
        merge->n_left -= merge->n_left != 0;
        return ND_OK;
    }
    uint64_t before;
    do {
        before = *fuel;
        ND_TRY(nd_trace_copy_apart(&merge->builder, merge->sources, fuel));
    } while (*fuel && before - *fuel >= ND_TRACE_COPIED);
    merge->n_steps = before != *fuel               ? 0
                     : merge->n_steps < MOST_STEPS ? 2 * merge->n_steps + 1
                                                   : MOST_STEPS;
    merge->n_left = merge->n_steps;
    return ND_OK;
}

nd_err nd_trace_merge_work(nd_trace_merge *merge, uint64_t *fuel)
{
    while (*fuel) {
        if (!merge->is_inside) {
            ND_TRY(copy(merge, fuel));
            if (!*fuel || !enter_value(merge))
                break;
        }
        for (; *fuel && (merge->sides[0].left.len || merge->sides[1].left.len); --*fuel)
            ND_TRY(gather_one(merge));
        if (merge->sides[0].left.len || merge->sides[1].left.len)
            break;
        ND_TRY(sort_sums(merge));
        ND_TRY(write_sums(merge));
        leave_value(merge);
    }
    return ND_OK;
}

bool nd_trace_merge_is_done(const nd_trace_merge *merge)
{
    return !nd_trace_cursor_has_key(&merge->sources[0].cursor) &&
           !nd_trace_cursor_has_key(&merge->sources[1].cursor);
}

static nd_err set_times(nd_antichain *antichain, nd_trace_times times)
{
    for (uint32_t i = 0; i < times.len; i++)
        ND_TRY(nd_antichain_insert_incomparable(antichain, &times.items[i]));
    return ND_OK;
}

nd_err nd_trace_merge_take(nd_trace_merge *merge, nd_trace_batch **batch)
{
    nd_antichain lower, upper;
    assert(nd_trace_merge_is_done(merge));
    nd_antichain_init(&lower);
    nd_antichain_init(&upper);
    nd_err err = set_times(&lower, merge->sides[0].batch->lower);
    if (err == ND_OK)
        err = set_times(&upper, merge->sides[n_sides(merge) - 1].batch->upper);
    if (err == ND_OK)
        err = nd_trace_builder_seal(&merge->builder, &lower, &upper, &merge->since, batch);
    nd_antichain_deinit(&lower);
    nd_antichain_deinit(&upper);
    return err;
}
