/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/zmq/admission.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

/* The parts of a request, in their order; the key comes last. */
enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY, PARTS };

typedef struct request {
    zmq_msg_t parts[PARTS];
    unsigned n; /* that came; more than PARTS if more did */
} request;

/* False when there is none. */
static bool receive(void *zmq, request *asked)
{
    bool has_more = true;
    for (unsigned i = 0; i < PARTS; i++)
        zmq_msg_init(&asked->parts[i]);
    for (asked->n = 0; has_more; asked->n++) {
        zmq_msg_t rest;
        zmq_msg_t *const part = asked->n < PARTS ? &asked->parts[asked->n] : &rest;
        if (part == &rest)
            zmq_msg_init(&rest);
        if (zmq_msg_recv(part, zmq, ZMQ_DONTWAIT) < 0)
            return false;
        has_more = zmq_msg_more(part);
        if (part == &rest)
            zmq_msg_close(&rest);
    }
    return true;
}

static bool is_text(zmq_msg_t *part, const char *text)
{
    return zmq_msg_size(part) == strlen(text) &&
           memcmp(zmq_msg_data(part), text, strlen(text)) == 0;
}

/* Writes whose key it is; false if nobody's. */
static bool find_member(const nd_keys *keys, request *asked, char *member, size_t size)
{
    char key[ND_KEY_SIZE];
    unsigned process;
    if (asked->n != PARTS || !is_text(&asked->parts[VERSION], "1.0") ||
        !is_text(&asked->parts[MECHANISM], "CURVE") || zmq_msg_size(&asked->parts[KEY]) != 32 ||
        !zmq_z85_encode(key, zmq_msg_data(&asked->parts[KEY]), 32) ||
        !nd_keys_find(keys, key, &process))
        return false;
    snprintf(member, size, "%u", process);
    return true;
}

static void answer(void *zmq, request *asked, const char *code, const char *text,
                   const char *member)
{
    const int more = ZMQ_DONTWAIT | ZMQ_SNDMORE;
    (void)zmq_send(zmq, "1.0", 3, more);
    (void)zmq_send(zmq, zmq_msg_data(&asked->parts[REQUEST]), zmq_msg_size(&asked->parts[REQUEST]),
                   more);
    (void)zmq_send(zmq, code, strlen(code), more);
    (void)zmq_send(zmq, text, strlen(text), more);
    (void)zmq_send(zmq, member, strlen(member), more);
    (void)zmq_send(zmq, "", 0, ZMQ_DONTWAIT);
}

static void readable(nd_socket *socket)
{
    const nd_admission *const self = socket->owner;
    request asked;
    char member[16];
    while (receive(socket->zmq, &asked)) {
        if (find_member(self->keys, &asked, member, sizeof member))
            answer(socket->zmq, &asked, "200", "OK", member);
        else
            answer(socket->zmq, &asked, "400", "not a key of this cluster", "");
        for (unsigned i = 0; i < PARTS; i++)
            zmq_msg_close(&asked.parts[i]);
    }
}

nd_err nd_admission_open(nd_admission *admission, void *context, nd_poller *poller,
                         const nd_keys *keys)
{
    static const nd_socket_ops ops = {.readable = readable};
    void *const zmq = zmq_socket(context, ZMQ_REP);
    admission->keys = keys;
    if (!zmq)
        return ND_NOMEM;
    if (zmq_bind(zmq, "inproc://zeromq.zap.01") != 0) {
        zmq_close(zmq);
        return ND_NOMEM;
    }
    return nd_poller_add(poller, &admission->socket, zmq, &ops, admission);
}
