/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that make every run end, beside those of the library:
 *  - what vertices do counts against a budget; when it is used up they only consume and release;
 *  - a vertex on a cycle waits for nothing later than what it holds meanwhile, or it could wait for
 *    itself.
 */
#include "tests/random/harness/random_vertex.h"

#include "runtime/base/hash.h"
#include "runtime/graph_internal.h"
#include "tests/random/harness/instance_log.h"
#include "tests/random/harness/records.h"

typedef enum occasion { RECEIVED, NOTIFIED, MOVED, WOKEN, FED } occasion;

static void note(random_run *run, uint64_t value) { run->trace = nd_hash_u64(run->trace + value); }

static vertex_turn begin(instance *me, occasion what, const nd_time *time)
{
    random_run *run = me->run;
    note(run, (uint64_t)what + 8 * (me->number + 64 * (me->worker + 64 * (uint64_t)me->flow)));
    if (time != NULL)
        note(run, time->epoch + 64 * (time->loop[0] + 64 * (time->loop[1] + 64 * time->loop[2])));
    if (what != FED && me->vertex->flow->is_dropped)
        run_is_wrong(run, "dataflow %u: a vertex is called after it was dropped", me->flow);
    if (run->on_callback != NULL && what != FED)
        run->on_callback(run, me);
    return (vertex_turn){.me = me};
}

static unsigned depth(const instance *me)
{
    return plan_depth(&me->run->flows[me->flow].plan, me->plan);
}

/* --- Times --- */

static uint64_t sum(uint64_t a, uint64_t b, uint64_t limit)
{
    return a > limit - b ? limit : a + b;
}

static void delay(const instance *me, nd_time *time, unsigned k)
{
    random_run *run = me->run;
    const uint64_t limit = k == 0 ? UINT64_MAX : UINT32_MAX;
    uint64_t to = sum(k == 0 ? time->epoch : time->loop[k - 1], 1 + run_below(run, 2), limit);
    if (run->near_end && to < limit - 8 && run_chance(run, 20))
        to = limit - run_below(run, 4);
    if (k == 0)
        time->epoch = to;
    else
        time->loop[k - 1] = (uint32_t)to;
}

static nd_time delayed(const instance *me, nd_time time)
{
    while (run_chance(me->run, me->plan->habits.delays))
        delay(me, &time, run_below(me->run, depth(me) + 1));
    return time;
}

static nd_time earlier(const instance *me, nd_time time)
{
    random_run *run = me->run;
    if (time.epoch > 0 && run_chance(run, 30))
        time.epoch--;
    for (unsigned k = 0; k < depth(me); k++)
        if (time.loop[k] > 0 && run_chance(run, 30))
            time.loop[k]--;
    return time;
}

/* What a vertex that holds `time` meanwhile may wait for. */
static nd_time bearable(const instance *me, nd_time time)
{
    if (me->plan->on_cycle || run_chance(me->run, 50))
        return earlier(me, time);
    return delayed(me, delayed(me, time));
}

/* --- Sending --- */

static const time_right *any_right(const vertex_turn *turn)
{
    const size_t n_held = turn->me->held.len;
    if (turn->n_rights + n_held == 0)
        return NULL;
    const unsigned i = run_below(turn->me->run, turn->n_rights + n_held);
    if (i < turn->n_rights)
        return &turn->rights[i];
    return &((const time_hold *)nd_vector_at(&turn->me->held, i - turn->n_rights))->right;
}

static unsigned worker_for(const random_run *run, const plan_channel *channel, const nd_type *type,
                           const void *record)
{
    if (channel->by_function)
        return (unsigned)(record_head_at(type, record, 0).key % run->n_workers);
    return nd_route_of(nd_type_hash(type, record), run->n_workers);
}

