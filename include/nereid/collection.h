/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_COLLECTION_H
#define NEREID_COLLECTION_H

/** @file
 * Collections: tables that change (McSherry and others, Differential dataflow, CIDR 2013).
 *
 * A collection is a stream of *updates*: a record, a time, and a difference, by how much the number
 * of times that the record is there changes then. At a time the collection holds each record as
 * often as the differences of all its updates at or before that time add up to. An operator is
 * given updates and makes updates, such that what it has made, added up, is at every time what the
 * operator would make of what it was given, added up.
 *
 * Records are those of any nd_type but objects, with at most ND_MAX_COLLECTION_FIELDS fields. User
 * functions are called once a batch, on the worker's thread, and must be pure: the same record
 * gives the same result whenever, and wherever, it comes.
 *
 * Differences are counted in 64 bits; when one is too large for that, the run fails.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <nereid/batch.h>
#include <nereid/dataflow.h>
#include <nereid/stream.h>
#include <nereid/time.h>
#include <nereid/type.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

enum { ND_MAX_COLLECTION_FIELDS = 23 };

/** Where a collection is kept, in order of its keys (nd_arrange). */
typedef struct nd_index nd_index;

/** A collection of records of `type`, as the functions below make it. A value: copy it freely, use
 * it as often as needed. Everything but the stream and the type is private to those functions. */
typedef struct nd_collection {
    nd_stream stream; /* of updates; without an origin after a mistake */
    const nd_type *type;
    unsigned n_loops;  /* whose counters stand in its updates: the loops around whoever made them,
                          but for those that it has left since */
    nd_index *index;   /* of an arranged one, borrowed from its dataflow; else NULL */
    nd_stream batches; /* what is added to the index */
    uint64_t since;    /* of an imported one: the epoch it begins at; else zero */
} nd_collection;

/* --- Inputs --- */

/** Makes an input of records of `type` in the root scope. It is fed with the functions below, and
 * advanced and closed as every input (nereid/stream.h). Every worker has its own; what they are fed
 * adds up. */
nd_collection nd_collection_input_new(nd_dataflow *flow, const nd_type *type, nd_input **input);

/** In the input's present epoch a record comes, goes, or comes `diff` times. It is copied, and so
 * is what its nd_bytes point to. */
void nd_collection_insert(nd_input *input, const void *record);
void nd_collection_remove(nd_input *input, const void *record);
void nd_collection_update(nd_input *input, const void *record, int64_t diff);
/** The same for `len` records side by side. */
void nd_collection_update_many(nd_input *input, const void *records, size_t len, int64_t diff);

/** Makes an input that is told what each key (the type's leading fields) has: one record, or none.
 * What comes out is the change. Otherwise as nd_collection_input_new. */
nd_collection nd_upsert_input_new(nd_dataflow *flow, const nd_type *type, nd_input **input);

/** From the input's present epoch on the record's key has this record, or none (then the fields
 * behind the key do not matter). Of all that a worker says of a key in one epoch the last counts;
 * if several workers do, the greatest record. */
void nd_upsert(nd_input *input, const void *record);
void nd_upsert_remove(nd_input *input, const void *record);

/* --- Operators without state --- */

/** Reads `len` records and writes `len`, each in the place of its own. */
typedef void nd_collection_map_fn(void *user, const void *records, size_t len, void *out);

/** Replaces each record by another, of `type`. */
nd_collection nd_collection_map(nd_collection collection, const nd_type *type,
                                nd_collection_map_fn *fn, nd_user user);

/** Keeps the records that `fn` marks. */
nd_collection nd_collection_filter(nd_collection collection, nd_filter_fn *fn, nd_user user);

/** Where the records are written that come from others. The fields are private to the functions
 * below. */
typedef struct nd_changes {
    nd_emit *emit;
    const unsigned char *stamps; /* time and difference of each record read, side by side */
    size_t stamp_size;           /* bytes; the difference stands last */
    size_t stamp_offset;         /* of the stamp in what is written, a multiple of eight */
    bool is_refused;             /* a weight was zero, or a difference too large */
} nd_changes;

