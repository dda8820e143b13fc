/* SPDX-License-Identifier: Apache-2.0 */
/* Numbering vertices.
 *
 * Ids that fit 32 bits and are not too sparse are marked in a bitmap; an id's dense number is its
 * rank there, or, where the ids have no gap, its distance from the least one. Other ids are in the
 * collectors' tables; these are sorted and merged, and each table gets an array from index to dense
 * number. */
#include "operators/graph/numbering.h"

#include <stdlib.h>

#include <nereid/memory.h>

#include "operators/graph/parallel.h"

enum { SPARE_WORDS = 1 << 14 };

void numbering_deinit(numbering *numbers)
{
    for (unsigned i = 0; i < numbers->n_tables; i++)
        nd_free(numbers->dense[i]);
    nd_free(numbers->dense);
    nd_free(numbers->before);
    nd_free(numbers->bits);
    nd_free(numbers->ids);
    *numbers = (numbering){.ids = NULL};
}

/* --- By rank --- */

static unsigned count_ones(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

static inline uint32_t rank(const numbering *numbers, uint64_t id)
{
    const uint64_t below = numbers->bits[id / 64] & ((UINT64_C(1) << id % 64) - 1);
    return numbers->before[id / 64] + count_ones(below);
}

typedef struct marking {
    edge_collector *collectors;
    uint64_t *bits; /* n_words a thread */
    size_t n_words;
} marking;

static void mark(void *context, unsigned index)
{
    const marking *const job = context;
    const edge_collector *const collector = &job->collectors[index];
    uint64_t *const bits = job->bits + index * job->n_words;
    for (size_t i = 0; i < collector->len; i++) {
        const uint64_t src = collector->keys[i] >> 32, dst = collector->keys[i] & UINT32_MAX;
        bits[src / 64] |= UINT64_C(1) << src % 64;
        bits[dst / 64] |= UINT64_C(1) << dst % 64;
    }
}

/* Unites the threads' bitmaps in the first one and counts. */
static uint64_t unite(numbering *numbers, const marking *job, unsigned n_collectors)
{
    uint64_t n = 0;
    for (size_t w = 0; w < job->n_words; w++) {
        for (unsigned t = 1; t < n_collectors; t++)
            job->bits[w] |= job->bits[t * job->n_words + w];
        numbers->before[w] = (uint32_t)n;
        n += count_ones(job->bits[w]);
    }
    return n;
}

static nd_err list_ids(numbering *numbers, uint64_t n, size_t n_words)
{
    if (n >= UINT32_MAX)
        return ND_INPUT;
    numbers->ids = nd_alloc(n, sizeof *numbers->ids);
    if (numbers->ids == NULL)
        return ND_NOMEM;
    for (size_t w = 0; w < n_words; w++)
        for (uint64_t word = numbers->bits[w]; word != 0; word &= word - 1)
            numbers->ids[numbers->n_vertices++] = w * 64 + (unsigned)__builtin_ctzll(word);
    return ND_OK;
}

static nd_err number_by_rank(numbering *numbers, edge_collector *collectors, unsigned n_collectors,
                             size_t n_words)
{
    marking job = {collectors, nd_alloc_zero(n_words * n_collectors, sizeof *job.bits), n_words};
    numbers->bits = job.bits;
    numbers->before = nd_alloc(n_words, sizeof *numbers->before);
    if (numbers->bits == NULL || numbers->before == NULL)
        return ND_NOMEM;
    parallel_run(n_collectors, mark, &job);
    ND_TRY(list_ids(numbers, unite(numbers, &job, n_collectors), n_words));
    const uint32_t n = numbers->n_vertices;
    const bool has_gaps = n > 0 && numbers->ids[n - 1] - numbers->ids[0] != n - 1;
    numbers->way = has_gaps ? NUMBERED_BY_RANK : NUMBERED_BY_OFFSET;
    return ND_OK;
}

/* --- By table --- */

static int compare_ids(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* All ids of all tables, sorted, each once. */
static nd_err merge_ids(numbering *numbers, const edge_collector *collectors, unsigned n_collectors)
{
    size_t total = 0, n = 0;
    for (unsigned i = 0; i < n_collectors; i++)
        total += collectors[i].table.len;
    uint64_t *const ids = nd_alloc(total, sizeof *ids);
    if (ids == NULL)
        return ND_NOMEM;
    numbers->ids = ids;
    for (unsigned i = 0; i < n_collectors; i++)
        for (uint32_t j = 0; j < collectors[i].table.len; j++)
            ids[n++] = collectors[i].table.ids[j];
    qsort(ids, total, sizeof *ids, compare_ids);
    n = 0;
    for (size_t i = 0; i < total; i++)
        if (n == 0 || ids[n - 1] != ids[i])
            ids[n++] = ids[i];
    numbers->n_vertices = (uint32_t)n;
    return n < UINT32_MAX ? ND_OK : ND_INPUT;
}

typedef struct locating {
    numbering *numbers;
    edge_collector *collectors;
} locating;

static uint32_t locate(const numbering *numbers, uint64_t id)
{
    uint32_t low = 0, high = numbers->n_vertices;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (numbers->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void locate_table(void *context, unsigned index)
{
    const locating *const job = context;
    const id_table *const table = &job->collectors[index].table;
    for (uint32_t i = 0; i < table->len; i++)
        job->numbers->dense[index][i] = locate(job->numbers, table->ids[i]);
}

static nd_err number_by_table(numbering *numbers, edge_collector *collectors, unsigned n_collectors)
{
    numbers->way = NUMBERED_BY_TABLE;
    for (unsigned i = 0; i < n_collectors; i++)
        ND_TRY(edge_collector_use_table(&collectors[i]));
    ND_TRY(merge_ids(numbers, collectors, n_collectors));
    numbers->dense = nd_alloc_zero(n_collectors, sizeof(uint32_t *));
    if (numbers->dense == NULL)
        return ND_NOMEM;
    for (; numbers->n_tables < n_collectors; numbers->n_tables++) {
        const uint32_t len = collectors[numbers->n_tables].table.len;
        numbers->dense[numbers->n_tables] = nd_alloc(len, sizeof(uint32_t));
        if (numbers->dense[numbers->n_tables] == NULL)
            return ND_NOMEM;
    }
    parallel_run(n_collectors, locate_table, &(locating){numbers, collectors});
    for (unsigned i = 0; i < n_collectors; i++)
        id_table_deinit(&collectors[i].table);
    return ND_OK;
}

/* A bitmap may take a word an edge, which is less than sorting takes later. */
nd_err numbering_init(numbering *numbers, edge_collector *collectors, unsigned n_collectors)
{
    uint64_t bits = 0, n_keys = 0;
    bool has_table = false;
    *numbers = (numbering){.ids = NULL};
    for (unsigned i = 0; i < n_collectors; i++) {
        bits |= collectors[i].id_bits;
        n_keys += collectors[i].len;
        has_table = has_table || collectors[i].has_table;
    }
    const uint64_t n_words = bits / 64 + 1;
    if (!has_table && n_words * (n_collectors + 1) <= n_keys + SPARE_WORDS)
        return number_by_rank(numbers, collectors, n_collectors, (size_t)n_words);
    return number_by_table(numbers, collectors, n_collectors);
}

/* --- Both --- */

static inline uint64_t make_key(uint32_t src, uint32_t dst, enum key_form form)
{
    const bool is_turned = form == KEY_DST_SRC || (form == KEY_LESSER_GREATER && dst < src);
    return is_turned ? (uint64_t)dst << 32 | src : (uint64_t)src << 32 | dst;
}

void numbering_apply(const numbering *numbers, edge_collector *collector, unsigned index,
                     enum key_form form)
{
    uint64_t *const keys = collector->keys;
    const size_t len = collector->len;
    if (numbers->way == NUMBERED_BY_OFFSET) {
        const uint32_t least = numbers->n_vertices > 0 ? (uint32_t)numbers->ids[0] : 0;
        for (size_t i = 0; i < len; i++)
            keys[i] = make_key((uint32_t)(keys[i] >> 32) - least, (uint32_t)keys[i] - least, form);
    } else if (numbers->way == NUMBERED_BY_RANK) {
        for (size_t i = 0; i < len; i++)
            keys[i] =
                make_key(rank(numbers, keys[i] >> 32), rank(numbers, keys[i] & UINT32_MAX), form);
    } else {
        const uint32_t *const dense = numbers->dense[index];
        for (size_t i = 0; i < len; i++)
            keys[i] = make_key(dense[keys[i] >> 32], dense[keys[i] & UINT32_MAX], form);
    }
}
