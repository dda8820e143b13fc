/* SPDX-License-Identifier: Apache-2.0 */
/* Radix sort, least significant digit first, over the bits that vary within a bucket: those of the
 * destination, then those of the source that do not choose the bucket. Digits have at most eleven
 * bits, so that a pass writes to 2,048 places. Weights are carried along in a parallel array by the
 * same kernel with another constant. */
#include "operators/graph/edge_sort.h"

#include <stdbool.h>
#include <string.h>

#include <nereid/memory.h>

enum { DIGIT_BITS = 11, MAX_DIGITS = 6, SMALL_BUCKET = 48, USUAL_BUCKET = 8192 };

typedef struct digit {
    unsigned shift, bits;
} digit;

static unsigned bit_width(uint64_t n)
{
    unsigned width = 0;
    for (; n > 0; n >>= 1)
        width++;
    return width;
}

void edge_buckets_plan(edge_buckets *buckets, uint32_t n_vertices, size_t n_edges)
{
    unsigned bucket_bits = bit_width(n_edges / USUAL_BUCKET);
    *buckets = (edge_buckets){.vertex_bits = n_vertices > 1 ? bit_width(n_vertices - 1) : 1};
    while (1u << bucket_bits > SORT_MAX_BUCKETS || bucket_bits > buckets->vertex_bits)
        bucket_bits--;
    buckets->n_buckets = 1u << bucket_bits;
    buckets->shift = buckets->vertex_bits - bucket_bits;
}

nd_err edge_scratch_init(edge_scratch *scratch, const edge_buckets *buckets)
{
    size_t greatest = 1;
    for (unsigned b = 0; b < buckets->n_buckets; b++) {
        const size_t size = buckets->begins[b + 1] - buckets->begins[b];
        greatest = size > greatest ? size : greatest;
    }
    *scratch = (edge_scratch){.keys = NULL};
    if (greatest > UINT32_MAX) /* beyond the counters; the keys alone would take 32 GiB */
        return ND_NOMEM;
    *scratch = (edge_scratch){.keys = nd_alloc(greatest, sizeof *scratch->keys)};
    scratch->counts = nd_alloc(MAX_DIGITS, sizeof *scratch->counts);
    if (buckets->weights != NULL)
        scratch->weights = nd_alloc(greatest, sizeof *scratch->weights);
    const bool lacks_weights = buckets->weights != NULL && scratch->weights == NULL;
    return scratch->keys == NULL || scratch->counts == NULL || lacks_weights ? ND_NOMEM : ND_OK;
}

void edge_scratch_deinit(edge_scratch *scratch)
{
    nd_free(scratch->keys);
    nd_free(scratch->weights);
    nd_free(scratch->counts);
    *scratch = (edge_scratch){.keys = NULL};
}

/* Splits `bits` bits from `shift` upwards into digits. */
static unsigned add_digits(digit *digits, unsigned n_digits, unsigned shift, unsigned bits)
{
    unsigned n = (bits + DIGIT_BITS - 1) / DIGIT_BITS;
    for (; n > 0; n--) {
        const unsigned width = (bits + n - 1) / n;
        digits[n_digits++] = (digit){shift, width};
        shift += width;
        bits -= width;
    }
    return n_digits;
}

static inline size_t digit_of(uint64_t key, digit d)
{
    return (size_t)(key >> d.shift & ((UINT64_C(1) << d.bits) - 1));
}

/* Counts each digit's values and makes the counts into first places. */
static void count_digits(const uint64_t *keys, size_t len, const digit *digits, unsigned n_digits,
                         uint32_t (*counts)[1 << DIGIT_BITS])
{
    for (unsigned d = 0; d < n_digits; d++)
        memset(counts[d], 0, sizeof counts[d][0] << digits[d].bits);
    for (unsigned d = 0; d < n_digits; d++)
        for (size_t i = 0; i < len; i++)
            counts[d][digit_of(keys[i], digits[d])]++;
    for (unsigned d = 0; d < n_digits; d++) {
        uint32_t sum = 0;
        for (size_t value = 0; value < (size_t)1 << digits[d].bits; value++) {
            const uint32_t count = counts[d][value];
            counts[d][value] = sum;
            sum += count;
        }
    }
}

static inline void move_by_digit(const uint64_t *restrict keys, const double *restrict weights,
                                 size_t len, digit d, uint32_t *restrict places,
                                 uint64_t *restrict to_keys, double *restrict to_weights,
                                 const bool has_weights)
{
    for (size_t i = 0; i < len; i++) {
        const uint32_t place = places[digit_of(keys[i], d)]++;
        to_keys[place] = keys[i];
        if (has_weights)
            to_weights[place] = weights[i];
    }
}

static void sort_small(uint64_t *keys, double *weights, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const uint64_t key = keys[i];
        const double weight = weights != NULL ? weights[i] : 0;
        size_t j = i;
        for (; j > 0 && keys[j - 1] > key; j--) {
            keys[j] = keys[j - 1];
            if (weights != NULL)
                weights[j] = weights[j - 1];
        }
        keys[j] = key;
        if (weights != NULL)
            weights[j] = weight;
    }
}

/* Copies sorted edges without self-loops and repetitions; from and to may be the same. */
static size_t copy_unique(const uint64_t *keys, const double *weights, size_t len,
                          uint64_t *to_keys, double *to_weights)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        const uint64_t key = keys[i];
        if (key >> 32 == (key & UINT32_MAX))
            continue;
        const bool is_new = n == 0 || to_keys[n - 1] != key;
        if (weights != NULL && (is_new || weights[i] < to_weights[n - 1]))
            to_weights[n - !is_new] = weights[i];
        to_keys[n - !is_new] = key;
        n += is_new;
    }
    return n;
}

void edge_buckets_sort(edge_buckets *buckets, unsigned bucket, edge_scratch *scratch)
{
    const size_t begin = buckets->begins[bucket];
    const size_t len = buckets->begins[bucket + 1] - begin;
    uint64_t *const keys = buckets->keys + begin;
    double *const weights = buckets->weights != NULL ? buckets->weights + begin : NULL;
    uint64_t *from = keys, *to = scratch->keys;
    double *from_weights = weights, *to_weights = weights != NULL ? scratch->weights : NULL;
    digit digits[MAX_DIGITS];
    unsigned n_digits = 0;
    if (len <= SMALL_BUCKET) {
        sort_small(keys, weights, len);
    } else {
        n_digits = add_digits(digits, 0, 0, buckets->vertex_bits);
        n_digits = add_digits(digits, n_digits, 32, buckets->shift);
        count_digits(keys, len, digits, n_digits, scratch->counts);
    }
    for (unsigned d = 0; d < n_digits; d++) {
        if (weights != NULL)
            move_by_digit(from, from_weights, len, digits[d], scratch->counts[d], to, to_weights,
                          true);
        else
            move_by_digit(from, NULL, len, digits[d], scratch->counts[d], to, NULL, false);
        uint64_t *const swap = from;
        double *const swap_weights = from_weights;
        from = to, to = swap;
        from_weights = to_weights, to_weights = swap_weights;
    }
    buckets->lens[bucket] = copy_unique(from, from_weights, len, keys, weights);
}
