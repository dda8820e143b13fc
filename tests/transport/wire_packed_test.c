/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packed records: msgpack-c is the oracle of what is packed; what is unpacked is what was packed,
 * and bytes made by hand are taken or refused one by one.
 */
#include "transport/wire/packed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"
#include "tests/transport/packed_oracle.h"
#include "tests/transport/wire_support.h"

typedef struct all_kinds {
    nd_bytes first;
    double f64;
    int64_t i64;
    uint64_t u64;
    float f32;
    int32_t i32;
    uint32_t u32, another_u32;
    int16_t i16;
    uint16_t u16;
    int8_t i8;
    uint8_t u8, another_u8;
    bool is_true;
    nd_bytes last;
} all_kinds;

static const nd_type all_kinds_type = ND_TYPE(
    all_kinds, 1, ND_FIELD(all_kinds, first), ND_FIELD(all_kinds, f64), ND_FIELD(all_kinds, i64),
    ND_FIELD(all_kinds, u64), ND_FIELD(all_kinds, f32), ND_FIELD(all_kinds, i32),
    ND_FIELD(all_kinds, u32), ND_FIELD(all_kinds, another_u32), ND_FIELD(all_kinds, i16),
    ND_FIELD(all_kinds, u16), ND_FIELD(all_kinds, i8), ND_FIELD(all_kinds, u8),
    ND_FIELD(all_kinds, another_u8), ND_FIELD(all_kinds, is_true), ND_FIELD(all_kinds, last));

typedef struct line {
    nd_bytes text;
} line;

static const nd_type line_type = ND_TYPE(line, 1, ND_FIELD(line, text));

typedef struct flat {
    uint64_t id;
} flat;

static const nd_type flat_type = ND_TYPE(flat, 1, ND_FIELD(flat, id));

static int set_up(void **state)
{
    nd_pool *const pool = malloc(sizeof *pool);
    assert_non_null(pool);
    nd_pool_init(pool);
    *state = pool;
    return 0;
}

static int tear_down(void **state)
{
    nd_pool_deinit(*state);
    free(*state);
    return 0;
}

/* --- Batches --- */

/* A number near a power of two of either sign, where the forms of msgpack change. */
static uint64_t edgy_number(nd_random *random)
{
    const uint64_t power = UINT64_C(1) << nd_random_below(random, 64);
    const uint64_t near = power + nd_random_below(random, 3) - 1;
    return nd_random_chance(random, 0.5) ? near : 0 - near;
}

static double edgy_double(nd_random *random)
{
    static const double edges[] = {0.0, -0.0, 1.0, -1.5, INFINITY, -INFINITY, 5e-324, 1e308};
    if (nd_random_chance(random, 0.5))
        return edges[nd_random_below(random, 8)];
    return ldexp(nd_random_unit(random), (int)nd_random_below(random, 300) - 150);
}

/* Strings lie in `text`; they overlap, which a packer need not know. */
static nd_bytes edgy_string(nd_random *random, const unsigned char *text, size_t longest)
{
    const size_t size = nd_random_chance(random, 0.3) ? 0 : nd_random_below(random, longest + 1);
    return (nd_bytes){.data = size ? text + nd_random_below(random, longest - size + 1) : NULL,
                      .size = size};
}

static all_kinds edgy_record(nd_random *random, const unsigned char *text, size_t longest)
{
    return (all_kinds){
        .first = edgy_string(random, text, longest),
        .f64 = edgy_double(random),
        .i64 = (int64_t)edgy_number(random),
        .u64 = edgy_number(random),
        .f32 = (float)edgy_double(random),
        .i32 = (int32_t)edgy_number(random),
        .u32 = (uint32_t)edgy_number(random),
        .another_u32 = (uint32_t)nd_random_next(random),
        .i16 = (int16_t)edgy_number(random),
        .u16 = (uint16_t)edgy_number(random),
        .i8 = (int8_t)edgy_number(random),
        .u8 = (uint8_t)edgy_number(random),
        .another_u8 = (uint8_t)nd_random_next(random),
        .is_true = nd_random_chance(random, 0.5),
        .last = edgy_string(random, text, longest),
    };
}

