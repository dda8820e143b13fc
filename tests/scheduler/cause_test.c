/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the things that happen while a cluster ends is the cause: stories and their morals.
 */
#include "scheduler/launch/cause.h"

#include <signal.h>
#include <string.h>

#include "tests/support/cmocka.h"

enum { MOST_EVENTS = 5 };

enum { NOTHING, AN_END, A_DEATH, AN_INTERRUPTION }; /* kinds of events */

/* Events: a number, and what else there is of the fields below, in order. */
#define ENDS(...)                                                                                  \
    {                                                                                              \
        .kind = AN_END, .number = __VA_ARGS__                                                      \
    }
#define DIES(...)                                                                                  \
    {                                                                                              \
        .kind = A_DEATH, .number = __VA_ARGS__                                                     \
    }
#define IS_INTERRUPTED(signal)                                                                     \
    {                                                                                              \
        .kind = AN_INTERRUPTION, .number = (signal)                                                \
    }

/* Something that happens to a process (or to the launcher); told: the launcher had told it. */
typedef struct event {
    int kind, number; /* exit status or signal */
    const char *report;
    bool told, killed;
} event;

typedef struct story {
    const char *name;
    event events[MOST_EVENTS];
    int status;
    const char *text;
} story;

/* Process i is the i-th event's. */
static const story stories[] = {
    {"all is well", {ENDS(0), ENDS(0)}, 0, ""},
    {"a report with success is none", {ENDS(0, "1 odd")}, 0, ""},
    {"a status", {ENDS(0), ENDS(7)}, 7, "process 1 ended with status 7"},
    {"a report", {ENDS(3, "3 FILE:1: wrong")}, 3, "FILE:1: wrong"},
    {"the exit status counts, not the report's", {ENDS(9, "3 why")}, 9, "why"},
    {"nothing in it moves a terminal",
     {ENDS(3, "3 a\033[2J\r\a\x7f"
              "b \xc2\x9b"
              "c")},
     3,
     "a?[2J???b ??c"},
    {"letters beyond ASCII stay", {ENDS(3, "3 \xc3\x84\xe2\x82\xac")}, 3, "\xc3\x84\xe2\x82\xac"},
    {"no report", {ENDS(3, "nonsense")}, 3, "process 0 ended with status 3"},
    {"no number", {ENDS(3, "x why")}, 3, "process 0 ended with status 3"},
    {"no status", {ENDS(3, "0 why")}, 3, "process 0 ended with status 3"},
    {"too great a status", {ENDS(3, "256 why")}, 3, "process 0 ended with status 3"},
    {"nothing said", {ENDS(3, "")}, 3, "process 0 ended with status 3"},
    {"a signal", {DIES(SIGSEGV)}, 4, "process 0 was ended by signal 11 (Segmentation fault)"},
    {"no memory", {DIES(SIGKILL)}, 4, "process 0 was ended by signal 9 (out of memory?)"},
    {"the first counts", {ENDS(1, "1 first"), ENDS(3, "3 second")}, 1, "first"},
    {"a signal is nearer than a lost peer",
     {ENDS(4, "4 process 1 is gone"), DIES(SIGKILL)},
     4,
     "process 1 was ended by signal 9 (out of memory?)"},
    {"an own failure is nearer than a lost peer",
     {ENDS(4, "4 process 1 is gone"), ENDS(3, "3 wrong", true)},
     3,
     "wrong"},
    {"the first lost peer counts",
     {ENDS(4, "4 process 1 is gone"), ENDS(4, "4 process 0 is gone")},
     4,
     "process 1 is gone"},
    {"a lost peer does not replace anything",
     {ENDS(1, "1 why"), ENDS(4, "4 process 0 is gone")},
     1,
     "why"},
    {"who was told to end did as he was told",
     {ENDS(4, "4 process 3 is gone"), ENDS(5, "5 terminated", true), DIES(SIGTERM, "", true)},
     4,
     "process 3 is gone"},
    {"who was killed was killed", {ENDS(1, "1 why"), DIES(SIGKILL, "", true, true)}, 1, "why"},
    {"who was told to end and crashes, crashes",
     {ENDS(4, "4 process 1 is gone"), DIES(SIGSEGV, "", true)},
     4,
     "process 1 was ended by signal 11 (Segmentation fault)"},
    {"a killing that the launcher did not do",
     {ENDS(4, "4 process 1 is gone"), DIES(SIGKILL, "", true)},
     4,
     "process 1 was ended by signal 9 (out of memory?)"},
    {"somebody has interrupted one process", {ENDS(5, "5 interrupted")}, 5, "interrupted"},
    {"interrupted",
     {IS_INTERRUPTED(SIGINT), ENDS(5, "5 interrupted", true), DIES(SIGINT, "", true)},
     5,
     "interrupted"},
    {"terminated", {IS_INTERRUPTED(SIGTERM), DIES(SIGTERM, "", true)}, 5, "terminated"},
    {"hung up", {IS_INTERRUPTED(SIGHUP), DIES(SIGHUP, "", true)}, 5, "terminated"},
    {"what fails after an interruption fails because of it",
     {IS_INTERRUPTED(SIGINT), ENDS(4, "4 process 1 is gone", true), DIES(SIGKILL, "")},
     5,
     "interrupted"},
    {"interrupted, but all is well", {IS_INTERRUPTED(SIGINT), ENDS(0)}, 0, ""},
    {"interrupted after a failure",
     {ENDS(3, "3 why"), IS_INTERRUPTED(SIGINT), ENDS(5, "5 interrupted", true)},
     3,
     "why"},
};

static void tell(nd_cause *cause, unsigned process, const event *what)
{
    const bool is_end = what->kind == AN_END;
    const nd_ending ending = {.process = process,
                              .status = is_end ? what->number : 0,
                              .signal = is_end ? 0 : what->number,
                              .report = what->report,
                              .was_told = what->told,
                              .was_killed = what->killed};
    if (what->kind == AN_INTERRUPTION)
        nd_cause_note_interruption(cause, what->number);
    else
        assert_int_equal(nd_cause_note_ending(cause, &ending), what->number != 0);
}

static void each_story_has_its_moral(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        nd_cause cause = {.rank = ND_CAUSE_NONE};
        for (unsigned k = 0; k < MOST_EVENTS && stories[i].events[k].kind != NOTHING; k++)
            tell(&cause, k, &stories[i].events[k]);
        if (cause.status != stories[i].status || strcmp(cause.message.text, stories[i].text) != 0)
            fail_msg("%s: %d '%s' instead of %d '%s'", stories[i].name, cause.status,
                     cause.message.text, stories[i].status, stories[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_story_has_its_moral)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
