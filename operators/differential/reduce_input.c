/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/reduce_input.h"

#include "operators/differential/advance.h"

/* --- What comes --- */

static nd_err keep_arrived(nd_reduce_input *input, nd_trace_batch *batch, const nd_time *time)
{
    nd_time *const when = nd_vector_push(&input->arrivals);
    nd_trace_batch **const place = when ? nd_vector_push(&input->arrived) : NULL;
    if (!place)
        return ND_NOMEM;
    *when = *time;
    *place = nd_trace_batch_retain(batch);
    return ND_OK;
}

nd_err nd_reduce_input_add(nd_reduce_input *input, nd_vertex *vertex, const nd_time *time,
                           nd_batch *batch)
{
    nd_trace_batch *const *const batches = nd_batch_records(batch);
    ND_TRY(nd_held_add(&input->held, vertex, time));
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        ND_TRY(keep_arrived(input, batches[i], time));
    return ND_OK;
}

/* --- A round --- */

/* Cursors into the batches that have come, which are the first, and seekers into the others. */
static nd_err open_batches(nd_reduce_input *input, size_t n_fresh)
{
    nd_trace_batch *const *const batches = input->batches.items;
    const size_t n = input->batches.len;
    ND_TRY(nd_vector_reserve(&input->fresh, n_fresh));
    ND_TRY(nd_vector_reserve(&input->stored, n - n_fresh));
    for (size_t i = 0; i < n_fresh; i++)
        nd_trace_cursor_init(nd_vector_push(&input->fresh), batches[i]);
    for (size_t i = n_fresh; i < n; i++)
        nd_trace_seeker_init_batch(nd_vector_push(&input->stored), batches[i]);
    return ND_OK;
}

/* Whether what has come first, and was compacted, counts as of a time that is not complete yet:
 * more of that time may come. */
static bool is_early(const nd_reduce_input *input)
{
    return !input->has_begun && input->arrived.len != 0 &&
           nd_antichain_less_equal(&input->upper, nd_vector_at(&input->arrivals, 0));
}

/* The batches that have come become the round's. They say themselves up to where everything is
 * there; the frontier may be behind that, or beyond it, where nothing happened. */
static nd_err take_arrived(nd_reduce_input *input)
{
    const nd_vector nothing = input->batches, never = input->came;
    input->batches = input->arrived;
    input->came = input->arrivals;
    input->arrived = nothing;
    input->arrivals = never;
    input->has_begun = true;
    const nd_trace_batch *const last =
        *(nd_trace_batch **)nd_vector_at(&input->batches, input->batches.len - 1);
    return nd_frontier_join(&input->upper, last->upper.items, last->upper.len);
}

/* What comes early waits, and its time is held. */
static nd_err keep_early(nd_reduce_input *input)
{
    const nd_time *const times = input->arrivals.items;
    for (size_t i = 0; i < input->arrivals.len; i++)
        ND_TRY(nd_antichain_insert(&input->left, &times[i]));
    return ND_OK;
}

bool nd_reduce_input_has_work(const nd_reduce_input *input)
{
    return input->batches.len != 0 || nd_updates_len(&input->due) != 0;
}

nd_err nd_reduce_input_begin(nd_reduce_input *input, nd_vertex *vertex)
{
    const nd_antichain *const accepted = &input->accepted;
    ND_TRY(nd_frontier_read(vertex, 0, &input->upper));
    if (input->arrived.len != 0 && !is_early(input))
        ND_TRY(take_arrived(input));
    ND_TRY(nd_frontier_join(&input->upper, nd_antichain_items(accepted), accepted->len));
    ND_TRY(nd_batcher_seal(&input->pending, &input->upper, &input->due, &input->left));
    ND_TRY(keep_early(input));
    if (!nd_reduce_input_has_work(input))
        return ND_OK;
    const size_t n_fresh = input->batches.len;
    ND_TRY(nd_trace_batches(input->index->trace, accepted, &input->batches));
    return open_batches(input, n_fresh);
}

nd_err nd_reduce_input_finish(nd_reduce_input *input, nd_vertex *vertex)
{
    const nd_antichain *const upper = &input->upper;
    nd_held_replace(&input->held, vertex, &input->left);
    ND_TRY(nd_index_set_since(input->index, input->reader, upper));
    if (!input->has_begun && upper->len)
        return ND_OK;
    ND_TRY(nd_antichain_set(&input->accepted, nd_antichain_items(upper), upper->len));
    return nd_trace_reader_set_accepted(input->reader, upper);
}

void nd_reduce_input_clear(nd_reduce_input *input)
{
    while (input->batches.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&input->batches));
    nd_vector_clear(&input->stored);
    nd_vector_clear(&input->fresh);
    nd_vector_clear(&input->came);
    nd_vector_clear(&input->times);
    nd_updates_clear(&input->due);
    input->next_due = 0;
    input->is_in_key = false;
    nd_antichain_deinit(&input->upper);
    nd_antichain_deinit(&input->left);
}

/* --- Its keys --- */

static nd_trace_code due_key(const nd_reduce_input *input, size_t i)
{
    nd_trace_code key;
    key.bytes = nd_updates_code(&input->due, i, &key.size);
    return key;
}

/* Whenever a fresh cursor has come to another key. */
static void foresee(nd_reduce_input *input, const nd_trace_cursor *fresh)
{
    nd_trace_foresee_from(&input->stored, fresh);
    nd_trace_foresee_from(input->output, fresh);
}

