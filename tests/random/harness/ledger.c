/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/ledger.h"

#include <stdlib.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

static bool is_same(const ledger_line *a, const ledger_line *b)
{
    return a->id == b->id && a->flow == b->flow && a->channel == b->channel &&
           a->worker == b->worker && nd_time_equal(&a->time, &b->time);
}

/* The line itself, or the free place where it belongs. */
static ledger_line *find(const record_ledger *ledger, const ledger_line *line)
{
    uint64_t hash = mix(mix(line->id, line->channel), line->worker);
    hash = mix(hash, line->time.epoch);
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        hash = mix(hash, line->time.loop[k]);
    size_t place = (size_t)hash & (ledger->capacity - 1);
    while (ledger->lines[place].id != 0 && !is_same(&ledger->lines[place], line))
        place = (place + 1) & (ledger->capacity - 1);
    return &ledger->lines[place];
}

static void grow(record_ledger *old)
{
    record_ledger grown = {.capacity = old->capacity != 0 ? 2 * old->capacity : 256,
                           .len = old->len};
    grown.lines = calloc(grown.capacity, sizeof *grown.lines);
    if (grown.lines == NULL)
        abort();
    for (size_t i = 0; i < old->capacity; i++)
        if (old->lines[i].id != 0)
            *find(&grown, &old->lines[i]) = old->lines[i];
    free(old->lines);
    *old = grown;
}

void ledger_send(record_ledger *ledger, const ledger_line *line)
{
    if (2 * ledger->len >= ledger->capacity)
        grow(ledger);
    ledger_line *place = find(ledger, line);
    if (place->id == 0) {
        *place = *line;
        place->n = 0;
        ledger->len++;
    }
    place->n++;
}

bool ledger_receive(record_ledger *ledger, const ledger_line *line)
{
    if (ledger->len == 0)
        return false;
    ledger_line *place = find(ledger, line);
    if (place->id == 0 || place->n == 0)
        return false;
    place->n--;
    return true;
}

const ledger_line *ledger_missing(const record_ledger *ledger, uint32_t flow)
{
    for (size_t i = 0; i < ledger->capacity; i++)
        if (ledger->lines[i].n != 0 && ledger->lines[i].flow == flow)
            return &ledger->lines[i];
    return NULL;
}

void ledger_free(record_ledger *ledger)
{
    free(ledger->lines);
    *ledger = (struct record_ledger){.len = 0};
}
