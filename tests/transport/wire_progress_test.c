/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of progress there and back, and messages made by hand.
 */
#include "transport/wire/progress.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"
#include "tests/transport/wire_support.h"

enum { MOST_CHANGES = 2000 };

static int set_up(void **state)
{
    nd_wire_arena *const arena = malloc(sizeof *arena);
    assert_non_null(arena);
    nd_wire_arena_init(arena, ND_WIRE_ARENA_MOST);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    nd_wire_arena_deinit(*state);
    free(*state);
    return 0;
}

/* --- Frames --- */

/* Small or any; often zero. */
static uint64_t some_number(nd_random *random)
{
    const uint64_t number = nd_random_next(random);
    return number % 3 == 0 ? 0 : number >> nd_random_below(random, 64);
}

/* `n_loops` counters are used. */
static void random_changes(nd_random *random, unsigned n_loops, nd_change *changes, size_t len)
{
    memset(changes, 0, len * sizeof *changes);
    for (size_t i = 0; i < len; i++) {
        changes[i].location = (uint32_t)some_number(random);
        changes[i].time.epoch = some_number(random);
        for (unsigned loop = 0; loop < n_loops; loop++)
            changes[i].time.loop[loop] = (uint32_t)some_number(random);
        changes[i].delta = (int64_t)(some_number(random) - some_number(random));
    }
}

static nd_frame random_frame(nd_random *random, nd_change *changes, size_t most)
{
    nd_frame frame = {
        .flow = (uint32_t)nd_random_next(random),
        .sender = (uint32_t)nd_random_below(random, 100),
        .sequence = nd_random_next(random),
        .kind = (nd_frame_kind)nd_random_below(random, 4),
        .worker = (uint32_t)some_number(random),
        .fingerprint = some_number(random),
        .changes = changes,
    };
    if (frame.kind == ND_FRAME_CHANGES || frame.kind == ND_FRAME_START) {
        frame.len = nd_random_below(random, most + 1);
        random_changes(random, (unsigned)nd_random_below(random, 5), changes, frame.len);
    }
    return frame;
}

static nd_wire_head head_of(const nd_frame *frame, const nd_vector *body)
{
    const nd_wire_head head = {.kind = ND_WIRE_PROGRESS,
                               .process = (uint16_t)frame->sender,
                               .sequence = frame->sequence,
                               .flow = frame->flow,
                               .count = (uint32_t)frame->len};
    return wire_seal(head, body->items, body->len);
}

static void expect_same(const nd_frame *a, const nd_frame *b)
{
    assert_int_equal(a->flow, b->flow);
    assert_int_equal(a->sender, b->sender);
    assert_int_equal(a->sequence, b->sequence);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->worker, b->worker);
    assert_int_equal(a->fingerprint, b->fingerprint);
    assert_int_equal(a->len, b->len);
    for (size_t i = 0; i < a->len; i++) {
        assert_int_equal(a->changes[i].location, b->changes[i].location);
        assert_true(nd_time_equal(&a->changes[i].time, &b->changes[i].time));
        assert_int_equal(a->changes[i].delta, b->changes[i].delta);
    }
}

static void frames_come_back_as_they_were(void **state)
{
    nd_change *const changes = calloc(MOST_CHANGES, sizeof *changes);
    nd_vector body;
    nd_random random;
    assert_non_null(changes);
    nd_random_init(&random, 1);
    nd_vector_init(&body, 1);
    for (unsigned i = 0; i < 400; i++) {
        const nd_frame frame = random_frame(&random, changes, i % 20 == 0 ? MOST_CHANGES : 20);
        nd_frame read;
        assert_int_equal(nd_wire_progress_pack(&frame, &body, NULL), ND_OK);
        const nd_wire_head head = head_of(&frame, &body);
        nd_wire_arena_reset(*state);
        assert_int_equal(nd_wire_progress_unpack(&head, body.items, *state, &read, NULL), ND_OK);
        expect_same(&read, &frame);
    }
    nd_vector_deinit(&body);
    free(changes);
}

