/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: where columns stand, and whether bytes from outside are one. A batch is a block and
 * pointers to its columns, found once. Validation goes from the outside in: each check may rely on
 * those before it, and a column's bounds are known before it is read. */
#include "operators/differential/trace_batch.h"

#include <nereid/memory.h>

/* "NDTRACE1" */
uint64_t nd_trace_head_magic(void) { return UINT64_C(0x3145434152544e44); }

const uint32_t nd_trace_first_number = 0;

#define ONES_8 1, 1, 1, 1, 1, 1, 1, 1
const int64_t nd_trace_ones[ND_TRACE_ONES] = {ONES_8, ONES_8, ONES_8, ONES_8,
                                              ONES_8, ONES_8, ONES_8, ONES_8};

/* --- Places --- */

bool nd_trace_leaves_out_diffs(const int64_t *diffs, uint32_t n_stored, uint32_t n_times)
{
    if (n_times > ND_TRACE_ONES) /* a list may be as long */
        return false;
    for (uint32_t i = 0; i < n_stored; i++)
        if (diffs[i] != 1)
            return false;
    return true;
}

/* The bytes of `n` items and the end of the last, which are left out if there are as many of what
 * they count. */
static uint64_t firsts_size(uint64_t n, uint64_t counted)
{
    return n == counted ? 0 : (n + 1) * sizeof(uint32_t);
}

static bool has_marks(const nd_trace_head *head)
{
    return head->n_lists > 1 && head->n_lists != head->n_values;
}

static void measure(const nd_trace_head *head, uint64_t sizes[ND_TRACE_N_COLUMNS])
{
    const uint64_t keys = head->n_keys, values = head->n_values, n_words = (values + 63) / 64;
    const uint64_t times = (uint64_t)head->n_lower + head->n_upper + head->n_since + head->n_times;
    sizes[ND_TRACE_TIMES] = times * sizeof(nd_time);
    sizes[ND_TRACE_DIFFS] = (uint64_t)head->n_diffs * sizeof(int64_t);
    sizes[ND_TRACE_MARKS] = has_marks(head) ? n_words * sizeof(nd_trace_mark) : 0;
    sizes[ND_TRACE_FIRST_VALUES] = firsts_size(keys, values);
    sizes[ND_TRACE_FIRST_UPDATES] = firsts_size(head->n_lists, head->n_stored);
    sizes[ND_TRACE_NUMBERS] = head->n_times > 1 ? (uint64_t)head->n_stored * sizeof(uint32_t) : 0;
    sizes[ND_TRACE_KEY_STARTS] = head->key_is_fixed ? 0 : (keys + 1) * sizeof(uint32_t);
    sizes[ND_TRACE_VALUE_STARTS] = head->value_is_fixed ? 0 : (values + 1) * sizeof(uint32_t);
    sizes[ND_TRACE_KEYS] = head->key_is_fixed ? keys * head->key_size : head->key_bytes;
    sizes[ND_TRACE_VALUES] = head->value_is_fixed ? values * head->value_size : head->value_bytes;
}

bool nd_trace_head_place(nd_trace_head *head, uint64_t limit,
                         uint64_t places[ND_TRACE_N_COLUMNS + 1])
{
    uint64_t sizes[ND_TRACE_N_COLUMNS], place = sizeof *head;
    const uint64_t end = limit / 8 * 8; /* as places are, so none is beyond it */
    measure(head, sizes);
    for (unsigned i = 0; i < ND_TRACE_N_COLUMNS; i++) {
        places[i] = place;
        if (sizes[i] > end - place)
            return false;
        place += (sizes[i] + 7) / 8 * 8;
    }
    head->size = places[ND_TRACE_N_COLUMNS] = place;
    return true;
}

/* --- Life --- */

static const void *place_in(const void *block, const uint64_t *places, unsigned i)
{
    return (const unsigned char *)block + places[i];
}

/* NULL: it is left out. */
static const void *column(const void *block, const uint64_t *places, unsigned i)
{
    return places[i] == places[i + 1] ? NULL : place_in(block, places, i);
}

