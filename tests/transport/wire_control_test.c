/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control messages of every kind there and back, and messages made by hand.
 */
#include "transport/wire/control.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"
#include "tests/transport/wire_support.h"

enum { MOST_LINES = 8 };

static const nd_wire_head control_head = {.kind = ND_WIRE_CONTROL};

static int set_up(void **state)
{
    nd_wire_arena *const arena = malloc(sizeof *arena);
    assert_non_null(arena);
    nd_wire_arena_init(arena, ND_CONTROL_ARENA_MOST);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    nd_wire_arena_deinit(*state);
    free(*state);
    return 0;
}

/* --- Messages --- */

/* What the messages of a test refer to. */
typedef struct test_things {
    const char *lines[MOST_LINES];
} test_things;

static const char *some_text(nd_random *random)
{
    static const char *const texts[] = {"", "node3.example", "0.1.0 (a line of some length)",
                                        "der Graph ist verschieden: \xc3\xa4"};
    return texts[nd_random_below(random, 4)];
}

static uint32_t some_u32(nd_random *random)
{
    return nd_random_chance(random, 0.2) ? 0 : (uint32_t)nd_random_next(random);
}

static nd_control_join random_join(nd_random *random)
{
    return (nd_control_join){
        .protocol_min = some_u32(random),
        .protocol_max = some_u32(random),
        .job = {nd_random_next(random), nd_random_next(random)},
        .build = {nd_random_next(random), nd_random_next(random)},
        .process = some_u32(random),
        .n_processes = some_u32(random),
        .n_workers = some_u32(random),
        .word_size = some_u32(random),
        .is_little_endian = nd_random_chance(random, 0.5),
        .lane = (nd_lane_kind)nd_random_below(random, ND_LANES),
        .incarnation = nd_random_next(random),
        .pid = some_u32(random),
        .host = some_text(random),
        .version = some_text(random),
    };
}

static nd_err random_err(nd_random *random)
{
    return (nd_err)(ND_NOMEM + nd_random_below(random, ND_INTR));
}

static nd_control random_control(nd_random *random, nd_control_kind kind, test_things *things)
{
    nd_control control = {.kind = kind};
    switch (kind) {
    case ND_CONTROL_JOIN:
        control.join = random_join(random);
        break;
    case ND_CONTROL_WELCOME:
        control.welcome = (nd_control_welcome){some_u32(random), nd_random_next(random)};
        break;
    case ND_CONTROL_REFUSE:
        control.refuse = (nd_control_refuse){random_err(random), some_text(random)};
        break;
    case ND_CONTROL_CREDIT:
        control.credit = (nd_control_credit){nd_random_next(random)};
        break;
    case ND_CONTROL_ALIVE:
        control.alive = (nd_control_alive){nd_random_next(random), some_u32(random)};
        break;
    case ND_CONTROL_GOODBYE:
        control.goodbye = (nd_control_goodbye){.n_data_frames = nd_random_next(random),
                                               .n_progress_frames = some_u32(random),
                                               .stats = {nd_random_next(random), some_u32(random),
                                                         nd_random_next(random), some_u32(random),
                                                         nd_random_next(random), some_u32(random)}};
        break;
    case ND_CONTROL_ABORT:
        control.abort = (nd_control_abort){random_err(random), some_u32(random), some_text(random)};
        break;
    case ND_CONTROL_TELL:
        control.tell = (nd_control_tell){things->lines, nd_random_below(random, MOST_LINES + 1)};
        for (size_t i = 0; i < control.tell.n_lines; i++)
            things->lines[i] = some_text(random);
        break;
    case ND_CONTROL_READY:
    case ND_CONTROL_ASK:
        break;
    }
    return control;
}

static void expect_same_join(const nd_control_join *a, const nd_control_join *b)
{
    assert_int_equal(a->protocol_min, b->protocol_min);
    assert_int_equal(a->protocol_max, b->protocol_max);
    assert_memory_equal(a->job, b->job, sizeof a->job);
    assert_memory_equal(a->build, b->build, sizeof a->build);
    assert_int_equal(a->process, b->process);
    assert_int_equal(a->n_processes, b->n_processes);
    assert_int_equal(a->n_workers, b->n_workers);
    assert_int_equal(a->word_size, b->word_size);
    assert_int_equal(a->is_little_endian, b->is_little_endian);
    assert_int_equal(a->lane, b->lane);
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->pid, b->pid);
    assert_string_equal(a->host, b->host);
    assert_string_equal(a->version, b->version);
}

static void expect_same_lists(const nd_control *a, const nd_control *b)
{
    if (a->kind == ND_CONTROL_ALIVE) {
        assert_int_equal(a->alive.n_data_frames, b->alive.n_data_frames);
        assert_int_equal(a->alive.n_progress_frames, b->alive.n_progress_frames);
    } else {
        assert_int_equal(a->tell.n_lines, b->tell.n_lines);
        for (size_t i = 0; i < a->tell.n_lines; i++)
            assert_string_equal(a->tell.lines[i], b->tell.lines[i]);
    }
}

