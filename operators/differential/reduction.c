/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/reduction.h"

#include <string.h>

#include "runtime/base/hash.h"

enum { FEW = 8 /* values that are searched one by one */ };

void nd_reduction_init(nd_reduction *reduction, const nd_type *in, const nd_type *out,
                       unsigned n_key)
{
    *reduction = (nd_reduction){.in_size = in->size, .record_size = out->size};
    nd_record_code_init_closed(&reduction->in_key, in, 0, n_key);
    nd_record_code_init(&reduction->in_value, in, n_key, nd_type_n_fields(in) - n_key);
    nd_record_code_init_closed(&reduction->out_key, out, 0, n_key);
    nd_record_code_init(&reduction->out_value, out, n_key, nd_type_n_fields(out) - n_key);
    nd_vector_init(&reduction->records, 1);
    nd_vector_init(&reduction->counts, sizeof(int64_t));
    nd_vector_init(&reduction->text, 1);
    nd_vector_init(&reduction->key_record, 1);
    nd_vector_init(&reduction->key_text, 1);
    nd_vector_init(&reduction->said, 1);
    nd_vector_init(&reduction->said_counts, sizeof(int64_t));
    nd_vector_init(&reduction->codes, 1);
    nd_vector_init(&reduction->ends, sizeof(size_t));
    nd_vector_init(&reduction->slots, sizeof(uint32_t));
    nd_vector_init(&reduction->spare, 1);
}

void nd_reduction_deinit(nd_reduction *reduction)
{
    nd_vector *const vectors[] = {&reduction->records,     &reduction->counts,   &reduction->text,
                                  &reduction->key_record,  &reduction->key_text, &reduction->said,
                                  &reduction->said_counts, &reduction->codes,    &reduction->ends,
                                  &reduction->slots,       &reduction->spare};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        nd_vector_deinit(vectors[i]);
}

void nd_reduction_begin(nd_reduction *reduction, nd_trace_code key, const nd_vector *values)
{
    reduction->key = key;
    reduction->values = values;
    reduction->has_key_record = false;
    nd_vector_clear(&reduction->codes);
    nd_vector_clear(&reduction->ends);
    nd_vector_clear(&reduction->slots);
}

/* Room, grown by half at least. */
static nd_err get_room(nd_vector *vector, size_t len)
{
    const size_t grown = vector->capacity + vector->capacity / 2;
    if (len <= vector->capacity)
        return ND_OK;
    return nd_vector_reserve(vector, len > grown ? len : grown);
}

/* --- Values of the output --- */

nd_trace_code nd_reduction_value(const nd_reduction *reduction, uint32_t number)
{
    const size_t *const ends = reduction->ends.items;
    const size_t begin = number ? ends[number - 1] : 0;
    return (nd_trace_code){(const unsigned char *)reduction->codes.items + begin,
                           ends[number] - begin};
}

/* The slot of a value, or the free one where it belongs. */
static uint32_t *find_slot(const nd_reduction *reduction, nd_trace_code value)
{
    uint32_t *const slots = reduction->slots.items;
    const size_t mask = reduction->slots.len - 1;
    size_t i = (size_t)nd_hash_bytes(value.bytes, value.size) & mask;
    while (slots[i] &&
           nd_trace_code_compare(nd_reduction_value(reduction, slots[i] - 1), value) != 0)
        i = (i + 1) & mask;
    return &slots[i];
}

/* Of every two slots one is free at least. */
static nd_err make_slots(nd_reduction *reduction)
{
    const size_t n = reduction->ends.len;
    if (n < FEW || 2 * n < reduction->slots.len)
        return ND_OK;
    ND_TRY(get_room(&reduction->slots, 8 * FEW));
    size_t n_slots = 8 * FEW;
    while (n_slots < 4 * n)
        n_slots *= 2;
    ND_TRY(get_room(&reduction->slots, n_slots));
    reduction->slots.len = n_slots;
    memset(reduction->slots.items, 0, n_slots * sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++)
        *find_slot(reduction, nd_reduction_value(reduction, i)) = i + 1;
    return ND_OK;
}

static bool find_number(const nd_reduction *reduction, nd_trace_code value, uint32_t *number)
{
    if (reduction->slots.len) {
        const uint32_t slot = *find_slot(reduction, value);
        *number = slot - 1;
        return slot != 0;
    }
    for (uint32_t i = 0; i < reduction->ends.len; i++)
        if (nd_trace_code_compare(nd_reduction_value(reduction, i), value) == 0) {
            *number = i;
            return true;
        }
    return false;
}

