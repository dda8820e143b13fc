/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/watch/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/time.h>

/* What a person reads; more is counted only. */
enum { MOST_HOLDERS = 64, MOST_SILENT = 16, MOST_WAITS = 8, MOST_UNCLAIMED = 16 };

enum { MOST_POINTSTAMPS = 4096 }; /* that are kept */

enum { STILL_MS = 1500 }; /* without a move: longer than between two looks of a watch */

/* The same on every worker, whoever counts or claims it. */
typedef struct key {
    uint64_t flow, location;
    nd_time time;
} key;

typedef struct pointstamp {
    key key;
    uint64_t n_counted; /* the most that any worker counts */
    uint64_t n_claimed; /* over all workers */
    char text[400];     /* the root in words; empty until one has counted it */
} pointstamp;

/* Only what comes before `epoch` is waited for in a dataflow. */
typedef struct bound {
    uint64_t flow, epoch;
} bound;

void nd_why_report_init(nd_why_report *report)
{
    *report = (nd_why_report){.age_ms = UINT64_MAX};
    nd_lines_init(&report->holders);
    nd_lines_init(&report->silent);
    nd_lines_init(&report->waits);
    nd_vector_init(&report->bounds, sizeof(bound));
    nd_vector_init(&report->pointstamps, sizeof(pointstamp));
}

void nd_why_report_deinit(nd_why_report *report)
{
    nd_lines_deinit(&report->holders);
    nd_lines_deinit(&report->silent);
    nd_lines_deinit(&report->waits);
    nd_vector_deinit(&report->bounds);
    nd_vector_deinit(&report->pointstamps);
}

/* --- Reading --- */

