/* SPDX-License-Identifier: Apache-2.0 */
/* What all readers together allow is found when it is needed, not whenever one of them moves. */
#include "operators/differential/trace.h"

#include <nereid/memory.h>

#include "operators/differential/advance.h"

struct nd_trace_reader {
    nd_trace *trace;
    nd_antichain since, accepted;
};

struct nd_trace {
    nd_trace_shape shape;
    nd_trace_spine spine;
    nd_antichain upper;
    nd_trace_holds holds;
    bool are_holds_old; /* readers have moved */
    bool is_partial;    /* something was not kept */
    bool has_writer;
    nd_vector readers;             /* nd_trace_reader * */
    nd_trace_publisher *publisher; /* retained; NULL: nobody has asked for one */
    uint64_t n_published;          /* changes of the spine, when it was published last */
};

nd_trace_shape nd_trace_shape_of(const nd_record_code *key, const nd_record_code *value)
{
    return (nd_trace_shape){.key_is_fixed = key->is_fixed,
                            .key_size = key->is_fixed ? key->size : 0,
                            .value_is_fixed = value->is_fixed,
                            .value_size = value->is_fixed ? value->size : 0};
}

/* --- Life --- */

static void destroy_unneeded(nd_trace *trace)
{
    if (trace->has_writer || trace->readers.len)
        return;
    nd_trace_spine_deinit(&trace->spine);
    nd_vector_deinit(&trace->readers);
    nd_antichain_deinit(&trace->upper);
    nd_antichain_deinit(&trace->holds.since);
    nd_antichain_deinit(&trace->holds.accepted);
    nd_trace_publisher_release(trace->publisher);
    nd_free(trace);
}

nd_trace *nd_trace_create(const nd_trace_shape *shape)
{
    nd_trace *const trace = nd_alloc_zero(1, sizeof *trace);
    if (!trace)
        return NULL;
    trace->shape = *shape;
    trace->has_writer = true;
    trace->holds.keeps_loops = true;
    nd_trace_spine_init(&trace->spine);
    nd_vector_init(&trace->readers, sizeof(nd_trace_reader *));
    const nd_time zero = {.epoch = 0};
    if (nd_antichain_insert(&trace->upper, &zero) == ND_OK &&
        nd_antichain_insert(&trace->holds.since, &zero) == ND_OK)
        return trace;
    nd_trace_release(trace);
    return NULL;
}

void nd_trace_release(nd_trace *trace)
{
    if (!trace)
        return;
    trace->has_writer = false;
    destroy_unneeded(trace);
}

/* --- What readers allow --- */

static nd_err copy(nd_antichain *to, const nd_antichain *from)
{
    return nd_antichain_set(to, nd_antichain_items(from), from->len);
}

static bool are_equal(const nd_antichain *a, const nd_antichain *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!nd_time_equal(&nd_antichain_items(a)[i], &nd_antichain_items(b)[i]))
            return false;
    return true;
}

static nd_err add_all(nd_antichain *to, const nd_antichain *from)
{
    for (size_t i = 0; i < from->len; i++)
        ND_TRY(nd_antichain_insert(to, &nd_antichain_items(from)[i]));
    return ND_OK;
}

/* A time whose counters are zero leaves those of every time as they are. */
static bool keeps_loops(const nd_antichain *since)
{
    static const nd_time root = {.epoch = UINT64_MAX};
    return nd_antichain_less_equal(since, &root);
}

static void set_since(nd_trace *trace, nd_antichain *since)
{
    nd_trace_holds *const holds = &trace->holds;
    if (are_equal(&holds->since, since))
        return;
    const nd_antichain before = holds->since;
    holds->since = *since;
    *since = before;
    holds->n_moves++;
    holds->keeps_loops = keeps_loops(&holds->since);
}

/* Gives up what nobody asks about. */
static void lose(nd_trace *trace)
{
    nd_trace_spine_clear(&trace->spine);
    trace->is_partial = true;
}

/* The earliest times at or after which somebody asks, and beyond which somebody has not taken what
 * there is. Of no readers nothing follows. */
