/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/random/harness/random_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void run_is_wrong(random_run *run, const char *format, ...)
{
    if (run->is_wrong)
        return;
    run->is_wrong = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->why->text, sizeof run->why->text, format, arguments);
    va_end(arguments);
}

void instance_is_wrong(const instance *me, const nd_time *time, const char *what)
{
    char text[ND_TIME_TEXT_SIZE];
    run_is_wrong(me->run, "dataflow %u, vertex 'v%c' of worker %u, time %s: %s", me->flow,
                 'a' + (int)me->number, me->worker, nd_time_text(time, ND_MAX_LOOPS, text), what);
}

static bool play_once(random_play *play, uint64_t seed, const char *mutant, nd_message *why,
                      uint64_t *trace)
{
    random_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        abort();
    run->why = why;
    *trace = play(run, seed, mutant);
    const bool held = !run->is_wrong;
    ledger_free(&run->ledger);
    free(run);
    return held;
}

bool random_run_make(random_play *play, uint64_t seed, const char *mutant, nd_message *why)
{
    uint64_t trace, again;
    if (!play_once(play, seed, mutant, why, &trace))
        return false;
    if (seed % 8 != 0)
        return true;
    if (play_once(play, seed, mutant, why, &again) && again == trace)
        return true;
    nd_message_set(why, ND_FAILED, "the same seed made another run");
    return false;
}
