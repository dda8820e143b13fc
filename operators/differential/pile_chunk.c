/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/pile_chunk.h"

#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/difference.h"

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

/* --- Adding up what is sorted --- */

nd_err nd_pile_emit_numbers(const uint64_t *numbers, size_t len, nd_pile_sink *sink, void *context)
{
    for (size_t begin = 0, end = 0, after; begin < len; begin = after) {
        for (end = begin; end + 1 < len && numbers[end] != numbers[end + 1];)
            end++;
        for (after = end + 1; after < len && numbers[after] == numbers[end];)
            after++;
        if (after == end + 1) /* the last of all, which stands once */
            end = after;
        if (end != begin)
            ND_TRY(sink(context, numbers + begin, NULL, end - begin));
        if (end != after)
            ND_TRY(sink(context, numbers + end, &(int64_t){(int64_t)(after - end)}, 1));
    }
    return ND_OK;
}

nd_err nd_pile_add_up(nd_number_pair *pairs, size_t len, size_t *left)
{
    *left = 0;
    for (size_t begin = 0, end; begin < len; begin = end) {
        int64_t diff = (int64_t)pairs[begin].carried;
        for (end = begin + 1; end < len && pairs[end].number == pairs[begin].number; end++)
            if (!nd_difference_plus(diff, (int64_t)pairs[end].carried, &diff))
                return ND_FAILED;
        if (diff != 0)
            pairs[(*left)++] = (nd_number_pair){pairs[begin].number, (uint64_t)diff};
    }
    return ND_OK;
}

nd_err nd_pile_emit_pairs(nd_number_pair *pairs, size_t len, nd_pile_sink *sink, void *context)
{
    enum { MOST = 512 };
    uint64_t numbers[MOST];
    int64_t diffs[MOST];
    ND_TRY(nd_pile_add_up(pairs, len, &len));
    for (size_t n; len != 0; pairs += n, len -= n) {
        bool are_ones = true;
        n = len < MOST ? len : MOST;
        for (size_t i = 0; i < n; i++) {
            numbers[i] = pairs[i].number;
            diffs[i] = (int64_t)pairs[i].carried;
            are_ones &= diffs[i] == 1;
        }
        ND_TRY(sink(context, numbers, are_ones ? NULL : diffs, n));
    }
    return ND_OK;
}

/* --- Writing chunks --- */

static nd_err shrink(nd_pile_chunk *one)
{
    uint64_t *const numbers = nd_realloc(one->numbers, one->len, sizeof *numbers);
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
    return place->len < out->room ? shrink(place) : ND_OK;
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
    for (size_t done = 0, n; done < len; done += n) {
        if (open->numbers && open->len == out->room)
            ND_TRY(nd_pile_write_end(out));
        if (!open->numbers && !(open->numbers = nd_alloc(out->room, sizeof *open->numbers)))
            return ND_NOMEM;
        if (diffs && !open->diffs)
            ND_TRY(get_diffs(out));
        n = len - done < out->room - open->len ? len - done : out->room - open->len;
        memcpy(open->numbers + open->len, numbers + done, n * sizeof *numbers);
        for (size_t i = 0; open->diffs && i < n; i++)
            open->diffs[open->len + i] = diffs ? diffs[done + i] : 1;
        open->len += n;
        out->len += n;
    }
    return ND_OK;
}
