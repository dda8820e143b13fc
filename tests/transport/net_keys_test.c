/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where there are keys: members meet, strangers are not heard, and nobody speaks as another.
 */
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include <nereid/cluster.h>

#include "tests/support/cmocka.h"
#include "tests/transport/net_raw.h"

static const char ours[] = "our_keys", theirs[] = "their_keys";

/* The keys of `process` in a file. */
static nd_keys read_keys(const char *path, unsigned process)
{
    nd_message message = {""};
    nd_keys keys;
    if (nd_keys_read(path, process, &keys, &message) != ND_OK)
        fail_msg("%s", message.text);
    return keys;
}

static int make_files(void **state)
{
    (void)state;
    (void)unlink(ours);
    (void)unlink(theirs);
    return nd_keys_create(ours, NULL) == ND_OK && nd_keys_create(theirs, NULL) == ND_OK ? 0 : -1;
}

static int remove_files(void **state)
{
    (void)state;
    (void)unlink(ours);
    (void)unlink(theirs);
    return 0;
}

static net_group *start_with(const nd_keys *keys, unsigned n, unsigned timeout_s)
{
    net_group *const group = net_group_create(n);
    for (unsigned i = 0; i < n; i++)
        net_use_tcp(group, i);
    for (unsigned i = 0; i < n; i++) {
        nd_net_def def = net_def(group, i);
        def.keys = &keys[i];
        def.timeout_s = timeout_s;
        net_start(&def);
    }
    return group;
}

static void members_meet_and_part(void **state)
{
    (void)state;
    const nd_keys keys[] = {read_keys(ours, 0), read_keys(ours, 1), read_keys(ours, 2)};
    net_group *const group = start_with(keys, 3, 60);
    for (unsigned i = 0; i < 3; i++)
        assert_true(net_await_start(group, i));
    net_finish_all(group);
    net_group_destroy(group);
}

static void who_has_the_key_of_another_is_named(void **state)
{
    (void)state;
    const nd_keys keys[] = {read_keys(ours, 0), read_keys(ours, 2)};
    net_group *const group = start_with(keys, 2, 60);
    net_expect_failure(group, 0, ND_PROTO, "process 2 says that it is process 1");
    net_group_destroy(group);
}

static void who_has_other_keys_does_not_get_in(void **state)
{
    (void)state;
    const nd_keys keys[] = {read_keys(ours, 0), read_keys(theirs, 1)};
    net_group *const group = start_with(keys, 2, 1);
    for (unsigned i = 0; i < 2; i++)
        net_expect_failure(group, i, ND_CLOSED, "has other keys (--secret)");
    net_group_destroy(group);
}

/* Knocks at process 0 in the name of process 1; what is admitted may send. */
static void knock_as_stranger(net_group *group, const char *server_key)
{
    static const char name[] = "N\0\1\0\1\2\3\4\5\6\7";
    char public_key[41], secret_key[41];
    void *const context = zmq_ctx_new(), *const socket = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
    zmq_setsockopt(socket, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_setsockopt(socket, ZMQ_IMMEDIATE, &(int){1}, sizeof(int)); /* no sending before that */
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, name, sizeof name);
    if (server_key) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 40);
    }
    assert_int_equal(zmq_connect(socket, group->addresses[0]), 0);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLOUT};
    assert_int_equal(zmq_poll(&item, 1, 500), 0);
    net_expect_failure(group, 0, ND_CLOSED, "missing: 1");
    zmq_close(socket);
    zmq_ctx_term(context);
}

/* Encryption alone would let in whoever knows the public key, which is no secret. */
static void a_stranger_is_not_heard(void **state)
{
    (void)state;
    for (unsigned encrypts = 0; encrypts < 2; encrypts++) {
        const nd_keys keys = read_keys(ours, 0);
        net_group *const group = net_group_create(2);
        net_use_tcp(group, 0);
        net_use_tcp(group, 1);
        nd_net_def def = net_def(group, 0);
        def.keys = &keys;
        def.timeout_s = 1;
        net_start(&def);
        knock_as_stranger(group, encrypts ? keys.public_keys[0] : NULL);
        net_group_destroy(group);
    }
}

static void without_keys_only_this_machine_is_spoken_to(void **state)
{
    (void)state;
    static const char *const refused[] = {"tcp://192.0.2.1:2100", "tcp://example.org:2100",
                                          "tcp://[2001:db8::1]:2100", "tcp://*:2100"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        nd_message message = {""};
        net_group *const group = net_group_create(2);
        group->addresses[1] = refused[i];
        const nd_net_def def = net_def(group, 0);
        assert_int_equal(net_create(&def, &message), ND_USAGE);
        assert_non_null(strstr(message.text, "nereid keygen FILE"));
        net_group_destroy(group);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_meet_and_part),
        cmocka_unit_test(who_has_the_key_of_another_is_named),
        cmocka_unit_test(who_has_other_keys_does_not_get_in),
        cmocka_unit_test(a_stranger_is_not_heard),
        cmocka_unit_test(without_keys_only_this_machine_is_spoken_to),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
