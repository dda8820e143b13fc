/* SPDX-License-Identifier: Apache-2.0 */
/* The updates of sealed batches as rows again: for who reads an imported collection without looking
 * at its keys. */
#include <nereid/vertex.h>

#include "operators/differential/arrange.h"
#include "operators/differential/arrangement.h"
#include "operators/differential/linear.h"
#include "operators/differential/trace_cursor.h"

typedef struct batch_rows {
    nd_row row;
    nd_index *index;
    nd_vector texts; /* nd_vector of bytes, one a batch, until rows have been copied */
} batch_rows;

static void forget_texts(batch_rows *self)
{
    while (self->texts.len)
        nd_vector_deinit(nd_vector_pop(&self->texts));
}

static void deinit(nd_vertex *vertex)
{
    batch_rows *const self = nd_vertex_state(vertex);
    if (!self->index)
        return; /* never got that far */
    forget_texts(self);
    nd_vector_deinit(&self->texts);
    nd_index_release(self->index);
}

/* Room for the texts of a batch's records. */
static nd_err make_room(batch_rows *self, const nd_trace_batch *batch, unsigned char **room)
{
    const nd_index *const index = self->index;
    if (index->key.is_fixed && index->value.is_fixed)
        return ND_OK;
    size_t size = 1;
    nd_trace_cursor at;
    for (nd_trace_cursor_init(&at, batch); nd_trace_cursor_has_key(&at);
         nd_trace_cursor_next_key(&at))
        for (; nd_trace_cursor_has_value(&at); nd_trace_cursor_next_value(&at))
            size += nd_trace_cursor_updates(&at).len *
                    (nd_trace_cursor_key(&at).size + nd_trace_cursor_value(&at).size);
    nd_vector *const text = nd_vector_push(&self->texts);
    if (!text)
        return ND_NOMEM;
    nd_vector_init(text, 1);
    ND_TRY(nd_vector_reserve(text, size));
    *room = text->items;
    return ND_OK;
}

static void write_value(const batch_rows *self, const nd_trace_cursor *at, const nd_time *arrival,
                        unsigned char **room, nd_emit *out)
{
    const nd_trace_code key = nd_trace_cursor_key(at), value = nd_trace_cursor_value(at);
    const nd_trace_list list = nd_trace_cursor_updates(at);
    for (uint32_t i = 0; i < list.len; i++) {
        unsigned char *const slot = nd_emit_slot(out);
        const nd_time time = nd_time_join(nd_trace_cursor_time(at, list.times[i]), arrival);
        nd_row_clear(&self->row, slot);
        *room += nd_record_code_read(&self->index->key, key.bytes, key.size, slot, *room);
        *room += nd_record_code_read(&self->index->value, value.bytes, value.size, slot, *room);
        nd_row_stamp(&self->row, slot, &time, list.diffs[i]);
    }
}

static nd_err write_batch(batch_rows *self, const nd_trace_batch *batch, const nd_time *arrival,
                          nd_emit *out)
{
    nd_trace_cursor at;
    unsigned char none[1], *room = none; /* not written to where there are no texts */
    ND_TRY(make_room(self, batch, &room));
    for (nd_trace_cursor_init(&at, batch); nd_trace_cursor_has_key(&at);
         nd_trace_cursor_next_key(&at))
        for (; nd_trace_cursor_has_value(&at); nd_trace_cursor_next_value(&at))
            write_value(self, &at, arrival, &room, out);
    return ND_OK;
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    batch_rows *const self = nd_vertex_state(vertex);
    nd_trace_batch *const *const batches = nd_batch_records(batch);
    nd_err err = ND_OK;
    if (!nd_vertex_is_heard(vertex, 0))
        return;
    forget_texts(self);
    nd_emit *const out = nd_vertex_emit(vertex, 0, time);
    for (size_t i = 0; err == ND_OK && i < nd_batch_len(batch); i++)
        err = write_batch(self, batches[i], time, out);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

nd_stream nd_rows_of_batches(nd_collection arranged)
{
    nd_stream made = {0};
    nd_scope *const scope = nd_stream_scope(arranged.batches);
    const nd_row row = nd_row_make(scope, arranged.type);
    nd_vertex *const vertex =
        nd_vertex_new(scope,
                      &(nd_vertex_def){.name = "rows",
                                       .state_size = sizeof(batch_rows),
                                       .deinit = deinit,
                                       .inputs = {nd_pipeline(arranged.batches)},
                                       .outputs = {row.type},
                                       .on_recv = on_recv},
                      &made);
    if (!vertex)
        return made;
    batch_rows *const self = nd_vertex_state(vertex);
    *self = (batch_rows){.row = row, .index = nd_index_retain(arranged.index)};
    nd_vector_init(&self->texts, sizeof(nd_vector));
    return made;
}
