/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_STREAM_H
#define NEREID_STREAM_H

/** @file
 * Operators on streams: the ready-made vertices. Each lives in the scope of its input stream, and
 * is written on the public vertex interface as a program's own would be.
 *
 * User functions are called once a batch, so that the compiler of the program sees the loop. They
 * run on the worker's thread; `user` is the data of the nd_user given when the operator was made.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <nereid/batch.h>
#include <nereid/dataflow.h>
#include <nereid/vertex.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** An input of this worker: where the program's records enter. Belongs to the dataflow. It begins
 * at epoch 0. */
typedef struct nd_input nd_input;

/** Makes an input of `type` in the root scope. Every worker has its own and must advance or close
 * it, also if it never feeds it: an open input holds everybody back. */
nd_stream nd_input_new(nd_dataflow *flow, const nd_type *type, nd_input **input);

/** Copies one record, or `len` side by side, into the input's present epoch. Records with a NaN
 * fail the run; -0.0 becomes 0.0. */
void nd_input_send(nd_input *input, const void *record);
void nd_input_send_many(nd_input *input, const void *records, size_t len);

/** Ends all epochs before `epoch`, which must not be less than the present one. */
void nd_input_advance(nd_input *input, uint64_t epoch);

/** Ends the input. Later calls do nothing. */
void nd_input_close(nd_input *input);

/** The type of what it is sent. */
const nd_type *nd_input_type(const nd_input *input);

/** How many records it has been sent, and the worker that it belongs to. */
uint64_t nd_input_n_sent(const nd_input *input);
nd_worker *nd_input_worker(const nd_input *input);

/** Fails the run on behalf of the input, as nd_fail. */
void nd_input_fail(nd_input *input, const char *text);

/** The present epoch; UINT64_MAX once closed. */
uint64_t nd_input_epoch(const nd_input *input);

/** Reads `len` records, writes at most `len` of the output type to `out`, returns how many. */
typedef size_t nd_map_fn(void *user, const void *records, size_t len, void *out);
/** Reads `len` records, writes any number through `out`. */
typedef void nd_flat_map_fn(void *user, const void *records, size_t len, nd_emit *out);
/** Looks at `len` records of one time. */
typedef void nd_inspect_fn(void *user, const nd_type *type, const nd_time *time,
                           const void *records, size_t len);
/** Sets `keep[i]` for each record. `keep` is false everywhere at the call. */
typedef void nd_filter_fn(void *user, const void *records, size_t len, bool *keep);
/** Adds a record to the running total of its key, which is a record of the same type; the first of
 * a key is the total. */
typedef void nd_aggregate_fn(void *user, void *total, const void *record);

/** Transforms and filters in one loop. */
nd_stream nd_map(nd_stream stream, const nd_type *type, nd_map_fn *fn, nd_user user);
nd_stream nd_flat_map(nd_stream stream, const nd_type *type, nd_flat_map_fn *fn, nd_user user);
nd_stream nd_filter(nd_stream stream, nd_filter_fn *fn, nd_user user);

/** Shows every batch to `fn` and passes it on untouched. */
nd_stream nd_inspect(nd_stream stream, nd_inspect_fn *fn, nd_user user);

/** An nd_inspect_fn that prints a line a record on standard output: the time, then the fields,
 * separated by blanks. */
void nd_print(void *user, const nd_type *type, const nd_time *time, const void *records,
              size_t len);

/** All records of `n` streams of one type and scope. */
nd_stream nd_concat(const nd_stream *streams, size_t n);

/** Moves each record to the worker that its key chooses, or each batch to every worker. */
nd_stream nd_stream_exchange(nd_stream stream);
nd_stream nd_stream_broadcast(nd_stream stream);

/** For each key (the type's leading fields) of each time: its records added up with `fn`, sent when
 * the time is complete, in ascending order of the key within a worker. Exchanges by key. The type
 * must be flat, or have nd_bytes in its key only. */
nd_stream nd_aggregate(nd_stream stream, nd_aggregate_fn *fn, nd_user user);

/** A vertex with one input and one output in a few words: `on_recv` and `on_notify` as in
 * nd_vertex_def. */
typedef struct nd_operator_def {
    const char *name;
    const nd_type *output;
    size_t state_size;
    void (*on_recv)(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch);
    void (*on_notify)(nd_vertex *vertex, const nd_time *time);
    void (*deinit)(nd_vertex *vertex);
    nd_user user;
} nd_operator_def;

/** Generic vertices with one and with two inputs. `def` is borrowed until the call returns. */
nd_stream nd_unary(nd_pact input, const nd_operator_def *def);
nd_stream nd_binary(nd_pact left, nd_pact right, const nd_operator_def *def);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
