/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_CLUSTER_H
#define NEREID_CLUSTER_H

/** @file
 * Clusters: how a program comes to know the processes it runs together with, and how they are
 * started. nd_main does all of this; these functions are for programs that read more options than
 * nd_main takes, and for those that start others.
 *
 *     nd_cluster cluster;
 *     nd_err err = nd_cluster_open(&cluster, argv, &message);
 *     if (err == ND_OK && cluster.must_launch)
 *         status = nd_launch(&cluster.config, true, cluster.command, &message);
 *     else if (err == ND_OK)
 *         err = nd_execute(&cluster.config, program, arg, NULL, &message);
 *     nd_cluster_close(&cluster);
 */

#include <stdbool.h>

#include <nereid/error.h>
#include <nereid/worker.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

enum {
    ND_MAX_PROCESSES = 128, /* of a cluster */
    ND_MAX_LAUNCHED = 64,   /* that nd_launch starts */
};

/* --- Hosts --- */

/** Addresses as nd_config has them, and the memory they stand in. Zero is an empty list. */
typedef struct nd_addresses {
    char **items; /* n of them; owned */
    unsigned n;
} nd_addresses;

/** Frees the list, which is empty afterwards. */
void nd_addresses_deinit(nd_addresses *addresses);

/** Reads a hosts file: a `host:port` a line, the line's place (counted from zero, without empty
 * lines and `#` comments) being the process's number. A host is a name, an IPv4 address, or an IPv6
 * address in brackets. Replaces `*addresses`. Errors: ND_INPUT, with `FILE:LINE: what is wrong`,
 * for a line that is none, one that was there before, more than ND_MAX_PROCESSES, none at all, and
 * an unreadable file; ND_NOMEM. */
ND_CHECKED nd_err nd_hosts_read(const char *path, nd_addresses *addresses, nd_message *message);

/* --- Options --- */

/** The options of a program about its cluster. Zero and NULL: not given. */
typedef struct nd_options {
    unsigned n_workers;   /* -w N: of each process */
    unsigned n_processes; /* -n N: to be started on this machine */
    unsigned process;     /* -p INDEX: which one of --hosts this is, if has_process */
    unsigned timeout_s;   /* --timeout S */
    unsigned stall_s;     /* --stall S */
    const char *hosts;    /* --hosts FILE */
    const char *secret;   /* --secret FILE */
    bool has_process;
} nd_options;

/** Takes these options (also as `-w2` and `--timeout=5`) out of `argv`, up to a `--`, which stays:
 * `argv` is shortened and ends with NULL. Sets those that are there; texts are borrowed from
 * `argv`. Errors: ND_USAGE for values that are none. */
ND_CHECKED nd_err nd_options_take(char **argv, nd_options *options, nd_message *message);

/* --- Membership --- */

/** What options and environment say about this process. The caller's storage. */
typedef struct nd_cluster {
    nd_config config;       /* lends from the list below, from argv and from the environment */
    bool must_launch;       /* -n: config.n_processes are to be started here (nd_launch) */
    bool is_placed;         /* it is one of the processes of a hosts file, or of a launcher */
    char **command;         /* argv as it was given: what nd_launch wants; owned */
    nd_addresses addresses; /* owned */
    char directory[104];    /* of ipc addresses, where it was made for this run; else empty */
} nd_cluster;

/** Finds out which process of which cluster this is: from the options, which are taken out of
 * `argv` (nd_options_take; NULL: there are none), and where they are silent from NEREID_WORKERS,
 * NEREID_HOSTS with NEREID_PROCESS, NEREID_SECRET, NEREID_TIMEOUT and NEREID_STALL.
 *
 * Without `--hosts` the place in a cluster comes from whoever has started the program: nd_launch,
 * Open MPI, Slurm, or a Kubernetes stateful set (NEREID_PROCESSES, NEREID_SERVICE and perhaps
 * NEREID_PORT beside a host name that ends in a number). Under nd_launch it is nd_child_begin, too.
 *
 * To be called before the program starts threads. Errors: ND_USAGE for options that are wrong or
 * contradict each other or the environment; ND_INPUT as nd_hosts_read; ND_CLOSED as nd_child_begin;
 * ND_FAILED where no directory for ipc addresses can be made; ND_NOMEM. The cluster is to be closed
 * also then. */
ND_CHECKED nd_err nd_cluster_open(nd_cluster *cluster, char **argv, nd_message *message);

