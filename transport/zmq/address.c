/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/zmq/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char tcp[] = "tcp://", ipc[] = "ipc://";

static bool copy(char *to, size_t size, const char *from, size_t len)
{
    if (len == 0 || len >= size)
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

bool nd_address_split(const char *address, nd_address_parts *parts)
{
    if (strncmp(address, tcp, sizeof tcp - 1) != 0)
        return false;
    const char *host = address + sizeof tcp - 1;
    const char *const colon = strrchr(host, ':');
    if (!colon || !copy(parts->port, sizeof parts->port, colon + 1, strlen(colon + 1)))
        return false;
    const char *end = colon;
    if (*host == '[') {
        if (end[-1] != ']')
            return false;
        host++;
        end--;
    }
    return copy(parts->host, sizeof parts->host, host, (size_t)(end - host));
}

bool nd_address_is_private(const char *address)
{
    nd_address_parts found;
    struct in_addr v4;
    struct in6_addr v6;
    if (strncmp(address, ipc, sizeof ipc - 1) == 0)
        return true;
    if (!nd_address_split(address, &found))
        return false;
    if (inet_pton(AF_INET, found.host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, found.host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(found.host, "localhost") == 0;
}

static nd_err resolve(const char *address, const nd_address_parts *named, char *numeric,
                      size_t size, nd_message *message)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[NI_MAXHOST];
    int failure = getaddrinfo(named->host, named->port, &wanted, &found);
    if (failure == 0)
        failure = getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0,
                              NI_NUMERICHOST);
    if (failure == 0)
        snprintf(numeric, size, found->ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s",
                 host, named->port);
    if (found)
        freeaddrinfo(found);
    return failure == 0
               ? ND_OK
               : nd_message_set(message, ND_USAGE, "%s: %s", address, gai_strerror(failure));
}

nd_err nd_address_to_bind(const char *address, char *numeric, size_t size, nd_message *message)
{
    nd_address_parts named;
    if (strncmp(address, ipc, sizeof ipc - 1) == 0 && strlen(address) < size) {
        memcpy(numeric, address, strlen(address) + 1);
        return ND_OK;
    }
    if (!nd_address_split(address, &named))
        return nd_message_set(message, ND_USAGE,
                              "%s is no address: it takes tcp://host:port, or ipc://path", address);
    return resolve(address, &named, numeric, size, message);
}
