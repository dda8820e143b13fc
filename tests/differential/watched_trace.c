/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/differential/watched_trace.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/advance.h"
#include "tests/support/cmocka.h"

watched_trace watched_begin(uint64_t seed, const nd_trace_shape *shape, unsigned n_coordinates,
                            size_t most)
{
    watched_trace made = {.trace = nd_trace_create(shape),
                          .shape = shape,
                          .n_coordinates = n_coordinates,
                          .all = calloc(most, sizeof(naive_update)),
                          .ends = calloc(most, sizeof(watched_end_of)),
                          .most = most};
    assert_non_null(made.trace);
    assert_non_null(made.all);
    assert_non_null(made.ends);
    nd_random_init(&made.random, seed);
    return made;
}

void watched_end(watched_trace *self)
{
    nd_trace_release(self->trace);
    free(self->all);
    free(self->ends);
}

/* --- Adding --- */

void watched_add_these(watched_trace *self, uint64_t n_epochs, naive_update *updates, size_t len)
{
    self->epoch += n_epochs;
    len = naive_consolidate(updates, len);
    assert_true(self->n + len <= self->most);
    if (len)
        memcpy(self->all + self->n, updates, len * sizeof *updates);
    self->n += len;
    if (len == 0) {
        nd_antichain upper = naive_frontier(&(nd_time){.epoch = self->epoch}, 1);
        assert_int_equal(nd_trace_set_upper(self->trace, &upper), ND_OK);
        nd_antichain_deinit(&upper);
        return;
    }
    nd_trace_batch *const batch = naive_build(self->shape, updates, len, self->begun, self->epoch);
    assert_int_equal(nd_trace_insert(self->trace, batch), ND_OK);
    self->begun = self->epoch;
    self->ends[self->n_ends++] = (watched_end_of){self->epoch, self->n};
}

void watched_add(watched_trace *self, uint64_t n_epochs, size_t len)
{
    naive_update *const fresh = calloc(len + 1, sizeof *fresh);
    assert_non_null(fresh);
    for (size_t i = 0; i < len; i++) {
        fresh[i] = naive_any(&self->random, self->shape, self->n_coordinates, WATCHED_SIDE);
        fresh[i].time.epoch = self->epoch + nd_random_below(&self->random, n_epochs);
    }
    watched_add_these(self, n_epochs, fresh, len);
    free(fresh);
}

/* --- Reading --- */

static bool is_same_frontier(nd_trace_times a, nd_trace_times b)
{
    return a.len == b.len && memcmp(a.items, b.items, a.len * sizeof *a.items) == 0;
}

/* Puts `len` updates more at the end of `*n`, and frees them. */
static naive_update *append(naive_update *all, size_t *n, naive_update *some, size_t len)
{
    all = realloc(all, (*n + len + 1) * sizeof *all);
    assert_non_null(all);
    if (len)
        memcpy(all + *n, some, len * sizeof *some);
    *n += len;
    free(some);
    return all;
}

static void release_all(nd_vector *batches)
{
    while (batches->len)
        nd_trace_batch_release(*(nd_trace_batch **)nd_vector_pop(batches));
    nd_vector_deinit(batches);
}

/* All updates of the batches, which must follow each other. */
static naive_update *read_batches(watched_trace *self, const nd_antichain *through, size_t *n)
{
    nd_vector batches;
    naive_update *all = NULL;
    *n = 0;
    nd_vector_init(&batches, sizeof(nd_trace_batch *));
    assert_int_equal(nd_trace_batches(self->trace, through, &batches), ND_OK);
    for (size_t i = 0; i < batches.len; i++) {
        size_t len;
        const nd_trace_batch *const batch = *(nd_trace_batch **)nd_vector_at(&batches, i);
        if (i > 0)
            assert_true(is_same_frontier((*(nd_trace_batch **)nd_vector_at(&batches, i - 1))->upper,
                                         batch->lower));
        naive_update *const some = naive_read(batch, &len);
        all = append(all, n, some, len);
    }
    release_all(&batches);
    return all;
}

static naive_update *read_views(watched_trace *self, const nd_antichain *through, size_t *n)
{
    nd_vector views;
    naive_update *all = NULL;
    *n = 0;
    nd_vector_init(&views, sizeof(nd_trace_view));
    assert_int_equal(nd_trace_views(self->trace, through, &views), ND_OK);
    for (size_t i = 0; i < views.len; i++) {
        size_t len;
        naive_update *const some = naive_read_view(nd_vector_at(&views, i), &len);
        all = append(all, n, some, len);
    }
    while (views.len)
        nd_trace_view_release(nd_vector_pop(&views));
    nd_vector_deinit(&views);
    return all;
}

