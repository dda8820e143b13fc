/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TRANSPORT_TRANSPORT_SUITE_H
#define TESTS_TRANSPORT_TRANSPORT_SUITE_H

/** @file
 * What every transport promises, as tests: each transport's own test program runs them all on
 * itself. */

#include "runtime/transport.h"

/** A transport under test. */
typedef struct transport_subject {
    /** Makes it for so many workers. */
    void *(*create)(unsigned n_workers);
    void (*destroy)(void *subject);
    nd_transport (*end_of)(void *subject, unsigned worker);
    /** Lets everything that was sent arrive; NULL where that happens by itself. */
    void (*pump)(void *subject);
} transport_subject;

/** Runs the suite; returns the number of tests that failed. */
int transport_suite_run(const char *name, const transport_subject *subject);

#endif
