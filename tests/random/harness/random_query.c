/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/random_query.h"

#include <stdlib.h>
#include <string.h>

const nd_type pair_type = ND_TYPE(pair, 1, ND_FIELD(pair, key), ND_FIELD(pair, value));

/* The same with wider fields, for counting. */
typedef struct wide_pair {
    int64_t key;
    int64_t value;
} wide_pair;
static const nd_type wide_pair_type =
    ND_TYPE(wide_pair, 1, ND_FIELD(wide_pair, key), ND_FIELD(wide_pair, value));

typedef struct wide_tally {
    int64_t key;
    int64_t n;
} wide_tally;
static const nd_type wide_tally_type =
    ND_TYPE(wide_tally, 1, ND_FIELD(wide_tally, key), ND_FIELD(wide_tally, n));

unsigned pair_number(const pair *record)
{
    return record->key * QUERY_VALUES + (unsigned)(record->value + 2);
}

pair pair_of_number(unsigned number)
{
    return (pair){number / QUERY_VALUES, (int32_t)(number % QUERY_VALUES) - 2};
}

/* --- The functions, by a constant: pure, and onto records that can be --- */

static pair mapped(const pair *record, uint32_t constant)
{
    return pair_of_number((pair_number(record) * (constant % 7) + constant) % QUERY_RECORDS);
}

static bool is_kept(const pair *record, uint32_t constant)
{
    return (pair_number(record) * 7 + constant) % 3 != 0;
}

/* How many records flat map makes of one, and which, and how often each. */
static unsigned n_made(const pair *record, uint32_t constant)
{
    return (pair_number(record) + constant) % 4;
}

static pair made(const pair *record, uint32_t constant, unsigned i)
{
    return mapped(record, constant + 3 * i);
}

static int64_t weight(uint32_t constant, unsigned i)
{
    static const int64_t weights[] = {1, -1, 2, 3};
    return weights[(constant + i) % 4];
}

/* Of a key's records, by their number and count: each value's square times its count, spread over
 * two records. */
static void reduced(const int64_t *counts, uint32_t key, uint32_t constant, int64_t *out)
{
    int64_t sum = 0;
    for (unsigned v = 0; v < QUERY_VALUES; v++)
        sum += counts[v] * ((int64_t)v * v + 1);
    if (sum % 3 != 0)
        out[(unsigned)(constant + key) % QUERY_VALUES] += sum % 3;
    if (sum > 2)
        out[(unsigned)(constant + key + 1) % QUERY_VALUES] += 1;
}

static uint32_t round_of(const pair *record, uint32_t constant)
{
    return (pair_number(record) + constant) % 5;
}

/* --- Making --- */

static unsigned pick(const query *plan, nd_random *random, unsigned depth)
{
    unsigned found[QUERY_MOST], n = 0;
    for (unsigned i = 0; i < plan->n; i++)
        if (plan->nodes[i].depth == depth)
            found[n++] = i;
    return found[nd_random_below(random, n)];
}

static void add_node(query *plan, query_kind kind, unsigned of, unsigned depth, nd_random *random)
{
    plan->nodes[plan->n++] = (query_node){
        .kind = kind, .of = of, .depth = depth, .constant = (uint32_t)nd_random_below(random, 100)};
}

static void add_any(query *plan, nd_random *random)
{
    const unsigned last = plan->n - 1, depth = plan->nodes[last].depth;
    /* Mostly of the last one, or little of the query would count. */
    const unsigned of = nd_random_below(random, 4) ? last : pick(plan, random, depth);
    query_kind kind = (query_kind)(1 + nd_random_below(random, QUERY_KINDS - 1));
    if ((kind == QUERY_ENTER || kind == QUERY_ENTER_AT) && depth == QUERY_DEPTH)
        kind = QUERY_LEAVE;
    if (kind == QUERY_CLOSURES && depth + 2 > ND_MAX_LOOPS)
        kind = QUERY_CLOSURE;
    if (kind == QUERY_LEAVE && depth == 0)
        kind = QUERY_CONSOLIDATE;
    const bool enters = kind == QUERY_ENTER || kind == QUERY_ENTER_AT;
    add_node(plan, kind, of, depth + enters - (kind == QUERY_LEAVE), random);
    plan->nodes[plan->n - 1].and = pick(plan, random, plan->nodes[plan->n - 1].depth);
    if ((kind == QUERY_CONCAT || kind == QUERY_JOIN) && plan->nodes[plan->n - 1].and == plan->n - 1)
        plan->nodes[plan->n - 1].and = of;
}

