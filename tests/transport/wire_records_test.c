/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat records: what arrives is what was sent, and only what its head says.
 */
#include "transport/wire/records.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"
#include "tests/transport/wire_support.h"

typedef struct reading {
    uint64_t id;
    double value;
    uint32_t place;
    bool is_new, is_last;
    uint16_t kind;
} reading;

static const nd_type reading_type =
    ND_TYPE(reading, 1, ND_FIELD(reading, id), ND_FIELD(reading, value), ND_FIELD(reading, place),
            ND_FIELD(reading, is_new), ND_FIELD(reading, is_last), ND_FIELD(reading, kind));

typedef struct line {
    nd_bytes text;
} line;

static const nd_type line_type = ND_TYPE(line, 1, ND_FIELD(line, text));

static void keep(void *object) { (void)object; }

static const nd_type object_type = ND_TYPE_OBJECT("object", keep, keep);

static reading *random_readings(size_t len, uint64_t seed)
{
    reading *const readings = malloc(len * sizeof *readings);
    nd_random random;
    assert_non_null(readings);
    nd_random_init(&random, seed);
    for (size_t i = 0; i < len; i++)
        readings[i] = (reading){.id = nd_random_next(&random),
                                .value = nd_random_unit(&random),
                                .place = (uint32_t)nd_random_next(&random),
                                .is_new = nd_random_chance(&random, 0.5),
                                .is_last = nd_random_chance(&random, 0.5),
                                .kind = (uint16_t)nd_random_next(&random)};
    return readings;
}

static nd_wire_head head_of(const reading *readings, size_t len)
{
    const nd_wire_head head = {.kind = ND_WIRE_RECORDS, .count = (uint32_t)len};
    return wire_seal(head, readings, len * sizeof *readings);
}

static nd_err decode_readings(void *pool, const nd_wire_head *head, const void *body,
                              nd_message *message)
{
    nd_batch *batch;
    ND_TRY(nd_wire_flat_read(pool, &reading_type, head, body, &batch, message));
    assert_int_equal(nd_batch_len(batch), head->count);
    assert_ptr_equal(nd_batch_type(batch), &reading_type);
    assert_memory_equal(nd_batch_records(batch), body, head->length);
    nd_batch_drop(batch, pool);
    return ND_OK;
}

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

static void records_come_back_as_they_were(void **state)
{
    static const size_t lens[] = {1, 2, 100, 2700,
                                  50000}; /* the last is more than a pooled block */
    for (unsigned i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        reading *const readings = random_readings(lens[i], i);
        const nd_wire_head head = head_of(readings, lens[i]);
        assert_int_equal(decode_readings(*state, &head, readings, NULL), ND_OK);
        free(readings);
    }
}

static void damage_is_refused(void **state)
{
    reading *const readings = random_readings(5, 7);
    const nd_wire_head head = head_of(readings, 5);
    const wire_decoder decoder = {decode_readings, *state};
    wire_refuses_damage(&head, readings, &decoder);
    wire_refuses_prefixes(&head, readings, &decoder);
    wire_survives_changes(&head, readings, &decoder);
    free(readings);
}

static void count_must_fit_the_bytes(void **state)
{
    const wire_decoder decoder = {decode_readings, *state};
    reading *const readings = random_readings(3, 8);
    wire_refuses(0, readings, 0, &decoder);
    wire_refuses(0, readings, sizeof *readings, &decoder);
    wire_refuses(2, readings, 3 * sizeof *readings, &decoder);
    wire_refuses(4, readings, 3 * sizeof *readings, &decoder);
    wire_refuses(3 + (1U << 29), readings, 3 * sizeof *readings, &decoder); /* equal in 32 bits */
    wire_refuses(UINT32_MAX, readings, 3 * sizeof *readings, &decoder);
    free(readings);
}

static void truth_values_are_checked(void **state)
{
    const wire_decoder decoder = {decode_readings, *state};
    reading *const readings = random_readings(3, 9);
    unsigned char *const bytes = (unsigned char *)readings;
    bytes[2 * sizeof *readings + offsetof(reading, is_last)] = 2;
    wire_refuses(3, readings, 3 * sizeof *readings, &decoder);
    bytes[2 * sizeof *readings + offsetof(reading, is_last)] = 1;
    const nd_wire_head head = head_of(readings, 3);
    assert_int_equal(decode_readings(*state, &head, readings, NULL), ND_OK);
    free(readings);
}

static void types_that_are_not_flat_are_refused(void **state)
{
    const unsigned char body[sizeof(line)] = {0};
    const nd_wire_head head =
        wire_seal((nd_wire_head){.kind = ND_WIRE_RECORDS, .count = 1}, body, sizeof body);
    nd_batch *batch;
    nd_message message;
    assert_int_equal(nd_wire_flat_read(*state, &line_type, &head, body, &batch, &message),
                     ND_PROTO);
    assert_non_null(strstr(message.text, "'line'"));
    assert_int_equal(nd_wire_flat_read(*state, &object_type, &head, body, &batch, &message),
                     ND_PROTO);
}

static nd_err attempt(void *readings)
{
    nd_pool pool;
    nd_pool_init(&pool);
    const nd_wire_head head = head_of(readings, 10);
    const nd_err err = decode_readings(&pool, &head, readings, NULL);
    nd_pool_deinit(&pool);
    return err;
}

static void running_out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    reading *const readings = random_readings(10, 10);
    assert_int_equal(failing_memory_sweep(attempt, readings), 1);
    free(readings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_back_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(count_must_fit_the_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truth_values_are_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(types_that_are_not_flat_are_refused, set_up, tear_down),
        cmocka_unit_test(running_out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
