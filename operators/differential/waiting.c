/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/waiting.h"

#include "operators/differential/linear.h"

void nd_waiting_init(nd_waiting *waiting, const nd_row *row, const nd_record_code *code)
{
    waiting->row = *row;
    nd_batcher_init(&waiting->batcher, code, row->n_loops);
}

void nd_waiting_deinit(nd_waiting *waiting)
{
    nd_batcher_deinit(&waiting->batcher);
    nd_held_deinit(&waiting->held);
}

void nd_waiting_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    nd_waiting *const self = nd_vertex_state(vertex);
    nd_err err = nd_held_add(&self->held, vertex, time);
    if (err == ND_OK)
        err = nd_batcher_add(&self->batcher, &self->row, nd_batch_records(batch),
                             nd_batch_len(batch));
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}