static nd_batch *edgy_batch(nd_pool *pool, size_t len, size_t longest, uint64_t seed,
                            unsigned char *text)
{
    nd_random random;
    nd_random_init(&random, seed);
    for (size_t i = 0; i < longest; i++)
        text[i] = (unsigned char)nd_random_next(&random);
    nd_batch *const batch = nd_batch_create(pool, &all_kinds_type, len * sizeof(all_kinds));
    assert_non_null(batch);
    for (size_t i = 0; i < len; i++) {
        const all_kinds record = edgy_record(&random, text, longest);
        memcpy(batch->records + i * sizeof record, &record, sizeof record);
    }
    batch->len = len;
    return batch;
}

static nd_batch *batch_of_lines(nd_pool *pool, size_t len, nd_bytes text)
{
    nd_batch *const batch = nd_batch_create(pool, &line_type, len * sizeof(line));
    assert_non_null(batch);
    for (size_t i = 0; i < len; i++)
        memcpy(batch->records + i * sizeof(line), &text, sizeof text);
    batch->len = len;
    return batch;
}

static void expect_same(const nd_batch *a, const nd_batch *b)
{
    assert_int_equal(a->len, b->len);
    for (size_t i = 0; i < a->len; i++)
        assert_true(
            nd_type_equal(a->type, a->records + i * a->type->size, b->records + i * b->type->size));
}

static nd_wire_head head_of(const nd_batch *batch, const nd_vector *body)
{
    const nd_wire_head head = {.kind = ND_WIRE_PACKED, .count = (uint32_t)batch->len};
    return wire_seal(head, body->items, body->len);
}

/* --- There and back --- */

static void expect_round_trip(nd_pool *pool, const nd_batch *batch, nd_vector *body)
{
    nd_batch *unpacked;
    assert_int_equal(nd_wire_pack(batch, body, NULL), ND_OK);
    assert_true(packed_oracle_reads(batch, body->items, body->len));
    const nd_wire_head head = head_of(batch, body);
    assert_int_equal(nd_wire_unpack(pool, batch->type, &head, body->items, &unpacked, NULL), ND_OK);
    assert_ptr_equal(nd_batch_type(unpacked), batch->type);
    expect_same(unpacked, batch);
    assert_true(packed_oracle_owns_strings(unpacked));
    nd_batch_drop(unpacked, pool);
}

static void records_come_back_as_they_were(void **state)
{
    static const struct {
        size_t len, longest;
    } shapes[] = {{1, 1}, {1, 300}, {3, 40}, {7, 20}, {800, 5}, {800, 300}, {5, 70000}, {3000, 60}};
    unsigned char *const text = malloc(70000);
    nd_vector body; /* used again and again */
    assert_non_null(text);
    nd_vector_init(&body, 1);
    for (uint64_t seed = 0; seed < 40; seed++) {
        const size_t shape = seed % (sizeof shapes / sizeof shapes[0]);
        nd_batch *const batch =
            edgy_batch(*state, shapes[shape].len, shapes[shape].longest, seed, text);
        expect_round_trip(*state, batch, &body);
        nd_batch_drop(batch, *state);
    }
    nd_vector_deinit(&body);
    free(text);
}

static void bits_of_every_float_are_kept(void **state)
{
    static const uint64_t bits[] = {0,
                                    UINT64_C(0x8000000000000000),
                                    UINT64_C(0x7ff0000000000000),
                                    UINT64_C(0xfff0000000000000),
                                    UINT64_C(0x7ff8000000000001),
                                    UINT64_C(1)};
    nd_vector body;
    nd_vector_init(&body, 1);
    for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        nd_batch *const batch = nd_batch_create(*state, &all_kinds_type, sizeof(all_kinds));
        assert_non_null(batch);
        all_kinds record = {.u64 = 1};
        memcpy(&record.f64, &bits[i], sizeof record.f64);
        memcpy(&record.f32, (const char *)&bits[i] + 4, sizeof record.f32);
        memcpy(batch->records, &record, sizeof record);
        batch->len = 1;
        expect_round_trip(*state, batch, &body);
        nd_batch_drop(batch, *state);
    }
    nd_vector_deinit(&body);
}

static void a_body_handed_on_is_replaced_by_a_new_one(void **state)
{
    nd_vector body;
    nd_vector_init(&body, 1);
    nd_batch *const batch = batch_of_lines(*state, 10, (nd_bytes){"word", 4});
    expect_round_trip(*state, batch, &body);
    void *const taken = nd_vector_take(&body);
    expect_round_trip(*state, batch, &body);
    assert_true(body.items != taken);
    nd_free(taken);
    nd_batch_drop(batch, *state);
    nd_vector_deinit(&body);
}

