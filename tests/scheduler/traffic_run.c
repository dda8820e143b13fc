/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulation, and after each of its events a look at the lanes between processes: what has come
 * onto them since the last look is counted. The first and the last epochs are not.
 */
#include "tests/scheduler/traffic_run.h"

#include <nereid.h>

#include "scheduler/simulation.h"

enum {
    EPOCHS = 14,
    FIRST = 2, /* of the epochs that count */
    LAST = 12, /* the first that does not count any more */
    ROUNDS = 10,
    MOST_PROCESSES = 32,
};

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

/* What the program of a worker knows. */
typedef struct seat {
    nd_input *input;
    nd_probe *probe;
    uint64_t n_arrived;
} seat;

typedef struct run {
    const traffic_plan *plan;
    traffic *sum;
    nd_simulation *simulation;
    seat seats[MOST_PROCESSES];
    nd_sim_sent seen[MOST_PROCESSES][MOST_PROCESSES];
    uint64_t n_sent; /* by the programs */
} run;

/* --- The jobs --- */

static seat *seat_of(nd_vertex *vertex)
{
    run *const all = nd_vertex_user(vertex);
    return &all->seats[nd_worker_index(nd_vertex_worker(vertex))];
}

static void count_records(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time;
    seat_of(vertex)->n_arrived += nd_batch_len(batch);
}

/* Sends a record round, to whom its new value chooses. */
static void pass_on(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    const number *const numbers = nd_batch_records(batch);
    (void)port;
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        nd_send_by(vertex, time->loop[0] < ROUNDS ? 0 : 1, time, &(number){numbers[i].value + 1});
}

static void ask(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_at(vertex, time);
}

static void tell_all(nd_vertex *vertex, const nd_time *time)
{
    nd_send_by(vertex, time->loop[0] < ROUNDS ? 0 : 1, time, &(number){time->loop[0]});
}

/* A loop around `vertex`, whose first output goes back and whose second leaves. */
static nd_stream loop_around(nd_scope *root, nd_stream stream, nd_vertex_def *vertex,
                             nd_pact (*back_by)(nd_stream stream))
{
    nd_scope *const loop = nd_loop_new(root, "rounds");
    nd_feedback *back;
    nd_stream out[2];
    const nd_stream again = nd_feedback_new(loop, &number_type, &back);
    vertex->inputs[0] = nd_exchange(nd_enter(loop, stream));
    vertex->inputs[1] = back_by(again);
    vertex->outputs[0] = vertex->outputs[1] = &number_type;
    nd_vertex_new(loop, vertex, out);
    nd_feedback_connect(back, out[0]);
    return nd_leave(out[1]);
}

static nd_err build(nd_worker *worker, void *arg)
{
    run *const all = arg;
    seat *const own = &all->seats[nd_worker_index(worker)];
    nd_dataflow *const flow = nd_dataflow_new(worker, "traffic");
    nd_stream stream = nd_input_new(flow, &number_type, &own->input), end;
    nd_vertex_def around = {.name = "round", .user = arg};
    if (all->plan->job == TRAFFIC_ROUNDS) {
        around.on_recv = pass_on;
        stream = loop_around(nd_root(flow), stream, &around, nd_exchange);
    } else if (all->plan->job == TRAFFIC_SHARES) {
        around.on_recv = ask;
        around.on_notify = tell_all;
        stream = loop_around(nd_root(flow), stream, &around, nd_broadcast);
    }
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "sink", .user = arg, .inputs = {nd_exchange(stream)}, .on_recv = count_records},
        &end);
    own->probe = nd_probe_new(end);
    return nd_dataflow_start(flow);
}

/* --- The program --- */

/* Sends what the worker has to send in its epoch: in each a key that chooses somebody else. */
static void send_epoch(run *all, unsigned worker)
{
    seat *const own = &all->seats[worker];
    const uint64_t epoch = nd_input_epoch(own->input);
    const bool is_one = all->plan->job != TRAFFIC_SHARES;
    if (is_one && worker != epoch % all->plan->n_processes)
        return;
    nd_input_send(own->input, &(number){is_one ? epoch * 1000 : worker});
    all->n_sent++;
}

static bool drive(nd_worker *worker, nd_random *random, void *arg)
{
    run *const all = arg;
    seat *const own = &all->seats[nd_worker_index(worker)];
    (void)random;
    const uint64_t epoch = nd_input_epoch(own->input);
    if (nd_probe_behind(own->probe, epoch))
        return true;
    if (epoch == EPOCHS) {
        nd_input_close(own->input);
        return false;
    }
    send_epoch(all, nd_worker_index(worker));
    nd_input_advance(own->input, epoch + 1);
    return true;
}

/* --- Counting --- */

/* Counts what has been put on the lane between two processes since the last look. */
static void look(run *all, unsigned from, unsigned to, bool counts)
{
    const nd_sim_sent now =
        nd_sim_sent_on(nd_simulation_transport(all->simulation), from, to, ND_LANE_PROGRESS);
    nd_sim_sent *const seen = &all->seen[from][to];
    if (counts) {
        all->sum->n_frames += now.n_frames - seen->n_frames;
        all->sum->n_bytes += now.n_bytes - seen->n_bytes;
    }
    *seen = now;
}

static void look_at_all(run *all)
{
    const uint64_t epoch = nd_input_epoch(all->seats[0].input);
    const bool counts = epoch >= FIRST && epoch < LAST;
    for (unsigned i = 0; i < all->plan->n_processes; i++)
        for (unsigned k = 0; k < all->plan->n_processes; k++)
            if (i != k)
                look(all, i, k, counts);
}

static nd_err run_to_end(run *all, nd_message *message)
{
    nd_err err = ND_OK;
    for (bool quiet = false; !quiet && err == ND_OK;) {
        err = nd_simulation_step(all->simulation, &quiet, message);
        look_at_all(all);
    }
    return err;
}

static nd_err check_arrivals(const run *all, nd_message *message)
{
    uint64_t n_arrived = 0;
    for (unsigned i = 0; i < all->plan->n_processes; i++)
        n_arrived += all->seats[i].n_arrived;
    if (n_arrived == all->n_sent)
        return ND_OK;
    return nd_message_set(message, ND_FAILED, "%llu records arrived where %llu were sent",
                          (unsigned long long)n_arrived, (unsigned long long)all->n_sent);
}

nd_err traffic_run(const traffic_plan *plan, traffic *sum, nd_message *message)
{
    run all = {.plan = plan, .sum = sum};
    const nd_simulation_def def = {.n_workers = plan->n_processes,
                                   .n_processes = plan->n_processes,
                                   .mode = plan->mode,
                                   .seed = plan->seed,
                                   .build = build,
                                   .drive = drive,
                                   .arg = &all};
    if (plan->n_processes > MOST_PROCESSES)
        return nd_message_set(message, ND_INVAL, "at most %d processes", MOST_PROCESSES);
    nd_err err = nd_simulation_create(&def, &all.simulation, message);
    if (err == ND_OK) {
        err = run_to_end(&all, message);
        nd_simulation_destroy(all.simulation);
    }
    if (err == ND_OK)
        err = check_arrivals(&all, message);
    sum->n_epochs += LAST - FIRST;
    return err;
}
