/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering changes. Each worker has consolidated its own first; then all get the same key, one
 * that worker 0 is chosen by, and are consolidated once more, there. What comes of that waits in a
 * list until a vertex behind it is told that its epochs are complete: by a notification where there
 * are changes, which a probe waits for, and else by the frontier. */
#include "tools/gather.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>
#include <nereid/vertex.h>

/* A row of the answer under the key of worker 0. */
typedef struct gathered {
    uint64_t anchor, id, first, second;
} gathered;
static const nd_type gathered_type =
    ND_TYPE(gathered, 1, ND_FIELD(gathered, anchor), ND_FIELD(gathered, id),
            ND_FIELD(gathered, first), ND_FIELD(gathered, second));

/* What the worker's vertices share; owned by the last of them. */
typedef struct gathering {
    nd_worker *worker;
    uint64_t anchor;
    size_t record_size;
    gather_fn *fn;
    void *user;
    change *changes; /* not complete when last looked at */
    size_t len, capacity;
} gathering;

static void destroy(void *user)
{
    gathering *const self = user;
    nd_free(self->changes);
    nd_free(self);
}

/* The least key that chooses worker 0. */
static uint64_t find_anchor(unsigned n_workers)
{
    gathered record = {.anchor = 0};
    while (nd_route_of(nd_type_hash(&gathered_type, &record), n_workers) != 0)
        record.anchor++;
    return record.anchor;
}

static void put_under_anchor(void *user, const void *records, size_t len, void *out)
{
    const gathering *const self = user;
    const unsigned char *record = records;
    for (size_t i = 0; i < len; i++, record += self->record_size) {
        gathered *const row = (gathered *)out + i;
        *row = (gathered){.anchor = self->anchor};
        memcpy(&row->id, record, self->record_size);
    }
}

static bool has_room(gathering *self, size_t len)
{
    if (self->capacity - self->len >= len)
        return true;
    const size_t capacity = 2 * self->capacity + len;
    change *const changes = nd_realloc(self->changes, capacity, sizeof *changes);
    if (changes == NULL)
        return false;
    self->changes = changes;
    self->capacity = capacity;
    return true;
}

static void keep(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    gathering *const self = user;
    (void)type;
    if (!has_room(self, len)) {
        (void)nd_worker_fail(self->worker, ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
        return;
    }
    for (size_t i = 0; i < len; i++) {
        const gathered *const row = updates[i].record;
        self->changes[self->len++] = (change){.epoch = updates[i].time.epoch,
                                              .id = row->id,
                                              .values = {row->first, row->second},
                                              .diff = updates[i].diff};
    }
}

static int compare(const void *a, const void *b)
{
    const change *const x = a, *const y = b;
    if (x->epoch != y->epoch)
        return x->epoch < y->epoch ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->diff > y->diff) - (x->diff < y->diff);
}

static void sort(change *changes, size_t len)
{
    size_t i = 1;
    while (i < len && compare(&changes[i - 1], &changes[i]) <= 0)
        i++;
    if (i < len)
        qsort(changes, len, sizeof *changes, compare);
}

/* Epochs before `before` are complete. */
static void conclude(gathering *self, uint64_t before)
{
    nd_message message = {""};
    size_t n = 0;
    if (nd_worker_index(self->worker) != 0)
        return;
    sort(self->changes, self->len);
    while (n < self->len && self->changes[n].epoch < before)
        n++;
    const nd_err err = self->fn(self->user, before, self->changes, n, &message);
    if (err != ND_OK)
        (void)nd_worker_fail(self->worker, err, "%s", message.text);
    if (n > 0)
        memmove(self->changes, self->changes + n, (self->len - n) * sizeof *self->changes);
    self->len -= n;
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_at(vertex, time);
}

static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    conclude(nd_vertex_user(vertex), time->epoch + 1);
}

static void on_frontier(nd_vertex *vertex)
{
    const nd_time *times;
    const size_t n = nd_vertex_frontier(vertex, 0, &times);
    conclude(nd_vertex_user(vertex), n == 0 ? UINT64_MAX : times[0].epoch);
}

static nd_probe *watch(nd_collection kept, gathering *self)
{
    nd_stream done = {NULL};
    (void)nd_vertex_new(nd_stream_scope(kept.stream),
                        &(nd_vertex_def){.name = "gather",
                                         .user = self,
                                         .destroy = destroy,
                                         .inputs = {nd_pipeline(kept.stream)},
                                         .on_recv = on_recv,
                                         .on_notify = on_notify,
                                         .on_frontier = on_frontier},
                        &done);
    return nd_probe_new(done);
}

nd_probe *gather(nd_worker *worker, nd_collection answer, gather_fn *fn, void *user)
{
    gathering *const self = nd_alloc(1, sizeof *self);
    if (self == NULL || answer.type == NULL) {
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(answer.stream)), ND_NOMEM, "%s",
                            nd_err_text(ND_NOMEM));
        nd_free(self);
        return NULL;
    }
    *self = (gathering){.worker = worker,
                        .anchor = find_anchor(nd_worker_peers(worker)),
                        .record_size = answer.type->size,
                        .fn = fn,
                        .user = user};
    const nd_user shared = {self, NULL};
    if (nd_worker_peers(worker) > 1)
        answer = nd_consolidate(answer);
    nd_collection rows = nd_collection_map(answer, &gathered_type, put_under_anchor, shared);
    return watch(nd_collection_inspect(nd_consolidate(rows), keep, shared), self);
}
