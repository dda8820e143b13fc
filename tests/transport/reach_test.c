/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses tried from outside, against listeners of every kind on ports that the system chooses.
 */
#include "transport/zmq/reach.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <zmq.h>

#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* --- Listeners --- */

typedef struct listener {
    int fd;
    char address[64];
    const char *greeting; /* what it says to the one who comes; NULL: it does not accept */
    uv_thread_t thread;
} listener;

static void serve(void *arg)
{
    const listener *const self = arg;
    char heard[64];
    const int fd = accept(self->fd, NULL, NULL);
    (void)!send(fd, self->greeting, strlen(self->greeting), MSG_NOSIGNAL);
    (void)!recv(fd, heard, sizeof heard, 0); /* until the visitor has gone */
    close(fd);
}

static void listen_at(listener *self, const char *greeting)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof place;
    self->greeting = greeting;
    self->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(self->fd, (struct sockaddr *)&place, size), 0);
    assert_int_equal(getsockname(self->fd, (struct sockaddr *)&place, &size), 0);
    assert_int_equal(listen(self->fd, 8), 0);
    snprintf(self->address, sizeof self->address, "tcp://127.0.0.1:%u", ntohs(place.sin_port));
    if (greeting)
        assert_int_equal(uv_thread_create(&self->thread, serve, self), 0);
}

static void stop_listening(listener *self)
{
    if (self->greeting)
        uv_thread_join(&self->thread);
    close(self->fd);
}

/* A port at which nobody listens any more. */
static void find_deserted(char address[64])
{
    listener self;
    listen_at(&self, NULL);
    strcpy(address, self.address);
    stop_listening(&self);
}

static nd_reached reach_one(const char *address)
{
    nd_reached found;
    assert_int_equal(nd_reach_all(&address, 1, &found), ND_OK);
    return found;
}

/* --- Connecting --- */

static void bind_router(void *context, bool has_keys, void **router, char *address, size_t size)
{
    char public_key[41], secret_key[41];
    *router = zmq_socket(context, ZMQ_ROUTER);
    if (has_keys) {
        assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
        zmq_setsockopt(*router, ZMQ_CURVE_SERVER, &(int){1}, sizeof(int));
        zmq_setsockopt(*router, ZMQ_CURVE_SECRETKEY, secret_key, 40);
    }
    assert_int_equal(zmq_bind(*router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(*router, ZMQ_LAST_ENDPOINT, address, &size), 0);
}

static void a_socket_of_zeromq_answers_and_says_whether_it_has_keys(void **state)
{
    (void)state;
    void *const context = zmq_ctx_new();
    for (unsigned has_keys = 0; has_keys < 2; has_keys++) {
        void *router;
        char address[64];
        bind_router(context, has_keys, &router, address, sizeof address);
        const nd_reached found = reach_one(address);
        assert_int_equal(found.what, ND_REACH_ANSWERS);
        assert_int_equal(found.has_keys, has_keys);
        assert_string_equal(found.numeric, address);
        zmq_close(router);
    }
    zmq_ctx_term(context);
}

static void what_speaks_otherwise_is_a_stranger(void **state)
{
    (void)state;
    static const char *const greetings[] = {"SSH-2.0-OpenSSH_9.2\r\n", "\xff\n",
                                            "\xff 220 mail \x7f"};
    for (unsigned i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        listener self;
        listen_at(&self, greetings[i]);
        assert_int_equal(reach_one(self.address).what, ND_REACH_STRANGER);
        stop_listening(&self);
    }
}

static void what_says_nothing_is_not_waited_for(void **state)
{
    (void)state;
    listener self;
    listen_at(&self, NULL);
    assert_int_equal(reach_one(self.address).what, ND_REACH_MUTE);
    stop_listening(&self);
}

static void nobody_there_is_told_from_nobody_knows_where(void **state)
{
    (void)state;
    char deserted[64];
    nd_reached found[2];
    find_deserted(deserted);
    const char *const addresses[] = {deserted, "tcp://name.invalid:1"};
    assert_int_equal(nd_reach_all(addresses, 2, found), ND_OK);
    assert_int_equal(found[0].what, ND_REACH_REFUSED);
    assert_string_equal(found[0].numeric, deserted);
    assert_true(found[1].what == ND_REACH_NO_NAME || found[1].what == ND_REACH_NO_NAMES);
    assert_string_equal(found[1].numeric, "");
}

static void many_are_tried_at_the_same_time(void **state)
{
    (void)state;
    enum { N = 24 };
    listener mute;
    nd_reached found[N];
    const char *addresses[N];
    char deserted[64];
    listen_at(&mute, NULL); /* each visit takes a second */
    find_deserted(deserted);
    for (unsigned i = 0; i < N; i++)
        addresses[i] = i % 3 == 0 ? deserted : mute.address;
    assert_int_equal(nd_reach_all(addresses, N, found), ND_OK);
    for (unsigned i = 0; i < N; i++) /* a backlog that is full answers not at all */
        if (i % 3 == 0)
            assert_int_equal(found[i].what, ND_REACH_REFUSED);
        else
            assert_true(found[i].what == ND_REACH_MUTE || found[i].what == ND_REACH_SILENT);
    stop_listening(&mute);
}

static void what_is_no_tcp_address_is_refused(void **state)
{
    (void)state;
    static const char *const others[] = {"ipc:///tmp/x", "127.0.0.1:1", "tcp://", "tcp://host", ""};
    nd_reached found;
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(nd_reach_all(&others[i], 1, &found), ND_INVAL);
}

static nd_err attempt_to_reach(void *arg)
{
    nd_reached found;
    const char *const address = arg;
    return nd_reach_all(&address, 1, &found);
}

static void it_can_fail_for_lack_of_memory(void **state)
{
    (void)state;
    char deserted[64];
    find_deserted(deserted);
    assert_int_equal(failing_memory_sweep(attempt_to_reach, deserted), 1);
}

/* --- Listening --- */

static void a_free_address_can_be_bound_and_another_cannot(void **state)
{
    (void)state;
    listener self;
    char deserted[64], bound[64];
    nd_message message;
    find_deserted(deserted);
    assert_int_equal(nd_reach_bind(deserted, bound, sizeof bound, &message), ND_OK);
    assert_string_equal(bound, deserted);
    assert_int_equal(reach_one(deserted).what, ND_REACH_REFUSED); /* it was only tried */

    listen_at(&self, NULL);
    assert_int_equal(nd_reach_bind(self.address, bound, sizeof bound, &message), ND_CLOSED);
    assert_string_equal(message.text, "Address already in use");
    stop_listening(&self);
    assert_int_equal(nd_reach_bind("tcp://203.0.113.1:9", bound, sizeof bound, &message),
                     ND_CLOSED);
    assert_int_equal(nd_reach_bind("tcp://name.invalid:1", bound, sizeof bound, &message),
                     ND_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_of_zeromq_answers_and_says_whether_it_has_keys),
        cmocka_unit_test(what_speaks_otherwise_is_a_stranger),
        cmocka_unit_test(what_says_nothing_is_not_waited_for),
        cmocka_unit_test(nobody_there_is_told_from_nobody_knows_where),
        cmocka_unit_test(many_are_tried_at_the_same_time),
        cmocka_unit_test(what_is_no_tcp_address_is_refused),
        cmocka_unit_test(it_can_fail_for_lack_of_memory),
        cmocka_unit_test(a_free_address_can_be_bound_and_another_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
