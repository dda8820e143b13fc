/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/collection_run.h"

#include <stdlib.h>

/* --- Making --- */

/* Most changes are undone later, in part: so much cancels. */
static void make_changes(collection_run *run, nd_random *random)
{
    run->n_changes = (unsigned)nd_random_below(random, RUN_CHANGES);
    for (unsigned i = 0; i < run->n_changes; i++) {
        query_change *const one = &run->changes[i];
        *one = (query_change){.worker = (unsigned)nd_random_below(random, run->n_workers),
                              .input = (unsigned)nd_random_below(random, QUERY_INPUTS),
                              .epoch = i * RUN_EPOCHS / run->n_changes,
                              .number = (unsigned)nd_random_below(random, QUERY_RECORDS),
                              .diff = (int64_t)nd_random_below(random, 7) - 3};
        if (i > 0 && nd_random_below(random, 2)) {
            const query_change *const undone = &run->changes[nd_random_below(random, i)];
            one->input = undone->input;
            one->number = undone->number;
            one->diff = -undone->diff;
        }
    }
}

static void make_reader(collection_run *run, nd_random *random)
{
    const query *const plan = &run->plans[0];
    unsigned bits[QUERY_INPUTS];
    for (unsigned i = 0; i < QUERY_INPUTS; i++) {
        do
            run->shared[i] = (unsigned)nd_random_below(random, plan->n);
        while (plan->nodes[run->shared[i]].scope != 0);
        bits[i] = plan->nodes[run->shared[i]].bits;
    }
    query_make(&run->plans[1], run->type, bits, true, random);
    for (unsigned i = 0; i < run->n_workers; i++) {
        collection_place *const place = &run->places[i];
        place->read_at = (unsigned)nd_random_below(random, run->n_changes + 1);
        place->patience = nd_random_below(random, 4) ? 0 : (unsigned)nd_random_below(random, 200);
    }
}

static void choose_watched(collection_run *run, nd_random *random)
{
    for (unsigned q = 0; q < RUN_QUERIES; q++)
        for (unsigned i = 0; i < run->plans[q].n; i++)
            run->is_watched[q][i] = i == run->plans[q].n - 1 ||
                                    run->plans[q].nodes[i].op->is_consolidated ||
                                    nd_random_below(random, 3) == 0;
}

collection_run *collection_run_create(unsigned n_workers, const char *mutant, nd_random *random)
{
    static const query_type *const types[] = {&query_pairs, &query_pairs, &query_wide_pairs,
                                              &query_words};
    static const unsigned most_at_once[] = {3, 20, 20, RUN_CHANGES};
    static const unsigned bits[QUERY_INPUTS] = {11, 11};
    collection_run *const run = calloc(1, sizeof *run);
    if (!run)
        abort();
    run->n_workers = n_workers;
    run->type = types[nd_random_below(random, 4)];
    run->most_at_once = most_at_once[nd_random_below(random, 4)];
    query_make(&run->plans[0], run->type, bits, false, random);
    make_changes(run, random);
    for (unsigned i = 0; i < n_workers; i++)
        run->places[i] = (collection_place){.run = run, .index = i};
    if (nd_random_below(random, 3) == 0)
        make_reader(run, random);
    choose_watched(run, random);
    for (unsigned q = 0; q < RUN_QUERIES; q++) {
        run->built[q] = run->plans[q];
        query_spoil(&run->built[q], mutant);
    }
    return run;
}

void collection_run_destroy(collection_run *run)
{
    for (unsigned i = 0; i < run->n_workers; i++)
        free(run->places[i].seen);
    free(run);
}

/* --- Watching --- */

static void watch_fn(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    const query_eye *const eye = user;
    collection_place *const place = eye->place;
    (void)type;
    if (place->n_seen + len > place->capacity) {
        place->capacity = 2 * place->capacity + len;
        place->seen = realloc(place->seen, place->capacity * sizeof *place->seen);
        if (!place->seen)
            abort();
    }
    for (size_t i = 0; i < len; i++)
        place->seen[place->n_seen++] =
            (query_sight){.query = eye->query,
                          .node = eye->node,
                          .number = place->run->type->read(updates[i].record),
                          .time = updates[i].time,
                          .diff = updates[i].diff};
}