/* Finds the columns of a block whose head fits it. */
static void find_columns(nd_trace_batch *batch, const void *block, const uint64_t *places)
{
    const nd_trace_head *const head = block;
    const nd_time *const times = place_in(block, places, ND_TRACE_TIMES);
    batch->head = head;
    batch->shape = (nd_trace_shape){head->key_is_fixed, head->key_size, head->value_is_fixed,
                                    head->value_size};
    batch->lower = (nd_trace_times){times, head->n_lower};
    batch->upper = (nd_trace_times){batch->lower.items + head->n_lower, head->n_upper};
    batch->since = (nd_trace_times){batch->upper.items + head->n_upper, head->n_since};
    batch->times = (nd_trace_times){batch->since.items + head->n_since, head->n_times};
    batch->keys = (nd_trace_column){place_in(block, places, ND_TRACE_KEYS),
                                    column(block, places, ND_TRACE_KEY_STARTS), head->key_size,
                                    head->n_keys, 0};
    batch->values = (nd_trace_column){place_in(block, places, ND_TRACE_VALUES),
                                      column(block, places, ND_TRACE_VALUE_STARTS),
                                      head->value_size, head->n_values, 0};
    nd_trace_column_note_last(&batch->keys);
    nd_trace_column_note_last(&batch->values);
    batch->first_values = column(block, places, ND_TRACE_FIRST_VALUES);
    batch->marks = column(block, places, ND_TRACE_MARKS);
    batch->shares_list = head->n_lists != head->n_values;
    batch->first_updates = column(block, places, ND_TRACE_FIRST_UPDATES);
    batch->numbers = column(block, places, ND_TRACE_NUMBERS);
    batch->diffs = column(block, places, ND_TRACE_DIFFS);
}