/** Finds out the same, for options that were taken already, without taking part: for a program that
 * is going to start or to become another one. No directory is made, so ipc addresses in one that is
 * to be shared are missing; there is no `command`, and workers are not chosen. Errors: as
 * nd_cluster_open, but for ND_CLOSED and ND_FAILED. */
ND_CHECKED nd_err nd_cluster_plan(nd_cluster *cluster, const nd_options *options,
                                  nd_message *message);

/** Frees what the cluster owns, and takes its directory away if it was the last to use it. */
void nd_cluster_close(nd_cluster *cluster);

/* --- Starting processes --- */

/** Starts this very program (/proc/self/exe) `config->n_processes` times with `argv`, waits for all
 * of them, and returns the exit status: 0 if all ended with that, else that of the first failure, 4
 * for a process that a signal ended. Then `message` has the cause.
 *
 * Processes find each other by the environment, which nd_cluster_open reads, in a directory that
 * only this user may enter. What `config` says about workers, secret and times is handed on. With
 * `has_prefixes` each line of output goes through the caller, which puts `[pI] ` in front of it;
 * without, processes write for themselves. Standard input is process 0's.
 *
 * The first SIGINT, SIGTERM or SIGHUP is passed on, the second ends every process at once. When a
 * process fails the rest are ended within a second. What processes have started and left behind is
 * killed when the last of them has ended, unless the caller has had children of its own before.
 *
 * When the caller dies, even by SIGKILL, all processes do. But by SIGKILL it leaves what they have
 * started, if that has not called nd_child_begin itself (a script's other commands), and the
 * directory, of the name nereid-XXXXXX in $XDG_RUNTIME_DIR, $TMPDIR or /tmp.
 *
 * SIGUSR1 goes to the first process that catches it, or that has started one that does: it explains
 * what the run waits for.
 *
 * To be called on the thread that lives longest, the main one: the system ends the processes with
 * the thread that started them. No other thread should start children, wait for them or take these
 * signals. Standard descriptors that are closed are occupied (nd_descriptors_occupy). */
int nd_launch(const nd_config *config, bool has_prefixes, char *const argv[], nd_message *message);

/** What a process does first that nd_launch has started; otherwise it does nothing. From then on
 * the process ends with whoever started it, also after it has executed another program. Errors:
 * ND_CLOSED if the launcher is gone already; ND_USAGE for a NEREID_LAUNCHER that is no process. */
ND_CHECKED nd_err nd_child_begin(nd_message *message);

/** Says why the program ends, in one line: to the launcher, which tells the first cause only, or as
 * `nereid: TEXT` on standard error if there is none. `status` is the exit status, not zero. */
void nd_report(int status, const char *text);

/** Gives the numbers of standard input, output and error, where they are closed, to something that
 * cannot be read or written, so that no file gets them. nd_main and nd_launch do so; it is for
 * programs that open files before. To be called while there is one thread. */
void nd_descriptors_occupy(void);

/* --- Trouble --- */

/** What a check has found. */
typedef enum nd_verdict {
    ND_VERDICT_OK,
    ND_VERDICT_WARN, /* a run may go well, but this is worth knowing */
    ND_VERDICT_FAIL, /* it would stop a run; the text ends with what to do */
} nd_verdict;

/** Looks for what would stop a run with these options: versions of libraries, encryption, cores,
 * limits, memory, the keys, the hosts file, and whether this process could listen at its address
 * and reach the others. Where the options are silent the environment is asked, as by
 * nd_cluster_open, so it also works inside of Slurm or a pod. `line` is called once a check, as
 * results come; texts are one line, and borrowed.
 *
 * It opens connections to the other processes and closes them again, which a run that goes on there
 * does not mind; without `-p` it does so to all. Takes ten seconds at the most. Returns how many
 * checks have failed. */
unsigned nd_doctor(const nd_options *options,
                   void (*line)(void *context, nd_verdict verdict, const char *text),
                   void *context);

/* --- Trust --- */

/** Makes a key pair and writes it to a new file that only this user may read (mode 0600). Processes
 * that are given the same file trust each other and nobody else. Errors: ND_IO if the file exists
 * already or cannot be written; ND_FAILED where ZeroMQ cannot encrypt. */
ND_CHECKED nd_err nd_keys_create(const char *path, nd_message *message);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