static void expect_same(const nd_control *a, const nd_control *b)
{
    assert_int_equal(a->kind, b->kind);
    switch (a->kind) {
    case ND_CONTROL_JOIN:
        expect_same_join(&a->join, &b->join);
        break;
    case ND_CONTROL_WELCOME:
        assert_int_equal(a->welcome.process, b->welcome.process);
        assert_int_equal(a->welcome.incarnation, b->welcome.incarnation);
        break;
    case ND_CONTROL_REFUSE:
        assert_int_equal(a->refuse.err, b->refuse.err);
        assert_string_equal(a->refuse.text, b->refuse.text);
        break;
    case ND_CONTROL_CREDIT:
        assert_int_equal(a->credit.n_bytes, b->credit.n_bytes);
        break;
    case ND_CONTROL_GOODBYE:
        assert_int_equal(a->goodbye.n_data_frames, b->goodbye.n_data_frames);
        assert_int_equal(a->goodbye.n_progress_frames, b->goodbye.n_progress_frames);
        assert_memory_equal(&a->goodbye.stats, &b->goodbye.stats, sizeof a->goodbye.stats);
        break;
    case ND_CONTROL_ABORT:
        assert_int_equal(a->abort.err, b->abort.err);
        assert_int_equal(a->abort.process, b->abort.process);
        assert_string_equal(a->abort.text, b->abort.text);
        break;
    case ND_CONTROL_ALIVE:
    case ND_CONTROL_TELL:
        expect_same_lists(a, b);
        break;
    case ND_CONTROL_READY:
    case ND_CONTROL_ASK:
        break;
    }
}

/* Packs and unpacks; what was read is lent by the arena. */
static nd_control pass(const nd_control *control, nd_wire_arena *arena)
{
    nd_control read;
    nd_vector body;
    nd_vector_init(&body, 1);
    assert_int_equal(nd_wire_control_pack(control, &body), ND_OK);
    const nd_wire_head head = wire_seal(control_head, body.items, body.len);
    nd_wire_arena_reset(arena);
    assert_int_equal(nd_wire_control_unpack(&head, body.items, arena, &read, NULL), ND_OK);
    nd_vector_deinit(&body);
    return read;
}

static void messages_come_back_as_they_were(void **state)
{
    test_things things;
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned round = 0; round < 100; round++)
        for (int kind = ND_CONTROL_JOIN; kind <= ND_CONTROL_TELL; kind++) {
            const nd_control control = random_control(&random, (nd_control_kind)kind, &things);
            const nd_control read = pass(&control, *state);
            expect_same(&read, &control);
        }
}

static void texts_are_cut(void **state)
{
    char text[2 * ND_CONTROL_TEXT];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    const nd_control control = {.kind = ND_CONTROL_ABORT, .abort = {ND_FAILED, 3, text}};
    const nd_control read = pass(&control, *state);
    assert_int_equal(strlen(read.abort.text), ND_CONTROL_TEXT - 1);
    assert_memory_equal(read.abort.text, text, ND_CONTROL_TEXT - 1);
    text[ND_CONTROL_TEXT - 1] = '\0'; /* the longest that is left whole */
    assert_string_equal(pass(&control, *state).abort.text, text);
}

static void too_many_lines_are_refused(void **state)
{
    (void)state;
    enum { LINES = 5000 };
    const char **const lines = malloc(LINES * sizeof *lines);
    char text[ND_CONTROL_TEXT];
    nd_vector body;
    assert_non_null(lines);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    nd_vector_init(&body, 1);
    for (size_t i = 0; i < LINES; i++)
        lines[i] = text;
    const nd_control control = {.kind = ND_CONTROL_TELL, .tell = {lines, LINES}};
    assert_int_equal(nd_wire_control_pack(&control, &body), ND_INVAL);
    nd_vector_deinit(&body);
    free(lines);
}

/* --- Bytes from elsewhere --- */

static nd_err decode(void *arena, const nd_wire_head *head, const void *body, nd_message *message)
{
    nd_control control;
    nd_wire_arena_reset(arena);
    return nd_wire_control_unpack(head, body, arena, &control, message);
}

static void damage_is_refused(void **state)
{
    const wire_decoder decoder = {decode, *state};
    test_things things;
    nd_vector body;
    nd_random random;
    nd_vector_init(&body, 1);
    nd_random_init(&random, 2);
    for (int kind = ND_CONTROL_JOIN; kind <= ND_CONTROL_TELL; kind++) {
        const nd_control control = random_control(&random, (nd_control_kind)kind, &things);
        assert_int_equal(nd_wire_control_pack(&control, &body), ND_OK);
        const nd_wire_head head = wire_seal(control_head, body.items, body.len);
        wire_refuses_damage(&head, body.items, &decoder);
        wire_refuses_prefixes(&head, body.items, &decoder);
        wire_survives_changes(&head, body.items, &decoder);
    }
    nd_vector_deinit(&body);
}

