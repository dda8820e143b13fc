/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/transport/wire_support.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"
#include "transport/wire/arena.h"

enum { BOMB_SIZE = 1 << 20, SMALL_ARENA = 1 << 20 };

static unsigned char *copy_of(const void *bytes, size_t size)
{
    unsigned char *const copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

nd_wire_head wire_seal(nd_wire_head head, const void *body, size_t size)
{
    head.length = size;
    head.body_hash = nd_wire_body_hash(body, size);
    return head;
}

static nd_err receive_copies(const unsigned char *head_bytes, size_t head_size, const void *body,
                             size_t body_size, const wire_decoder *decoder, nd_message *message)
{
    nd_wire_head head;
    ND_TRY(nd_wire_head_read(head_bytes, head_size, &head, message));
    ND_TRY(nd_wire_body_check(&head, body, body_size, message));
    return decoder->decode(decoder->context, &head, body, message);
}

nd_err wire_receive(const unsigned char *head, size_t head_size, const void *body, size_t body_size,
                    const wire_decoder *decoder, nd_message *message)
{
    unsigned char *const head_copy = copy_of(head, head_size);
    unsigned char *const body_copy = copy_of(body, body_size);
    const nd_err err = receive_copies(head_copy, head_size, body_copy, body_size, decoder, message);
    free(head_copy);
    free(body_copy);
    return err;
}

static void expect_refusal(const unsigned char *head, size_t head_size, const void *body,
                           size_t body_size, const wire_decoder *decoder)
{
    nd_message message = {""};
    assert_int_equal(wire_receive(head, head_size, body, body_size, decoder, &message), ND_PROTO);
    assert_int_not_equal(strlen(message.text), 0);
    assert_int_equal(wire_receive(head, head_size, body, body_size, decoder, NULL), ND_PROTO);
}

void wire_refuses_damage(const nd_wire_head *head, const void *body, const wire_decoder *decoder)
{
    const size_t size = (size_t)head->length;
    unsigned char bytes[ND_WIRE_HEAD_SIZE + 1] = {0};
    unsigned char *const copy = malloc(size + 1);
    assert_non_null(copy);
    nd_wire_head_write(head, bytes);
    memcpy(copy, body, size);
    copy[size] = 0;
    assert_int_equal(wire_receive(bytes, ND_WIRE_HEAD_SIZE, copy, size, decoder, NULL), ND_OK);
    for (size_t i = 0; i < ND_WIRE_HEAD_SIZE; i++)
        expect_refusal(bytes, i, copy, size, decoder);
    for (size_t i = 0; i < size; i++)
        expect_refusal(bytes, ND_WIRE_HEAD_SIZE, copy, i, decoder);
    expect_refusal(bytes, ND_WIRE_HEAD_SIZE + 1, copy, size, decoder);
    expect_refusal(bytes, ND_WIRE_HEAD_SIZE, copy, size + 1, decoder);
    for (size_t bit = 0; bit < (ND_WIRE_HEAD_SIZE + size) * 8; bit++) {
        const size_t i = bit / 8;
        unsigned char *const at =
            i < ND_WIRE_HEAD_SIZE ? bytes + i : copy + (i - ND_WIRE_HEAD_SIZE);
        *at ^= (unsigned char)(1U << bit % 8);
        expect_refusal(bytes, ND_WIRE_HEAD_SIZE, copy, size, decoder);
        *at ^= (unsigned char)(1U << bit % 8);
    }
    free(copy);
}

static nd_err decode_copy(nd_wire_head head, const void *body, size_t size,
                          const wire_decoder *decoder, nd_message *message)
{
    unsigned char *const copy = copy_of(body, size);
    head = wire_seal(head, copy, size);
    const nd_err err = decoder->decode(decoder->context, &head, copy, message);
    free(copy);
    return err;
}

void wire_refuses_prefixes(const nd_wire_head *head, const void *body, const wire_decoder *decoder)
{
    assert_int_equal(decode_copy(*head, body, (size_t)head->length, decoder, NULL), ND_OK);
    for (size_t size = 0; size < head->length; size++) {
        nd_message message = {""};
        assert_int_equal(decode_copy(*head, body, size, decoder, &message), ND_PROTO);
        assert_int_not_equal(strlen(message.text), 0);
    }
}

void wire_survives_changes(const nd_wire_head *head, const void *body, const wire_decoder *decoder)
{
    const size_t size = (size_t)head->length;
    unsigned char *const copy = copy_of(body, size);
    nd_random random;
    nd_random_init(&random, size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        copy[bit / 8] ^= (unsigned char)(1U << bit % 8);
        const nd_err err = decode_copy(*head, copy, size, decoder, NULL);
        assert_true(err == ND_OK || err == ND_PROTO);
        copy[bit / 8] ^= (unsigned char)(1U << bit % 8);
    }
    for (unsigned i = 0; i < 2000; i++) {
        memcpy(copy, body, size);
        for (uint64_t n = 1 + nd_random_below(&random, 4); n > 0; n--)
            copy[nd_random_below(&random, size)] = (unsigned char)nd_random_next(&random);
        const nd_err err = decode_copy(*head, copy, size, decoder, NULL);
        assert_true(err == ND_OK || err == ND_PROTO);
    }
    free(copy);
}

void wire_refuses(uint32_t count, const void *body, size_t size, const wire_decoder *decoder)
{
    nd_message message = {""};
    const nd_wire_head head = {.kind = ND_WIRE_RECORDS, .count = count};
    assert_int_equal(decode_copy(head, body, size, decoder, &message), ND_PROTO);
    assert_int_not_equal(strlen(message.text), 0);
    assert_int_equal(decode_copy(head, body, size, decoder, NULL), ND_PROTO);
}

/* A field of two bytes, over and over; but for the one that comes at the end. */
static void refuse_fields(uint32_t count, const char *end, unsigned char *bomb,
                          const wire_decoder *decoder)
{
    const nd_wire_arena *const arena = decoder->context;
    for (unsigned tag = 0; tag < 256; tag++) {
        if (end && tag == (unsigned char)end[0])
            continue;
        for (size_t i = 0; i < BOMB_SIZE; i += 2) {
            bomb[i] = (unsigned char)tag;
            bomb[i + 1] = 0;
        }
        if (end)
            memcpy(bomb + BOMB_SIZE - 2, end, 2);
        wire_refuses(count, bomb, BOMB_SIZE, decoder);
        assert_true(arena->size <= SMALL_ARENA);
    }
}

void wire_refuses_bombs(uint32_t count, const char *end, wire_decode_fn *decode)
{
    failing_memory memory;
    nd_wire_arena arena;
    const wire_decoder decoder = {decode, &arena};
    unsigned char *const bomb = malloc(BOMB_SIZE);
    assert_non_null(bomb);
    failing_memory_start(&memory, SIZE_MAX);
    nd_wire_arena_init(&arena, SMALL_ARENA);
    refuse_fields(count, end, bomb, &decoder);
    memset(bomb, 0x0a, BOMB_SIZE);
    wire_refuses(count, bomb, BOMB_SIZE, &decoder);
    memset(bomb, 0x1b, BOMB_SIZE);
    wire_refuses(count, bomb, BOMB_SIZE, &decoder);
    nd_wire_arena_deinit(&arena);
    assert_false(failing_memory_stop(&memory));
    free(bomb);
}