static void too_much_for_a_frame_is_refused_by_name(void **state)
{
    static const size_t lens[] = {1, 17, 16};
    const size_t size = 1 << 20;
    char *const text = calloc(1, 17 * size);
    nd_vector body;
    nd_message message;
    assert_non_null(text);
    nd_vector_init(&body, 1);
    for (unsigned i = 0; i < 3; i++) {
        nd_batch *const batch =
            batch_of_lines(*state, lens[i], (nd_bytes){text, i == 0 ? 17 * size : size});
        assert_int_equal(nd_wire_pack(batch, &body, &message), ND_INVAL);
        assert_non_null(strstr(message.text, "'line'"));
        nd_batch_drop(batch, *state);
    }
    nd_batch *const batch = batch_of_lines(*state, 15, (nd_bytes){text, size});
    expect_round_trip(*state, batch, &body);
    nd_batch_drop(batch, *state);
    nd_vector_deinit(&body);
    free(text);
}

/* --- Bytes from elsewhere --- */

static nd_err decode(nd_pool *pool, const nd_type *type, const nd_wire_head *head, const void *body,
                     nd_message *message)
{
    nd_batch *batch;
    ND_TRY(nd_wire_unpack(pool, type, head, body, &batch, message));
    assert_true(batch->len == head->count && packed_oracle_owns_strings(batch));
    nd_batch_drop(batch, pool);
    return ND_OK;
}

static nd_err decode_all_kinds(void *pool, const nd_wire_head *head, const void *body,
                               nd_message *message)
{
    return decode(pool, &all_kinds_type, head, body, message);
}

static nd_err decode_lines(void *pool, const nd_wire_head *head, const void *body,
                           nd_message *message)
{
    return decode(pool, &line_type, head, body, message);
}

static void damage_is_refused(void **state)
{
    unsigned char text[50];
    const wire_decoder decoder = {decode_all_kinds, *state};
    nd_vector body;
    nd_vector_init(&body, 1);
    nd_batch *const batch = edgy_batch(*state, 3, sizeof text, 11, text);
    assert_int_equal(nd_wire_pack(batch, &body, NULL), ND_OK);
    const nd_wire_head head = head_of(batch, &body);
    wire_refuses_damage(&head, body.items, &decoder);
    wire_refuses_prefixes(&head, body.items, &decoder);
    wire_survives_changes(&head, body.items, &decoder);
    nd_batch_drop(batch, *state);
    nd_vector_deinit(&body);
}

/* A record of one string and one number of `size` bytes. */
typedef struct number {
    nd_bytes text;
    uint64_t value;
} number;

static nd_type number_type(nd_kind kind, uint16_t size)
{
    nd_type type = ND_TYPE(number, 1, ND_FIELD(number, text), ND_FIELD(number, value));
    type.fields[1].kind = (uint16_t)kind;
    type.fields[1].size = size;
    return type;
}

/* Unpacks {empty string, the value in `bytes`}. */
static nd_err unpack_number(nd_pool *pool, const nd_type *type, const char *bytes, size_t size,
                            uint64_t *value)
{
    char body[16] = "\x92\xc4\0";
    nd_batch *batch;
    memcpy(body + 3, bytes, size);
    const nd_wire_head head =
        wire_seal((nd_wire_head){.kind = ND_WIRE_PACKED, .count = 1}, body, 3 + size);
    ND_TRY(nd_wire_unpack(pool, type, &head, body, &batch, NULL));
    *value = 0;
    memcpy(value, batch->records + offsetof(number, value), type->fields[1].size);
    nd_batch_drop(batch, pool);
    return ND_OK;
}

#define BYTES(text) text, sizeof(text) - 1

