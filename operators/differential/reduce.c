/* SPDX-License-Identifier: Apache-2.0 */
/* Reduce: what a function makes of the records of each key, kept up to date.
 *
 * A round is held when the input's frontier moves (reduce_input.h). Its keys are those at which
 * something has come, and those that have a pending time that is complete now: at which the output
 * may have to change though no input does (reduce_tactic.h). What the input was before stands in
 * its trace; what was given out, in a trace of the vertex's own, or, where times are totally
 * ordered and the function but chooses among the values, nowhere: it is chosen again.
 *
 * Mostly all that a round brings to a key has one time, and what there is then is all that is
 * needed (key_tally.h). Else both histories are advanced to where the round begins, so that in a
 * loop the times of a key mostly are a chain. */
#include "operators/differential/reduce.h"

#include <stdlib.h>
#include <string.h>

#include <nereid/vertex.h>

#include "operators/differential/arrange.h"
#include "operators/differential/key_tally.h"
#include "operators/differential/keys.h"
#include "operators/differential/linear.h"
#include "operators/differential/own_trace.h"
#include "operators/differential/reduce_chain.h"
#include "operators/differential/reduce_input.h"

/* There are four kinds of output, and the last, for tests, of two sorts:
 *
 *                                      chooses   is_given_kept   whose values   uses chains
 *     made by a function                  no          yes        its own        yes
 *     chosen from the input, in a loop    yes         yes        the input's    yes
 *     chosen outside of loops             yes         no         the input's    yes
 *     either, plainly                   either        yes        as above       no
 *
 * Chains, and keys that have but one moment. */
typedef struct reduce {
    nd_reduce_input input;
    nd_own_trace given; /* what was given out; empty if it is chosen again */
    bool is_given_kept;
    bool chooses;
    nd_outgoing out;
    nd_reduce_tactic tactic;
    /* The key that is being looked at. */
    nd_key_history history; /* of the input; of the output too if that is chosen from it, */
    nd_key_history output;  /* else this, as output too */
    nd_key_tally tally;     /* of both */
    nd_reduction reduction;
    nd_vector corrections; /* correction */
    nd_vector spare;       /* bytes */
} reduce;

/* --- A key --- */

typedef struct correction {
    nd_trace_code value;
    const nd_edit *edit;
} correction;

static nd_err gather_key(reduce *self)
{
    const nd_vector *const seekers = &self->given.seekers;
    nd_key_history *const output = self->chooses ? &self->history : &self->output;
    nd_key_history_clear(&self->history);
    nd_key_history_clear(&self->output);
    ND_TRY(nd_reduce_input_gather(&self->input, &self->history));
    for (size_t i = 0; i < seekers->len; i++)
        ND_TRY(nd_key_history_add_output(output, nd_vector_at(seekers, i), self->input.key));
    return ND_OK;
}

/* The output's values get the first numbers. */
static nd_err number_output(reduce *self)
{
    uint32_t number;
    const nd_vector *const values = &self->output.values;
    if (self->chooses)
        return ND_OK;
    nd_reduction_begin(&self->reduction, self->input.key, &self->history.values);
    for (size_t i = 0; i < values->len; i++)
        ND_TRY(nd_reduction_number(&self->reduction, *(nd_trace_code *)nd_vector_at(values, i),
                                   &number));
    return ND_OK;
}

static int compare_corrections(const void *a, const void *b)
{
    const correction *const x = a, *const y = b;
    const int order = nd_trace_code_compare(x->value, y->value);
    return order ? order : nd_time_compare(&x->edit->time, &y->edit->time);
}

/* Those of a value side by side, as batches have them. */
static nd_err sort_corrections(reduce *self, const nd_reduce_result *result)
{
    bool is_sorted = true;
    const size_t n = result->n_corrections;
    nd_vector_clear(&self->corrections);
    for (size_t i = 0; i < n; i++) {
        const nd_edit *const edit = &result->corrections[i];
        correction *const one = nd_vector_push(&self->corrections);
        if (!one)
            return ND_NOMEM;
        *one = (correction){self->chooses
                                ? *(nd_trace_code *)nd_vector_at(&self->history.values, edit->value)
                                : nd_reduction_value(&self->reduction, edit->value),
                            edit};
        is_sorted = is_sorted && (i == 0 || compare_corrections(one - 1, one) < 0);
    }
    if (!is_sorted)
        qsort(self->corrections.items, n, sizeof(correction), compare_corrections);
    return ND_OK;
}

static nd_err keep_correction(reduce *self, const correction *one)
{
    const nd_trace_code key = self->input.key;
    unsigned char *const bytes = self->spare.items;
    if (one->value.size)
        memcpy(bytes + key.size, one->value.bytes, one->value.size);
    ND_TRY(nd_updates_add(&self->out.updates, bytes, key.size + one->value.size, &one->edit->time,
                          one->edit->diff));
    if (!self->is_given_kept)
        return ND_OK;
    return nd_trace_builder_push(&self->given.builder, key, one->value, &one->edit->time,
                                 one->edit->diff);
}

