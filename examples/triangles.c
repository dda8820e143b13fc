/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triangles that stay up to date: places a, b and c with roads from a to b, from b to c, and from a
 * to c, while roads are built and closed.
 *
 *     triangles [-w WORKERS]        prints `DIFFERENCE (epoch) 0 number` for each change
 *
 * A join of the roads with themselves, for which nothing is kept but the roads. Each change of a
 * road is followed on three paths: as ab, as bc and as ac (a delta join; nd_half_join says where
 * UPTO and BEFORE stand). On each path one place is missing. Both ends of the road could propose
 * it: all places that are one road away. The end that has fewer does, and the other one validates.
 * So a graph takes no more work than its roads, however they lie, could make triangles (Ngo and
 * others, Worst-case optimal join algorithms, PODS 2012).
 */
#include <nereid.h>
#include <string.h>

typedef struct {
    uint32_t from, to;
} road;
static const nd_type road_type = ND_TYPE(road, 1, ND_FIELD(road, from), ND_FIELD(road, to));
/* The same, by both ends. */
static const nd_type link_type = ND_TYPE(road, 2, ND_FIELD(road, from), ND_FIELD(road, to));

/* How many roads a place has. The zero fills the gap before the number. */
typedef struct {
    uint32_t place, zero;
    int64_t n;
} degree;
static const nd_type end_type = ND_TYPE(road, 2, ND_FIELD(road, from), ND_FIELD(road, to));
static const nd_type degree_type =
    ND_TYPE(degree, 2, ND_FIELD(degree, place), ND_FIELD(degree, zero), ND_FIELD(degree, n));

/* Which degree is wanted: that of `place`. The other end of the road, and its degree, if known. */
typedef struct {
    uint32_t place, zero, other, n_other;
} question;
static const nd_type question_type =
    ND_TYPE(question, 2, ND_FIELD(question, place), ND_FIELD(question, zero),
            ND_FIELD(question, other), ND_FIELD(question, n_other));

/* The end that proposes, whether it is the first or the second of the path, and the other one. */
typedef struct {
    uint32_t place, which, other;
} choice;
static const nd_type choice_type =
    ND_TYPE(choice, 1, ND_FIELD(choice, place), ND_FIELD(choice, which), ND_FIELD(choice, other));

/* A road that would make a triangle, and the opposite place, which has proposed it. */
typedef struct {
    uint32_t from, to, opposite;
} proposal;
static const nd_type proposal_type = ND_TYPE(proposal, 2, ND_FIELD(proposal, from),
                                             ND_FIELD(proposal, to), ND_FIELD(proposal, opposite));

typedef struct {
    uint32_t a, b, c;
} triangle;
static const nd_type triangle_type =
    ND_TYPE(triangle, 3, ND_FIELD(triangle, a), ND_FIELD(triangle, b), ND_FIELD(triangle, c));

/* --- Functions of records --- */

/* A number for a function. */
static nd_user number(unsigned n) { return (nd_user){(void *)(uintptr_t)n, NULL}; }

static void turn_round(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((road *)out)[i] = (road){((const road *)records)[i].to, ((const road *)records)[i].from};
}

static void take_end(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((road *)out)[i] = (road){((const road *)records)[i].from, 0};
}

static void copy(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    memcpy(out, records, len * sizeof(road));
}

static void ask_first(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const road *roads = records;
    for (size_t i = 0; i < len; i++)
        ((question *)out)[i] = (question){.place = roads[i].from, .other = roads[i].to};
}

static void ask_second(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const question *asked = left;
    const degree *first = right;
    for (size_t i = 0; i < len; i++)
        ((question *)out)[i] = (question){
            .place = asked[i].other, .other = asked[i].place, .n_other = (uint32_t)first[i].n};
}

static void choose(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const question *asked = left;
    const degree *second = right;
    for (size_t i = 0; i < len; i++)
        ((choice *)out)[i] = asked[i].n_other <= second[i].n
                                 ? (choice){asked[i].other, 0, asked[i].place}
                                 : (choice){asked[i].place, 1, asked[i].other};
}

static void keep_which(void *user, const void *records, size_t len, bool *keep)
{
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const choice *)records)[i].which == (uintptr_t)user;
}

/* The road that is missing begins at the other end, or it ends there. */
static void propose(void *user, const void *left, const void *right, size_t len, void *out)
{
    const bool begins_there = user != NULL;
    const choice *chosen = left;
    const road *roads = right;
    for (size_t i = 0; i < len; i++)
        ((proposal *)out)[i] = begins_there
                                   ? (proposal){chosen[i].other, roads[i].to, chosen[i].place}
                                   : (proposal){roads[i].to, chosen[i].other, chosen[i].place};
}

