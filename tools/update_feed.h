/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_UPDATE_FEED_H
#define NEREID_TOOLS_UPDATE_FEED_H

/* Updates, read by a thread of their own, so that a worker never waits for a pipe while there is
 * anything else to do or to be told. The thread is at most FEED_CHUNKS chunks ahead. */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/dataflow.h>
#include <nereid/graph.h>

#include "tools/progress_bar.h"

enum { FEED_CHUNKS = 64, FEED_CHUNK_UPDATES = 512 };

/* Updates of one epoch. */
typedef struct update_chunk {
    nd_edge_update updates[FEED_CHUNK_UPDATES];
    size_t len;
    bool ends_epoch;
    bool is_last; /* nothing follows: it is the end, or `err` */
    nd_err err;
    nd_message message; /* if there is an err */
} update_chunk;

typedef struct update_feed update_feed;

/* `files` and `bar` are copied, what they point to lent. Errors: ND_NOMEM. */
ND_CHECKED nd_err update_feed_create(const nd_update_options *files, const progress_bar *bar,
                                     update_feed **feed);

/* The vertex that has `worker` woken when a chunk has come; every worker makes one in the same
 * place of its dataflow, worker 0 with the feed, the others with NULL. */
void update_feed_listen(nd_dataflow *flow, update_feed *feed);

/* Starts to read. Errors: ND_NOMEM, ND_FAILED where no thread can be had. */
ND_CHECKED nd_err update_feed_start(update_feed *feed, nd_message *message);

/* Waits for the next chunk, running dataflows of the worker meanwhile; it is lent until the next
 * call. After the last chunk it must not be called. Errors: as nd_worker_step. */
ND_CHECKED nd_err update_feed_next(update_feed *feed, nd_worker *worker,
                                   const update_chunk **chunk);

/* Ends the listening, after the last chunk: its vertex does not hold the dataflow back any more. */
void update_feed_stop_listening(update_feed *feed);

/* When no worker uses the feed any more. If the last chunk was taken, waits for the thread, and
 * sets `*reader` (owned by the feed) to what has read all; else it is NULL. */
void update_feed_join(update_feed *feed, const nd_update_reader **reader);

/* How long it took to read epoch 0; after update_feed_join. */
double update_feed_read_s(const update_feed *feed);

/* Frees the feed; NULL is fine. One that was not read to the end is left to its thread, which may
 * wait for a pipe for ever: the program is about to end. */
void update_feed_destroy(update_feed *feed);

#endif