static size_t packed_size(nd_time time)
{
    const nd_change change = {.location = 5, .time = time, .delta = -1};
    const nd_frame frame = {.kind = ND_FRAME_CHANGES, .changes = &change, .len = 1};
    nd_vector body;
    nd_vector_init(&body, 1);
    assert_int_equal(nd_wire_progress_pack(&frame, &body, NULL), ND_OK);
    const size_t size = body.len;
    nd_vector_deinit(&body);
    return size;
}

static void columns_of_zeros_are_left_out(void **state)
{
    (void)state;
    enum { COLUMN = 3, KIND = 2 };
    assert_int_equal(packed_size((nd_time){0, {0}}), 2 * COLUMN + KIND);
    assert_int_equal(packed_size((nd_time){1, {0}}), 3 * COLUMN + KIND);
    assert_int_equal(packed_size((nd_time){0, {0, 0, 1}}), 3 * COLUMN + KIND);
    assert_int_equal(packed_size((nd_time){1, {1, 1, 1, 1}}), 7 * COLUMN + KIND);
}

/* The greatest frame in the greatest numbers fits the arena's limit. */
static void the_greatest_lawful_frame_passes(void **state)
{
    nd_change *const changes = calloc(ND_WIRE_CHANGES_MOST + 1, sizeof *changes);
    nd_frame read, frame = {.kind = ND_FRAME_CHANGES, .changes = changes};
    nd_vector body;
    nd_message message = {""};
    assert_non_null(changes);
    nd_vector_init(&body, 1);
    for (frame.len = 0; frame.len < ND_WIRE_CHANGES_MOST; frame.len++)
        changes[frame.len] = (nd_change){(uint32_t)frame.len, {1 << 28, {1, 2, 3, 4}}, INT32_MIN};
    assert_int_equal(nd_wire_progress_pack(&frame, &body, NULL), ND_OK);
    const nd_wire_head head = head_of(&frame, &body);
    assert_int_equal(nd_wire_progress_unpack(&head, body.items, *state, &read, NULL), ND_OK);
    expect_same(&read, &frame);
    frame.len++;
    assert_int_equal(nd_wire_progress_pack(&frame, &body, &message), ND_INVAL);
    assert_non_null(strstr(message.text, "524289"));
    frame.len--;
    for (size_t i = 0; i < frame.len; i++)
        changes[i] = (nd_change){
            UINT32_MAX, {UINT64_MAX, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}}, INT64_MIN};
    assert_int_equal(nd_wire_progress_pack(&frame, &body, &message), ND_INVAL);
    nd_vector_deinit(&body);
    free(changes);
}

/* --- Bytes from elsewhere --- */

static nd_err decode(void *arena, const nd_wire_head *head, const void *body, nd_message *message)
{
    nd_frame frame;
    nd_wire_arena_reset(arena);
    ND_TRY(nd_wire_progress_unpack(head, body, arena, &frame, message));
    uint64_t sum = 0;
    for (size_t i = 0; i < frame.len; i++)
        sum += frame.changes[i].location + frame.changes[i].time.epoch;
    assert_true(frame.len == head->count && (frame.len != 0 || sum == 0));
    return ND_OK;
}

static void damage_is_refused(void **state)
{
    const wire_decoder decoder = {decode, *state};
    nd_change changes[20];
    nd_random random;
    nd_vector body;
    nd_vector_init(&body, 1);
    nd_random_init(&random, 2);
    for (unsigned i = 0; i < 8; i++) {
        const nd_frame frame = random_frame(&random, changes, 5);
        assert_int_equal(nd_wire_progress_pack(&frame, &body, NULL), ND_OK);
        const nd_wire_head head = head_of(&frame, &body);
        wire_refuses_damage(&head, body.items, &decoder);
        wire_refuses_prefixes(&head, body.items, &decoder);
        wire_survives_changes(&head, body.items, &decoder);
    }
    nd_vector_deinit(&body);
}

#define BYTES(text) text, sizeof(text) - 1

