/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/pile_chunk.h"

#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"
#include "runtime/base/kernel.h"

void nd_pile_drop_chunk(nd_pile_chunk *one)
{
    nd_free(one->numbers);
    nd_free(one->diffs);
    *one = (nd_pile_chunk){.len = 0};
}

void nd_pile_drop_chunks(nd_vector *chunks)
{
    while (chunks->len)
        nd_pile_drop_chunk(nd_vector_pop(chunks));
    nd_vector_deinit(chunks);
}

/* --- Seeking --- */

/* By steps of doubled length, and then halving the last one. */
ND_KERNEL size_t seek(const uint64_t *numbers, size_t len, size_t at, const uint64_t *cut,
                      const unsigned words)
{
    size_t low = at, step = 256, high;
    while (low < len && nd_number_is_below(numbers + low * words, cut, words)) {
        high = low + step;
        if (high >= len || !nd_number_is_below(numbers + high * words, cut, words)) {
            high = high < len ? high : len;
            for (low++; low < high;) {
                const size_t middle = low + (high - low) / 2;
                if (nd_number_is_below(numbers + middle * words, cut, words))
                    low = middle + 1;
                else
                    high = middle;
            }
            return low;
        }
        low = high;
        step *= 2;
    }
    return low;
}

size_t nd_pile_seek(const nd_pile_chunk *in, size_t at, const uint64_t *cut, unsigned words)
{
    return words == 1 ? seek(in->numbers, in->len, at, cut, 1)
                      : seek(in->numbers, in->len, at, cut, 2);
}

/* --- Pairs --- */

/* From the end, for the sake of pairs that begin where the numbers do. */
ND_KERNEL void pair(const uint64_t *numbers, const int64_t *diffs, size_t len, uint64_t *pairs,
                    const unsigned words)
{
    for (size_t i = len; i-- > 0;) {
        uint64_t number[ND_NUMBER_WORDS];
        uint64_t *const to = pairs + i * (words + 1);
        nd_number_copy(number, numbers + i * words, words);
        nd_number_copy(to, number, words);
        to[words] = diffs ? (uint64_t)diffs[i] : 1;
    }
}

void nd_pile_pair(const uint64_t *numbers, const int64_t *diffs, size_t len, unsigned words,
                  uint64_t *pairs)
{
    if (words == 1)
        pair(numbers, diffs, len, pairs, 1);
    else
        pair(numbers, diffs, len, pairs, 2);
}

ND_KERNEL nd_err sample(const nd_pile_chunk *from, nd_vector *pairs, const unsigned words)
{
    for (size_t i = 0; i < from->len; i++) {
        const uint64_t *const number = from->numbers + i * words;
        const uint64_t turned = words == 2 ? number[1] << 32 | number[1] >> 32 : 0;
        if ((number[0] ^ turned) * UINT64_C(0x9e3779b97f4a7c15) >> 58)
            continue;
        uint64_t *const place = nd_vector_push(pairs);
        if (!place)
            return ND_NOMEM;
        nd_number_copy(place, number, words);
        place[words] = from->diffs ? (uint64_t)from->diffs[i] : 1;
    }
    return ND_OK;
}

nd_err nd_pile_sample(const nd_pile_chunk *from, unsigned words, nd_vector *pairs)
{
    return words == 1 ? sample(from, pairs, 1) : sample(from, pairs, 2);
}

/* --- Adding up what is sorted --- */

ND_KERNEL size_t count_repeats(const uint64_t *numbers, size_t len, const unsigned words)
{
    size_t n = 0;
    for (size_t i = 1; i < len; i++)
        n += nd_number_equal(numbers + i * words, numbers + (i - 1) * words, words);
    return n;
}

bool nd_pile_has_many_repeats(const uint64_t *numbers, size_t len, unsigned words)
{
    return (words == 1 ? count_repeats(numbers, len, 1) : count_repeats(numbers, len, 2)) > len / 4;
}

ND_KERNEL nd_err emit_numbers(const uint64_t *numbers, size_t len, nd_pile_sink *sink,
                              void *context, const unsigned words)
{
    for (size_t begin = 0, end = 0, after; begin < len; begin = after) {
        const uint64_t *at = numbers + begin * words;
        for (end = begin; end + 1 < len && !nd_number_equal(at, at + words, words); end++)
            at += words;
        for (after = end + 1; after < len && nd_number_equal(numbers + after * words, at, words);)
            after++;
        if (after == end + 1) /* the last of all, which stands once */
            end = after;
        if (end != begin)
            ND_TRY(sink(context, numbers + begin * words, NULL, end - begin));
        if (end != after)
            ND_TRY(sink(context, at, &(int64_t){(int64_t)(after - end)}, 1));
    }
    return ND_OK;
}

nd_err nd_pile_emit_numbers(const uint64_t *numbers, size_t len, unsigned words, nd_pile_sink *sink,
                            void *context)
{
    return words == 1 ? emit_numbers(numbers, len, sink, context, 1)
                      : emit_numbers(numbers, len, sink, context, 2);
}

