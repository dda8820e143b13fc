/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of frames: byte for byte, there and back, and damaged.
 */
#include "transport/wire/head.h"

#include <string.h>

#include "runtime/base/hash.h"
#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/transport/wire_support.h"

static nd_wire_head random_head(nd_random *random)
{
    return (nd_wire_head){
        .kind = (nd_wire_kind)(ND_WIRE_RECORDS + nd_random_below(random, 4)),
        .process = (uint16_t)nd_random_next(random),
        .incarnation = nd_random_next(random),
        .sequence = nd_random_next(random),
        .flow = (uint32_t)nd_random_next(random),
        .channel = (uint32_t)nd_random_next(random),
        .worker = (uint32_t)nd_random_next(random),
        .count = (uint32_t)nd_random_next(random),
        .length = nd_random_below(random, ND_WIRE_CONTROL_MOST + 1),
        .time = {nd_random_next(random),
                 {(uint32_t)nd_random_next(random), (uint32_t)nd_random_next(random),
                  (uint32_t)nd_random_next(random), (uint32_t)nd_random_next(random)}},
        .body_hash = nd_random_next(random),
    };
}

static void expect_same(const nd_wire_head *a, const nd_wire_head *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->process, b->process);
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->flow, b->flow);
    assert_int_equal(a->channel, b->channel);
    assert_int_equal(a->worker, b->worker);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->length, b->length);
    assert_true(nd_time_equal(&a->time, &b->time));
    assert_int_equal(a->body_hash, b->body_hash);
}

static void head_is_these_bytes(void **state)
{
    (void)state;
    static const unsigned char expected[ND_WIRE_HEAD_SIZE - 8] = {
        'N',  'R',  'D',  '1',  1,    3,    0x02, 0x01, /* magic .. process */
        0x0a, 0x09, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, /* incarnation */
        0x12, 0x11, 0x10, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, /* sequence */
        0x16, 0x15, 0x14, 0x13, 0x1a, 0x19, 0x18, 0x17, /* flow, channel */
        0x1e, 0x1d, 0x1c, 0x1b, 0x22, 0x21, 0x20, 0x1f, /* worker, count */
        0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, /* length: 8 MiB */
        0x2a, 0x29, 0x28, 0x27, 0x26, 0x25, 0x24, 0x23, /* epoch */
        0x2e, 0x2d, 0x2c, 0x2b, 0x32, 0x31, 0x30, 0x2f, /* loop 0, 1 */
        0x36, 0x35, 0x34, 0x33, 0x3a, 0x39, 0x38, 0x37, /* loop 2, 3 */
        0x42, 0x41, 0x40, 0x3f, 0x3e, 0x3d, 0x3c, 0x3b, /* hash of the body */
    };
    const nd_wire_head head = {
        .kind = ND_WIRE_PROGRESS,
        .process = 0x0102,
        .incarnation = UINT64_C(0x030405060708090a),
        .sequence = UINT64_C(0x0b0c0d0e0f101112),
        .flow = 0x13141516,
        .channel = 0x1718191a,
        .worker = 0x1b1c1d1e,
        .count = 0x1f202122,
        .length = 8 << 20,
        .time = {UINT64_C(0x232425262728292a), {0x2b2c2d2e, 0x2f303132, 0x33343536, 0x3738393a}},
        .body_hash = UINT64_C(0x3b3c3d3e3f404142),
    };
    unsigned char bytes[ND_WIRE_HEAD_SIZE];
    nd_wire_head_write(&head, bytes);
    assert_memory_equal(bytes, expected, sizeof expected);
    uint64_t hash = 0;
    for (unsigned i = 0; i < 8; i++)
        hash |= (uint64_t)bytes[80 + i] << 8 * i;
    assert_int_equal(hash, XXH3_64bits(expected, sizeof expected));
}

static void heads_come_back_as_they_were(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned i = 0; i < 1000; i++) {
        const nd_wire_head head = random_head(&random);
        nd_wire_head read;
        unsigned char bytes[ND_WIRE_HEAD_SIZE];
        nd_wire_head_write(&head, bytes);
        assert_int_equal(nd_wire_head_read(bytes, sizeof bytes, &read, NULL), ND_OK);
        expect_same(&read, &head);
    }
}

static nd_err accept(void *context, const nd_wire_head *head, const void *body, nd_message *message)
{
    (void)context;
    (void)head;
    (void)body;
    (void)message;
    return ND_OK;
}

