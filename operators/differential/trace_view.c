/* SPDX-License-Identifier: Apache-2.0 */
/* A table is made whole before anybody sees it, so readers need no lock. */
#include "operators/differential/trace_view.h"

#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/advance.h"

nd_trace_view nd_trace_view_retain(const nd_trace_view *view)
{
    (void)nd_trace_batch_retain(view->batch);
    if (view->redirection)
        atomic_fetch_add_explicit(&view->redirection->refs, 1, memory_order_relaxed);
    return *view;
}

static void release_redirection(nd_trace_redirection *redirection)
{
    if (redirection && atomic_fetch_sub_explicit(&redirection->refs, 1, memory_order_acq_rel) == 1)
        nd_free(redirection);
}

void nd_trace_view_release(nd_trace_view *view)
{
    nd_trace_batch_release(view->batch);
    release_redirection(view->redirection);
    *view = (nd_trace_view){.batch = NULL};
}

/* --- Advancing --- */

static int compare_loops(const nd_time *a, const nd_time *b)
{
    for (unsigned i = 0; i < ND_MAX_LOOPS; i++)
        if (a->loop[i] != b->loop[i])
            return a->loop[i] < b->loop[i] ? -1 : 1;
    return 0;
}

/* Those with the same counters side by side. */
static int compare_times(const void *a, const void *b)
{
    const nd_time *const x = a, *const y = b;
    const int order = compare_loops(x, y);
    return order ? order : (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

static bool are_sorted(const nd_time *times, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (compare_times(&times[i - 1], &times[i]) > 0)
            return false;
    return true;
}

/* Brings `n` times into another order, and counts them. */
static nd_trace_spread count_times(nd_time *times, size_t n)
{
    nd_trace_spread spread = {n > 0, n > 0};
    if (!are_sorted(times, n))
        qsort(times, n, sizeof *times, compare_times);
    for (size_t i = 1; i < n; i++) {
        spread.n_times += !nd_time_equal(&times[i - 1], &times[i]);
        spread.n_apart += compare_loops(&times[i - 1], &times[i]) != 0;
    }
    return spread;
}

nd_err nd_trace_view_advance(nd_trace_view *view, const nd_antichain *since,
                             nd_trace_spread *spread)
{
    const nd_trace_times own = view->batch->times;
    const size_t size = own.len * sizeof(nd_time);
    nd_trace_redirection *const made = nd_alloc(1, sizeof *made + size);
    nd_time *const counted = nd_alloc(1, size);
    if (!made || !counted) {
        nd_free(made);
        nd_free(counted);
        return ND_NOMEM;
    }
    atomic_init(&made->refs, 1);
    for (uint32_t i = 0; i < own.len; i++)
        made->times[i] = nd_time_advance(&own.items[i], since);
    memcpy(counted, made->times, size);
    const nd_trace_spread found = count_times(counted, own.len);
    nd_free(counted);
    if (found.n_times < spread->n_times) {
        release_redirection(view->redirection);
        view->redirection = made;
    } else {
        nd_free(made);
    }
    *spread = found;
    return ND_OK;
}