void query_make(query *plan, nd_random *random)
{
    *plan = (query){.n = 0};
    for (unsigned i = 0; i < QUERY_INPUTS; i++)
        add_node(plan, QUERY_INPUT, i, 0, random);
    const unsigned most = QUERY_MOST - QUERY_DEPTH;
    const unsigned n = QUERY_INPUTS + 1 + (unsigned)nd_random_below(random, most - QUERY_INPUTS);
    while (plan->n < n)
        add_any(plan, random);
    while (plan->nodes[plan->n - 1].depth > 0) {
        const unsigned last = plan->n - 1;
        add_node(plan, QUERY_LEAVE, last, plan->nodes[last].depth - 1, random);
    }
}

/* --- Building --- */

static uint32_t constant_of(void *user) { return (uint32_t)(uintptr_t)user; }

static void map_fn(void *user, const void *records, size_t len, void *out)
{
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] = mapped((const pair *)records + i, constant_of(user));
}

static void filter_fn(void *user, const void *records, size_t len, bool *keep)
{
    for (size_t i = 0; i < len; i++)
        keep[i] = is_kept((const pair *)records + i, constant_of(user));
}

static void flat_map_fn(void *user, const void *records, size_t len, nd_changes *out)
{
    const uint32_t constant = constant_of(user);
    for (size_t i = 0; i < len; i++) {
        const pair *const record = (const pair *)records + i;
        for (unsigned k = 0; k < n_made(record, constant); k++) {
            const int64_t times = weight(constant, k);
            pair *const slot =
                times == 1 ? nd_changes_slot(out, i) : nd_changes_slot_times(out, i, times);
            *slot = made(record, constant, k);
        }
    }
}

static void reduce_fn(void *user, const void *records, const int64_t *counts, size_t len,
                      nd_reduction *out)
{
    int64_t there[QUERY_VALUES] = {0}, made_of[QUERY_VALUES] = {0};
    const pair *const all = records;
    for (size_t i = 0; i < len; i++)
        there[all[i].value + 2] += counts[i];
    reduced(there, all[0].key, constant_of(user), made_of);
    for (unsigned v = 0; v < QUERY_VALUES; v++)
        if (made_of[v] != 0)
            ((pair *)nd_reduction_slot(out, made_of[v]))->value = (int32_t)v - 2;
}

/* What the number of records of a key is shown as. */
static int32_t shown(int64_t n)
{
    return (int32_t)(((n % QUERY_VALUES) + QUERY_VALUES) % QUERY_VALUES) - 2;
}

static void show_fn(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const wide_tally *const one = (const wide_tally *)records + i;
        ((pair *)out)[i] = (pair){(uint32_t)one->key, shown(one->n)};
    }
}

static void widen_fn(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        const pair *const one = (const pair *)records + i;
        ((wide_pair *)out)[i] = (wide_pair){one->key, one->value};
    }
}

static nd_collection build_count(nd_collection of)
{
    const nd_collection wide = nd_collection_map(of, &wide_pair_type, widen_fn, nd_no_user);
    return nd_collection_map(nd_count(wide, &wide_tally_type), &pair_type, show_fn, nd_no_user);
}

static pair joined(const pair *left, const pair *right, uint32_t constant)
{
    return pair_of_number((pair_number(left) * 3 + pair_number(right) * (constant % 5) + constant) %
                          QUERY_RECORDS);
}