/** A place for one more record made of `records[i]`, to be filled before the next call; it is there
 * whenever that one is, and as often. */
static inline void *nd_changes_slot(nd_changes *out, size_t i)
{
    unsigned char *const slot = (unsigned char *)nd_emit_slot(out->emit);
    memset(slot + out->stamp_offset - 8, 0, 8); /* there may be padding behind the record */
    memcpy(slot + out->stamp_offset, out->stamps + i * out->stamp_size, out->stamp_size);
    return slot;
}

/** The same, `weight` times as often; a weight of zero is not allowed. */
void *nd_changes_slot_times(nd_changes *out, size_t i, int64_t weight);

/** Reads `len` records and writes for each any number of others. */
typedef void nd_collection_flat_map_fn(void *user, const void *records, size_t len,
                                       nd_changes *out);

/** Replaces each record by any number of others, of `type`. */
nd_collection nd_collection_flat_map(nd_collection collection, const nd_type *type,
                                     nd_collection_flat_map_fn *fn, nd_user user);

/** Reads `len` records and writes `len`, each in the place of its own, with a weight. */
typedef void nd_collection_explode_fn(void *user, const void *records, size_t len, void *out,
                                      int64_t *weights);

/** Replaces each record by another, of `type`, that is there `weight` times as often; not at all if
 * that is zero. So what is counted afterwards is the sum of the weights. */
nd_collection nd_collection_explode(nd_collection collection, const nd_type *type,
                                    nd_collection_explode_fn *fn, nd_user user);

/** All records of two collections, or of `n`, of one type, seen from one scope. */
nd_collection nd_collection_concat(nd_collection a, nd_collection b);
nd_collection nd_collection_concat_many(const nd_collection *collections, size_t n);

/** Each record as often as before, but counted against: what is there once is there -1 times. */
nd_collection nd_collection_negate(nd_collection collection);

/** The collection as seen inside `loop`, in every round, and as seen outside its loop: what all
 * rounds add up to. Both cost nothing at run time. */
nd_collection nd_collection_enter(nd_scope *loop, nd_collection collection);
nd_collection nd_collection_leave(nd_collection collection);

/** Writes for each of `len` records the round from which on it is there. */
typedef void nd_collection_round_fn(void *user, const void *records, size_t len, uint32_t *rounds);

/** The collection as seen inside `loop`, where each record comes in a round of its choosing. */
nd_collection nd_collection_enter_at(nd_scope *loop, nd_collection collection,
                                     nd_collection_round_fn *fn, nd_user user);

/** Writes for each of `len` records the epoch from which on it counts, and that from which on it no
 * longer does; UINT64_MAX: it does for ever. */
typedef void nd_collection_epochs_fn(void *user, const void *records, size_t len, uint64_t *from,
                                     uint64_t *to);

/** Each record while it is there and its epochs are: a record that is inserted early waits, and one
 * whose time is over goes by itself. In the root scope. Nothing is kept here: both updates are sent
 * at once, and who reads them without keeping them sees those of later epochs early. Whoever keeps
 * what waits for a later epoch does not look at it before: ends far ahead cost room alone. */
nd_collection nd_temporal_filter(nd_collection collection, nd_collection_epochs_fn *fn,
                                 nd_user user);

/** An update, as nd_collection_inspect shows it. */
typedef struct nd_update {
    const void *record; /* borrowed */
    nd_time time;
    int64_t diff;
} nd_update;

/** Looks at `len` updates. */
typedef void nd_collection_inspect_fn(void *user, const nd_type *type, const nd_update *updates,
                                      size_t len);

/** Watches a collection (nereid/dataflow.h): until all that belongs to an epoch has come, and, of
 * an arranged one, is in order. */
nd_probe *nd_collection_probe_new(nd_collection collection);

/** Shows every update to `fn`, and passes it on. Updates of one record and time may come in any
 * number; behind nd_consolidate there is one, or none if they cancel. */
nd_collection nd_collection_inspect(nd_collection collection, nd_collection_inspect_fn *fn,
                                    nd_user user);

