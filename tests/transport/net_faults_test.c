/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong on the way: a stranger changes nothing, a peer ends the run and is named.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/transport/net_raw.h"

/* --- Strangers --- */

enum { ROUNDS = 200, IDLE = 200, PATIENCE_MS = 10000 };

/* Whoever can reach the one address of a process. */
typedef struct strangers {
    nd_random random;
    struct sockaddr_in address;
    void *zmq, *dealer;
    int idle[IDLE];
    unsigned char noise[100 * 1000];
} strangers;

static int call(const strangers *s)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&s->address, sizeof s->address), 0);
    return fd;
}

/* A name that may look like that of a process. */
static size_t random_name(strangers *s, unsigned char *name)
{
    const size_t size = 1 + nd_random_below(&s->random, 40);
    for (size_t i = 0; i < size; i++)
        name[i] = (unsigned char)nd_random_next(&s->random);
    if (name[0] == 0)
        name[0] = 'N'; /* names that begin with zero are ZeroMQ's own */
    if (nd_random_below(&s->random, 2) != 0)
        return size;
    const unsigned char seeming[12] = {'N', (unsigned char)nd_random_below(&s->random, 4),
                                       (unsigned char)nd_random_below(&s->random, 4)};
    memcpy(name, seeming, sizeof seeming);
    name[4] = (unsigned char)nd_random_below(&s->random, 2);
    return sizeof seeming;
}

