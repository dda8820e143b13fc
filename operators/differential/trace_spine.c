/* SPDX-License-Identifier: Apache-2.0 */
/* A layer is a batch or two; whether anything is to be done with it follows from lengths, from how
 * many times there are, and from what readers allow, and from nothing else. */
#include "operators/differential/trace_spine.h"

enum {
    GENEROSITY = 8, /* updates merged, by each merge under way, for each that comes */
    IDLE_RATIO = 4, /* in idle moments the earlier batch may be so much longer */
    A_MOVE = 16,    /* times that are advanced, of each batch, for each move of since */
    AT_ONCE = 512   /* updates of two small batches, which are merged on the spot */
};

/* A batch, and what is known of its times. */
typedef struct part {
    nd_trace_view view; /* owned */
    nd_trace_spread spread;
    uint64_t n_moves;  /* of since, when the view was advanced last or was new */
    uint32_t retry_at; /* so few times that rewriting may be tried again */
    bool is_new;       /* its view was never advanced */
} part;

/* A batch, or two that are being merged, or one that is being rewritten. */
typedef struct layer {
    part first, second; /* the second is empty unless two are merged */
    nd_trace_merge *merge;
    uint64_t n_moves; /* when the merge began */
} layer;

/* --- Life --- */

static void drop_layer(layer *one)
{
    nd_trace_merge_destroy(one->merge);
    nd_trace_view_release(&one->first.view);
    nd_trace_view_release(&one->second.view);
}

void nd_trace_spine_init(nd_trace_spine *spine)
{
    spine->n_changes = 0;
    nd_vector_init(&spine->layers, sizeof(layer));
}

void nd_trace_spine_clear(nd_trace_spine *spine)
{
    while (spine->layers.len)
        drop_layer(nd_vector_pop(&spine->layers));
    spine->n_changes++;
}

void nd_trace_spine_deinit(nd_trace_spine *spine)
{
    nd_trace_spine_clear(spine);
    nd_vector_deinit(&spine->layers);
}

static layer *layer_at(const nd_trace_spine *spine, size_t i)
{
    return nd_vector_at(&spine->layers, i);
}

/* Times of one epoch differ in counters; of others that is found out when they are advanced. */
static part make_part(nd_trace_batch *batch, uint64_t n_moves)
{
    const nd_trace_times times = batch->times;
    const bool is_one_epoch =
        times.len > 0 && times.items[0].epoch == times.items[times.len - 1].epoch;
    return (part){.view = {.batch = batch},
                  .spread = {times.len, is_one_epoch ? times.len : times.len > 0},
                  .n_moves = n_moves,
                  .retry_at = UINT32_MAX,
                  .is_new = true};
}

/* --- What readers allow --- */

static bool is_at_or_after(const nd_time *time, nd_trace_times earlier)
{
    for (uint32_t i = 0; i < earlier.len; i++)
        if (nd_time_less_equal(&earlier.items[i], time))
            return true;
    return false;
}

/* Whether a batch ends at or before `through`. */
static bool is_through(const nd_trace_batch *batch, const nd_antichain *through)
{
    for (size_t i = 0; i < through->len; i++)
        if (!is_at_or_after(&nd_antichain_items(through)[i], batch->upper))
            return false;
    return true;
}

/* --- Views --- */

/* Whether a later since than the last may have made the times fewer. */
static bool may_have_fewer_times(const part *one, const nd_trace_holds *holds)
{
    const uint32_t least = holds->keeps_loops ? one->spread.n_apart : 1;
    return one->n_moves != holds->n_moves && one->spread.n_times > least;
}

static nd_err advance(part *one, const nd_trace_holds *holds)
{
    ND_TRY(nd_trace_view_advance(&one->view, &holds->since, &one->spread));
    one->n_moves = holds->n_moves;
    one->is_new = false;
    return ND_OK;
}