static nd_err keep_corrections(reduce *self, const nd_reduce_result *result)
{
    size_t most = 0;
    const nd_trace_code key = self->input.key;
    ND_TRY(sort_corrections(self, result));
    const correction *const all = self->corrections.items;
    for (size_t i = 0; i < result->n_corrections; i++)
        most = all[i].value.size > most ? all[i].value.size : most;
    ND_TRY(nd_vector_reserve(&self->spare, key.size + most + 1));
    if (key.size)
        memcpy(self->spare.items, key.bytes, key.size);
    for (size_t i = 0; i < result->n_corrections; i++)
        ND_TRY(keep_correction(self, &all[i]));
    return ND_OK;
}

/* --- A key, one way or the other --- */

static nd_err reduce_by_history(reduce *self, nd_reduce_result *result)
{
    nd_reduce_input *const input = &self->input;
    const nd_vector *const output = self->chooses ? &self->history.output : &self->output.output;
    ND_TRY(nd_key_history_make_since(&self->history, &input->accepted));
    ND_TRY(nd_key_history_make_since(&self->output, &input->accepted));
    ND_TRY(number_output(self));
    const nd_reduce_round round = {.input = self->history.stored.items,
                                   .n_input = self->history.stored.len,
                                   .output = output->items,
                                   .n_output = output->len,
                                   .batch = self->history.fresh.items,
                                   .n_batch = self->history.fresh.len,
                                   .pending = input->times.items,
                                   .n_pending = input->times.len,
                                   .upper = &input->upper,
                                   .is_output_unknown = !self->is_given_kept};
    return nd_reduce_key(&self->tactic, &round, result);
}

/* Adds up input and output at a moment, if that is enough. */
static nd_err tally_key(reduce *self, const nd_time *moment, bool *is_enough)
{
    const nd_antichain *const upper = &self->input.upper;
    nd_key_tally_clear(&self->tally);
    ND_TRY(nd_key_tally_add(&self->tally, &self->history, moment, upper, is_enough));
    if (!*is_enough || self->chooses)
        return ND_OK;
    ND_TRY(nd_key_tally_add(&self->tally, &self->output, moment, upper, is_enough));
    if (!*is_enough)
        nd_key_history_rewind(&self->history);
    return ND_OK;
}

static nd_err reduce_by_moment(reduce *self, nd_reduce_result *result, bool *is_done)
{
    nd_time moment;
    nd_key_tally *const tally = &self->tally;
    const nd_vector *const due = &self->input.times;
    *is_done = !self->tactic.is_plain &&
               nd_key_tally_moment(&self->history, due->items, due->len, &moment);
    if (*is_done)
        ND_TRY(tally_key(self, &moment, is_done));
    if (!*is_done)
        return ND_OK;
    ND_TRY(number_output(self));
    return nd_reduce_tally(&self->tactic, tally, &moment, self->is_given_kept, result);
}

static nd_err reduce_key(reduce *self)
{
    bool is_done;
    nd_reduce_result result;
    ND_TRY(gather_key(self));
    ND_TRY(reduce_by_moment(self, &result, &is_done));
    if (!is_done)
        ND_TRY(reduce_by_history(self, &result));
    ND_TRY(keep_corrections(self, &result));
    for (size_t i = 0; i < result.n_pending; i++)
        ND_TRY(nd_reduce_input_pend(&self->input, &result.pending[i]));
    return ND_OK;
}

/* --- A round --- */

static nd_err reduce_keys(reduce *self)
{
    if (self->is_given_kept && nd_reduce_input_has_work(&self->input))
        ND_TRY(nd_own_trace_open(&self->given));
    ND_TRY(nd_reduce_input_next(&self->input));
    while (self->input.is_in_key) {
        ND_TRY(reduce_key(self));
        ND_TRY(nd_reduce_input_next(&self->input));
    }
    return ND_OK;
}

static nd_err hold_round(nd_vertex *vertex)
{
    reduce *const self = nd_vertex_state(vertex);
    nd_reduce_input *const input = &self->input;
    nd_updates_clear(&self->out.updates);
    ND_TRY(nd_reduce_input_begin(input, vertex));
    ND_TRY(reduce_keys(self));
    ND_TRY(nd_outgoing_send(&self->out, vertex, &input->held));
    if (self->is_given_kept)
        ND_TRY(nd_own_trace_seal(&self->given, &input->upper, NULL));
    ND_TRY(nd_reduce_input_finish(input, vertex));
    if (!self->is_given_kept || !input->has_begun)
        return ND_OK;
    return nd_own_trace_advance(&self->given, &input->upper);
}

