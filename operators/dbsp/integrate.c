/* SPDX-License-Identifier: Apache-2.0 */
/* Integrate: the sum of all ticks so far, sent whole at each.
 *
 * What has come waits in a batcher until its tick is complete. The sum is kept at time zero; the
 * next tick is held, as long as the sum is not empty. */
#include <nereid/dbsp.h>
#include <nereid/vertex.h>

#include "operators/differential/linear.h"
#include "operators/differential/outgoing.h"
#include "operators/differential/waiting.h"

typedef struct integrate {
    nd_waiting waiting;
    uint64_t n_ticks, next; /* the next tick to be sent */
    nd_updates sum;         /* consolidated, at time zero */
    nd_outgoing out;
} integrate;

static void deinit(nd_vertex *vertex)
{
    integrate *const self = nd_vertex_state(vertex);
    nd_waiting_deinit(&self->waiting);
    nd_updates_deinit(&self->sum);
    nd_outgoing_deinit(&self->out);
}

/* Adds the updates of the tick `self->next` among `done` to the sum. */
static nd_err add_tick(integrate *self, const nd_updates *done)
{
    static const nd_time zero = {.epoch = 0};
    for (size_t i = 0; i < nd_updates_len(done); i++)
        if (nd_updates_time(done, i)->epoch == self->next)
            ND_TRY(nd_updates_add_from(&self->sum, done, i, &zero));
    return nd_updates_consolidate(&self->sum);
}

static nd_err give_sum(integrate *self)
{
    const nd_time now = {.epoch = self->next};
    for (size_t i = 0; i < nd_updates_len(&self->sum); i++)
        ND_TRY(nd_updates_add_from(&self->out.updates, &self->sum, i, &now));
    return ND_OK;
}

/* The next tick after `self->next` at which there is something to say, given the ticks of `done`.
 */
static uint64_t next_tick(const integrate *self, const nd_updates *done)
{
    uint64_t next = UINT64_MAX;
    if (nd_updates_len(&self->sum) != 0)
        return self->next + 1;
    for (size_t i = 0; i < nd_updates_len(done); i++) {
        const uint64_t epoch = nd_updates_time(done, i)->epoch;
        if (epoch > self->next && epoch < next)
            next = epoch;
    }
    return next;
}

/* All ticks before `end`, at once: what rows point into lasts until others are sent. */
static nd_err send_ticks(nd_vertex *vertex, const nd_updates *done, uint64_t end)
{
    integrate *const self = nd_vertex_state(vertex);
    nd_updates_clear(&self->out.updates);
    while (self->next < end) {
        ND_TRY(add_tick(self, done));
        ND_TRY(give_sum(self));
        const uint64_t next = next_tick(self, done);
        self->next = next < end ? next : end;
    }
    return nd_outgoing_send(&self->out, vertex, &self->waiting.held);
}

static nd_err take_complete(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left)
{
    integrate *const self = nd_vertex_state(vertex);
    const nd_time *const open = nd_antichain_items(frontier);
    const uint64_t end = frontier->len && open->epoch < self->n_ticks ? open->epoch : self->n_ticks;
    nd_updates done;
    nd_updates_init(&done, &self->out.code);
    nd_err err = nd_batcher_seal(&self->waiting.batcher, frontier, &done, left);
    if (err == ND_OK)
        err = send_ticks(vertex, &done, end);
    nd_updates_deinit(&done);
    ND_TRY(err);
    if (nd_updates_len(&self->sum) == 0 || self->next >= self->n_ticks)
        return ND_OK;
    return nd_antichain_insert(left, &(nd_time){.epoch = self->next});
}

static void on_frontier(nd_vertex *vertex)
{
    integrate *const self = nd_vertex_state(vertex);
    nd_held_round(&self->waiting.held, vertex, take_complete, NULL);
}

nd_collection nd_dbsp_integrate(nd_collection stream, uint64_t n_ticks)
{
    nd_scope *const scope = nd_stream_scope(stream.stream);
    nd_collection made = {.type = stream.type};
    const nd_row in = nd_row_of(stream), out = nd_row_make(scope, stream.type);
    if (nd_scope_n_loops(scope) != 0)
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_INVAL,
                            "integrate: it stands outside of all loops");
    nd_vertex *const vertex = nd_vertex_new(scope,
                                            &(nd_vertex_def){.name = "integrate",
                                                             .state_size = sizeof(integrate),
                                                             .deinit = deinit,
                                                             .inputs = {nd_exchange(stream.stream)},
                                                             .outputs = {out.type},
                                                             .on_recv = nd_waiting_recv,
                                                             .on_frontier = on_frontier},
                                            &made.stream);
    if (!vertex)
        return made;
    integrate *const self = nd_vertex_state(vertex);
    self->n_ticks = n_ticks;
    nd_outgoing_init(&self->out, &out, stream.type, 0);
    nd_updates_init(&self->sum, &self->out.code);
    nd_waiting_init(&self->waiting, &in, &self->out.code);
    return made;
}
