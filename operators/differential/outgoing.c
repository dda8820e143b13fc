/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/outgoing.h"

void nd_whole_code_init(nd_record_code *code, const nd_type *type, unsigned n_key)
{
    const unsigned n = nd_type_n_fields(type);
    if (n_key == n)
        nd_record_code_init_closed(code, type, 0, n);
    else
        nd_record_code_init(code, type, 0, n);
}

void nd_outgoing_init(nd_outgoing *outgoing, const nd_row *row, const nd_type *type, unsigned n_key)
{
    outgoing->row = *row;
    nd_whole_code_init(&outgoing->code, type, n_key);
    nd_updates_init(&outgoing->updates, &outgoing->code);
    nd_vector_init(&outgoing->spare, 1);
}

void nd_outgoing_deinit(nd_outgoing *outgoing)
{
    nd_updates_deinit(&outgoing->updates);
    nd_vector_deinit(&outgoing->spare);
}

static void write_row(const nd_outgoing *outgoing, size_t i, unsigned char *row,
                      unsigned char **spare)
{
    size_t size;
    const nd_updates *const updates = &outgoing->updates;
    const unsigned char *const code = nd_updates_code(updates, i, &size);
    nd_row_clear(&outgoing->row, row);
    *spare += nd_record_code_read(&outgoing->code, code, size, row, *spare);
    nd_row_stamp(&outgoing->row, row, nd_updates_time(updates, i), nd_updates_diff(updates, i));
}

nd_err nd_outgoing_send(nd_outgoing *outgoing, nd_vertex *vertex, const nd_held *held)
{
    const nd_updates *const updates = &outgoing->updates;
    const nd_time *const times = nd_antichain_items(&held->times);
    const size_t most = outgoing->code.is_fixed ? 0 : updates->codes.len;
    ND_TRY(nd_vector_reserve(&outgoing->spare, most + 1));
    unsigned char *spare = outgoing->spare.items;
    for (size_t which = 0; which < held->times.len; which++) {
        nd_emit *out = NULL;
        for (size_t i = 0; i < nd_updates_len(updates); i++) {
            if (nd_antichain_below(&held->times, nd_updates_time(updates, i)) != &times[which])
                continue;
            if (!out)
                out = nd_vertex_emit(vertex, 0, &times[which]);
            write_row(outgoing, i, nd_emit_slot(out), &spare);
        }
    }
    return ND_OK;
}