/** An nd_collection_inspect_fn that prints a line an update on standard output: a name, if `user`
 * is one, the difference with its sign, the time, the fields, separated by blanks. */
void nd_collection_print(void *user, const nd_type *type, const nd_update *updates, size_t len);

/* --- Operators with state --- */

/** The same collection, arranged: kept in order of its keys. Operators below that keep records by
 * key arrange what they are given, and take what is arranged already as it is. So what several of
 * them read is arranged once, and kept once. Inside a loop too: arrange outside, then enter.
 * Exchanges by key. */
nd_collection nd_arrange(nd_collection collection);

/** The same collection in the fewest updates: of each record and time one, when the time is
 * complete, and none whose differences add up to zero; within a worker in order of records, then of
 * times. Exchanges by key. */
nd_collection nd_consolidate(nd_collection collection);

/** Where a function of a key's records writes those of the output. */
typedef struct nd_reduction nd_reduction;

/** A place for a record that is there `count` times: not zero. Its key is written there already,
 * its other fields are zero. Valid until the next call. */
void *nd_reduction_slot(nd_reduction *out, int64_t count);

/** Makes the output of one key from all records of that key: `len` of them, side by side, in order,
 * with how often each is there, which is not zero, but may be less. Called again whenever that
 * changes; not called for a key without records, which has no output. */
typedef void nd_reduce_fn(void *user, const void *records, const int64_t *counts, size_t len,
                          nd_reduction *out);

/** For each key (the type's leading fields) what `fn` makes of its records. The records that come
 * out are of `type`, which has the same key. Exchanges by key. A change costs what is there of its
 * key, and a key that has changed at very many times costs more. */
nd_collection nd_reduce(nd_collection collection, const nd_type *type, nd_reduce_fn *fn,
                        nd_user user);

/** How many records each key has, counted as often as they are there: records of `type`, which has
 * the same key, and then an integer. A key that adds up to zero has no record; a number that does
 * not fit fails the run. Outside of loops a change costs the same whatever is there of its key, and
 * nothing but the counts is kept. */
nd_collection nd_count(nd_collection collection, const nd_type *type);

/** What the fields behind the key, which are integers, add up to for each key, each record counted
 * as often as it is there: records of `type`, which has the same key, and then an integer for each
 * of these fields, in their order. A key whose records count zero has no record, whatever its sums
 * are. Outside of loops it costs as nd_count does. A sum that is too large for its field fails the
 * run, and so does one of a part of the records that is too large for 64 bits. */
nd_collection nd_sum(nd_collection collection, const nd_type *type);

/** Each record that is there, more than zero times, once. */
nd_collection nd_distinct(nd_collection collection);

/** How often a record shall be there that is there `count` times, which is not zero. */
typedef int64_t nd_threshold_fn(void *user, const void *record, int64_t count);

/** Each record as often as `fn` says. */
nd_collection nd_threshold(nd_collection collection, nd_threshold_fn *fn, nd_user user);

/** The least, and the greatest, record of each key that is there, by the fields behind the key. */
nd_collection nd_min(nd_collection collection);
nd_collection nd_max(nd_collection collection);

/** The `n` least, and the `n` greatest: a record that is there more than once counts as often. */
nd_collection nd_least(nd_collection collection, uint32_t n);
nd_collection nd_greatest(nd_collection collection, uint32_t n);

/** Running sums: of each key's records, in the order of the fields behind the key, each that is
 * there once, with the sum of its last field, an int64_t, and of those before it, each counted as
 * often as it is there. A change costs what is there of its key, since all sums behind it move. */
nd_collection nd_prefix_sum(nd_collection collection);

/* --- Sharing --- */

/** A hold on an arranged collection, by which other dataflows of the worker read it, then or later,
 * and also when its own is complete. It keeps what there is since it was made. Belongs to the
 * worker, and must be destroyed before the worker ends. */
typedef struct nd_arrangement nd_arrangement;

/** Holds an arranged collection of the root scope. Before its dataflow has started it sees all that
 * will ever be there. Owned by the caller; NULL after a mistake, which has been noted. */