static void numbers_are_taken_in_any_form_that_fits(void **state)
{
    static const struct {
        nd_kind kind;
        uint16_t field_size;
        const char *bytes;
        size_t size;
        uint64_t value;
    } cases[] = {
        {ND_KIND_UNSIGNED, 1, BYTES("\x7f"), 127},
        {ND_KIND_UNSIGNED, 1, BYTES("\xcf\0\0\0\0\0\0\0\xff"), 255},
        {ND_KIND_UNSIGNED, 1, BYTES("\xd1\0\x05"), 5},
        {ND_KIND_UNSIGNED, 2, BYTES("\xce\0\0\xff\xff"), 65535},
        {ND_KIND_UNSIGNED, 4, BYTES("\xcf\0\0\0\0\xff\xff\xff\xff"), UINT32_MAX},
        {ND_KIND_UNSIGNED, 8, BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX},
        {ND_KIND_SIGNED, 1, BYTES("\xe0"), 0xe0},
        {ND_KIND_SIGNED, 1, BYTES("\xd3\xff\xff\xff\xff\xff\xff\xff\x80"), 0x80},
        {ND_KIND_SIGNED, 1, BYTES("\xcd\0\x7f"), 0x7f},
        {ND_KIND_SIGNED, 2, BYTES("\xd1\x80\0"), 0x8000},
        {ND_KIND_SIGNED, 4, BYTES("\xd3\xff\xff\xff\xff\x80\0\0\0"), 0x80000000},
        {ND_KIND_SIGNED, 8, BYTES("\xd3\x80\0\0\0\0\0\0\0"), UINT64_C(1) << 63},
        {ND_KIND_SIGNED, 8, BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX},
        {ND_KIND_BOOL, 1, BYTES("\xc3"), 1},
        {ND_KIND_BOOL, 1, BYTES("\xc2"), 0},
        {ND_KIND_FLOAT, 4, BYTES("\xca\x7f\x80\0\0"), 0x7f800000},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const nd_type type = number_type(cases[i].kind, cases[i].field_size);
        uint64_t value = 0;
        assert_int_equal(unpack_number(*state, &type, cases[i].bytes, cases[i].size, &value),
                         ND_OK);
        assert_int_equal(value, cases[i].value);
    }
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        nd_kind kind;
        uint16_t field_size;
        const char *bytes;
        size_t size;
    } cases[] = {
        {ND_KIND_UNSIGNED, 1, BYTES("\xcd\x01\0")},
        {ND_KIND_UNSIGNED, 2, BYTES("\xce\0\x01\0\0")},
        {ND_KIND_UNSIGNED, 4, BYTES("\xcf\0\0\0\x01\0\0\0\0")},
        {ND_KIND_UNSIGNED, 8, BYTES("\xff")},
        {ND_KIND_UNSIGNED, 8, BYTES("\xd0\x80")},
        {ND_KIND_SIGNED, 1, BYTES("\xcc\x80")},
        {ND_KIND_SIGNED, 1, BYTES("\xd1\xff\x7f")},
        {ND_KIND_SIGNED, 2, BYTES("\xcd\x80\0")},
        {ND_KIND_SIGNED, 4, BYTES("\xce\x80\0\0\0")},
        {ND_KIND_SIGNED, 4, BYTES("\xd3\xff\xff\xff\xff\x7f\xff\xff\xff")},
        {ND_KIND_SIGNED, 8, BYTES("\xcf\x80\0\0\0\0\0\0\0")},
        {ND_KIND_BOOL, 1, BYTES("\x01")},
        {ND_KIND_FLOAT, 8, BYTES("\xca\0\0\0\0")},
        {ND_KIND_FLOAT, 4, BYTES("\xcb\0\0\0\0\0\0\0\0")},
        {ND_KIND_FLOAT, 8, BYTES("\x01")},
        {ND_KIND_SIGNED, 8, BYTES("\xc0")},
        {ND_KIND_SIGNED, 8, BYTES("\x90")},
        {ND_KIND_SIGNED, 8, BYTES("\x80")},
        {ND_KIND_SIGNED, 8, BYTES("\xc1")},
        {ND_KIND_SIGNED, 8, BYTES("\xc4\0")},
        {ND_KIND_SIGNED, 8, BYTES("\xcb\0\0\0\0\0\0\0\0")},
        {ND_KIND_SIGNED, 8, BYTES("\xd4\0\0")},
        {ND_KIND_SIGNED, 8, BYTES("\x05\x05")}, /* one more than there should be */
        {ND_KIND_SIGNED, 8, BYTES("")},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const nd_type type = number_type(cases[i].kind, cases[i].field_size);
        uint64_t value;
        assert_int_equal(unpack_number(*state, &type, cases[i].bytes, cases[i].size, &value),
                         ND_PROTO);
    }
}

