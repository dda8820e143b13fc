/* SPDX-License-Identifier: Apache-2.0 */
/* The net thread: its life, its loop, and what it is asked from outside. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include <nereid/memory.h>

#include "runtime/base/clock.h"
#include "transport/zmq/address.h"
#include "transport/zmq/net_internal.h"
#include "transport/zmq/options.h"

enum {
    PATIENCE_NS = 20000, /* before sleeping: less than it costs to be woken */
};

void nd_net_wake(nd_net *net) { nd_alarm_ring(&net->alarm); }

/* --- Telling --- */

void nd_net_tell_on(nd_peer *peer, nd_lane *lane, const nd_control *control)
{
    nd_net *const net = peer->net;
    nd_vector *const packed = &net->packed;
    zmq_msg_t body;
    if (nd_wire_control_pack(control, packed) != ND_OK ||
        zmq_msg_init_size(&body, packed->len) != 0) {
        net->def.failed(net->def.context, ND_NOMEM, nd_err_text(ND_NOMEM));
        return;
    }
    memcpy(zmq_msg_data(&body), packed->items, packed->len);
    nd_wire_head head = {.kind = ND_WIRE_CONTROL,
                         .process = (uint16_t)net->def.process,
                         .incarnation = net->incarnation,
                         .length = packed->len,
                         .body_hash = nd_wire_body_hash(packed->items, packed->len)};
    if (nd_lane_send(lane, &head, &body) != ND_OK)
        net->def.failed(net->def.context, ND_NOMEM, nd_err_text(ND_NOMEM));
}

void nd_net_tell(nd_peer *peer, const nd_control *control)
{
    nd_net_tell_on(peer, &peer->lanes[ND_LANE_CONTROL], control);
}

nd_err nd_net_unpack(nd_net *net, const nd_wire_head *head, const void *body, nd_control *control,
                     nd_message *message)
{
    nd_wire_arena_reset(&net->arena);
    return nd_wire_control_unpack(head, body, &net->arena, control, message);
}

/* What was asked from outside. */
static void take_requests(nd_net *net)
{
    if (atomic_load_explicit(&net->is_aborted, memory_order_acquire)) {
        uv_mutex_lock(&net->lock);
        const nd_err err = net->cause_err;
        const nd_message cause = net->cause;
        uv_mutex_unlock(&net->lock);
        atomic_store_explicit(&net->is_aborted, false, memory_order_relaxed);
        nd_net_asked_to_abort(net, err, cause.text);
    } else if (net->phase == ND_NET_RUNNING &&
               atomic_load_explicit(&net->is_finished, memory_order_acquire)) {
        net->phase = ND_NET_LEAVING;
    }
}

/* --- The loop --- */

static bool work(void *context)
{
    nd_net *const net = context;
    if (net->phase == ND_NET_OVER)
        return false;
    const bool has_more = net->err == ND_OK && nd_outbound_work(net);
    take_requests(net);
    nd_inquiry_work(net);
    nd_ending_work(net);
    return has_more;
}

static bool has_requests(nd_net *net)
{
    return atomic_load_explicit(&net->is_aborted, memory_order_acquire) ||
           (net->phase == ND_NET_RUNNING &&
            atomic_load_explicit(&net->is_finished, memory_order_acquire));
}

static bool has_posts(const nd_net *net)
{
    bool has = false;
    for (unsigned i = 0; i < net->def.n_workers; i++)
        has |= !nd_queue_is_empty(&net->seats[i].to_net);
    return has;
}

/* Looks for work a little longer, leaving the core to whoever wants it: what a round trip between
 * processes costs is waking threads. */
static bool look_out(nd_net *net)
{
    const uint64_t begin = nd_clock_now_ns(nd_clock_system());
    do {
        if (has_posts(net) || nd_socket_has_news(&net->entrance))
            return true;
        sched_yield();
    } while (nd_clock_now_ns(nd_clock_system()) - begin < PATIENCE_NS);
    return false;
}

static bool about_to_sleep(void *context)
{
    nd_net *const net = context;
    if (net->phase == ND_NET_OVER)
        return false;
    if (net->phase == ND_NET_RUNNING && net->err == ND_OK && look_out(net))
        return true;
    nd_alarm_set(&net->alarm);
    bool busy = has_requests(net) || nd_inquiry_waits(net) ||
                (net->err == ND_OK && nd_outbound_owes_credit(net));
    busy |= net->err == ND_OK && has_posts(net);
    if (busy)
        nd_alarm_stop(&net->alarm);
    return busy;
}

