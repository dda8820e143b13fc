/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_BATCH_H
#define OPERATORS_DIFFERENTIAL_TRACE_BATCH_H

/** @file
 * Sealed batches of a trace: updates (key code, value code, time, difference) in order of key, then
 * value, then time in total order, one of each, none of difference zero. They never change.
 *
 * What a batch holds is one block of bytes without a pointer, so that a checkpoint writes it as it
 * stands. The block is a head and columns in the order of nd_trace_columns, each at a multiple of
 * eight, the gaps zero. Where a column begins follows from what the head counts, and is not stored.
 *
 *     key      -> first_values -> values -> marks -> lists -> first_updates -> numbers, diffs
 *                                                                                 |
 *                                                                               times
 *
 * A value's updates are a list. If they are those of the value before, its bit is zero and it has
 * no list of its own; its list is the last one before. So what is inserted at one time, or inserted
 * at one and removed at another, costs two bits a value beside the value itself.
 *
 * A column that says nothing is left out, for each that is read may be a cache miss: first_values
 * where each key has one value, marks where each value has a list of its own or all share one,
 * first_updates where each list has one update, numbers where there is one time, and diffs where
 * all are one.
 *
 * Times are numbers into the batch's own table, which is in total order, so that numbers are
 * compared instead of times. The same updates in the same description are the same bytes.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <nereid/error.h>
#include <nereid/time.h>

#include "operators/differential/trace_column.h"

/** What keys and values are. */
typedef struct nd_trace_shape {
    bool key_is_fixed; /* all have one size, which is the next, or zero if this is false */
    uint32_t key_size;
    bool value_is_fixed;
    uint32_t value_size; /* zero and fixed: there are keys only */
} nd_trace_shape;

enum { ND_TRACE_WIDTH_MOST = 4096 /* times of a description's frontier */ };

/** How a block begins. Part of the checkpoint format. */
typedef struct nd_trace_head {
    uint64_t magic;     /* in the byte order of whoever wrote it */
    uint64_t size;      /* of the block */
    uint64_t n_updates; /* as they are read: a list counts for each of its values */
    uint16_t key_is_fixed, value_is_fixed;
    uint32_t key_size, value_size;
    uint32_t key_bytes, value_bytes;    /* of all, where their size is not fixed, else zero */
    uint32_t n_lower, n_upper, n_since; /* times of the description */
    uint32_t n_times;
    uint32_t n_keys, n_values, n_lists;
    uint32_t n_stored; /* updates of all lists */
    uint32_t n_diffs;  /* as many, or zero if they are left out */
} nd_trace_head;

_Static_assert(sizeof(nd_trace_head) == 80, "columns begin at a multiple of eight");

/** What follows the head, in this order. */
enum nd_trace_columns {
    ND_TRACE_TIMES,         /* nd_time: lower, upper, since, then the table */
    ND_TRACE_DIFFS,         /* int64_t, an update of a list */
    ND_TRACE_MARKS,         /* nd_trace_mark, 64 values */
    ND_TRACE_FIRST_VALUES,  /* uint32_t, a key, and the end */
    ND_TRACE_FIRST_UPDATES, /* uint32_t, a list, and the end */
    ND_TRACE_NUMBERS,       /* uint32_t, an update of a list: its time */
    ND_TRACE_KEY_STARTS,    /* uint32_t, a key, and the end, if their size is not fixed */
    ND_TRACE_VALUE_STARTS,  /* likewise */
    ND_TRACE_KEYS,          /* bytes */
    ND_TRACE_VALUES,        /* bytes */
    ND_TRACE_N_COLUMNS
};

/** Which of 64 values have lists of their own. */
typedef struct nd_trace_mark {
    uint64_t bits; /* the first value's is the lowest */
    uint64_t rank; /* how many before them have */
} nd_trace_mark;

/** Some times of a batch. */
typedef struct nd_trace_times {
    const nd_time *items;
    uint32_t len;
} nd_trace_times;

/** A batch. Shared: any thread may read it, retain it and release it. */
typedef struct nd_trace_batch {
    _Atomic size_t refs; /* written by any holder; the last release pairs with all earlier ones */
    void *block;         /* owned */
    const nd_trace_head *head;
    nd_trace_shape shape;
    nd_trace_times lower, upper; /* from, and to, which is exclusive */
    nd_trace_times since;        /* what reads must be at or after */
    nd_trace_times times;        /* the table */
    nd_trace_column keys, values;
    const uint32_t *first_values, *first_updates, *numbers; /* NULL: left out */
    const nd_trace_mark *marks;                             /* likewise */
    const int64_t *diffs;                                   /* likewise */
    bool shares_list; /* without marks: all values share one, and not: each has its own */
} nd_trace_batch;