static nd_err find_holds(nd_trace *trace)
{
    nd_antichain since, accepted;
    nd_err err = ND_OK;
    if (!trace->are_holds_old || !trace->readers.len)
        return ND_OK;
    nd_antichain_init(&since);
    nd_antichain_init(&accepted);
    for (size_t i = 0; err == ND_OK && i < trace->readers.len; i++) {
        const nd_trace_reader *const one = *(nd_trace_reader **)nd_vector_at(&trace->readers, i);
        err = add_all(&since, &one->since);
        if (err == ND_OK)
            err = add_all(&accepted, &one->accepted);
    }
    if (err == ND_OK)
        err = copy(&trace->holds.accepted, &accepted);
    if (err == ND_OK) {
        set_since(trace, &since);
        trace->are_holds_old = false;
    }
    nd_antichain_deinit(&since);
    nd_antichain_deinit(&accepted);
    return err;
}

static bool is_asked(const nd_trace *trace) { return trace->readers.len && trace->holds.since.len; }

/* --- Reading --- */

static nd_err list_views(const nd_trace *trace, const nd_antichain *through, nd_vector *views)
{
    const size_t before = views->len;
    const nd_trace_view *view;
    for (size_t i = 0; (view = nd_trace_spine_next(&trace->spine, through, &i)) != NULL;) {
        nd_trace_view *const place = nd_vector_push(views);
        if (!place) {
            while (views->len > before)
                nd_trace_view_release(nd_vector_pop(views));
            return ND_NOMEM;
        }
        *place = nd_trace_view_retain(view);
    }
    return ND_OK;
}

nd_err nd_trace_views(nd_trace *trace, const nd_antichain *through, nd_vector *views)
{
    ND_TRY(find_holds(trace));
    if (is_asked(trace))
        ND_TRY(nd_trace_spine_advance(&trace->spine, &trace->holds));
    return list_views(trace, through, views);
}

nd_err nd_trace_batches(const nd_trace *trace, const nd_antichain *through, nd_vector *batches)
{
    const size_t before = batches->len;
    const nd_trace_view *view;
    for (size_t i = 0; (view = nd_trace_spine_next(&trace->spine, through, &i)) != NULL;) {
        nd_trace_batch **const place = nd_vector_push(batches);
        if (!place) {
            while (batches->len > before)
                nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(batches));
            return ND_NOMEM;
        }
        *place = nd_trace_batch_retain(view->batch);
    }
    return ND_OK;
}

nd_trace_figures nd_trace_measure(const nd_trace *trace)
{
    return nd_trace_spine_measure(&trace->spine);
}

/* --- Publishing --- */

static nd_err make_snapshot(const nd_trace *trace, nd_trace_snapshot **snapshot)
{
    static const nd_antichain never = {.len = 0};
    nd_vector views;
    nd_vector_init(&views, sizeof(nd_trace_view));
    nd_err err = list_views(trace, NULL, &views);
    if (err == ND_OK)
        err = nd_trace_snapshot_create(trace->is_partial ? &never : &trace->holds.since,
                                       &trace->upper, &views, snapshot);
    while (views.len)
        nd_trace_view_release(nd_vector_pop(&views));
    nd_vector_deinit(&views);
    return err;
}

static nd_err publish(nd_trace *trace)
{
    nd_trace_snapshot *snapshot;
    if (!trace->publisher)
        return ND_OK;
    if (nd_trace_publisher_is_alone(trace->publisher)) {
        nd_trace_publisher_release(trace->publisher);
        trace->publisher = NULL;
        return ND_OK;
    }
    ND_TRY(make_snapshot(trace, &snapshot));
    nd_trace_publisher_put(trace->publisher, snapshot);
    trace->n_published = trace->spine.n_changes;
    return ND_OK;
}

nd_trace_publisher *nd_trace_publish(nd_trace *trace)
{
    nd_trace_snapshot *snapshot;
    if (!trace->publisher && make_snapshot(trace, &snapshot) == ND_OK) {
        trace->publisher = nd_trace_publisher_create(snapshot);
        if (!trace->publisher)
            nd_trace_snapshot_release(snapshot);
    }
    return trace->publisher ? nd_trace_publisher_retain(trace->publisher) : NULL;
}

/* --- Writing --- */

static nd_err keep(nd_trace *trace, nd_trace_batch *batch)
{
    const nd_err err = find_holds(trace);
    if (err == ND_OK && is_asked(trace))
        return nd_trace_spine_add(&trace->spine, &trace->holds, batch);
    nd_trace_batch_release(batch);
    if (err == ND_OK)
        lose(trace);
    return err;
}

