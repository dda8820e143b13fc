/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vertex with a state of its own: visits become sessions. A session is a run of epochs without a
 * gap in which a visitor was seen; it is sent when it is over, with its length, at the time when it
 * *began*. The right to send so far back is kept with nd_hold, and whoever waits for that time
 * downstream waits until the session has ended.
 *
 *     sessions [-w WORKERS]        prints `(first epoch) visitor length` for each session
 */
#include <nereid.h>

typedef struct {
    uint64_t visitor;
} visit;
static const nd_type visit_type = ND_TYPE(visit, 1, ND_FIELD(visit, visitor));

typedef struct {
    uint64_t visitor, length;
} session;
static const nd_type session_type =
    ND_TYPE(session, 1, ND_FIELD(session, visitor), ND_FIELD(session, length));

enum { VISITORS = 8, EPOCHS = 10 };

typedef struct {
    uint64_t begin, end; /* the session of epochs begin to end - 1; none if they are equal */
    uint64_t seen; /* epochs in which visits have arrived, a bit each: they may come before earlier
                      ones are over */
} visitor;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    visitor *visitors = nd_vertex_state(vertex);
    const visit *visits = nd_batch_records(batch);
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        visitors[visits[i].visitor].seen |= UINT64_C(1) << time->epoch;
    nd_notify_at(vertex, time);
}

/* The epoch is over: begin, lengthen and end sessions. */
static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    visitor *visitors = nd_vertex_state(vertex);
    bool some_are_open = false;
    for (uint64_t i = 0; i < VISITORS; i++) {
        visitor *self = &visitors[i];
        const bool is_open = self->begin != self->end, was_seen = self->seen >> time->epoch & 1;
        if (was_seen && !is_open) {
            self->begin = time->epoch;
            nd_hold(vertex, time);
        }
        if (was_seen) {
            self->end = time->epoch + 1;
            some_are_open = true;
        } else if (is_open) {
            const nd_time begin = {.epoch = self->begin};
            nd_send_by(vertex, 0, &begin, &(session){i, self->end - self->begin});
            nd_release(vertex, &begin);
            self->begin = self->end;
        }
    }
    if (some_are_open)
        nd_notify_at(vertex, &(nd_time){.epoch = time->epoch + 1}); /* also if nobody comes then */
}

static nd_err program(nd_worker *worker, void *arg)
{
    (void)arg;
    static const char *const seen_in[VISITORS] = {"##########", "#.#.#.#.#.", "..........",
                                                  ".........#", "####......", "..##..###.",
                                                  "#........#", "#.##.###.#"};
    nd_dataflow *flow = nd_dataflow_new(worker, "sessions");
    nd_input *input;
    nd_stream visits = nd_input_new(flow, &visit_type, &input);
    nd_stream sessions =
        nd_unary(nd_exchange(visits), &(nd_operator_def){.name = "sessions",
                                                         .output = &session_type,
                                                         .state_size = VISITORS * sizeof(visitor),
                                                         .on_recv = on_recv,
                                                         .on_notify = on_notify});
    nd_inspect(sessions, nd_print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));

    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        for (uint64_t i = nd_worker_index(worker); i < VISITORS; i += nd_worker_peers(worker))
            if (seen_in[i][epoch] == '#')
                nd_input_send(input, &(visit){i});
        nd_input_advance(input, epoch + 1);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, NULL); }
