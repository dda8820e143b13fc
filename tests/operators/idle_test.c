/* SPDX-License-Identifier: Apache-2.0 */
/* A vertex that has asked for an idle moment gets one when its worker has nothing to do but wait.
 */
#include "tests/support/cmocka.h"

#include <pthread.h>

#include <nereid.h>

typedef struct number {
    uint64_t n;
} number;
static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, n));

enum { RECORDS = 100000 }; /* many batches */

/* Of worker 0's vertex. */
typedef struct watch {
    uint64_t received;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t came;
    unsigned n_idle;        /* moments that it had */
    uint64_t received_then; /* when the first one came */
} watch;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time;
    watch *const self = nd_vertex_user(vertex);
    if (nd_worker_index(nd_vertex_worker(vertex)) != 0)
        return;
    const bool is_first = self->received == 0;
    self->received += nd_batch_len(batch);
    if (!is_first)
        return;
    nd_vertex_when_idle(vertex);
    nd_vertex_when_idle(vertex); /* asking again changes nothing */
}

static void on_activate(nd_vertex *vertex)
{
    watch *const self = nd_vertex_user(vertex);
    pthread_mutex_lock(&self->lock);
    if (self->n_idle++ == 0)
        self->received_then = self->received;
    pthread_cond_signal(&self->came);
    pthread_mutex_unlock(&self->lock);
}

/* Worker 1 keeps the epoch open until worker 0 has been idle. */
static void wait_for_idle(watch *self)
{
    pthread_mutex_lock(&self->lock);
    while (self->n_idle == 0)
        pthread_cond_wait(&self->came, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static nd_err program(nd_worker *worker, void *arg)
{
    nd_input *input;
    nd_stream out;
    nd_dataflow *const flow = nd_dataflow_new(worker, "idle");
    const nd_stream numbers = nd_input_new(flow, &number_type, &input);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "tidy",
                                   .user = arg,
                                   .inputs = {nd_pipeline(numbers)},
                                   .on_recv = on_recv,
                                   .on_activate = on_activate},
                  &out);
    nd_probe *const probe = nd_probe_new(out);
    ND_TRY(nd_dataflow_start(flow));
    for (uint64_t i = 0; i < RECORDS; i++)
        nd_input_send(input, &(number){i});
    if (nd_worker_index(worker) != 0)
        wait_for_idle(arg);
    nd_input_advance(input, 1);
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, 1));
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void who_asks_is_called_when_the_worker_waits(void **state)
{
    (void)state;
    watch self = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
    nd_message message = {""};
    if (nd_execute(&(nd_config){.n_workers = 2}, program, &self, NULL, &message) != ND_OK)
        fail_msg("%s", message.text);
    assert_int_equal(self.received_then, RECORDS);
    assert_int_equal(self.n_idle, 1); /* asked for again, it would be more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_is_called_when_the_worker_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