static void join_fn(void *user, const void *left, const void *right, size_t len, void *out)
{
    for (size_t i = 0; i < len; i++)
        ((pair *)out)[i] =
            joined((const pair *)left + i, (const pair *)right + i, constant_of(user));
}

/* What is there, and what the map of a constant makes of what is there, round by round. */
typedef struct closure_body {
    nd_collection start; /* outside */
    uint32_t constant;
    bool is_nested;
} closure_body;

static nd_collection close_once(nd_scope *loop, nd_collection there, void *arg);

static nd_collection close_all(nd_collection start, uint32_t constant, bool is_nested)
{
    closure_body body = {nd_distinct(start), constant, is_nested};
    return nd_iterate(body.start, close_once, &body);
}

static nd_collection close_once(nd_scope *loop, nd_collection there, void *arg)
{
    const closure_body *const body = arg;
    const nd_user user = {(void *)(uintptr_t)body->constant, NULL};
    nd_collection next = nd_collection_map(there, &pair_type, map_fn, user);
    if (body->is_nested)
        next = close_all(next, body->constant + 1, false);
    const nd_collection both[] = {next, nd_collection_enter(loop, body->start)};
    return nd_distinct(nd_collection_concat_many(both, 2));
}

static void round_fn(void *user, const void *records, size_t len, uint32_t *rounds)
{
    for (size_t i = 0; i < len; i++)
        rounds[i] = round_of((const pair *)records + i, constant_of(user));
}

static const char *const mutants[] = {"map",     "filter",   "flat_map", "negate", "concat",
                                      "leave",   "distinct", "min",      "reduce", "join",
                                      "closure", "closures", NULL};

const char *query_mutant(size_t index) { return mutants[index]; }

static bool is(const char *mutant, const char *name) { return mutant && strcmp(mutant, name) == 0; }

/* --- Watching --- */

typedef struct watched_node {
    query_watch *watch;
    unsigned node;
} watched_node;

static void add_seen(query_watch *watch, unsigned node, const nd_update *update)
{
    const unsigned number = pair_number(update->record);
    watch->has_repeated |= update->diff == 0;
    for (size_t i = 0; i < watch->n; i++)
        watch->has_repeated |= watch->seen[i].node == node && watch->seen[i].number == number &&
                               nd_time_equal(&watch->seen[i].time, &update->time);
    if (watch->n == watch->capacity) {
        watch->capacity = 2 * watch->capacity + 64;
        watch->seen = realloc(watch->seen, watch->capacity * sizeof *watch->seen);
        if (!watch->seen)
            abort();
    }
    watch->seen[watch->n].node = node;
    watch->seen[watch->n].number = number;
    watch->seen[watch->n++].time = update->time;
}

static void watch_fn(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    const watched_node *const node = user;
    (void)type;
    for (size_t i = 0; i < len; i++)
        add_seen(node->watch, node->node, &updates[i]);
}

static nd_collection watch_node(query_watch *watch, unsigned node, nd_collection collection)
{
    watched_node *const watched = malloc(sizeof *watched);
    if (!watched)
        abort();
    *watched = (watched_node){watch, node};
    return nd_collection_inspect(collection, watch_fn, (nd_user){watched, free});
}

void query_watch_deinit(query_watch *watch) { free(watch->seen); }

/* The loop that a node's inside stands in: one for each depth. */
typedef struct builder {
    nd_scope *scopes[QUERY_DEPTH + 1];
    nd_collection made[QUERY_MOST];
    const char *mutant;
} builder;

