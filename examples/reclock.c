/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reclocking: data waits for the next tick of a clock, and goes on at the tick's time. What no tick
 * follows stays behind.
 *
 *     reclock [-w WORKERS]        prints `(tick) value`: values 0 to 9 come at epochs 0 to 9, the
 * clock ticks at 3, 5 and 8
 *
 * A vertex with two inputs that keeps batches, and acts only when a tick's time is complete on
 * both.
 */
#include <nereid.h>

typedef struct {
    int64_t value;
} item;
static const nd_type item_type = ND_TYPE(item, 0, ND_FIELD(item, value));

enum { DATA, CLOCK };
enum { MOST = 64 };

typedef struct {
    nd_batch *batches[MOST]; /* not released yet */
    uint64_t epochs[MOST];
    size_t n;
} waiting;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    waiting *self = nd_vertex_state(vertex);
    if (port == CLOCK) {
        nd_notify_at(vertex, time);
    } else if (self->n == MOST) {
        nd_fail(vertex, "more than %d batches wait for a tick", MOST);
    } else {
        self->epochs[self->n] = time->epoch;
        self->batches[self->n++] = nd_batch_take(batch);
    }
}

static void on_tick(nd_vertex *vertex, const nd_time *tick)
{
    waiting *self = nd_vertex_state(vertex);
    size_t n_left = 0;
    for (size_t i = 0; i < self->n; i++) {
        if (self->epochs[i] <= tick->epoch) {
            nd_send_batch_by(vertex, 0, tick, self->batches[i]); /* the reference goes with it */
        } else {
            self->epochs[n_left] = self->epochs[i];
            self->batches[n_left++] = self->batches[i];
        }
    }
    self->n = n_left;
}

static void deinit(nd_vertex *vertex)
{
    waiting *self = nd_vertex_state(vertex);
    for (size_t i = 0; i < self->n; i++)
        nd_batch_release(self->batches[i]);
}

static nd_err program(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "reclock");
    nd_input *data, *clock;
    nd_stream items = nd_input_new(flow, &item_type, &data);
    nd_stream ticks = nd_input_new(flow, &item_type, &clock);
    nd_stream reclocked = nd_binary(nd_pipeline(items), nd_broadcast(ticks),
                                    &(nd_operator_def){.name = "reclock",
                                                       .output = &item_type,
                                                       .state_size = sizeof(waiting),
                                                       .on_recv = on_recv,
                                                       .on_notify = on_tick,
                                                       .deinit = deinit});
    nd_inspect(reclocked, nd_print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));

    for (int64_t i = 0; i < 10; i++) {
        if ((unsigned)i % nd_worker_peers(worker) == nd_worker_index(worker))
            nd_input_send(data, &(item){i});
        if (nd_worker_index(worker) == 0 && (i == 3 || i == 5 || i == 8))
            nd_input_send(clock, &(item){i});
        nd_input_advance(data, (uint64_t)i + 1);
        nd_input_advance(clock, (uint64_t)i + 1);
    }
    nd_input_close(data);
    nd_input_close(clock);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, NULL); }
