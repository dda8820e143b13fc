/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The callbacks run on net threads and workers' threads: they note what they are told under the
 * group's lock and ring. Only the test's thread asserts.
 */
#include "tests/transport/net_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

enum { PATIENCE_MS = 10000, BUDGET = 64 << 20 };

/* --- What nets report --- */

static void note_event(net_group *group)
{
    group->n_events++;
    uv_cond_broadcast(&group->changed);
}

static void on_wake(void *context, unsigned worker)
{
    (void)worker;
    net_party *const party = context;
    uv_mutex_lock(&party->group->lock);
    note_event(party->group);
    uv_mutex_unlock(&party->group->lock);
}

static void on_relieved(void *context) { on_wake(context, 0); }

static void on_started(void *context)
{
    net_party *const party = context;
    uv_mutex_lock(&party->group->lock);
    party->has_started = true;
    note_event(party->group);
    uv_mutex_unlock(&party->group->lock);
}

static void on_failed(void *context, nd_err err, const char *text)
{
    net_party *const party = context;
    uv_mutex_lock(&party->group->lock);
    if (party->err == ND_OK)
        party->err = nd_message_set(&party->text, err, "%s", text);
    note_event(party->group);
    uv_mutex_unlock(&party->group->lock);
    nd_net_abort(party->net, err, text);
}

static void on_notice(void *context, const char *text)
{
    net_party *const party = context;
    uv_mutex_lock(&party->group->lock);
    nd_message_set(&party->notice, ND_OK, "%s", text);
    note_event(party->group);
    uv_mutex_unlock(&party->group->lock);
}

static void on_over(void *context)
{
    net_party *const party = context;
    uv_mutex_lock(&party->group->lock);
    party->is_over = true;
    note_event(party->group);
    uv_mutex_unlock(&party->group->lock);
}

/* --- Waiting --- */

typedef bool is_so(const net_party *party);

static bool has_started(const net_party *party) { return party->has_started || party->err; }
static bool has_failed(const net_party *party) { return party->err != ND_OK; }
static bool is_over(const net_party *party) { return party->is_over; }

static bool await(net_group *group, unsigned process, is_so *is_done)
{
    const uint64_t until = uv_hrtime() + PATIENCE_MS * UINT64_C(1000000);
    uv_mutex_lock(&group->lock);
    for (uint64_t now; !is_done(&group->parties[process]) && (now = uv_hrtime()) < until;)
        (void)uv_cond_timedwait(&group->changed, &group->lock, until - now);
    const bool done = is_done(&group->parties[process]);
    uv_mutex_unlock(&group->lock);
    return done;
}

bool net_await_start(net_group *group, unsigned process)
{
    nd_message text;
    return await(group, process, has_started) && net_failure(group, process, &text) == ND_OK;
}

bool net_await_failure(net_group *group, unsigned process)
{
    return await(group, process, has_failed);
}

bool net_await_end(net_group *group, unsigned process) { return await(group, process, is_over); }

bool net_await_event(net_group *group, uint64_t *n_events, unsigned patience_ms)
{
    const uint64_t until = uv_hrtime() + patience_ms * UINT64_C(1000000);
    uv_mutex_lock(&group->lock);
    for (uint64_t now; group->n_events == *n_events && (now = uv_hrtime()) < until;)
        (void)uv_cond_timedwait(&group->changed, &group->lock, until - now);
    const bool happened = group->n_events != *n_events;
    *n_events = group->n_events;
    uv_mutex_unlock(&group->lock);
    return happened;
}

bool net_has_ended(net_group *group, unsigned process)
{
    uv_mutex_lock(&group->lock);
    const bool has_ended = group->parties[process].is_over;
    uv_mutex_unlock(&group->lock);
    return has_ended;
}

nd_err net_failure(net_group *group, unsigned process, nd_message *text)
{
    uv_mutex_lock(&group->lock);
    const nd_err err = group->parties[process].err;
    *text = group->parties[process].text;
    uv_mutex_unlock(&group->lock);
    return err;
}

void net_expect_failure(net_group *group, unsigned process, nd_err err, const char *what)
{
    nd_message text;
    if (!net_await_failure(group, process))
        fail_msg("process %u does not fail; expected: %s", process, what);
    const nd_err found = net_failure(group, process, &text);
    if (found != err || !strstr(text.text, what))
        fail_msg("process %u fails with '%s' (%s); expected: %s", process, text.text,
                 nd_err_text(found), what);
}