static nd_collection build_node(builder *self, const query_node *node, const nd_collection *inputs)
{
    const nd_collection of = node->kind == QUERY_INPUT ? inputs[node->of] : self->made[node->of];
    uint32_t constant = node->constant;
    if ((node->kind == QUERY_MAP && is(self->mutant, "map")) ||
        (node->kind == QUERY_FILTER && is(self->mutant, "filter")) ||
        (node->kind == QUERY_FLAT_MAP && is(self->mutant, "flat_map")) ||
        (node->kind == QUERY_REDUCE && is(self->mutant, "reduce")))
        constant++;
    const nd_user user = {(void *)(uintptr_t)constant, NULL};
    switch (node->kind) {
    case QUERY_MAP:
        return nd_collection_map(of, &pair_type, map_fn, user);
    case QUERY_FILTER:
        return nd_collection_filter(of, filter_fn, user);
    case QUERY_FLAT_MAP:
        return nd_collection_flat_map(of, &pair_type, flat_map_fn, user);
    case QUERY_NEGATE:
        return is(self->mutant, "negate") ? of : nd_collection_negate(of);
    case QUERY_CONCAT: {
        const nd_collection both[] = {of, self->made[node->and ]};
        return nd_collection_concat_many(both, is(self->mutant, "concat") ? 1 : 2);
    }
    case QUERY_CONSOLIDATE:
        return nd_consolidate(of);
    case QUERY_ARRANGE:
        return nd_arrange(of);
    case QUERY_REDUCE:
        return nd_reduce(of, &pair_type, reduce_fn, user);
    case QUERY_COUNT:
        return build_count(of);
    case QUERY_DISTINCT:
        return is(self->mutant, "distinct") ? nd_consolidate(of) : nd_distinct(of);
    case QUERY_MIN:
        return is(self->mutant, "min") ? nd_max(of) : nd_min(of);
    case QUERY_MAX:
        return nd_max(of);
    case QUERY_JOIN:
        return is(self->mutant, "join")
                   ? nd_join(self->made[node->and ], of, &pair_type, join_fn, user)
                   : nd_join(of, self->made[node->and ], &pair_type, join_fn, user);
    case QUERY_CLOSURE:
        return close_all(of, constant + is(self->mutant, "closure"), false);
    case QUERY_CLOSURES:
        return close_all(of, constant, !is(self->mutant, "closures"));
    case QUERY_ENTER:
        return nd_collection_enter(self->scopes[node->depth], of);
    case QUERY_ENTER_AT:
        return nd_collection_enter_at(self->scopes[node->depth], of, round_fn, user);
    case QUERY_LEAVE:
        return is(self->mutant, "leave") ? nd_collection_negate(nd_collection_leave(of))
                                         : nd_collection_leave(of);
    case QUERY_INPUT:
    case QUERY_KINDS:
        break;
    }
    return of;
}

nd_collection query_build(const query *plan, nd_dataflow *flow, const nd_collection *inputs,
                          query_watch *watch, const char *mutant)
{
    builder self = {.mutant = mutant, .scopes = {nd_root(flow)}};
    for (unsigned i = 0; i < QUERY_DEPTH; i++)
        self.scopes[i + 1] = nd_loop_new(self.scopes[i], "loop");
    for (unsigned i = 0; i < plan->n; i++) {
        self.made[i] = build_node(&self, &plan->nodes[i], inputs);
        if (plan->nodes[i].kind == QUERY_CONSOLIDATE)
            self.made[i] = watch_node(watch, i, self.made[i]);
    }
    return self.made[plan->n - 1];
}

/* --- Computing --- */

static table compute_flat_map(const table *of, uint32_t constant)
{
    table out = {{0}};
    for (unsigned r = 0; r < QUERY_RECORDS; r++) {
        const pair record = pair_of_number(r);
        for (unsigned k = 0; k < n_made(&record, constant); k++) {
            const pair one = made(&record, constant, k);
            out.n[pair_number(&one)] += of->n[r] * weight(constant, k);
        }
    }
    return out;
}