#define BYTES(text) text, sizeof(text) - 1

/* Messages made by hand: field 1 is the join, 3 a refusal, 7 an abort, 8 lines, 15 the kind. */

static void kinds_need_their_parts(void **state)
{
    const wire_decoder decoder = {decode, *state};
    static const char *const parts[] = {"join",  "welcome", "refusal", "none", "credit",
                                        "alive", "goodbye", "abort",   "none", "tell"};
    for (unsigned kind = 1; kind <= 10; kind++) {
        const unsigned char body[] = {0x78, (unsigned char)kind};
        if (strcmp(parts[kind - 1], "none") != 0)
            wire_refuses(0, body, sizeof body, &decoder);
        else
            assert_int_equal(decode(*state, &(nd_wire_head){.length = 2}, body, NULL), ND_OK);
    }
    wire_refuses(0, BYTES(""), &decoder);
    wire_refuses(0, BYTES("\x78\x0b"), &decoder);
    wire_refuses(0, BYTES("\x78\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &decoder);
    wire_refuses(0, BYTES("\x0a\0\x78\x02"), &decoder); /* the part of another kind */
}

static void lanes_and_errors_must_be_known(void **state)
{
    const wire_decoder decoder = {decode, *state};
    assert_int_equal(decode(*state, &(nd_wire_head){.length = 6}, "\x0a\x02\x68\x02\x78\x01", NULL),
                     ND_OK);
    wire_refuses(0, BYTES("\x0a\x02\x68\x03\x78\x01"), &decoder);
    assert_int_equal(decode(*state, &(nd_wire_head){.length = 6}, "\x1a\x02\x08\x0a\x78\x03", NULL),
                     ND_OK);
    wire_refuses(0, BYTES("\x1a\x02\x08\x0b\x78\x03"), &decoder);
    wire_refuses(0, BYTES("\x1a\0\x78\x03"), &decoder); /* no error at all */
    wire_refuses(0, BYTES("\x3a\x06\x08\xff\xff\xff\xff\x0f\x78\x08"), &decoder);
}

static void texts_become_one_harmless_line(void **state)
{
    static const char body[] = "\x3a\x10\x08\x09\x1a\x0c"
                               "a\nb\x1b[1mc\x7f\0de"
                               "\x78\x08";
    nd_control read;
    const nd_wire_head head = {.kind = ND_WIRE_CONTROL, .length = sizeof body - 1};
    assert_int_equal(nd_wire_control_unpack(&head, body, *state, &read, NULL), ND_OK);
    assert_string_equal(read.abort.text, "a b [1mc ");
    assert_int_equal(read.abort.err, ND_FAILED);
}

static void long_texts_from_elsewhere_are_cut(void **state)
{
    unsigned char body[1024] = "\x3a\xfb\x07\x08\x09\x1a\xf6\x07";
    enum { TEXT = 8, SIZE = TEXT + 0x3f6 };
    memset(body + TEXT, 'x', sizeof body - TEXT);
    memcpy(body + SIZE, "\x78\x08", 2);
    nd_control read;
    const nd_wire_head head = {.kind = ND_WIRE_CONTROL, .length = SIZE + 2};
    assert_int_equal(nd_wire_control_unpack(&head, body, *state, &read, NULL), ND_OK);
    assert_int_equal(strlen(read.abort.text), ND_CONTROL_TEXT - 1);
}

/* The kind comes at the end: a part comes again and again, or lines without a character. */
static void bombs_stay_below_the_limit(void **state)
{
    (void)state;
    wire_refuses_bombs(0, "\x78\x04", decode);
}

/* --- Memory --- */

static nd_err attempt(void *control)
{
    nd_wire_arena arena;
    nd_vector body;
    nd_control read;
    nd_vector_init(&body, 1);
    nd_wire_arena_init(&arena, ND_CONTROL_ARENA_MOST);
    nd_err err = nd_wire_control_pack(control, &body);
    if (err == ND_OK) {
        const nd_wire_head head = wire_seal(control_head, body.items, body.len);
        err = nd_wire_control_unpack(&head, body.items, &arena, &read, NULL);
    }
    nd_wire_arena_deinit(&arena);
    nd_vector_deinit(&body);
    return err;
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    test_things things;
    nd_random random;
    nd_random_init(&random, 3);
    for (int kind = ND_CONTROL_JOIN; kind <= ND_CONTROL_TELL; kind++) {
        nd_control control = random_control(&random, (nd_control_kind)kind, &things);
        assert_true(failing_memory_sweep(attempt, &control) >= 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_come_back_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_are_cut, set_up, tear_down),
        cmocka_unit_test(too_many_lines_are_refused),
        cmocka_unit_test_setup_teardown(damage_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds_need_their_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lanes_and_errors_must_be_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_become_one_harmless_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_from_elsewhere_are_cut, set_up, tear_down),
        cmocka_unit_test(bombs_stay_below_the_limit),
        cmocka_unit_test(running_out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