void watched_expect(watched_trace *self, const nd_time *time, uint64_t through)
{
    size_t n_all = 0, n_expected;
    nd_antichain limit = naive_frontier(&(nd_time){.epoch = through}, 1);
    for (size_t i = 0; i < self->n_ends && (!through || self->ends[i].epoch <= through); i++)
        n_all = self->ends[i].n;
    naive_update *const expected = naive_collect(self->all, n_all, time, &n_expected);
    for (unsigned by_views = 0; by_views < 2; by_views++) {
        size_t n, n_found;
        naive_update *const all =
            (by_views ? read_views : read_batches)(self, through ? &limit : NULL, &n);
        naive_update *const found = naive_collect(all, n, time, &n_found);
        assert_true(naive_are_equal(found, n_found, expected, n_expected));
        free(found);
        free(all);
    }
    free(expected);
    nd_antichain_deinit(&limit);
}

nd_trace_batch *watched_only_batch(const watched_trace *self)
{
    nd_vector batches;
    nd_vector_init(&batches, sizeof(nd_trace_batch *));
    assert_int_equal(nd_trace_batches(self->trace, NULL, &batches), ND_OK);
    assert_int_equal(batches.len, 1);
    nd_trace_batch *const batch = *(nd_trace_batch **)nd_vector_pop(&batches);
    nd_vector_deinit(&batches);
    return batch;
}

unsigned watched_exert_all(watched_trace *self, uint64_t fuel)
{
    bool has_more = true;
    unsigned n = 0;
    for (; has_more; n++) {
        assert_in_range(n, 0, 100000);
        assert_int_equal(nd_trace_exert(self->trace, fuel, &has_more), ND_OK);
        assert_int_equal(has_more, nd_trace_has_work(self->trace));
    }
    return n;
}

/* --- Readers --- */

watched_reader watched_reader_begin(const watched_trace *self)
{
    const watched_reader made = {.reader = nd_trace_reader_create(self->trace),
                                 .since = naive_frontier(&(nd_time){.epoch = 0}, 1)};
    assert_non_null(made.reader);
    return made;
}

void watched_reader_end(watched_reader *reader)
{
    nd_trace_reader_release(reader->reader);
    nd_antichain_deinit(&reader->since);
}

static void say(watched_reader *reader, const nd_antichain *since, uint64_t accepted)
{
    nd_antichain up_to = naive_frontier(&(nd_time){.epoch = accepted}, 1);
    assert_int_equal(nd_trace_reader_set_since(reader->reader, since), ND_OK);
    assert_int_equal(nd_trace_reader_set_accepted(reader->reader, &up_to), ND_OK);
    assert_int_equal(nd_frontier_join(&reader->since, nd_antichain_items(since), since->len),
                     ND_OK);
    if (accepted > reader->accepted)
        reader->accepted = accepted;
    nd_antichain_deinit(&up_to);
}

void watched_hold(watched_reader *reader, uint64_t since, uint64_t accepted)
{
    nd_antichain from = naive_frontier(&(nd_time){.epoch = since}, 1);
    say(reader, &from, accepted);
    nd_antichain_deinit(&from);
}

static nd_time any_time(watched_trace *self, uint64_t n_epochs)
{
    nd_time time = {.epoch = nd_random_below(&self->random, n_epochs)};
    for (unsigned i = 1; i < self->n_coordinates; i++)
        time.loop[i - 1] = (uint32_t)nd_random_below(&self->random, WATCHED_SIDE);
    return time;
}

void watched_move(watched_trace *self, watched_reader *reader)
{
    nd_time times[3];
    const size_t n = 1 + nd_random_below(&self->random, 3);
    for (size_t i = 0; i < n; i++)
        times[i] = any_time(self, self->epoch + 1);
    nd_antichain since = naive_frontier(times, n);
    say(reader, &since, nd_random_below(&self->random, self->epoch + 1));
    nd_antichain_deinit(&since);
}

nd_time watched_time(watched_trace *self, const watched_reader *reader)
{
    const nd_antichain *const since = &reader->since;
    const nd_time from = nd_antichain_items(since)[nd_random_below(&self->random, since->len)];
    const nd_time other = any_time(self, self->epoch + 3);
    return nd_random_below(&self->random, 4) ? nd_time_join(&from, &other) : from;
}
