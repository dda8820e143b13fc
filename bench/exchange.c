/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving records with random keys to the workers of their keys. The limit does the same on one
 * thread: a plain loop that copies each record to the block of its worker, full blocks being read
 * and used again; with one worker, where nothing is to be chosen, memcpy.
 *
 * Both read their records from a small table and add up the keys at the end.
 */
#include <string.h>

#include <nereid/memory.h>
#include <nereid/stream.h>

#include "bench/harness.h"
#include "bench/stream_job.h"

typedef struct record8 {
    uint64_t key;
} record8;
typedef struct record16 {
    uint64_t key, a;
} record16;
typedef struct record64 {
    uint64_t key, a, b, c, d, e, f, g;
} record64;

static const nd_type type8 = ND_TYPE(record8, 1, ND_FIELD(record8, key));
static const nd_type type16 = ND_TYPE(record16, 1, ND_FIELD(record16, key), ND_FIELD(record16, a));
static const nd_type type64 =
    ND_TYPE(record64, 1, ND_FIELD(record64, key), ND_FIELD(record64, a), ND_FIELD(record64, b),
            ND_FIELD(record64, c), ND_FIELD(record64, d), ND_FIELD(record64, e),
            ND_FIELD(record64, f), ND_FIELD(record64, g));

enum {
    TABLE_SIZE = 256 * 1024, /* bytes of the table, sent again and again: an epoch each time */
    BLOCK_SIZE = 64 * 1024,
};

typedef struct transfer_job {
    stream_job stream;
    const nd_type *type;
    uint64_t *table;
    uint64_t table_sum; /* of the keys */
    size_t table_len;
} transfer_job;

static nd_err send_table(const stream_job *job, nd_worker *worker, nd_input *input)
{
    const transfer_job *transfer = (const void *)job;
    (void)worker;
    nd_input_send_many(input, transfer->table, transfer->table_len);
    return ND_OK;
}

static void init_transfer(transfer_job *transfer, const bench_plan *plan)
{
    const size_t words = plan->size / sizeof(uint64_t);
    const size_t n_records = bench_scaled(plan, 1600000000 / (8 + plan->size));
    *transfer = (transfer_job){
        .stream.send = send_table,
        .type = plan->size == 8    ? &type8
                : plan->size == 16 ? &type16
                                   : &type64,
        .table = bench_alloc(1, TABLE_SIZE),
        .table_len = TABLE_SIZE / plan->size,
    };
    transfer->stream.n_epochs = n_records / transfer->table_len;
    uint64_t state = 1;
    for (size_t i = 0; i < TABLE_SIZE / sizeof(uint64_t); i++)
        transfer->table[i] = bench_random(&state);
    for (size_t i = 0; i < transfer->table_len; i++)
        transfer->table_sum += transfer->table[i * words];
}

/* Each sender sends the table n_epochs times. */
static void check_transfer(const transfer_job *transfer, size_t n_senders)
{
    const size_t n_tables = transfer->stream.n_epochs * n_senders;
    bench_check(transfer->stream.n_arrived == n_tables * transfer->table_len,
                "exchange: not every record arrived once");
    bench_check(transfer->stream.sum == n_tables * transfer->table_sum,
                "exchange: what arrived is not what was sent");
}

static uint64_t add_keys(const uint64_t *records, size_t len, size_t words)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += records[i * words];
    return sum;
}

/* --- Nereid --- */

static void on_records(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time;
    stream_sum *self = nd_vertex_state(vertex);
    const size_t len = nd_batch_len(batch);
    self->n += len;
    self->sum +=
        add_keys(nd_batch_records(batch), len, nd_batch_type(batch)->size / sizeof(uint64_t));
}

static nd_err exchange_program(nd_worker *worker, void *arg)
{
    transfer_job *transfer = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "exchange");
    nd_input *input;
    nd_stream records = nd_input_new(flow, transfer->type, &input);
    return stream_job_run(arg, flow, input, nd_exchange(records), on_records);
}

static double exchange_ns(const bench_plan *plan)
{
    transfer_job transfer;
    init_transfer(&transfer, plan);
    bench_execute(plan, exchange_program, &transfer);
    stream_job_total(&transfer.stream, plan);
    check_transfer(&transfer, bench_peers(plan));
    nd_free(transfer.table);
    return transfer.stream.ns /
           (double)(transfer.stream.n_epochs * transfer.table_len * bench_peers(plan));
}

