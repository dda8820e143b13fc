/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report from accounts: what is put together, what nobody claims, what does not matter, and lines
 * that nobody should have sent.
 */
#include "scheduler/watch/report.h"

#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

typedef struct said {
    char text[16384];
    size_t used;
    unsigned n;
} said;

static void note(void *context, const char *text)
{
    said *all = context;
    const size_t len = strlen(text);
    assert_true(all->used + len + 2 < sizeof all->text);
    memcpy(all->text + all->used, text, len);
    all->used += len;
    all->text[all->used++] = '\n';
    all->text[all->used] = '\0';
    all->n++;
}

static void add(nd_why_report *report, const char *const *lines)
{
    for (; *lines; lines++)
        nd_why_report_add(report, *lines);
}

static void expect(const char *const *lines, const char *expected)
{
    nd_why_report report;
    said all = {.n = 0};
    nd_why_report_init(&report);
    add(&report, lines);
    nd_why_report_print(&report, note, &all);
    nd_why_report_deinit(&report);
    assert_string_equal(all.text, expected);
}

#define EXPECT(expected, ...) expect((const char *const[]){__VA_ARGS__, NULL}, expected)

static void what_is_held_is_said_before_who_waits(void **state)
{
    (void)state;
    EXPECT("first\nsecond\nworker 2 sleeps\nworker 0 waits\n", "a 3", "w 0 5 worker 0 waits",
           "s worker 2|sleeps", "h 0 1 first", "h 1 3 second");
}

static void what_all_have_claimed_is_not_missed(void **state)
{
    (void)state;
    EXPECT("", "r 0 4 7 0 0 0 0 2 two rights", "o 0 4 7 0 0 0 0 1", "o 0 4 7 0 0 0 0 1",
           "r 0 4 7 0 0 0 0 2 two rights");
    EXPECT("two rights: 1 of these nobody holds; it is on the way from one worker to another, or "
           "the count is wrong\n",
           "r 0 4 7 0 0 0 0 2 two rights", "o 0 4 7 0 0 0 0 1", "o 0 4 7 1 0 0 0 1",
           "o 0 5 7 0 0 0 0 1", "o 1 4 7 0 0 0 0 1", "o 0 4 8 0 0 0 0 1");
    EXPECT("a right: this nobody holds; it is on the way from one worker to another, or the count "
           "is wrong\n",
           "r 0 4 7 0 0 0 0 1 a right");
    EXPECT("the rest is moving: ask again if it still does not end\n", "r 0 4 7 0 0 0 0 1 a right",
           "r 0 5 7 0 0 0 0 1 a right", "a 300");
}

static void what_is_missed_is_with_those_who_do_not_answer(void **state)
{
    (void)state;
    EXPECT("worker 3 (process 1) sleeps in it\n"
           "a right: this can only be with worker 3 (process 1), who does not answer\n",
           "r 0 4 7 0 0 0 0 1 a right", "i worker 3 (process 1)|sleeps in it");
    EXPECT("a right: this can only be with one of those who do not answer\n"
           "process 1 is gone\nprocess 2 is gone\n",
           "s process 1|is gone", "r 0 4 7 0 0 0 0 1 a right", "s process 2|is gone");
}

static void an_incomplete_account_accuses_nobody(void **state)
{
    (void)state;
    EXPECT("not everything is listed: there was too much of it, or too little memory\n",
           "r 0 4 7 0 0 0 0 1 a right", "q");
}

static void epochs_that_nobody_waits_for_are_left_out(void **state)
{
    (void)state;
    EXPECT("held in 2\nother dataflow\nwaits for 2\nwaits for 3\n", "w 0 2 waits for 2",
           "h 0 3 held in 3", "h 0 2 held in 2", "h 1 9 other dataflow", "w 0 3 waits for 3",
           "r 0 4 7 0 0 0 0 1 a right");
    EXPECT("held in 3\nwaits for all\n", "w 0 18446744073709551615 waits for all",
           "h 0 3 held in 3");
}

