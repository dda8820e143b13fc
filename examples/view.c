/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* A view on one worker: what prints it, and the vertex behind that, which ends the run if that was
 * in vain. */
typedef struct view {
    const char *name;
    nd_err err;
    nd_message message;
} view;

static void write_changes(const view *self, const nd_type *type, const nd_update *updates,
                          size_t len, nd_writer *out)
{
    for (size_t i = 0; i < len; i++) {
        nd_writer_printf(out, "%+" PRId64 " (%" PRIu64 ") %s|", updates[i].diff,
                         updates[i].time.epoch, self->name);
        nd_type_write(type, updates[i].record, '|', out);
        nd_writer_write(out, "\n", 1);
    }
}

/* Workers take turns by the lock of standard output. */
static void print(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    view *const self = user;
    nd_writer *out;
    if (self->err != ND_OK)
        return;
    flockfile(stdout);
    self->err = nd_writer_open(NULL, &out, &self->message);
    if (self->err == ND_OK) {
        write_changes(self, type, updates, len, out);
        self->err = nd_writer_commit(out, &self->message);
    }
    funlockfile(stdout);
}

static void on_printed(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    const view *const self = nd_vertex_user(vertex);
    (void)port, (void)time, (void)batch;
    if (self->err != ND_OK)
        (void)nd_worker_fail(nd_vertex_worker(vertex), self->err, "%s", self->message.text);
}

void view_print(views *all, nd_collection collection, const char *name)
{
    view *const self = nd_alloc_zero(1, sizeof *self);
    nd_scope *const scope = nd_stream_scope(collection.stream);
    nd_stream done = {NULL};
    if (self == NULL) {
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
        return;
    }
    self->name = name;
    const nd_collection printed =
        nd_collection_inspect(nd_consolidate(collection), print, (nd_user){self, NULL});
    nd_vertex_new(scope,
                  &(nd_vertex_def){.name = "printed",
                                   .user = self,
                                   .destroy = nd_free,
                                   .inputs = {nd_pipeline(printed.stream)},
                                   .on_recv = on_printed},
                  &done);
    assert(all->n < sizeof all->probes / sizeof *all->probes);
    all->probes[all->n++] = nd_probe_new(done);
}

nd_err views_wait(const views *all, nd_worker *worker, uint64_t epoch)
{
    for (size_t i = 0; i < all->n; i++)
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, all->probes[i], epoch));
    return ND_OK;
}
