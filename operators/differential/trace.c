/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/trace.h"

#include <nereid/memory.h>

#include "operators/differential/advance.h"

enum { GENEROSITY = 8 /* updates merged, by each merge under way, for each that comes */ };

/* A batch, or two that are being merged. */
typedef struct layer {
    nd_trace_batch *first, *second; /* owned; second: NULL unless there is a merge */
    nd_trace_merge *merge;
} layer;

struct nd_trace_reader {
    nd_trace *trace;
    nd_antichain since, accepted;
};

struct nd_trace {
    nd_trace_shape shape;
    nd_vector layers; /* layer, the earliest first */
    nd_antichain upper;
    nd_antichain since; /* nobody asks before it any more */
    nd_vector readers;  /* nd_trace_reader * */
    bool has_writer;
};

/* --- Life --- */

static void drop_layer(layer *one)
{
    nd_trace_merge_destroy(one->merge);
    nd_trace_batch_release(one->first);
    nd_trace_batch_release(one->second);
}

static void drop_layers(nd_trace *trace)
{
    while (trace->layers.len)
        drop_layer(nd_vector_pop(&trace->layers));
}

static void destroy_unneeded(nd_trace *trace)
{
    if (trace->has_writer || trace->readers.len)
        return;
    drop_layers(trace);
    nd_vector_deinit(&trace->layers);
    nd_vector_deinit(&trace->readers);
    nd_antichain_deinit(&trace->upper);
    nd_antichain_deinit(&trace->since);
    nd_free(trace);
}

nd_trace *nd_trace_create(const nd_trace_shape *shape)
{
    nd_trace *const trace = nd_alloc_zero(1, sizeof *trace);
    if (!trace)
        return NULL;
    trace->shape = *shape;
    trace->has_writer = true;
    nd_vector_init(&trace->layers, sizeof(layer));
    nd_vector_init(&trace->readers, sizeof(nd_trace_reader *));
    const nd_time zero = {.epoch = 0};
    if (nd_antichain_insert(&trace->upper, &zero) == ND_OK &&
        nd_antichain_insert(&trace->since, &zero) == ND_OK)
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

static bool is_at_or_after(const nd_time *time, const nd_time *earlier, size_t n_earlier)
{
    for (size_t i = 0; i < n_earlier; i++)
        if (nd_time_less_equal(&earlier[i], time))
            return true;
    return false;
}

/* Whether all of `later` is at or after something of `earlier`. */
static bool is_covered(const nd_time *earlier, size_t n_earlier, const nd_antichain *later)
{
    for (size_t i = 0; i < later->len; i++)
        if (!is_at_or_after(&nd_antichain_items(later)[i], earlier, n_earlier))
            return false;
    return true;
}

static bool is_through(const nd_trace_batch *batch, const nd_antichain *through)
{
    return is_covered(batch->upper.items, batch->upper.len, through);
}

static nd_trace_reader *reader_at(const nd_trace *trace, size_t i)
{
    return *(nd_trace_reader **)nd_vector_at(&trace->readers, i);
}

static bool is_accepted(const nd_trace *trace, const nd_trace_batch *batch)
{
    for (size_t i = 0; i < trace->readers.len; i++)
        if (!is_through(batch, &reader_at(trace, i)->accepted))
            return false;
    return true;
}

/* The earliest times at or after which somebody asks become those of the trace. */
static nd_err find_since(nd_trace *trace)
{
    nd_antichain found;
    nd_err err = ND_OK;
    nd_antichain_init(&found);
    for (size_t i = 0; err == ND_OK && i < trace->readers.len; i++) {
        const nd_antichain *const own = &reader_at(trace, i)->since;
        for (size_t k = 0; err == ND_OK && k < own->len; k++)
            err = nd_antichain_insert(&found, &nd_antichain_items(own)[k]);
    }
    if (err == ND_OK)
        err = copy(&trace->since, &found);
    nd_antichain_deinit(&found);
    return err;
}

/* --- Merging --- */

static layer *layer_at(const nd_trace *trace, size_t i) { return nd_vector_at(&trace->layers, i); }

/* The order of a batch's size. */
static unsigned order_of(const nd_trace_batch *batch)
{
    unsigned order = 0;
    while (nd_trace_batch_len(batch) >> order > 1)
        order++;
    return order;
}

static bool should_merge(const nd_trace *trace, const layer *a, const layer *b)
{
    return !a->merge && !b->merge && order_of(a->first) <= order_of(b->first) &&
           is_accepted(trace, b->first);
}

static void remove_layer(nd_trace *trace, size_t i)
{
    for (; i + 1 < trace->layers.len; i++)
        *layer_at(trace, i) = *layer_at(trace, i + 1);
    (void)nd_vector_pop(&trace->layers);
}

static nd_err begin_merge(nd_trace *trace, size_t i)
{
    layer *const a = layer_at(trace, i), *const b = layer_at(trace, i + 1);
    ND_TRY(find_since(trace));
    ND_TRY(nd_trace_merge_begin(a->first, b->first, &trace->since, &a->merge));
    a->second = b->first;
    remove_layer(trace, i + 1);
    return ND_OK;
}

static nd_err begin_merges(nd_trace *trace)
{
    for (size_t i = trace->layers.len; i > 1; i--)
        if (i <= trace->layers.len &&
            should_merge(trace, layer_at(trace, i - 2), layer_at(trace, i - 1)))
            ND_TRY(begin_merge(trace, i - 2));
    return ND_OK;
}

/* Takes the result of a merge that is done. All may have cancelled: then the next batch begins
 * where the last one before ended, and descriptions no longer meet; so it is kept, empty. */
static nd_err finish_merge(layer *one)
{
    nd_trace_batch *merged;
    ND_TRY(nd_trace_merge_take(one->merge, &merged));
    drop_layer(one);
    *one = (layer){.first = merged};
    return ND_OK;
}

/* Gives every merge under way so much fuel; `*spent` is how much was used. */
static nd_err work(nd_trace *trace, uint64_t fuel, uint64_t *spent)
{
    for (size_t i = trace->layers.len; i > 0; i--) {
        layer *const one = layer_at(trace, i - 1);
        uint64_t left = fuel;
        if (!one->merge)
            continue;
        ND_TRY(nd_trace_merge_work(one->merge, &left));
        *spent += fuel - left;
        if (nd_trace_merge_is_done(one->merge))
            ND_TRY(finish_merge(one));
    }
    return begin_merges(trace);
}

nd_err nd_trace_insert(nd_trace *trace, nd_trace_batch *batch)
{
    uint64_t spent = 0;
    const uint64_t fuel = GENEROSITY * nd_trace_batch_len(batch);
    const nd_err err = nd_antichain_set(&trace->upper, batch->upper.items, batch->upper.len);
    layer *const place = err == ND_OK && trace->readers.len ? nd_vector_push(&trace->layers) : NULL;
    if (!place) {
        nd_trace_batch_release(batch);
        return err == ND_OK && trace->readers.len ? ND_NOMEM : err;
    }
    *place = (layer){.first = batch};
    ND_TRY(begin_merges(trace));
    return work(trace, fuel, &spent);
}

nd_err nd_trace_exert(nd_trace *trace, uint64_t fuel, bool *has_more)
{
    uint64_t spent = 0, before;
    ND_TRY(begin_merges(trace));
    do {
        before = spent;
        ND_TRY(work(trace, fuel - spent, &spent));
    } while (spent != before && spent < fuel);
    *has_more = false;
    for (size_t i = 0; i < trace->layers.len; i++)
        *has_more |= layer_at(trace, i)->merge != NULL;
    return ND_OK;
}

/* --- Reading --- */

nd_err nd_trace_set_upper(nd_trace *trace, const nd_antichain *upper)
{
    return copy(&trace->upper, upper);
}

const nd_antichain *nd_trace_upper(const nd_trace *trace) { return &trace->upper; }

const nd_antichain *nd_trace_since(const nd_trace *trace) { return &trace->since; }

static nd_err list_batch(nd_trace_batch *batch, const nd_antichain *through, nd_vector *batches)
{
    if (!batch || (through && !is_through(batch, through)))
        return ND_OK;
    nd_trace_batch **const place = nd_vector_push(batches);
    if (!place)
        return ND_NOMEM;
    *place = nd_trace_batch_retain(batch);
    return ND_OK;
}

nd_err nd_trace_batches(const nd_trace *trace, const nd_antichain *through, nd_vector *batches)
{
    const size_t before = batches->len;
    nd_err err = ND_OK;
    for (size_t i = 0; err == ND_OK && i < trace->layers.len; i++) {
        err = list_batch(layer_at(trace, i)->first, through, batches);
        if (err == ND_OK)
            err = list_batch(layer_at(trace, i)->second, through, batches);
    }
    while (err != ND_OK && batches->len > before)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(batches));
    return err;
}