/* For the first time at once, which is paid by as many updates; then once a number of moves. */
static nd_err advance_for_reading(part *one, const nd_trace_holds *holds)
{
    if (!one->view.batch || !may_have_fewer_times(one, holds))
        return ND_OK;
    const uint64_t n_moves = holds->n_moves - one->n_moves;
    if (!one->is_new && n_moves < one->view.batch->times.len / A_MOVE)
        return ND_OK;
    return advance(one, holds);
}

nd_err nd_trace_spine_advance(nd_trace_spine *spine, const nd_trace_holds *holds)
{
    for (size_t i = 0; i < spine->layers.len; i++) {
        ND_TRY(advance_for_reading(&layer_at(spine, i)->first, holds));
        ND_TRY(advance_for_reading(&layer_at(spine, i)->second, holds));
    }
    return ND_OK;
}

/* --- What is worth it --- */

static uint64_t len_of(const part *one) { return nd_trace_batch_len(one->view.batch); }

/* The order of a batch's size. */
static unsigned order_of(const part *one)
{
    unsigned order = 0;
    while (len_of(one) >> order > 1)
        order++;
    return order;
}

static bool are_small(const part *a, const part *b)
{
    return b->view.batch && len_of(a) + len_of(b) <= AT_ONCE;
}

static bool should_merge(const layer *a, const layer *b, const nd_trace_holds *holds, bool is_idle)
{
    if (a->merge || b->merge || !is_through(b->first.view.batch, &holds->accepted))
        return false;
    return order_of(&a->first) <= order_of(&b->first) ||
           (is_idle && len_of(&a->first) / IDLE_RATIO <= len_of(&b->first));
}

/* Whether a quarter of a batch might go if it had but `n_times` times: of its updates, since some
 * values have several, or of its bytes, since there are so many times. */
static bool might_shrink(const part *one, uint32_t n_times)
{
    const nd_trace_head *const head = one->view.batch->head;
    const uint64_t spare = (uint64_t)(head->n_times - n_times) * sizeof(nd_time);
    return head->n_times > n_times && n_times <= one->retry_at &&
           (head->n_updates - head->n_values >= head->n_updates / 4 || spare >= head->size / 4);
}

/* Whether it is worth counting what the times have become. */
static bool should_count(const layer *one, const nd_trace_holds *holds)
{
    return !one->merge && may_have_fewer_times(&one->first, holds) && might_shrink(&one->first, 1);
}

static bool should_rewrite(const layer *one)
{
    return !one->merge && might_shrink(&one->first, one->first.spread.n_times);
}

bool nd_trace_spine_has_work(const nd_trace_spine *spine, const nd_trace_holds *holds)
{
    for (size_t i = 0; i < spine->layers.len; i++) {
        const layer *const one = layer_at(spine, i);
        if (one->merge || should_rewrite(one) || should_count(one, holds) ||
            (i > 0 && should_merge(layer_at(spine, i - 1), one, holds, true)))
            return true;
    }
    return false;
}

/* --- Merging --- */

static void remove_layer(nd_trace_spine *spine, size_t i)
{
    for (; i + 1 < spine->layers.len; i++)
        *layer_at(spine, i) = *layer_at(spine, i + 1);
    (void)nd_vector_pop(&spine->layers);
}

/* With `second`, whose batch becomes the layer's, or alone. */
static nd_err begin_merge(layer *one, const part *second, const nd_trace_holds *holds)
{
    ND_TRY(nd_trace_merge_begin(one->first.view.batch, second ? second->view.batch : NULL,
                                &holds->since, &one->merge));
    one->n_moves = holds->n_moves;
    if (second)
        one->second = *second;
    return ND_OK;
}

static nd_err begin_merges(nd_trace_spine *spine, const nd_trace_holds *holds, bool is_idle)
{
    for (size_t i = spine->layers.len; i > 1; i--) {
        if (i > spine->layers.len)
            continue;
        layer *const a = layer_at(spine, i - 2), *const b = layer_at(spine, i - 1);
        if (!should_merge(a, b, holds, is_idle))
            continue;
        ND_TRY(begin_merge(a, &b->first, holds));
        remove_layer(spine, i - 1);
    }
    return ND_OK;
}