nd_arrangement *nd_arrangement_create(nd_collection collection);
void nd_arrangement_destroy(nd_arrangement *arrangement); /* NULL is fine */

/** Nobody will ask any more, through this hold, what there was before `epoch`: it may be forgotten.
 * An epoch before the one that was said last changes nothing. Whoever never says so keeps every
 * change. All workers say the same. */
void nd_arrangement_advance(nd_arrangement *arrangement, uint64_t epoch);

/** The collection in another dataflow of the worker, which every worker must build alike. Nothing
 * is copied. It begins at the epoch that the hold has been advanced to: what there was by then
 * appears in that epoch. It is arranged: operators that look at its keys take it as it is. The hold
 * may be destroyed at once. If the dataflow that arranges is dropped before it is complete, the run
 * fails. */
nd_collection nd_arrangement_import(nd_dataflow *flow, nd_arrangement *arrangement);

/** Where the worker publishes what it has of an arranged collection, for any thread to read.
 * Shared. */
typedef struct nd_publisher nd_publisher;

/** Has what there is published from now on, each time that it changes. Each worker publishes what
 * it has: the keys that belong to it. Epochs before the one that the hold was advanced to cannot be
 * asked about. On the worker's thread; one reference, for the caller. NULL without memory. */
nd_publisher *nd_arrangement_publish(nd_arrangement *arrangement);
nd_publisher *nd_publisher_retain(nd_publisher *publisher);
void nd_publisher_release(nd_publisher *publisher); /* NULL is fine */

/** What a worker had of a collection at some moment. It never changes, and takes memory as long as
 * it is kept. Any thread, one at a time, while the run lasts. */
typedef struct nd_snapshot nd_snapshot;

/** What was published last; the caller's. Never waits for the worker, so that an epoch which a
 * probe has passed may not be in it yet (nd_snapshot_end). NULL without memory. */
nd_snapshot *nd_publisher_take(nd_publisher *publisher);
void nd_snapshot_release(nd_snapshot *snapshot); /* NULL is fine */

/** Whether it can say what there was in an epoch; and the first epoch that was not complete yet,
 * UINT64_MAX when all are. */
bool nd_snapshot_covers(const nd_snapshot *snapshot, uint64_t epoch);
uint64_t nd_snapshot_end(const nd_snapshot *snapshot);

/** Is shown a record and how often it is there, not zero. */
typedef void nd_snapshot_fn(void *user, const void *record, int64_t count);

/** Shows the records of a key (of a record whose key fields are set), or all, at an epoch, in
 * order. Errors: ND_INVAL: it does not cover the epoch; ND_NOMEM; ND_FAILED: a count is too large.
 */
ND_CHECKED nd_err nd_snapshot_get(const nd_snapshot *snapshot, const void *key, uint64_t epoch,
                                  nd_snapshot_fn *fn, void *user);
ND_CHECKED nd_err nd_snapshot_scan(const nd_snapshot *snapshot, uint64_t epoch, nd_snapshot_fn *fn,
                                   void *user);

/* --- Joining --- */

/** Makes one record of each pair: `out[i]` of `left[i]` and `right[i]`, which have the same key. */
typedef void nd_join_fn(void *user, const void *left, const void *right, size_t len, void *out);

/** For each key (the types' leading fields, which are alike in number, kind and width) every record
 * of `left` with every one of `right`, as often as both are there, multiplied. The records that
 * come out are of `type`. Both are seen from one scope. Exchanges by key. A change costs what the
 * other side has of its key. */
nd_collection nd_join(nd_collection left, nd_collection right, const nd_type *type, nd_join_fn *fn,
                      nd_user user);

/** The records of `left` whose key some record of `right` has, which is of any type of the same
 * key; and those whose key none has. Each as often as it is in `left`, however often in `right`. */
nd_collection nd_semijoin(nd_collection left, nd_collection right);
nd_collection nd_antijoin(nd_collection left, nd_collection right);

