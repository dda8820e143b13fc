/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs end because a record carries a budget, and what is sent on for it shares what is left. Of a
 * broadcast record all workers take note, and one of them, chosen by its hash, acts on it.
 *
 * Callbacks run on the workers' threads, so nothing here asserts: what is wrong is counted in the
 * run.
 */
#include "tests/scheduler/random_threads.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/hash.h"
#include "runtime/base/vector.h"

enum { KEYS = 30, MOST_BUDGET = 48 };

const nd_type traveller_type = ND_TYPE(traveller, 1, ND_FIELD(traveller, key),
                                       ND_FIELD(traveller, id), ND_FIELD(traveller, budget));

/* A batch, some records of which wait for the notification of `due`. */
typedef struct kept_batch {
    nd_batch *batch;
    nd_time time, due;
    unsigned port;
} kept_batch;

/* A record that waits for an activation; its vertex holds `time` for it. */
typedef struct held_record {
    traveller record;
    nd_time time;
    unsigned port;
} held_record;

/* The state of an instance. */
typedef struct instance {
    nd_vertex *vertex;
    place *place;
    shared_run *run;
    unsigned worker;
    nd_random random;          /* for what the answer does not depend on */
    nd_activator *activator;   /* NULL before it is first used */
    uint64_t epoch, n_epochs;  /* of a source: the one to send next, and how many there are */
    nd_vector kept, held;      /* kept_batch, held_record */
    nd_vector awaited, passed; /* nd_time: asked for; notified of, the latest */
} instance;