/* A signal handled here would interrupt ZeroMQ in the middle of a frame. */
static void leave_signals_to_others(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void run(void *arg)
{
    nd_net *const net = arg;
    leave_signals_to_others();
    nd_membership_begin(net);
    uv_run(&net->loop, UV_RUN_DEFAULT);
    net->def.over(net->def.context);
}

/* --- Life --- */

/* Without keys nobody beyond this machine may hear or speak. */
static nd_err check_privacy(const nd_net *net, nd_message *message)
{
    for (unsigned i = 0; !net->def.keys && i < net->def.n_processes; i++)
        if (!nd_address_is_private(net->def.addresses[i]))
            return nd_message_set(
                message, ND_USAGE,
                "%s can be reached from other machines, so keys are needed: make them with "
                "'nereid keygen FILE', copy FILE to every host (mode 0600), and give every process "
                "'--secret FILE'; or use addresses of 127.0.0.1",
                net->def.addresses[i]);
    return ND_OK;
}

static nd_err bind_entrance(nd_net *net, nd_message *message)
{
    char address[512];
    ND_TRY(
        nd_address_to_bind(net->def.addresses[net->def.process], address, sizeof address, message));
    void *const zmq = zmq_socket(net->zmq, ZMQ_ROUTER);
    if (!zmq)
        return nd_message_set(message, ND_NOMEM, "no socket: %s", zmq_strerror(errno));
    nd_zmq_set_entrance_options(zmq, net->def.keys);
    if (zmq_bind(zmq, address) != 0) {
        const int cause = errno;
        zmq_close(zmq);
        return nd_message_set(message, ND_CLOSED,
                              "cannot listen at %s: %s; is another process using it, and is the "
                              "address this machine's?",
                              address, zmq_strerror(cause));
    }
    return nd_poller_add(&net->poller, &net->entrance, zmq, &nd_entrance_ops, net);
}

static nd_err init_loop(nd_net *net)
{
    if (uv_loop_init(&net->loop) != 0)
        return ND_NOMEM;
    net->has_loop = true;
    net->alive.data = net->retry.data = net->grace.data = net->farewell.data = net;
    ND_TRY(nd_alarm_init(&net->alarm, &net->loop));
    if (uv_timer_init(&net->loop, &net->retry) != 0 ||
        uv_timer_init(&net->loop, &net->grace) != 0 ||
        uv_timer_init(&net->loop, &net->alive) != 0 ||
        uv_timer_init(&net->loop, &net->farewell) != 0)
        return ND_NOMEM;
    return nd_poller_init(&net->poller, &net->loop, &(nd_poller_def){work, about_to_sleep, net});
}

static void wake_worker(void *context, unsigned worker)
{
    const nd_net *const net = context;
    net->def.wake(net->def.context, worker);
}

static nd_err init_seats(nd_net *net)
{
    ND_TRY(nd_local_create(net->def.n_workers, wake_worker, net, &net->local));
    net->seats = nd_alloc_zero(net->def.n_workers, sizeof *net->seats);
    if (!net->seats)
        return ND_NOMEM;
    for (unsigned i = 0; i < net->def.n_workers; i++) {
        net->seats[i].net = net;
        net->seats[i].local = nd_local_transport(net->local, i);
        nd_vector_init(&net->seats[i].plans, sizeof(nd_flow_plan));
    }
    return ND_OK;
}

static nd_err init_peers(nd_net *net)
{
    net->peers = nd_alloc_zero(net->def.n_processes, sizeof *net->peers);
    if (!net->peers)
        return ND_NOMEM;
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        net->peers[i].net = net;
        net->peers[i].process = i;
        net->peers[i].address = net->def.addresses[i];
    }
    return ND_OK;
}

unsigned long nd_net_count_files(unsigned n_processes)
{
    return 64 + (n_processes - 1ul) * 6 * ND_LANES;
}

/* ZeroMQ ends the process when it runs out of descriptors. So there must be enough for the run, and
 * the limit is raised as far as may be, since strangers who connect use some up, too. */