static void strings_lie_inside_the_frame(void **state)
{
    const wire_decoder decoder = {decode_lines, *state};
    wire_refuses(1, BYTES("\x91\xc4\x02z"), &decoder);
    wire_refuses(1, BYTES("\x91\xc5\xff\xffz"), &decoder);
    wire_refuses(1, BYTES("\x91\xc6\xff\xff\xff\xffz"), &decoder);
    wire_refuses(1, BYTES("\x91\xa1z"), &decoder); /* text is not bytes */
    wire_refuses(1, BYTES("\x91\xc7\x01\x01z"), &decoder);
    wire_refuses(1, BYTES("\x91\xc7\0\0\0\0\0\0\0\x01z"), &decoder);
    wire_refuses(2, BYTES("\x92\xc4\x02zz\xc4\x02z"), &decoder);
}

/* A string that takes up what a thousand lines should have, and then no more lines: it is longer
 * than the room for strings. */
static void a_string_may_not_take_the_room_of_what_is_missing(void **state)
{
    enum { LINES = 1000, SIZE = 2010 };
    const wire_decoder decoder = {decode_lines, *state};
    unsigned char body[6 + SIZE] = "\xdc\x03\xe8\xc5\x07\xda";
    wire_refuses(LINES, body, sizeof body, &decoder);
}

/* Declared sizes that no frame could hold: refused before any memory is asked for. */
static void bombs_take_no_memory(void **state)
{
    (void)state;
    failing_memory memory;
    nd_pool pool;
    const wire_decoder decoder = {decode_lines, &pool};
    char nested[90];
    for (unsigned i = 0; i < sizeof nested; i += 3)
        memcpy(nested + i, "\xdc\xff\xff", 3);
    nd_pool_init(&pool);
    failing_memory_start(&memory, 0);
    wire_refuses(0xff000000, BYTES("\xdd\xff\0\0\0"), &decoder);
    wire_refuses(1, BYTES("\xdd\xff\0\0\0"), &decoder);
    wire_refuses(0xffff, nested, sizeof nested, &decoder);
    wire_refuses(1, nested, sizeof nested, &decoder);
    wire_refuses(UINT32_MAX, BYTES("\xdd\xff\xff\xff\xff\xc4\0"), &decoder);
    wire_refuses(0, BYTES("\x90"), &decoder);
    wire_refuses(1, BYTES(""), &decoder);
    wire_refuses(1, BYTES("\x92\xc4\0\xc4\0"), &decoder);
    assert_false(failing_memory_stop(&memory));
    nd_pool_deinit(&pool);
}

static void types_that_do_not_travel_packed_are_refused(void **state)
{
    const nd_wire_head head =
        wire_seal((nd_wire_head){.kind = ND_WIRE_PACKED, .count = 1}, "\x91\x05", 2);
    nd_batch *batch;
    nd_message message;
    assert_int_equal(nd_wire_unpack(*state, &flat_type, &head, "\x91\x05", &batch, &message),
                     ND_PROTO);
    assert_non_null(strstr(message.text, "'flat'"));
}

/* --- Memory --- */

/* A batch whose strings need a block of their own, packed and unpacked. */
static nd_err attempt(void *text)
{
    nd_pool pool;
    nd_vector body;
    nd_pool_init(&pool);
    nd_vector_init(&body, 1);
    nd_batch *const batch = nd_batch_create(&pool, &line_type, 3 * sizeof(line));
    nd_err err = batch ? ND_OK : ND_NOMEM;
    for (size_t i = 0; err == ND_OK && i < 3; i++, batch->len++)
        memcpy(batch->records + i * sizeof(line), &(nd_bytes){text, 30000}, sizeof(nd_bytes));
    if (err == ND_OK)
        err = nd_wire_pack(batch, &body, NULL);
    if (err == ND_OK) {
        const nd_wire_head head = head_of(batch, &body);
        err = decode(&pool, &line_type, &head, body.items, NULL);
    }
    if (batch)
        nd_batch_drop(batch, &pool);
    nd_vector_deinit(&body);
    nd_pool_deinit(&pool);
    return err;
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    char *const text = calloc(1, 30000);
    assert_non_null(text);
    assert_true(failing_memory_sweep(attempt, text) >= 5);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_back_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bits_of_every_float_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_body_handed_on_is_replaced_by_a_new_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(too_much_for_a_frame_is_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_taken_in_any_form_that_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_that_do_not_fit_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(strings_lie_inside_the_frame, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_string_may_not_take_the_room_of_what_is_missing, set_up,
                                        tear_down),
        cmocka_unit_test(bombs_take_no_memory),
        cmocka_unit_test_setup_teardown(types_that_do_not_travel_packed_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test(running_out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