/** What an outer join makes of pairs, and of records without a partner. NULL: nothing. */
typedef struct nd_outer_join_def {
    nd_join_fn *both;                  /* must not be NULL */
    nd_collection_map_fn *left_alone;  /* of a record of `left` whose key `right` does not have */
    nd_collection_map_fn *right_alone; /* and the other way round */
    nd_user user;                      /* of all three */
} nd_outer_join_def;

/** As nd_join, and a record for each one that has no partner. `def` is borrowed until the call
 * returns. */
nd_collection nd_outer_join(nd_collection left, nd_collection right, const nd_type *type,
                            const nd_outer_join_def *def);

/** Whether a half join's change sees what the other collection has at its own time, too. */
typedef enum nd_half_join_order {
    ND_HALF_JOIN_UPTO,  /* what is there at that time */
    ND_HALF_JOIN_BEFORE /* what was there just before */
} nd_half_join_order;

/** Each change of `changes` with every record of its key that `arranged` has at that time: a record
 * of `type` at the time of the change, as often as both, multiplied. Later changes of `arranged` do
 * not change what has come out, and nothing is kept of `changes`; `arranged` is arranged, unless it
 * is already. Keys as in nd_join; in the root scope only. Exchanges by key. A change waits until
 * `arranged` is complete up to its time, and costs what that has of its key.
 *
 * With it, joins of any number of collections keep nothing but their inputs, arranged (*delta
 * joins*). Put the collections in an order, and send the changes of each through half joins with
 * all others, in any sequence: up to their time with those that stand before it, before their time
 * with those behind it. So each combination of records is found once, by the last of them to come,
 * and what all these paths make, concatenated, is the join.
 *
 * Two imported arrangements may show what was before they were compacted at two times: of what is
 * looked up by several keys import one, and arrange that by the others. */
nd_collection nd_half_join(nd_collection changes, nd_collection arranged, nd_half_join_order order,
                           const nd_type *type, nd_join_fn *fn, nd_user user);

/* --- Iterating --- */

/** Builds, inside `loop`, what one round makes of a collection; others are brought in by
 * nd_collection_enter. Called once, while the dataflow is built. */
typedef nd_collection nd_iterate_fn(nd_scope *loop, nd_collection collection, void *arg);

/** Applies `body` to the collection again and again, until nothing changes any more, and gives what
 * it is then; and keeps that up to date while the collection changes. `body` must come to such an
 * end, or the epoch never does: use nd_distinct, nd_min or the like in it, or a limit. */
nd_collection nd_iterate(nd_collection collection, nd_iterate_fn *body, void *arg);

/** What to do when after all rounds it is still changing: fail the run, or give what there is. */
typedef enum nd_at_limit { ND_AT_LIMIT_FAIL, ND_AT_LIMIT_RETURN } nd_at_limit;

/** As nd_iterate, in at most `n_rounds` rounds; zero: in as many as it takes. */
nd_collection nd_iterate_at_most(nd_collection collection, nd_iterate_fn *body, void *arg,
                                 uint32_t n_rounds, nd_at_limit what);

/** A collection inside a loop that is defined by an image of itself, and of other such: for loops
 * that nd_iterate is too simple for. The caller's, used while the dataflow is built; its fields are
 * private. */
typedef struct nd_variable {
    nd_feedback *back;
    nd_collection start;
    bool has_start;
    bool fails;
    uint32_t n_rounds;
} nd_variable;

/** A variable that is empty in the first round, and in each later one what the image was in the
 * round before. The image must be set. In the root scope epochs are the rounds: then it is a
 * register that gives an epoch later what it is given. */
nd_collection nd_variable_new(nd_scope *loop, const nd_type *type, nd_variable *variable);

/** A variable that is `start`, which is seen from the loop, in the first round. */
nd_collection nd_variable_from(nd_collection start, nd_variable *variable);

/** Bounds the number of rounds, before the image is set; zero: as many as it takes. */
void nd_variable_limit(nd_variable *variable, uint32_t n_rounds, nd_at_limit what);

/** Sets the image, once. It is consolidated on its way. What the variables of a loop are in the end
 * is what their images are, seen from outside (nd_collection_leave). */
void nd_variable_set(nd_variable *variable, nd_collection image);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
