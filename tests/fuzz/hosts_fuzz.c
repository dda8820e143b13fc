/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts files: what was read reads the same again, and what is refused is refused in one line that
 * names the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/place/addresses.h"
#include "scheduler/place/hosts.h"
#include "tests/support/fuzz.h"

enum { MOST_BYTES = 1 << 16 };

/* Writes the addresses as a hosts file and compares what that gives. */
static void check_again(const nd_addresses *found)
{
    static char text[MOST_BYTES];
    size_t size = 0;
    nd_message message;
    nd_addresses again = {.items = NULL};
    for (unsigned i = 0; i < found->n; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\n",
                                 found->items[i] + strlen("tcp://"));
    if (nd_hosts_parse("again", text, size, &again, &message) != ND_OK || again.n != found->n)
        abort();
    for (unsigned i = 0; i < found->n; i++)
        if (strcmp(found->items[i], again.items[i]) != 0)
            abort();
    const unsigned most = nd_addresses_most_on_a_host(found);
    if (most < 1 || most > found->n)
        abort();
    nd_addresses_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nd_addresses found = {.items = NULL};
    nd_message message = {""};
    if (size > MOST_BYTES)
        return 0;
    const nd_err err = nd_hosts_parse("fuzz", (const char *)data, size, &found, &message);
    if (err == ND_OK)
        check_again(&found);
    else if (err != ND_INPUT || strncmp(message.text, "fuzz:", 5) != 0 || found.n != 0)
        abort();
    nd_addresses_deinit(&found);
    return 0;
}
