/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TRANSPORT_TRANSPORT_SUITE_H
#define TESTS_TRANSPORT_TRANSPORT_SUITE_H

/** @file
 * What every transport promises (runtime/transport.h), as tests: frames of a sender arrive whole,
 * once, in the order sent; batches once; nothing is lost or kept when it ends.
 */

#include "tests/support/cmocka.h"

#include "runtime/base/random.h"
#include "runtime/transport.h"

/** A transport to be tested. */
typedef struct network_ops {
    /** Makes one for so many workers, or NULL without memory. */
    void *(*create)(unsigned n_workers);
    void (*destroy)(void *self);
    nd_transport (*transport)(void *self, unsigned worker);
    /** Lets something that is under way come nearer; false if nothing is. Asynchronous: waits until
     * something may have come since the last call; false when patience has ended. */
    bool (*deliver)(void *self, nd_random *random);
    /** The worker whose frame it is, of the sender that a frame names. NULL: the sender is it. */
    unsigned (*worker_of_sender)(void *self, unsigned sender);
    /** What is sent arrives by and by, and whoever asks at once may be too early. */
    bool is_asynchronous;
} network_ops;

/** A batch of one record that is `number`; NULL without memory. */
nd_batch *suite_batch(nd_pool *pool, uint64_t number);

/** Fills a frame in; what it says follows from sender and sequence. `changes` has room for
 * SUITE_CHANGES. It is of a dataflow below SUITE_FLOWS. */
enum { SUITE_CHANGES = 40, SUITE_FLOWS = 16 };
void suite_frame(unsigned sender, uint64_t sequence, nd_frame *frame, nd_change *changes);

/** Whether it is the frame that suite_frame makes, but for its own sender; changes may come in any
 * order. */
bool suite_frame_is(const nd_frame *frame, unsigned sender, uint64_t sequence);

/** Runs the suite and returns the number of failed tests. */
int suite_run(const char *name, const network_ops *network);

#endif
