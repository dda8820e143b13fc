/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real clock. No state; any thread.
 */
#include "runtime/base/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t monotonic_now_ns(void *context)
{
    (void)context;
    struct timespec now = {0};
    /* It cannot fail: the clock exists on every Linux and the pointer is good. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

const nd_clock *nd_clock_system(void)
{
    static const nd_clock system = {monotonic_now_ns, NULL};
    return &system;
}