/* Enters one record into the ledger wherever it is to arrive. */
static void enter(const instance *me, unsigned port, const nd_time *time, const void *record)
{
    random_run *run = me->run;
    const random_flow *flow = &run->flows[me->flow];
    for (unsigned c = 0; c < flow->plan.n_channels; c++) {
        const plan_channel *channel = &flow->plan.channels[c];
        ledger_line line = {.flow = me->flow, .channel = c, .worker = me->worker};
        if (channel->from != me->number || channel->from_port != port ||
            !plan_follow(&channel->path, time, &line.time))
            continue;
        line.id = record_head_at(flow->type, record, 0).id;
        if (channel->kind == ND_PACT_EXCHANGE)
            line.worker = worker_for(run, channel, flow->type, record);
        const bool to_all = channel->kind == ND_PACT_BROADCAST;
        for (unsigned w = 0; w < run->n_workers; w++) {
            if (!to_all && w != line.worker)
                continue;
            line.worker = w;
            ledger_send(&run->ledger, &line);
        }
    }
}

/* A random output that the right reaches, and its earliest time there. */
static bool choose_output(const instance *me, const time_right *right, unsigned *port,
                          nd_time *least)
{
    if (me->plan->n_outputs == 0)
        return false;
    *port = run_below(me->run, me->plan->n_outputs);
    return right_least(me, right, *port, least);
}

static void send(vertex_turn *turn, const time_right *right, unsigned n_records)
{
    instance *me = turn->me;
    random_run *run = me->run;
    const nd_type *type = run->flows[me->flow].type;
    unsigned port;
    nd_time time;
    if (run->budget <= 0 || !choose_output(me, right, &port, &time))
        return;
    time = delayed(me, time);
    const bool by_slot = run_chance(run, 50);
    for (; n_records > 0; n_records--) {
        _Alignas(uint64_t) unsigned char record[RECORD_SIZE];
        const record_head head = {run_below(run, RECORD_KEYS), ++run->n_ids};
        run->budget--;
        record_fill(type, head, record);
        enter(me, port, &time, record);
        if (by_slot)
            record_fill(type, head, nd_emit_slot(nd_vertex_emit(me->vertex, port, &time)));
        else
            nd_send_by(me->vertex, port, &time, record);
    }
}

/* --- Holding --- */

static bool all_past(const instance *me, const nd_time *time)
{
    for (unsigned i = 0; i < me->plan->n_inputs; i++) {
        const nd_time *times;
        const size_t n = nd_vertex_frontier(me->vertex, i, &times);
        for (size_t k = 0; k < n; k++)
            if (nd_time_less_equal(&times[k], time))
                return false;
    }
    return true;
}

/* Decides how the hold will end, so that it will. */
static void choose_end(vertex_turn *turn, time_hold *held)
{
    instance *me = turn->me;
    if (me->plan->has_notify && run_chance(me->run, 40)) {
        held->due = bearable(me, held->right.time);
        if (turn_ask(turn, &held->due, NULL)) {
            nd_notify_when(me->vertex, &held->due, NULL);
            held->until = UNTIL_NOTIFIED;
        }
    } else if (me->plan->has_frontier && run_chance(me->run, 60) &&
               !all_past(me, &held->right.time)) {
        held->until = UNTIL_PASSED;
    }
}

/* Holds something; with a batch, keeps it to be sent later. */
static void hold(vertex_turn *turn, nd_batch *batch)
{
    instance *me = turn->me;
    const time_right *from = any_right(turn);
    time_hold held = {.until = UNTIL_WOKEN};
    if (me->run->budget <= 0 || from == NULL)
        return;
    const nd_time time = delayed(me, from->time);
    if (!turn_right_for(turn, &time, &held.right))
        return;
    me->run->budget--;
    nd_hold(me->vertex, &time);
    choose_end(turn, &held);
    held.batch = batch != NULL ? nd_batch_take(batch) : NULL;
    *(struct time_hold *)push(&me->held) = held;
}