static void wrong(shared_run *run, const char *what)
{
    const char *none = NULL;
    atomic_compare_exchange_strong_explicit(&run->what, &none, what, memory_order_relaxed,
                                            memory_order_relaxed);
    atomic_fetch_add_explicit(&run->n_wrong, 1, memory_order_relaxed);
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void *push(nd_vector *vector)
{
    void *slot = nd_vector_push(vector);
    if (slot == NULL)
        abort();
    return slot;
}

/* Takes an item out; the last one moves to its place. */
static void take_out(nd_vector *vector, size_t index, void *item)
{
    memcpy(item, nd_vector_at(vector, index), vector->item_size);
    const void *last = nd_vector_pop(vector);
    if (index < vector->len)
        memcpy(nd_vector_at(vector, index), last, vector->item_size);
}

/* --- Hashes --- */

static uint64_t mix(uint64_t a, uint64_t b) { return nd_hash_u64(nd_hash_u64(a) + b); }
static uint64_t arrival_hash(const traveller *record, const nd_time *time)
{
    return mix(mix(record->key, record->id),
               mix(record->budget, nd_hash_bytes(time, sizeof *time)));
}

/* Numbers for what becomes of a record at a vertex; `question` tells them apart. */
static uint64_t fate_hash(const instance *me, unsigned port, const traveller *record,
                          unsigned question)
{
    return mix(mix(me->run->seed, me->place->number * 64 + port * 8 + question), record->id);
}

typedef enum fate { GOES_ON, IS_DROPPED, IS_KEPT, IS_HELD } fate;

/* A hold gives the rights of the inputs it came from, and release names a time only: a vertex whose
 * inputs differ does without. */
static fate fate_of(const instance *me, unsigned port, const traveller *record)
{
    const uint64_t roll = fate_hash(me, port, record, 0) % 100;
    if (roll < 8)
        return IS_DROPPED;
    if (roll < 30 && me->place->plan->has_notify)
        return IS_KEPT;
    if (roll >= 80 && !me->place->plan->has_summaries)
        return IS_HELD;
    return GOES_ON;
}

/* The time itself, mostly; else one step later in the epoch or in a loop. */
static nd_time delayed(const instance *me, nd_time time, uint64_t hash)
{
    const unsigned k = (unsigned)(hash / 100) % (plan_depth(&me->run->plan, me->place->plan) + 1);
    if (hash % 100 >= 25)
        return time;
    if (k == 0)
        time.epoch++;
    else
        time.loop[k - 1]++;
    return time;
}

/* --- Sending --- */

static unsigned worker_for(const instance *me, const plan_channel *channel, const traveller *record)
{
    const unsigned n_workers = me->run->n_workers;
    if (channel->kind != ND_PACT_EXCHANGE)
        return me->worker;
    return channel->by_function ? (unsigned)(record->key % n_workers)
                                : nd_route_of(nd_type_hash(&traveller_type, record), n_workers);
}

void threads_route(void *user, const void *records, size_t len, uint64_t *hashes)
{
    const shared_run *run = user;
    const traveller *travellers = records;
    for (size_t i = 0; i < len; i++)
        hashes[i] = nd_route_to((unsigned)(travellers[i].key % run->n_workers), run->n_workers);
}

static void add_to(total *to, uint64_t hash)
{
    count(&to->n, 1);
    count(&to->sum, hash);
}

/* Adds a record to what every channel of the output is to bring. */
static void note_sent(const instance *me, unsigned port, const nd_time *time,
                      const traveller *record)
{
    shared_run *run = me->run;
    for (unsigned c = 0; c < run->plan.n_channels; c++) {
        const plan_channel *channel = &run->plan.channels[c];
        nd_time arrives;
        if (channel->from != me->place->number || channel->from_port != port ||
            !plan_follow(&channel->path, time, &arrives))
            continue;
        const unsigned worker = worker_for(me, channel, record);
        for (unsigned w = 0; w < run->n_workers; w++)
            if (channel->kind == ND_PACT_BROADCAST || w == worker)
                add_to(&run->sent[c][w], arrival_hash(record, &arrives));
    }
}

static void post(instance *me, unsigned port, const nd_time *time, const traveller *record)
{
    note_sent(me, port, time, record);
    if (nd_random_below(&me->random, 2) == 0)
        nd_send_by(me->vertex, port, time, record);
    else
        *(traveller *)nd_emit_slot(nd_vertex_emit(me->vertex, port, time)) = *record;
}

static traveller traveller_of(uint64_t id, uint64_t budget)
{
    return (traveller){.key = mix(id, 1) % KEYS, .id = id, .budget = budget};
}

/* Sends on what came at `port`, with the right to `time` there: once or twice, at once or later. */
static void send_on(instance *me, unsigned port, const nd_time *time, const traveller *record)
{
    const plan_vertex *plan = me->place->plan;
    const uint64_t hash = fate_hash(me, port, record, 1);
    nd_time least;
    if (plan->n_outputs == 0)
        return;
    const unsigned out = (unsigned)(hash % plan->n_outputs);
    const unsigned n_copies = mix(hash, 1) % 100 < 25 ? 2 : 1;
    const uint64_t n_takers = me->place->n_takers[out];
    const uint64_t share = (record->budget - 1) / (n_copies * (n_takers != 0 ? n_takers : 1));
    if (share == 0 || !plan_follow(&plan->paths[port][out], time, &least))
        return;
    for (unsigned i = 0; i < n_copies; i++) {
        const traveller next = traveller_of(mix(hash, 2 + i), share);
        const nd_time when = delayed(me, least, mix(hash, 4 + i));
        post(me, out, &when, &next);
    }
}

/* --- Asking --- */

static void await(instance *me, const nd_time *due)
{
    const nd_time *times = me->awaited.items;
    for (size_t i = 0; i < me->awaited.len; i++)
        if (nd_time_equal(&times[i], due))
            return;
    *(nd_time *)push(&me->awaited) = *due;
}

/* Keeps a batch for the notification of its time or, where what it holds back cannot come round to
 * the vertex itself, of a later one. */
static void keep(instance *me, unsigned port, const nd_time *time, nd_batch *batch)
{
    nd_time due = *time;
    if (!me->place->plan->on_cycle && nd_random_below(&me->random, 3) == 0)
        due.epoch++;
    count(&me->run->n_kept, 1);
    await(me, &due);
    if (nd_time_equal(&due, time))
        nd_notify_at(me->vertex, time);
    else
        nd_notify_when(me->vertex, &due, time);
    *(kept_batch *)push(&me->kept) = (kept_batch){nd_batch_take(batch), *time, due, port};
}

/* Asks for a notification that holds nobody back. */
static void ask_for_clean_up(instance *me, const nd_time *time)
{
    nd_time due = *time;
    if (!me->place->plan->has_notify || nd_random_below(&me->random, 4) != 0)
        return;
    due.epoch += nd_random_below(&me->random, 3);
    await(me, &due);
    nd_notify_when(me->vertex, &due, NULL);
}

/* --- Holding --- */

/* Has the vertex activated as long as it has something to do then. */
static void wake(instance *me)
{
    if (me->place->plan->is_driven || (me->held.len == 0 && me->epoch == me->n_epochs))
        return;
    if (me->activator == NULL)
        me->activator = nd_vertex_activator(me->vertex);
    if (me->activator == NULL)
        nd_fail(me->vertex, "no activator");
    else
        nd_activate(me->activator);
}

static void hold(instance *me, unsigned port, const nd_time *time, const traveller *record)
{
    const nd_time later = delayed(me, *time, fate_hash(me, port, record, 2));
    count(&me->run->n_held, 1);
    nd_hold(me->vertex, &later);
    *(held_record *)push(&me->held) = (held_record){*record, later, port};
}

static void let_go_some(instance *me)
{
    while (me->held.len != 0) {
        held_record held;
        take_out(&me->held, nd_random_below(&me->random, me->held.len), &held);
        send_on(me, held.port, &held.time, &held.record);
        nd_release(me->vertex, &held.time);
        if (nd_random_below(&me->random, 4) == 0)
            break;
    }
}

/* --- Callbacks --- */

static bool is_past(const instance *me, const nd_time *time)
{
    const nd_time *times = me->passed.items;
    for (size_t i = 0; i < me->passed.len; i++)
        if (nd_time_less_equal(time, &times[i]))
            return true;
    return false;
}

/* The batch at hand still counts, so the frontier of its input is not past it. */
static void check_frontier(const instance *me, unsigned port, const nd_time *time)
{
    const nd_time *times;
    if (!me->place->plan->has_notify && !me->place->plan->has_frontier)
        return;
    const size_t n = nd_vertex_frontier(me->vertex, port, &times);
    for (size_t i = 0; i < n; i++)
        if (nd_time_less_equal(&times[i], time))
            return;
    wrong(me->run, "a batch before the frontier of its input");
}

static void note_received(instance *me, unsigned port, const nd_time *time, const traveller *record)
{
    const uint64_t hash = arrival_hash(record, time);
    add_to(&me->run->received[me->place->plan->first_channel + port][me->worker], hash);
}

/* Acts on one record; returns whether it is to be kept. */
static bool act_on(instance *me, unsigned port, const nd_time *time, const traveller *record)
{
    const uint64_t hash = mix(arrival_hash(record, time), me->place->number * 8 + port);
    count(&me->run->answer[time->epoch % EPOCHS], hash);
    switch (fate_of(me, port, record)) {
    case IS_KEPT:
        return true;
    case IS_HELD:
        hold(me, port, time, record);
        return false;
    case GOES_ON:
        send_on(me, port, time, record);
        return false;
    case IS_DROPPED:
        break;
    }
    return false;
}

/* Whether this instance is the one to act on a record. */
static bool is_mine(const instance *me, unsigned port, const traveller *record)
{
    const unsigned channel = me->place->plan->first_channel + port;
    return me->run->plan.channels[channel].kind != ND_PACT_BROADCAST ||
           mix(record->id, 3) % me->run->n_workers == me->worker;
}

/* Sends the batch itself on, if it is this instance's alone to do so and leads on. */
static bool relay(instance *me, unsigned port, const nd_time *time, nd_batch *batch)
{
    const unsigned channel = me->place->plan->first_channel + port;
    const traveller *records = nd_batch_records(batch);
    nd_time least;
    if (!me->place->relays || me->run->plan.channels[channel].kind == ND_PACT_BROADCAST ||
        !plan_follow(&me->place->plan->paths[port][0], time, &least))
        return false;
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        note_sent(me, 0, &least, &records[i]);
    count(&me->run->n_relayed, 1);
    nd_send_batch_by(me->vertex, 0, &least, nd_batch_take(batch));
    return true;
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    instance *me = nd_vertex_state(vertex);
    const traveller *records = nd_batch_records(batch);
    bool is_kept = false;
    if (is_past(me, time))
        wrong(me->run, "a batch after the notification that none would come");
    check_frontier(me, port, time);
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        note_received(me, port, time, &records[i]);
    if (relay(me, port, time, batch))
        return;
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        if (is_mine(me, port, &records[i]))
            is_kept |= act_on(me, port, time, &records[i]);
    if (is_kept)
        keep(me, port, time, batch);
    ask_for_clean_up(me, time);
    wake(me);
}

static bool take_awaited(instance *me, const nd_time *time)
{
    for (size_t i = 0; i < me->awaited.len; i++) {
        nd_time gone;
        if (!nd_time_equal(nd_vector_at(&me->awaited, i), time))
            continue;
        take_out(&me->awaited, i, &gone);
        return true;
    }
    return false;
}

static void send_kept(instance *me, const kept_batch *kept)
{
    const traveller *records = nd_batch_records(kept->batch);
    for (size_t i = 0; i < nd_batch_len(kept->batch); i++)
        if (is_mine(me, kept->port, &records[i]) && fate_of(me, kept->port, &records[i]) == IS_KEPT)
            send_on(me, kept->port, &kept->time, &records[i]);
    nd_batch_release(kept->batch);
}

static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    instance *me = nd_vertex_state(vertex);
    if (!take_awaited(me, time))
        wrong(me->run, "a notification that nobody waits for");
    count(&me->run->n_notified, 1);
    if (!is_past(me, time))
        *(nd_time *)push(&me->passed) = *time;
    for (size_t i = me->kept.len; i-- > 0;) {
        kept_batch kept;
        if (!nd_time_equal(&((kept_batch *)nd_vector_at(&me->kept, i))->due, time))
            continue;
        take_out(&me->kept, i, &kept);
        send_kept(me, &kept);
    }
}

