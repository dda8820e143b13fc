/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* Workers take turns by the lock of standard output. */
static void print(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    nd_writer *out;
    flockfile(stdout);
    if (nd_writer_open(NULL, &out, NULL) == ND_OK) {
        for (size_t i = 0; i < len; i++) {
            nd_writer_printf(out, "%+" PRId64 " (%" PRIu64 ") %s|", updates[i].diff,
                             updates[i].time.epoch, (const char *)user);
            nd_type_write(type, updates[i].record, '|', out);
            nd_writer_write(out, "\n", 1);
        }
        const nd_err err = nd_writer_commit(out, NULL);
        (void)err;
    }
    funlockfile(stdout);
}

void view_print(views *all, nd_collection collection, const char *name)
{
    union {
        const char *name;
        void *data;
    } user = {name};
    nd_collection printed =
        nd_collection_inspect(nd_consolidate(collection), print, (nd_user){user.data, NULL});
    assert(all->n < sizeof all->probes / sizeof *all->probes);
    all->probes[all->n++] = nd_probe_new(printed.stream);
}

nd_err views_wait(const views *all, nd_worker *worker, uint64_t epoch)
{
    for (size_t i = 0; i < all->n; i++)
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, all->probes[i], epoch));
    return ND_OK;
}