nd_err nd_trace_batch_create(void *block, nd_trace_batch **batch)
{
    uint64_t places[ND_TRACE_N_COLUMNS + 1];
    nd_trace_head head = *(const nd_trace_head *)block;
    nd_trace_batch *const made = nd_alloc(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    (void)nd_trace_head_place(&head, UINT64_MAX, places);
    find_columns(made, block, places);
    made->block = block;
    atomic_init(&made->refs, 1);
    *batch = made;
    return ND_OK;
}

nd_err nd_trace_batch_take(void *block, size_t size, nd_trace_batch **batch)
{
    return nd_trace_batch_validate(block, size) ? nd_trace_batch_create(block, batch) : ND_INPUT;
}

nd_trace_batch *nd_trace_batch_retain(nd_trace_batch *batch)
{
    atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
    return batch;
}

void nd_trace_batch_release(nd_trace_batch *batch)
{
    if (!batch || atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1)
        return;
    nd_free(batch->block);
    nd_free(batch);
}

/* --- Validation --- */

/* Whether the head is one, and the block has the size that follows from it. */
static bool head_is_valid(const nd_trace_head *head, size_t size,
                          uint64_t places[ND_TRACE_N_COLUMNS + 1])
{
    nd_trace_head placed = *head;
    return head->magic == nd_trace_head_magic() && head->key_is_fixed <= 1 &&
           head->value_is_fixed <= 1 && !(head->key_is_fixed ? head->key_bytes : head->key_size) &&
           !(head->value_is_fixed ? head->value_bytes : head->value_size) &&
           head->n_lower <= ND_TRACE_WIDTH_MOST && head->n_upper <= ND_TRACE_WIDTH_MOST &&
           head->n_since <= ND_TRACE_WIDTH_MOST && head->size == size &&
           (head->n_diffs == 0 || head->n_diffs == head->n_stored) &&
           nd_trace_head_place(&placed, size, places) && placed.size == size;
}

static bool gaps_are_zero(const nd_trace_head *head, const uint64_t *places)
{
    const unsigned char *const bytes = (const unsigned char *)head;
    uint64_t sizes[ND_TRACE_N_COLUMNS];
    measure(head, sizes);
    for (unsigned i = 0; i < ND_TRACE_N_COLUMNS; i++)
        for (uint64_t k = places[i] + sizes[i]; k < places[i + 1]; k++)
            if (bytes[k])
                return false;
    return true;
}

static bool times_are_sorted(nd_trace_times times)
{
    for (uint32_t i = 1; i < times.len; i++)
        if (nd_time_compare(&times.items[i - 1], &times.items[i]) >= 0)
            return false;
    return true;
}

static bool is_antichain(nd_trace_times times)
{
    for (uint32_t i = 0; i < times.len; i++)
        for (uint32_t k = i + 1; k < times.len; k++)
            if (nd_time_less_equal(&times.items[i], &times.items[k]))
                return false;
    return times_are_sorted(times);
}

/* Whether every time of `above` is at or after one of `below`. */
static bool is_after(nd_trace_times above, nd_trace_times below)
{
    for (uint32_t i = 0; i < above.len; i++) {
        uint32_t k = 0;
        while (k < below.len && !nd_time_less_equal(&below.items[k], &above.items[i]))
            k++;
        if (k == below.len)
            return false;
    }
    return true;
}

/* Whether these are `n` numbers and an end, from zero to `end`, each at least `least` more than the
 * one before. */
static bool are_firsts(const uint32_t *firsts, uint32_t n, uint32_t least, uint32_t end)
{
    if (!firsts)
        return n == end;
    if (firsts[0] != 0 || firsts[n] != end)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (firsts[i + 1] < firsts[i] || firsts[i + 1] - firsts[i] < least)
            return false;
    return true;
}

/* Whether the codes from `from` to `to` - 1 are in order, one of each. */
static bool codes_are_sorted(const nd_trace_column *codes, uint32_t from, uint32_t to)
{
    for (uint32_t i = from + 1; i < to; i++)
        if (nd_trace_code_compare(nd_trace_column_get(codes, i - 1),
                                  nd_trace_column_get(codes, i)) >= 0)
            return false;
    return true;
}

static bool codes_are_valid(const nd_trace_batch *batch)
{
    const nd_trace_head *const head = batch->head;
    if (!are_firsts(batch->first_values, head->n_keys, 1, head->n_values) ||
        (!head->key_is_fixed &&
         !are_firsts(batch->keys.starts, head->n_keys, 0, head->key_bytes)) ||
        (!head->value_is_fixed &&
         !are_firsts(batch->values.starts, head->n_values, 0, head->value_bytes)) ||
        !codes_are_sorted(&batch->keys, 0, head->n_keys))
        return false;
    for (uint32_t key = 0; key < head->n_keys; key++)
        if (!codes_are_sorted(&batch->values, nd_trace_batch_value(batch, key),
                              nd_trace_batch_value(batch, key + 1)))
            return false;
    return true;
}

/* Whether the first value has a list, none that is not there has, and ranks count them. */
static bool marks_are_valid(const nd_trace_batch *batch)
{
    const uint32_t n_values = batch->head->n_values;
    uint64_t rank = 0;
    if (!batch->marks) /* one for all, or one for each */
        return (batch->head->n_lists == 0) == (n_values == 0);
    for (uint32_t i = 0; i < n_values / 64 + (n_values % 64 != 0); i++) {
        if (batch->marks[i].rank != rank)
            return false;
        rank += (uint64_t)__builtin_popcountll(batch->marks[i].bits);
    }
    return batch->marks[0].bits & 1 && rank == batch->head->n_lists &&
           !(n_values % 64 && batch->marks[n_values / 64].bits >> n_values % 64);
}

static bool list_is_valid(nd_trace_list list, uint32_t n_times)
{
    for (uint32_t i = 0; i < list.len; i++)
        if (list.times[i] >= n_times || (i > 0 && list.times[i] <= list.times[i - 1]) ||
            list.diffs[i] == 0)
            return false;
    return true;
}

/* Whether lists are in order, differences are left out where they can be, and the values' lists are
 * as long as the head says. */
static bool lists_are_valid(const nd_trace_batch *batch)
{
    const nd_trace_head *const head = batch->head;
    const bool is_without = head->n_diffs == 0;
    if (!are_firsts(batch->first_updates, head->n_lists, 1, head->n_stored) ||
        (is_without ? head->n_times > ND_TRACE_ONES && head->n_stored > 0
                    : nd_trace_leaves_out_diffs(batch->diffs, head->n_diffs, head->n_times)) ||
        (!batch->numbers && batch->first_updates))
        return false;
    for (uint32_t list = 0; list < head->n_lists; list++)
        if (!list_is_valid(nd_trace_batch_updates(batch, list), head->n_times))
            return false;
    uint64_t n_updates = 0; /* below 2^32 values of below 2^32 each */
    for (uint32_t value = 0; value < head->n_values; value++)
        n_updates += nd_trace_batch_updates(batch, nd_trace_batch_list(batch, value)).len;
    return n_updates == head->n_updates;
}

bool nd_trace_batch_validate(const void *bytes, size_t size)
{
    uint64_t places[ND_TRACE_N_COLUMNS + 1];
    nd_trace_batch batch;
    if ((uintptr_t)bytes % 8 || size < sizeof(nd_trace_head) || !head_is_valid(bytes, size, places))
        return false;
    find_columns(&batch, bytes, places);
    return gaps_are_zero(batch.head, places) && is_antichain(batch.lower) &&
           is_antichain(batch.upper) && is_antichain(batch.since) &&
           is_after(batch.upper, batch.lower) && times_are_sorted(batch.times) &&
           codes_are_valid(&batch) && marks_are_valid(&batch) && lists_are_valid(&batch);
}