static void open_dealer(strangers *s, const char *address)
{
    const int zero = 0;
    unsigned char name[64];
    if (s->dealer)
        zmq_close(s->dealer);
    s->dealer = zmq_socket(s->zmq, ZMQ_DEALER);
    assert_non_null(s->dealer);
    zmq_setsockopt(s->dealer, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(s->dealer, ZMQ_ROUTING_ID, name, random_name(s, name));
    assert_int_equal(zmq_connect(s->dealer, address), 0);
}

static strangers *strangers_come(const net_group *group)
{
    strangers *const s = calloc(1, sizeof *s);
    unsigned port;
    assert_non_null(s);
    assert_int_equal(sscanf(group->addresses[0], "tcp://127.0.0.1:%u", &port), 1);
    s->address = (struct sockaddr_in){.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    nd_random_init(&s->random, 7);
    for (size_t i = 0; i < sizeof s->noise; i++)
        s->noise[i] = (unsigned char)nd_random_next(&s->random);
    s->zmq = zmq_ctx_new();
    assert_non_null(s->zmq);
    for (unsigned i = 0; i < IDLE; i++)
        s->idle[i] = call(s);
    return s;
}

static void strangers_go(strangers *s)
{
    for (unsigned i = 0; i < IDLE; i++)
        close(s->idle[i]);
    zmq_close(s->dealer);
    zmq_ctx_term(s->zmq);
    free(s);
}

/* Half the parts have the size of a head, and half of those begin like one. */
static void send_noise(strangers *s)
{
    static const unsigned char beginning[] = {'N', 'R', 'D', '1', ND_WIRE_VERSION};
    const uint64_t n_parts = 1 + nd_random_below(&s->random, 6);
    for (uint64_t i = 1; i <= n_parts; i++) {
        const bool is_head = nd_random_below(&s->random, 2) == 0;
        const size_t size =
            is_head ? ND_WIRE_HEAD_SIZE : nd_random_below(&s->random, sizeof s->noise);
        if (nd_random_below(&s->random, 2))
            memcpy(s->noise, beginning, sizeof beginning);
        (void)zmq_send(s->dealer, s->noise, size, ZMQ_DONTWAIT | (i < n_parts ? ZMQ_SNDMORE : 0));
        s->noise[nd_random_below(&s->random, 64)] ^= 0x55;
    }
}

static void bother(strangers *s, const char *address, unsigned round)
{
    if (round % 2 == 0)
        open_dealer(s, address);
    send_noise(s);
    if (round % 5 != 0)
        return;
    const int fd = call(s);
    (void)send(fd, s->noise, nd_random_below(&s->random, 2000), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

/* A round of each sending to the other: a batch of numbers, one of a text, and a frame. */
static void send_round(net_group *group, unsigned process, uint64_t round)
{
    const nd_transport from = net_transport(group, process, 0);
    for (uint32_t channel = NET_NUMBERS; channel <= NET_TEXTS; channel++) {
        const nd_delivery delivery = {
            .batch = net_batch(&group->parties[process].pools[0], channel, round, 1 + 37 * round),
            .channel = channel,
            .time = {round, {channel}}};
        assert_non_null(delivery.batch);
        assert_int_equal(from.ops->send_batch(from.endpoint, 1 - process, &delivery), ND_OK);
    }
    const nd_change change = {
        .location = process, .time = {round / 2, {0}}, .delta = round % 2 ? -1 : 1};
    assert_int_equal(net_send_change(from, process, round + 1, change), ND_OK);
    from.ops->flush(from.endpoint);
}

/* What one has received of the other. */
typedef struct tally {
    uint64_t n_batches[2], n_frames;
} tally;

static void receive_all(net_group *group, unsigned process, tally *seen)
{
    nd_frame frame;
    nd_delivery delivery;
    nd_arrival arrival;
    const nd_transport to = net_transport(group, process, 0);
    while ((arrival = to.ops->receive(to.endpoint, &delivery, &frame)) != ND_ARRIVAL_NONE) {
        if (arrival == ND_ARRIVAL_FRAME) {
            assert_int_equal(frame.sequence, ++seen->n_frames);
            assert_int_equal(frame.sender, 2 + 1 - process);
            continue;
        }
        const uint64_t round = seen->n_batches[delivery.channel]++;
        assert_int_equal(delivery.time.epoch, round);
        assert_true(net_batch_is(delivery.batch, delivery.channel, round, 1 + 37 * round));
        to.ops->consumed(to.endpoint, delivery.batch);
        nd_batch_drop(delivery.batch, &group->parties[process].pools[0]);
    }
}

static bool has_all(const tally *seen)
{
    return seen->n_batches[0] == ROUNDS && seen->n_batches[1] == ROUNDS && seen->n_frames == ROUNDS;
}

static void strangers_change_nothing(void **state)
{
    (void)state;
    tally seen[2] = {{{0, 0}, 0}, {{0, 0}, 0}};
    uint64_t n_events = 0;
    net_group *const group = net_group_create(2);
    net_use_tcp(group, 0);
    const nd_net_def first = net_def(group, 0), second = net_def(group, 1);
    net_start(&first);
    strangers *const s = strangers_come(group);
    for (unsigned i = 0; i < 20; i++)
        bother(s, group->addresses[0], i); /* while process 1 is still to come */
    net_start(&second);
    assert_true(net_await_start(group, 0));
    assert_true(net_await_start(group, 1));
    net_begin_flows(group);
    for (unsigned i = 0; i < ROUNDS; i++) {
        bother(s, group->addresses[0], i);
        for (unsigned k = 0; k < 2; k++) {
            send_round(group, k, i);
            receive_all(group, k, &seen[k]);
        }
    }
    while (!(has_all(&seen[0]) && has_all(&seen[1]))) {
        assert_true(net_await_event(group, &n_events, PATIENCE_MS));
        for (unsigned k = 0; k < 2; k++)
            receive_all(group, k, &seen[k]);
    }
    net_finish_all(group);
    strangers_go(s);
    net_group_destroy(group);
}

/* --- Peers --- */

/* One way to be wrong, after something right on the same lane. */
typedef struct fault {
    const char *name;
    nd_lane_kind lane;
    void (*spoil)(raw_peer *peer, raw_frame *frame);
    const char *what; /* is said of it */
} fault;

static void leave_a_gap(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.sequence++;
    raw_frame_seal(frame);
}

static void repeat(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.sequence--;
    raw_frame_seal(frame);
}

static void damage_head(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->bytes[30] ^= 4;
}

static void damage_body(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->body[frame->size / 2] ^= 4;
}

static void cut_body(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->size--;
}

static void be_another_incarnation(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.incarnation++;
    raw_frame_seal(frame);
}

static void be_another_process(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.process = 0;
    raw_frame_seal(frame);
}

static void forget_the_body(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->n_parts = 1;
}

static void say_too_much(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->n_parts = 4;
}

/* What is right on another lane, with the number that is due on this one. */
static void take(raw_frame *frame, raw_frame other)
{
    other.head.sequence = frame->head.sequence;
    *frame = other;
    raw_frame_seal(frame);
}

static void be_progress(raw_peer *peer, raw_frame *frame)
{
    take(frame, raw_frame_of(peer, ND_LANE_PROGRESS));
}

static void be_records(raw_peer *peer, raw_frame *frame)
{
    take(frame, raw_frame_of(peer, ND_LANE_DATA));
}

static void be_control(raw_peer *peer, raw_frame *frame)
{
    take(frame, raw_frame_of(peer, ND_LANE_CONTROL));
}

static void go_to_nobody(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.worker = 1; /* the peer's own */
    raw_frame_seal(frame);
}

static void be_of_no_channel(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.channel = 5;
    raw_frame_seal(frame);
}

static void be_of_no_flow(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.flow = 9;
    raw_frame_seal(frame);
}

static void count_wrongly(raw_peer *peer, raw_frame *frame)
{
    (void)peer;
    frame->head.count++;
    raw_frame_seal(frame);
}

static void be_of_no_location(raw_peer *peer, raw_frame *frame)
{
    const nd_change change = {.location = NET_LOCATIONS, .delta = 1};
    take(frame,
         raw_progress(peer, &(nd_frame){.kind = ND_FRAME_CHANGES, .changes = &change, .len = 1}));
}

static void speak_for_another(raw_peer *peer, raw_frame *frame)
{
    take(frame, raw_progress(peer, &(nd_frame){.kind = ND_FRAME_START, .worker = 0}));
}

static void join_again(raw_peer *peer, raw_frame *frame)
{
    take(frame, raw_control(peer, &(nd_control){.kind = ND_CONTROL_JOIN, .join = peer->join}));
}

static void give_credit_for_nothing(raw_peer *peer, raw_frame *frame)
{
    take(frame,
         raw_control(peer, &(nd_control){.kind = ND_CONTROL_CREDIT, .credit = {.n_bytes = 1}}));
}

static const fault faults[] = {
    {"a gap in data", ND_LANE_DATA, leave_a_gap, "where 3 was due"},
    {"a gap in progress", ND_LANE_PROGRESS, leave_a_gap, "where 3 was due"},
    {"a gap in control", ND_LANE_CONTROL, leave_a_gap, "was due"},
    {"a repeat in data", ND_LANE_DATA, repeat, "where 3 was due"},
    {"a repeat in progress", ND_LANE_PROGRESS, repeat, "where 3 was due"},
    {"a damaged head of records", ND_LANE_DATA, damage_head, "damaged"},
    {"a damaged head of progress", ND_LANE_PROGRESS, damage_head, "damaged"},
    {"a damaged head of control", ND_LANE_CONTROL, damage_head, "damaged"},
    {"damaged records", ND_LANE_DATA, damage_body, "damaged"},
    {"damaged progress", ND_LANE_PROGRESS, damage_body, "damaged"},
    {"damaged control", ND_LANE_CONTROL, damage_body, "damaged"},
    {"records cut short", ND_LANE_DATA, cut_body, ""},
    {"progress cut short", ND_LANE_PROGRESS, cut_body, ""},
    {"another incarnation", ND_LANE_DATA, be_another_incarnation, "in the name of another"},
    {"another process", ND_LANE_PROGRESS, be_another_process, "in the name of another"},
    {"no body", ND_LANE_DATA, forget_the_body, "parts"},
    {"two bodies", ND_LANE_PROGRESS, say_too_much, "parts"},
    {"progress as data", ND_LANE_DATA, be_progress, "wrong lane"},
    {"records as progress", ND_LANE_PROGRESS, be_records, "wrong lane"},
    {"control as progress", ND_LANE_PROGRESS, be_control, "wrong lane"},
    {"records as control", ND_LANE_CONTROL, be_records, "wrong lane"},
    {"records for another's worker", ND_LANE_DATA, go_to_nobody, ""},
    {"records of no channel", ND_LANE_DATA, be_of_no_channel, "channel"},
    {"records of no dataflow", ND_LANE_DATA, be_of_no_flow, "channel"},
    {"more records than there are", ND_LANE_DATA, count_wrongly, ""},
    {"progress of no dataflow", ND_LANE_PROGRESS, be_of_no_flow, "not started here"},
    {"more changes than there are", ND_LANE_PROGRESS, count_wrongly, ""},
    {"progress of no location", ND_LANE_PROGRESS, be_of_no_location, ""},
    {"a start in another's name", ND_LANE_PROGRESS, speak_for_another, "not its own"},
    {"a second handshake", ND_LANE_CONTROL, join_again, ""},
    {"credit for what was not sent", ND_LANE_CONTROL, give_credit_for_nothing, "credit"},
};

/* Lets worker 0 look at what comes until its process has failed. */
static void receive_until_failure(net_group *group)
{
    uint64_t n_events = 0;
    nd_message text;
    const nd_transport to = net_transport(group, 0, 0);
    while (net_failure(group, 0, &text) == ND_OK) {
        nd_frame frame;
        nd_delivery delivery;
        switch (to.ops->receive(to.endpoint, &delivery, &frame)) {
        case ND_ARRIVAL_BATCH:
            nd_batch_drop(delivery.batch, &group->parties[0].pools[0]);
            break;
        case ND_ARRIVAL_NONE:
            if (net_failure(group, 0, &text) == ND_OK &&
                !net_await_event(group, &n_events, PATIENCE_MS))
                return;
            break;
        case ND_ARRIVAL_FRAME:
            break;
        }
    }
}

static void expect_fault(const fault *way)
{
    net_group *const group = net_group_create(2);
    raw_peer *const peer = raw_peer_open(group, 1);
    const nd_net_def def = net_def(group, 0);
    net_start(&def);
    raw_peer_meet(peer);
    assert_true(net_await_start(group, 0));
    const nd_flow_plan plan = net_plan(&group->parties[0].pools[0]);
    const nd_transport worker = net_transport(group, 0, 0);
    assert_int_equal(worker.ops->begin_flow(worker.endpoint, &plan), ND_OK);
    raw_frame frame = raw_frame_of(peer, way->lane);
    raw_send(peer, way->lane, &frame);
    frame = raw_frame_of(peer, way->lane);
    way->spoil(peer, &frame);
    raw_send(peer, way->lane, &frame);
    receive_until_failure(group);
    raw_peer_close(peer);
    print_message("%s\n", way->name);
    net_expect_failure(group, 0, ND_PROTO, "process 1");
    net_expect_failure(group, 0, ND_PROTO, way->what);
    net_group_destroy(group);
}

static void a_peer_that_is_wrong_ends_the_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        expect_fault(&faults[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_change_nothing),
        cmocka_unit_test(a_peer_that_is_wrong_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