/* Reads a number and the blank behind it, if there is one. */
static bool read_number(const char **text, uint64_t most, uint64_t *number)
{
    uint64_t n = 0;
    const char *at = *text;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        const uint64_t digit = (uint64_t)(*at - '0');
        if (n > (most - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *text = *at == ' ' ? at + 1 : at;
    *number = n;
    return true;
}

static bool read_key(const char **text, key *stamp)
{
    *stamp = (key){.flow = 0};
    if (!read_number(text, UINT32_MAX, &stamp->flow) ||
        !read_number(text, UINT32_MAX, &stamp->location) ||
        !read_number(text, UINT64_MAX, &stamp->time.epoch))
        return false;
    for (unsigned i = 0; i < ND_MAX_LOOPS; i++) {
        uint64_t counter;
        if (!read_number(text, UINT32_MAX, &counter))
            return false;
        stamp->time.loop[i] = (uint32_t)counter;
    }
    return true;
}

/* What is waited for in a dataflow up to now; NULL: nothing. */
static bound *find_bound(const nd_why_report *report, uint64_t flow)
{
    bound *const known = report->bounds.items;
    for (size_t i = 0; i < report->bounds.len; i++)
        if (known[i].flow == flow)
            return &known[i];
    return NULL;
}

static void add_wait(nd_why_report *report, const char *text)
{
    bound one;
    if (!read_number(&text, UINT32_MAX, &one.flow) || !read_number(&text, UINT64_MAX, &one.epoch))
        return;
    nd_lines_add(&report->waits, "%s", text);
    bound *known = find_bound(report, one.flow);
    if (!known) {
        known = nd_vector_push(&report->bounds);
        if (known)
            *known = one;
        else
            report->is_incomplete = true;
    } else if (known->epoch < one.epoch) {
        known->epoch = one.epoch;
    }
}

/* Whether somebody may wait for what is of this epoch. */
static bool matters(const nd_why_report *report, uint64_t flow, uint64_t epoch)
{
    const bound *const known = find_bound(report, flow);
    return !known || epoch < known->epoch || known->epoch == 0;
}

static pointstamp *find_pointstamp(nd_why_report *report, const key *stamp)
{
    pointstamp *const known = report->pointstamps.items;
    for (size_t i = 0; i < report->pointstamps.len; i++)
        if (memcmp(&known[i].key, stamp, sizeof *stamp) == 0)
            return &known[i];
    pointstamp *const slot =
        report->pointstamps.len < MOST_POINTSTAMPS ? nd_vector_push(&report->pointstamps) : NULL;
    if (slot)
        *slot = (pointstamp){.key = *stamp};
    else
        report->is_incomplete = true;
    return slot;
}

static void add_pointstamp(nd_why_report *report, bool is_claim, const char *text)
{
    key stamp;
    uint64_t n;
    if (!read_key(&text, &stamp) || !read_number(&text, INT64_MAX, &n))
        return;
    pointstamp *const found = find_pointstamp(report, &stamp);
    if (!found)
        return;
    if (is_claim)
        found->n_claimed += n;
    else if (n > found->n_counted)
        found->n_counted = n;
    if (!is_claim && !found->text[0])
        snprintf(found->text, sizeof found->text, "%s", text);
}

static void add_silent(nd_why_report *report, bool is_inside, const char *text)
{
    const size_t len = strcspn(text, "|");
    if (text[len] == '\0')
        return;
    snprintf(report->silent_name, sizeof report->silent_name, "%.*s", (int)len, text);
    report->n_silent++;
    if (is_inside)
        nd_lines_add(&report->holders, "0 0 %s %s", report->silent_name, text + len + 1);
    else
        nd_lines_add(&report->silent, "%s %s", report->silent_name, text + len + 1);
}

static void add_age(nd_why_report *report, const char *text)
{
    uint64_t age_ms;
    if (read_number(&text, UINT64_MAX, &age_ms) && age_ms < report->age_ms)
        report->age_ms = age_ms;
}

void nd_why_report_add(nd_why_report *report, const char *line)
{
    if (line[0] == 'q')
        report->is_incomplete = true;
    if (line[0] == '\0' || line[1] != ' ')
        return;
    const char *const text = line + 2;
    switch (line[0]) {
    case 'h':
        nd_lines_add(&report->holders, "%s", text);
        break;
    case 'w':
        add_wait(report, text);
        break;
    case 'i':
    case 's':
        add_silent(report, line[0] == 'i', text);
        break;
    case 'r':
    case 'o':
        add_pointstamp(report, line[0] == 'o', text);
        break;
    case 'a':
        add_age(report, text);
        break;
    default:
        break;
    }
}

void nd_why_report_add_all(nd_why_report *report, const nd_lines *lines)
{
    for (const char *line = NULL; (line = nd_lines_next(lines, line));)
        nd_why_report_add(report, line);
    report->is_incomplete |= lines->is_cut;
}

bool nd_why_report_has_cause(const nd_why_report *report)
{
    return report->holders.n || report->waits.n || report->pointstamps.len;
}

/* --- Writing --- */

typedef struct printer {
    void (*print)(void *context, const char *text);
    void *context;
} printer;

static void print_lines(const printer *to, const nd_lines *lines, size_t most, const char *what)
{
    char rest[96];
    const char *line = nd_lines_next(lines, NULL);
    for (size_t i = 0; line && i < most; i++, line = nd_lines_next(lines, line))
        to->print(to->context, line);
    if (!line)
        return;
    snprintf(rest, sizeof rest, "... and %zu more that %s", lines->n - most, what);
    to->print(to->context, rest);
}

static void print_holders(const nd_why_report *report, const printer *to)
{
    char rest[64];
    size_t n = 0;
    for (const char *line = NULL; (line = nd_lines_next(&report->holders, line));) {
        uint64_t flow, epoch;
        const char *text = line;
        if (!read_number(&text, UINT32_MAX, &flow) || !read_number(&text, UINT64_MAX, &epoch) ||
            !matters(report, flow, epoch))
            continue;
        if (n++ < MOST_HOLDERS)
            to->print(to->context, text);
    }
    if (n <= MOST_HOLDERS)
        return;
    snprintf(rest, sizeof rest, "... and %zu more", n - MOST_HOLDERS);
    to->print(to->context, rest);
}

/* Counted, but nobody has said that it is his. Then it is of those who did not say anything, if
 * there are any. */
static void print_unclaimed(const nd_why_report *report, const printer *to, const pointstamp *root)
{
    char text[640], share[64] = "this";
    const uint64_t n = root->n_counted - root->n_claimed;
    if (root->n_claimed)
        snprintf(share, sizeof share, "%" PRIu64 " of these", n);
    if (report->n_silent == 1)
        snprintf(text, sizeof text, "%s: %s can only be with %s, who does not answer", root->text,
                 share, report->silent_name);
    else if (report->n_silent)
        snprintf(text, sizeof text, "%s: %s can only be with one of those who do not answer",
                 root->text, share);
    else
        snprintf(text, sizeof text,
                 "%s: %s nobody holds; it is on the way from one worker to another, or the count "
                 "is wrong",
                 root->text, share);
    to->print(to->context, text);
}

static bool is_unclaimed(const nd_why_report *report, const pointstamp *root)
{
    return root->text[0] && root->n_claimed < root->n_counted &&
           matters(report, root->key.flow, root->key.time.epoch);
}

/* Accounts are of different moments. While things move, what is counted in one and claimed in none
 * has changed hands meanwhile, most likely. */
static void print_all_unclaimed(const nd_why_report *report, const printer *to)
{
    const pointstamp *const known = report->pointstamps.items;
    const bool moves = !report->n_silent && report->age_ms < STILL_MS;
    size_t n = 0;
    for (size_t i = 0; i < report->pointstamps.len && !report->is_incomplete; i++) {
        if (!is_unclaimed(report, &known[i]) || n++ >= MOST_UNCLAIMED)
            continue;
        if (!moves)
            print_unclaimed(report, to, &known[i]);
        else if (n == 1)
            to->print(to->context, "the rest is moving: ask again if it still does not end");
    }
}

void nd_why_report_print(const nd_why_report *report,
                         void (*print)(void *context, const char *text), void *context)
{
    const printer to = {print, context};
    print_holders(report, &to);
    print_all_unclaimed(report, &to);
    print_lines(&to, &report->silent, MOST_SILENT, "do not answer");
    print_lines(&to, &report->waits, MOST_WAITS, "wait");
    if (report->is_incomplete || report->holders.is_cut || report->silent.is_cut ||
        report->waits.is_cut)
        print(context, "not everything is listed: there was too much of it, or too little memory");
}