/* What one key's records become. */
static void compute_key(const query_node *node, const int64_t *of, uint32_t key, int64_t *out)
{
    int64_t n = 0;
    bool is_there = false;
    int least = -1, greatest = -1;
    for (int v = 0; v < QUERY_VALUES; v++) {
        n += of[v];
        is_there |= of[v] != 0;
        greatest = of[v] > 0 ? v : greatest;
        least = of[v] > 0 && least < 0 ? v : least;
    }
    if (node->kind == QUERY_REDUCE && is_there)
        reduced(of, key, node->constant, out);
    if (node->kind == QUERY_COUNT && n != 0)
        out[shown(n) + 2] += 1;
    for (unsigned v = 0; node->kind == QUERY_DISTINCT && v < QUERY_VALUES; v++)
        out[v] = of[v] > 0;
    if (node->kind == QUERY_MIN && least >= 0)
        out[least] = 1;
    if (node->kind == QUERY_MAX && greatest >= 0)
        out[greatest] = 1;
}

static table compute_keys(const query_node *node, const table *of)
{
    table out = {{0}};
    for (uint32_t key = 0; key < QUERY_KEYS; key++)
        compute_key(node, of->n + key * QUERY_VALUES, key, out.n + key * QUERY_VALUES);
    return out;
}

static table compute_join(const table *left, const table *right, uint32_t constant)
{
    table out = {{0}};
    for (unsigned l = 0; l < QUERY_RECORDS; l++)
        for (unsigned r = l / QUERY_VALUES * QUERY_VALUES; r / QUERY_VALUES == l / QUERY_VALUES;
             r++) {
            const pair a = pair_of_number(l), b = pair_of_number(r),
                       both = joined(&a, &b, constant);
            out.n[pair_number(&both)] += left->n[l] * right->n[r];
        }
    return out;
}

static void close_table(table *of, uint32_t constant, bool is_nested)
{
    bool has_changed = true;
    while (has_changed) {
        table next = {{0}};
        has_changed = false;
        for (unsigned r = 0; r < QUERY_RECORDS; r++) {
            const pair record = pair_of_number(r), image = mapped(&record, constant);
            next.n[pair_number(&image)] |= of->n[r];
        }
        if (is_nested)
            close_table(&next, constant + 1, false);
        for (unsigned r = 0; r < QUERY_RECORDS; r++) {
            has_changed |= next.n[r] > of->n[r];
            of->n[r] |= next.n[r];
        }
    }
}

static table compute_closure(const query_node *node, const table *of)
{
    table out;
    for (unsigned r = 0; r < QUERY_RECORDS; r++)
        out.n[r] = of->n[r] > 0;
    close_table(&out, node->constant, node->kind == QUERY_CLOSURES);
    return out;
}

static table compute_node(const query_node *node, const table *of, const table *and)
{
    table out = {{0}};
    if (node->kind == QUERY_FLAT_MAP)
        return compute_flat_map(of, node->constant);
    if (node->kind == QUERY_JOIN)
        return compute_join(of, and, node->constant);
    if (node->kind == QUERY_CLOSURE || node->kind == QUERY_CLOSURES)
        return compute_closure(node, of);
    if (node->kind >= QUERY_REDUCE && node->kind <= QUERY_MAX)
        return compute_keys(node, of);
    for (unsigned r = 0; r < QUERY_RECORDS; r++) {
        const pair record = pair_of_number(r), image = mapped(&record, node->constant);
        if (node->kind == QUERY_MAP)
            out.n[pair_number(&image)] += of->n[r];
        else if (node->kind == QUERY_FILTER)
            out.n[r] = is_kept(&record, node->constant) ? of->n[r] : 0;
        else if (node->kind == QUERY_NEGATE)
            out.n[r] = -of->n[r];
        else if (node->kind == QUERY_CONCAT)
            out.n[r] = of->n[r] + and->n[r];
        else /* in all rounds together, what is outside */
            out.n[r] = of->n[r];
    }
    return out;
}

table query_compute(const query *plan, const table *inputs)
{
    table made[QUERY_MOST];
    for (unsigned i = 0; i < plan->n; i++) {
        const query_node *const node = &plan->nodes[i];
        made[i] = node->kind == QUERY_INPUT
                      ? inputs[node->of]
                      : compute_node(node, &made[node->of], &made[node->and ]);
    }
    return made[plan->n - 1];
}