static void columns_must_be_as_long_as_the_head_says(void **state)
{
    const wire_decoder decoder = {decode, *state};
    static const char good[] = "\x1a\x02\x05\x06\x22\x02\x01\x02\x4a\x02\x01\x02\x78\x02";
    assert_int_equal(
        decode(*state, &(nd_wire_head){.count = 2, .length = sizeof good - 1}, good, NULL), ND_OK);
    wire_refuses(1, BYTES(good), &decoder);
    wire_refuses(3, BYTES(good), &decoder);
    wire_refuses(0, BYTES(good), &decoder);
    wire_refuses(2, BYTES("\x1a\x02\x05\x06\x4a\x01\x01\x78\x02"), &decoder);
    wire_refuses(2, BYTES("\x1a\x01\x05\x4a\x02\x01\x02\x78\x02"), &decoder);
    wire_refuses(2, BYTES("\x1a\x02\x05\x06\x22\x01\x01\x4a\x02\x01\x02\x78\x02"), &decoder);
    wire_refuses(2, BYTES("\x1a\x02\x05\x06\x42\x01\x01\x4a\x02\x01\x02\x78\x02"), &decoder);
}

static void too_many_changes_are_refused(void **state)
{
    enum { CHANGES = ND_WIRE_CHANGES_MOST + 1, SIZE = 2 * (4 + CHANGES) + 2 };
    const wire_decoder decoder = {decode, *state};
    unsigned char *const body = calloc(1, SIZE);
    assert_non_null(body);
    memcpy(body, "\x1a\x81\x80\x20", 4);
    memcpy(body + 4 + CHANGES, "\x4a\x81\x80\x20", 4);
    memcpy(body + SIZE - 2, "\x78\x02", 2);
    wire_refuses(CHANGES, body, SIZE, &decoder);
    body[1] = body[4 + CHANGES + 1] = 0x80; /* one less */
    memmove(body + 4 + CHANGES - 1, body + 4 + CHANGES, 4 + CHANGES - 1);
    memcpy(body + SIZE - 4, "\x78\x02", 2);
    const nd_wire_head head = {.count = CHANGES - 1, .length = SIZE - 2};
    assert_int_equal(decode(*state, &head, body, NULL), ND_OK);
    free(body);
}

static void kinds_must_be_known(void **state)
{
    const wire_decoder decoder = {decode, *state};
    for (unsigned kind = 1; kind <= 4; kind++) {
        const unsigned char body[] = {0x78, (unsigned char)kind};
        assert_int_equal(decode(*state, &(nd_wire_head){.length = 2}, body, NULL), ND_OK);
    }
    wire_refuses(0, BYTES(""), &decoder);
    wire_refuses(0, BYTES("\x78\x05"), &decoder);
    wire_refuses(0, BYTES("\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &decoder);
    wire_refuses(1, BYTES("\x1a\x01\x05\x4a\x01\x01\x78\x03"), &decoder); /* DROP has none */
}

static void bombs_stay_below_the_limit(void **state)
{
    (void)state;
    wire_refuses_bombs(1, NULL, decode);
}

/* --- Memory --- */

static nd_err attempt(void *frame)
{
    nd_wire_arena arena;
    nd_vector body;
    nd_frame read;
    nd_vector_init(&body, 1);
    nd_wire_arena_init(&arena, ND_WIRE_ARENA_MOST);
    nd_err err = nd_wire_progress_pack(frame, &body, NULL);
    if (err == ND_OK) {
        const nd_wire_head head = head_of(frame, &body);
        err = nd_wire_progress_unpack(&head, body.items, &arena, &read, NULL);
    }
    nd_wire_arena_deinit(&arena);
    nd_vector_deinit(&body);
    return err;
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    nd_change *const changes = calloc(MOST_CHANGES, sizeof *changes);
    nd_random random;
    assert_non_null(changes);
    nd_random_init(&random, 3);
    random_changes(&random, 4, changes, MOST_CHANGES);
    nd_frame frame = {.kind = ND_FRAME_CHANGES, .changes = changes, .len = MOST_CHANGES};
    assert_true(failing_memory_sweep(attempt, &frame) >= 7);
    free(changes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_come_back_as_they_were, set_up, tear_down),
        cmocka_unit_test(columns_of_zeros_are_left_out),
        cmocka_unit_test_setup_teardown(the_greatest_lawful_frame_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_must_be_as_long_as_the_head_says, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(too_many_changes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds_must_be_known, set_up, tear_down),
        cmocka_unit_test(bombs_stay_below_the_limit),
        cmocka_unit_test(running_out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