/* --- The program of a worker --- */

static void build_query(collection_place *place, unsigned which, query_builder *builder,
                        nd_dataflow *flow)
{
    collection_run *const run = place->run;
    builder->plan = &run->built[which];
    query_build(builder, flow);
    for (unsigned i = 0; i < builder->plan->n; i++) {
        query_eye *const eye = &place->eyes[which][i];
        *eye = (query_eye){place, which, i};
        if (run->is_watched[which][i])
            nd_collection_inspect(builder->made[i], watch_fn, (nd_user){eye, NULL});
    }
}

nd_err collection_run_build(nd_worker *worker, void *arg)
{
    collection_run *const run = arg;
    collection_place *const place = &run->places[nd_worker_index(worker)];
    nd_dataflow *const flow = nd_dataflow_new(worker, "query");
    query_builder builder = {.plan = NULL};
    for (unsigned i = 0; i < QUERY_INPUTS; i++)
        builder.made[i] = nd_collection_input_new(flow, run->type->record, &place->inputs[i]);
    build_query(place, 0, &builder, flow);
    for (unsigned i = 0; run->plans[1].n && i < QUERY_INPUTS; i++)
        place->shared[i] = nd_arrangement_create(nd_arrange(builder.made[run->shared[i]]));
    return nd_dataflow_start(flow);
}

static void forget_shared(collection_place *place)
{
    for (unsigned i = 0; i < QUERY_INPUTS; i++) {
        nd_arrangement_destroy(place->shared[i]);
        place->shared[i] = NULL;
    }
}

static void build_reader(nd_worker *worker, collection_place *place)
{
    nd_dataflow *const flow = nd_dataflow_new(worker, "reader");
    query_builder builder = {.plan = NULL};
    for (unsigned i = 0; i < QUERY_INPUTS; i++)
        builder.made[i] = nd_arrangement_import(flow, place->shared[i]);
    build_query(place, 1, &builder, flow);
    place->is_refused |= nd_dataflow_start(flow) != ND_OK;
    place->has_reader = true;
}

static void compact_shared(collection_place *place, uint64_t since)
{
    for (unsigned i = 0; i < QUERY_INPUTS; i++)
        nd_arrangement_advance(place->shared[i], since);
    if (!place->has_reader && since > place->since)
        place->since = since;
}

/* What is shared is compacted now and then, and given up soon after the reader is built. */
static void share(nd_worker *worker, collection_place *place, nd_random *random)
{
    const collection_run *const run = place->run;
    const bool is_fed = place->n_fed == run->n_changes;
    const uint64_t now = is_fed ? RUN_EPOCHS - 1 : run->changes[place->n_fed].epoch;
    if (!place->shared[0])
        return;
    if (nd_random_below(random, 4) == 0)
        compact_shared(place, nd_random_below(random, now + 1));
    if (place->has_reader) {
        if (nd_random_below(random, 2))
            forget_shared(place);
    } else if (place->n_fed >= place->read_at && place->patience-- == 0) {
        build_reader(worker, place);
    }
}

static void feed(const collection_run *run, nd_input **inputs, const query_change *one)
{
    uint64_t record[8]; /* of any type */
    static_assert(sizeof record >= 2 * sizeof(nd_bytes), "it is large enough");
    run->type->write(one->number, record);
    nd_input_advance(inputs[one->input], one->epoch);
    if (one->diff == 1)
        nd_collection_insert(inputs[one->input], record);
    else if (one->diff == -1)
        nd_collection_remove(inputs[one->input], record);
    else if (one->diff != 0)
        nd_collection_update(inputs[one->input], record, one->diff);
}

bool collection_run_turn(nd_worker *worker, nd_random *random, void *arg)
{
    collection_run *const run = arg;
    collection_place *const place = &run->places[nd_worker_index(worker)];
    unsigned *const next = &place->n_fed;
    for (uint64_t n = nd_random_below(random, run->most_at_once); n > 0 && *next < run->n_changes;
         n--, ++*next)
        if (run->changes[*next].worker == place->index)
            feed(run, place->inputs, &run->changes[*next]);
    if (*next < run->n_changes && nd_random_below(random, 4) == 0)
        for (unsigned i = 0; i < QUERY_INPUTS; i++)
            nd_input_advance(place->inputs[i], run->changes[*next].epoch);
    for (unsigned i = 0; *next == run->n_changes && i < QUERY_INPUTS; i++)
        nd_input_close(place->inputs[i]);
    share(worker, place, random);
    return !place->is_refused && (*next < run->n_changes || place->shared[0]);
}

