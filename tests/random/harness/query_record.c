/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/query_record.h"

/* Values are from -2 on. */
enum { LEAST = -2 };

static unsigned number_if(uint64_t key, int64_t value)
{
    return key < QUERY_KEYS && value >= LEAST && value < LEAST + QUERY_VALUES
               ? number_of((unsigned)key, (unsigned)(value - LEAST))
               : QUERY_RECORDS;
}

/* --- Pairs --- */

typedef struct pair {
    uint32_t key;
    int32_t value;
} pair;
static const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

static void write_pair(unsigned number, void *record)
{
    *(pair *)record = (pair){key_of(number), (int32_t)value_of(number) + LEAST};
}

static unsigned read_pair(const void *record)
{
    const pair *const one = record;
    return number_if(one->key, one->value);
}

const query_type query_pairs = {
    .record = &pair_type, .write = write_pair, .read = read_pair, .counted_as = &query_wide_pairs};

/* --- Wide pairs --- */

typedef struct wide_pair {
    int64_t key;
    int64_t value;
} wide_pair;
static const nd_type wide_pair_type =
    ND_TYPE(wide_pair, 1, ND_FIELD(wide_pair, key), ND_FIELD(wide_pair, value));

/* Keys are below zero, too. */
static void write_wide_pair(unsigned number, void *record)
{
    *(wide_pair *)record =
        (wide_pair){(int64_t)key_of(number) + LEAST, (int64_t)value_of(number) + LEAST};
}

static unsigned read_wide_pair(const void *record)
{
    const wide_pair *const one = record;
    return number_if((uint64_t)(one->key - LEAST), one->value);
}

static unsigned read_wide_tally(const void *tally, int64_t *n)
{
    const wide_pair *const one = tally;
    *n = one->value;
    return (unsigned)(one->key - LEAST);
}

static void write_wide_tally(unsigned number, int64_t n, void *tally)
{
    *(wide_pair *)tally = (wide_pair){(int64_t)key_of(number) + LEAST, n};
}

const query_type query_wide_pairs = {.record = &wide_pair_type,
                                     .tally = &wide_pair_type,
                                     .write = write_wide_pair,
                                     .read = read_wide_pair,
                                     .read_tally = read_wide_tally,
                                     .write_tally = write_wide_tally,
                                     .counted_as = &query_wide_pairs};

/* --- Words --- */

typedef struct word {
    nd_bytes key;
    nd_bytes value;
} word;
static const nd_type word_type = ND_TYPE(word, 1, ND_FIELD(word, key), ND_FIELD(word, value));

typedef struct word_tally {
    nd_bytes key;
    int64_t n;
} word_tally;
static const nd_type word_tally_type =
    ND_TYPE(word_tally, 1, ND_FIELD(word_tally, key), ND_FIELD(word_tally, n));

/* In order. */
static const nd_bytes words[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"a", 1}, {"a\0", 2}};
static_assert(sizeof words / sizeof *words >= QUERY_KEYS, "keys have words");
static_assert(sizeof words / sizeof *words >= QUERY_VALUES, "values have words");

static unsigned find_word(nd_bytes text, unsigned n)
{
    unsigned i = 0;
    while (i < n && (words[i].size != text.size ||
                     (text.size && memcmp(words[i].data, text.data, text.size) != 0)))
        i++;
    return i;
}

static void write_word(unsigned number, void *record)
{
    *(word *)record = (word){words[key_of(number)], words[value_of(number)]};
}

static unsigned read_word(const void *record)
{
    const word *const one = record;
    const unsigned key = find_word(one->key, QUERY_KEYS),
                   value = find_word(one->value, QUERY_VALUES);
    return key < QUERY_KEYS && value < QUERY_VALUES ? number_of(key, value) : QUERY_RECORDS;
}

static unsigned read_word_tally(const void *tally, int64_t *n)
{
    const word_tally *const one = tally;
    *n = one->n;
    return find_word(one->key, QUERY_KEYS);
}

static void write_word_tally(unsigned number, int64_t n, void *tally)
{
    *(word_tally *)tally = (word_tally){words[key_of(number)], n};
}

const query_type query_words = {.record = &word_type,
                                .tally = &word_tally_type,
                                .write = write_word,
                                .read = read_word,
                                .read_tally = read_word_tally,
                                .write_tally = write_word_tally,
                                .counted_as = &query_words};