/* Of the next keys that are due. */
static void foresee_due(nd_reduce_input *input)
{
    nd_trace_code keys[ND_TRACE_FORESEEN];
    const size_t n_all = nd_updates_len(&input->due);
    size_t n = 0;
    const size_t begin = input->next_due;
    for (size_t i = begin; i < n_all && i < begin + ND_TRACE_FORESEEN; i++) {
        const nd_trace_code key = due_key(input, i);
        if (n == 0 || nd_trace_code_compare(keys[n - 1], key) != 0)
            keys[n++] = key;
    }
    nd_trace_foresee(&input->stored, keys, n, n_all);
    nd_trace_foresee(input->output, keys, n, n_all);
}

static void foresee_first(nd_reduce_input *input)
{
    for (size_t i = 0; i < input->fresh.len; i++)
        foresee(input, nd_vector_at(&input->fresh, i));
    foresee_due(input);
}

static void pass_key(nd_reduce_input *input)
{
    for (size_t i = 0; i < input->fresh.len; i++) {
        nd_trace_cursor *const cursor = nd_vector_at(&input->fresh, i);
        if (nd_trace_cursor_has_key(cursor) &&
            nd_trace_code_compare(nd_trace_cursor_key(cursor), input->key) == 0) {
            nd_trace_cursor_next_key(cursor);
            foresee(input, cursor);
        }
    }
}

/* The least key that is fresh or due; false if there is none any more. */
static bool find_key(const nd_reduce_input *input, nd_trace_code *least)
{
    bool has = input->next_due < nd_updates_len(&input->due);
    if (has)
        *least = due_key(input, input->next_due);
    for (size_t i = 0; i < input->fresh.len; i++) {
        const nd_trace_cursor *const cursor = nd_vector_at(&input->fresh, i);
        if (!nd_trace_cursor_has_key(cursor))
            continue;
        const nd_trace_code key = nd_trace_cursor_key(cursor);
        if (!has || nd_trace_code_compare(key, *least) < 0)
            *least = key;
        has = true;
    }
    return has;
}

static nd_err take_due(nd_reduce_input *input)
{
    nd_vector_clear(&input->times);
    for (; input->next_due < nd_updates_len(&input->due) &&
           nd_trace_code_compare(due_key(input, input->next_due), input->key) == 0;
         input->next_due++) {
        nd_time *const place = nd_vector_push(&input->times);
        if (!place)
            return ND_NOMEM;
        *place = *nd_updates_time(&input->due, input->next_due);
        if ((input->next_due + 1) % ND_TRACE_FORESEEN == 0)
            foresee_due(input);
    }
    return ND_OK;
}

nd_err nd_reduce_input_next(nd_reduce_input *input)
{
    if (input->is_in_key)
        pass_key(input);
    else
        foresee_first(input);
    input->is_in_key = find_key(input, &input->key);
    return input->is_in_key ? take_due(input) : ND_OK;
}

nd_err nd_reduce_input_gather(nd_reduce_input *input, nd_key_history *history)
{
    for (size_t i = 0; i < input->stored.len; i++)
        ND_TRY(nd_key_history_add_stored(history, nd_vector_at(&input->stored, i), input->key));
    for (size_t i = 0; i < input->fresh.len; i++)
        ND_TRY(nd_key_history_add_fresh(history, nd_vector_at(&input->fresh, i), input->key,
                                        nd_vector_at(&input->came, i)));
    return ND_OK;
}

nd_err nd_reduce_input_pend(nd_reduce_input *input, const nd_time *time)
{
    ND_TRY(nd_batcher_add_code(&input->pending, input->key.bytes, input->key.size, time, 1));
    return nd_antichain_insert(&input->left, time);
}

/* --- Life --- */

nd_err nd_reduce_input_init(nd_reduce_input *input, nd_index *index, unsigned n_loops,
                            nd_vector *output)
{
    input->index = nd_index_retain(index);
    input->output = output;
    nd_vector_init(&input->arrived, sizeof(nd_trace_batch *));
    nd_vector_init(&input->arrivals, sizeof(nd_time));
    nd_batcher_init(&input->pending, &index->key, n_loops);
    nd_vector_init(&input->batches, sizeof(nd_trace_batch *));
    nd_vector_init(&input->stored, sizeof(nd_trace_seeker));
    nd_vector_init(&input->fresh, sizeof(nd_trace_cursor));
    nd_vector_init(&input->came, sizeof(nd_time));
    nd_vector_init(&input->times, sizeof(nd_time));
    nd_updates_init(&input->due, &index->key);
    input->reader = nd_trace_reader_create(index->trace);
    if (!input->reader)
        return ND_NOMEM;
    return nd_antichain_insert(&input->accepted, &(nd_time){.epoch = 0});
}

void nd_reduce_input_deinit(nd_reduce_input *input)
{
    nd_reduce_input_clear(input);
    while (input->arrived.len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(&input->arrived));
    nd_vector_deinit(&input->arrived);
    nd_vector_deinit(&input->arrivals);
    nd_batcher_deinit(&input->pending);
    nd_vector_deinit(&input->batches);
    nd_vector_deinit(&input->stored);
    nd_vector_deinit(&input->fresh);
    nd_vector_deinit(&input->came);
    nd_vector_deinit(&input->times);
    nd_updates_deinit(&input->due);
    nd_held_deinit(&input->held);
    nd_antichain_deinit(&input->accepted);
    nd_trace_reader_release(input->reader);
    nd_index_release(input->index);
}