/* --- The limit --- */

static inline uint64_t hash(uint64_t key)
{
    key = (key ^ (key >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ (key >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ (key >> 33);
}

typedef struct box {
    unsigned char *bytes;
    size_t len;
} box;

static void empty(box *block, transfer_job *transfer, size_t size)
{
    transfer->stream.n_arrived += block->len;
    transfer->stream.sum +=
        add_keys((const uint64_t *)(const void *)block->bytes, block->len, size / sizeof(uint64_t));
    block->len = 0;
}

static inline void partition(transfer_job *transfer, box *blocks, size_t n, const size_t size)
{
    const unsigned char *const records = (const unsigned char *)transfer->table;
    for (size_t i = 0; i < transfer->table_len; i++) {
        const size_t to = hash(*(const uint64_t *)(const void *)(records + i * size)) * n >> 63;
        box *const block = &blocks[n == 1 ? 0 : to];
        if (block->len == BLOCK_SIZE / size)
            empty(block, transfer, size);
        memcpy(block->bytes + block->len++ * size, records + i * size, size);
    }
}

static inline void copy(transfer_job *transfer, box *block, const size_t size)
{
    const unsigned char *const records = (const unsigned char *)transfer->table;
    for (size_t done = 0; done < TABLE_SIZE; done += BLOCK_SIZE) {
        memcpy(block->bytes, records + done, BLOCK_SIZE);
        block->len = BLOCK_SIZE / size;
        empty(block, transfer, size);
    }
}

static void move_table(transfer_job *transfer, box *blocks, const bench_plan *plan)
{
    const unsigned peers = bench_peers(plan);
    if (peers == 1)
        copy(transfer, blocks, plan->size);
    else if (plan->size == 8)
        partition(transfer, blocks, peers, 8);
    else if (plan->size == 16)
        partition(transfer, blocks, peers, 16);
    else
        partition(transfer, blocks, peers, 64);
}

static double plain_ns(const bench_plan *plan)
{
    transfer_job transfer;
    init_transfer(&transfer, plan);
    box blocks[2] = {{bench_alloc(1, BLOCK_SIZE), 0}, {bench_alloc(1, BLOCK_SIZE), 0}};
    const uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < transfer.stream.n_epochs; i++)
        move_table(&transfer, blocks, plan);
    for (size_t i = 0; i < 2; i++)
        empty(&blocks[i], &transfer, plan->size);
    const uint64_t end = bench_now_ns();
    check_transfer(&transfer, 1);
    for (size_t i = 0; i < 2; i++)
        nd_free(blocks[i].bytes);
    nd_free(transfer.table);
    return (double)(end - begin) / (double)(transfer.stream.n_epochs * transfer.table_len);
}

const bench_row bench_exchange_rows[] = {
    {"exchange, records of 8 bytes", BENCH_ONE, 1, 8, exchange_ns, plain_ns, BENCH_RATE, 400},
    {"exchange, records of 8 bytes", BENCH_ONE, 2, 8, exchange_ns, plain_ns, BENCH_RATE, 450},
    {"exchange, records of 16 bytes", BENCH_ONE, 1, 16, exchange_ns, plain_ns, BENCH_RATE, 0},
    {"exchange, records of 16 bytes", BENCH_ONE, 2, 16, exchange_ns, plain_ns, BENCH_RATE, 0},
    {"exchange, records of 64 bytes", BENCH_ONE, 1, 64, exchange_ns, plain_ns, BENCH_RATE, 120},
    {"exchange, records of 64 bytes", BENCH_ONE, 2, 64, exchange_ns, plain_ns, BENCH_RATE, 130},
    {"exchange, records of 8 bytes", BENCH_PAIR, 1, 8, exchange_ns, plain_ns, BENCH_RATE, 150},
    {"exchange, records of 16 bytes", BENCH_PAIR, 1, 16, exchange_ns, plain_ns, BENCH_RATE, 0},
    {"exchange, records of 64 bytes", BENCH_PAIR, 1, 64, exchange_ns, plain_ns, BENCH_RATE, 35},
    {.name = NULL},
};
