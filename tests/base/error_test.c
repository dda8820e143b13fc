/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error codes: texts, exit statuses, messages.
 */
#include <nereid/error.h>

#include <string.h>

#include "tests/support/cmocka.h"

static void every_code_has_a_text_and_its_contracted_status(void **state)
{
    (void)state;
    static const struct {
        nd_err err;
        int status;
    } expected[] = {
        {ND_OK, 0}, {ND_NOMEM, 1}, {ND_INVAL, 1}, {ND_MISMATCH, 4}, {ND_CLOSED, 4}, {ND_PROTO, 4},
        {ND_IO, 1}, {ND_INPUT, 3}, {ND_USAGE, 2}, {ND_FAILED, 1},   {ND_INTR, 5},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(nd_err_status(expected[i].err), expected[i].status);
        assert_true(strlen(nd_err_text(expected[i].err)) > 3);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(nd_err_text(expected[i].err), nd_err_text(expected[j].err));
    }
    assert_int_equal(ND_OK, 0);
}

static void unknown_code_is_a_failure_with_a_text(void **state)
{
    (void)state;
    assert_int_equal(nd_err_status((nd_err)1000), 1);
    assert_string_equal(nd_err_text((nd_err)1000), "unknown error");
}

static void message_is_formatted_and_the_code_returned(void **state)
{
    (void)state;
    nd_message message;
    assert_int_equal(nd_message_set(&message, ND_INPUT, "%s:%d: no number", "a.txt", 7), ND_INPUT);
    assert_string_equal(message.text, "a.txt:7: no number");
}

static void absent_message_is_fine(void **state)
{
    (void)state;
    assert_int_equal(nd_message_set(NULL, ND_IO, "%d", 1), ND_IO);
}

static void long_message_is_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    nd_message message;
    assert_int_equal(nd_message_set(&message, ND_IO, "%s", text), ND_IO);
    assert_int_equal(strlen(message.text), sizeof message.text - 1);
}

static nd_err try_it(nd_err err, int *reached)
{
    ND_TRY(err);
    *reached = 1;
    return ND_OK;
}

static void try_returns_the_error_and_passes_success(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(try_it(ND_CLOSED, &reached), ND_CLOSED);
    assert_int_equal(reached, 0);
    assert_int_equal(try_it(ND_OK, &reached), ND_OK);
    assert_int_equal(reached, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text_and_its_contracted_status),
        cmocka_unit_test(unknown_code_is_a_failure_with_a_text),
        cmocka_unit_test(message_is_formatted_and_the_code_returned),
        cmocka_unit_test(absent_message_is_fine),
        cmocka_unit_test(long_message_is_cut),
        cmocka_unit_test(try_returns_the_error_and_passes_success),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
