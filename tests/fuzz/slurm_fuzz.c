/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm's lists of machines and of tasks, which stand on two lines: names are names, and tasks add
 * up. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/place/addresses.h"
#include "scheduler/place/slurm.h"
#include "tests/support/fuzz.h"

enum { MOST_BYTES = 4096 };

static void check_tasks(const char *list, nd_slurm_node *nodes, unsigned n_nodes)
{
    nd_message message;
    for (unsigned n_tasks = 1; n_tasks <= ND_MAX_PROCESSES; n_tasks++) {
        unsigned sum = 0;
        if (nd_slurm_parse_tasks(list, nodes, n_nodes, n_tasks, &message) != ND_OK)
            continue;
        for (unsigned i = 0; i < n_nodes; i++)
            sum += nodes[i].n_tasks;
        if (sum != n_tasks)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static nd_slurm_node nodes[ND_MAX_PROCESSES];
    char text[MOST_BYTES + 1];
    unsigned n_nodes = 0;
    nd_message message;
    if (size > MOST_BYTES)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *const newline = strchr(text, '\n');
    if (newline != NULL)
        *newline = '\0';
    if (nd_slurm_parse_nodes(text, nodes, &n_nodes, &message) != ND_OK)
        return 0;
    if (n_nodes < 1 || n_nodes > ND_MAX_PROCESSES)
        abort();
    for (unsigned i = 0; i < n_nodes; i++)
        if (!nd_is_host_name(nodes[i].name, strlen(nodes[i].name)))
            abort();
    check_tasks(newline != NULL ? newline + 1 : NULL, nodes, n_nodes);
    return 0;
}