static void on_frontier(nd_vertex *vertex)
{
    const instance *me = nd_vertex_state(vertex);
    for (unsigned port = 0; port < me->place->plan->n_inputs; port++) {
        const nd_time *times;
        const size_t n = nd_vertex_frontier(vertex, port, &times);
        for (size_t i = 0; i < n; i++)
            if (is_past(me, &times[i]))
                wrong(me->run, "a frontier at or before the time of a notification");
    }
}

/* Sends this worker's part of an epoch, the same records in all for any number of workers. */
static void feed(instance *me)
{
    const uint64_t hash = mix(mix(me->run->seed, me->place->number), me->epoch);
    const nd_time now = {.epoch = me->epoch}, next = {.epoch = me->epoch + 1};
    const unsigned n_outputs = me->place->plan->n_outputs;
    const uint64_t n = hash % 250 * (hash / 250 % 8 == 0 ? 12 : 1); /* at times batches are full */
    for (uint64_t i = me->worker; i < n && n_outputs != 0; i += me->run->n_workers) {
        const uint64_t id = mix(hash, i);
        const traveller record = traveller_of(id, 1 + mix(id, 2) % MOST_BUDGET);
        const nd_time when = n < 250 ? delayed(me, now, mix(id, 3)) : now;
        post(me, (unsigned)(id % n_outputs), &when, &record);
    }
    if (++me->epoch < me->n_epochs)
        nd_hold(me->vertex, &next);
    nd_release(me->vertex, &now);
}