static nd_err check_descriptors(const nd_net *net, nd_message *message)
{
    enum { PLENTY = 65536 };
    struct rlimit limit;
    const rlim_t needed = nd_net_count_files(net->def.n_processes);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return ND_OK;
    rlim_t had = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max < PLENTY ? limit.rlim_max : PLENTY;
    if (limit.rlim_cur > had && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        had = limit.rlim_cur;
    if (had >= needed)
        return ND_OK;
    return nd_message_set(message, ND_USAGE,
                          "%u processes need %llu open files each: raise the limit (ulimit -n)",
                          net->def.n_processes, (unsigned long long)needed);
}

static nd_err init_net(nd_net *net, nd_message *message)
{
    assert(net->def.n_processes > 1); /* or there is no net */
    ND_TRY(check_privacy(net, message));
    ND_TRY(check_descriptors(net, message));
    const uint64_t share = (uint64_t)net->def.budget->limit / (4 * (net->def.n_processes - 1));
    net->credit_step = share < ND_CREDIT_STEP ? share : ND_CREDIT_STEP;
    nd_message_set(message, ND_NOMEM, "out of memory, or of descriptors, for the network");
    net->zmq = zmq_ctx_new();
    if (!net->zmq)
        return ND_NOMEM;
    zmq_ctx_set(net->zmq, ZMQ_MAX_SOCKETS, (int)(64 + net->def.n_processes * 4 * ND_LANES));
    ND_TRY(nd_ledger_init(&net->ledger, net->def.mode));
    net->has_ledger = true;
    ND_TRY(init_loop(net));
    ND_TRY(init_seats(net));
    ND_TRY(init_peers(net));
    if (net->def.keys) {
        zmq_ctx_set(net->zmq, ZMQ_IO_THREADS, 2); /* encrypting is dear */
        ND_TRY(nd_admission_open(&net->admission, net->zmq, &net->poller, net->def.keys));
    }
    ND_TRY(nd_membership_open(net));
    return bind_entrance(net, message);
}

nd_err nd_net_create(const nd_net_def *def, nd_net **net, nd_message *message)
{
    nd_net *const made = nd_alloc_zero(1, sizeof *made);
    if (!made || uv_mutex_init(&made->lock) != 0) {
        nd_free(made);
        return nd_message_set(message, ND_NOMEM, "out of memory");
    }
    made->def = *def;
    made->incarnation = def->incarnation;
    nd_vector_init(&made->packed, 1);
    nd_vector_init(&made->touched, sizeof(uint32_t));
    nd_vector_init(&made->answer, 1);
    nd_wire_arena_init(&made->arena, ND_WIRE_ARENA_MOST);
    if (uv_os_gethostname(made->host, &(size_t){sizeof made->host}) != 0)
        strcpy(made->host, "?");
    const nd_err err = init_net(made, message);
    if (err == ND_OK)
        *net = made;
    else
        nd_net_destroy(made);
    return err;
}

nd_err nd_net_start(nd_net *net)
{
    net->has_thread = uv_thread_create(&net->thread, run, net) == 0;
    return net->has_thread ? ND_OK : ND_NOMEM;
}

void nd_net_finish(nd_net *net)
{
    atomic_store_explicit(&net->is_finished, true, memory_order_release);
    nd_net_wake(net);
}

void nd_net_abort(nd_net *net, nd_err err, const char *text)
{
    uv_mutex_lock(&net->lock);
    if (net->cause_err == ND_OK)
        net->cause_err = nd_message_set(&net->cause, err, "%s", text);
    uv_mutex_unlock(&net->lock);
    atomic_store_explicit(&net->is_aborted, true, memory_order_release);
    nd_net_wake(net);
}

void nd_net_join(nd_net *net)
{
    if (net->has_thread)
        uv_thread_join(&net->thread);
    net->has_thread = false;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void drop_posts(nd_queue *queue)
{
    for (nd_post *post; (post = nd_queue_peek(queue)); nd_queue_pop(queue))
        if (post->kind == ND_ARRIVAL_BATCH)
            zmq_msg_close(&post->of.batch.body);
    nd_queue_deinit(queue);
}

static void deinit_seats(nd_net *net)
{
    for (unsigned i = 0; net->seats && i < net->def.n_workers; i++) {
        nd_net_seat *const seat = &net->seats[i];
        if (seat->is_lent)
            nd_queue_pop(&seat->from_net);
        drop_posts(&seat->to_net);
        drop_posts(&seat->from_net);
        nd_vector_deinit(&seat->plans);
    }
    nd_free(net->seats);
    nd_local_destroy(net->local);
}

void nd_net_destroy(nd_net *net)
{
    if (!net)
        return;
    if (net->peers)
        nd_ending_close(net, 0);
    for (unsigned i = 0; net->peers && i < net->def.n_processes; i++)
        drop_posts(&net->peers[i].outbox);
    deinit_seats(net);
    for (unsigned i = 0; net->peers && i < net->def.n_processes; i++)
        nd_resolution_end(&net->peers[i].place);
    if (net->has_loop) {
        uv_walk(&net->loop, close_handle, NULL);
        uv_run(&net->loop, UV_RUN_DEFAULT);
        uv_loop_close(&net->loop);
    }
    while (net->zmq && zmq_ctx_term(net->zmq) != 0 && errno == EINTR) /* waits for what lingers */
        continue;
    nd_free(net->peers);
    if (net->has_ledger)
        nd_ledger_deinit(&net->ledger);
    nd_vector_deinit(&net->packed);
    nd_vector_deinit(&net->touched);
    nd_vector_deinit(&net->answer);
    nd_wire_arena_deinit(&net->arena);
    uv_mutex_destroy(&net->lock);
    nd_free(net);
}

nd_err nd_net_verdict(nd_net *net, nd_message *message)
{
    uv_mutex_lock(&net->lock);
    const nd_err err = net->verdict_err;
    if (err != ND_OK)
        *message = net->verdict;
    uv_mutex_unlock(&net->lock);
    return err;
}

nd_transport nd_net_transport(nd_net *net, unsigned worker)
{
    return (nd_transport){&nd_net_transport_ops, &net->seats[worker]};
}

void nd_net_set_stats(nd_net *net, const nd_run_stats *stats)
{
    nd_run_stats_add(&net->figures, stats);
}

nd_run_stats nd_net_get_stats(const nd_net *net)
{
    nd_run_stats sum = net->stats;
    nd_run_stats_add(&sum, &net->figures);
    for (unsigned i = 0; i < net->def.n_processes; i++)
        nd_run_stats_add(&sum, &net->peers[i].stats);
    return sum;
}
