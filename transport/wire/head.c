/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads are written and read field by field in the order of the table in head.h, whatever the
 * machine's byte order. The checksum is looked at before any field behind the version, so that
 * damage is called damage.
 */
#include "transport/wire/head.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "runtime/base/hash.h"

enum { MAGIC_SIZE = 4, HASHED_SIZE = ND_WIRE_HEAD_SIZE - 8 };

static const char magic[MAGIC_SIZE] = {'N', 'R', 'D', '1'};

/* --- Writing --- */

static unsigned char *put(unsigned char *at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        at[i] = (unsigned char)(value >> 8 * i);
    return at + width;
}

void nd_wire_head_write(const nd_wire_head *head, unsigned char bytes[ND_WIRE_HEAD_SIZE])
{
    memcpy(bytes, magic, MAGIC_SIZE);
    unsigned char *at = put(bytes + MAGIC_SIZE, ND_WIRE_VERSION, 1);
    at = put(at, head->kind, 1);
    at = put(at, head->process, 2);
    at = put(at, head->incarnation, 8);
    at = put(at, head->sequence, 8);
    at = put(at, head->flow, 4);
    at = put(at, head->channel, 4);
    at = put(at, head->worker, 4);
    at = put(at, head->count, 4);
    at = put(at, head->length, 8);
    at = put(at, head->time.epoch, 8);
    for (unsigned i = 0; i < ND_MAX_LOOPS; i++)
        at = put(at, head->time.loop[i], 4);
    at = put(at, head->body_hash, 8);
    assert(at == bytes + HASHED_SIZE);
    put(at, nd_hash_bytes(bytes, HASHED_SIZE), 8);
}

/* --- Reading --- */

static uint64_t load(const unsigned char *at, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static uint64_t get(const unsigned char **at, unsigned width)
{
    const uint64_t value = load(*at, width);
    *at += width;
    return value;
}

static void get_fields(const unsigned char *at, nd_wire_head *head)
{
    at += MAGIC_SIZE + 1;
    head->kind = (nd_wire_kind)get(&at, 1);
    head->process = (uint16_t)get(&at, 2);
    head->incarnation = get(&at, 8);
    head->sequence = get(&at, 8);
    head->flow = (uint32_t)get(&at, 4);
    head->channel = (uint32_t)get(&at, 4);
    head->worker = (uint32_t)get(&at, 4);
    head->count = (uint32_t)get(&at, 4);
    head->length = get(&at, 8);
    head->time.epoch = get(&at, 8);
    for (unsigned i = 0; i < ND_MAX_LOOPS; i++)
        head->time.loop[i] = (uint32_t)get(&at, 4);
    head->body_hash = get(&at, 8);
}

static nd_err check_frame(const unsigned char *bytes, size_t size, nd_message *message)
{
    if (size <= MAGIC_SIZE || memcmp(bytes, magic, MAGIC_SIZE) != 0)
        return nd_message_set(message, ND_PROTO, "something that is no frame of Nereid");
    if (bytes[MAGIC_SIZE] != ND_WIRE_VERSION)
        return nd_message_set(message, ND_PROTO,
                              "a frame of wire version %d, but this process speaks version %d; run "
                              "the same release of Nereid everywhere",
                              bytes[MAGIC_SIZE], ND_WIRE_VERSION);
    if (size != ND_WIRE_HEAD_SIZE)
        return nd_message_set(message, ND_PROTO, "a head of %zu bytes, not of %d", size,
                              ND_WIRE_HEAD_SIZE);
    if (nd_hash_bytes(bytes, HASHED_SIZE) != load(bytes + HASHED_SIZE, 8))
        return nd_message_set(message, ND_PROTO, "a damaged head: its checksum is wrong");
    return ND_OK;
}

nd_err nd_wire_head_read(const unsigned char *bytes, size_t size, nd_wire_head *head,
                         nd_message *message)
{
    nd_wire_head read;
    ND_TRY(check_frame(bytes, size, message));
    get_fields(bytes, &read);
    if (read.kind < ND_WIRE_RECORDS || read.kind > ND_WIRE_CONTROL)
        return nd_message_set(message, ND_PROTO, "a frame of the unknown kind %d", (int)read.kind);
    const uint64_t most = read.kind == ND_WIRE_CONTROL ? ND_WIRE_CONTROL_MOST : ND_WIRE_BODY_MOST;
    if (read.length > most)
        return nd_message_set(message, ND_PROTO,
                              "a frame of %" PRIu64 " bytes; there may be %" PRIu64, read.length,
                              most);
    *head = read;
    return ND_OK;
}

/* --- Bodies --- */

uint64_t nd_wire_body_hash(const void *body, size_t length) { return nd_hash_bytes(body, length); }

nd_err nd_wire_body_check(const nd_wire_head *head, const void *body, size_t size,
                          nd_message *message)
{
    if (size != head->length)
        return nd_message_set(message, ND_PROTO,
                              "a body of %zu bytes, where its head says %" PRIu64, size,
                              head->length);
    if (nd_wire_body_hash(body, size) != head->body_hash)
        return nd_message_set(message, ND_PROTO, "a damaged body: its checksum is wrong");
    return ND_OK;
}
