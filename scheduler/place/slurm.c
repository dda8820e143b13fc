/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm's lists. A name with brackets stands for the product of what is in them, the last bracket
 * counting fastest; the k-th name is written from the digits of k in that mixed radix. */
#include "scheduler/place/slurm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scheduler/place/addresses.h"
#include "scheduler/place/number.h"

enum { MOST_NUMBER = 999999999 };

static nd_err refuse(const char *what, const char *list, nd_message *message)
{
    return nd_message_set(message, ND_USAGE,
                          "Slurm's list of %s is not understood: '%.200s'; "
                          "list the processes in a file and add --hosts FILE",
                          what, list);
}

/* --- Brackets --- */

/* "01-03": numbers of the width of the first. */
typedef struct range {
    uint64_t first, last;
    size_t width;
} range;

/* Reads a range up to `end`; false if it is none. */
static bool parse_range(const char *text, const char *end, range *found)
{
    const char *const dash = memchr(text, '-', (size_t)(end - text));
    const char *const first_end = dash != NULL ? dash : end;
    found->width = (size_t)(first_end - text);
    if (!nd_number_parse(text, found->width, MOST_NUMBER, &found->first))
        return false;
    found->last = found->first;
    if (dash != NULL &&
        !nd_number_parse(dash + 1, (size_t)(end - dash - 1), MOST_NUMBER, &found->last))
        return false;
    return found->first <= found->last && found->width < 10;
}

/* The end of the part of a bracket, or of a list, that begins at `text`. */
static const char *part_end(const char *text, const char *end)
{
    const char *const comma = memchr(text, ',', (size_t)(end - text));
    return comma != NULL ? comma : end;
}

/* How many numbers the inside of a bracket stands for; 0 if it is none, and no more than one more
 * than there may be. */
static uint64_t count_numbers(const char *text, const char *end)
{
    uint64_t n = 0;
    range one;
    for (;; text++) {
        const char *const next = part_end(text, end);
        if (!parse_range(text, next, &one))
            return 0;
        n += one.last - one.first + 1;
        if (n > ND_MAX_PROCESSES)
            return ND_MAX_PROCESSES + 1;
        text = next;
        if (next == end)
            return n;
    }
}

/* Writes the `index`-th number of a bracket, which count_numbers has accepted. */
static int write_number(const char *text, const char *end, uint64_t index, char *to, size_t room)
{
    range one = {0};
    for (;; text++) {
        const char *const next = part_end(text, end);
        (void)parse_range(text, next, &one);
        if (index <= one.last - one.first)
            return snprintf(to, room, "%0*" PRIu64, (int)one.width, one.first + index);
        index -= one.last - one.first + 1;
        text = next;
    }
}

/* --- Names --- */

/* How many names an item of the list stands for; 0 if it is none. */
static uint64_t count_names(const char *text, const char *end)
{
    uint64_t n = 1;
    while (text < end) {
        const char *const open = memchr(text, '[', (size_t)(end - text));
        if (open == NULL)
            return n;
        const char *const close = memchr(open, ']', (size_t)(end - open));
        if (close == NULL)
            return 0;
        n *= count_numbers(open + 1, close);
        if (n == 0 || n > ND_MAX_PROCESSES)
            return n;
        text = close + 1;
    }
    return n;
}

/* Writes the `k`-th of an item's `n` names, which count_names has counted. */
static bool write_name(const char *text, const char *end, uint64_t k, uint64_t n, char *name,
                       size_t room)
{
    size_t size = 0;
    while (text < end && size < room) {
        if (*text != '[') {
            name[size++] = *text++;
            continue;
        }
        const char *const close = memchr(text, ']', (size_t)(end - text));
        n /= count_numbers(text + 1, close);
        size += (size_t)write_number(text + 1, close, k / n, name + size, room - size);
        k %= n;
        text = close + 1;
    }
    if (size >= room)
        return false;
    name[size] = '\0';
    return nd_is_host_name(name, size);
}

/* The end of an item: a comma outside brackets. */
static const char *item_end(const char *text)
{
    bool is_inside = false;
    for (; *text != '\0' && (is_inside || *text != ','); text++)
        is_inside = *text == '[' || (is_inside && *text != ']');
    return text;
}

nd_err nd_slurm_parse_nodes(const char *list, nd_slurm_node *nodes, unsigned *n_nodes,
                            nd_message *message)
{
    unsigned n_found = 0;
    for (const char *text = list;; text++) {
        const char *const end = item_end(text);
        const uint64_t n = count_names(text, end);
        if (n > ND_MAX_PROCESSES - n_found)
            return nd_message_set(message, ND_USAGE, "Slurm lists more than %d machines: '%.200s'",
                                  ND_MAX_PROCESSES, list);
        if (n == 0)
            return refuse("machines", list, message);
        for (uint64_t k = 0; k < n; k++, n_found++)
            if (!write_name(text, end, k, n, nodes[n_found].name, sizeof nodes->name))
                return refuse("machines", list, message);
        text = end;
        if (*end == '\0')
            break;
    }
    *n_nodes = n_found;
    return ND_OK;
}

/* --- Tasks --- */

/* "2(x3)": two tasks on each of three machines. */
static bool parse_share(const char *text, const char *end, uint64_t *n_tasks, uint64_t *n_nodes)
{
    const char *const times = memchr(text, '(', (size_t)(end - text));
    *n_nodes = 1;
    if (!nd_number_parse(text, (size_t)((times != NULL ? times : end) - text), ND_MAX_PROCESSES,
                         n_tasks))
        return false;
    if (times == NULL)
        return true;
    return end - times > 3 && times[1] == 'x' && end[-1] == ')' &&
           nd_number_parse(times + 2, (size_t)(end - times - 3), MOST_NUMBER, n_nodes) &&
           *n_nodes != 0;
}

static void spread(nd_slurm_node *nodes, unsigned n_nodes, unsigned n_tasks)
{
    for (unsigned i = 0; i < n_nodes; i++)
        nodes[i].n_tasks = n_tasks / n_nodes + (i < n_tasks % n_nodes);
}

nd_err nd_slurm_parse_tasks(const char *list, nd_slurm_node *nodes, unsigned n_nodes,
                            unsigned n_tasks, nd_message *message)
{
    unsigned n_done = 0, n_counted = 0;
    if (list == NULL) {
        spread(nodes, n_nodes, n_tasks);
        return ND_OK;
    }
    const char *const list_end = list + strlen(list);
    for (const char *text = list;; text++) {
        uint64_t n_here, n_times;
        const char *const end = part_end(text, list_end);
        if (!parse_share(text, end, &n_here, &n_times) || n_times > n_nodes - n_done)
            return refuse("tasks", list, message);
        for (uint64_t k = 0; k < n_times; k++) {
            nodes[n_done++].n_tasks = (unsigned)n_here;
            n_counted += (unsigned)n_here;
        }
        text = end;
        if (end == list_end)
            break;
    }
    return n_done == n_nodes && n_counted == n_tasks ? ND_OK : refuse("tasks", list, message);
}
