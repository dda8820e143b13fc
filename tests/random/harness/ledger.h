/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_LEDGER_H
#define TESTS_RANDOM_HARNESS_LEDGER_H

/** @file
 * A ledger of records under way: what is to arrive, how often, where and at which time. Nothing is
 * known to it but what senders and receivers enter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/time.h>

/** One record on its way to one worker's instance. */
typedef struct ledger_line {
    uint64_t id;
    uint32_t flow, channel, worker;
    uint32_t n; /* how often it is to arrive still */
    nd_time time;
} ledger_line;

typedef struct record_ledger {
    ledger_line *lines; /* a hash table; lines with n = 0 stay, those with id = 0 are free */
    size_t len, capacity;
} record_ledger;

/** Enters that a record is to arrive once more. `line->n` does not matter; ids are not zero. */
void ledger_send(record_ledger *ledger, const ledger_line *line);

/** Takes one arrival off; false if none is to come. */
bool ledger_receive(record_ledger *ledger, const ledger_line *line);

/** Some record of a dataflow that has not arrived, or NULL. Linear. */
const ledger_line *ledger_missing(const record_ledger *ledger, uint32_t flow);

void ledger_free(record_ledger *ledger);

#endif