uint64_t nd_trace_len(const nd_trace *trace)
{
    uint64_t len = 0;
    for (size_t i = 0; i < trace->layers.len; i++) {
        const layer *const one = layer_at(trace, i);
        len += nd_trace_batch_len(one->first) + (one->second ? nd_trace_batch_len(one->second) : 0);
    }
    return len;
}

size_t nd_trace_n_batches(const nd_trace *trace)
{
    size_t n = trace->layers.len;
    for (size_t i = 0; i < trace->layers.len; i++)
        n += layer_at(trace, i)->second != NULL;
    return n;
}

/* --- Readers --- */

nd_trace_reader *nd_trace_reader_create(nd_trace *trace)
{
    nd_trace_reader *const reader = nd_alloc_zero(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->trace = trace;
    const bool has_holds = copy(&reader->since, &trace->since) == ND_OK &&
                           copy(&reader->accepted, &trace->upper) == ND_OK;
    nd_trace_reader **const place = has_holds ? nd_vector_push(&trace->readers) : NULL;
    if (place) {
        *place = reader;
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
    if (!trace->readers.len)
        drop_layers(trace);
    destroy_unneeded(trace);
}

nd_err nd_trace_reader_set_since(nd_trace_reader *reader, const nd_antichain *since)
{
    return nd_frontier_join(&reader->since, nd_antichain_items(since), since->len);
}

nd_err nd_trace_reader_set_accepted(nd_trace_reader *reader, const nd_antichain *accepted)
{
    return nd_frontier_join(&reader->accepted, nd_antichain_items(accepted), accepted->len);
}
