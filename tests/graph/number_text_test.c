/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in text, against the C library. */
#include "operators/graph/number_text.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/base/random.h"
#include "tests/graph/text_oracle.h"
#include "tests/support/cmocka.h"

enum { ROOM = 64 };

/* Where scan_unsigned stops, or -1. The text is followed by what a block has: line feeds. */
static long scan_id_of(const char *text, uint64_t *number)
{
    char padded[ROOM + 32];
    memset(padded, '\n', sizeof padded);
    memcpy(padded, text, strlen(text));
    const char *const end = scan_unsigned(padded, number);
    return end == NULL ? -1 : end - padded;
}

static long scan_decimal_of(const char *text, double *number)
{
    char padded[ROOM + 400];
    memset(padded, '\n', sizeof padded);
    memcpy(padded, text, strlen(text));
    const char *const end = scan_decimal(padded, number);
    return end == NULL ? -1 : end - padded;
}

static void every_length_of_number_is_read(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (int i = 0; i < 200000; i++) {
        char text[ROOM];
        uint64_t number = 0;
        const uint64_t wanted = nd_random_next(&random) >> nd_random_below(&random, 64);
        const int n =
            snprintf(text, sizeof text, "%0*" PRIu64, (int)nd_random_below(&random, 24), wanted);
        assert_int_equal(scan_id_of(text, &number), n);
        assert_true(number == wanted);
    }
}

static void numbers_beyond_64_bits_are_refused(void **state)
{
    (void)state;
    uint64_t number = 7;
    assert_int_equal(scan_id_of("18446744073709551615", &number), 20);
    assert_true(number == UINT64_MAX);
    assert_int_equal(scan_id_of("000000000000000018446744073709551615", &number), 36);
    assert_int_equal(scan_id_of("18446744073709551616", &number), -1);
    assert_int_equal(scan_id_of("18446744073709551620", &number), -1);
    assert_int_equal(scan_id_of("99999999999999999999", &number), -1);
    assert_int_equal(scan_id_of("184467440737095516150", &number), -1);
}

static void a_number_ends_at_the_first_other_character(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++)
        for (size_t n = 0; n < 18; n++) {
            char text[ROOM] = "123456789012345678";
            uint64_t number = 0;
            text[n] = (char)c;
            text[n + 1] = '9';
            if (c == 0 || is_digit((char)c))
                continue;
            assert_int_equal(scan_id_of(text, &number), n == 0 ? -1 : (long)n);
        }
}

static void decimals_are_what_the_library_reads(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 2);
    for (int i = 0; i < 300000; i++) {
        char text[ROOM];
        double number = -1, scale = 1;
        for (uint64_t n = nd_random_below(&random, 30); n > 0; n--)
            scale *= nd_random_chance(&random, 0.5) ? 10 : 0.1;
        snprintf(text, sizeof text, nd_random_chance(&random, 0.5) ? "%.*g" : "%.*f",
                 (int)nd_random_below(&random, 20), (nd_random_unit(&random) - 0.5) * scale);
        assert_int_equal(scan_decimal_of(text, &number), strlen(text));
        const double wanted = strtod(text, NULL) + 0.0;
        if (memcmp(&number, &wanted, sizeof number) != 0)
            fail_msg("%s was read as %.17g", text, number);
    }
}

static void only_finite_decimals_are_decimals(void **state)
{
    (void)state;
    static const char alphabet[] = "0159.eE+-xn";
    nd_random random;
    nd_random_init(&random, 3);
    for (int i = 0; i < 300000; i++) {
        char text[ROOM] = "";
        double number;
        const size_t n = nd_random_below(&random, 8);
        for (size_t k = 0; k < n; k++)
            text[k] = alphabet[nd_random_below(&random, sizeof alphabet - 1)];
        const bool is_read = scan_decimal_of(text, &number) == (long)n;
        if (is_read != text_oracle_is_decimal(text))
            fail_msg("'%s': %s", text, is_read ? "taken for a number" : "refused");
    }
}

static void extreme_decimals_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        double number;
    } cases[] = {
        {"1e308", true, 1e308},
        {"1e309", false, 0},
        {"1e99999999999999999999", false, 0},
        {"1e-99999999999999999999", true, 0},
        {"-0", true, 0},
        {"0e999999999999", true, 0},
        {"123456789012345678901234567890", true, 123456789012345678901234567890.0},
        {"0.00000000000000000000000000000000000000000000001", true, 1e-47},
        {"9007199254740993", true, 9007199254740992.0},
        {"5e-324", true, 5e-324},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double number = 0;
        assert_int_equal(scan_decimal_of(cases[i].text, &number),
                         cases[i].is_good ? (long)strlen(cases[i].text) : -1);
        assert_true(!cases[i].is_good || number == cases[i].number);
        assert_false(cases[i].is_good && number == 0 && __builtin_signbit(number));
    }
}

static void the_programs_locale_does_not_matter(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    double number = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_ALL, names[i]) != NULL)
            break;
    assert_int_equal(scan_decimal_of("1.00000000000000000000000000001", &number), 31);
    assert_true(number == 1.0);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_of_number_is_read),
        cmocka_unit_test(numbers_beyond_64_bits_are_refused),
        cmocka_unit_test(a_number_ends_at_the_first_other_character),
        cmocka_unit_test(decimals_are_what_the_library_reads),
        cmocka_unit_test(only_finite_decimals_are_decimals),
        cmocka_unit_test(extreme_decimals_are_read_or_refused),
        cmocka_unit_test(the_programs_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
