/* SPDX-License-Identifier: Apache-2.0 */
/* A value is in many pairs. Records that have one size are decoded once for each value of a key,
 * and copied for each pair; others once for each pair, their texts side by side in one block for
 * all results that come together. */
#include "operators/differential/join_results.h"

#include <string.h>

#include <nereid/memory.h>

/* Most records and stamps have one of these sizes, for which no function is called. */
static inline void copy_bytes(unsigned char *to, const unsigned char *from, size_t size)
{
    if (size == 4)
        memcpy(to, from, 4);
    else if (size == 8)
        memcpy(to, from, 8);
    else if (size == 16)
        memcpy(to, from, 16);
    else
        memcpy(to, from, size);
}

nd_err nd_join_results_init(nd_join_results *results, const nd_row *row, nd_join_fn *fn, void *user,
                            const nd_index *left, const nd_index *right)
{
    *results = (nd_join_results){.fn = fn, .user = user, .row = *row};
    results->sides[0].index = left;
    results->sides[1].index = right;
    nd_vector_init(&results->texts, sizeof(void *));
    results->made = nd_alloc(ND_JOIN_RESULTS, row->record_size);
    for (unsigned i = 0; i < 2; i++) {
        nd_join_records *const side = &results->sides[i];
        nd_vector_init(&side->decoded, 1);
        side->items = nd_alloc_zero(ND_JOIN_RESULTS, side->index->type->size);
    }
    return results->made && results->sides[0].items && results->sides[1].items ? ND_OK : ND_NOMEM;
}

void nd_join_results_deinit(nd_join_results *results)
{
    nd_join_results_forget(results);
    nd_vector_deinit(&results->texts);
    nd_free(results->made);
    for (unsigned i = 0; i < 2; i++) {
        nd_vector_deinit(&results->sides[i].decoded);
        nd_free(results->sides[i].items);
    }
}

void nd_join_results_forget(nd_join_results *results)
{
    while (results->texts.len)
        nd_free(*(void **)nd_vector_pop(&results->texts));
}

/* Room for texts that cannot stay where they are. */
static nd_err add_text(nd_join_results *results, size_t size, unsigned char **room)
{
    void **const place = nd_vector_push(&results->texts);
    if (!place)
        return ND_NOMEM;
    *place = nd_alloc(size + 1, 1);
    *room = *place;
    return *place ? ND_OK : ND_NOMEM;
}

/* --- Records of one size --- */

static bool is_fixed(const nd_join_records *side)
{
    return side->index->key.is_fixed && side->index->value.is_fixed;
}

static nd_err decode_values(nd_join_records *side, nd_trace_code key)
{
    const size_t size = side->index->type->size, n = side->values->len;
    const nd_trace_code *const values = side->values->items;
    if (!is_fixed(side))
        return ND_OK;
    if (n * size > side->decoded.capacity)
        ND_TRY(nd_vector_reserve(&side->decoded, n * size + n * size / 2));
    unsigned char *const first = side->decoded.items;
    memset(first, 0, size);
    (void)nd_record_code_read(&side->index->key, key.bytes, key.size, first, NULL);
    for (size_t i = n; i > 0; i--) { /* the first one last: it is the pattern */
        unsigned char *const record = first + (i - 1) * size;
        if (i > 1)
            copy_bytes(record, first, size);
        (void)nd_record_code_read(&side->index->value, values[i - 1].bytes, values[i - 1].size,
                                  record, NULL);
    }
    return ND_OK;
}

static void copy_records(const nd_join_records *side, const nd_join_result *results, size_t len,
                         bool is_left)
{
    const size_t size = side->index->type->size;
    const unsigned char *const decoded = side->decoded.items;
    for (size_t i = 0; i < len; i++) {
        const size_t value = is_left ? results[i].left : results[i].right;
        copy_bytes(side->items + i * size, decoded + value * size, size);
    }
}

nd_err nd_join_results_begin(nd_join_results *results, nd_trace_code key, const nd_vector *left,
                             const nd_vector *right)
{
    results->key = key;
    results->sides[0].values = left;
    results->sides[1].values = right;
    ND_TRY(decode_values(&results->sides[0], key));
    return decode_values(&results->sides[1], key);
}

/* --- Sending --- */

static nd_err read_records(nd_join_results *self, nd_join_records *side,
                           const nd_join_result *results, size_t len, bool is_left)
{
    unsigned char *room;
    const nd_trace_code key = self->key, *const values = side->values->items;
    if (is_fixed(side)) {
        copy_records(side, results, len, is_left);
        return ND_OK;
    }
    size_t size = 0;
    for (size_t i = 0; i < len; i++)
        size += key.size + values[is_left ? results[i].left : results[i].right].size;
    ND_TRY(add_text(self, size, &room));
    for (size_t i = 0; i < len; i++) {
        unsigned char *const record = side->items + i * side->index->type->size;
        const nd_trace_code value = values[is_left ? results[i].left : results[i].right];
        room += nd_record_code_read(&side->index->key, key.bytes, key.size, record, room);
        room += nd_record_code_read(&side->index->value, value.bytes, value.size, record, room);
    }
    return ND_OK;
}

static void send_rows(nd_join_results *self, const nd_join_result *results, size_t len)
{
    const nd_row *const row = &self->row;
    for (size_t i = 0; i < len; i++) {
        unsigned char *const slot = nd_emit_slot(self->emit);
        unsigned char *const stamp = slot + row->stamp_offset;
        nd_row_clear(row, slot);
        copy_bytes(slot, self->made + i * row->record_size, row->record_size);
        copy_bytes(stamp, (const unsigned char *)&results[i].time, row->stamp_size - 8);
        memcpy(stamp + row->stamp_size - 8, &results[i].diff, 8);
    }
}

nd_err nd_join_results_send(void *self, const nd_join_result *results, size_t len)
{
    nd_join_results *const to = self;
    ND_TRY(read_records(to, &to->sides[0], results, len, true));
    ND_TRY(read_records(to, &to->sides[1], results, len, false));
    to->fn(to->user, to->sides[0].items, to->sides[1].items, len, to->made);
    send_rows(to, results, len);
    return ND_OK;
}
