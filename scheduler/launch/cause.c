/* SPDX-License-Identifier: Apache-2.0 */
/* Causes. When one process fails the others fail soon after, for lack of it or because they are
 * told to end; and which of them the launcher hears of first is a matter of chance. So what they
 * tell is ranked, and what the launcher itself has brought about counts for nothing. */
#include "scheduler/launch/cause.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scheduler/place/number.h"

enum { MOST_STATUS = 255 };

/* What a program has written may be meant to do something to a terminal. In UTF-8 two bytes, C2 and
 * one of 80 to 9F, are a control character, too. */
static void disarm(char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)text[0], next = (unsigned char)text[1];
        const bool is_pair = c == 0xc2 && next >= 0x80 && next < 0xa0;
        if (is_pair)
            text[1] = '?';
        if (is_pair || c < ' ' || c == 0x7f)
            text[0] = '?';
    }
}

void nd_cause_note(nd_cause *cause, nd_cause_rank rank, int status, const char *format, ...)
{
    if (rank <= cause->rank)
        return;
    cause->rank = rank;
    cause->status = status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(cause->message.text, sizeof cause->message.text, format, arguments);
    va_end(arguments);
    disarm(cause->message.text);
}

static nd_cause_rank rank_of(int status)
{
    return status == nd_err_status(ND_CLOSED) ? ND_CAUSE_LOST_PEER : ND_CAUSE_OWN;
}

/* Reads "STATUS text"; NULL if that is not what the line is. */
static const char *parse_report(const char *line, int *status)
{
    uint64_t number;
    const char *const blank = line != NULL ? strchr(line, ' ') : NULL;
    if (blank == NULL || !nd_number_parse(line, (size_t)(blank - line), MOST_STATUS, &number) ||
        number == 0)
        return NULL;
    *status = (int)number;
    return blank + 1;
}

/* What fails after an interruption fails because of it. */
static void blame_interruption(nd_cause *cause)
{
    if (cause->interruption != 0)
        nd_cause_note(cause, ND_CAUSE_INTERRUPTED, nd_err_status(ND_INTR), "%s",
                      cause->interruption == SIGINT ? "interrupted" : "terminated");
}

static void note_signal(nd_cause *cause, const nd_ending *ending)
{
    const char *const name = sigdescr_np(ending->signal);
    const char *const guess = ending->signal == SIGKILL ? "out of memory?" : name;
    nd_cause_note(cause, ND_CAUSE_OWN, nd_err_status(ND_CLOSED),
                  "process %u was ended by signal %d (%s)", ending->process, ending->signal,
                  guess != NULL ? guess : "unknown");
}

static bool is_request(int number)
{
    return number == SIGINT || number == SIGTERM || number == SIGHUP;
}

/* Whether a process only did as it was told. */
static bool is_obedient(const nd_ending *ending)
{
    if (ending->signal != 0)
        return ending->was_killed || (ending->was_told && is_request(ending->signal));
    return ending->was_told && ending->status == nd_err_status(ND_INTR);
}

bool nd_cause_note_ending(nd_cause *cause, const nd_ending *ending)
{
    int status = ending->status;
    if (ending->signal == 0 && ending->status == 0)
        return false;
    blame_interruption(cause);
    if (is_obedient(ending))
        return true;
    const char *const text = parse_report(ending->report, &status);
    if (ending->signal == 0)
        status = ending->status;
    if (text != NULL)
        nd_cause_note(cause, rank_of(status), status, "%s", text);
    else if (ending->signal != 0)
        note_signal(cause, ending);
    else
        nd_cause_note(cause, rank_of(status), status, "process %u ended with status %d",
                      ending->process, status);
    return true;
}

void nd_cause_note_interruption(nd_cause *cause, int number)
{
    if (cause->rank == ND_CAUSE_NONE)
        cause->interruption = number;
}