nd_err nd_trace_insert(nd_trace *trace, nd_trace_batch *batch)
{
    const nd_err err = nd_antichain_set(&trace->upper, batch->upper.items, batch->upper.len);
    if (err != ND_OK) {
        nd_trace_batch_release(batch);
        return err;
    }
    ND_TRY(keep(trace, batch));
    return publish(trace);
}

nd_err nd_trace_set_upper(nd_trace *trace, const nd_antichain *upper)
{
    if (are_equal(&trace->upper, upper))
        return ND_OK;
    ND_TRY(copy(&trace->upper, upper));
    return publish(trace);
}

const nd_antichain *nd_trace_upper(const nd_trace *trace) { return &trace->upper; }

const nd_antichain *nd_trace_since(const nd_trace *trace) { return &trace->holds.since; }

nd_err nd_trace_exert(nd_trace *trace, uint64_t fuel, bool *has_more)
{
    ND_TRY(find_holds(trace));
    if (!is_asked(trace) && trace->spine.layers.len)
        lose(trace);
    ND_TRY(nd_trace_spine_exert(&trace->spine, &trace->holds, fuel));
    if (trace->n_published != trace->spine.n_changes)
        ND_TRY(publish(trace));
    *has_more = nd_trace_has_work(trace);
    return ND_OK;
}

/* What cannot be found out is left to nd_trace_exert, which can fail. */
bool nd_trace_has_work(nd_trace *trace)
{
    if (find_holds(trace) != ND_OK)
        return true;
    return is_asked(trace) ? nd_trace_spine_has_work(&trace->spine, &trace->holds)
                           : trace->spine.layers.len != 0;
}

/* --- Readers --- */

/* What was compacted for the readers there are is what another may ask about; the first may ask
 * about everything. */
static nd_err set_first_holds(nd_trace_reader *reader, const nd_trace *trace)
{
    const nd_err err = trace->readers.len
                           ? copy(&reader->since, &trace->holds.since)
                           : nd_antichain_insert(&reader->since, &(nd_time){.epoch = 0});
    return err == ND_OK ? copy(&reader->accepted, &trace->upper) : err;
}

nd_trace_reader *nd_trace_reader_create(nd_trace *trace)
{
    nd_trace_reader *const reader = nd_alloc_zero(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->trace = trace;
    nd_trace_reader **const place =
        set_first_holds(reader, trace) == ND_OK ? nd_vector_push(&trace->readers) : NULL;
    if (place) {
        *place = reader;
        trace->are_holds_old = true;
        return reader;
    }
    nd_antichain_deinit(&reader->since);
    nd_antichain_deinit(&reader->accepted);
    nd_free(reader);
    return NULL;
}

void nd_trace_reader_release(nd_trace_reader *reader)
{
    if (!reader)
        return;
    nd_trace *const trace = reader->trace;
    nd_trace_reader **const readers = trace->readers.items;
    for (size_t i = 0; i < trace->readers.len; i++)
        if (readers[i] == reader) {
            readers[i] = readers[trace->readers.len - 1];
            (void)nd_vector_pop(&trace->readers);
            break;
        }
    nd_antichain_deinit(&reader->since);
    nd_antichain_deinit(&reader->accepted);
    nd_free(reader);
    trace->are_holds_old = true;
    if (!trace->readers.len && trace->spine.layers.len)
        lose(trace);
    destroy_unneeded(trace);
}

/* A hold becomes its join with another frontier. */
static nd_err move(nd_trace_reader *reader, nd_antichain *hold, const nd_antichain *to)
{
    if (are_equal(hold, to))
        return ND_OK;
    reader->trace->are_holds_old = true;
    return nd_frontier_join(hold, nd_antichain_items(to), to->len);
}

nd_err nd_trace_reader_set_since(nd_trace_reader *reader, const nd_antichain *since)
{
    return move(reader, &reader->since, since);
}

nd_err nd_trace_reader_set_accepted(nd_trace_reader *reader, const nd_antichain *accepted)
{
    return move(reader, &reader->accepted, accepted);
}

const nd_antichain *nd_trace_reader_since(const nd_trace_reader *reader) { return &reader->since; }