bool threads_source_is_open(const nd_vertex *vertex)
{
    const instance *me = nd_vertex_state(vertex);
    return me->epoch < me->n_epochs;
}

void threads_source_feed(nd_vertex *vertex) { feed(nd_vertex_state(vertex)); }

static void on_activate(nd_vertex *vertex)
{
    instance *me = nd_vertex_state(vertex);
    if (me->epoch < me->n_epochs)
        feed(me);
    let_go_some(me);
    wake(me);
}

/* --- Life --- */

static nd_err init(nd_vertex *vertex)
{
    instance *me = nd_vertex_state(vertex);
    *me = (instance){.vertex = vertex, .place = nd_vertex_user(vertex)};
    me->run = me->place->run;
    me->worker = nd_worker_index(nd_vertex_worker(vertex));
    const uint64_t hash = mix(me->run->seed, me->place->number);
    nd_random_init(&me->random, mix(hash, me->worker));
    me->n_epochs = me->place->plan->is_source ? 1 + hash % 6 : 0;
    nd_vector_init(&me->kept, sizeof(kept_batch));
    nd_vector_init(&me->held, sizeof(held_record));
    nd_vector_init(&me->awaited, sizeof(nd_time));
    nd_vector_init(&me->passed, sizeof(nd_time));
    return ND_OK;
}

static void deinit(nd_vertex *vertex)
{
    instance *me = nd_vertex_state(vertex);
    if (me->awaited.len != 0 || me->kept.len != 0)
        wrong(me->run, "a notification that never came");
    if (me->held.len != 0 || me->epoch != me->n_epochs)
        wrong(me->run, "an activation that never came");
    for (size_t i = 0; i < me->kept.len; i++)
        nd_batch_release(((kept_batch *)nd_vector_at(&me->kept, i))->batch);
    nd_activator_release(me->activator);
    nd_vector_deinit(&me->kept);
    nd_vector_deinit(&me->held);
    nd_vector_deinit(&me->awaited);
    nd_vector_deinit(&me->passed);
}

void threads_vertex_behave(place *here, nd_vertex_def *def)
{
    def->name = "random";
    def->state_size = sizeof(instance);
    def->init = init;
    def->deinit = deinit;
    def->user = here;
    def->on_recv = on_recv;
    def->on_notify = here->plan->has_notify ? on_notify : NULL;
    def->on_frontier = here->plan->has_frontier ? on_frontier : NULL;
    def->on_activate = here->plan->is_driven ? NULL : on_activate;
}