static void every_damage_is_found(void **state)
{
    (void)state;
    static const char body[] = "any body will do";
    static const wire_decoder decoder = {accept, NULL};
    nd_random random;
    nd_random_init(&random, 2);
    for (size_t size = 0; size < sizeof body; size++) {
        const nd_wire_head head = wire_seal(random_head(&random), body, size);
        wire_refuses_damage(&head, body, &decoder);
    }
}

/* Writes the checksum that bytes 0 to 79 should have. */
static void mend(unsigned char bytes[ND_WIRE_HEAD_SIZE])
{
    const uint64_t hash = XXH3_64bits(bytes, 80);
    for (unsigned i = 0; i < 8; i++)
        bytes[80 + i] = (unsigned char)(hash >> 8 * i);
}

static void expect_refusal(const unsigned char *bytes, size_t size, const char *cause)
{
    nd_wire_head read = {.sequence = 77};
    nd_message message = {""};
    assert_int_equal(nd_wire_head_read(bytes, size, &read, &message), ND_PROTO);
    assert_non_null(strstr(message.text, cause));
    assert_int_equal(read.sequence, 77); /* untouched */
}

static void another_version_is_named_before_anything_else(void **state)
{
    (void)state;
    unsigned char bytes[ND_WIRE_HEAD_SIZE] = {'N', 'R', 'D', '1', 9};
    expect_refusal(bytes, sizeof bytes, "version 9, but this process speaks version 1");
    expect_refusal(bytes, 5, "version 9");
    expect_refusal(bytes, 4, "no frame of Nereid");
}

static void each_cause_is_named(void **state)
{
    (void)state;
    const nd_wire_head head = {.kind = ND_WIRE_RECORDS};
    unsigned char bytes[ND_WIRE_HEAD_SIZE];
    nd_wire_head_write(&head, bytes);
    expect_refusal(bytes, 87, "87 bytes");
    bytes[5] = 5;
    expect_refusal(bytes, sizeof bytes, "damaged");
    mend(bytes);
    expect_refusal(bytes, sizeof bytes, "unknown kind 5");
    bytes[5] = 0;
    mend(bytes);
    expect_refusal(bytes, sizeof bytes, "unknown kind 0");
    bytes[3] = '2';
    mend(bytes);
    expect_refusal(bytes, sizeof bytes, "no frame of Nereid");
}

static void bodies_are_bounded_by_kind(void **state)
{
    (void)state;
    static const struct {
        nd_wire_kind kind;
        uint64_t most;
    } limits[] = {{ND_WIRE_RECORDS, 16 << 20},
                  {ND_WIRE_PACKED, 16 << 20},
                  {ND_WIRE_PROGRESS, 16 << 20},
                  {ND_WIRE_CONTROL, 1 << 20}};
    for (unsigned i = 0; i < 4; i++) {
        nd_wire_head read, head = {.kind = limits[i].kind, .length = limits[i].most};
        unsigned char bytes[ND_WIRE_HEAD_SIZE];
        nd_wire_head_write(&head, bytes);
        assert_int_equal(nd_wire_head_read(bytes, sizeof bytes, &read, NULL), ND_OK);
        head.length++;
        nd_wire_head_write(&head, bytes);
        expect_refusal(bytes, sizeof bytes, "there may be");
    }
}

static void body_must_be_the_heads(void **state)
{
    (void)state;
    const nd_wire_head head = wire_seal((nd_wire_head){.kind = ND_WIRE_RECORDS}, "abc", 3);
    nd_message message;
    assert_int_equal(nd_wire_body_check(&head, "abc", 3, &message), ND_OK);
    assert_int_equal(nd_wire_body_check(&head, "abd", 3, &message), ND_PROTO);
    assert_non_null(strstr(message.text, "damaged"));
    assert_int_equal(nd_wire_body_check(&head, "abc", 2, &message), ND_PROTO);
    assert_non_null(strstr(message.text, "2 bytes"));
    assert_int_equal(nd_wire_body_check(&head, "abcd", 4, &message), ND_PROTO);
    assert_non_null(strstr(message.text, "4 bytes"));
    assert_int_equal(nd_wire_body_check(&head, "abc", 2, NULL), ND_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_is_these_bytes),
        cmocka_unit_test(heads_come_back_as_they_were),
        cmocka_unit_test(every_damage_is_found),
        cmocka_unit_test(another_version_is_named_before_anything_else),
        cmocka_unit_test(each_cause_is_named),
        cmocka_unit_test(bodies_are_bounded_by_kind),
        cmocka_unit_test(body_must_be_the_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