void collection_run_abandon(collection_run *run, unsigned worker)
{
    forget_shared(&run->places[worker]);
}

/* --- Checking --- */

static int compare_sights(const void *a, const void *b)
{
    const query_sight *const x = a, *const y = b;
    if (x->query != y->query)
        return x->query < y->query ? -1 : 1;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    const int order = nd_time_compare(&x->time, &y->time);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* All that was seen, of all workers; the caller's. */
static query_sight *gather(const collection_run *run, size_t *len)
{
    size_t n = 0;
    for (unsigned i = 0; i < run->n_workers; i++)
        n += run->places[i].n_seen;
    query_sight *const all = malloc((n + 1) * sizeof *all);
    if (!all)
        abort();
    *len = 0;
    for (unsigned i = 0; i < run->n_workers; i++)
        for (size_t k = 0; k < run->places[i].n_seen; k++)
            all[(*len)++] = run->places[i].seen[k];
    qsort(all, n, sizeof *all, compare_sights);
    return all;
}

/* Whether updates are such as can be. */
static bool check_sights(const collection_run *run, const query_sight *all, size_t len,
                         nd_message *why)
{
    for (size_t i = 0; i < len; i++) {
        const query *const plan = &run->plans[all[i].query];
        const query_op *const op = plan->nodes[all[i].node].op;
        const unsigned depth = query_depth(plan, all[i].node);
        char text[ND_TIME_TEXT_SIZE];
        nd_time_text(&all[i].time, ND_MAX_LOOPS, text);
        if (all[i].diff == 0 || all[i].number >= QUERY_RECORDS ||
            query_place_of(depth, &all[i].time) == query_n_times(depth))
            nd_message_set(why, ND_FAILED, "%s at %s: an update that cannot be", op->name, text);
        else if (op->is_consolidated && i > 0 && compare_sights(&all[i - 1], &all[i]) == 0)
            nd_message_set(why, ND_FAILED, "%s at %s: it is not consolidated", op->name, text);
        else
            continue;
        return false;
    }
    return true;
}

/* From changes at each time to what there is at it: summed up along one coordinate after another.
 */
static void sum_up(table *tables, unsigned depth)
{
    const size_t n = query_n_times(depth);
    size_t stride = 1;
    for (unsigned c = 0; c <= depth; c++) {
        const size_t len = c < depth ? QUERY_ROUNDS : QUERY_EPOCHS;
        for (size_t i = 0; i < n; i++)
            for (unsigned r = 0; i / stride % len != 0 && r < QUERY_RECORDS; r++)
                tables[i].n[r] += tables[i - stride].n[r];
        stride *= len;
    }
}

/* Whether a node has shown, up to each time that counts, what it is. */
static bool check_node(query_tables *tables, unsigned node, const query_sight *sights, size_t len,
                       uint64_t since, nd_message *why)
{
    const unsigned depth = query_depth(tables->plan, node);
    const size_t n = query_n_times(depth);
    bool holds = true;
    table *const found = calloc(n, sizeof *found);
    if (!found)
        abort();
    for (size_t i = 0; i < len; i++)
        found[query_place_of(depth, &sights[i].time)].n[sights[i].number] += sights[i].diff;
    sum_up(found, depth);
    for (size_t i = 0; holds && i < n; i++) {
        const nd_time time = query_time(depth, i);
        if (time.epoch < since)
            continue;
        const table *const expected = query_table(tables, node, &time);
        for (unsigned r = 0; holds && r < QUERY_RECORDS; r++) {
            char text[ND_TIME_TEXT_SIZE];
            holds = found[i].n[r] == expected->n[r];
            if (!holds)
                nd_message_set(why, ND_FAILED, "%s (node %u) at %s: %lld of record %u, not %lld",
                               tables->plan->nodes[node].op->name, node,
                               nd_time_text(&time, depth, text), (long long)found[i].n[r], r,
                               (long long)expected->n[r]);
        }
    }
    free(found);
    return holds;
}

static bool check_query(const collection_run *run, query_tables *tables, unsigned which,
                        const query_sight *all, size_t len, uint64_t since, nd_message *why)
{
    bool holds = true;
    size_t next = 0;
    while (next < len && all[next].query != which)
        next++;
    for (unsigned i = 0; holds && i < tables->plan->n; i++) {
        const size_t first = next;
        while (next < len && all[next].query == which && all[next].node == i)
            next++;
        if (run->is_watched[which][i])
            holds = check_node(tables, i, all + first, next - first, since, why);
    }
    return holds;
}

static void sum_changes(const collection_run *run, query_tables *tables)
{
    for (unsigned i = 0; i < run->n_changes; i++)
        for (unsigned epoch = run->changes[i].epoch; epoch < QUERY_EPOCHS; epoch++)
            tables->inputs[run->changes[i].input][epoch].n[run->changes[i].number] +=
                run->changes[i].diff;
}

static uint64_t last_since(const collection_run *run)
{
    uint64_t since = 0;
    for (unsigned i = 0; i < run->n_workers; i++)
        since = run->places[i].since > since ? run->places[i].since : since;
    return since;
}

static bool check_reader(const collection_run *run, query_tables *source, const query_sight *all,
                         size_t len, nd_message *why)
{
    query_tables tables;
    query_tables_init(&tables, &run->plans[1]);
    for (unsigned i = 0; i < QUERY_INPUTS; i++)
        for (unsigned epoch = 0; epoch < QUERY_EPOCHS; epoch++)
            tables.inputs[i][epoch] =
                *query_table(source, run->shared[i], &(nd_time){.epoch = epoch});
    const bool holds = check_query(run, &tables, 1, all, len, last_since(run), why);
    query_tables_deinit(&tables);
    return holds;
}

bool collection_run_check(const collection_run *run, nd_message *why)
{
    size_t len;
    query_tables tables;
    query_sight *const all = gather(run, &len);
    query_tables_init(&tables, &run->plans[0]);
    sum_changes(run, &tables);
    bool holds = check_sights(run, all, len, why) &&
                 check_query(run, &tables, 0, all, len, 0, why) &&
                 (run->plans[1].n == 0 || check_reader(run, &tables, all, len, why));
    for (unsigned i = 0; holds && i < run->n_workers; i++)
        if (run->places[i].is_refused) {
            nd_message_set(why, ND_FAILED, "worker %u could not build the reader", i);
            holds = false;
        }
    query_tables_deinit(&tables);
    free(all);
    return holds;
}

void collection_run_print(const collection_run *run)
{
    for (unsigned q = 0; q < RUN_QUERIES && run->plans[q].n; q++) {
        printf("query on %u workers", run->n_workers);
        for (unsigned i = 0; q > 0 && i < QUERY_INPUTS; i++)
            printf(", input %u is %u of the one before", i, run->shared[i]);
        printf(":\n");
        query_print(&run->plans[q], stdout);
    }
    fflush(stdout);
}

/* --- Marks --- */

static const char *const marks[] = {"a query three loops deep", "another dataflow reads it",
                                    "and what it reads has been compacted", NULL};

static unsigned n_ops(void)
{
    unsigned n = 0;
    while (query_op_at(n))
        n++;
    return n;
}

const char *collection_run_mark_name(size_t index)
{
    const unsigned n = n_ops();
    return index < n ? query_op_at((unsigned)index)->name : marks[index - n];
}

uint64_t collection_run_marks(const collection_run *run)
{
    const unsigned n = n_ops();
    uint64_t reached = run->plans[1].n ? (uint64_t)1 << (n + 1) : 0;
    if (last_since(run))
        reached |= (uint64_t)1 << (n + 2);
    for (unsigned q = 0; q < RUN_QUERIES; q++) {
        const query *const plan = &run->plans[q];
        for (unsigned i = 0; i < plan->n_scopes; i++)
            reached |= (uint64_t)(plan->scopes[i].depth == QUERY_DEPTH) << n;
        for (unsigned i = 0; i < plan->n; i++)
            for (unsigned k = 0; k < n; k++)
                reached |= (uint64_t)(plan->nodes[i].op == query_op_at(k)) << k;
    }
    return reached;
}