static void on_frontier(nd_vertex *vertex)
{
    reduce *const self = nd_vertex_state(vertex);
    const nd_err err = hold_round(vertex);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
    else if (self->is_given_kept)
        nd_vertex_when_idle(vertex);
    nd_own_trace_close(&self->given);
    nd_reduce_input_clear(&self->input);
}

static void on_activate(nd_vertex *vertex)
{
    const reduce *const self = nd_vertex_state(vertex);
    nd_idle_merge(vertex, self->given.trace);
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    reduce *const self = nd_vertex_state(vertex);
    const nd_err err = nd_reduce_input_add(&self->input, vertex, time, batch);
    if (err != ND_OK)
        nd_collection_fail(vertex, err);
}

/* --- Building --- */

static void deinit(nd_vertex *vertex)
{
    reduce *const self = nd_vertex_state(vertex);
    if (!self->input.index)
        return; /* never got that far */
    nd_reduce_input_deinit(&self->input);
    nd_own_trace_deinit(&self->given);
    nd_outgoing_deinit(&self->out);
    nd_reduce_tactic_deinit(&self->tactic);
    nd_key_history_deinit(&self->history);
    nd_key_history_deinit(&self->output);
    nd_key_tally_deinit(&self->tally);
    nd_reduction_deinit(&self->reduction);
    nd_vector_deinit(&self->corrections);
    nd_vector_deinit(&self->spare);
}

static void init_function(reduce *self, const nd_type *type, const nd_reduce_def *def)
{
    nd_reduction *const reduction = &self->reduction;
    nd_reduction_init(reduction, type, def->type, def->n_key);
    reduction->fn = def->fn;
    reduction->user = def->user.data;
    self->chooses = def->choose != NULL;
    if (def->choose)
        nd_reduce_tactic_init(&self->tactic, def->choose, def->user.data);
    else
        nd_reduce_tactic_init(&self->tactic, nd_reduction_apply, reduction);
    self->tactic.is_plain = def->is_plain;
}

static nd_err init_state(reduce *self, nd_index *index, const nd_reduce_def *def, const nd_row *row)
{
    nd_vector_init(&self->corrections, sizeof(correction));
    nd_vector_init(&self->spare, 1);
    nd_key_history_init(&self->history);
    nd_key_history_init(&self->output);
    nd_key_tally_init(&self->tally);
    init_function(self, index->type, def);
    nd_outgoing_init(&self->out, row, def->type, def->n_key);
    ND_TRY(nd_reduce_input_init(&self->input, index, row->n_loops, &self->given.seekers));
    self->is_given_kept = row->n_loops > 0 || !self->chooses || def->is_plain;
    if (!self->is_given_kept)
        return ND_OK;
    const nd_trace_shape shape = nd_trace_shape_of(&index->key, &self->reduction.out_value);
    return nd_own_trace_init(&self->given, &shape);
}

nd_collection nd_reduce_by(nd_collection collection, const nd_reduce_def *def)
{
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_dataflow *const flow = nd_scope_dataflow(scope);
    nd_collection made = {.type = def->type, .n_loops = nd_scope_n_loops(scope)};
    const nd_row row = nd_row_make(scope, def->type);
    if (!def->fn && !def->choose)
        nd_dataflow_mistake(flow, ND_INVAL, "%s: it needs a function", def->name);
    if (row.type && collection.type && !nd_has_same_key(collection.type, def->type, def->n_key))
        nd_dataflow_mistake(flow, ND_INVAL, "%s: '%s' and '%s' have not the same key", def->name,
                            collection.type->name, def->type->name);
    const nd_collection input = nd_arrange_by(collection, def->n_key);
    nd_vertex *const vertex = nd_vertex_new(scope,
                                            &(nd_vertex_def){.name = def->name,
                                                             .state_size = sizeof(reduce),
                                                             .deinit = deinit,
                                                             .user = def->user.data,
                                                             .destroy = def->user.destroy,
                                                             .inputs = {nd_pipeline(input.batches)},
                                                             .outputs = {row.type},
                                                             .on_recv = on_recv,
                                                             .on_frontier = on_frontier,
                                                             .on_activate = on_activate},
                                            &made.stream);
    if (!vertex || !input.index)
        return made;
    const nd_err err = init_state(nd_vertex_state(vertex), input.index, def, &row);
    if (err != ND_OK)
        nd_dataflow_mistake(flow, err, "%s: %s", def->name, nd_err_text(err));
    return made;
}

nd_collection nd_reduce(nd_collection collection, const nd_type *type, nd_reduce_fn *fn,
                        nd_user user)
{
    return nd_reduce_by(collection,
                        &(nd_reduce_def){.name = "reduce",
                                         .n_key = collection.type ? collection.type->nkey : 0,
                                         .type = type,
                                         .fn = fn,
                                         .user = user});
}