nd_err nd_reduction_number(nd_reduction *reduction, nd_trace_code value, uint32_t *number)
{
    if (find_number(reduction, value, number))
        return ND_OK;
    const size_t used = reduction->codes.len, n = reduction->ends.len;
    ND_TRY(get_room(&reduction->codes, used + value.size + 1));
    ND_TRY(make_slots(reduction));
    size_t *const end = nd_vector_push(&reduction->ends);
    if (!end)
        return ND_NOMEM;
    if (value.size)
        memcpy((unsigned char *)reduction->codes.items + used, value.bytes, value.size);
    reduction->codes.len = *end = used + value.size;
    *number = (uint32_t)n;
    if (reduction->slots.len)
        *find_slot(reduction, nd_reduction_value(reduction, *number)) = *number + 1;
    return ND_OK;
}

/* --- The function --- */

void *nd_reduction_slot(nd_reduction *out, int64_t count)
{
    const size_t size = out->record_size, used = out->said.len;
    int64_t *const place = nd_vector_push(&out->said_counts);
    if (!place || get_room(&out->said, used + size) != ND_OK) {
        if (place)
            (void)nd_vector_pop(&out->said_counts);
        out->err = ND_NOMEM;
        return out->nowhere;
    }
    *place = count;
    unsigned char *const record = (unsigned char *)out->said.items + used;
    out->said.len += size;
    memcpy(record, out->key_record.items, size);
    return record;
}

size_t nd_reduction_record_size(const nd_reduction *out) { return out->record_size; }

void nd_reduction_fail(nd_reduction *out, nd_err err) { out->err = err; }

/* The input's records, from their numbers. Text stays where the codes are, or goes to `text`. */
static nd_err make_records(nd_reduction *self, const nd_tally *input, size_t len)
{
    const size_t size = self->in_size;
    const nd_trace_code *const values = self->values->items;
    size_t text_size = 0, used = 0;
    if (!self->in_key.is_fixed || !self->in_value.is_fixed) {
        text_size = self->key.size;
        for (size_t i = 0; i < len; i++)
            text_size += values[input[i].value].size;
    }
    ND_TRY(get_room(&self->text, text_size + 1));
    ND_TRY(get_room(&self->records, len * size));
    ND_TRY(get_room(&self->counts, len));
    unsigned char *const first = self->records.items, *const room = self->text.items;
    memset(first, 0, size);
    used = nd_record_code_read(&self->in_key, self->key.bytes, self->key.size, first, room);
    for (size_t i = 0; i < len; i++) {
        const nd_trace_code value = values[input[i].value];
        unsigned char *const record = first + i * size;
        if (i)
            memcpy(record, first, size);
        used += nd_record_code_read(&self->in_value, value.bytes, value.size, record, room + used);
        ((int64_t *)self->counts.items)[i] = input[i].count;
    }
    return ND_OK;
}

/* The output's records have the key already when the function gets them. */
static nd_err make_key_record(nd_reduction *self)
{
    if (self->has_key_record)
        return ND_OK;
    ND_TRY(get_room(&self->key_record, self->record_size));
    ND_TRY(get_room(&self->key_text, self->key.size + 1));
    memset(self->key_record.items, 0, self->record_size);
    (void)nd_record_code_read(&self->out_key, self->key.bytes, self->key.size,
                              self->key_record.items, self->key_text.items);
    self->has_key_record = true;
    return ND_OK;
}

static nd_err put(nd_reduction *self, const unsigned char *record, int64_t count,
                  nd_reduce_output *output)
{
    uint32_t number;
    const size_t size = nd_record_code_size(&self->out_value, record);
    ND_TRY(get_room(&self->spare, size + 1));
    (void)nd_record_code_write(&self->out_value, record, self->spare.items);
    ND_TRY(nd_reduction_number(self, (nd_trace_code){self->spare.items, size}, &number));
    nd_reduce_put(output, number, count);
    return ND_OK;
}

static nd_err call(nd_reduction *self, const nd_tally *input, size_t len, nd_reduce_output *output)
{
    nd_vector_clear(&self->said);
    nd_vector_clear(&self->said_counts);
    self->err = ND_OK;
    ND_TRY(make_records(self, input, len));
    ND_TRY(make_key_record(self));
    self->fn(self->user, self->records.items, self->counts.items, len, self);
    ND_TRY(self->err);
    const unsigned char *const records = self->said.items;
    const int64_t *const counts = self->said_counts.items;
    for (size_t i = 0; i < self->said_counts.len; i++)
        ND_TRY(put(self, records + i * self->record_size, counts[i], output));
    return ND_OK;
}

void nd_reduction_apply(void *reduction, const nd_tally *input, size_t len,
                        nd_reduce_output *output)
{
    if (len == 0)
        return;
    const nd_err err = call(reduction, input, len, output);
    if (err != ND_OK)
        nd_reduce_fail(output, err);
}