/** A list's updates, `len` of them, at least one. */
typedef struct nd_trace_list {
    const uint32_t *times; /* numbers in the batch's table, in total order of the batch's times */
    const int64_t *diffs;
    uint32_t len;
} nd_trace_list;

enum { ND_TRACE_ONES = 64 /* the longest list whose differences may be left out */ };

/** The updates of lists that have nothing stored: the number of the first time, and differences of
 * one. */
extern const uint32_t nd_trace_first_number;
extern const int64_t nd_trace_ones[ND_TRACE_ONES];

/** One reference more. Any thread that holds one. Returns the batch. */
nd_trace_batch *nd_trace_batch_retain(nd_trace_batch *batch);
/** One reference less; the last frees it. NULL is fine. Any thread. */
void nd_trace_batch_release(nd_trace_batch *batch);

/** How many updates there are. */
static inline uint64_t nd_trace_batch_len(const nd_trace_batch *batch)
{
    return batch->head->n_updates;
}

/** The block, of `*size` bytes, for as long as the batch is held. */
static inline const void *nd_trace_batch_bytes(const nd_trace_batch *batch, size_t *size)
{
    *size = (size_t)batch->head->size;
    return batch->block;
}

/** How many bits are set. Plain arithmetic: not every machine this runs on counts by itself, and
 * asking the compiler costs a call. */
static inline uint32_t nd_count_bits(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/** The number of a key's first value; of the number of keys, that of values. */
static inline uint32_t nd_trace_batch_value(const nd_trace_batch *batch, uint32_t key)
{
    return batch->first_values ? batch->first_values[key] : key;
}

/** The number of a value's list. Constant time. */
static inline uint32_t nd_trace_batch_list(const nd_trace_batch *batch, uint32_t value)
{
    if (!batch->marks)
        return batch->shares_list ? 0 : value;
    const nd_trace_mark *const mark = &batch->marks[value / 64];
    const uint64_t upto = (UINT64_C(2) << value % 64) - 1; /* of 63: all bits */
    return (uint32_t)mark->rank + nd_count_bits(mark->bits & upto) - 1;
}

/** A list by its number. */
static inline nd_trace_list nd_trace_batch_updates(const nd_trace_batch *batch, uint32_t list)
{
    const uint32_t *const firsts = batch->first_updates;
    const uint32_t begin = firsts ? firsts[list] : list, end = firsts ? firsts[list + 1] : list + 1;
    return (nd_trace_list){batch->numbers ? batch->numbers + begin : &nd_trace_first_number,
                           batch->diffs ? batch->diffs + begin : nd_trace_ones, end - begin};
}

/** Whether `size` bytes at a multiple of eight are a block that may be used: every count, order,
 * offset and bit is checked, and nothing beyond them is read. Where times stand between the
 * frontiers of the description is not: compaction moves them. Linear. */
bool nd_trace_batch_validate(const void *bytes, size_t size);

/** Makes a batch of a block from outside, which comes from nd_alloc and is the batch's once this
 * has succeeded. Errors: ND_INPUT: it is not valid; ND_NOMEM. */
ND_CHECKED nd_err nd_trace_batch_take(void *block, size_t size, nd_trace_batch **batch);

/* --- For the builder --- */

/** Whether the differences of so many updates, at so many times, are left out. */
bool nd_trace_leaves_out_diffs(const int64_t *diffs, uint32_t n_stored, uint32_t n_times);
/** Fills in the head's size, and where its columns begin, and the last of them ends. False if that
 * is beyond `limit` bytes, which are at least the head's. */
bool nd_trace_head_place(nd_trace_head *head, uint64_t limit,
                         uint64_t places[ND_TRACE_N_COLUMNS + 1]);
/** The head's magic number. */
uint64_t nd_trace_head_magic(void);
/** As nd_trace_batch_take, of a block that is known to be valid. */
ND_CHECKED nd_err nd_trace_batch_create(void *block, nd_trace_batch **batch);

#endif
