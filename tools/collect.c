/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/collect.h"

#include <nereid/batch.h>
#include <nereid/vertex.h>
#include <nereid/worker.h>

typedef struct collector {
    collect_fn *fn;
    void *user;
} collector;

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    const collector *const self = nd_vertex_state(vertex);
    (void)port;
    (void)time;
    self->fn(self->user, nd_batch_records(batch), nd_batch_len(batch));
}

/* All to worker 0, whose number does not depend on how many there are. */
static void to_first(void *user, const void *records, size_t len, uint64_t *hashes)
{
    const uint64_t first = nd_route_to(0, 1);
    (void)user;
    (void)records;
    for (size_t i = 0; i < len; i++)
        hashes[i] = first;
}

void collect(nd_stream stream, bool is_alone, collect_fn *fn, void *user)
{
    const nd_pact pact =
        is_alone ? nd_pipeline(stream) : nd_exchange_by(stream, to_first, nd_no_user);
    nd_vertex *const vertex = nd_vertex_new(nd_stream_scope(stream),
                                            &(nd_vertex_def){.name = "collect",
                                                             .state_size = sizeof(collector),
                                                             .inputs = {pact},
                                                             .on_recv = on_recv},
                                            NULL);
    if (vertex != NULL)
        *(collector *)nd_vertex_state(vertex) = (collector){fn, user};
}
