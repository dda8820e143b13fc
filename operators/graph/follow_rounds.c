/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of a loop, as they are first seen. Updates carry their rounds, which their batch does not
 * tell: so a function looks at them, and the vertex behind it sends what that has found. Each
 * worker tells of a round once, and worker 0 passes on what no other has told before. */
#include "operators/graph/follow_rounds.h"

#include <nereid/memory.h>
#include <nereid/vertex.h>
#include <nereid/worker.h>

#include "operators/graph/id_table.h"

typedef struct loop_round {
    uint64_t number;
} loop_round;
static const nd_type loop_round_type = ND_TYPE(loop_round, 1, ND_FIELD(loop_round, number));

/* Rounds that have been seen, in the order in which they were. */
typedef struct round_set {
    id_table seen;
    uint32_t n_told; /* the first ones */
} round_set;

static nd_err round_set_add(round_set *set, uint64_t number)
{
    uint32_t index;
    return id_table_add(&set->seen, number, &index);
}

/* --- Inside the loop --- */

/* What a worker's function and vertex share. */
typedef struct round_watch {
    round_set set;
    unsigned loop; /* whose counter counts */
    nd_err err;    /* of the function, which cannot fail */
} round_watch;

static void destroy(void *user)
{
    round_watch *const watch = user;
    id_table_deinit(&watch->set.seen);
    nd_free(watch);
}

static void look(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    round_watch *const watch = user;
    (void)type;
    for (size_t i = 0; i < len && watch->err == ND_OK; i++)
        watch->err = round_set_add(&watch->set, updates[i].time.loop[watch->loop]);
}

/* Sends what was not told of. */
static void tell(nd_vertex *vertex, const nd_time *time, round_set *set, nd_err err)
{
    if (err != ND_OK)
        (void)nd_worker_fail(nd_vertex_worker(vertex), err, "%s", nd_err_text(err));
    for (; set->n_told < set->seen.len; set->n_told++)
        nd_send_by(vertex, 0, time, &(loop_round){set->seen.ids[set->n_told]});
}

static void on_updates(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    round_watch *const watch = nd_vertex_user(vertex);
    (void)port, (void)batch;
    tell(vertex, time, &watch->set, watch->err);
}

/* --- On worker 0 --- */

static void on_rounds(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    round_set *const set = nd_vertex_state(vertex);
    const loop_round *const rounds = nd_batch_records(batch);
    nd_err err = ND_OK;
    (void)port;
    for (size_t i = 0; i < nd_batch_len(batch) && err == ND_OK; i++)
        err = round_set_add(set, rounds[i].number);
    tell(vertex, time, set, err);
}

static void deinit_rounds(nd_vertex *vertex)
{
    round_set *const set = nd_vertex_state(vertex);
    id_table_deinit(&set->seen);
}

/* All to worker 0, whose number does not depend on how many there are. */
static void to_first(void *user, const void *records, size_t len, uint64_t *hashes)
{
    const uint64_t first = nd_route_to(0, 1);
    (void)user, (void)records;
    for (size_t i = 0; i < len; i++)
        hashes[i] = first;
}

void follow_rounds(nd_collection changing, nd_stream *rounds)
{
    nd_scope *const scope = nd_stream_scope(changing.stream);
    nd_stream seen = {NULL};
    if (rounds == NULL)
        return;
    *rounds = seen;
    round_watch *const watch = nd_alloc_zero(1, sizeof *watch);
    if (watch == NULL || changing.n_loops == 0) {
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_NOMEM, "%s", nd_err_text(ND_NOMEM));
        nd_free(watch);
        return;
    }
    watch->loop = changing.n_loops - 1;
    const nd_collection looked_at = nd_collection_inspect(changing, look, (nd_user){watch, NULL});
    nd_vertex_new(scope,
                  &(nd_vertex_def){.name = "rounds",
                                   .user = watch,
                                   .destroy = destroy,
                                   .inputs = {nd_pipeline(looked_at.stream)},
                                   .outputs = {&loop_round_type},
                                   .on_recv = on_updates},
                  &seen);
    seen = nd_leave(seen);
    nd_vertex_new(nd_stream_scope(seen),
                  &(nd_vertex_def){.name = "all rounds",
                                   .state_size = sizeof(round_set),
                                   .deinit = deinit_rounds,
                                   .inputs = {nd_exchange_by(seen, to_first, nd_no_user)},
                                   .outputs = {&loop_round_type},
                                   .on_recv = on_rounds},
                  rounds);
}
