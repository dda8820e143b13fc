/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on standard error, caught through a pipe in its place.
 */
#include "runtime/base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

enum { CAUGHT_SIZE = 4096 };

typedef struct standard_error {
    int saved, reading;
} standard_error;

static void catch_errors(standard_error *errors)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    errors->saved = dup(STDERR_FILENO);
    errors->reading = ends[0];
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
}

/* Puts standard error back and everything written since into `text`. */
static void caught_errors(standard_error *errors, char text[CAUGHT_SIZE])
{
    assert_true(dup2(errors->saved, STDERR_FILENO) >= 0);
    close(errors->saved);
    size_t size = 0;
    ssize_t got;
    while ((got = read(errors->reading, text + size, CAUGHT_SIZE - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    close(errors->reading);
}

static void line_has_prefix_and_newline(void **state)
{
    (void)state;
    char text[CAUGHT_SIZE];
    standard_error errors;
    catch_errors(&errors);
    nd_log(ND_LOG_ERROR, "%s:%d: no number", "a.txt", 3);
    nd_log(ND_LOG_NOTE, "two\nlines");
    caught_errors(&errors, text);
    assert_string_equal(text, "nereid: a.txt:3: no number\nnereid: two lines\n");
}

static void quiet_leaves_out_notes_only(void **state)
{
    (void)state;
    char text[CAUGHT_SIZE];
    standard_error errors;
    catch_errors(&errors);
    nd_log_quiet(true);
    nd_log(ND_LOG_NOTE, "a note");
    nd_log(ND_LOG_ERROR, "an error");
    nd_log_quiet(false);
    nd_log(ND_LOG_NOTE, "another note");
    caught_errors(&errors, text);
    assert_string_equal(text, "nereid: an error\nnereid: another note\n");
}

static void long_line_is_cut_and_still_ends(void **state)
{
    (void)state;
    char text[CAUGHT_SIZE], line[3000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    standard_error errors;
    catch_errors(&errors);
    nd_log(ND_LOG_ERROR, "%s", line);
    caught_errors(&errors, text);
    assert_int_equal(strlen(text), strlen("nereid: ") + 1023 + 1);
    assert_string_equal(text + strlen(text) - 3, "xx\n");
}

static void errno_survives_and_a_closed_standard_error_is_harmless(void **state)
{
    (void)state;
    const int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    errno = ENOSPC;
    nd_log(ND_LOG_ERROR, "nobody reads this");
    const int after = errno;
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    assert_int_equal(after, ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_has_prefix_and_newline),
        cmocka_unit_test(quiet_leaves_out_notes_only),
        cmocka_unit_test(long_line_is_cut_and_still_ends),
        cmocka_unit_test(errno_survives_and_a_closed_standard_error_is_harmless),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