ND_KERNEL nd_err add_up(uint64_t *pairs, size_t len, size_t *left, const unsigned words)
{
    const unsigned size = words + 1;
    uint64_t *to = pairs;
    *left = 0;
    for (size_t begin = 0, end; begin < len; begin = end) {
        const uint64_t *const first = pairs + begin * size;
        int64_t diff = (int64_t)first[words];
        for (end = begin + 1; end < len && nd_number_equal(pairs + end * size, first, words); end++)
            if (!nd_difference_plus(diff, (int64_t)pairs[end * size + words], &diff))
                return ND_FAILED;
        if (diff == 0)
            continue;
        nd_number_copy(to, first, words);
        to[words] = (uint64_t)diff;
        to += size;
        ++*left;
    }
    return ND_OK;
}

nd_err nd_pile_add_up(uint64_t *pairs, size_t len, unsigned words, size_t *left)
{
    return words == 1 ? add_up(pairs, len, left, 1) : add_up(pairs, len, left, 2);
}

/* Divides pairs. Returns whether all differences are one. */
ND_KERNEL bool part(const uint64_t *pairs, size_t len, uint64_t *numbers, int64_t *diffs,
                    const unsigned words)
{
    bool are_ones = true;
    for (size_t i = 0; i < len; i++, pairs += words + 1, numbers += words) {
        nd_number_copy(numbers, pairs, words);
        diffs[i] = (int64_t)pairs[words];
        are_ones &= diffs[i] == 1;
    }
    return are_ones;
}

nd_err nd_pile_emit_pairs(uint64_t *pairs, size_t len, unsigned words, nd_pile_sink *sink,
                          void *context)
{
    enum { MOST = 512 };
    uint64_t numbers[ND_NUMBER_WORDS * MOST];
    int64_t diffs[MOST];
    ND_TRY(nd_pile_add_up(pairs, len, words, &len));
    for (size_t n; len != 0; pairs += n * (words + 1), len -= n) {
        n = len < MOST ? len : MOST;
        const bool are_ones =
            words == 1 ? part(pairs, n, numbers, diffs, 1) : part(pairs, n, numbers, diffs, 2);
        ND_TRY(sink(context, numbers, are_ones ? NULL : diffs, n));
    }
    return ND_OK;
}

/* --- Writing chunks --- */

static nd_err shrink(nd_pile_chunk *one, unsigned words)
{
    uint64_t *const numbers = nd_realloc(one->numbers, one->len, words * sizeof *numbers);
    if (!numbers)
        return ND_NOMEM;
    one->numbers = numbers;
    int64_t *const diffs = one->diffs ? nd_realloc(one->diffs, one->len, sizeof *diffs) : NULL;
    if (one->diffs && !diffs)
        return ND_NOMEM;
    one->diffs = diffs;
    return ND_OK;
}

nd_err nd_pile_write_end(nd_pile_writer *out)
{
    nd_pile_chunk *const place = out->open.len ? nd_vector_push(out->chunks) : NULL;
    if (!place) {
        const nd_err err = out->open.len ? ND_NOMEM : ND_OK;
        nd_pile_drop_chunk(&out->open);
        return err;
    }
    *place = out->open;
    out->open = (nd_pile_chunk){.len = 0};
    return place->len < out->room ? shrink(place, out->words) : ND_OK;
}

static nd_err get_numbers(nd_pile_writer *out)
{
    out->open.numbers = nd_alloc(out->room, out->words * sizeof *out->open.numbers);
    return out->open.numbers ? ND_OK : ND_NOMEM;
}

static nd_err get_diffs(nd_pile_writer *out)
{
    nd_pile_chunk *const open = &out->open;
    open->diffs = nd_alloc(out->room, sizeof *open->diffs);
    if (!open->diffs)
        return ND_NOMEM;
    for (size_t i = 0; i < open->len; i++)
        open->diffs[i] = 1;
    return ND_OK;
}

nd_err nd_pile_write(void *context, const uint64_t *numbers, const int64_t *diffs, size_t len)
{
    nd_pile_writer *const out = context;
    nd_pile_chunk *const open = &out->open;
    const unsigned words = out->words;
    for (size_t done = 0, n; done < len; done += n) {
        if (open->numbers && open->len == out->room)
            ND_TRY(nd_pile_write_end(out));
        if (!open->numbers)
            ND_TRY(get_numbers(out));
        if (diffs && !open->diffs)
            ND_TRY(get_diffs(out));
        n = len - done < out->room - open->len ? len - done : out->room - open->len;
        memcpy(open->numbers + open->len * words, numbers + done * words,
               n * words * sizeof *numbers);
        for (size_t i = 0; open->diffs && i < n; i++)
            open->diffs[open->len + i] = diffs ? diffs[done + i] : 1;
        open->len += n;
        out->len += n;
    }
    return ND_OK;
}