/* --- Life --- */

net_group *net_group_create(unsigned n)
{
    net_group *const group = calloc(1, sizeof *group);
    assert_non_null(group);
    group->n = n;
    group->job[0] = 0x6e65726569640000;
    group->job[1] = (uint64_t)getpid();
    strcpy(group->directory, "/tmp/nereid-XXXXXX");
    assert_non_null(mkdtemp(group->directory));
    for (unsigned i = 0; i < NET_PARTIES; i++) {
        net_party *const party = &group->parties[i];
        snprintf(group->texts[i], sizeof group->texts[i], "ipc://%s/%u", group->directory, i);
        group->addresses[i] = group->texts[i];
        party->group = group;
        party->budget = (nd_budget){.limit = BUDGET, .relieve = on_relieved, .context = party};
        for (unsigned k = 0; k < NET_WORKERS; k++)
            nd_pool_init(&party->pools[k]);
    }
    assert_int_equal(uv_mutex_init(&group->lock), 0);
    assert_int_equal(uv_cond_init(&group->changed), 0);
    return group;
}

/* All are asked before any is waited for: some wait for each other. */
void net_group_destroy(net_group *group)
{
    for (unsigned i = 0; i < group->n; i++)
        if (group->parties[i].net)
            nd_net_abort(group->parties[i].net, ND_INTR, "the test is over");
    for (unsigned i = 0; i < group->n; i++)
        if (group->parties[i].net)
            nd_net_join(group->parties[i].net);
    for (unsigned i = 0; i < group->n; i++)
        nd_net_destroy(group->parties[i].net);
    for (unsigned i = 0; i < NET_PARTIES; i++) {
        for (unsigned k = 0; k < NET_WORKERS; k++)
            nd_pool_deinit(&group->parties[i].pools[k]);
        if (strncmp(group->texts[i], "ipc://", 6) == 0)
            (void)unlink(group->texts[i] + 6);
    }
    assert_int_equal(rmdir(group->directory), 0);
    uv_cond_destroy(&group->changed);
    uv_mutex_destroy(&group->lock);
    free(group);
}

void net_use_tcp(net_group *group, unsigned process)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    snprintf(group->texts[process], sizeof group->texts[process], "tcp://127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
}

nd_net_def net_def(net_group *group, unsigned process)
{
    net_party *const party = &group->parties[process];
    return (nd_net_def){.process = process,
                        .n_processes = group->n,
                        .n_workers = 1,
                        .addresses = group->addresses,
                        .job = {group->job[0], group->job[1]},
                        .build = {1, 2},
                        .incarnation = 1000 + process,
                        .timeout_s = 60,
                        .mode = ND_PUBLISH_EAGER,
                        .budget = &party->budget,
                        .wake = on_wake,
                        .started = on_started,
                        .failed = on_failed,
                        .notice = on_notice,
                        .over = on_over,
                        .context = party};
}

nd_err net_create(const nd_net_def *def, nd_message *message)
{
    net_party *const party = def->context;
    return nd_net_create(def, &party->net, message);
}

/* A port that was free may be taken by now. No other net that knows it may have been started. */
static void create_somewhere(const nd_net_def *def)
{
    nd_message message;
    net_party *const party = def->context;
    net_group *const group = party->group;
    for (unsigned tries = 0; net_create(def, &message) != ND_OK; tries++) {
        if (tries == 10 || strncmp(group->texts[def->process], "tcp:", 4) != 0)
            fail_msg("process %u cannot be made: %s", def->process, message.text);
        net_use_tcp(group, def->process);
    }
}

void net_start(const nd_net_def *def)
{
    const net_party *const party = def->context;
    create_somewhere(def);
    assert_int_equal(nd_net_start(party->net), ND_OK);
}

void net_start_all(net_group *group)
{
    for (unsigned i = 0; i < group->n; i++) {
        const nd_net_def def = net_def(group, i);
        create_somewhere(&def);
    }
    for (unsigned i = 0; i < group->n; i++)
        assert_int_equal(nd_net_start(group->parties[i].net), ND_OK);
    for (unsigned i = 0; i < group->n; i++)
        assert_true(net_await_start(group, i));
}