static void many_lines_are_counted(void **state)
{
    (void)state;
    nd_why_report report;
    said all = {.n = 0};
    nd_why_report_init(&report);
    for (unsigned i = 0; i < 300; i++) {
        nd_why_report_add(&report, "h 0 0 held");
        nd_why_report_add(&report, "s somebody|sleeps");
        nd_why_report_add(&report, "w 0 1 waits");
    }
    nd_why_report_print(&report, note, &all);
    assert_int_equal(all.n, 64 + 1 + 16 + 1 + 8 + 1);
    assert_non_null(strstr(all.text, "... and 236 more\n"));
    assert_non_null(strstr(all.text, "... and 284 more that do not answer\n"));
    assert_non_null(strstr(all.text, "... and 292 more that wait\n"));
    nd_why_report_deinit(&report);
}

static void it_is_known_whether_there_is_a_cause_and_when_something_moved(void **state)
{
    (void)state;
    nd_why_report report;
    nd_why_report_init(&report);
    assert_true(report.age_ms == UINT64_MAX);
    add(&report, (const char *const[]){"a 900", "a 30", "a 70", "s somebody|sleeps", NULL});
    assert_int_equal(report.age_ms, 30);
    assert_false(nd_why_report_has_cause(&report));
    nd_why_report_add(&report, "w 0 1 waits");
    assert_true(nd_why_report_has_cause(&report));
    nd_why_report_deinit(&report);
}

/* --- Lines from elsewhere --- */

static void lines_that_are_none_are_left_out(void **state)
{
    (void)state;
    EXPECT("", "", "x", "h", "h ", "h 1", "h 1 x text", "h 99999999999 0 text", "w", "w -1 2 text",
           "r 0 4 7 0 0 0 0", "r 0 4 7 0 0 0 99999999999 1 text",
           "r 0 4 99999999999999999999999 0 0 0 0 1 text", "o", "o 1 2 3", "s nobody", "i", "a",
           "a x", "z 1 2 3");
}

static void random_lines_do_no_harm(void **state)
{
    (void)state;
    static const char letters[] = "hwisroqa 0123456789|x";
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned run = 0; run < 20; run++) {
        nd_why_report report;
        said all = {.n = 0};
        nd_why_report_init(&report);
        for (unsigned i = 0; i < 500; i++) {
            char line[64];
            const size_t len = (size_t)nd_random_below(&random, sizeof line);
            for (size_t k = 0; k < len; k++)
                line[k] = letters[nd_random_below(&random, sizeof letters - 1)];
            if (len > 1 && nd_random_below(&random, 4) != 0)
                line[1] = ' ';
            line[len] = '\0';
            nd_why_report_add(&report, line);
        }
        nd_why_report_print(&report, note, &all);
        nd_why_report_deinit(&report);
    }
}

/* --- Memory --- */

static nd_err report_with_little_memory(void *arg)
{
    (void)arg;
    nd_why_report report;
    said all = {.n = 0};
    nd_why_report_init(&report);
    nd_lines lines;
    nd_lines_init(&lines);
    nd_lines_add(&lines, "h 0 0 held");
    nd_lines_add(&lines, "s somebody|sleeps");
    nd_lines_add(&lines, "w 0 1 waits");
    nd_lines_add(&lines, "r 0 4 7 0 0 0 0 1 a right");
    nd_why_report_add_all(&report, &lines);
    nd_why_report_print(&report, note, &all);
    const bool is_cut = report.is_incomplete || report.holders.is_cut || report.silent.is_cut ||
                        report.waits.is_cut;
    nd_lines_deinit(&lines);
    nd_why_report_deinit(&report);
    return is_cut ? ND_NOMEM : ND_OK;
}

static void running_out_of_memory_is_seen(void **state)
{
    (void)state;
    failing_memory_sweep(report_with_little_memory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_said_before_who_waits),
        cmocka_unit_test(what_all_have_claimed_is_not_missed),
        cmocka_unit_test(what_is_missed_is_with_those_who_do_not_answer),
        cmocka_unit_test(an_incomplete_account_accuses_nobody),
        cmocka_unit_test(epochs_that_nobody_waits_for_are_left_out),
        cmocka_unit_test(many_lines_are_counted),
        cmocka_unit_test(it_is_known_whether_there_is_a_cause_and_when_something_moved),
        cmocka_unit_test(lines_that_are_none_are_left_out),
        cmocka_unit_test(random_lines_do_no_harm),
        cmocka_unit_test(running_out_of_memory_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
