/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/zmq/resolution.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "transport/zmq/address.h"

enum { AGAIN_MS = 3000 /* between two questions */ };

static bool is_number(const char *host)
{
    struct in6_addr place;
    return inet_pton(AF_INET, host, &place) == 1 || inet_pton(AF_INET6, host, &place) == 1;
}

static void keep(nd_resolution *resolution, const struct addrinfo *found, const char *port)
{
    char host[NI_MAXHOST];
    char *const place = resolution->numeric[resolution->n_numeric];
    if (getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0,
                    NI_NUMERICHOST) != 0)
        return;
    const int size =
        snprintf(place, ND_NUMERIC_SIZE,
                 found->ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s", host, port);
    resolution->n_numeric += size > 0 && size < ND_NUMERIC_SIZE;
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    nd_resolution *const resolution = request->data;
    nd_address_parts parts;
    resolution->is_asking = false;
    resolution->trouble =
        status == UV_EAI_AGAIN
            ? "the name server does not answer: mend /etc/resolv.conf, or write addresses"
            : "its name is not known here: mend the hosts file, the name server or /etc/hosts";
    if (status == 0 && nd_address_split(resolution->address, &parts)) {
        resolution->n_numeric = resolution->next = 0;
        for (const struct addrinfo *one = found; one && resolution->n_numeric < ND_RESOLUTION_MOST;
             one = one->ai_next)
            keep(resolution, one, parts.port);
        resolution->trouble = NULL;
    }
    uv_freeaddrinfo(found);
}

static void ask(nd_resolution *resolution, uv_loop_t *loop, const nd_address_parts *parts)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    resolution->asked_ms = uv_now(loop);
    resolution->request.data = resolution;
    resolution->is_asking = uv_getaddrinfo(loop, &resolution->request, on_answer, parts->host,
                                           parts->port, &wanted) == 0;
}

nd_err nd_resolution_begin(nd_resolution *resolution, uv_loop_t *loop, const char *address)
{
    nd_address_parts parts;
    *resolution = (nd_resolution){.address = address};
    const bool is_tcp = nd_address_split(address, &parts);
    if (is_tcp && !is_number(parts.host)) {
        ask(resolution, loop, &parts);
        return ND_OK;
    }
    if (strlen(address) >= ND_NUMERIC_SIZE || (!is_tcp && strncmp(address, "ipc://", 6) != 0))
        return ND_USAGE;
    strcpy(resolution->numeric[0], address);
    resolution->n_numeric = 1;
    return ND_OK;
}

const char *nd_resolution_get(nd_resolution *resolution, uv_loop_t *loop)
{
    nd_address_parts parts;
    if (resolution->n_numeric)
        return resolution->numeric[resolution->next];
    if (!resolution->is_asking && uv_now(loop) - resolution->asked_ms >= AGAIN_MS &&
        nd_address_split(resolution->address, &parts))
        ask(resolution, loop, &parts);
    return NULL;
}

void nd_resolution_failed(nd_resolution *resolution)
{
    if (!resolution->n_numeric)
        return;
    const bool is_name = strcmp(resolution->numeric[0], resolution->address) != 0;
    resolution->next = (resolution->next + 1) % resolution->n_numeric;
    if (is_name && resolution->next == 0)
        resolution->n_numeric = 0; /* all were tried: it may have others by now */
}

void nd_resolution_end(nd_resolution *resolution)
{
    if (resolution->is_asking)
        (void)uv_cancel((uv_req_t *)&resolution->request);
}