void net_begin_flows(net_group *group)
{
    for (unsigned i = 0; i < group->n; i++) {
        const nd_flow_plan plan = net_plan(&group->parties[i].pools[0]);
        const nd_transport transport = net_transport(group, i, 0);
        assert_int_equal(transport.ops->begin_flow(transport.endpoint, &plan), ND_OK);
    }
}

void net_finish_all(net_group *group)
{
    nd_message text;
    for (unsigned i = 0; i < group->n; i++)
        nd_net_finish(group->parties[i].net);
    for (unsigned i = 0; i < group->n; i++) {
        const bool ended = net_await_end(group, i);
        const nd_err err = net_failure(group, i, &text);
        if (!ended || err != ND_OK)
            fail_msg("process %u does not end well: %s", i, err ? text.text : "it goes on");
    }
}

nd_transport net_transport(net_group *group, unsigned process, unsigned worker)
{
    return nd_net_transport(group->parties[process].net, worker);
}

/* --- A dataflow --- */

typedef struct number {
    uint64_t value;
} number;

typedef struct text {
    uint64_t number;
    nd_bytes bytes;
} text;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));
static const nd_type text_type = ND_TYPE(text, 1, ND_FIELD(text, number), ND_FIELD(text, bytes));

static const nd_type *type_of(const void *context, uint32_t channel)
{
    (void)context;
    return channel == NET_NUMBERS ? &number_type : channel == NET_TEXTS ? &text_type : NULL;
}

nd_flow_plan net_plan(nd_pool *pool)
{
    static const nd_topology topology = {.n_locations = NET_LOCATIONS};
    return (nd_flow_plan){.flow = 0, .topology = &topology, .pool = pool, .type_of = type_of};
}

static nd_batch *numbers(nd_pool *pool, uint64_t first, size_t len)
{
    nd_batch *const batch = nd_batch_create(pool, &number_type, len * sizeof(number));
    for (size_t i = 0; batch && i < len; i++)
        memcpy(batch->records + i * sizeof(number), &(number){first + i}, sizeof(number));
    if (batch)
        batch->len = len;
    return batch;
}

static unsigned char letter(uint64_t first, size_t i) { return (unsigned char)(first + i * 3); }

static nd_batch *one_text(nd_pool *pool, uint64_t first, size_t len)
{
    nd_batch *const batch = nd_batch_create(pool, &text_type, sizeof(text));
    nd_block *const block = batch ? nd_pool_take(pool, len) : NULL;
    if (!block) {
        nd_batch_release(batch); /* it has no records yet */
        return NULL;
    }
    block->next = NULL;
    batch->arena = block;
    unsigned char *const bytes = nd_block_bytes(block);
    for (size_t i = 0; i < len; i++)
        bytes[i] = letter(first, i);
    const text record = {first, {bytes, len}};
    memcpy(batch->records, &record, sizeof record);
    batch->len = 1;
    return batch;
}

nd_batch *net_batch(nd_pool *pool, uint32_t channel, uint64_t first, size_t len)
{
    return channel == NET_NUMBERS ? numbers(pool, first, len) : one_text(pool, first, len);
}

static bool is_text(const nd_batch *batch, uint64_t first, size_t len)
{
    const text *const record = nd_batch_records(batch);
    if (nd_batch_type(batch) != &text_type || nd_batch_len(batch) != 1 || record->number != first ||
        record->bytes.size != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (((const unsigned char *)record->bytes.data)[i] != letter(first, i))
            return false;
    return true;
}

bool net_batch_is(const nd_batch *batch, uint32_t channel, uint64_t first, size_t len)
{
    if (channel == NET_TEXTS)
        return is_text(batch, first, len);
    const number *const records = nd_batch_records(batch);
    bool is = nd_batch_type(batch) == &number_type && nd_batch_len(batch) == len;
    for (size_t i = 0; is && i < len; i++)
        is = records[i].value == first + i;
    return is;
}

nd_err net_send_change(nd_transport from, unsigned worker, uint64_t sequence, nd_change change)
{
    const nd_frame frame = {.sender = worker,
                            .sequence = sequence,
                            .kind = ND_FRAME_CHANGES,
                            .changes = &change,
                            .len = 1};
    return from.ops->send_frame(from.endpoint, &frame);
}
