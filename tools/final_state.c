/* SPDX-License-Identifier: Apache-2.0 */
/* Adding up changes. They are collected until they are as many as the rows, and then merged into
 * them: so a change costs a constant number of merges, and never more room than the rows. */
#include "tools/final_state.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

enum { LEAST_PENDING = 1 << 14 };

void final_state_deinit(final_state *state)
{
    nd_free(state->rows);
    nd_free(state->pending);
    *state = (final_state){.rows = NULL};
}

static int compare(const void *a, const void *b)
{
    const change *const x = a, *const y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    return (x->diff > y->diff) - (x->diff < y->diff);
}

/* Merges the sorted changes into the rows: the last change of an id says whether it has a row, and
 * which. Returns the number of merged rows. */
static size_t merge(const final_state *state, state_row *merged)
{
    size_t n = 0, r = 0;
    for (size_t p = 0; p < state->n_pending; p++) {
        const change *const last = &state->pending[p];
        if (p + 1 < state->n_pending && state->pending[p + 1].id == last->id)
            continue;
        for (; r < state->len && state->rows[r].id < last->id; r++)
            merged[n++] = state->rows[r];
        r += r < state->len && state->rows[r].id == last->id;
        if (last->diff > 0)
            merged[n++] = (state_row){last->id, {last->values[0], last->values[1]}};
    }
    for (; r < state->len; r++)
        merged[n++] = state->rows[r];
    return n;
}

nd_err final_state_settle(final_state *state)
{
    if (state->n_pending == 0)
        return ND_OK;
    state_row *const merged = nd_alloc(state->len + state->n_pending, sizeof *merged);
    if (merged == NULL)
        return ND_NOMEM;
    qsort(state->pending, state->n_pending, sizeof *state->pending, compare);
    const size_t len = merge(state, merged);
    nd_free(state->rows);
    state->rows = merged;
    state->len = len;
    state->n_pending = 0;
    return ND_OK;
}

nd_err final_state_add(final_state *state, const change *changes, size_t len)
{
    if (len == 0)
        return ND_OK;
    if (state->capacity - state->n_pending < len) {
        const size_t capacity = 2 * state->capacity + len;
        change *const pending = nd_realloc(state->pending, capacity, sizeof *pending);
        if (pending == NULL)
            return ND_NOMEM;
        state->pending = pending;
        state->capacity = capacity;
    }
    memcpy(state->pending + state->n_pending, changes, len * sizeof *changes);
    state->n_pending += len;
    const bool is_due = state->n_pending >= LEAST_PENDING && state->n_pending >= state->len;
    return is_due ? final_state_settle(state) : ND_OK;
}
