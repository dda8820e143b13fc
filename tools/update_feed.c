/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of chunks between the thread that reads and the worker that feeds.
 *
 * The worker waits as it waits for everything: for a probe, of a vertex that holds time n until the
 * n-th time that something has come to the empty ring. The thread activates the vertex only if the
 * worker has said that it waits (`is_awaited`), under the lock under which it has seen that nothing
 * is there: so no chunk is missed, and while the worker is behind nobody is woken. */
#include "tools/update_feed.h"

#include <pthread.h>
#include <signal.h>

#include <nereid/memory.h>
#include <nereid/vertex.h>
#include <nereid/worker.h>

#include "tools/statistics.h"

struct update_feed {
    nd_update_options options;
    nd_update_reader *reader; /* the thread's, until it has ended, as is all up to read_s */
    progress_bar bar;
    bool has_graph; /* epoch 0 is read */
    double read_s;  /* that it took */
    pthread_t thread;
    bool is_started, is_read; /* the last chunk was taken */

    /* The worker's. */
    nd_vertex *listener;
    nd_probe *probe;
    uint64_t held; /* the time that the listener holds */
    bool has_lent; /* the first chunk of the ring is in use */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t moved; /* a chunk was given back */
    nd_activator *activator;
    bool is_awaited;
    size_t first, len;
    update_chunk chunks[FEED_CHUNKS]; /* those from first on, len of them, are the worker's, the
                                         others the thread's */
};

nd_err update_feed_create(const nd_update_options *files, const progress_bar *bar,
                          update_feed **feed)
{
    update_feed *const made = nd_alloc_zero(1, sizeof *made);
    if (made == NULL)
        return ND_NOMEM;
    made->options = *files;
    made->bar = *bar;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->moved, NULL);
    *feed = made;
    return ND_OK;
}

void update_feed_destroy(update_feed *feed)
{
    if (feed == NULL)
        return;
    if (feed->is_started && !feed->is_read) { /* it may be in the middle of reading a pipe */
        pthread_detach(feed->thread);
        return;
    }
    nd_update_reader_close(feed->reader);
    nd_activator_release(feed->activator);
    pthread_cond_destroy(&feed->moved);
    pthread_mutex_destroy(&feed->lock);
    nd_free(feed);
}

/* --- The thread --- */

/* Waits for a chunk to fill. */
static update_chunk *take_empty(update_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    while (feed->len == FEED_CHUNKS)
        pthread_cond_wait(&feed->moved, &feed->lock);
    update_chunk *const chunk = &feed->chunks[(feed->first + feed->len) % FEED_CHUNKS];
    pthread_mutex_unlock(&feed->lock);
    return chunk;
}

static void post(update_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->len++;
    if (feed->is_awaited)
        nd_activate(feed->activator);
    feed->is_awaited = false;
    pthread_mutex_unlock(&feed->lock);
}

static nd_err read_chunk(update_feed *feed, update_chunk *chunk)
{
    if (feed->reader == NULL)
        ND_TRY(nd_update_reader_open(&feed->options, &feed->reader, &chunk->message));
    return nd_update_reader_next(feed->reader, chunk->updates, FEED_CHUNK_UPDATES, &chunk->len,
                                 &chunk->ends_epoch, &chunk->message);
}

static nd_err fill(update_feed *feed, update_chunk *chunk)
{
    const double start = clock_seconds();
    const nd_err err = read_chunk(feed, chunk);
    if (!feed->has_graph)
        feed->read_s += clock_seconds() - start;
    if (err == ND_OK) {
        feed->has_graph = feed->has_graph || chunk->ends_epoch;
        progress_bar_draw(&feed->bar, nd_update_reader_n_bytes(feed->reader),
                          nd_update_reader_n_edges(feed->reader));
    }
    return err;
}

static void *read_all(void *argument)
{
    update_feed *const feed = argument;
    bool is_last = false;
    while (!is_last) {
        update_chunk *const chunk = take_empty(feed);
        chunk->err = fill(feed, chunk);
        if (chunk->err == ND_NOMEM)
            (void)nd_message_set(&chunk->message, ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
        is_last = chunk->err != ND_OK || (chunk->len == 0 && !chunk->ends_epoch);
        chunk->is_last = is_last;
        if (is_last)
            progress_bar_clear(&feed->bar);
        post(feed);
    }
    return NULL;
}

/* Signals are for the threads of the run. */
nd_err update_feed_start(update_feed *feed, nd_message *message)
{
    sigset_t all, before;
    if (feed->activator == NULL)
        return nd_message_set(message, ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    feed->is_started = pthread_create(&feed->thread, NULL, read_all, feed) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return feed->is_started ? ND_OK
                            : nd_message_set(message, ND_FAILED, "no thread to read updates with");
}

/* --- The worker --- */

static void on_activate(nd_vertex *vertex)
{
    update_feed *const feed = *(update_feed **)nd_vertex_state(vertex);
    if (feed == NULL) {
        nd_release(vertex, &(nd_time){.epoch = 0});
        return;
    }
    pthread_mutex_lock(&feed->lock);
    const bool is_empty = feed->len == 0;
    pthread_mutex_unlock(&feed->lock);
    if (is_empty || feed->listener == NULL)
        return;
    nd_hold(vertex, &(nd_time){.epoch = feed->held + 1});
    nd_release(vertex, &(nd_time){.epoch = feed->held});
    feed->held++;
}

void update_feed_listen(nd_dataflow *flow, update_feed *feed)
{
    nd_stream nothing = {NULL};
    nd_vertex *const vertex = nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){.name = "updates", .state_size = sizeof feed, .on_activate = on_activate},
        &nothing);
    nd_probe *const probe = nd_probe_new(nothing);
    if (vertex == NULL)
        return;
    *(update_feed **)nd_vertex_state(vertex) = feed;
    if (feed == NULL)
        return;
    feed->listener = vertex;
    feed->probe = probe;
    feed->activator = nd_vertex_activator(vertex);
}

/* Gives back the chunk that was lent, and says whether another one is there. */
static bool has_next(update_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->has_lent) {
        feed->first = (feed->first + 1) % FEED_CHUNKS;
        feed->len--;
        pthread_cond_signal(&feed->moved);
    }
    feed->has_lent = feed->len > 0;
    feed->is_awaited = !feed->has_lent;
    pthread_mutex_unlock(&feed->lock);
    return feed->has_lent;
}

nd_err update_feed_next(update_feed *feed, nd_worker *worker, const update_chunk **chunk)
{
    while (!has_next(feed))
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, feed->probe, feed->held + 1));
    *chunk = &feed->chunks[feed->first];
    feed->is_read = (*chunk)->is_last;
    return ND_OK;
}

void update_feed_stop_listening(update_feed *feed)
{
    nd_release(feed->listener, &(nd_time){.epoch = feed->held});
    feed->listener = NULL;
}

void update_feed_join(update_feed *feed, const nd_update_reader **reader)
{
    *reader = NULL;
    if (!feed->is_started || !feed->is_read)
        return;
    pthread_join(feed->thread, NULL);
    *reader = feed->reader;
}

double update_feed_read_s(const update_feed *feed) { return feed->read_s; }