/* The road is there; `user` says who has proposed it: a, b or c. */
static void complete(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)right;
    const proposal *one = left;
    for (size_t i = 0; i < len; i++, one++)
        ((triangle *)out)[i] = user == (void *)'a' ? (triangle){one->opposite, one->from, one->to}
                               : user == (void *)'b'
                                   ? (triangle){one->from, one->opposite, one->to}
                                   : (triangle){one->from, one->to, one->opposite};
}

/* --- The query --- */

/* Roads by the place from which they are followed, onward or back; how many of them a place has. */
struct direction {
    nd_collection roads, degrees;
    bool is_onward;
};

static struct direction follow(nd_collection roads, bool is_onward)
{
    nd_collection ends = nd_collection_map(roads, &end_type, take_end, nd_no_user);
    return (struct direction){nd_arrange(roads), nd_arrange(nd_count(ends, &degree_type)),
                              is_onward};
}

/* An end of a changed road: which it is, and the roads that lead from it to the missing place. */
struct place {
    char name;
    const struct direction *next;
    nd_half_join_order order;
};

/* What one end proposes and the other one validates. */
static nd_collection extend(nd_collection chosen, unsigned which, struct place by,
                            struct place other, nd_collection links)
{
    nd_collection own = nd_collection_filter(chosen, keep_which, number(which));
    nd_collection proposed = nd_half_join(own, by.next->roads, by.order, &proposal_type, propose,
                                          number(other.next->is_onward));
    return nd_half_join(proposed, links, other.order, &triangle_type, complete,
                        number((unsigned)by.name));
}

/* The triangles of changes of roads from `first` to `second`. */
static nd_collection follow_path(nd_collection changes, struct place first, struct place second,
                                 nd_collection links)
{
    nd_collection asked = nd_collection_map(changes, &question_type, ask_first, nd_no_user);
    asked = nd_half_join(asked, first.next->degrees, first.order, &question_type, ask_second,
                         nd_no_user);
    nd_collection chosen =
        nd_half_join(asked, second.next->degrees, second.order, &choice_type, choose, nd_no_user);
    return nd_collection_concat(extend(chosen, 0, first, second, links),
                                extend(chosen, 1, second, first, links));
}

/* The order of the three is ab, bc, ac. */
static nd_collection find_triangles(nd_collection roads)
{
    const nd_half_join_order upto = ND_HALF_JOIN_UPTO, before = ND_HALF_JOIN_BEFORE;
    nd_collection turned = nd_collection_map(roads, &road_type, turn_round, nd_no_user);
    nd_collection links = nd_arrange(nd_collection_map(roads, &link_type, copy, nd_no_user));
    struct direction on = follow(roads, true), back = follow(turned, false);
    nd_collection paths[] = {
        follow_path(roads, (struct place){'a', &on, before}, (struct place){'b', &on, before},
                    links), /* ab lacks ac and bc, */
        follow_path(turned, (struct place){'c', &back, before}, (struct place){'b', &back, upto},
                    links), /* bc lacks ac and ab, */
        follow_path(roads, (struct place){'a', &on, upto}, (struct place){'c', &back, upto},
                    links) /* and ac lacks ab and bc */
    };
    return nd_collection_concat_many(paths, 3);
}

/* --- The program --- */

static void forget_all(void *user, const void *records, size_t len, void *out)
{
    (void)user, (void)records;
    memset(out, 0, len * sizeof(road));
}

static nd_err program(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *input;
    nd_dataflow *flow = nd_dataflow_new(worker, "triangles");
    nd_collection triangles = find_triangles(nd_collection_input_new(flow, &road_type, &input));
    nd_collection all = nd_collection_map(triangles, &end_type, forget_all, nd_no_user);
    nd_collection_inspect(nd_count(all, &degree_type), nd_collection_print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));

    if (nd_worker_index(worker) == 0) {
        nd_collection_insert(input, &(road){0, 1}); /* 0 1 2 */
        nd_collection_insert(input, &(road){0, 2});
        nd_collection_insert(input, &(road){1, 2});
        nd_input_advance(input, 1);
        for (uint32_t i = 0; i < 3; i++) /* each of these with 3, too */
            nd_collection_insert(input, &(road){i, 3});
        nd_input_advance(input, 2);
        nd_collection_remove(input, &(road){0, 1}); /* of two triangles; */
        nd_collection_insert(input, &(road){1, 0}); /* 1 0 2 and 1 0 3 come instead */
        nd_collection_insert(input, &(road){4, 0}); /* and 4 0 1 does not, but 4 0 2 */
        nd_collection_insert(input, &(road){4, 2});
        nd_input_advance(input, 3);
        nd_collection_remove(input, &(road){2, 3});
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, NULL); }
