/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of addresses. The array has room for all that there may be, so that it never moves. */
#include "scheduler/place/addresses.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <nereid/memory.h>

enum { ADDRESS_SIZE = 512, NAME_SIZE = 253 };

void nd_addresses_deinit(nd_addresses *addresses)
{
    for (unsigned i = 0; i < addresses->n; i++)
        nd_free(addresses->items[i]);
    nd_free(addresses->items);
    *addresses = (nd_addresses){.items = NULL};
}

nd_err nd_addresses_add(nd_addresses *addresses, const char *format, ...)
{
    char text[ADDRESS_SIZE];
    assert(addresses->n < ND_MAX_PROCESSES);
    if (addresses->items == NULL)
        addresses->items = nd_alloc(ND_MAX_PROCESSES, sizeof *addresses->items);
    if (addresses->items == NULL)
        return ND_NOMEM;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char *const copy = nd_strdup(text);
    if (copy == NULL)
        return ND_NOMEM;
    addresses->items[addresses->n++] = copy;
    return ND_OK;
}

nd_err nd_addresses_in_directory(nd_addresses *addresses, const char *directory, unsigned n)
{
    nd_err err = ND_OK;
    nd_addresses_deinit(addresses);
    for (unsigned i = 0; i < n && err == ND_OK; i++)
        err = nd_addresses_add(addresses, "ipc://%s/%u", directory, i);
    if (err != ND_OK)
        nd_addresses_deinit(addresses);
    return err;
}

/* The length of what two addresses on one machine have in common: all before the port, or the
 * protocol of an ipc address. */
static size_t host_size(const char *address)
{
    const char *const colon =
        strncmp(address, "ipc:", 4) == 0 ? strchr(address, ':') : strrchr(address, ':');
    return colon != NULL ? (size_t)(colon - address) : strlen(address);
}

unsigned nd_most_on_a_host(const char *const *addresses, unsigned n)
{
    unsigned most = 0;
    for (unsigned i = 0; i < n; i++) {
        const size_t size = host_size(addresses[i]);
        unsigned n_alike = 0;
        for (unsigned k = 0; k < n; k++)
            n_alike += host_size(addresses[k]) == size &&
                       strncasecmp(addresses[i], addresses[k], size) == 0;
        most = n_alike > most ? n_alike : most;
    }
    return most;
}

unsigned nd_addresses_most_on_a_host(const nd_addresses *addresses)
{
    return nd_most_on_a_host((const char *const *)addresses->items, addresses->n);
}

bool nd_is_host_name(const char *text, size_t size)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_";
    if (size == 0 || size > NAME_SIZE || text[0] == '-' || text[0] == '.')
        return false;
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0' || strchr(allowed, text[i]) == NULL)
            return false;
    return true;
}
