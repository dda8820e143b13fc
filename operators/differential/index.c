/* SPDX-License-Identifier: Apache-2.0 */
#include "operators/differential/index.h"

#include <nereid/memory.h>

nd_index *nd_index_create(const nd_type *type, unsigned n_key, unsigned n_loops)
{
    nd_index *const index = nd_alloc_zero(1, sizeof *index);
    if (!index)
        return NULL;
    index->refs = 1;
    index->type = type;
    index->n_loops = n_loops;
    nd_record_code_init_closed(&index->key, type, 0, n_key);
    nd_record_code_init(&index->value, type, n_key, nd_type_n_fields(type) - n_key);
    nd_vector_init(&index->listeners, sizeof(nd_listener));
    const nd_trace_shape shape = nd_trace_shape_of(&index->key, &index->value);
    index->trace = nd_trace_create(&shape);
    if (index->trace)
        return index;
    nd_index_release(index);
    return NULL;
}

nd_index *nd_index_retain(nd_index *index)
{
    index->refs++;
    return index;
}

void nd_index_release(nd_index *index)
{
    if (!index || --index->refs != 0)
        return;
    nd_trace_release(index->trace);
    nd_vector_deinit(&index->listeners);
    nd_free(index);
}

/* --- What is added --- */

static nd_err give(const nd_listener *listener, nd_trace_batch *batch)
{
    nd_trace_batch **const place = nd_vector_push(listener->batches);
    if (!place)
        return ND_NOMEM;
    *place = nd_trace_batch_retain(batch);
    return ND_OK;
}

nd_err nd_index_insert(nd_index *index, nd_trace_batch *batch)
{
    nd_err err = ND_OK;
    for (size_t i = 0; err == ND_OK && i < index->listeners.len; i++)
        err = give(nd_vector_at(&index->listeners, i), batch);
    if (err == ND_OK)
        return nd_trace_insert(index->trace, batch);
    nd_trace_batch_release(batch);
    return err;
}

static void tell(const nd_index *index)
{
    for (size_t i = 0; i < index->listeners.len; i++) {
        const nd_listener *const one = nd_vector_at(&index->listeners, i);
        one->on_moved(one->context);
    }
}

nd_err nd_index_set_upper(nd_index *index, const nd_antichain *upper)
{
    ND_TRY(nd_trace_set_upper(index->trace, upper));
    tell(index);
    return ND_OK;
}

void nd_index_abandon(nd_index *index)
{
    index->is_abandoned = true;
    tell(index);
}

nd_err nd_index_listen(nd_index *index, const nd_listener *listener)
{
    ND_TRY(nd_trace_batches(index->trace, NULL, listener->batches));
    nd_listener *const place = nd_vector_push(&index->listeners);
    if (!place)
        return ND_NOMEM;
    *place = *listener;
    return ND_OK;
}

void nd_index_forget(nd_index *index, const void *context)
{
    nd_listener *const all = index->listeners.items;
    for (size_t i = 0; i < index->listeners.len; i++)
        if (all[i].context == context) {
            all[i] = all[index->listeners.len - 1];
            (void)nd_vector_pop(&index->listeners);
            return;
        }
}

/* --- What readers ask --- */

nd_err nd_index_set_since(const nd_index *index, nd_trace_reader *reader,
                          const nd_antichain *frontier)
{
    nd_antichain since;
    nd_err err = ND_OK;
    nd_antichain_init(&since);
    for (size_t i = 0; err == ND_OK && i < frontier->len; i++) {
        nd_time time = nd_antichain_items(frontier)[i];
        for (unsigned k = index->n_loops; k < ND_MAX_LOOPS; k++)
            time.loop[k] = 0;
        err = nd_antichain_insert(&since, &time);
    }
    if (err == ND_OK)
        err = nd_trace_reader_set_since(reader, &since);
    nd_antichain_deinit(&since);
    return err;
}