static void send_kept(instance *me, const time_hold *held)
{
    const nd_type *type = nd_batch_type(held->batch);
    unsigned port;
    nd_time time;
    if (!choose_output(me, &held->right, &port, &time)) {
        nd_batch_release(held->batch);
        return;
    }
    time = delayed(me, time);
    const char *records = nd_batch_records(held->batch);
    for (size_t i = 0; i < nd_batch_len(held->batch); i++) {
        me->run->budget--;
        enter(me, port, &time, records + i * type->size);
    }
    nd_send_batch_by(me->vertex, port, &time, held->batch);
}

static void let_go(instance *me, size_t index)
{
    time_hold held;
    take_out(&me->held, index, &held);
    if (held.batch != NULL && me->run->budget > 0)
        send_kept(me, &held);
    else
        nd_batch_release(held.batch);
    nd_release(me->vertex, &held.right.time);
}

static void let_go_some(instance *me)
{
    for (size_t i = me->held.len; i-- > 0;) {
        const time_hold *held = nd_vector_at(&me->held, i);
        if (held->until == UNTIL_WOKEN && run_chance(me->run, me->plan->habits.releases))
            let_go(me, i);
    }
}

/* --- Asking --- */

static void ask(vertex_turn *turn)
{
    instance *me = turn->me;
    const time_right *from = any_right(turn);
    if (me->run->budget <= 0 || from == NULL || !me->plan->has_notify)
        return;
    me->run->budget--;
    const nd_time time = delayed(me, from->time);
    const nd_time due = bearable(me, time);
    switch (run_below(me->run, 4)) {
    case 0:
        if (turn_ask(turn, &due, NULL))
            nd_notify_when(me->vertex, &due, NULL);
        break;
    case 1:
        if (turn_ask(turn, &due, &time))
            nd_notify_when(me->vertex, &due, &time);
        break;
    default:
        if (turn_ask(turn, &time, &time))
            nd_notify_at(me->vertex, &time);
    }
}

/* --- Callbacks --- */

static void act(vertex_turn *turn)
{
    instance *me = turn->me;
    const plan_habits *habits = &me->plan->habits;
    if (run_chance(me->run, habits->notifies))
        ask(turn);
    if (run_chance(me->run, habits->holds))
        hold(turn, NULL);
    if (run_chance(me->run, habits->holds))
        let_go_some(me);
}

/* Sees to being called again while something waits to be released at no particular time. */
static void end(vertex_turn *turn)
{
    instance *me = turn->me;
    const time_hold *held = me->held.items;
    bool waits = false;
    for (size_t i = 0; i < me->held.len; i++)
        waits |= held[i].until == UNTIL_WOKEN;
    if (!waits || me->plan->is_driven)
        return;
    if (me->activator == NULL)
        me->activator = nd_vertex_activator(me->vertex);
    nd_activate(me->activator);
}

static void check_arrival(instance *me, unsigned port, const nd_time *time, const nd_batch *batch)
{
    const nd_type *type = me->run->flows[me->flow].type;
    const void *records = nd_batch_records(batch);
    if (instance_is_past(me, time))
        instance_is_wrong(me, time, "a batch after the notification that none would come");
    if (nd_batch_len(batch) == 0)
        instance_is_wrong(me, time, "an empty batch");
    for (size_t i = 0; i < nd_batch_len(batch); i++) {
        const ledger_line line = {.id = record_head_at(type, records, i).id,
                                  .flow = me->flow,
                                  .channel = me->plan->first_channel + port,
                                  .worker = me->worker,
                                  .time = *time};
        note(me->run, line.id);
        if (!ledger_receive(&me->run->ledger, &line))
            instance_is_wrong(me, time, "a record that was not sent here, or not as often");
        if (!record_is_whole(type, records, i))
            instance_is_wrong(me, time, "a record that is not what was sent");
    }
}