/* Of those that have no neighbour to be merged with. */
static nd_err begin_rewriting(nd_trace_spine *spine, const nd_trace_holds *holds)
{
    for (size_t i = 0; i < spine->layers.len; i++) {
        layer *const one = layer_at(spine, i);
        if (should_count(one, holds))
            ND_TRY(advance(&one->first, holds));
        if (should_rewrite(one))
            ND_TRY(begin_merge(one, NULL, holds));
    }
    return ND_OK;
}

/* Takes the result of a merge that is done. All may have cancelled: then the next batch begins
 * where the last one before ended, and descriptions no longer meet; so it is kept, empty. */
static nd_err finish_merge(nd_trace_spine *spine, layer *one)
{
    nd_trace_batch *merged;
    const uint64_t before = one->first.view.batch->head->size;
    const bool was_alone = !one->second.view.batch;
    ND_TRY(nd_trace_merge_take(one->merge, &merged));
    part made = make_part(merged, one->n_moves);
    if (was_alone && merged->head->size > before - before / 4)
        made.retry_at = merged->times.len / 2;
    drop_layer(one);
    *one = (layer){.first = made};
    spine->n_changes++;
    return ND_OK;
}

/* Takes what is used from `*fuel`. */
static nd_err work(nd_trace_spine *spine, layer *one, uint64_t *fuel)
{
    if (!one->merge)
        return ND_OK;
    ND_TRY(nd_trace_merge_work(one->merge, fuel));
    return nd_trace_merge_is_done(one->merge) ? finish_merge(spine, one) : ND_OK;
}

nd_err nd_trace_spine_add(nd_trace_spine *spine, const nd_trace_holds *holds, nd_trace_batch *batch)
{
    layer *const place = nd_vector_push(&spine->layers);
    if (!place) {
        nd_trace_batch_release(batch);
        return ND_NOMEM;
    }
    *place = (layer){.first = make_part(batch, holds->n_moves)};
    const uint64_t fuel = GENEROSITY * nd_trace_batch_len(batch);
    ND_TRY(begin_merges(spine, holds, false));
    for (size_t i = spine->layers.len; i > 0; i--) {
        layer *const one = layer_at(spine, i - 1);
        uint64_t left = are_small(&one->first, &one->second) ? AT_ONCE : fuel;
        ND_TRY(work(spine, one, &left));
    }
    return begin_merges(spine, holds, false);
}

nd_err nd_trace_spine_exert(nd_trace_spine *spine, const nd_trace_holds *holds, uint64_t fuel)
{
    uint64_t before;
    do {
        before = spine->n_changes;
        ND_TRY(begin_merges(spine, holds, true));
        ND_TRY(begin_rewriting(spine, holds));
        for (size_t i = spine->layers.len; fuel && i > 0; i--)
            ND_TRY(work(spine, layer_at(spine, i - 1), &fuel));
    } while (fuel && spine->n_changes != before);
    return ND_OK;
}

/* --- Reading --- */

const nd_trace_view *nd_trace_spine_next(const nd_trace_spine *spine, const nd_antichain *through,
                                         size_t *place)
{
    while (*place < 2 * spine->layers.len) {
        const layer *const one = layer_at(spine, *place / 2);
        const nd_trace_view *const view = *place % 2 ? &one->second.view : &one->first.view;
        ++*place;
        if (view->batch && (!through || is_through(view->batch, through)))
            return view;
    }
    return NULL;
}

static void measure(const part *one, nd_trace_figures *figures)
{
    if (!one->view.batch)
        return;
    figures->n_batches++;
    figures->n_times += one->spread.n_times;
    figures->n_updates += len_of(one);
    figures->size += (size_t)one->view.batch->head->size;
    if (one->view.redirection)
        figures->size += one->view.batch->times.len * sizeof(nd_time);
}

nd_trace_figures nd_trace_spine_measure(const nd_trace_spine *spine)
{
    nd_trace_figures figures = {.n_batches = 0};
    for (size_t i = 0; i < spine->layers.len; i++) {
        measure(&layer_at(spine, i)->first, &figures);
        measure(&layer_at(spine, i)->second, &figures);
    }
    return figures;
}
