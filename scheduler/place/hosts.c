/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts files. Every process reads the same one, so what is not clear is refused: processes that
 * read it differently would not find each other, and nobody could say why. */
#include "scheduler/place/hosts.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <nereid/io.h>
#include <nereid/memory.h>

#include "scheduler/place/addresses.h"
#include "scheduler/place/number.h"

enum { MOST_BYTES = 256 * 1024, MOST_PORT = 65535, SHOWN = 80 };

/* Where a message points. */
typedef struct place {
    const char *name;
    unsigned line;
    nd_message *message;
} place;

/* A part of a line. */
typedef struct piece {
    const char *text;
    size_t size;
} piece;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* What stands on a line, without blanks around it and without a comment. */
static piece trim(piece line)
{
    const char *const comment = memchr(line.text, '#', line.size);
    if (comment != NULL)
        line.size = (size_t)(comment - line.text);
    while (line.size != 0 && is_blank(line.text[line.size - 1]))
        line.size--;
    while (line.size != 0 && is_blank(*line.text)) {
        line.text++;
        line.size--;
    }
    return line;
}

static nd_err refuse(const place *where, piece what, const char *why)
{
    const int shown = what.size < SHOWN ? (int)what.size : SHOWN;
    return nd_message_set(where->message, ND_INPUT, "%s:%u: '%.*s' %s", where->name, where->line,
                          shown, what.text, why);
}

/* An IPv6 address, without its brackets. */
static bool is_ipv6(piece host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.size >= sizeof text || memchr(host.text, '\0', host.size) != NULL)
        return false;
    memcpy(text, host.text, host.size);
    text[host.size] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* Whether a host can only be meant to be an IPv4 address, and is none. As a name it would be looked
 * up in vain, or in the older forms of addresses that few know: 127.1, 2130706433. */
static bool is_broken_ipv4(piece host)
{
    char text[INET_ADDRSTRLEN] = "";
    struct in_addr address;
    for (size_t i = 0; i < host.size; i++)
        if (host.text[i] != '.' && (host.text[i] < '0' || host.text[i] > '9'))
            return false;
    if (host.size >= sizeof text)
        return true;
    memcpy(text, host.text, host.size);
    return inet_pton(AF_INET, text, &address) != 1;
}

static bool is_host(piece host)
{
    if (host.size > 2 && host.text[0] == '[' && host.text[host.size - 1] == ']')
        return is_ipv6((piece){host.text + 1, host.size - 2});
    return nd_is_host_name(host.text, host.size);
}

static bool is_new(const nd_addresses *addresses)
{
    const char *const last = addresses->items[addresses->n - 1];
    for (unsigned i = 0; i + 1 < addresses->n; i++)
        if (strcasecmp(addresses->items[i], last) == 0)
            return false;
    return true;
}

static nd_err add_line(piece line, nd_addresses *addresses, const place *where)
{
    uint64_t port = 0;
    const char *const colon = memrchr(line.text, ':', line.size);
    if (colon == NULL)
        return refuse(where, line, "has no port: a line is host:port");
    const piece host = {line.text, (size_t)(colon - line.text)};
    const size_t port_size = line.size - host.size - 1;
    if (!is_host(host))
        return refuse(where, host,
                      "is not a host: a name, an IPv4 address, or an IPv6 address in brackets");
    if (is_broken_ipv4(host))
        return refuse(where, host,
                      "is not an IPv4 address: four numbers from 0 to 255, with dots between");
    if (!nd_number_parse(colon + 1, port_size, MOST_PORT, &port) || port == 0)
        return refuse(where, (piece){colon + 1, port_size}, "is not a port, 1 to 65535");
    if (addresses->n == ND_MAX_PROCESSES)
        return refuse(where, line, "is one process more than a cluster can have");
    ND_TRY(nd_addresses_add(addresses, "tcp://%.*s:%" PRIu64, (int)host.size, host.text, port));
    return is_new(addresses) ? ND_OK : refuse(where, line, "was there before");
}

static nd_err add_lines(piece rest, nd_addresses *addresses, place *where)
{
    while (rest.size != 0) {
        const char *const end = memchr(rest.text, '\n', rest.size);
        const size_t size = end != NULL ? (size_t)(end - rest.text) : rest.size;
        const piece line = trim((piece){rest.text, size});
        where->line++;
        if (line.size != 0)
            ND_TRY(add_line(line, addresses, where));
        rest.text += size + (end != NULL);
        rest.size -= size + (end != NULL);
    }
    if (addresses->n == 0)
        return nd_message_set(where->message, ND_INPUT, "%s: lists no process: a line is host:port",
                              where->name);
    return ND_OK;
}

nd_err nd_hosts_parse(const char *name, const char *text, size_t size, nd_addresses *addresses,
                      nd_message *message)
{
    nd_addresses found = {.items = NULL};
    place where = {.name = name, .message = message};
    const nd_err err = add_lines((piece){text, size}, &found, &where);
    if (err != ND_OK) {
        nd_addresses_deinit(&found);
        return err == ND_NOMEM ? nd_message_set(message, err, "%s: %s", name, nd_err_text(err))
                               : err;
    }
    nd_addresses_deinit(addresses);
    *addresses = found;
    return ND_OK;
}

/* Reads all there is into `text`, which has room for MOST_BYTES. */
static nd_err slurp(nd_reader *reader, char *text, size_t *size, nd_message *message)
{
    size_t got = 1;
    *size = 0;
    while (got != 0) {
        if (*size == MOST_BYTES)
            return nd_message_set(message, ND_INPUT, "%s: is too long for a hosts file",
                                  nd_reader_name(reader));
        ND_TRY(nd_reader_read(reader, text + *size, MOST_BYTES - *size, &got, message));
        *size += got;
    }
    return ND_OK;
}

nd_err nd_hosts_read(const char *path, nd_addresses *addresses, nd_message *message)
{
    nd_reader *reader;
    size_t size = 0;
    ND_TRY(nd_reader_open(path, &reader, message));
    char *const text = nd_alloc(MOST_BYTES, 1);
    nd_err err = text != NULL
                     ? slurp(reader, text, &size, message)
                     : nd_message_set(message, ND_NOMEM, "%s: %s", path, nd_err_text(ND_NOMEM));
    if (err == ND_OK)
        err = nd_hosts_parse(path, text, size, addresses, message);
    nd_free(text);
    nd_reader_close(reader);
    return err;
}