/* The batch at hand is counted, so the frontier that the vertex sees cannot be past it. */
static void check_frontier(instance *me, unsigned port, const nd_time *time)
{
    const nd_time *times;
    if (!me->plan->has_notify && !me->plan->has_frontier)
        return;
    const size_t n = nd_vertex_frontier(me->vertex, port, &times);
    for (size_t i = 0; i < n; i++)
        if (nd_time_less_equal(&times[i], time))
            return;
    instance_is_wrong(me, time, "a batch before the frontier of its input");
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    instance *me = nd_vertex_user(vertex);
    vertex_turn turn = begin(me, RECEIVED, time);
    check_arrival(me, port, time, batch);
    check_frontier(me, port, time);
    turn.rights[turn.n_rights++] =
        (time_right){*time, me->plan->has_summaries ? 1U << port : ANY_INPUT};
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        if (run_chance(me->run, me->plan->habits.forwards))
            send(&turn, any_right(&turn), 1);
    if (run_chance(me->run, me->plan->habits.keeps))
        hold(&turn, batch);
    act(&turn);
    end(&turn);
}

static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    instance *me = nd_vertex_user(vertex);
    vertex_turn turn = begin(me, NOTIFIED, time);
    if (!turn_notified(&turn, time))
        instance_is_wrong(me, time, "a notification that nobody waits for");
    for (size_t i = me->held.len; i-- > 0;) {
        const time_hold *held = nd_vector_at(&me->held, i);
        if (held->until == UNTIL_NOTIFIED && nd_time_equal(&held->due, time))
            let_go(me, i);
    }
    const time_right *right = any_right(&turn);
    if (right != NULL && run_chance(me->run, me->plan->habits.forwards))
        send(&turn, right, 1 + run_below(me->run, me->plan->habits.most_records));
    act(&turn);
    end(&turn);
}

static void on_frontier(nd_vertex *vertex)
{
    instance *me = nd_vertex_user(vertex);
    vertex_turn turn = begin(me, MOVED, NULL);
    for (size_t i = me->held.len; i-- > 0;) {
        const time_hold *held = nd_vector_at(&me->held, i);
        if (held->until == UNTIL_PASSED && all_past(me, &held->right.time))
            let_go(me, i);
    }
    act(&turn);
    end(&turn);
}

/* --- Sources --- */

bool random_vertex_is_open(const instance *me) { return me->held.len != 0; }

static void feed(vertex_turn *turn)
{
    instance *me = turn->me;
    random_run *run = me->run;
    if (me->n_rounds == 0 || run->budget <= 0) {
        me->n_rounds = 0;
        return;
    }
    me->n_rounds--;
    const time_right *right = any_right(turn);
    if (right != NULL && run_chance(run, 70))
        send(turn, right, 1 + run_below(run, me->plan->habits.most_records));
    if (!run_chance(run, 60))
        return;
    const size_t oldest = 0;
    time_hold later = *(const time_hold *)nd_vector_at(&me->held, oldest);
    if (later.until != UNTIL_WOKEN || (later.right.inputs & ANY_INPUT) == 0)
        return;
    later.right.time.epoch = sum(later.right.time.epoch, 1 + run_below(run, 2), UINT64_MAX);
    later.batch = NULL;
    nd_hold(me->vertex, &later.right.time);
    *(time_hold *)push(&me->held) = later;
    let_go(me, oldest);
}

void random_vertex_feed(instance *me)
{
    vertex_turn turn = begin(me, FED, NULL);
    feed(&turn);
    if (me->n_rounds == 0)
        let_go_some(me);
}

static void on_activate(nd_vertex *vertex)
{
    instance *me = nd_vertex_user(vertex);
    vertex_turn turn = begin(me, WOKEN, NULL);
    if (me->n_rounds > 0 && me->held.len != 0)
        feed(&turn);
    else
        let_go_some(me);
    act(&turn);
    end(&turn);
}

/* --- Life --- */

static nd_err init(nd_vertex *vertex)
{
    instance *me = nd_vertex_user(vertex);
    me->n_init++;
    return ND_OK;
}

