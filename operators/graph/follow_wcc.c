/* SPDX-License-Identifier: Apache-2.0 */
/* Weakly connected components: every vertex passes the least id it knows on to its neighbours.
 *
 * Small ids set out first, group by group, so that most vertices hear of their component's least id
 * before they have told others of their own. Between groups there is time enough to get across any
 * graph but a very long one: a round in which nothing happens costs nothing. Within a group ids
 * compete, which on a path whose ids follow each other is quadratic; so groups are narrow, but not
 * many. */
#include "operators/graph/follow.h"
#include "operators/graph/follow_rounds.h"

enum {
    GROUP_BITS = 6,          /* an id's highest bits, by which it belongs to a group */
    ROUNDS_A_GROUP = 1 << 19 /* of all groups together below 2^32 */
};

const nd_type nd_component_type =
    ND_TYPE(nd_component, 1, ND_FIELD(nd_component, id), ND_FIELD(nd_component, component));

static void own_label(void *user, const void *records, size_t len, void *out)
{
    const follow_vertex *const vertices = records;
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((nd_component *)out)[i] = (nd_component){vertices[i].id, vertices[i].id};
}

/* Ascending in the id: how long it is, and its highest bits. */
static uint32_t group_of(uint64_t id)
{
    const unsigned n_bits = id == 0 ? 0 : 64 - (unsigned)__builtin_clzll(id);
    const unsigned shift = n_bits > GROUP_BITS ? n_bits - GROUP_BITS : 0;
    return (shift << (GROUP_BITS - 1)) + (uint32_t)(id >> shift);
}

static void set_out(void *user, const void *records, size_t len, uint32_t *rounds)
{
    const nd_component *const labels = records;
    (void)user;
    for (size_t i = 0; i < len; i++)
        rounds[i] = ROUNDS_A_GROUP * group_of(labels[i].component);
}

static void leave_out_all(void *user, const void *records, size_t len, bool *keep)
{
    (void)user, (void)records, (void)len, (void)keep;
}

static void pass_on(void *user, const void *left, const void *right, size_t len, void *out)
{
    const nd_component *const labels = left;
    const follow_link *const links = right;
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((nd_component *)out)[i] = (nd_component){links[i].to, labels[i].component};
}

/* What the loop brings in. */
typedef struct spreading {
    nd_collection links, labels;
    nd_stream *rounds; /* what it tells */
} spreading;

static nd_collection spread_round(nd_scope *loop, nd_collection known, void *arg)
{
    const spreading *const outside = arg;
    const nd_collection links = nd_collection_enter(loop, outside->links);
    const nd_collection own = nd_collection_enter_at(loop, outside->labels, set_out, nd_no_user);
    const nd_collection heard = nd_join(known, links, &nd_component_type, pass_on, nd_no_user);
    const nd_collection least = nd_min(nd_collection_concat(own, heard));
    follow_rounds(least, outside->rounds);
    return least;
}

nd_collection nd_wcc_follow(nd_collection edges, nd_stream *rounds)
{
    spreading outside = {
        follow_links_both_ways(edges),
        nd_collection_map(follow_vertices(edges), &nd_component_type, own_label, nd_no_user),
        rounds};
    const nd_collection none = nd_collection_filter(outside.labels, leave_out_all, nd_no_user);
    return nd_iterate(none, spread_round, &outside);
}
