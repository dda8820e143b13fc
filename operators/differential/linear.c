/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/linear.h"

#include <nereid/memory.h>
#include <nereid/worker.h>

void nd_collection_fail(nd_vertex *vertex, nd_err err)
{
    if (err == ND_FAILED)
        nd_fail(vertex, "a count or a sum is too large for 64 bits, or for its field");
    else
        (void)nd_worker_fail(nd_vertex_worker(vertex), err, "vertex '%s': %s",
                             nd_vertex_name(vertex), nd_err_text(err));
}

/* --- Pieces --- */

/* One body for all widths: `size` is a constant where it is called. */
static inline void gather(const unsigned char *rows, size_t stride, size_t len, size_t size,
                          unsigned char *out)
{
    for (size_t i = 0; i < len; i++)
        memcpy(out + i * size, rows + i * stride, size);
}

static void gather_any(const unsigned char *rows, size_t stride, size_t len, size_t size,
                       unsigned char *out)
{
    switch (size) {
    case 4:
        gather(rows, stride, len, 4, out);
        break;
    case 8:
        gather(rows, stride, len, 8, out);
        break;
    case 16:
        gather(rows, stride, len, 16, out);
        break;
    case 24:
        gather(rows, stride, len, 24, out);
        break;
    default:
        gather(rows, stride, len, size, out);
        break;
    }
}

/* Rows that were written in a scope of another depth. */
static void convert_stamps(const nd_row *from, const nd_row *to, const unsigned char *rows,
                           size_t len, unsigned char *stamps)
{
    const size_t stride = from->type->size;
    for (size_t i = 0; i < len; i++) {
        const unsigned char *const row = rows + i * stride;
        unsigned char *const stamp = stamps + i * to->stamp_size;
        const nd_time time = nd_row_time(from, row);
        memcpy(stamp, &time, to->stamp_size - 8);
        nd_stamp_set_diff(to, stamp, nd_row_diff(from, row));
    }
}

void nd_rows_gather(const nd_row *from, const nd_row *to, const unsigned char *rows, size_t len,
                    unsigned char *records, unsigned char *stamps)
{
    const size_t stride = from->type->size;
    gather_any(rows, stride, len, from->record_size, records);
    if (from->stamp_size == to->stamp_size && from->n_loops == to->n_loops)
        gather_any(rows + from->stamp_offset, stride, len, from->stamp_size, stamps);
    else
        convert_stamps(from, to, rows, len, stamps);
}

void nd_rows_scatter(const nd_row *row, const unsigned char *records, const unsigned char *stamps,
                     size_t len, nd_emit *out)
{
    const size_t size = row->record_size, stamp_size = row->stamp_size;
    for (size_t i = 0; i < len; i++) {
        unsigned char *const slot = nd_emit_slot(out);
        nd_row_clear(row, slot);
        memcpy(slot, records + i * size, size);
        memcpy(slot + row->stamp_offset, stamps + i * stamp_size, stamp_size);
    }
}

/* --- The vertex --- */

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    nd_linear *const self = nd_vertex_state(vertex);
    const unsigned char *rows = nd_batch_records(batch);
    nd_emit *const out = nd_vertex_emit(vertex, 0, time);
    for (size_t left = nd_batch_len(batch); left != 0;) {
        const size_t len = left < ND_PIECE ? left : ND_PIECE;
        nd_rows_gather(&self->in, &self->out, rows, len, self->records, self->stamps);
        self->apply(vertex, self, self->records, self->stamps, len, out);
        rows += len * self->in.type->size;
        left -= len;
    }
}

static void deinit(nd_vertex *vertex)
{
    nd_linear *const self = nd_vertex_state(vertex);
    nd_free(self->records);
    nd_free(self->stamps);
    nd_free(self->made);
}

static bool get_room(nd_linear *self)
{
    self->records = nd_alloc(ND_PIECE, self->in.record_size);
    self->stamps = nd_alloc(ND_PIECE, self->out.stamp_size);
    self->made = nd_alloc(ND_PIECE, self->out.record_size);
    return self->records && self->stamps && self->made;
}

nd_collection nd_linear_new(nd_collection collection, const nd_linear_def *def)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    nd_collection made = {.type = def->type ? def->type : collection.type,
                          .n_loops = nd_scope_n_loops(scope)};
    const nd_row in = nd_row_of(collection), out = nd_row_make(scope, made.type);
    if (!def->fn && !def->is_plain)
        nd_dataflow_mistake(flow, ND_INVAL, "%s: it needs a function", def->name);
    nd_vertex *const vertex =
        nd_vertex_new(scope,
                      &(nd_vertex_def){.name = def->name,
                                       .state_size = sizeof(nd_linear),
                                       .deinit = deinit,
                                       .user = def->user.data,
                                       .destroy = def->user.destroy,
                                       .inputs = {nd_pipeline(collection.stream)},
                                       .outputs = {out.type},
                                       .on_recv = on_recv},
                      &made.stream);
    if (!vertex)
        return made;
    nd_linear *const self = nd_vertex_state(vertex);
    *self = (nd_linear){.apply = def->apply, .fn = def->fn, .in = in, .out = out};
    if (!get_room(self))
        nd_dataflow_mistake(flow, ND_NOMEM, "%s: %s", def->name, nd_err_text(ND_NOMEM));
    return made;
}