static void deinit(nd_vertex *vertex)
{
    instance *me = nd_vertex_user(vertex);
    me->n_deinit++;
    nd_activator_release(me->activator);
    for (size_t i = 0; i < me->held.len; i++)
        nd_batch_release(((time_hold *)nd_vector_at(&me->held, i))->batch);
    nd_vector_deinit(&me->held);
    nd_vector_deinit(&me->requests);
    nd_vector_deinit(&me->passed);
}

static void destroy(void *user) { ((instance *)user)->n_destroyed++; }

/* The plan's paths as a program states them: what is the identity may go unsaid. */
static size_t state_paths(const instance *me, nd_vertex_summary *summaries)
{
    const plan_vertex *vertex = me->plan;
    size_t n = 0;
    for (unsigned i = 0; i < vertex->n_inputs; i++)
        for (unsigned o = 0; o < plan_n_outlets(vertex); o++) {
            const plan_path *path = &vertex->paths[i][o];
            nd_time add = {.epoch = path->adds[0]};
            bool changes = !path->exists || path->adds[0] != 0;
            for (unsigned k = 0; k < ND_MAX_LOOPS; k++) {
                add.loop[k] = (uint32_t)path->adds[k + 1];
                changes |= add.loop[k] != 0;
            }
            if (vertex->only_named ? path->exists : changes)
                summaries[n++] = (nd_vertex_summary){i, o, !path->exists, add};
        }
    return n;
}

static void prepare(instance *me)
{
    nd_vector_init(&me->held, sizeof(time_hold));
    nd_vector_init(&me->requests, sizeof(notify_request));
    nd_vector_init(&me->passed, sizeof(nd_time));
    if (!me->plan->is_source)
        return;
    *(time_hold *)push(&me->held) = (time_hold){.right = {{.epoch = 0}, ANY_INPUT}};
    me->n_rounds = run_below(me->run, 12);
}

void random_vertex_new(instance *me, nd_scope *scope, const nd_pact *inputs, nd_stream *out)
{
    const plan_vertex *vertex = me->plan;
    nd_vertex_summary summaries[PLAN_PORTS * PLAN_PORTS];
    const char name[] = {'v', (char)('a' + (char)me->number), '\0'};
    prepare(me);
    nd_vertex_def def = {.name = name,
                         .init = init,
                         .deinit = deinit,
                         .user = me,
                         .destroy = destroy,
                         .on_recv = on_recv,
                         .on_notify = vertex->has_notify ? on_notify : NULL,
                         .on_frontier = vertex->has_frontier ? on_frontier : NULL,
                         .on_activate = vertex->is_driven ? NULL : on_activate,
                         .source = vertex->is_source,
                         .summaries = summaries,
                         .n_summaries = state_paths(me, summaries),
                         .only_named = vertex->only_named};
    for (unsigned i = 0; i < vertex->n_inputs; i++)
        def.inputs[i] = inputs[i];
    for (unsigned o = 0; o < vertex->n_outputs; o++)
        def.outputs[o] = me->run->flows[me->flow].type;
    me->vertex = nd_vertex_new(scope, &def, out);
}

void random_vertex_route(void *user, const void *records, size_t len, uint64_t *hashes)
{
    const random_flow *flow = user;
    for (size_t i = 0; i < len; i++)
        hashes[i] =
            nd_route_to((unsigned)(record_head_at(flow->type, records, i).key % flow->n_workers),
                        flow->n_workers);
}

void random_vertex_check_end(const instance *me)
{
    if (me->requests.len != 0)
        instance_is_wrong(me, &((const notify_request *)me->requests.items)->due,
                          "a notification that never came");
    const time_hold *held = me->held.items;
    for (size_t i = 0; i < me->held.len; i++)
        if (right_reaches_any(me, &held[i].right)) /* else it holds nobody back */
            instance_is_wrong(me, &held[i].right.time, "a hold that was never released");
}
