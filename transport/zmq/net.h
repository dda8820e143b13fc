/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_NET_H
#define TRANSPORT_ZMQ_NET_H

/** @file
 * The transport between processes: one thread of this process that owns every ZeroMQ socket, and
 * the workers' ends of it.
 *
 * A worker hands batches and frames to the net thread through a queue and takes what has come from
 * another; between workers of this process the local transport is used. Batches leave without a
 * copy. The net thread adds this process's frames up (runtime/accumulator.h) and tells the other
 * processes.
 *
 * A run has four parts: joining (every process has met every other), running, leaving (every
 * worker has ended, the processes compare what they have sent and received), over.
 */

#include <nereid/cluster.h>
#include <nereid/worker.h>

#include "runtime/accumulator.h"
#include "runtime/budget.h"
#include "runtime/transport.h"
#include "transport/zmq/keys.h"

typedef struct nd_net nd_net;

typedef struct nd_net_def {
    unsigned process, n_processes; /* this one, 0 to n_processes - 1; at least 2 */
    unsigned n_workers;            /* of every process */
    const char *const *addresses;  /* n_processes of them, "tcp://host:port" or "ipc://path"; lent
                                      until the net is destroyed */
    uint64_t job[2];               /* names the run, alike in every process */
    uint64_t build[2];             /* a hash of the program, alike in every process */
    uint64_t incarnation;          /* random, other for every process that was ever started */
    const nd_keys *keys;           /* NULL: nothing is encrypted */
    unsigned timeout_s;            /* how long the others are waited for */
    nd_publish_mode mode;
    nd_budget *budget; /* counts what others have not consumed yet, too; lent */
    /** Something has come for a worker of this process (0 to n_workers - 1). Net thread. */
    void (*wake)(void *context, unsigned worker);
    /** Every process is there. Net thread, once. */
    void (*started)(void *context);
    /** The run has failed, here or elsewhere. Net thread or a worker's; the first one counts. */
    void (*failed)(void *context, nd_err err, const char *text);
    /** A line about what is waited for, for people. Net thread. */
    void (*notice)(void *context, const char *text);
    /** Another process wants to know what this one waits for: nd_net_answer is to be called. NULL:
     * it is not answered. Net thread, as the next two. */
    void (*asked)(void *context);
    /** A process has answered nd_net_ask. Borrowed. */
    void (*told)(void *context, unsigned process, const char *const *lines, size_t n_lines);
    /** What is known of a process that was just asked: how long nothing has come from it, and
     * whether records wait here until it has consumed others. */
    void (*heard)(void *context, unsigned process, uint64_t silent_ms, bool has_waiting);
    /** The net thread is about to end. */
    void (*over)(void *context);
    void *context;
} nd_net_def;

/** How many open files one of `n_processes` needs, with some to spare. */
unsigned long nd_net_count_files(unsigned n_processes);

/** Makes the sockets and binds to this process's address. Errors, with the cause in `message`:
 * ND_USAGE for an address that is none or is taken, ND_NOMEM. */
ND_CHECKED nd_err nd_net_create(const nd_net_def *def, nd_net **net, nd_message *message);

/** Starts the thread, which begins to join. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_net_start(nd_net *net);

/** Every worker of this process has ended well: leaves when the others do, too. Any thread. */
void nd_net_finish(nd_net *net);

/** The run has failed here: the other processes are told, unless the cause came from them, and the
 * net thread ends. Any thread. */
void nd_net_abort(nd_net *net, nd_err err, const char *text);

/** Asks every other process what it waits for; `heard` and `told` are called. Any thread. */
void nd_net_ask(nd_net *net);

/** Answers all processes that have asked: lines of text, each with a zero byte at its end, `size`
 * bytes together, at most 512 KiB. Copied. Any thread. */
void nd_net_answer(nd_net *net, const char *lines, size_t size);

/** Waits for the thread, which must have been asked to finish or to abort. */
void nd_net_join(nd_net *net);

/** Why the run has failed, the same for every process, or ND_OK; once the thread has been joined.
 */
ND_CHECKED nd_err nd_net_verdict(nd_net *net, nd_message *message);

/** Frees everything; NULL is fine. The thread must have been joined or never started; the pools of
 * the workers must still be there. */
void nd_net_destroy(nd_net *net);

/** The end of a worker (0 to n_workers - 1). Borrowed. */
nd_transport nd_net_transport(nd_net *net, unsigned worker);

/** What this process's workers have done, to be told to the others at the end. Before
 * nd_net_finish. */
void nd_net_set_stats(nd_net *net, const nd_run_stats *stats);

/** What all processes have done, once the thread has been joined and if it has ended well; else
 * what this one has told the others. */
nd_run_stats nd_net_get_stats(const nd_net *net);

#endif
